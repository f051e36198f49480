package simulator

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"
)

// maxAggregateRows is the most rows that an aggregation may run over (fact
// sheet, section 4.7).
const maxAggregateRows = 50000

// checkAggregate refuses aggregates that a column's type does not have.
func checkAggregate(col *Column, a fetchAttribute) error {
	number := col.Type == Integer || col.Type == BigInt || col.Type == Double || col.Type == Decimal || col.Type == Money
	date := col.Type == DateTime || col.Type == Date
	ok := true
	switch {
	case a.groupBy:
		ok = a.dateGrouping == "" || date
	case a.aggregate == "sum" || a.aggregate == "avg":
		ok = number
	case a.aggregate == "min" || a.aggregate == "max":
		ok = number || date
	}
	if !ok {
		return fetchErrorf(codeFetchAggregateType, "Aggregate %s is not supported for attribute of type %s.", cmp.Or(a.aggregate, a.dateGrouping), attributeTypeName(col))
	}
	return nil
}

func attributeTypeName(col *Column) string {
	_, code, _ := attributeKind(col)
	return strings.ToLower(code)
}

// fetchGroup is the rows that have the same values of all groupby attributes.
type fetchGroup struct {
	values []any
	tuples []fetchTuple
	result []any // by column
}

// aggregate answers a query with aggregate="true".
func (p *fetchPlan) aggregate(tuples []fetchTuple) (*response, error) {
	if len(tuples) > maxAggregateRows {
		return nil, fetchErrorf("0x8004e023", "AggregateQueryRecordLimit exceeded. Cannot perform this operation.")
	}
	var columns []fetchColumn
	for _, n := range p.nodes {
		columns = append(columns, n.columns...)
	}
	groups := groupTuples(tuples, columns)
	for _, g := range groups {
		g.result = make([]any, len(columns))
		k := 0
		for i, f := range columns {
			if f.attr.groupBy {
				g.result[i] = g.values[k]
				k++
				continue
			}
			g.result[i] = aggregateOf(f, g.tuples)
		}
	}
	if err := p.sortGroups(groups, columns); err != nil {
		return nil, err
	}
	if p.query.top > 0 && len(groups) > p.query.top {
		groups = groups[:p.query.top]
	}
	return p.writeGroups(groups, columns), nil
}

func groupTuples(tuples []fetchTuple, columns []fetchColumn) []*fetchGroup {
	grouped := slices.ContainsFunc(columns, func(f fetchColumn) bool { return f.attr.groupBy })
	if !grouped {
		return []*fetchGroup{{tuples: tuples}}
	}
	var groups []*fetchGroup
	byKey := map[string]*fetchGroup{}
	for _, t := range tuples {
		var key []byte
		var values []any
		for _, f := range columns {
			if !f.attr.groupBy {
				continue
			}
			var v any
			if r := t[f.node.index]; r != nil {
				v = groupValue(f, r.get(f.column))
			}
			values = append(values, v)
			if s, ok := v.(string); ok {
				v = strings.ToLower(s)
			}
			key = append(appendJSON(key, v, nil), 0)
		}
		g := byKey[string(key)]
		if g == nil {
			g = &fetchGroup{values: values}
			byKey[string(key)] = g
			groups = append(groups, g)
		}
		g.tuples = append(g.tuples, t)
	}
	return groups
}

// groupValue is what a value is grouped by: itself, or a part of a date.
func groupValue(f fetchColumn, v any) any {
	if f.attr.dateGrouping == "" || v == nil {
		return v
	}
	t, ok := timeOf(v)
	if !ok {
		return nil
	}
	switch f.attr.dateGrouping {
	case "day":
		return int64(t.Day())
	case "week":
		return int64(weekOfYear(t))
	case "month":
		return int64(t.Month())
	case "quarter":
		return int64((int(t.Month())-1)/3 + 1)
	default:
		return int64(t.Year())
	}
}

// weekOfYear counts weeks that begin on Sunday, the first with 1 January.
func weekOfYear(t time.Time) int {
	first := time.Date(t.Year(), time.January, 1, 0, 0, 0, 0, time.UTC)
	return (t.YearDay()-1+int(first.Weekday()))/7 + 1
}

// aggregateOf computes one aggregate; nil if there is nothing to compute from.
func aggregateOf(f fetchColumn, tuples []fetchTuple) any {
	if f.attr.aggregate == "count" {
		return int64(len(tuples))
	}
	var values []any
	seen := map[any]bool{}
	for _, t := range tuples {
		r := t[f.node.index]
		if r == nil {
			continue
		}
		v := r.get(f.column)
		if v == nil || f.attr.distinct && seen[joinKey(v)] {
			continue
		}
		seen[joinKey(v)] = true
		values = append(values, v)
	}
	switch f.attr.aggregate {
	case "countcolumn":
		return int64(len(values))
	case "min", "max":
		var best any
		for _, v := range values {
			if n := 0; best != nil {
				n = compareValues(v, best)
				if f.attr.aggregate == "min" && n >= 0 || f.attr.aggregate == "max" && n <= 0 {
					continue
				}
			}
			best = v
		}
		return best
	}
	if len(values) == 0 {
		return nil
	}
	return sumOrAverage(f, values)
}

func sumOrAverage(f fetchColumn, values []any) any {
	avg := f.attr.aggregate == "avg"
	switch f.column.Type {
	case Decimal, Money:
		sum := decimal{}
		for _, v := range values {
			sum = sum.plus(v.(decimal))
		}
		if avg {
			d, _ := parseDecimal(string(appendFloat(nil, sum.float()/float64(len(values)))), max(f.column.Precision, 4))
			return d
		}
		return sum
	case Double:
		sum := 0.0
		for _, v := range values {
			sum += v.(float64)
		}
		if avg {
			return sum / float64(len(values))
		}
		return sum
	}
	sum := int64(0)
	for _, v := range values {
		sum += v.(int64)
	}
	if avg {
		return sum / int64(len(values)) // whole numbers stay whole, as in SQL
	}
	return sum
}

// plus adds exactly, as long as the result fits eighteen digits.
func (d decimal) plus(e decimal) decimal {
	for d.scale < e.scale {
		d.unscaled, d.scale = d.unscaled*10, d.scale+1
	}
	for e.scale < d.scale {
		e.unscaled, e.scale = e.unscaled*10, e.scale+1
	}
	return decimal{d.unscaled + e.unscaled, d.scale}.trim()
}

func (p *fetchPlan) sortGroups(groups []*fetchGroup, columns []fetchColumn) error {
	type key struct {
		column     int
		descending bool
	}
	var keys []key
	for _, n := range p.nodes {
		for _, o := range n.entity.orders {
			i := slices.IndexFunc(columns, func(f fetchColumn) bool { return f.key == o.alias })
			if i < 0 {
				return fetchErrorf(codeFetchAliasUnknown, "The specified alias '%s' for the order clause does not exist.", o.alias)
			}
			keys = append(keys, key{i, o.descending})
		}
	}
	slices.SortStableFunc(groups, func(a, b *fetchGroup) int {
		for _, k := range keys {
			n := compareNullable(a.result[k.column], b.result[k.column])
			if k.descending {
				n = -n
			}
			if n != 0 {
				return n
			}
		}
		return 0
	})
	return nil
}

func (p *fetchPlan) writeGroups(groups []*fetchGroup, columns []fetchColumn) *response {
	w := newRowWriter(p.call)
	b := append([]byte(nil), `{"@odata.context":`...)
	b = appendString(b, p.context())
	b = append(b, `,"value":[`...)
	for i, g := range groups {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '{')
		for k, f := range columns {
			v := g.result[k]
			if v == nil {
				continue
			}
			if w.formatted {
				if text, ok := p.formatResult(w, g, f, v); ok {
					b = p.comma(b)
					b = append(appendString(b, f.key+"@"+annFormatted), ':')
					b = appendString(b, text)
				}
			}
			b = p.comma(b)
			b = append(appendString(b, f.key), ':')
			col := f.column
			if _, counted := v.(int64); counted && col.Type != Integer {
				col = nil
			}
			b = appendJSON(b, v, col)
		}
		b = append(b, '}')
	}
	resp := jsonResponse(http.StatusOK, append(b, `]}`...))
	resp.applied = p.call.applied(false)
	return resp
}

// formatResult formats a group's value as its column would, counts as numbers.
func (p *fetchPlan) formatResult(w *rowWriter, g *fetchGroup, f fetchColumn, v any) (string, bool) {
	if n, ok := v.(int64); ok && (f.attr.dateGrouping != "" || strings.HasPrefix(f.attr.aggregate, "count")) {
		return grouped(n), true
	}
	if len(g.tuples) == 0 || g.tuples[0][f.node.index] == nil {
		return "", false
	}
	return w.format(g.tuples[0][f.node.index], f.column, v)
}
