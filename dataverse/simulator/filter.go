package simulator

import (
	"slices"
	"strings"
)

// A filter is read by recursive descent straight into a condition over the
// schema: every name is resolved and every literal typed while reading, so a
// condition that was read can be asked of any row.

// truth is the result of a condition. An order of a missing value is neither
// true nor false, as in SQL; see whenAbsent (DV061).
type truth uint8

const (
	no truth = iota
	yes
	unknown
)

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

// condition is asked of the rows in scope; the innermost is the last.
type condition func(e *env) truth

// env is what a condition is asked about.
type env struct {
	call *call
	view *view
	rows [8]*record // by depth of the lambda; 0 is the row of the query
	// seen are the rows of tables that the caller may read, by table.
	seen map[*Table]func(*record) bool
}

func newEnv(c *call) *env { return &env{call: c, view: c.view} }

// mayRead reports whether the caller may read a row that a path leads to.
func (e *env) mayRead(r *record) bool {
	test, ok := e.seen[r.table]
	if !ok {
		if e.seen == nil {
			e.seen = map[*Table]func(*record) bool{}
		}
		test = e.call.visible(r.table)
		e.seen[r.table] = test
	}
	return test == nil || test(r)
}

// maxDepth bounds the nesting of expressions (DV062).
const maxDepth = 100

// scope is a variable that paths can begin with: the row itself, or that of
// a lambda.
type scope struct {
	name  string
	table *Table
}

// filterParser reads one filter.
type filterParser struct {
	call   *call
	lex    lexer
	tok    token
	scopes []scope
	depth  int
	// lookups collects the conditions "lookup or key is one of these ids"
	// that hold for every row of the result: what an index can answer.
	candidates []candidate
	// conjunct is true while everything around is joined by "and".
	conjunct bool
}

// candidate is a set of rows that contains the result.
type candidate struct {
	column *Column
	ids    []guid
	key    int // number of the alternate key, if values is set
	values []any
}

// parseFilter reads a filter over the rows of t.
func parseFilter(c *call, t *Table, text string) (condition, []candidate, error) {
	p := &filterParser{call: c, lex: lexer{src: text}, scopes: []scope{{"$it", t}}, conjunct: true}
	if strings.Count(text, "'")%2 == 1 {
		// DV060: said of the whole before anything else is.
		return nil, nil, errQuery("There is an unterminated literal at position %d in '%s'.", len(text), text)
	}
	if err := p.advance(); err != nil {
		return nil, nil, err
	}
	if p.tok.kind == tokEnd {
		return nil, nil, errQuery("The query specified in the URI is not valid. Expression expected at position 0 in '%s'.", text)
	}
	cond, err := p.or()
	if err != nil {
		return nil, nil, err
	}
	if p.tok.kind != tokEnd {
		return nil, nil, p.syntax()
	}
	return cond, p.candidates, nil
}

func (p *filterParser) advance() (err error) {
	p.tok, err = p.lex.next()
	return err
}

func (p *filterParser) syntax() error {
	return errQuery("Syntax error at position %d in '%s'.", p.tok.pos, p.lex.src)
}

func (p *filterParser) isSymbol(s string) bool { return p.tok.kind == tokSymbol && p.tok.text == s }

func (p *filterParser) isWord(s string) bool { return p.tok.kind == tokName && p.tok.text == s }

func (p *filterParser) expect(symbol string) error {
	if !p.isSymbol(symbol) {
		if symbol == ")" {
			return errQuery("')' or operator expected at position %d in '%s'.", p.tok.pos, p.lex.src)
		}
		return p.syntax()
	}
	return p.advance()
}

func (p *filterParser) enter() error {
	p.depth++
	if p.depth > maxDepth {
		return errQuery("Recursion depth exceeded allowed limit.")
	}
	return nil
}

func (p *filterParser) or() (condition, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	was, mark := p.conjunct, len(p.candidates)
	left, err := p.and()
	if err != nil || !p.isWord("or") {
		return left, err
	}
	p.candidates = p.candidates[:mark] // one side of an "or" bounds nothing
	p.conjunct = false
	defer func() { p.conjunct = was }()
	list := []condition{left}
	for p.isWord("or") {
		if err := p.advance(); err != nil {
			return nil, err
		}
		right, err := p.and()
		if err != nil {
			return nil, err
		}
		list = append(list, right)
	}
	return func(e *env) truth {
		result := no
		for _, cond := range list {
			switch cond(e) {
			case yes:
				return yes
			case unknown:
				result = unknown
			}
		}
		return result
	}, nil
}

func (p *filterParser) and() (condition, error) {
	left, err := p.unary()
	if err != nil || !p.isWord("and") {
		return left, err
	}
	list := []condition{left}
	for p.isWord("and") {
		if err := p.advance(); err != nil {
			return nil, err
		}
		right, err := p.unary()
		if err != nil {
			return nil, err
		}
		list = append(list, right)
	}
	return func(e *env) truth {
		result := yes
		for _, cond := range list {
			switch cond(e) {
			case no:
				return no
			case unknown:
				result = unknown
			}
		}
		return result
	}, nil
}

func (p *filterParser) unary() (condition, error) {
	if !p.isWord("not") {
		return p.primary()
	}
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	if err := p.advance(); err != nil {
		return nil, err
	}
	if p.tok.kind == tokName && strings.HasPrefix(p.tok.text, functionPrefix) {
		return nil, errQuery("Not operator along with the Custom Named Condition operators is not allowed") // DV063
	}
	was := p.conjunct
	p.conjunct = false
	cond, err := p.unary()
	p.conjunct = was
	if err != nil {
		return nil, err
	}
	return func(e *env) truth {
		switch cond(e) {
		case yes:
			return no
		case no:
			return yes
		}
		return unknown
	}, nil
}

const functionPrefix = "Microsoft.Dynamics.CRM."

func (p *filterParser) primary() (condition, error) {
	if p.isSymbol("(") {
		if err := p.advance(); err != nil {
			return nil, err
		}
		cond, err := p.or()
		if err != nil {
			return nil, err
		}
		return cond, p.expect(")")
	}
	if p.tok.kind == tokName {
		switch p.tok.text {
		case "contains", "startswith", "endswith":
			save, tok := p.lex, p.tok
			name := p.tok.text
			if err := p.advance(); err != nil {
				return nil, err
			}
			if p.isSymbol("(") {
				return p.textFunction(name)
			}
			p.lex, p.tok = save, tok
		}
	}
	left, cond, err := p.operand()
	if err != nil || cond != nil {
		return cond, err
	}
	return p.comparison(left)
}

// operand is one side of a comparison: a path to a column, or a literal.
type operand struct {
	path *columnPath
	lit  token
}

func (o *operand) edm() string {
	if o.path != nil {
		return o.path.column.edm()
	}
	switch o.lit.kind {
	case tokString:
		return "Edm.String"
	case tokGUID:
		return "Edm.Guid"
	case tokDate:
		return "Edm.Date"
	case tokDateTime:
		return "Edm.DateTimeOffset"
	case tokNumber:
		if strings.ContainsAny(o.lit.text, ".eE") {
			return "Edm.Double"
		}
		return "Edm.Int32"
	}
	if o.lit.text == "null" {
		return "<null>"
	}
	return "Edm.Boolean"
}

// operand reads a path or a literal; a path may turn out to be a whole
// condition (a lambda or a query function), which is returned instead.
func (p *filterParser) operand() (*operand, condition, error) {
	switch p.tok.kind {
	case tokString, tokNumber, tokGUID, tokDate, tokDateTime:
		o := &operand{lit: p.tok}
		return o, nil, p.advance()
	case tokAlias:
		return p.aliasOperand()
	case tokName:
		switch p.tok.text {
		case "null", "true", "false":
			o := &operand{lit: p.tok}
			return o, nil, p.advance()
		}
		return p.pathOperand()
	}
	return nil, nil, p.syntax()
}

// aliasOperand reads what a parameter alias stands for (DV016).
func (p *filterParser) aliasOperand() (*operand, condition, error) {
	sub := lexer{src: p.call.alias(p.tok.text)}
	tok, err := sub.next()
	if err != nil {
		return nil, nil, err
	}
	if end, err := sub.next(); err != nil || end.kind != tokEnd && tok.kind != tokName {
		return nil, nil, errQuery("The value of the parameter alias '%s' is not a literal.", p.tok.text)
	}
	if tok.kind == tokName && tok.text != "null" && tok.text != "true" && tok.text != "false" {
		path, err := resolvePath(p.call, p.scopes[len(p.scopes)-1].table, p.call.alias(p.tok.text))
		if err != nil {
			return nil, nil, err
		}
		path.base = len(p.scopes) - 1
		return &operand{path: path}, nil, p.advance()
	}
	if tok.kind == tokJSON || tok.kind == tokAlias || tok.kind == tokEnd {
		return nil, nil, errQuery("The value of the parameter alias '%s' is not a literal.", p.tok.text)
	}
	return &operand{lit: tok}, nil, p.advance()
}

var unsupportedFunctions = map[string]bool{
	"tolower": true, "toupper": true, "length": true, "indexof": true, "substring": true, "trim": true, "concat": true,
	"year": true, "month": true, "day": true, "hour": true, "minute": true, "second": true, "date": true, "time": true,
	"now": true, "round": true, "floor": true, "ceiling": true, "cast": true, "isof": true, "mod": true, "substringof": true,
	"matchesPattern": true, "totaloffsetminutes": true, "fractionalseconds": true, "mindatetime": true, "maxdatetime": true,
}

func (p *filterParser) pathOperand() (*operand, condition, error) {
	base := 0
	table := p.scopes[0].table
	var hops []*navigation
	first := p.tok.text
	for i := len(p.scopes) - 1; i > 0; i-- {
		if p.scopes[i].name == first {
			base, table = i, p.scopes[i].table
			if err := p.advance(); err != nil {
				return nil, nil, err
			}
			if err := p.expect("/"); err != nil {
				return nil, nil, err
			}
			break
		}
	}
	if first == "$it" {
		if err := p.advance(); err != nil {
			return nil, nil, err
		}
		if err := p.expect("/"); err != nil {
			return nil, nil, err
		}
	}
	for {
		if p.tok.kind != tokName {
			return nil, nil, p.syntax()
		}
		name := p.tok.text
		if err := p.advance(); err != nil {
			return nil, nil, err
		}
		if p.isSymbol("(") {
			if short, ok := strings.CutPrefix(name, functionPrefix); ok {
				cond, err := p.queryFunction(short, name, base, hops, table)
				return nil, cond, err
			}
			if len(hops) == 0 && !unsupportedFunctions[name] {
				return nil, nil, errQuery("An unknown function with name '%s' was found. This may also be a function import or a key lookup on a navigation property, which is not allowed.", name)
			}
			return nil, nil, errQuery("The function '%s' is not supported in $filter.", name) // DV064
		}
		if !p.isSymbol("/") {
			if nav := navOf(table, name); nav != nil && !nav.collection && table.wire[name] == nil {
				cond, err := p.lookupIsNull(base, append(slices.Clip(hops), nav))
				return nil, cond, err
			}
			path := &columnPath{base: base, hops: hops}
			if err := path.end(p.call, table, name); err != nil {
				return nil, nil, err
			}
			return &operand{path: path}, nil, nil
		}
		nav := navOf(table, name)
		if nav == nil {
			return nil, nil, propertyOn(table, name)
		}
		if err := p.advance(); err != nil {
			return nil, nil, err
		}
		if nav.collection {
			if len(hops) > 0 {
				return nil, nil, errQuery("A lambda expression on a collection that is reached through a lookup is not supported: '%s'.", name) // DV065
			}
			cond, err := p.lambda(base, hops, nav)
			return nil, cond, err
		}
		hops = append(hops, nav)
		table = nav.target
	}
}

// lookupIsNull reads the rest of "lookup eq null" or "lookup ne null", the one
// comparison that a navigation property itself takes (DV088).
func (p *filterParser) lookupIsNull(base int, hops []*navigation) (condition, error) {
	last := hops[len(hops)-1]
	operator := p.tok.text
	if p.tok.kind != tokName || operator != "eq" && operator != "ne" {
		return nil, p.syntax()
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	right, cond, err := p.operand()
	if err != nil {
		return nil, err
	}
	if cond != nil || right.path != nil || right.lit.text != "null" || right.lit.kind == tokString {
		return nil, errQuery("A navigation property can be compared with null only: '%s'.", last.name)
	}
	return func(e *env) truth {
		r := e.follow(base, hops[:len(hops)-1])
		if r == nil {
			return truthOf(operator == "eq")
		}
		x, ok := r.ref(last.rel.Column)
		return truthOf((ok && last.leadsTo(x.table)) == (operator == "ne"))
	}, nil
}

func navOf(t *Table, name string) *navigation {
	if t == nil {
		return nil
	}
	return t.navs[name]
}

func propertyOn(t *Table, name string) error {
	if t == nil {
		return errQuery("Could not find a property named '%s' on type 'Microsoft.Dynamics.CRM.principal'.", name)
	}
	return errProperty(name, t)
}

// lambda reads any(…) or all(…) after a collection.
func (p *filterParser) lambda(base int, hops []*navigation, nav *navigation) (condition, error) {
	kind := p.tok.text
	if p.tok.kind != tokName || kind != "any" && kind != "all" {
		if kind == "$count" {
			return nil, errQuery("$count of a collection in $filter is not supported.")
		}
		return nil, errQuery("The parent value for a property access of a property '%s' is not a single value. Property access can only be applied to a single value.", kind)
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	if err := p.expect("("); err != nil {
		return nil, err
	}
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	depth := len(p.scopes)
	if depth == len(env{}.rows) {
		return nil, errQuery("Recursion depth exceeded allowed limit.")
	}
	var body condition
	if !p.isSymbol(")") {
		if p.tok.kind != tokName {
			return nil, p.syntax()
		}
		variable := p.tok.text
		if err := p.advance(); err != nil {
			return nil, err
		}
		if err := p.expect(":"); err != nil {
			return nil, err
		}
		p.scopes = append(p.scopes, scope{variable, nav.target})
		was := p.conjunct
		p.conjunct = false
		var err error
		body, err = p.or()
		p.conjunct = was
		p.scopes = p.scopes[:depth]
		if err != nil {
			return nil, err
		}
	} else if kind == "all" {
		return nil, p.syntax()
	}
	if err := p.expect(")"); err != nil {
		return nil, err
	}
	all := kind == "all"
	return func(e *env) truth {
		r := e.follow(base, hops)
		if r == nil {
			return no
		}
		result := truthOf(all)
		e.each(r, nav, func(child *record) bool {
			if !e.mayRead(child) {
				return true
			}
			if body == nil {
				result = yes
				return false
			}
			e.rows[depth] = child
			if holds := body(e) == yes; holds != all {
				result = truthOf(!all)
				return false
			}
			return true
		})
		return result
	}, nil
}
