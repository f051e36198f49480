package simulator

import (
	"net/http"
	"slices"
	"strings"
)

// fetchPlan is a FetchXML query bound to the schema: its entities in document
// order, the first being the root.
type fetchPlan struct {
	call   *call
	query  *fetchQuery
	nodes  []*fetchTable
	byName map[string]*fetchTable // by alias, and by name where it is unique
}

// fetchTable is one entity or link-entity of a plan.
type fetchTable struct {
	entity  *fetchEntity
	index   int // in a fetchTuple
	parent  *fetchTable
	table   *Table
	rows    []*record // of an intersect table, which is no table of the store
	from    *Column   // on this table
	to      *Column   // on the parent
	columns []fetchColumn
	test    fetchTest // the filters, for link-entities as part of the join
	links   []*fetchTable
	visible func(*record) bool
	joined  map[any][]*record // by from, made when an index does not exist
}

// fetchTuple is one joined row: a record for each entity, nil where an outer
// join found none.
type fetchTuple []*record

// fetchTest is a condition on joined rows.
type fetchTest func(fetchTuple) bool

// fetchColumn is an attribute that is returned.
type fetchColumn struct {
	node   *fetchTable
	column *Column
	key    string // in the answer
	attr   fetchAttribute
}

// planFetch binds a query to the schema, and checks what the caller may read.
func (c *call) planFetch(q *fetchQuery, root *Table) (*fetchPlan, error) {
	p := &fetchPlan{call: c, query: q, byName: map[string]*fetchTable{}}
	if q.entity.name != root.LogicalName {
		return nil, fetchErrorf(codeFetchEntitiesDontMatch,
			"The entity name specified in fetchxml does not match the entity name specified in the Entity or Query Expression. %s != %s", q.entity.name, root.LogicalName)
	}
	n := &fetchTable{entity: q.entity, table: root}
	if err := p.add(n); err != nil {
		return nil, err
	}
	return p, p.bind()
}

// add puts an entity into the plan, and those below it.
func (p *fetchPlan) add(n *fetchTable) error {
	n.index = len(p.nodes)
	p.nodes = append(p.nodes, n)
	if n.entity.alias != "" {
		p.byName[n.entity.alias] = n
	}
	if _, taken := p.byName[n.entity.name]; !taken && n.parent != nil {
		p.byName[n.entity.name] = n
	}
	if n.rows == nil {
		if err := p.call.privilege(n.table, Read); err != nil {
			return err
		}
		n.visible = p.call.visible(n.table)
	}
	for _, link := range n.entity.links {
		child, err := p.link(n, link)
		if err != nil {
			return err
		}
		n.links = append(n.links, child)
		if err := p.add(child); err != nil {
			return err
		}
	}
	return nil
}

// link finds the table of a link-entity and the columns that join it.
func (p *fetchPlan) link(parent *fetchTable, e *fetchEntity) (*fetchTable, error) {
	n := &fetchTable{entity: e, parent: parent, table: p.call.server.schema.Table(e.name)}
	if n.table == nil || e.intersect {
		if t, rows := p.call.intersectTable(e.name); t != nil {
			n.table, n.rows = t, rows
		}
	}
	if n.table == nil {
		return nil, errNoEntity(e.name)
	}
	if e.from == "" {
		if err := n.inferJoin(); err != nil {
			return nil, err
		}
		return n, nil
	}
	if n.from = n.table.Column(e.from); n.from == nil {
		return nil, errNoAttribute(n.table, e.from)
	}
	if n.to = parent.table.Column(e.to); n.to == nil {
		return nil, errNoAttribute(parent.table, e.to)
	}
	return n, nil
}

// inferJoin joins by the one lookup between the two tables.
func (n *fetchTable) inferJoin() error {
	var found [][2]*Column
	for _, c := range n.parent.table.Columns {
		if c.relTo(n.table) != nil && c.system == sysNone {
			found = append(found, [2]*Column{n.table.pk, c})
		}
	}
	for _, c := range n.table.Columns {
		if c.relTo(n.parent.table) != nil && c.system == sysNone {
			found = append(found, [2]*Column{c, n.parent.table.pk})
		}
	}
	if len(found) != 1 {
		return fetchErrorf(codeFetchAttributeMissing, "A required attribute was not specified. NodeName = link-entity, Attribute = from")
	}
	n.from, n.to = found[0][0], found[0][1]
	return nil
}

func errNoEntity(name string) error {
	return failf(http.StatusBadRequest, codeFetchNoEntity, "The entity with a name = '%s' with namemapping = 'Logical' was not found in the MetadataCache.", name)
}

func errNoAttribute(t *Table, name string) error {
	return failf(http.StatusBadRequest, codeFetchNoAttribute, "'%s' entity doesn't contain attribute with Name = '%s' and NameMapping = 'Logical'.", t.LogicalName, name)
}

// intersectTable makes a table of the pairs of a many-to-many relationship, so
// that a link-entity can go through it.
func (c *call) intersectTable(name string) (*Table, []*record) {
	i := slices.IndexFunc(c.server.schema.many, func(m *ManyToMany) bool { return m.Intersect == name })
	if i < 0 {
		return nil, nil
	}
	m := c.server.schema.many[i]
	one, two := m.one.PrimaryID, m.two.PrimaryID
	if m.one == m.two {
		one, two = one+"one", two+"two"
	}
	t := &Table{TableSpec: TableSpec{LogicalName: name, SchemaName: name, EntitySet: name}, columns: map[string]*Column{}}
	for i, name := range []string{one, two} {
		col := &Column{LogicalName: name, Type: UniqueID, ordinal: i, table: t}
		t.Columns = append(t.Columns, col)
		t.columns[name] = col
	}
	pair := &shape{ordinals: []uint16{0, 1}, pos: []int16{0, 1}}
	rows := []*record{}
	for _, left := range c.view.rows(m.one) {
		for _, right := range c.view.linked(m, false, left.id) {
			rows = append(rows, &record{table: t, id: left.id, shape: pair, vals: []any{left.id, right}})
		}
	}
	return t, rows
}

// bind resolves attributes, orders and filters, now that all entities are
// known.
func (p *fetchPlan) bind() error {
	for _, n := range p.nodes {
		if err := p.bindColumns(n); err != nil {
			return err
		}
		test, err := p.filters(n, n.entity.filters)
		if err != nil {
			return err
		}
		n.test = test
	}
	return nil
}

func (p *fetchPlan) bindColumns(n *fetchTable) error {
	e := n.entity
	all := e.all || n.parent == nil && len(e.attributes) == 0 && !p.query.aggregate
	if all {
		for _, col := range n.table.read {
			n.columns = append(n.columns, fetchColumn{node: n, column: col, key: n.keyOf(col, "")})
		}
		return nil
	}
	for _, a := range e.attributes {
		col := n.table.Column(a.name)
		if col == nil {
			return errNoAttribute(n.table, a.name)
		}
		if a.aggregate != "" || a.groupBy {
			if err := p.call.mayQueryColumn(col); err != nil {
				return err
			}
			if err := checkAggregate(col, a); err != nil {
				return err
			}
		}
		if !col.inOData() {
			continue
		}
		n.columns = append(n.columns, fetchColumn{node: n, column: col, key: n.keyOf(col, a.alias), attr: a})
	}
	if n.parent == nil && !p.query.aggregate && !p.query.distinct && n.table.pk != nil {
		if !slices.ContainsFunc(n.columns, func(f fetchColumn) bool { return f.column == n.table.pk }) {
			n.columns = append(n.columns, fetchColumn{node: n, column: n.table.pk, key: n.table.pk.LogicalName})
		}
	}
	return nil
}

// keyOf is the name of a column in the answer: the property's for the root,
// alias.column for a link, or the attribute's own alias.
func (n *fetchTable) keyOf(col *Column, alias string) string {
	switch {
	case alias != "":
		return alias
	case n.parent == nil:
		return col.Wire()
	}
	return n.entity.alias + "." + col.LogicalName
}

// named finds an entity by alias or name, as conditions and orders refer to
// it.
func (p *fetchPlan) named(name string) (*fetchTable, error) {
	if n := p.byName[name]; n != nil {
		return n, nil
	}
	return nil, fetchErrorf(codeFetchAliasUnknown, "LinkEntity with name or alias %s is not found", name)
}

// context lists the columns for the context URL.
func (p *fetchPlan) context() string {
	var names []string
	for _, n := range p.nodes {
		for _, f := range n.columns {
			names = append(names, f.key)
		}
	}
	return p.call.base + "/$metadata#" + p.nodes[0].table.EntitySet + "(" + strings.Join(names, ",") + ")"
}
