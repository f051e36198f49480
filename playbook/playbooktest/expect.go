package playbooktest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/andmoneyaps/engage-playbooks/playbook"
)

// compare tells what of the expectation is not met.
func compare(want *playbook.Expectation, got *playbook.Result, dump []byte) ([]string, error) {
	var failures []string
	failf := func(format string, args ...any) { failures = append(failures, fmt.Sprintf(format, args...)) }
	if want.Status != nil && *want.Status != got.Status {
		why := ""
		if got.Error != nil {
			why = fmt.Sprintf(" (block %q: %s)", got.Error.Block, got.Error.Message)
		} else if got.Reason != "" {
			why = " (" + got.Reason + ")"
		}
		failf("status: expected %s, got %s%s", *want.Status, got.Status, why)
	}
	data, err := json.Marshal(got)
	if err != nil {
		return nil, err
	}
	shown, err := decode(data)
	if err != nil {
		return nil, err
	}
	result := shown.(map[string]any)
	if want.HasWrites {
		failures = append(failures, compareWrites(want.Writes, result["writes"].([]any))...)
	}
	if want.HasOutput {
		if path, ok := within(want.Output, result["output"]); !ok {
			failf("output%s: expected %s, got %s", path, text(at(want.Output, path)), text(at(result["output"], path)))
		}
	}
	if want.Records == nil {
		return failures, nil
	}
	v, err := decode(dump)
	if err != nil {
		return nil, err
	}
	sets, _ := v.(map[string]any)
	for _, set := range slices.Sorted(maps.Keys(want.Records)) {
		rows, _ := sets[set].([]any)
		failures = append(failures, compareRecords(set, want.Records[set], rows)...)
	}
	return failures, nil
}

// compareWrites is exact in number and order; of each write the keys that are
// given count.
func compareWrites(want []map[string]any, got []any) []string {
	if len(want) != len(got) {
		return []string{fmt.Sprintf("writes: expected %d, got %d: %s", len(want), len(got), text(got))}
	}
	var failures []string
	for i, w := range want {
		g := got[i].(map[string]any)
		for _, key := range slices.Sorted(maps.Keys(w)) {
			if !equal(w[key], g[key]) {
				failures = append(failures, fmt.Sprintf("writes[%d].%s: expected %s, got %s", i, key, text(w[key]), text(g[key])))
			}
		}
	}
	return failures
}

// compareRecords finds a row of its own for each record.
func compareRecords(set string, want []map[string]any, rows []any) []string {
	if len(want) == 0 && len(rows) > 0 {
		return []string{fmt.Sprintf("records.%s: expected none, there are %d", set, len(rows))}
	}
	var failures []string
	used := make([]bool, len(rows))
	for i, w := range want {
		found := slices.IndexFunc(rows, func(row any) bool {
			j := slices.IndexFunc(rows, func(r any) bool { return same(r, row) })
			_, ok := within(map[string]any(w), columns(row))
			return ok && !used[j]
		})
		if found < 0 {
			failures = append(failures, fmt.Sprintf("records.%s[%d]: none of the %d records there has %s", set, i, len(rows), text(w)))
			continue
		}
		used[found] = true
	}
	return failures
}

func same(a, b any) bool {
	x, ok := a.(map[string]any)
	y, ok2 := b.(map[string]any)
	return ok && ok2 && maps.EqualFunc(x, y, equal)
}

// columns lets a lookup be named by its column as well as by its property.
func columns(row any) map[string]any {
	r, _ := row.(map[string]any)
	all := maps.Clone(r)
	for name, v := range r {
		if col, ok := strings.CutPrefix(name, "_"); ok {
			if col, ok = strings.CutSuffix(col, "_value"); ok {
				all[col] = v
			}
		}
	}
	return all
}

// within reports whether want is a part of got: objects by the members that
// are given, lists of objects by items that are there in this order, the rest
// by being equal. path leads to what is not.
func within(want, got any) (path string, ok bool) {
	switch w := want.(type) {
	case map[string]any:
		g, isObject := got.(map[string]any)
		if !isObject {
			return "", false
		}
		for _, name := range slices.Sorted(maps.Keys(w)) {
			if p, ok := within(w[name], g[name]); !ok {
				return "." + name + p, false
			}
		}
		return "", true
	case []any:
		g, isList := got.([]any)
		if !isList || len(w) > len(g) || len(w) == 0 && len(g) > 0 {
			return "", false
		}
		next := 0
		for _, item := range w {
			for next < len(g) {
				if _, ok := within(item, g[next]); ok {
					break
				}
				next++
			}
			if next == len(g) {
				return "", false
			}
			next++
		}
		return "", true
	}
	return "", equal(want, got)
}

// at follows a path that within gave.
func at(v any, path string) any {
	for name := range strings.SplitSeq(strings.TrimPrefix(path, "."), ".") {
		m, ok := v.(map[string]any)
		if !ok {
			return v
		}
		v = m[name]
	}
	return v
}

// equal compares JSON values: numbers by value, times by instant, GUIDs
// without case.
func equal(a, b any) bool {
	switch x := a.(type) {
	case map[string]any:
		y, ok := b.(map[string]any)
		return ok && maps.EqualFunc(x, y, equal)
	case []any:
		y, ok := b.([]any)
		return ok && slices.EqualFunc(x, y, equal)
	case string:
		y, ok := b.(string)
		if !ok || x == y {
			return ok
		}
		s, err := time.Parse(time.RFC3339Nano, x)
		t, err2 := time.Parse(time.RFC3339Nano, y)
		return err == nil && err2 == nil && s.Equal(t) || len(x) == 36 && strings.EqualFold(x, y)
	}
	if x, ok := number(a); ok {
		y, ok := number(b)
		return ok && x.Cmp(y) == 0
	}
	return a == b
}

func number(v any) (*big.Rat, bool) {
	switch v := v.(type) {
	case json.Number:
		return new(big.Rat).SetString(string(v))
	case int:
		return big.NewRat(int64(v), 1), true
	case float64:
		r := new(big.Rat)
		return r.SetFloat64(v), r.SetFloat64(v) != nil
	}
	return nil, false
}

func text(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(data)
}

func decode(data []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var v any
	return v, d.Decode(&v)
}
