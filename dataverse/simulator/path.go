package simulator

import "strings"

// columnPath leads from a row through lookups to a column.
type columnPath struct {
	base   int
	hops   []*navigation
	column *Column
}

// end resolves the last name of a path.
func (p *columnPath) end(c *call, t *Table, name string) error {
	if t == nil {
		// principal: its one property is ownerid.
		if name != "ownerid" {
			return propertyOn(nil, name)
		}
		t = c.server.schema.Table("systemuser")
	}
	col := t.wire[name]
	if col == nil || col.NoRead {
		return propertyOn(t, name)
	}
	p.column = col
	return c.mayQueryColumn(col)
}

// resolvePath reads "nav/nav/column".
func resolvePath(c *call, t *Table, text string) (*columnPath, error) {
	p := &columnPath{}
	names := strings.Split(strings.TrimSpace(text), "/")
	for _, name := range names[:len(names)-1] {
		nav := navOf(t, name)
		if nav == nil {
			return nil, propertyOn(t, name)
		}
		if nav.collection {
			return nil, errQuery("The parent value for a property access of a property '%s' is not a single value. Property access can only be applied to a single value.", name)
		}
		p.hops = append(p.hops, nav)
		t = nav.target
	}
	return p, p.end(c, t, names[len(names)-1])
}

// follow gives the row at the end of the hops, or nil.
func (e *env) follow(base int, hops []*navigation) *record {
	r := e.rows[base]
	for _, nav := range hops {
		x, ok := r.ref(nav.rel.Column)
		if !ok || nav.target != nil && x.table != nav.target && !nav.leadsTo(x.table) {
			return nil
		}
		if r = e.view.target(x); r == nil || !e.mayRead(r) {
			return nil
		}
	}
	return r
}

// leadsTo reports whether a row of t can stand behind the property.
func (n *navigation) leadsTo(t *Table) bool {
	switch {
	case n.target == nil:
		return t.isPrincipal()
	case n.target.LogicalName == "activitypointer":
		return t.Activity
	}
	return n.target == t
}

// value gives the path's value for the rows in scope.
func (p *columnPath) value(e *env) any {
	r := e.rows[p.base]
	if len(p.hops) > 0 {
		if r = e.follow(p.base, p.hops); r == nil {
			return nil
		}
	}
	return r.get(p.column)
}

// simple reports whether the path is a column of the query's own row.
func (p *columnPath) simple() bool { return p.base == 0 && len(p.hops) == 0 }

// each calls fn for the rows behind a collection until it returns false.
func (e *env) each(r *record, nav *navigation, fn func(*record) bool) {
	e.view.behind(r, nav, fn)
}

// behind calls fn for the rows that a collection of r has, in order of
// creation or of linking, until it returns false.
func (v *view) behind(r *record, nav *navigation, fn func(*record) bool) {
	if nav.many != nil {
		for _, id := range v.linked(nav.many, nav.second, r.id) {
			if child := v.get(nav.target, id); child != nil && !fn(child) {
				return
			}
		}
		return
	}
	for _, child := range v.referencing(nav.rel.Column, r.id) {
		if !fn(child) {
			return
		}
	}
}
