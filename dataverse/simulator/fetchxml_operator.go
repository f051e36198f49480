package simulator

import (
	"strconv"
	"strings"
	"time"
)

// rowTest is a condition on one record.
type rowTest func(*record) bool

// operator binds the operator of a condition on a column of an entity.
func (p *fetchPlan) operator(n *fetchTable, col *Column, c fetchCondition) (rowTest, error) {
	if c.valueOf != "" {
		return p.columnOperator(n, col, c)
	}
	switch c.operator {
	case "null":
		return func(r *record) bool { return r.get(col) == nil }, nil
	case "not-null":
		return func(r *record) bool { return r.get(col) != nil }, nil
	case "eq", "ne", "neq", "gt", "ge", "lt", "le":
		return p.comparison(col, c)
	case "like", "not-like", "begins-with", "not-begin-with", "ends-with", "not-end-with":
		return likeOperator(col, c)
	case "in", "not-in":
		return inOperator(col, c)
	case "between", "not-between":
		return betweenOperator(col, c)
	case "contain-values", "not-contain-values":
		return containOperator(col, c)
	case "above", "eq-or-above", "under", "eq-or-under", "not-under":
		return p.hierarchyOperator(col, c)
	}
	if strings.Contains(c.operator, "user") || strings.Contains(c.operator, "business") {
		return p.identityOperator(col, c)
	}
	return p.dateOperator(col, c)
}

func oneValue(c fetchCondition) (string, error) {
	if len(c.values) != 1 {
		return "", fetchErrorf(codeFetchInvalidValue, "The condition operator '%s' on attribute '%s' takes one value, not %d.", c.operator, c.attribute, len(c.values))
	}
	return c.values[0], nil
}

func badValue(col *Column, c fetchCondition, text string) error {
	kind := map[ColumnType]string{Integer: "System.Int32", BigInt: "System.Int64", Choice: "System.Int32", State: "System.Int32", Status: "System.Int32",
		Double: "System.Double", Decimal: "System.Decimal", Money: "System.Decimal", Boolean: "System.Boolean", DateTime: "System.DateTime", Date: "System.DateTime",
		UniqueID: "System.Guid", Lookup: "System.Guid", Customer: "System.Guid", Owner: "System.Guid"}[col.Type]
	return fetchErrorf(codeFetchInvalidValue, "Condition for attribute '%s.%s': expected argument(s) of a different type from '%s'. %s was expected for operator '%s'.",
		col.table.LogicalName, col.LogicalName, text, kind, c.operator)
}

// comparison compares with a value. FetchXML's eq knows no wildcards, it has
// like for that; its ne takes in the rows without a value.
func (p *fetchPlan) comparison(col *Column, c fetchCondition) (rowTest, error) {
	text, err := oneValue(c)
	if err != nil {
		return nil, err
	}
	v, ok := fetchValue(col, text)
	if !ok || col.Type == MultiChoice {
		return nil, badValue(col, c, text)
	}
	op := c.operator
	if op == "neq" {
		op = "ne"
	}
	return func(r *record) bool {
		have := r.get(col)
		if have == nil {
			return op == "ne"
		}
		return orderHolds(op, compareValues(have, v))
	}, nil
}

// columnOperator compares two columns: valueof names one of the same entity,
// or alias.column.
func (p *fetchPlan) columnOperator(n *fetchTable, col *Column, c fetchCondition) (rowTest, error) {
	if strings.Contains(c.valueOf, ".") {
		return nil, errNotModelled("FetchXML valueof across tables")
	}
	other := n.table.Column(c.valueOf)
	if other == nil {
		return nil, errNoAttribute(n.table, c.valueOf)
	}
	op := c.operator
	switch op {
	case "eq", "ne", "gt", "ge", "lt", "le":
	case "neq":
		op = "ne"
	default:
		return nil, fetchErrorf(codeFetchUnsupportedOperator, "Unsupported condition operator. Operator '%s' cannot compare columns.", op)
	}
	return func(r *record) bool {
		a, b := r.get(col), r.get(other)
		return a != nil && b != nil && orderHolds(op, compareValues(a, b))
	}, nil
}

func likeOperator(col *Column, c fetchCondition) (rowTest, error) {
	text, err := oneValue(c)
	if err != nil {
		return nil, err
	}
	if !col.Type.IsText() {
		return nil, badValue(col, c, text)
	}
	kind := "eq"
	switch c.operator {
	case "begins-with", "not-begin-with":
		kind = "startswith"
	case "ends-with", "not-end-with":
		kind = "endswith"
	}
	match, not := newMatcher(kind, text), strings.HasPrefix(c.operator, "not-")
	return func(r *record) bool {
		s, ok := r.get(col).(string)
		if !ok {
			return not
		}
		return match(s) != not
	}, nil
}

func inOperator(col *Column, c fetchCondition) (rowTest, error) {
	set := make(map[any]bool, len(c.values))
	for _, text := range c.values {
		v, ok := fetchValue(col, text)
		if !ok {
			return nil, badValue(col, c, text)
		}
		set[joinKey(v)] = true
	}
	if len(set) == 0 {
		return nil, fetchErrorf(codeFetchInvalidValue, "The condition operator '%s' on attribute '%s' needs values.", c.operator, c.attribute)
	}
	in := c.operator == "in"
	return func(r *record) bool {
		v := r.get(col)
		if v == nil {
			return !in
		}
		return set[joinKey(v)] == in
	}, nil
}

func betweenOperator(col *Column, c fetchCondition) (rowTest, error) {
	if len(c.values) != 2 {
		return nil, fetchErrorf(codeFetchInvalidValue, "The condition operator '%s' on attribute '%s' takes two values, not %d.", c.operator, c.attribute, len(c.values))
	}
	var bounds [2]any
	for i, text := range c.values {
		v, ok := fetchValue(col, text)
		if !ok || col.Type.IsText() {
			return nil, badValue(col, c, text)
		}
		bounds[i] = v
	}
	between := c.operator == "between"
	return func(r *record) bool {
		v := r.get(col)
		return v != nil && (compareValues(v, bounds[0]) >= 0 && compareValues(v, bounds[1]) <= 0) == between
	}, nil
}

func containOperator(col *Column, c fetchCondition) (rowTest, error) {
	if col.Type != MultiChoice {
		return nil, badValue(col, c, strings.Join(c.values, ","))
	}
	want := c.operator == "contain-values"
	return func(r *record) bool {
		s, _ := r.get(col).(string)
		for _, have := range strings.Split(s, ",") {
			for _, v := range c.values {
				if s != "" && strings.TrimSpace(have) == strings.TrimSpace(v) {
					return want
				}
			}
		}
		return !want
	}, nil
}

// hierarchyOperator follows the table's lookup to itself.
func (p *fetchPlan) hierarchyOperator(col *Column, c fetchCondition) (rowTest, error) {
	text, err := oneValue(c)
	if err != nil {
		return nil, err
	}
	id, ok := parseGUID(strings.Trim(strings.TrimSpace(text), "{}"))
	if !ok {
		return nil, badValue(col, c, text)
	}
	t := col.table
	parent := hierarchyColumn(t)
	if parent == nil {
		return nil, fetchErrorf(codeFetchUnsupportedOperator, "Unsupported condition operator. The entity '%s' has no hierarchy.", t.LogicalName)
	}
	return func(r *record) bool {
		switch c.operator {
		case "above":
			return r.id != id && p.call.view.under(parent, id, r.id)
		case "eq-or-above":
			return p.call.view.under(parent, id, r.id)
		case "under":
			return r.id != id && p.call.view.under(parent, r.id, id)
		case "eq-or-under":
			return p.call.view.under(parent, r.id, id)
		default: // not-under
			return !p.call.view.under(parent, r.id, id)
		}
	}, nil
}

// hierarchyColumn is the lookup by which rows of a table stand above each
// other.
func hierarchyColumn(t *Table) *Column {
	for _, c := range t.Columns {
		if c.relTo(t) != nil && c.system == sysNone && strings.HasPrefix(c.LogicalName, "parent") {
			return c
		}
	}
	return nil
}

// under says whether id is top, or below it.
func (v *view) under(parent *Column, id, top guid) bool {
	for range 100 {
		if id == top {
			return true
		}
		r := v.get(parent.table, id)
		if r == nil {
			return false
		}
		up, ok := r.ref(parent)
		if !ok {
			return false
		}
		id = up.id
	}
	return false
}

func (p *fetchPlan) identityOperator(col *Column, c fetchCondition) (rowTest, error) {
	who, _ := p.call.rights()
	in := map[guid]bool{}
	switch c.operator {
	case "eq-userid", "ne-userid":
		in[who.user] = true
	case "eq-userteams":
		in = who.teams
	case "eq-useroruserteams":
		in[who.user] = true
		for id := range who.teams {
			in[id] = true
		}
	case "eq-businessid", "ne-businessid":
		in[who.unit] = true
	case "eq-useroruserhierarchy", "eq-useroruserhierarchyandteams":
		return nil, errNotModelled("the FetchXML operator " + c.operator)
	default:
		return nil, errOperator(c)
	}
	want := !strings.HasPrefix(c.operator, "ne-")
	return func(r *record) bool {
		id, ok := joinKey(r.get(col)).(guid)
		return ok && in[id] == want || !ok && !want
	}, nil
}

func errOperator(c fetchCondition) error {
	return fetchErrorf(codeFetchUnsupportedOperator, "Invalid ConditionOperator. '%s' is not a valid value for the operator of attribute '%s'.", c.operator, c.attribute)
}

// fetchPeriods are FetchXML's names of what periodOf calls otherwise.
var fetchPeriods = map[string]string{"last-seven-days": "Last7Days", "next-seven-days": "Next7Days"}

// periodName turns "last-x-days" into "LastXDays".
func periodName(operator string) string {
	if name := fetchPeriods[operator]; name != "" {
		return name
	}
	if rest, ok := strings.CutPrefix(operator, "olderthan-"); ok {
		operator = "older-than-" + rest
	}
	var b strings.Builder
	for _, word := range strings.Split(operator, "-") {
		if word != "" {
			b.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return b.String()
}

func (p *fetchPlan) dateOperator(col *Column, c fetchCondition) (rowTest, error) {
	if strings.Contains(c.operator, "fiscal") {
		return nil, errNotModelled("the FetchXML operator " + c.operator)
	}
	var span period
	switch c.operator {
	case "on", "on-or-before", "on-or-after":
		text, err := oneValue(c)
		if err != nil {
			return nil, err
		}
		t, ok := fetchTime(strings.TrimSpace(text))
		if !ok {
			return nil, badValue(col, c, text)
		}
		day := t.Truncate(24 * time.Hour)
		switch c.operator {
		case "on":
			span = period{day, day.AddDate(0, 0, 1)}
		case "on-or-before":
			span = period{to: day.AddDate(0, 0, 1)}
		default:
			span = period{from: day}
		}
	default:
		n := 0
		if strings.Contains(c.operator, "-x-") {
			text, err := oneValue(c)
			if err != nil {
				return nil, err
			}
			if n, err = strconv.Atoi(strings.TrimSpace(text)); err != nil || n < 1 {
				return nil, fetchErrorf("0x8004110c", "A value greater than zero must be specified.")
			}
		}
		var ok bool
		if span, ok = periodOf(periodName(c.operator), n, p.call.now); !ok {
			return nil, errOperator(c)
		}
	}
	if col.Type != DateTime && col.Type != Date {
		return nil, fetchErrorf(codeFetchUnsupportedOperator, "The operator '%s' cannot be used with attribute '%s', which is no date.", c.operator, c.attribute)
	}
	return func(r *record) bool {
		t, ok := timeOf(r.get(col))
		return ok && span.contains(t)
	}, nil
}
