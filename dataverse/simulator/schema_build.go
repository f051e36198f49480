package simulator

import (
	"fmt"
	"slices"
	"strings"
)

// systemColumn marks the columns that the service itself fills.
type systemColumn uint8

const (
	sysNone systemColumn = iota
	sysCreatedOn
	sysModifiedOn
	sysCreatedBy
	sysModifiedBy
	sysCreatedOnBehalf
	sysModifiedOnBehalf
	sysOverriddenCreatedOn
	sysOwner
	sysOwningUser
	sysOwningTeam
	sysOwningUnit
	sysState
	sysStatus
	sysVersion
	sysPrimary
	sysCurrency
	sysExchangeRate
)

var systemColumns = map[string]systemColumn{
	"createdon": sysCreatedOn, "modifiedon": sysModifiedOn,
	"createdby": sysCreatedBy, "modifiedby": sysModifiedBy,
	"createdonbehalfby": sysCreatedOnBehalf, "modifiedonbehalfby": sysModifiedOnBehalf,
	"overriddencreatedon": sysOverriddenCreatedOn,
	"ownerid":             sysOwner, "owninguser": sysOwningUser, "owningteam": sysOwningTeam,
	"owningbusinessunit": sysOwningUnit,
	"statecode":          sysState, "statuscode": sysStatus, "versionnumber": sysVersion,
	"transactioncurrencyid": sysCurrency, "exchangerate": sysExchangeRate,
}

// AddTable adds a table, with the columns that every table has. A lookup may
// name a table that is added later; see [Schema.Unresolved].
func (s *Schema) AddTable(spec TableSpec) error {
	s.changed()
	switch {
	case spec.LogicalName == "":
		return fmt.Errorf("a table has no logical name")
	case spec.EntitySet == "":
		return fmt.Errorf("table %q has no entity set", spec.LogicalName)
	case s.byName[spec.LogicalName] != nil:
		return fmt.Errorf("there are two tables %q", spec.LogicalName)
	case s.bySet[spec.EntitySet] != nil:
		return fmt.Errorf("tables %q and %q have the same entity set %q", s.bySet[spec.EntitySet].LogicalName, spec.LogicalName, spec.EntitySet)
	}
	if spec.Activity {
		spec.PrimaryID, spec.PrimaryName = "activityid", "subject"
	}
	if spec.PrimaryID == "" {
		return fmt.Errorf("table %q has no primary id", spec.LogicalName)
	}
	if spec.SchemaName == "" {
		spec.SchemaName = spec.LogicalName
	}
	if spec.DisplayName == "" {
		spec.DisplayName = spec.SchemaName
	}
	if spec.DisplayCollectionName == "" {
		spec.DisplayCollectionName = spec.DisplayName + "s"
	}
	if spec.ObjectTypeCode == 0 {
		spec.ObjectTypeCode = s.nextCode
		s.nextCode++
	}
	if spec.PrivilegeName == "" {
		spec.PrivilegeName = spec.SchemaName
		if spec.Activity || spec.LogicalName == "activitypointer" {
			spec.PrivilegeName = "Activity"
		}
	}
	columns := s.withInherited(spec)
	t := &Table{
		TableSpec: spec, ordinal: len(s.tables), custom: true, Columns: make([]*Column, 0, len(columns)),
		columns: make(map[string]*Column, len(columns)), wire: make(map[string]*Column, len(columns)), navs: make(map[string]*navigation, len(columns)),
		read: make([]*Column, 0, len(columns)),
	}
	room := make([]Column, len(columns)) // a table's columns lie side by side
	for i, c := range columns {
		room[i] = *c
	}
	ownLists(room)
	for i := range room {
		c := &room[i]
		if c.LogicalName == "" || c.Type == 0 {
			return fmt.Errorf("table %q: column %q needs a logical name and a type", spec.LogicalName, c.LogicalName)
		}
		if t.columns[c.LogicalName] != nil {
			return fmt.Errorf("table %q has two columns %q", spec.LogicalName, c.LogicalName)
		}
		t.addColumn(c)
	}
	t.pk = t.columns[spec.PrimaryID]
	t.name = t.columns[spec.PrimaryName]
	for _, k := range spec.Keys {
		if err := t.addKey(k); err != nil {
			return err
		}
	}
	s.tables = append(s.tables, t)
	s.byName[t.LogicalName] = t
	s.bySet[t.EntitySet] = t
	return s.link(t)
}

// AddColumns adds columns to a table that is in the schema already.
func (s *Schema) AddColumns(table string, columns ...Column) error {
	s.changed()
	t := s.byName[table]
	if t == nil {
		return fmt.Errorf("there is no table %q", table)
	}
	if table == "activitypointer" {
		return fmt.Errorf("columns cannot be added to activitypointer, which other tables inherit")
	}
	columns = slices.Clone(columns)
	ownLists(columns)
	for i := range columns {
		c := &columns[i]
		if c.LogicalName == "" || c.Type == 0 {
			return fmt.Errorf("table %q: column %q needs a logical name and a type", table, c.LogicalName)
		}
		if t.columns[c.LogicalName] != nil {
			return fmt.Errorf("table %q has two columns %q", table, c.LogicalName)
		}
		t.addColumn(c)
		for _, target := range c.Targets {
			if err := s.addTarget(c, target); err != nil {
				return err
			}
		}
	}
	return nil
}

// AddKey adds an alternate key to a table that is in the schema already.
func (s *Schema) AddKey(table string, k Key) error {
	s.changed()
	t := s.byName[table]
	if t == nil {
		return fmt.Errorf("there is no table %q", table)
	}
	t.Keys = slices.Clip(t.Keys)
	return t.addKey(k)
}

// AddTarget lets a lookup point at one more table.
func (s *Schema) AddTarget(table, column string, target Target) error {
	s.changed()
	t := s.byName[table]
	if t == nil || t.columns[column] == nil {
		return fmt.Errorf("there is no column %q on table %q", column, table)
	}
	c := t.columns[column]
	if !c.Type.IsLookup() {
		return fmt.Errorf("column %q of table %q is no lookup", column, table)
	}
	c.Targets = append(c.Targets, target)
	return s.addTarget(c, target)
}

// Unresolved lists the tables that lookups name and that the schema lacks:
// such a lookup is always null. The baseline has a few, on purpose.
func (s *Schema) Unresolved() []string {
	var names []string
	for _, t := range s.tables {
		for _, c := range t.Columns {
			for _, target := range c.Targets {
				if target.Table != "principal" && s.byName[target.Table] == nil && !slices.Contains(names, target.Table) {
					names = append(names, target.Table)
				}
			}
		}
	}
	slices.Sort(names)
	return names
}

// withInherited gives the columns of a table in order: for an activity those
// of activitypointer first, so that they have the same ordinals in all
// activities; then its own; then those that the service adds.
func (s *Schema) withInherited(spec TableSpec) []*Column {
	all := make([]*Column, 0, len(spec.Columns)+24) // room for those of the service
	named := func(columns []*Column, name string) int {
		return slices.IndexFunc(columns, func(c *Column) bool { return c.LogicalName == name })
	}
	own := make([]*Column, len(spec.Columns))
	for i := range own {
		own[i] = &spec.Columns[i]
	}
	if base := s.byName["activitypointer"]; spec.Activity && base != nil {
		for _, p := range base.Columns {
			if i := named(own, p.LogicalName); i >= 0 {
				all = append(all, own[i])
				own = slices.Delete(own, i, i+1)
				continue
			}
			all = append(all, p.inherited(spec))
		}
	} else if named(own, spec.PrimaryID) < 0 {
		all = append(all, &Column{LogicalName: spec.PrimaryID, Type: UniqueID, Required: SystemRequired, NoUpdate: true})
	}
	all = append(all, own...)
	if spec.PrimaryName != "" && named(all, spec.PrimaryName) < 0 {
		all = append(all, &Column{LogicalName: spec.PrimaryName, Type: String, MaxLength: 100})
	}
	money := slices.ContainsFunc(all, func(c *Column) bool { return c.Type == Money })
	for _, c := range serviceColumns(serviceSet{audit: !spec.NoAudit, owner: spec.Ownership == UserOwned, state: !spec.NoState, money: money}) {
		if named(all, c.LogicalName) < 0 {
			all = append(all, c)
		}
	}
	for i := range len(all) {
		if c := all[i]; c.Type == Money && !strings.HasSuffix(c.LogicalName, "_base") && named(all, c.LogicalName+"_base") < 0 {
			all = append(all, &Column{
				LogicalName: c.LogicalName + "_base", Type: Money, Precision: 4, NoCreate: true, NoUpdate: true,
				SchemaName: schemaName(c) + "_Base", DisplayName: schemaName(c) + " (Base)",
			})
		}
	}
	return all
}

// inherited gives an activity's copy of a column of activitypointer; what the
// column is about is linked anew.
func (c *Column) inherited(spec TableSpec) *Column {
	d := *c
	d.rels = nil
	d.Targets = nil
	if c.LogicalName != "regardingobjectid" {
		for _, target := range c.Targets {
			target.Collection, target.SchemaName = inheritedCollection(c, spec), ""
			d.Targets = append(d.Targets, target)
		}
	}
	if c.LogicalName == "statecode" {
		d.NoCreate = true
	}
	return &d
}

// inheritedCollection names the property that leads back to an activity along
// a lookup that it inherits, as the platform names it; empty: there is none.
func inheritedCollection(c *Column, spec TableSpec) string {
	switch c.system {
	case sysCreatedBy, sysModifiedBy, sysCreatedOnBehalf, sysModifiedOnBehalf:
		return "lk_" + spec.LogicalName + "_" + c.LogicalName
	case sysOwningUser:
		return "user_" + spec.LogicalName
	case sysOwningTeam:
		return "team_" + spec.LogicalName
	case sysOwningUnit:
		name := strings.ToLower(strings.ReplaceAll(spec.DisplayName, " ", "_"))
		return "business_unit_" + name + "_activities"
	case sysCurrency:
		return "TransactionCurrency_" + spec.SchemaName
	}
	return ""
}

func schemaName(c *Column) string {
	if c.SchemaName != "" {
		return c.SchemaName
	}
	return c.LogicalName
}

// ownLists gives columns options and targets that nobody else has: a caller, or
// another schema. Those of all columns lie in one piece.
func ownLists(columns []Column) {
	var options, targets int
	for i := range columns {
		options += len(columns[i].Options)
		targets += len(columns[i].Targets)
	}
	allOptions, allTargets := make([]Option, 0, options), make([]Target, 0, targets)
	for i := range columns {
		c := &columns[i]
		c.Options, allOptions = moved(c.Options, allOptions)
		c.Targets, allTargets = moved(c.Targets, allTargets)
	}
}

// moved copies a list behind others, without room to grow into those after it.
func moved[T any](list, others []T) (own, all []T) {
	if len(list) == 0 {
		return list[:0:0], others
	}
	all = append(others, list...)
	return all[len(others):len(all):len(all)], all
}

// addColumn completes a column with its defaults and adds it.
func (t *Table) addColumn(c *Column) {
	if c.SchemaName == "" {
		c.SchemaName = c.LogicalName
	}
	if c.DisplayName == "" {
		c.DisplayName = c.SchemaName
	}
	switch c.Type {
	case String:
		if c.MaxLength == 0 {
			c.MaxLength = 100
		}
	case Memo:
		if c.MaxLength == 0 {
			c.MaxLength = 2000
		}
	case Integer:
		if c.Min == 0 && c.Max == 0 {
			c.Min, c.Max = -maxInt32-1, maxInt32
		}
	case BigInt:
		c.Min, c.Max = -1<<63, 1<<63-1
	case Double:
		if c.Precision == 0 {
			c.Precision = 5
		}
		if c.Min == 0 && c.Max == 0 {
			c.Min, c.Max = -1e11, 1e11
		}
	case Decimal:
		if c.Precision == 0 {
			c.Precision = 2
		}
		if c.Min == 0 && c.Max == 0 {
			c.Min, c.Max = -1e11, 1e11
		}
	case Money:
		if c.Precision == 0 {
			c.Precision = 2
		}
		if c.Min == 0 && c.Max == 0 {
			c.Min, c.Max = -922337203685477, 922337203685477
		}
	case Boolean:
		if len(c.Options) == 0 {
			c.Options = []Option{{Value: 0, Label: "No"}, {Value: 1, Label: "Yes"}}
		}
		if c.Default == nil {
			c.Default = c.LogicalName == "followemail" // a yes/no column is never empty
		}
	case EntityName:
		c.MaxLength = 100
	case Image:
		c.MaxLength = 1 << 30
	}
	if c.options = nil; len(c.Options) > fewOptions {
		c.options = make(map[int64]int, len(c.Options))
		for i, o := range c.Options {
			c.options[int64(o.Value)] = i
		}
	}
	c.ordinal = len(t.Columns)
	c.table = t
	c.system = systemColumns[c.LogicalName]
	if c.Type == Lookup && len(c.Targets) == 0 {
		switch c.system {
		case sysCreatedBy, sysModifiedBy, sysCreatedOnBehalf, sysModifiedOnBehalf, sysOwningUser:
			c.Targets = []Target{{Table: "systemuser"}}
		case sysOwningTeam:
			c.Targets = []Target{{Table: "team"}}
		case sysOwningUnit:
			c.Targets = []Target{{Table: "businessunit"}}
		}
	}
	if c.system == sysOwner && c.Type != Owner {
		c.system = sysNone
		if t.isPrincipal() {
			c.system = sysPrimary // users and teams are keyed by ownerid in CSDL
		}
	}
	if c.LogicalName == t.PrimaryID {
		c.system = sysPrimary
		c.NoUpdate = true
	}
	c.indexed = c.Type.IsLookup() && (c.system == sysNone || c.system == sysOwner)
	t.Columns = append(t.Columns, c)
	t.index(c)
}

func (t *Table) addKey(k Key) error {
	if len(k.Columns) == 0 || len(k.Columns) > 16 {
		return fmt.Errorf("key %q of table %q has %d columns; 1 to 16 are possible", k.SchemaName, t.LogicalName, len(k.Columns))
	}
	k.columns = nil
	for _, name := range k.Columns {
		c := t.columns[name]
		if c == nil {
			return fmt.Errorf("key %q of table %q: there is no column %q", k.SchemaName, t.LogicalName, name)
		}
		k.columns = append(k.columns, c)
	}
	if k.SchemaName == "" {
		k.SchemaName = strings.Join(k.Columns, "_")
	}
	if len(t.Keys) == 10 {
		return fmt.Errorf("table %q has more than 10 alternate keys", t.LogicalName)
	}
	t.Keys = append(t.Keys, &k)
	return nil
}
