package simulator

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
)

// queryFunction reads a Dataverse query function such as
// Microsoft.Dynamics.CRM.In(PropertyName='x',PropertyValues=["a"]) (fact sheet
// section 4.3).
func (p *filterParser) queryFunction(short, name string, base int, hops []*navigation, t *Table) (condition, error) {
	args, err := p.arguments()
	if err != nil {
		return nil, err
	}
	if t == nil {
		return nil, propertyOn(nil, name)
	}
	at := &columnPath{base: base, hops: hops}
	property, ok := args["PropertyName"]
	if !ok || property.kind != tokString {
		return nil, errQuery("The query function '%s' needs the parameter PropertyName.", name)
	}
	prop := property.text
	if col := t.columns[prop]; col != nil {
		prop = col.Wire() // the logical name of a lookup is accepted too
	}
	if i := strings.LastIndexByte(prop, '/'); i >= 0 {
		inner, err := resolvePath(p.call, t, prop)
		if err != nil {
			return nil, err
		}
		at.hops, at.column = append(slices.Clip(hops), inner.hops...), inner.column
	} else if err := at.end(p.call, t, prop); err != nil {
		return nil, err
	}
	values, err := functionValues(name, args)
	if err != nil {
		return nil, err
	}
	if short == "In" && at.simple() {
		p.noteIn(at.column, values)
	}
	test, err := namedTest(p.call, at.column, short, values)
	if err != nil {
		return nil, err
	}
	return func(e *env) truth { return test(e, at.value(e)) }, nil
}

// noteIn remembers an In that an index can answer.
func (p *filterParser) noteIn(col *Column, values []string) {
	if !p.conjunct || col.system != sysPrimary && !col.indexed {
		return
	}
	var ids []guid
	for _, v := range values {
		id, ok := parseGUID(v)
		if !ok {
			return
		}
		ids = append(ids, id)
	}
	p.candidates = append(p.candidates, candidate{column: col, ids: ids})
}

// arguments reads "(Name=value,…)".
func (p *filterParser) arguments() (map[string]token, error) {
	args := map[string]token{}
	if err := p.expect("("); err != nil {
		return nil, err
	}
	for !p.isSymbol(")") {
		if len(args) > 0 {
			if err := p.expect(","); err != nil {
				return nil, err
			}
		}
		if p.tok.kind != tokName {
			return nil, p.syntax()
		}
		name := p.tok.text
		if err := p.advance(); err != nil {
			return nil, err
		}
		if err := p.expect("="); err != nil {
			return nil, err
		}
		value := p.tok
		switch value.kind {
		case tokEnd, tokSymbol:
			return nil, p.syntax()
		case tokAlias:
			sub := lexer{src: p.call.alias(value.text)}
			var err error
			if value, err = sub.next(); err != nil {
				return nil, err
			}
		}
		args[name] = value
		if err := p.advance(); err != nil {
			return nil, err
		}
	}
	return args, p.advance()
}

// functionValues gives the parameters beside PropertyName as texts, in order.
func functionValues(name string, args map[string]token) ([]string, error) {
	if tok, ok := args["PropertyValues"]; ok {
		if tok.kind != tokJSON || !strings.HasPrefix(tok.text, "[") {
			return nil, errQuery("Invalid JSON. The parameter PropertyValues of '%s' needs an array.", name)
		}
		v, err := decodeJSON([]byte(tok.text))
		if err != nil {
			// DV068: the array is JSON, so its strings need double quotes.
			return nil, errQuery("Invalid JSON. A comma character ',' was expected in scope 'Array'. Every two elements in an array and properties of an object must be separated by commas.")
		}
		list := v.([]any)
		values := make([]string, len(list))
		for i, item := range list {
			switch item := item.(type) {
			case string:
				values[i] = item
			case json.Number:
				values[i] = string(item)
			case bool:
				values[i] = strconv.FormatBool(item)
			default:
				return nil, errQuery("Invalid JSON. The parameter PropertyValues of '%s' needs an array of strings.", name)
			}
		}
		return values, nil
	}
	var values []string
	for _, key := range []string{"PropertyValue", "PropertyValue1", "PropertyValue2"} {
		if tok, ok := args[key]; ok {
			values = append(values, tok.text)
		}
	}
	return values, nil
}

// test asks something of a column's value.
type test func(e *env, v any) truth

// namedTest makes the test of a query function on a column.
func namedTest(c *call, col *Column, name string, values []string) (test, error) {
	need := func(n int) error {
		if len(values) < n {
			return errQuery("The query function 'Microsoft.Dynamics.CRM.%s' needs %d values.", name, n)
		}
		return nil
	}
	switch name {
	case "In", "NotIn":
		return inTest(col, values, name == "NotIn")
	case "Between", "NotBetween":
		if err := need(2); err != nil {
			return nil, err
		}
		return betweenTest(col, values, name == "NotBetween")
	case "ContainValues", "DoesNotContainValues":
		if col.Type != MultiChoice {
			return nil, errQuery("The query function '%s' works on choices only: '%s' is none.", name, col.LogicalName)
		}
		return containTest(values, name == "DoesNotContainValues"), nil
	case "On", "OnOrAfter", "OnOrBefore":
		if err := need(1); err != nil {
			return nil, err
		}
		return onTest(col, name, values[0])
	case "EqualUserId", "NotEqualUserId", "EqualBusinessId", "NotEqualBusinessId", "EqualUserTeams", "EqualUserOrUserTeams",
		"EqualUserOrUserHierarchy", "EqualUserOrUserHierarchyAndTeams":
		return c.identityTest(col, name)
	case "EqualUserLanguage":
		return func(_ *env, v any) truth { return equalTruth(v, int64(1033)) }, nil
	case "Above", "AboveOrEqual", "Under", "UnderOrEqual", "NotUnder":
		if err := need(1); err != nil {
			return nil, err
		}
		return c.hierarchyTest(col, name, values[0])
	}
	return dateTest(c, col, name, values)
}

func equalTruth(v, want any) truth {
	if v == nil {
		return unknown
	}
	return truthOf(compareValues(v, want) == 0)
}

// textValue gives a text of a query function as a value of the column.
func textValue(col *Column, text string) (any, error) {
	var tok token
	switch {
	case group(col) == "Edm.String":
		return text, nil
	case group(col) == "Edm.Boolean":
		switch text {
		case "true", "1":
			return true, nil
		case "false", "0":
			return false, nil
		}
	default:
		sub := lexer{src: text}
		var err error
		if tok, err = sub.next(); err == nil && sub.pos == len(text) {
			if v, ok := literal(col, tok); ok && v != nil {
				return v, nil
			}
			if t, ok := parseInstant(text); ok && col.Type == Date {
				return day(floorDiv(int64(t), 86400)), nil
			}
		}
	}
	return nil, errQuery("The value '%s' does not fit the type '%s' of the column '%s'.", text, col.edm(), col.LogicalName)
}

func inTest(col *Column, values []string, not bool) (test, error) {
	set := make([]any, len(values))
	texts := map[string]bool{}
	for i, s := range values {
		v, err := textValue(col, s)
		if err != nil {
			return nil, err
		}
		set[i] = v
		if s, ok := v.(string); ok {
			texts[strings.ToLower(s)] = true
		}
	}
	return func(_ *env, v any) truth {
		if v == nil {
			return truthOf(not)
		}
		found := false
		if s, ok := v.(string); ok {
			found = texts[strings.ToLower(s)]
		} else {
			found = slices.ContainsFunc(set, func(x any) bool { return compareValues(v, x) == 0 })
		}
		return truthOf(found != not)
	}, nil
}

func betweenTest(col *Column, values []string, not bool) (test, error) {
	lo, err := textValue(col, values[0])
	if err != nil {
		return nil, err
	}
	hi, err := textValue(col, values[1])
	if err != nil {
		return nil, err
	}
	return func(_ *env, v any) truth {
		if v == nil {
			return truthOf(not)
		}
		inside := compareValues(v, lo) >= 0 && compareValues(v, hi) <= 0
		return truthOf(inside != not)
	}, nil
}

// containTest holds if a multi-select column has one of the values.
func containTest(values []string, not bool) test {
	return func(_ *env, v any) truth {
		s, ok := v.(string)
		if !ok {
			return truthOf(not)
		}
		have := strings.Split(s, ",")
		found := slices.ContainsFunc(values, func(x string) bool { return slices.Contains(have, strings.TrimSpace(x)) })
		return truthOf(found != not)
	}
}

// onTest compares the day of a date.
func onTest(col *Column, name, text string) (test, error) {
	t, ok := parseInstant(text)
	if !ok || col.Type != DateTime && col.Type != Date {
		return nil, errQuery("The query function '%s' needs a date, and a column of dates.", name)
	}
	want := day(floorDiv(int64(t), 86400))
	return func(_ *env, v any) truth {
		at, ok := timeOf(v)
		if !ok {
			return unknown
		}
		d := dayOf(at)
		switch name {
		case "OnOrAfter":
			return truthOf(d >= want)
		case "OnOrBefore":
			return truthOf(d <= want)
		}
		return truthOf(d == want)
	}, nil
}

// dateTest is for the relative and the fiscal dates.
func dateTest(c *call, col *Column, name string, values []string) (test, error) {
	n := make([]int, len(values))
	for i, s := range values {
		var err error
		if n[i], err = strconv.Atoi(s); err != nil || n[i] < 0 || n[i] > 1<<20 {
			return nil, errQuery("The query function 'Microsoft.Dynamics.CRM.%s' needs a whole number; '%s' is none.", name, s)
		}
	}
	if strings.Contains(name, "X") && len(n) != 1 {
		return nil, errQuery("The query function 'Microsoft.Dynamics.CRM.%s' needs the parameter PropertyValue.", name)
	}
	first := 0
	if len(n) > 0 {
		first = n[0]
	}
	span, ok := periodOf(name, first, c.now)
	if !ok {
		holds, err := fiscalTest(name, n, c.now)
		if err != nil {
			return nil, err
		}
		return dateCondition(col, name, holds)
	}
	if col.Type == Date {
		if strings.HasSuffix(name, "Minutes") || strings.HasSuffix(name, "Hours") {
			return nil, errQuery("The query function '%s' does not work on a column without a time of day.", name) // DV069
		}
		// A day counts as a whole if the span reaches into it.
		if !span.to.IsZero() && !span.to.Equal(span.to.Truncate(24*time.Hour)) {
			span.to = span.to.Truncate(24*time.Hour).AddDate(0, 0, 1)
		}
		if !span.from.IsZero() {
			span.from = span.from.Truncate(24 * time.Hour)
		}
	}
	return dateCondition(col, name, span.contains)
}

func dateCondition(col *Column, name string, holds func(time.Time) bool) (test, error) {
	if col.Type != DateTime && col.Type != Date {
		return nil, errQuery("The query function '%s' works on dates only: '%s' is of type %s.", name, col.LogicalName, col.edm())
	}
	return func(_ *env, v any) truth {
		at, ok := timeOf(v)
		if !ok {
			return unknown
		}
		return truthOf(holds(at))
	}, nil
}

// fiscalTest is for fiscal periods: quarters of the calendar year, which is
// what an organisation starts with (DV084).
func fiscalTest(name string, n []int, now time.Time) (func(time.Time) bool, error) {
	quarter := func(t time.Time) int { return t.Year()*4 + (int(t.Month())-1)/3 }
	this := quarter(now)
	between := func(f func(time.Time) int, lo, hi int) func(time.Time) bool {
		return func(t time.Time) bool { return f(t) >= lo && f(t) <= hi }
	}
	need := 0
	switch name {
	case "InFiscalPeriodAndYear", "InOrAfterFiscalPeriodAndYear", "InOrBeforeFiscalPeriodAndYear":
		need = 2
	case "InFiscalPeriod", "InFiscalYear", "LastXFiscalPeriods", "LastXFiscalYears", "NextXFiscalPeriods", "NextXFiscalYears":
		need = 1
	}
	if len(n) < need {
		return nil, errQuery("The query function 'Microsoft.Dynamics.CRM.%s' needs %d values.", name, need)
	}
	switch name {
	case "InFiscalPeriod":
		return func(t time.Time) bool { return quarter(t)%4+1 == n[0] }, nil
	case "InFiscalYear":
		return between(time.Time.Year, n[0], n[0]), nil
	case "InFiscalPeriodAndYear", "InOrAfterFiscalPeriodAndYear", "InOrBeforeFiscalPeriodAndYear":
		at := n[1]*4 + n[0] - 1
		lo, hi := at, at
		if strings.HasPrefix(name, "InOrAfter") {
			hi = 1 << 30
		} else if strings.HasPrefix(name, "InOrBefore") {
			lo = 0
		}
		return between(quarter, lo, hi), nil
	case "ThisFiscalPeriod":
		return between(quarter, this, this), nil
	case "LastFiscalPeriod":
		return between(quarter, this-1, this-1), nil
	case "NextFiscalPeriod":
		return between(quarter, this+1, this+1), nil
	case "ThisFiscalYear":
		return between(time.Time.Year, now.Year(), now.Year()), nil
	case "LastFiscalYear":
		return between(time.Time.Year, now.Year()-1, now.Year()-1), nil
	case "NextFiscalYear":
		return between(time.Time.Year, now.Year()+1, now.Year()+1), nil
	case "LastXFiscalPeriods":
		return between(quarter, this-n[0], this-1), nil
	case "NextXFiscalPeriods":
		return between(quarter, this+1, this+n[0]), nil
	case "LastXFiscalYears":
		return between(time.Time.Year, now.Year()-n[0], now.Year()-1), nil
	case "NextXFiscalYears":
		return between(time.Time.Year, now.Year()+1, now.Year()+n[0]), nil
	}
	return nil, errQuery("An unknown function with name 'Microsoft.Dynamics.CRM.%s' was found. This may also be a function import or a key lookup on a navigation property, which is not allowed.", name)
}

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
