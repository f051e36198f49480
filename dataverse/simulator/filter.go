package simulator

import (
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
