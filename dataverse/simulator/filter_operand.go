package simulator

import (
	"slices"
	"strings"
)

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
