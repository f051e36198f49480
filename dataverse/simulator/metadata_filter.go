package simulator

import (
	"strconv"
	"strings"
)

// maxMetaFilterDepth bounds the nesting of a metadata filter.
const maxMetaFilterDepth = 100

// parseMetaFilter reads a $filter over metadata properties: comparisons with
// literals, enum members and null, contains, startswith and endswith, and, or,
// not and parentheses.
func parseMetaFilter(text string, t *metaType, alias func(string) string) (func(*metaObject) bool, error) {
	p := &metaParser{text: text, t: t, alias: alias}
	p.next()
	f, err := p.or(0)
	if err == nil && p.token != "" {
		err = p.errorf("'%s' is not expected", p.token)
	}
	return f, err
}

type metaParser struct {
	text  string
	t     *metaType
	alias func(string) string
	pos   int // after token
	token string
}

func (p *metaParser) errorf(format string, args ...any) error {
	return metaFilterError(p.text, p.pos, format, args...)
}

// next reads a token: a name, path or literal, or one of ( ) ,
func (p *metaParser) next() {
	for p.pos < len(p.text) && p.text[p.pos] == ' ' {
		p.pos++
	}
	start := p.pos
	for p.pos < len(p.text) {
		switch ch := p.text[p.pos]; ch {
		case '(', ')', ',':
			if p.pos == start {
				p.pos++
			}
			p.token = p.text[start:p.pos]
			return
		case ' ':
			p.token = p.text[start:p.pos]
			return
		case '\'':
			p.pos++
			for p.pos < len(p.text) {
				if p.text[p.pos] == '\'' {
					if p.pos+1 < len(p.text) && p.text[p.pos+1] == '\'' {
						p.pos += 2
						continue
					}
					break
				}
				p.pos++
			}
			p.pos++
			if p.pos > len(p.text) {
				p.pos = len(p.text)
			}
		default:
			p.pos++
		}
	}
	p.token = p.text[start:p.pos]
}

type metaTest = func(*metaObject) bool

func (p *metaParser) or(depth int) (metaTest, error) {
	left, err := p.and(depth)
	for err == nil && p.token == "or" {
		p.next()
		var right metaTest
		if right, err = p.and(depth); err == nil {
			l := left
			left = func(o *metaObject) bool { return l(o) || right(o) }
		}
	}
	return left, err
}

func (p *metaParser) and(depth int) (metaTest, error) {
	left, err := p.unary(depth)
	for err == nil && p.token == "and" {
		p.next()
		var right metaTest
		if right, err = p.unary(depth); err == nil {
			l := left
			left = func(o *metaObject) bool { return l(o) && right(o) }
		}
	}
	return left, err
}

func (p *metaParser) unary(depth int) (metaTest, error) {
	if depth > maxMetaFilterDepth {
		return nil, errQuery("The node count limit of '%d' has been exceeded.", maxMetaFilterDepth)
	}
	switch p.token {
	case "not":
		p.next()
		f, err := p.unary(depth + 1)
		if err != nil {
			return nil, err
		}
		return func(o *metaObject) bool { return !f(o) }, nil
	case "(":
		p.next()
		f, err := p.or(depth + 1)
		if err != nil {
			return nil, err
		}
		if p.token != ")" {
			return nil, p.errorf("')' expected")
		}
		p.next()
		return f, nil
	case "contains", "startswith", "endswith":
		return p.function(p.token)
	}
	return p.comparison()
}

func (p *metaParser) function(name string) (metaTest, error) {
	p.next()
	if p.token != "(" {
		return nil, p.errorf("'(' expected")
	}
	p.next()
	path, err := p.path()
	if err != nil {
		return nil, err
	}
	if p.token != "," {
		return nil, p.errorf("',' expected")
	}
	p.next()
	v, err := p.literal()
	if err != nil {
		return nil, err
	}
	want, ok := v.(string)
	if !ok || p.token != ")" {
		return nil, p.errorf("a text and ')' expected")
	}
	p.next()
	want = strings.ToLower(want)
	test := map[string]func(a, b string) bool{"contains": strings.Contains, "startswith": strings.HasPrefix, "endswith": strings.HasSuffix}[name]
	return func(o *metaObject) bool {
		s, ok := metaValueAt(o, path).(string)
		return ok && test(strings.ToLower(s), want)
	}, nil
}

func (p *metaParser) path() ([]string, error) {
	path := strings.Split(p.token, "/")
	if !p.t.has(path[0]) {
		return nil, errMetaProperty(path[0], p.t)
	}
	p.next()
	return path, nil
}

func (p *metaParser) comparison() (metaTest, error) {
	if p.token == "" {
		return nil, p.errorf("an expression is expected")
	}
	path, err := p.path()
	if err != nil {
		return nil, err
	}
	op := p.token
	switch op {
	case "eq", "ne", "gt", "ge", "lt", "le":
	case "", "and", "or", ")":
		return func(o *metaObject) bool { v, _ := metaValueAt(o, path).(bool); return v }, nil
	default:
		return nil, p.errorf("the operator '%s' is not known", op)
	}
	p.next()
	want, err := p.literal()
	if err != nil {
		return nil, err
	}
	return func(o *metaObject) bool {
		n, ok := compareMeta(metaValueAt(o, path), want)
		switch op {
		case "eq":
			return ok && n == 0
		case "ne":
			return !ok || n != 0
		case "gt":
			return ok && n > 0
		case "ge":
			return ok && n >= 0
		case "lt":
			return ok && n < 0
		default:
			return ok && n <= 0
		}
	}, nil
}

// literal reads a value: 'text', an enum member Type'Name', a number, true,
// false, null, an id or an alias.
func (p *metaParser) literal() (any, error) {
	tok := p.token
	if strings.HasPrefix(tok, "@") {
		tok = p.alias(tok)
	}
	v, ok := metaLiteral(tok)
	if !ok {
		return nil, p.errorf("'%s' is no literal", tok)
	}
	p.next()
	return v, nil
}

func metaLiteral(tok string) (any, bool) {
	switch tok {
	case "null":
		return nil, true
	case "true", "false":
		return tok == "true", true
	case "":
		return nil, false
	}
	if i := strings.IndexByte(tok, '\''); i >= 0 {
		if len(tok) < i+2 || tok[len(tok)-1] != '\'' || i > 0 && !strings.HasPrefix(tok, crmPrefix) {
			return nil, false
		}
		return strings.ReplaceAll(tok[i+1:len(tok)-1], "''", "'"), true
	}
	if _, ok := parseGUID(tok); ok {
		return tok, true
	}
	if n, err := strconv.ParseFloat(tok, 64); err == nil {
		return n, true
	}
	return nil, false
}
