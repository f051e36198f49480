package pattern

import (
	"slices"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/entity"
)

// queries builds the queries of a step from what is known by now.
func (r *ReadPlan) queries(s *step) []*dataverse.Query {
	p := s.tree.part
	c := &r.conditions[p.index]
	query := func(f dataverse.Filter) *dataverse.Query {
		q := &dataverse.Query{
			EntitySet: p.Entity.EntitySet, Table: p.Entity.Table, Select: p.Entity.Columns(),
			Filter: f, OrderBy: []dataverse.Order{{Column: p.Entity.PrimaryKey}},
			Expand: r.expands(s.tree), Annotations: true, Source: r.pattern.ID + "." + p.Ref,
		}
		return q
	}
	if s.from == nil || s.path != nil {
		filters := c.filters
		if len(s.path) > 0 {
			filters = slices.Concat(filters, s.path)
		}
		var queries []*dataverse.Query
		for _, f := range split(filters) {
			queries = append(queries, query(f))
		}
		r.top(s, queries)
		return queries
	}
	var queries []*dataverse.Query
	for _, join := range r.joins(s) {
		queries = append(queries, query(c.filter(join)))
	}
	r.top(s, queries)
	return queries
}

// joins gives the conditions that choose the records joined to those that are
// there, each small enough for one request.
func (r *ReadPlan) joins(s *step) []dataverse.Filter {
	p := s.tree.part
	other := s.from.other(p)
	var values []dataverse.Value
	if s.known {
		for _, id := range r.conditions[other.index].ids {
			values = append(values, id)
		}
	} else {
		rows := r.pools[other.index].rows
		if s.source.locate {
			rows = s.source.located.rows
		}
		seen := map[string]bool{}
		for _, row := range rows {
			for _, key := range s.from.keys(other, row.rec) {
				if !seen[key] {
					seen[key] = true
					values = append(values, s.from.literal(other, row.rec, key))
				}
			}
		}
	}
	field := s.from.side(p)
	if field.Type == entity.TypePartyList {
		var out []dataverse.Filter
		for chunk := range slices.Chunk(values, maxPartyChunk) {
			out = append(out, field.PartyMatch(chunk))
		}
		return out
	}
	return ins(field.WireColumn(), values)
}

// ins asks for a column's values, in as many conditions as fit into requests.
func ins(column string, values []dataverse.Value) []dataverse.Filter {
	most := maxInBytes
	if total := bytesOf(values); total > sideBySide*maxInBytes {
		most = fullRounds(total, len(values))
	}
	var out []dataverse.Filter
	for len(values) > 0 {
		n, size := 0, 0
		for n < len(values) {
			size += valueBytes(values[n])
			if n > 0 && size > most {
				break
			}
			n++
		}
		if n == 1 {
			out = append(out, dataverse.Compare{Column: column, Op: dataverse.Eq, Value: values[0]})
		} else {
			out = append(out, dataverse.In{Column: column, Values: values[:n]})
		}
		values = values[n:]
	}
	return out
}

// fullRounds gives the size of conditions for more values than queries of one
// round can ask for: in a $batch, whose URLs may be longer, as few full rounds
// as there can be.
func fullRounds(total, values int) int {
	queries := max((total-1)/maxInBatchBytes, (values-1)/maxInValues) + 1
	queries = (queries + sideBySide - 1) / sideBySide * sideBySide
	return total/queries + total/values + 1 // one value more, for they differ in length
}

func bytesOf(values []dataverse.Value) (n int) {
	for _, v := range values {
		n += valueBytes(v)
	}
	return n
}

// valueBytes estimates the length of a value in a URL, quotes and comma
// included.
func valueBytes(v dataverse.Value) int {
	const around = 9
	switch v := v.(type) {
	case string:
		n := around + len(v)
		for i := range len(v) {
			c := v[i]
			if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' && c != '~' && c != ' ' {
				n += len("%41") - 1
			}
		}
		return n
	case dataverse.GUID:
		return around + len(v)
	}
	return around + 24
}

// split cuts a long In among the conditions, so that each query fits into a
// URL.
func split(filters []dataverse.Filter) []dataverse.Filter {
	c := condition{filters: filters}
	for i, f := range filters {
		in, ok := f.(dataverse.In)
		if !ok || in.Not {
			continue
		}
		parts := ins(in.Column, in.Values)
		if len(parts) < 2 {
			continue
		}
		rest := condition{filters: slices.Delete(slices.Clone(filters), i, i+1)}
		out := make([]dataverse.Filter, len(parts))
		for j, part := range parts {
			out[j] = rest.filter(part)
		}
		return out
	}
	return []dataverse.Filter{c.filter()}
}

// expands builds the $expand of a node's children and of its parties.
func (r *ReadPlan) expands(n *fetchNode) []dataverse.Expand {
	var out []dataverse.Expand
	if parties, ok := n.part.Entity.PartiesExpand(); ok {
		out = append(out, parties)
	}
	for _, c := range n.children {
		x := dataverse.Expand{
			Property: c.property, Collection: c.collection, Table: c.part.Entity.Table,
			Select: c.part.Entity.Columns(), Expand: r.expands(c),
		}
		if c.collection {
			x.Filter = r.conditions[c.part.index].filter()
			r.topExpand(n, c, &x)
		}
		out = append(out, x)
	}
	return out
}

// top leaves sorting and cutting to the service where that gives the same:
// otherwise all records are read and cut here.
func (r *ReadPlan) top(s *step, queries []*dataverse.Query) {
	p := s.tree.part
	if len(queries) != 1 || p.Query == nil || p.Query.Limit == 0 || s.tree.locate || !r.cuttable(s) {
		return
	}
	queries[0].Top = p.Query.Limit
	queries[0].OrderBy = p.wireOrder()
}

// topExpand leaves sorting and cutting of an expanded part to the service: it
// does so for each record, where nothing is nested in the query (fact sheet,
// section 4.5).
func (r *ReadPlan) topExpand(n, c *fetchNode, x *dataverse.Expand) {
	p := c.part
	if p.Query == nil || p.Query.Limit == 0 || n.part.AllowsMultiple || len(r.walk.earlier[p]) != 1 || !n.flat {
		return
	}
	x.OrderBy, x.Top = p.wireOrder(), p.Query.Limit
}

// isFlat reports whether no expand of the query has one inside.
func isFlat(root *fetchNode) bool {
	for _, c := range root.children {
		if _, parties := c.part.Entity.PartiesExpand(); parties || len(c.children) > 0 {
			return false
		}
	}
	return true
}

// cuttable reports whether nothing but the step's own conditions decides which
// of the part's records stay.
func (r *ReadPlan) cuttable(s *step) bool {
	p := s.tree.part
	for _, e := range r.walk.earlier[p] {
		if e != s.from {
			return false
		}
	}
	if s.path != nil {
		return false
	}
	if s.from != nil {
		// One result alone, for the limit is one of each.
		other := s.from.other(p)
		if other.AllowsMultiple {
			return false
		}
		return s.known && len(r.conditions[other.index].ids) == 1 || !s.known && len(r.pools[other.index].rows) == 1
	}
	if p.AllowsMultiple {
		return p == r.walk.order[0]
	}
	if p != r.walk.order[0] {
		return false
	}
	// The first part cuts the results, so none may fall away or split later.
	for _, o := range r.pattern.Parts[1:] {
		if !o.Optional {
			return false
		}
		e := r.walk.parent[o]
		if !o.AllowsMultiple && !(e.holder == p && e.byID() && e.field.Type == entity.TypeLookup) {
			return false
		}
	}
	return p.index == 0
}

// wireOrder is the part's order for the service, ties by id.
func (p *Part) wireOrder() []dataverse.Order {
	id := dataverse.Order{Column: p.Entity.PrimaryKey}
	if p.Query.Sort == "" || p.Query.Sort == entity.IDField {
		id.Descending = p.Query.Descending
		return []dataverse.Order{id}
	}
	f, _ := p.Entity.Field(p.Query.Sort)
	return []dataverse.Order{{Column: f.WireColumn(), Descending: p.Query.Descending}, id}
}
