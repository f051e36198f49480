package playbook

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// What the quick check lets pass, the validator does; and it lets pass what
// events mostly are.
func TestPlainSchemaAgreesWithTheValidator(t *testing.T) {
	schemas := map[string]string{
		"all of it": `{"type": "object", "required": ["a"], "properties": {
			"a": {"type": ["integer", "null"]}, "b": {"type": "number"}, "c": {"enum": ["x", 1, true, null]}, "d": {"type": "boolean"},
			"e": {"type": "array", "items": {"$ref": "#"}}, "f": {"type": "string", "format": "date-time"}, "g": {"$ref": "#/$defs/h", "type": "object"},
			"h": false, "i": true}, "$defs": {"h": {"properties": {"a": {"type": "string"}}}}}`,
		"others": `{"properties": {"a": {"minLength": 1}, "b": {"anyOf": [{"type": "null"}]}, "c": {"const": null}, "d": {"not": {}},
			"e": {"minItems": 3}, "f": {"pattern": "^$"}, "g": {"additionalProperties": false}, "h": {"minimum": 5}}}`,
		"a circle": `{"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}`,
	}
	for id, text := range platformSchemas {
		schemas[id] = text
	}
	r := rand.New(rand.NewPCG(1, 2))
	words := []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "Meeting", "Id", "Title", "StartDate", "EndDate", "MeetingId", "kind", "userName", "Attendance", "AccountId", "TranscriptId"}
	var value func(depth int) any
	value = func(depth int) any {
		switch n := r.IntN(9); {
		case n == 0:
			return nil
		case n == 1:
			return r.IntN(2) == 0
		case n == 2:
			return json.Number([]string{"1", "-1", "1.0", "1e2", "0.5", "7"}[r.IntN(6)])
		case n == 3:
			return "2026-03-02T10:00:00Z"
		case n == 4:
			return 1.5
		case n == 5 && depth > 0:
			list := make([]any, r.IntN(3))
			for i := range list {
				list[i] = value(depth - 1)
			}
			return list
		case n > 5 && depth > 0:
			m := map[string]any{}
			for range r.IntN(16) {
				m[words[r.IntN(len(words))]] = value(depth - 1)
			}
			return m
		}
		return []string{"x", "employee", ""}[r.IntN(3)]
	}
	for _, id := range slices.Sorted(maps.Keys(schemas)) { // the draws follow each other
		text := schemas[id]
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		schema, err := compileSchema(doc)
		if err != nil {
			t.Fatal(id, err)
		}
		plain := newPlainSchema(schema, map[*jsonschema.Schema]*plainSchema{})
		passed := 0
		for range 20_000 {
			data := value(3)
			if plain.fits(data) {
				passed++
				if err := schema.Validate(data); err != nil {
					t.Fatalf("%s: %v passed: %v", id, data, err)
				}
			}
		}
		if strict := []string{"PortalMeetings", "a circle"}; (passed == 0) != slices.Contains(strict, id) {
			t.Errorf("%s: %d of 20,000 passed", id, passed)
		}
	}
	meeting := map[string]any{"Meeting": map[string]any{
		"Id": "1", "Title": "x", "StartDate": "2026-03-02T10:00:00Z", "EndDate": "2026-03-02T11:00:00+01:00",
		"ExternalAttendees": []any{map[string]any{"Name": "x"}, nil}, "MeetingOwner": map[string]any{"Email": nil},
	}}
	if !platformTypes()["PortalMeetings"].plain.fits(meeting) {
		t.Error("a meeting does not fit")
	}
}
