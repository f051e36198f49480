package pattern

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
)

// row is one record that a part may hold.
type row struct {
	id  string
	rec dataverse.Record
	// out is the record as playbooks see it, made when first needed.
	out map[string]any
}

// pool is all records that were read for a part, each once.
type pool struct {
	rows []*row
	ids  map[string]bool // of the rows, once they are many
	room []row           // for rows to come
}

// reserve makes room for as many rows.
func (p *pool) reserve(n int) {
	if p.rows == nil {
		p.rows = make([]*row, 0, n)
	}
	p.room = make([]row, n)
}

// few is how many are found sooner by looking through them.
const few = 8

func (p *pool) has(id string) bool {
	if p.ids == nil {
		return slices.ContainsFunc(p.rows, func(r *row) bool { return r.id == id })
	}
	return p.ids[id]
}

func (p *pool) add(id string, rec dataverse.Record) {
	if id == "" || p.has(id) {
		return
	}
	if len(p.room) == 0 {
		p.room = make([]row, 1)
	}
	r := &p.room[0]
	p.room = p.room[1:]
	r.id, r.rec = id, rec
	p.rows = append(p.rows, r)
	switch {
	case p.ids != nil:
		p.ids[id] = true
	case len(p.rows) > few:
		p.ids = make(map[string]bool, 2*few)
		for _, r := range p.rows {
			p.ids[r.id] = true
		}
	}
}

// evaluation joins the pools into results: hash joins along the walk.
type evaluation struct {
	pattern *Pattern
	walk    *walk
	pools   []pool // of each part
	// index finds, for an edge and a side, the rows that have a key.
	index map[side]map[string][]*row
	// most results are let through.
	most int
}

type side struct {
	edge *edge
	part *Part
}

// instance is a result in the making: the rows of each part, by its index.
type instance [][]*row

func (e *evaluation) run() ([]instance, error) {
	var instances []instance
	root := e.walk.order[0]
	switch {
	case root.AllowsMultiple:
		rows := e.arrange(root, slices.Clone(e.pools[root.index].rows))
		if len(rows) == 0 && !root.Optional {
			return nil, nil
		}
		inst := make(instance, len(e.pattern.Parts))
		inst[root.index] = rows
		instances = append(instances, inst)
	case len(e.pools[root.index].rows) == 0 && root.Optional:
		// All parts may be absent, and the root is: nothing is joined to it.
		return nil, nil
	default:
		rows, n := e.pools[root.index].rows, len(e.pattern.Parts)
		instances = make([]instance, len(rows))
		all := make(instance, n*len(rows))
		for i := range rows {
			instances[i] = all[i*n : (i+1)*n : (i+1)*n]
			instances[i][root.index] = rows[i : i+1 : i+1]
		}
	}
	for _, part := range e.walk.order[1:] {
		var next []instance
		for _, inst := range instances {
			if next = append(next, e.extend(inst, part)...); len(next) > e.most {
				return nil, &Error{Code: "too-many-results", Part: part.Ref, Pos: part.Pos,
					Message: fmt.Sprintf("with it there are more than %d results; narrow the read, or let the part have allowsMultiple", e.most)}
			}
		}
		instances = next
	}
	return e.sort(instances), nil
}

// extend gives the instances that come of one when the part is joined.
func (e *evaluation) extend(inst instance, part *Part) []instance {
	rows := e.matches(inst, part)
	switch {
	case len(rows) == 0 && !part.Optional:
		return nil
	case len(rows) == 0:
		return []instance{inst}
	case part.AllowsMultiple:
		inst[part.index] = e.arrange(part, rows)
		return []instance{inst}
	}
	connections := e.connections(inst, part)
	out := make([]instance, 0, len(rows))
	for i := range rows {
		one := slices.Clone(inst)
		one[part.index] = rows[i : i+1 : i+1]
		for j := range connections {
			connections[j].narrow(one)
		}
		out = append(out, one)
	}
	return out
}

// matches gives the rows of the part that are joined to a row of every part
// that was looked at before and that a requirement connects it with.
func (e *evaluation) matches(inst instance, part *Part) []*row {
	var rows []*row
	for i, edge := range e.walk.earlier[part] {
		joined := map[*row]bool{}
		index := e.indexOf(edge, part)
		from := edge.other(part)
		var found []*row
		for _, r := range inst[from.index] {
			for _, key := range edge.keys(from, r.rec) {
				for _, match := range index[key] {
					if !joined[match] {
						joined[match] = true
						found = append(found, match)
					}
				}
			}
		}
		if i == 0 {
			rows = found
		} else {
			rows = slices.DeleteFunc(rows, func(r *row) bool { return !joined[r] })
		}
	}
	return rows
}

// connection is the way back from a part to the records of the part with many
// that it is reached from.
type connection struct {
	edge       *edge
	part, from *Part
	rows       []*row
	// at is where in rows the records with a key stand.
	at map[string][]int
}

// connections are those of a single part to the parts with many records that
// lie between it and the next single one.
func (e *evaluation) connections(inst instance, part *Part) []connection {
	var all []connection
	for {
		edge := e.walk.parent[part]
		if edge == nil {
			return all
		}
		from := edge.other(part)
		if !from.AllowsMultiple {
			return all
		}
		c := connection{edge: edge, part: part, from: from, rows: inst[from.index], at: map[string][]int{}}
		for i, r := range c.rows {
			for _, key := range edge.keys(from, r.rec) {
				c.at[key] = append(c.at[key], i)
			}
		}
		all = append(all, c)
		part = from
	}
}

// narrow leaves of the part with many the records that connect: a result is
// connected.
func (c *connection) narrow(inst instance) {
	var at []int
	for _, r := range inst[c.part.index] {
		for _, key := range c.edge.keys(c.part, r.rec) {
			at = append(at, c.at[key]...)
		}
	}
	slices.Sort(at)
	var kept []*row
	for _, i := range slices.Compact(at) {
		kept = append(kept, c.rows[i])
	}
	inst[c.from.index] = kept
}

func (e *evaluation) indexOf(edge *edge, part *Part) map[string][]*row {
	s := side{edge, part}
	index, ok := e.index[s]
	if !ok {
		index = map[string][]*row{}
		for _, r := range e.pools[part.index].rows {
			for _, key := range edge.keys(part, r.rec) {
				index[key] = append(index[key], r)
			}
		}
		e.index[s] = index
	}
	return index
}

// arrange sorts the records of a part and cuts them to its limit.
func (e *evaluation) arrange(part *Part, rows []*row) []*row {
	slices.SortFunc(rows, part.compare)
	if q := part.Query; q != nil && q.Limit > 0 && len(rows) > q.Limit {
		rows = rows[:q.Limit]
	}
	return rows
}

// compare orders two records of the part by its query, ties by id.
func (p *Part) compare(a, b *row) int {
	if p.Query != nil {
		c := 0
		if p.Query.Sort != "" {
			f, _ := p.Entity.Field(p.Query.Sort)
			c = compareValues(f.SortValue(a.rec), f.SortValue(b.rec))
		}
		if c == 0 && (p.Query.Sort == "" || p.Query.Sort == "Id") {
			c = strings.Compare(a.id, b.id)
		}
		if p.Query.Descending {
			c = -c
		}
		if c != 0 {
			return c
		}
	}
	return strings.Compare(a.id, b.id)
}

// sort puts the results in order: of the first part if it is single, then of
// the ids of the other single parts.
func (e *evaluation) sort(instances []instance) []instance {
	parts := e.pattern.Parts
	first := parts[0]
	slices.SortFunc(instances, func(a, b instance) int {
		for i, part := range parts {
			if part.AllowsMultiple {
				continue
			}
			x, y := a[i], b[i]
			if len(x) == 0 || len(y) == 0 {
				if c := cmp.Compare(len(y), len(x)); c != 0 {
					return c
				}
				continue
			}
			c := strings.Compare(x[0].id, y[0].id)
			if i == 0 {
				c = first.compare(x[0], y[0])
			}
			if c != 0 {
				return c
			}
		}
		return 0
	})
	if q := first.Query; q != nil && q.Limit > 0 && !first.AllowsMultiple && len(instances) > q.Limit {
		instances = instances[:q.Limit]
	}
	return instances
}

// results gives the instances as JSON-like values. A record that stands in
// several results is made once.
func (e *evaluation) results(instances []instance) []any {
	out := make([]any, 0, len(instances))
	for _, inst := range instances {
		result := make(map[string]any, len(e.pattern.Parts))
		for i, part := range e.pattern.Parts {
			list := make([]any, 0, len(inst[i]))
			for _, r := range inst[i] {
				if r.out == nil {
					r.out = part.Entity.Read(r.rec)
				}
				list = append(list, r.out)
			}
			result[part.Ref] = list
		}
		out = append(out, result)
	}
	return out
}
