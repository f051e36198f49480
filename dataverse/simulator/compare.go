package simulator

import (
	"cmp"
	"strings"
)

// comparison reads "op operand" after the left side.
func (p *filterParser) comparison(left *operand) (condition, error) {
	op := p.tok.text
	switch {
	case p.tok.kind == tokName && (op == "eq" || op == "ne" || op == "gt" || op == "ge" || op == "lt" || op == "le"):
	case p.tok.kind == tokName && (op == "in" || op == "has" || op == "add" || op == "sub" || op == "mul" || op == "div" || op == "mod"):
		return nil, errQuery("The operator '%s' is not supported in $filter.", op) // DV064
	default:
		// A column of its own is a condition if it is a Boolean.
		if left.path != nil && left.path.column.Type == Boolean {
			path := left.path
			return func(e *env) truth { return boolTruth(path.value(e)) }, nil
		}
		if left.path == nil && left.lit.kind == tokName && left.lit.text != "null" {
			t := truthOf(left.lit.text == "true")
			return func(*env) truth { return t }, nil
		}
		return nil, p.syntax()
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	right, cond, err := p.operand()
	if err != nil {
		return nil, err
	}
	if cond != nil {
		return nil, p.syntax()
	}
	return p.compare(left, op, right)
}

func boolTruth(v any) truth {
	b, ok := v.(bool)
	if !ok {
		return unknown
	}
	return truthOf(b)
}

var operatorKinds = map[string]string{
	"eq": "Equal", "ne": "NotEqual", "gt": "GreaterThan", "ge": "GreaterThanOrEqual", "lt": "LessThan", "le": "LessThanOrEqual",
}

var mirrored = map[string]string{"eq": "eq", "ne": "ne", "gt": "lt", "ge": "le", "lt": "gt", "le": "ge"}

// compare makes the condition of two operands.
func (p *filterParser) compare(left *operand, op string, right *operand) (condition, error) {
	if left.path == nil && right.path == nil {
		return nil, errQuery("A comparison needs a column: '%s'.", p.lex.src)
	}
	if left.path == nil {
		left, op, right = right, mirrored[op], left
	}
	mismatch := errQuery("A binary operator with incompatible types was detected. Found operand types '%s' and '%s' for operator kind '%s'.",
		left.edm(), right.edm(), operatorKinds[op])
	col := left.path.column
	if right.path != nil {
		if group(col) != group(right.path.column) {
			return nil, mismatch
		}
		a, b := left.path, right.path
		return func(e *env) truth {
			x, y := a.value(e), b.value(e)
			if x == nil || y == nil {
				return unknown
			}
			return truthOf(orderHolds(op, compareValues(x, y)))
		}, nil
	}
	if col.Type == MultiChoice && !(right.lit.kind == tokName && right.lit.text == "null") {
		return nil, errQuery("The column '%s' can only be used with ContainValues and DoesNotContainValues.", col.LogicalName)
	}
	v, ok := literal(col, right.lit)
	if !ok {
		return nil, mismatch
	}
	if op == "eq" {
		p.note(left.path, v)
	}
	return compareLiteral(left.path, op, v, mismatch)
}

// note remembers an equation that an index can answer.
func (p *filterParser) note(at *columnPath, v any) {
	if !p.conjunct || at.base != 0 {
		return
	}
	col := at.column
	if len(at.hops) == 1 && col.system == sysPrimary && at.hops[0].rel.Column.indexed {
		// "parentaccountid/accountid eq id" asks what "_parentaccountid_value eq id" asks.
		if id, ok := v.(guid); ok {
			p.candidates = append(p.candidates, candidate{column: at.hops[0].rel.Column, ids: []guid{id}})
		}
		return
	}
	if !at.simple() {
		return
	}
	if id, ok := v.(guid); ok && (col.system == sysPrimary || col.indexed) {
		p.candidates = append(p.candidates, candidate{column: col, ids: []guid{id}})
		return
	}
	for n, k := range col.table.Keys {
		if len(k.columns) != 1 || k.columns[0] != col || v == nil {
			continue
		}
		if s, ok := v.(string); ok && hasWildcard(s) {
			continue
		}
		p.candidates = append(p.candidates, candidate{key: n, values: []any{v}})
	}
}

// group tells which columns can be compared with each other.
func group(c *Column) string {
	switch t := c.edm(); t {
	case "Edm.Int32", "Edm.Int64", "Edm.Double", "Edm.Decimal":
		return "number"
	default:
		return t
	}
}

// compareLiteral makes the condition "path op v".
func compareLiteral(at *columnPath, op string, v any, mismatch error) (condition, error) {
	if v == nil {
		switch op {
		case "eq":
			return func(e *env) truth { return truthOf(at.value(e) == nil) }, nil
		case "ne":
			return func(e *env) truth { return truthOf(at.value(e) != nil) }, nil
		}
		return nil, mismatch
	}
	col := at.column
	absent := whenAbsent(op)
	switch x := v.(type) {
	case string:
		if op == "eq" || op == "ne" {
			match := newMatcher("eq", x)
			want := op == "eq"
			return func(e *env) truth {
				s, ok := at.value(e).(string)
				if !ok {
					return absent
				}
				return truthOf(match(s) == want)
			}, nil
		}
	case guid:
		want := op == "eq"
		if !want && op != "ne" {
			return nil, mismatch
		}
		if col.Type.IsLookup() {
			return func(e *env) truth {
				y, ok := at.value(e).(ref)
				if !ok {
					return absent
				}
				return truthOf((y.id == x) == want)
			}, nil
		}
		return func(e *env) truth {
			y, ok := at.value(e).(guid)
			if !ok {
				return absent
			}
			return truthOf((y == x) == want)
		}, nil
	case bool:
		want := op == "eq"
		if !want && op != "ne" {
			return nil, mismatch
		}
		return func(e *env) truth {
			y, ok := at.value(e).(bool)
			if !ok {
				return absent
			}
			return truthOf((y == x) == want)
		}, nil
	case int64:
		return func(e *env) truth {
			y, ok := at.value(e).(int64)
			if !ok {
				return absent
			}
			return truthOf(orderHolds(op, cmp.Compare(y, x)))
		}, nil
	case instant:
		return func(e *env) truth {
			y, ok := at.value(e).(instant)
			if !ok {
				return absent
			}
			return truthOf(orderHolds(op, cmp.Compare(y, x)))
		}, nil
	}
	return func(e *env) truth {
		y := at.value(e)
		if y == nil {
			return absent
		}
		return truthOf(orderHolds(op, compareValues(y, v)))
	}, nil
}

// whenAbsent is the one place that says how a missing value compares (DV061):
// it equals nothing, it differs from everything, and it has no place in an
// order, so that neither "gt" nor "not … gt" finds it.
func whenAbsent(op string) truth {
	switch op {
	case "eq":
		return no
	case "ne":
		return yes
	}
	return unknown
}

func orderHolds(op string, c int) bool {
	switch op {
	case "eq":
		return c == 0
	case "ne":
		return c != 0
	case "gt":
		return c > 0
	case "ge":
		return c >= 0
	case "lt":
		return c < 0
	}
	return c <= 0
}

// compareValues orders two values of the store that are not null. Texts
// compare without case.
func compareValues(a, b any) int {
	switch x := a.(type) {
	case string:
		if y, ok := b.(string); ok {
			return compareFold(x, y)
		}
	case int64:
		if y, ok := b.(int64); ok {
			return cmp.Compare(x, y)
		}
	case bool:
		if y, ok := b.(bool); ok {
			return cmp.Compare(boolInt(x), boolInt(y))
		}
	case instant:
		if y, ok := b.(instant); ok {
			return cmp.Compare(x, y)
		}
	case day:
		if y, ok := b.(day); ok {
			return cmp.Compare(x, y)
		}
	case guid:
		switch y := b.(type) {
		case guid:
			return strings.Compare(string(x[:]), string(y[:]))
		case ref:
			return strings.Compare(string(x[:]), string(y.id[:]))
		}
	case ref:
		return compareValues(x.id, b)
	case decimal:
		if y, ok := b.(decimal); ok {
			return x.compare(y)
		}
	}
	return cmp.Compare(toFloat(a), toFloat(b))
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func toFloat(v any) float64 {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case float64:
		return v
	case decimal:
		return v.float()
	}
	return 0
}

// compareFold orders texts without regard to case.
func compareFold(a, b string) int {
	for i := 0; i < len(a) && i < len(b); i++ {
		x, y := a[i], b[i]
		if x >= 0x80 || y >= 0x80 {
			return strings.Compare(strings.ToLower(a[i:]), strings.ToLower(b[i:]))
		}
		if x, y = lower(x), lower(y); x != y {
			return cmp.Compare(x, y)
		}
	}
	return cmp.Compare(len(a), len(b))
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 32
	}
	return c
}
