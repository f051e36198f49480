package playbook

import (
	"encoding/json"
	"math"
	"math/big"
	"reflect"
	"strconv"
	"strings"

	"github.com/osteele/liquid/expressions"
)

// templateNumber gives a number that prints with all its digits: an int, a
// float64 if it prints the same, one that keeps its zeros (12.50), and
// otherwise the digits as text.
func templateNumber(n json.Number) any {
	text := n.String()
	if i, err := strconv.Atoi(text); err == nil {
		return i
	}
	f, err := n.Float64()
	if err != nil || math.Abs(f) > 1e300 {
		return text
	}
	if _, decimals, ok := strings.Cut(text, "."); ok && strings.HasSuffix(text, "0") && !strings.ContainsAny(text, "eE") {
		if k := len(decimals); k < len(fixedPoint) && strconv.FormatFloat(f, 'f', k, 64) == text {
			return fixedPoint[k](f)
		}
		return text
	}
	exact, ok := new(big.Rat).SetString(text)
	shown, _ := new(big.Rat).SetString(strconv.FormatFloat(f, 'f', -1, 64))
	if !ok || exact.Cmp(shown) != 0 {
		return text
	}
	return f
}

// fixed is a number that prints with as many decimals as P, an array type, has
// elements. Its kind is that of a float64, by which Liquid compares and sorts.
type fixed[P any] float64

func (f fixed[P]) String() string {
	return strconv.FormatFloat(float64(f), 'f', reflect.TypeFor[P]().Len(), 64)
}

// MarshalJSON writes the digits.
func (f fixed[P]) MarshalJSON() ([]byte, error) { return []byte(f.String()), nil }

func fix[P any](f float64) any { return fixed[P](f) }

// fixedPoint makes a number of i decimals; Dataverse has at most ten.
var fixedPoint = [...]func(float64) any{
	1: fix[[1]struct{}], 2: fix[[2]struct{}], 3: fix[[3]struct{}], 4: fix[[4]struct{}], 5: fix[[5]struct{}],
	6: fix[[6]struct{}], 7: fix[[7]struct{}], 8: fix[[8]struct{}], 9: fix[[9]struct{}], 10: fix[[10]struct{}],
}

// bare is the number without its zeros, for filters that calculate.
func bare(v any) any {
	if rv := reflect.ValueOf(v); rv.Kind() == reflect.Float64 {
		return rv.Float()
	}
	return v
}

// addNumberFilters puts those filters in place that tell numbers by their Go
// type.
func addNumberFilters(c *expressions.Config) {
	for _, name := range []string{"plus", "minus", "times", "at_least", "at_most"} {
		standard := liquidFilters[name].(func(a, b any) any)
		c.AddFilter(name, func(a, b any) any { return standard(bare(a), bare(b)) })
	}
	divide := liquidFilters["divided_by"].(func(a float64, b any) (any, error))
	c.AddFilter("divided_by", func(a float64, b any) (any, error) { return divide(a, bare(b)) })
	pluralize := liquidFilters["pluralize"].(func(count any, singular, plural string) string)
	c.AddFilter("pluralize", func(count any, singular, plural string) string { return pluralize(bare(count), singular, plural) })
	sum := liquidFilters["sum"].(func(list []any, key func(string) string) any)
	c.AddFilter("sum", func(list []any, key func(string) string) any {
		name := key("")
		numbers := make([]any, len(list))
		for i, item := range list {
			if o, ok := item.(templateObject); ok && name != "" {
				item = o[name]
			}
			numbers[i] = bare(item)
		}
		return sum(numbers, func(string) string { return "" })
	})
}
