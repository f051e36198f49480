package simulator

import (
	"slices"
	"strings"
)

// identityTest is for the functions that know who asks.
func (c *call) identityTest(col *Column, name string) (test, error) {
	if col.edm() != "Edm.Guid" {
		return nil, errQuery("The query function '%s' works on lookups and ids only: '%s' is none.", name, col.LogicalName)
	}
	var ids []guid
	not := strings.HasPrefix(name, "Not")
	user := c.view.get(c.server.schema.Table("systemuser"), c.caller.user)
	switch name {
	case "EqualBusinessId", "NotEqualBusinessId":
		if user != nil {
			if x, ok := user.ref(user.table.columns["businessunitid"]); ok {
				ids = append(ids, x.id)
			}
		}
	default:
		if name != "EqualUserTeams" {
			ids = append(ids, c.caller.user)
		}
		if strings.Contains(name, "Hierarchy") {
			ids = append(ids, c.below(user)...)
		}
		if strings.Contains(name, "Teams") {
			if m := c.server.schema.manyNamed("teammembership_association"); m != nil {
				ids = append(ids, c.view.linked(m, true, c.caller.user)...)
			}
		}
	}
	return func(_ *env, v any) truth {
		id, ok := idOf(v)
		if !ok {
			return truthOf(not)
		}
		return truthOf(slices.Contains(ids, id) != not)
	}, nil
}

func idOf(v any) (guid, bool) {
	switch v := v.(type) {
	case guid:
		return v, true
	case ref:
		return v.id, true
	}
	return guid{}, false
}

// parentColumn gives the lookup that makes a table a hierarchy.
func (t *Table) parentColumn() *Column {
	for _, col := range t.Columns {
		if strings.HasPrefix(col.LogicalName, "parent") && col.indexed && col.relTo(t) != nil && !col.NoUpdate {
			return col
		}
	}
	for _, col := range t.Columns {
		if col.indexed && !col.NoUpdate && col.relTo(t) != nil {
			return col
		}
	}
	return nil
}

// below gives the ids of the rows below a row in its hierarchy.
func (c *call) below(top *record) []guid {
	if top == nil {
		return nil
	}
	col := top.table.parentColumn()
	if col == nil {
		return nil
	}
	var ids []guid
	seen := map[guid]bool{top.id: true}
	next := []guid{top.id}
	for len(next) > 0 {
		id := next[0]
		next = next[1:]
		for _, child := range c.view.referencing(col, id) {
			if !seen[child.id] {
				seen[child.id] = true
				ids, next = append(ids, child.id), append(next, child.id)
			}
		}
	}
	return ids
}

// hierarchyTest is for Above, Under and their like, on the primary key or on a
// lookup.
func (c *call) hierarchyTest(col *Column, name, text string) (test, error) {
	id, ok := parseGUID(text)
	t := col.table
	if len(col.rels) > 0 {
		t = col.rels[0].Referenced
	}
	if !ok || t == nil || col.edm() != "Edm.Guid" {
		return nil, errQuery("The query function '%s' needs the id of a row, and a column of ids.", name)
	}
	parent := t.parentColumn()
	if parent == nil {
		return nil, errQuery("The table '%s' has no hierarchy.", t.LogicalName)
	}
	var ids []guid
	if r := c.view.get(t, id); r != nil {
		if strings.HasSuffix(name, "OrEqual") {
			ids = append(ids, id)
		}
		if strings.HasPrefix(name, "Above") {
			seen := map[guid]bool{}
			for {
				x, ok := r.ref(parent)
				if !ok || seen[x.id] {
					break
				}
				seen[x.id] = true
				ids = append(ids, x.id)
				if r = c.view.get(t, x.id); r == nil {
					break
				}
			}
		} else {
			ids = append(ids, c.below(r)...)
		}
	}
	not := name == "NotUnder"
	if not {
		ids = append(ids, id)
	}
	return func(_ *env, v any) truth {
		have, ok := idOf(v)
		if !ok {
			return truthOf(not)
		}
		return truthOf(slices.Contains(ids, have) != not)
	}, nil
}
