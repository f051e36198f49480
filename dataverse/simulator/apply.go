package simulator

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// maxApply is the most rows that $apply works on (DV085).
const maxApply = 50000

// aggregation is what $apply asks for (fact sheet section 4.7).
type aggregation struct {
	filter  condition
	ids     []candidate
	groups  []*columnPath
	names   []string // of the groups in the result
	values  []aggregateValue
	grouped bool
}

// aggregateValue is "column with sum as name", or "$count as name".
type aggregateValue struct {
	path   *columnPath // nil: $count
	method string
	name   string
}

// apply answers $apply: filter(…)/groupby((…),aggregate(…)), or aggregate(…).
func (c *call) apply(src source) (*response, error) {
	a := &aggregation{}
	if cond, ids, err := c.readFilter(src.table); err != nil {
		return nil, err
	} else if cond != nil {
		a.filter, a.ids = cond, ids
	}
	for _, step := range splitTop(c.options.Get("$apply"), '/') {
		if err := c.applyStep(a, src.table, strings.TrimSpace(step)); err != nil {
			return nil, err
		}
	}
	if _, ok := c.options["$orderby"]; ok {
		return nil, errQuery("The query node SingleValueOpenPropertyAccess is not supported")
	}
	rows := c.matching(src, a.filter, a.ids, maxApply+1)
	if len(rows) > maxApply {
		return nil, failf(http.StatusBadRequest, "0x8004E023", "The maximum record limit is exceeded. Reduce the number of records.")
	}
	groups := c.group(rows, a)
	b := append([]byte(nil), `{"@odata.context":`...)
	b = appendString(b, c.base+"/$metadata#"+src.table.EntitySet)
	b = append(b, `,"value":[`...)
	w := newRowWriter(c)
	for i, g := range groups {
		if i > 0 {
			b = append(b, ',')
		}
		b = g.append(b, w, a)
	}
	resp := jsonResponse(http.StatusOK, append(b, `]}`...))
	resp.applied = c.applied(false)
	return resp, nil
}

func (c *call) applyStep(a *aggregation, t *Table, step string) error {
	name, args, ok := strings.Cut(step, "(")
	if !ok || !strings.HasSuffix(args, ")") {
		return errQuery("Syntax error at position 0 in '%s'.", step)
	}
	args = args[:len(args)-1]
	switch strings.TrimSpace(name) {
	case "filter":
		if a.grouped || len(a.values) > 0 {
			return errQuery("A filter after an aggregation is not supported.")
		}
		cond, ids, err := parseFilter(c, t, args)
		if err != nil {
			return err
		}
		if before := a.filter; before != nil {
			inner := cond
			cond = func(e *env) truth { return truthOf(before(e) == yes && inner(e) == yes) }
		}
		a.filter, a.ids = cond, append(a.ids, ids...)
		return nil
	case "aggregate":
		return c.aggregates(a, t, args)
	case "groupby":
		return c.groupBy(a, t, args)
	}
	return errQuery("The transformation '%s' of $apply is not supported.", name)
}

func (c *call) groupBy(a *aggregation, t *Table, args string) error {
	parts := splitTop(args, ',')
	list, ok := strings.CutPrefix(strings.TrimSpace(parts[0]), "(")
	if !ok || !strings.HasSuffix(list, ")") || a.grouped || len(parts) > 2 {
		return errQuery("Syntax error at position 0 in 'groupby(%s)'.", args)
	}
	a.grouped = true
	for name := range strings.SplitSeq(list[:len(list)-1], ",") {
		name = strings.TrimSpace(name)
		p, err := resolvePath(c, t, name)
		if err != nil {
			return err
		}
		if p.column.Type == DateTime || p.column.Type == Date {
			return errQuery("Grouping by the date column '%s' is not supported.", name) // DV085
		}
		result := p.column.Wire()
		for i := len(p.hops) - 1; i >= 0; i-- {
			// DV086: "primarycontactid/fullname" becomes "contact_fullname".
			target := "systemuser"
			if p.hops[i].target != nil {
				target = p.hops[i].target.LogicalName
			}
			result = target + "_" + result
		}
		a.groups, a.names = append(a.groups, p), append(a.names, result)
	}
	if len(parts) == 2 {
		return c.applyStep(a, t, strings.TrimSpace(parts[1]))
	}
	return nil
}

func (c *call) aggregates(a *aggregation, t *Table, args string) error {
	for item := range strings.SplitSeq(args, ",") {
		fields := strings.Fields(item)
		switch {
		case len(fields) == 3 && fields[0] == "$count" && fields[1] == "as":
			a.values = append(a.values, aggregateValue{name: fields[2]})
		case len(fields) == 5 && fields[1] == "with" && fields[3] == "as":
			p, err := resolvePath(c, t, fields[0])
			if err != nil {
				return err
			}
			switch fields[2] {
			case "sum", "average":
				if group(p.column) != "number" || p.column.Type.IsChoice() {
					return errQuery("The aggregation method '%s' does not work on the column '%s' of type %s.", fields[2], fields[0], p.column.edm())
				}
			case "min", "max":
			case "countdistinct":
				return errQuery("The aggregation method 'countdistinct' is not supported.")
			default:
				return errQuery("The aggregation method '%s' is not supported.", fields[2])
			}
			a.values = append(a.values, aggregateValue{p, fields[2], fields[4]})
		default:
			return errQuery("Syntax error at position 0 in 'aggregate(%s)'.", args)
		}
	}
	return nil
}

// aggregateGroup is one row of the result.
type aggregateGroup struct {
	key   []any
	first *record
	count int64
	cells []cell
}

// cell gathers one aggregated value.
type cell struct {
	n        int64
	sum      float64
	exact    decimal
	inexact  bool
	min, max any
}

func (x *cell) add(v any) {
	if v == nil {
		return
	}
	x.n++
	x.sum += toFloat(v)
	switch v := v.(type) {
	case int64:
		x.addExact(decimal{v, 0})
	case decimal:
		x.addExact(v)
	default:
		x.inexact = true
	}
	if x.min == nil || compareValues(v, x.min) < 0 {
		x.min = v
	}
	if x.max == nil || compareValues(v, x.max) > 0 {
		x.max = v
	}
}

// addExact sums decimals without rounding while eighteen digits suffice.
func (x *cell) addExact(d decimal) {
	if x.inexact {
		return
	}
	a, b := x.exact, d
	scale := max(a.scale, b.scale)
	limit := int64(4e18)
	pa, pb := pow10[scale-a.scale], pow10[scale-b.scale]
	if a.unscaled > limit/pa || a.unscaled < -limit/pa || b.unscaled > limit/pb || b.unscaled < -limit/pb {
		x.inexact = true
		return
	}
	x.exact = decimal{a.unscaled*pa + b.unscaled*pb, scale}.trim()
}

// group gathers rows, in order of the first row of each group.
func (c *call) group(rows []*record, a *aggregation) []*aggregateGroup {
	e := newEnv(c)
	byKey := map[string]*aggregateGroup{}
	var list []*aggregateGroup
	if len(a.groups) == 0 {
		g := &aggregateGroup{cells: make([]cell, len(a.values))}
		byKey[""], list = g, append(list, g)
	}
	for _, r := range rows {
		e.rows[0] = r
		var key strings.Builder
		vals := make([]any, len(a.groups))
		for i, p := range a.groups {
			vals[i] = p.value(e)
			switch v := vals[i].(type) {
			case nil:
				key.WriteByte(1)
			case string:
				key.WriteString(strings.ToLower(v))
			default:
				key.Write(appendJSON(nil, v, nil))
			}
			key.WriteByte(0)
		}
		g := byKey[key.String()]
		if g == nil {
			g = &aggregateGroup{key: vals, first: r, cells: make([]cell, len(a.values))}
			byKey[key.String()], list = g, append(list, g)
		}
		if g.first == nil {
			g.first = r
		}
		g.count++
		for i, v := range a.values {
			if v.path != nil {
				g.cells[i].add(v.path.value(e))
			}
		}
	}
	slices.SortStableFunc(list, func(x, y *aggregateGroup) int {
		for i := range x.key {
			if n := compareNullable(x.key[i], y.key[i]); n != 0 {
				return n
			}
		}
		return 0
	})
	return list
}

// append writes a group; what is null is left out (fact sheet section 4.7).
func (g *aggregateGroup) append(b []byte, w *rowWriter, a *aggregation) []byte {
	b = append(b, '{')
	start := len(b)
	put := func(name, formatted string, has bool, value func([]byte) []byte) {
		if len(b) > start {
			b = append(b, ',')
		}
		if has && w.formatted {
			b = appendString(b, name+"@"+annFormatted)
			b = append(b, ':')
			b = appendString(b, formatted)
			b = append(b, ',')
		}
		b = appendString(b, name)
		b = append(b, ':')
		b = value(b)
	}
	for i, p := range a.groups {
		if g.key[i] == nil {
			continue
		}
		text, ok := w.format(g.first, p.column, g.key[i])
		put(a.names[i], text, ok, func(b []byte) []byte { return appendJSON(b, g.key[i], p.column) })
	}
	for i, v := range a.values {
		x := &g.cells[i]
		if v.path == nil {
			put(v.name, thousands(strconv.FormatInt(g.count, 10)), true, func(b []byte) []byte { return strconv.AppendInt(b, g.count, 10) })
			continue
		}
		result := x.result(v)
		if result == nil {
			continue
		}
		text, ok := "", false
		if g.first != nil {
			text, ok = w.format(g.first, v.path.column, result)
		}
		put(v.name, text, ok, func(b []byte) []byte { return appendJSON(b, result, v.path.column) })
	}
	return append(b, '}')
}

func (x *cell) result(v aggregateValue) any {
	if x.n == 0 {
		return nil
	}
	col := v.path.column
	switch v.method {
	case "min":
		return x.min
	case "max":
		return x.max
	case "average":
		return numberFor(col, x.sum/float64(x.n))
	}
	if x.inexact {
		return numberFor(col, x.sum)
	}
	if col.Type == Decimal || col.Type == Money {
		return x.exact
	}
	return x.exact.unscaled
}

// numberFor gives a computed number the column's type; an average of whole
// numbers is whole (DV087).
func numberFor(col *Column, f float64) any {
	switch col.Type {
	case Decimal, Money:
		d, _ := parseDecimal(strconv.FormatFloat(f, 'f', -1, 64), 10)
		return d
	case Double:
		return f
	}
	return int64(f)
}
