package simulator

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Key is an alternate key.
type Key struct {
	// SchemaName is the name of the key.
	SchemaName string
	// Columns are logical names, lookups included.
	Columns []string

	columns []*Column
}

// TableSpec describes a table to add to a schema. LogicalName, EntitySet and
// PrimaryID are needed.
type TableSpec struct {
	LogicalName string
	// SchemaName is the name as its maker cased it. Default: LogicalName.
	SchemaName string
	// DisplayName and DisplayCollectionName are labels. Default: SchemaName.
	DisplayName, DisplayCollectionName string
	// EntitySet is the name in URLs, in exact case.
	EntitySet string
	// PrimaryID and PrimaryName are logical names of columns. They need not
	// be among Columns: PrimaryID is then added, and PrimaryName is added as
	// a text of 100 characters. PrimaryName may be empty.
	PrimaryID, PrimaryName string
	// ObjectTypeCode is the number of the table. Default: the next free one
	// from 10000.
	ObjectTypeCode int
	Ownership      Ownership
	// Activity tables inherit the columns and relationships of
	// activitypointer; their PrimaryID is activityid.
	Activity bool
	// Notes tables can be the target of an annotation.
	Notes bool
	// Activities tables can be what an activity is about (regarding).
	Activities bool
	// NoState tables have no statecode and statuscode; NoAudit tables have no
	// createdon, createdby and so on.
	NoState, NoAudit bool
	// NoOptimisticConcurrency tables refuse If-Match with an ETag.
	NoOptimisticConcurrency bool
	// Columns are the table's own. The columns that the service adds to
	// every table (section 11.2 of the fact sheet) are added where absent.
	Columns []Column
	Keys    []Key
	// PrivilegeName is what stands after the verb in the names of
	// privileges: "Contact" in prvReadContact. Default: SchemaName, and
	// "Activity" for activities.
	PrivilegeName string
}

// Table is a table of a schema. It must not be changed.
type Table struct {
	TableSpec
	// Columns are all columns, those that the service adds included.
	Columns []*Column
	// Keys are the alternate keys.
	Keys []*Key

	ordinal int
	columns map[string]*Column // by logical name
	wire    map[string]*Column // by name of the property
	navs    map[string]*navigation
	// navOrder are the names of navs in order of declaration.
	navOrder []string
	inbound  []*Relationship // relationships whose target is this table
	read     []*Column       // the columns that a row shows, in order
	pk       *Column
	name     *Column // the primary name column, or nil
	custom   bool
}

// Column gives a column by logical name, or nil.
func (t *Table) Column(logicalName string) *Column { return t.columns[logicalName] }

// isPrincipal reports whether the table's rows can own rows.
func (t *Table) isPrincipal() bool { return t.LogicalName == "systemuser" || t.LogicalName == "team" }

// Relationship is a many-to-one relationship: a lookup column and one of the
// tables that it can point at.
type Relationship struct {
	SchemaName string
	// Referencing is the table with the lookup, Column that lookup.
	Referencing *Table
	Column      *Column
	// Referenced is the table pointed at; nil: principal.
	Referenced *Table
	// Navigation and Collection are the properties on the two sides.
	Navigation, Collection string
	Delete                 Cascade
}

// ManyToMany is a many-to-many relationship.
type ManyToMany struct {
	// SchemaName names the relationship, and is the default of both
	// navigation properties.
	SchemaName string
	// Intersect is the logical name of the table behind the relationship.
	// Default: SchemaName in lower case.
	Intersect string
	// Table1 and Table2 are logical names.
	Table1, Table2 string
	// Navigation1 is the property on Table1 that leads to rows of Table2, and
	// Navigation2 the other way round.
	Navigation1, Navigation2 string

	one, two *Table
	ordinal  int
}

// navigation is a navigation property of a table.
type navigation struct {
	name       string
	collection bool
	// rel is set for the two sides of a many-to-one relationship.
	rel *Relationship
	// many is set for a many-to-many relationship; second is set on Table2.
	many   *ManyToMany
	second bool
	// target is the table behind it; nil: principal.
	target *Table
	// alias marks a second name of a property, such as ownerid beside
	// ownerid_appointment: accepted, not listed.
	alias bool
}

// Schema is the tables, columns, keys and relationships of an organisation:
// the one source of metadata, validation and queries. Build it before
// NewServer; a running server's schema must not be changed.
type Schema struct {
	tables []*Table
	byName map[string]*Table
	bySet  map[string]*Table
	many   []*ManyToMany
	// awaited are the lookups that name a table which is not there yet.
	awaited  map[string][]*Column
	nextCode int
	meta     atomic.Pointer[metadata] // nil: not asked for since the last change
}

// baseline is built once and never changed.
var baseline = sync.OnceValue(func() *Schema {
	s := newSchema()
	for _, spec := range baselineTables() {
		if err := s.AddTable(spec); err != nil {
			panic("simulator: baseline schema: " + err.Error())
		}
	}
	for _, m := range baselineManyToMany() {
		if err := s.AddManyToMany(m); err != nil {
			panic("simulator: baseline schema: " + err.Error())
		}
	}
	for _, t := range s.tables {
		t.custom = false
	}
	return s
})

// Baseline gives a schema of its own with the tables of section 11 of the fact
// sheet, to which a test can add.
func Baseline() *Schema { return baseline().Clone() }

// BaselineTable gives a table of the baseline as it is, or nil; to change it
// takes a schema of its own.
func BaselineTable(logicalName string) *Table { return baseline().Table(logicalName) }

func newSchema() *Schema {
	return &Schema{byName: map[string]*Table{}, bySet: map[string]*Table{}, awaited: map[string][]*Column{}, nextCode: 10000}
}

// Table gives a table by logical name, or nil.
func (s *Schema) Table(logicalName string) *Table { return s.byName[logicalName] }

// TableBySet gives a table by entity set name, or nil.
func (s *Schema) TableBySet(entitySet string) *Table { return s.bySet[entitySet] }

// Tables gives all tables in order of declaration.
func (s *Schema) Tables() []*Table { return slices.Clone(s.tables) }

// ManyToMany gives all many-to-many relationships.
func (s *Schema) ManyToMany() []*ManyToMany { return slices.Clone(s.many) }

// Relationships gives all many-to-one relationships.
func (s *Schema) Relationships() []*Relationship {
	var all []*Relationship
	for _, t := range s.tables {
		for _, c := range t.Columns {
			all = append(all, c.rels...)
		}
	}
	return all
}

// Clone gives a schema that can be changed without changing s.
func (s *Schema) Clone() *Schema {
	n := newSchema()
	n.nextCode = s.nextCode
	moved := make(map[*Table]*Table, len(s.tables))
	columns := map[*Column]*Column{}
	rels := map[*Relationship]*Relationship{}
	many := map[*ManyToMany]*ManyToMany{}
	for _, t := range s.tables {
		c := *t
		moved[t] = &c
		n.tables = append(n.tables, &c)
		n.byName[c.LogicalName] = &c
		n.bySet[c.EntitySet] = &c
	}
	for _, m := range s.many {
		c := *m
		c.one, c.two = moved[m.one], moved[m.two]
		many[m] = &c
		n.many = append(n.many, &c)
	}
	for _, t := range n.tables {
		old := t.Columns
		room := make([]Column, len(old))
		t.Columns = make([]*Column, len(old))
		t.columns = make(map[string]*Column, len(old))
		t.wire = make(map[string]*Column, len(old))
		t.read = make([]*Column, 0, len(old))
		for i, c := range old {
			d := &room[i]
			*d = *c
			d.table = t
			d.rels = nil
			columns[c] = d
			for _, r := range c.rels {
				q := *r
				q.Referencing, q.Column, q.Referenced = t, d, moved[r.Referenced]
				rels[r] = &q
				d.rels = append(d.rels, &q)
			}
			t.Columns[i] = d
			t.index(d)
		}
		ownLists(room)
		t.pk = columns[t.pk]
		if t.name != nil {
			t.name = columns[t.name]
		}
		keys := t.Keys
		t.Keys = nil
		for _, k := range keys {
			q := *k
			q.columns = nil
			for _, c := range k.columns {
				q.columns = append(q.columns, columns[c])
			}
			t.Keys = append(t.Keys, &q)
		}
	}
	for name, waiting := range s.awaited {
		n.awaited[name] = make([]*Column, len(waiting))
		for i, c := range waiting {
			n.awaited[name][i] = columns[c]
		}
	}
	for _, t := range n.tables {
		t.inbound = slices.Clone(t.inbound)
		for i, r := range t.inbound {
			t.inbound[i] = rels[r]
		}
		t.navOrder = slices.Clone(t.navOrder)
		t.navs = maps.Clone(t.navs)
		for name, nav := range t.navs {
			q := *nav
			q.target = moved[nav.target]
			q.rel = rels[nav.rel]
			q.many = many[nav.many]
			t.navs[name] = &q
		}
	}
	return n
}

// index makes a column findable by its names.
func (t *Table) index(c *Column) {
	t.columns[c.LogicalName] = c
	if c.Type == PartyList || c.Type == Virtual {
		return
	}
	t.wire[c.Wire()] = c
	if c.inOData() {
		t.read = append(t.read, c)
	}
}

// AddManyToMany adds a many-to-many relationship between two tables.
func (s *Schema) AddManyToMany(m ManyToMany) error {
	s.changed()
	m.one, m.two = s.byName[m.Table1], s.byName[m.Table2]
	switch {
	case m.SchemaName == "":
		return fmt.Errorf("a many-to-many relationship of %q and %q has no schema name", m.Table1, m.Table2)
	case m.one == nil:
		return fmt.Errorf("many-to-many relationship %q: there is no table %q", m.SchemaName, m.Table1)
	case m.two == nil:
		return fmt.Errorf("many-to-many relationship %q: there is no table %q", m.SchemaName, m.Table2)
	}
	if m.Intersect == "" {
		m.Intersect = strings.ToLower(m.SchemaName)
	}
	if m.Navigation1 == "" {
		m.Navigation1 = m.SchemaName
	}
	if m.Navigation2 == "" {
		m.Navigation2 = m.SchemaName
	}
	m.ordinal = len(s.many)
	s.many = append(s.many, &m)
	if err := m.one.addNav(&navigation{name: m.Navigation1, collection: true, many: &m, target: m.two}); err != nil {
		return err
	}
	if m.one == m.two && m.Navigation1 == m.Navigation2 {
		return nil
	}
	return m.two.addNav(&navigation{name: m.Navigation2, collection: true, many: &m, second: true, target: m.one})
}

func (t *Table) addNav(n *navigation) error {
	if old := t.navs[n.name]; old != nil && !old.alias {
		return fmt.Errorf("table %q has two navigation properties %q", t.LogicalName, n.name)
	}
	if t.navs[n.name] == nil {
		t.navOrder = append(t.navOrder, n.name)
	}
	t.navs[n.name] = n
	return nil
}
