package playbook

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"
)

// unsound says what in data is no JSON value, or would not arrive as it is,
// and where; why is "" if nothing is. [DecodeEvent] gives sound data; an
// embedder who makes an [Event] may not.
func unsound(data any, depth int) (path []string, why string) {
	if depth > maxEventDepth {
		return nil, fmt.Sprintf("values are nested more than %d deep", maxEventDepth)
	}
	switch v := data.(type) {
	case nil, bool, int, int64:
	case string:
		if !utf8.ValidString(v) {
			return nil, "is no valid UTF-8"
		}
	case json.Number:
		if !workable(v) {
			return nil, "the number is too large or too long"
		}
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, "is no number that JSON can hold"
		}
	case []any:
		for i, item := range v {
			if path, why := unsound(item, depth+1); why != "" {
				return append([]string{strconv.Itoa(i)}, path...), why
			}
		}
	case map[string]any:
		for name, item := range v {
			if !utf8.ValidString(name) {
				return nil, "has a name that is no valid UTF-8"
			}
			if path, why := unsound(item, depth+1); why != "" {
				return append([]string{name}, path...), why
			}
		}
	default:
		return nil, fmt.Sprintf("is a %T, which is no JSON value", v)
	}
	return nil, ""
}
