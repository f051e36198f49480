package expression

import (
	"encoding/json"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/expr-lang/expr/vm/runtime"
)

// operator is a binary operator with null in mind: null equals null alone, and
// every other comparison with null is false.
func (r *run) operator(op string, a, b any) any {
	r.spend(1)
	switch op {
	case "==":
		return r.equal(a, b)
	case "!=":
		return !r.equal(a, b)
	case "<", "<=", ">", ">=":
		return r.compare(op, a, b)
	case "in":
		return r.in1(a, b)
	case "contains", "startsWith", "endsWith", "matches":
		if a == nil || b == nil {
			return false
		}
		s, t := r.str(a), r.str(b)
		switch op {
		case "contains":
			return strings.Contains(s, t)
		case "startsWith":
			return strings.HasPrefix(s, t)
		case "endsWith":
			return strings.HasSuffix(s, t)
		}
		return r.matches(s, t)
	}
	return r.arithmetic(op, a, b)
}

func (r *run) arithmetic(op string, a, b any) any {
	if s, ok := a.(string); ok && op == "+" {
		t, ok := b.(string)
		if !ok {
			fail("+ joins text with text, not with %s", kindOf(b))
		}
		r.reserve(len(s) + len(t))
		return s + t
	}
	for _, v := range []any{a, b} {
		if v == nil || kindOf(v) != "a number" {
			fail("%s works on numbers, not on %s", op, kindOf(v))
		}
	}
	x, xok := a.(int)
	y, yok := b.(int)
	if !xok || !yok {
		switch op {
		case "+":
			return runtime.Add(a, b)
		case "-":
			return runtime.Subtract(a, b)
		}
		return runtime.Multiply(a, b)
	}
	var z int
	overflow := false
	switch op {
	case "+":
		z = x + y
		overflow = (x > 0) == (y > 0) && x != 0 && y != 0 && (z > 0) != (x > 0)
	case "-":
		z = x - y
		overflow = (x >= 0) != (y >= 0) && (z >= 0) != (x >= 0)
	default:
		z = x * y
		overflow = x != 0 && (z/x != y || x == -1 && y == math.MinInt)
	}
	if overflow {
		fail("a whole number is out of the range of 64 bits")
	}
	return z
}

func isNumber(v any) bool {
	switch v.(type) {
	case int, float64:
		return true
	}
	return false
}

// equal compares deeply: numbers by value, text by its bytes.
func (r *run) equal(a, b any) bool {
	r.spend(1)
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	switch x := a.(type) {
	case string:
		y, ok := b.(string)
		return ok && x == y
	case bool:
		y, ok := b.(bool)
		return ok && x == y
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for k, v := range x {
			w, ok := y[k]
			if !ok || !r.equal(v, w) {
				return false
			}
		}
		return true
	}
	if kindOf(a) == "a list" && kindOf(b) == "a list" {
		x, y := r.list(a), r.list(b)
		if len(x) != len(y) {
			return false
		}
		for i := range x {
			if !r.equal(x[i], y[i]) {
				return false
			}
		}
		return true
	}
	return isNumber(a) && isNumber(b) && runtime.Equal(a, b)
}

// compare orders numbers, and texts: as instants if both are date-times in
// RFC 3339 form, by their bytes otherwise.
func (r *run) compare(op string, a, b any) bool {
	if a == nil || b == nil {
		return false
	}
	c := 0
	s, sok := a.(string)
	t, tok := b.(string)
	switch {
	case sok && tok:
		if c = strings.Compare(s, t); len(s) >= 20 && len(t) >= 20 && len(s) < 40 && len(t) < 40 {
			x, errX := time.Parse(time.RFC3339, s)
			y, errY := time.Parse(time.RFC3339, t)
			if errX == nil && errY == nil {
				c = x.Compare(y)
			}
		}
	case isNumber(a) && isNumber(b):
		if runtime.Less(a, b) {
			c = -1
		} else if runtime.Less(b, a) {
			c = 1
		}
	default:
		fail("%s cannot compare %s with %s", op, kindOf(a), kindOf(b))
	}
	switch op {
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	}
	return c >= 0
}

// in1 is the operator in: an item of a list, or a member's name of an object.
func (r *run) in1(a, b any) bool {
	switch b := b.(type) {
	case nil:
		return false
	case map[string]any:
		name, ok := a.(string)
		_, has := b[name]
		return ok && has
	}
	for _, item := range r.list(b) {
		if r.equal(a, item) {
			return true
		}
	}
	return false
}

// toJSON turns what an expression works with into a JSON value, bounded in
// depth and in the bytes of its text.
func (r *run) toJSON(v any, left *int, depth int) any {
	r.spend(1)
	if *left -= 2; *left < 0 || depth > 100 {
		panic(ErrBudget)
	}
	switch v := v.(type) {
	case nil, bool:
		return v
	case json.Number:
		return v
	case string:
		if *left -= len(v); *left < 0 {
			panic(ErrBudget)
		}
		if !utf8.ValidString(v) {
			fail("the text was cut within a character")
		}
		return v
	case int:
		return json.Number(strconv.Itoa(v))
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			fail("the result is no number (a division by zero?)")
		}
		return Float(v)
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, item := range v {
			*left -= len(k)
			out[k] = r.toJSON(item, left, depth+1)
		}
		return out
	}
	if r.in.Unknown != nil && r.in.Unknown(v) {
		return v
	}
	rv := reflect.ValueOf(v)
	switch rv.Kind() {
	case reflect.Slice:
		out := make([]any, rv.Len())
		for i := range out {
			out[i] = r.toJSON(rv.Index(i).Interface(), left, depth+1)
		}
		return out
	case reflect.Map:
		out := make(map[string]any, rv.Len())
		for it := rv.MapRange(); it.Next(); {
			name, ok := it.Key().Interface().(string)
			if !ok {
				fail("an object's member is named by text")
			}
			*left -= len(name)
			out[name] = r.toJSON(it.Value().Interface(), left, depth+1)
		}
		return out
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return json.Number(strconv.FormatInt(rv.Int(), 10))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return json.Number(strconv.FormatUint(rv.Uint(), 10))
	}
	fail("the result is nothing that a document can hold")
	return nil
}

// Float writes a float64 as encoding/json does: a whole number without
// fraction or exponent where that is short.
func Float(f float64) json.Number {
	if f == 0 {
		return "0"
	}
	if abs := math.Abs(f); abs < 1e-6 || abs >= 1e21 {
		return json.Number(strconv.FormatFloat(f, 'e', -1, 64))
	}
	return json.Number(strconv.FormatFloat(f, 'f', -1, 64))
}
