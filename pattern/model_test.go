package pattern_test

import (
	"encoding/json"
	"slices"
	"strings"
)

// This file is the reference model of a read: slow and obvious. It knows
// nothing of queries, rounds, pools or indexes; it looks at all records of all
// parts, as section 3 of the specification words it.

// modelPart, modelJoin and modelRecord are the model's own picture of a
// pattern and its data.
type modelPart struct {
	ref, table         string
	multiple, optional bool
	sort               string
	descending         bool
	limit              int
	query              bool
	criteria           []modelCriterion
	readOnly           bool
	name               string // the default of Name
}

type modelCriterion struct {
	field    string
	operator string
	value    any
}

type modelJoin struct {
	part, field, reference, referenceField string
	optional                               bool
}

type link struct{ id, table string }

type modelRecord struct {
	id, table string
	fields    map[string]any // nil, string, json.Number, link, []link
}

type model struct {
	parts   []modelPart
	joins   []modelJoin
	records []*modelRecord
}

// result is the records of each part, by the part's index.
type result [][]*modelRecord

func (m *model) index(ref string) int {
	return slices.IndexFunc(m.parts, func(p modelPart) bool { return p.ref == ref })
}

func (m *model) read() []result {
	order := m.order()
	root := order[0]
	var results []result
	if p := m.parts[root]; p.multiple {
		all := m.arrange(root, m.candidates(root))
		if len(all) == 0 && !p.optional {
			return nil
		}
		r := make(result, len(m.parts))
		r[root] = all
		results = []result{r}
	} else {
		for _, rec := range m.candidates(root) {
			r := make(result, len(m.parts))
			r[root] = []*modelRecord{rec}
			results = append(results, r)
		}
	}
	seen := map[int]bool{root: true}
	for _, i := range order[1:] {
		var next []result
		for _, r := range results {
			next = append(next, m.extend(r, i, seen)...)
		}
		results = next
		seen[i] = true
	}
	return m.sorted(results)
}

// order begins at the part that a result is one of and goes on to parts that a
// join connects: what must be there first, one record before many.
func (m *model) order() []int {
	root := 0
	best := 99
	for i, p := range m.parts {
		rank := 0
		switch {
		case !p.optional && !p.multiple:
			rank = 1
		case !p.optional && len(p.criteria) > 0:
			rank = 2
		case !p.optional:
			rank = 3
		case !p.multiple:
			rank = 4
		case len(p.criteria) > 0:
			rank = 5
		default:
			rank = 6
		}
		if rank < best {
			root, best = i, rank
		}
	}
	order := []int{root}
	for {
		next, best := -1, 99
		for i, p := range m.parts {
			if slices.Contains(order, i) || !slices.ContainsFunc(order, func(j int) bool { return m.connected(i, j) }) {
				continue
			}
			rank := 0
			if p.optional {
				rank += 2
			}
			if p.multiple {
				rank++
			}
			if rank < best {
				next, best = i, rank
			}
		}
		if next < 0 {
			return order
		}
		order = append(order, next)
	}
}

func (m *model) connected(i, j int) bool {
	return len(m.between(i, j)) > 0
}

func (m *model) between(i, j int) []modelJoin {
	var out []modelJoin
	for _, e := range m.joins {
		if e.part == m.parts[i].ref && e.reference == m.parts[j].ref || e.part == m.parts[j].ref && e.reference == m.parts[i].ref {
			out = append(out, e)
		}
	}
	return out
}

// extend joins part i to a result: records that are joined, by every
// requirement, to a record of each part that is already there.
func (m *model) extend(r result, i int, seen map[int]bool) []result {
	var rows []*modelRecord
	for _, rec := range m.candidates(i) {
		fits := true
		for j := range m.parts {
			if !seen[j] {
				continue
			}
			for _, e := range m.between(i, j) {
				fits = fits && slices.ContainsFunc(r[j], func(o *modelRecord) bool { return m.joined(e, i, rec, o) })
			}
		}
		if fits {
			rows = append(rows, rec)
		}
	}
	p := m.parts[i]
	switch {
	case len(rows) == 0 && p.optional:
		return []result{r}
	case len(rows) == 0:
		return nil
	case p.multiple:
		r[i] = m.arrange(i, rows)
		return []result{r}
	}
	var out []result
	for _, rec := range rows {
		one := slices.Clone(r)
		one[i] = []*modelRecord{rec}
		m.connect(one, i, seen)
		out = append(out, one)
	}
	return out
}

// connect leaves, of the many records that a single part was reached through,
// those that lead to it.
func (m *model) connect(r result, i int, seen map[int]bool) {
	order := m.order()
	for {
		at := slices.Index(order, i)
		from := -1
		var by modelJoin
		for _, j := range order[:at] {
			if es := m.between(i, j); len(es) > 0 {
				from, by = j, es[0]
				break
			}
		}
		if from < 0 || !m.parts[from].multiple {
			return
		}
		r[from] = slices.DeleteFunc(slices.Clone(r[from]), func(o *modelRecord) bool {
			return !slices.ContainsFunc(r[i], func(rec *modelRecord) bool { return m.joined(by, i, rec, o) })
		})
		i = from
	}
}

func (m *model) joined(e modelJoin, i int, rec, other *modelRecord) bool {
	holder, referenced := rec, other
	if e.part != m.parts[i].ref {
		holder, referenced = other, rec
	}
	var want any
	if e.referenceField == "Id" {
		want = link{referenced.id, referenced.table}
	} else {
		want = referenced.fields[e.referenceField]
	}
	switch have := holder.fields[e.field].(type) {
	case link:
		return have == want
	case []link:
		return slices.ContainsFunc(have, func(l link) bool { return l == want })
	case string:
		w, ok := want.(string)
		return ok && strings.EqualFold(have, w)
	}
	return false
}

func (m *model) candidates(i int) []*modelRecord {
	var out []*modelRecord
	for _, rec := range m.records {
		if rec.table == m.parts[i].table && m.satisfies(rec, m.parts[i].criteria) {
			out = append(out, rec)
		}
	}
	return out
}

func (m *model) satisfies(rec *modelRecord, criteria []modelCriterion) bool {
	for _, c := range criteria {
		var have any = rec.fields[c.field]
		if c.field == "Id" {
			have = rec.id
		}
		if l, ok := have.(link); ok {
			have = l.id
		}
		if !compare(have, c.operator, c.value) {
			return false
		}
	}
	return true
}

func compare(have any, operator string, value any) bool {
	switch operator {
	case "IsNull":
		return have == nil
	case "IsNotNull":
		return have != nil
	}
	if have == nil {
		return false
	}
	equal := func(v any) bool {
		a, okA := have.(string)
		b, okB := v.(string)
		return okA && okB && strings.EqualFold(a, b) || have == v
	}
	switch operator {
	case "Equals":
		return equal(value)
	case "In":
		return slices.ContainsFunc(value.([]any), equal)
	case "Contains":
		return strings.Contains(strings.ToLower(have.(string)), strings.ToLower(value.(string)))
	case "GreaterThan":
		return order(have, value) > 0
	}
	panic("no operator " + operator)
}

// order is null, then numbers by size, or texts without case.
func order(a, b any) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return -1
	case b == nil:
		return 1
	}
	if x, ok := a.(json.Number); ok {
		i, _ := x.Int64()
		j, _ := b.(json.Number).Int64()
		return int(i - j)
	}
	return strings.Compare(strings.ToLower(a.(string)), strings.ToLower(b.(string)))
}

func (m *model) compareRecords(i int, a, b *modelRecord) int {
	p := m.parts[i]
	c := 0
	if p.query {
		if p.sort != "" {
			c = order(a.fields[p.sort], b.fields[p.sort])
		} else {
			c = strings.Compare(a.id, b.id)
		}
		if p.descending {
			c = -c
		}
	}
	if c == 0 {
		c = strings.Compare(a.id, b.id)
	}
	return c
}

func (m *model) arrange(i int, rows []*modelRecord) []*modelRecord {
	rows = slices.Clone(rows)
	slices.SortFunc(rows, func(a, b *modelRecord) int { return m.compareRecords(i, a, b) })
	if n := m.parts[i].limit; n > 0 && len(rows) > n {
		rows = rows[:n]
	}
	return rows
}

func (m *model) sorted(results []result) []result {
	slices.SortStableFunc(results, func(a, b result) int {
		for i, p := range m.parts {
			if p.multiple {
				continue
			}
			switch {
			case len(a[i]) != len(b[i]):
				return len(b[i]) - len(a[i])
			case len(a[i]) == 0:
				continue
			}
			c := strings.Compare(a[i][0].id, b[i][0].id)
			if i == 0 {
				c = m.compareRecords(0, a[0][0], b[0][0])
			}
			if c != 0 {
				return c
			}
		}
		return 0
	})
	if p := m.parts[0]; p.limit > 0 && !p.multiple && len(results) > p.limit {
		results = results[:p.limit]
	}
	return results
}
