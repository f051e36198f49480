package simulator

import (
	"net/url"
	"strconv"
	"strings"
)

// parseOptions reads a query string. Names may be escaped ("%24select") and
// spaces may be "+"; names are case-sensitive (DV070).
func parseOptions(raw string) (url.Values, error) {
	options := url.Values{}
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		n, err := url.QueryUnescape(name)
		if err != nil {
			return nil, errQuery("The query string is not valid: '%s'.", name)
		}
		v, err := url.QueryUnescape(value)
		if err != nil {
			return nil, errQuery("The value of the query parameter '%s' is not valid.", n)
		}
		n = strings.TrimSpace(n)
		if len(options[n]) > 0 && strings.HasPrefix(n, "$") {
			return nil, errQuery("Query option '%s' was specified more than once, but it must be specified at most once.", n)
		}
		options[n] = append(options[n], v)
	}
	return options, nil
}

// checkOptions refuses what the service refuses, and names what only the
// simulator lacks.
func (c *call) checkOptions() error {
	for name, values := range c.options {
		switch name {
		case "$select", "$expand", "$filter", "$orderby", "$top", "$count", "$apply", "$skiptoken", "$id":
		case "$skip", "$search", "$compute", "$levels", "$index", "$schemaversion":
			return errQuery("Query parameter %s is not supported", name) // DV071
		case "$format":
			if f := values[0]; f != "json" && !strings.HasPrefix(f, "application/json") {
				return errQuery("Query parameter $format is not supported")
			}
		case "$deltatoken", "savedQuery", "userQuery":
			return errNotModelled("the query option " + name)
		default:
			if strings.HasPrefix(name, "$") {
				return errQuery("The query parameter '%s' is not supported.", name)
			}
		}
	}
	if c.prefer.trackChanges {
		return errNotModelled("Prefer: odata.track-changes")
	}
	return nil
}

// splitTop cuts s at sep where it stands outside quotes, parentheses and
// brackets.
func splitTop(s string, sep byte) []string {
	var parts []string
	depth, start := 0, 0
	var quote byte
	for i := range len(s) {
		ch := s[i]
		switch {
		case quote != 0:
			if ch == quote {
				quote = 0
			}
		case ch == '\'' || ch == '"':
			quote = ch
		case ch == '(' || ch == '[' || ch == '{':
			depth++
		case ch == ')' || ch == ']' || ch == '}':
			depth--
		case ch == sep && depth == 0:
			parts = append(parts, s[start:i])
			start = i + 1
		}
	}
	return append(parts, s[start:])
}

// plan says what of a row is written: which columns, and which related rows.
type plan struct {
	table   *Table
	columns []*Column
	// context is what stands in parentheses in the context URL, and
	// hasContext tells "()" from nothing.
	context    string
	hasContext bool
	expands    []*expansion
	// keys are the columns' names as JSON keys.
	keys []string
}

// expansion is one item of $expand.
type expansion struct {
	nav    *navigation
	plan   *plan
	filter condition
	order  []sortKey
	top    int // -1: not limited
	refs   bool
	// options are the item's own, for the link to further rows.
	options string
}

// nested reports whether anything is expanded inside an expansion.
func (p *plan) nested() bool {
	for _, e := range p.expands {
		if e.plan != nil && len(e.plan.expands) > 0 {
			return true
		}
	}
	return false
}

// parsePlan reads $select and $expand.
func (c *call) parsePlan(t *Table, selectText string, hasSelect bool, expandText string, count *int) (*plan, error) {
	p := &plan{table: t}
	var names []string
	if hasSelect && strings.TrimSpace(selectText) != "" {
		for _, name := range strings.Split(selectText, ",") {
			name = strings.TrimSpace(name)
			if name == "" {
				return nil, errQuery("Syntax error: character ',' is not valid in '%s'.", selectText)
			}
			if name == "*" {
				for _, col := range t.read {
					p.add(col)
				}
				names = append(names, name)
				continue
			}
			col := t.wire[name]
			if col == nil || col.NoRead {
				nav := t.navs[name]
				if nav == nil {
					return nil, errProperty(name, t)
				}
				if nav.rel != nil && !nav.collection {
					p.add(nav.rel.Column)
				}
				names = append(names, name)
				continue
			}
			p.add(col)
			names = append(names, name)
		}
		p.hasContext = true
		p.addImplied()
	} else {
		p.columns = t.read
	}
	if expandText != "" {
		for _, item := range splitTop(expandText, ',') {
			e, text, err := c.parseExpansion(t, strings.TrimSpace(item), count)
			if err != nil {
				return nil, err
			}
			p.expands = append(p.expands, e)
			names = append(names, text)
			p.hasContext = true
			if e.refs && hasSelect {
				p.add(e.nav.rel.Column)
			}
		}
	}
	p.context = strings.Join(names, ",")
	for _, col := range p.columns {
		p.keys = append(p.keys, `"`+col.Wire()+`":`)
	}
	return p, nil
}

// add selects a column once.
func (p *plan) add(col *Column) {
	for _, have := range p.columns {
		if have == col {
			return
		}
	}
	p.columns = append(p.columns, col)
}

// addImplied selects what comes along unasked (DV072): the primary key, the
// currency of money, the composite of an address part.
func (p *plan) addImplied() {
	t := p.table
	chosen := p.columns
	p.add(t.pk)
	if t.isPrincipal() {
		if col := t.columns["ownerid"]; col != nil {
			p.add(col)
		}
	}
	for _, col := range chosen {
		if col.Type == Money {
			if cur := t.columns["transactioncurrencyid"]; cur != nil {
				p.add(cur)
			}
		}
		if prefix, _, ok := strings.Cut(col.LogicalName, "_"); ok && strings.HasPrefix(prefix, "address") {
			if composite := t.columns[prefix+"_composite"]; composite != nil && composite.inOData() {
				p.add(composite)
			}
		}
	}
}

// maxExpands is the most $expand options that a query may have (DV073).
const maxExpands = 15

// parseExpansion reads one item of $expand; text is its part of the context.
func (c *call) parseExpansion(t *Table, item string, count *int) (e *expansion, text string, err error) {
	if *count++; *count > maxExpands {
		return nil, "", errQuery("The number of $expand options in the query exceeds the limit of %d.", maxExpands)
	}
	name, options := item, ""
	if i := strings.IndexByte(item, '('); i >= 0 {
		if !strings.HasSuffix(item, ")") {
			return nil, "", errQuery("Found an unbalanced bracket expression in '%s'.", item)
		}
		name, options = strings.TrimSpace(item[:i]), item[i+1:len(item)-1]
	}
	name, ref := strings.CutSuffix(name, "/$ref")
	nav := t.navs[name]
	if nav == nil {
		if t.wire[name] != nil {
			return nil, "", errQuery("Property '%s' on type 'Microsoft.Dynamics.CRM.%s' is not a navigation property or complex property. Only navigation properties can be expanded.", name, t.LogicalName)
		}
		return nil, "", errProperty(name, t)
	}
	e = &expansion{nav: nav, top: -1, refs: ref}
	if ref {
		if nav.collection {
			return nil, "", errQuery("Expand with $ref is only supported on lookup type navigation property.") // DV074
		}
		return e, name, nil
	}
	target := nav.target
	if target == nil {
		target = c.server.schema.Table("systemuser") // principal; rows may also be teams
	}
	var sel, expand, filter, orderby string
	hasSelect := false
	var kept []string
	if strings.TrimSpace(options) != "" {
		for _, option := range splitTop(options, ';') {
			key, value, _ := strings.Cut(strings.TrimSpace(option), "=")
			key = strings.TrimSpace(key)
			switch key {
			case "$select":
				sel, hasSelect = value, true
			case "$expand":
				expand = value
			case "$filter":
				filter = value
			case "$orderby":
				orderby = value
			case "$top":
				if e.top, err = strconv.Atoi(strings.TrimSpace(value)); err != nil || e.top < 0 {
					return nil, "", errQuery("Invalid value '%s' for $top query option found. The $top query option requires a non-negative integer value.", value)
				}
				continue
			case "":
				continue
			default:
				return nil, "", errQuery("Query parameter %s is not supported", key)
			}
			kept = append(kept, key+"="+value)
		}
	}
	e.options = strings.Join(kept, "&")
	if expand != "" && nav.many != nil {
		return nil, "", errQuery("Nested expand on a many-to-many relationship is not supported.")
	}
	if e.plan, err = c.parsePlan(target, sel, hasSelect, expand, count); err != nil {
		return nil, "", err
	}
	if !hasSelect && !e.plan.hasContext {
		e.plan.hasContext = true
	}
	if filter != "" {
		if e.filter, _, err = parseFilter(c, target, filter); err != nil {
			return nil, "", err
		}
	}
	if orderby != "" {
		if e.order, err = c.parseOrder(target, orderby); err != nil {
			return nil, "", err
		}
	}
	if !nav.collection && (orderby != "" || e.top >= 0) {
		return nil, "", errExpandOptions()
	}
	return e, name + "(" + e.plan.context + ")", nil
}

func errExpandOptions() error { // DV075
	return errQuery("Only $select and $filter clause can be provided while doing $expand on many-to-one relationship or nested one-to-many relationship.")
}

// checkNesting refuses $top and $orderby in an expansion when anything is
// nested in the query (DV075), and many-to-many inside others.
func (p *plan) checkNesting(nested, inside bool) error {
	for _, e := range p.expands {
		if e.nav.many != nil && inside {
			return errQuery("Nested expand on a many-to-many relationship is not supported.")
		}
		if nested && (e.top >= 0 || e.order != nil) {
			return errExpandOptions()
		}
		if e.plan != nil {
			if err := e.plan.checkNesting(nested, true); err != nil {
				return err
			}
		}
	}
	return nil
}

// readPlan reads $select and $expand of the call for rows of t.
func (c *call) readPlan(t *Table) (*plan, error) {
	n := 0
	_, hasSelect := c.options["$select"]
	p, err := c.parsePlan(t, c.options.Get("$select"), hasSelect, c.options.Get("$expand"), &n)
	if err != nil {
		return nil, err
	}
	return p, p.checkNesting(p.nested(), false)
}

// sortKey is one item of $orderby.
type sortKey struct {
	path *columnPath
	desc bool
}

// parseOrder reads $orderby.
func (c *call) parseOrder(t *Table, text string) ([]sortKey, error) {
	var keys []sortKey
	for item := range strings.SplitSeq(text, ",") {
		fields := strings.Fields(item)
		if len(fields) == 0 || len(fields) > 2 {
			return nil, errQuery("Syntax error at position 0 in '%s'.", text)
		}
		key := sortKey{}
		if len(fields) == 2 {
			switch fields[1] {
			case "asc":
			case "desc":
				key.desc = true
			default:
				return nil, errQuery("Syntax error at position %d in '%s'.", strings.Index(text, fields[1]), text)
			}
		}
		name := fields[0]
		if strings.HasPrefix(name, "@") {
			name = strings.Trim(c.alias(name), "'")
		}
		p, err := resolvePath(c, t, name)
		if err != nil {
			return nil, err
		}
		if p.column.Type == MultiChoice {
			return nil, errQuery("The column '%s' cannot be used in $orderby.", name)
		}
		key.path = p
		keys = append(keys, key)
	}
	return keys, nil
}
