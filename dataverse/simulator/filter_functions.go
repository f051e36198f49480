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
