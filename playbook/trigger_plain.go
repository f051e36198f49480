package playbook

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// plainSchema is a schema made of the keywords that schemas of events mostly
// have. It can tell at little cost that data fits, and nothing else: where it
// cannot, the validator is asked, which can also say why.
type plainSchema struct {
	// types are the names of JSON Schema; none allows all.
	types      []string
	enum       []any // nil allows all
	required   []string
	properties map[string]*plainSchema
	items      *plainSchema
	format     func(any) error
	ref        *plainSchema
	// other: there are other keywords, so that nothing is known.
	other bool
}

// plainKeywords are the fields of a compiled schema that a plainSchema knows,
// or that say nothing about values.
var plainKeywords = []string{
	"DraftVersion", "Location", "ID", "Anchor", "Ref", "Types", "Enum", "Format", "Properties", "Required", "Items2020",
	"Title", "Description", "Default", "Comment", "ReadOnly", "WriteOnly", "Examples", "Deprecated",
}

// newPlainSchema reads a compiled schema; done has those that were read.
func newPlainSchema(s *jsonschema.Schema, done map[*jsonschema.Schema]*plainSchema) *plainSchema {
	if s == nil {
		return nil
	}
	if p := done[s]; p != nil {
		return p
	}
	p := &plainSchema{required: s.Required}
	done[s] = p
	v := reflect.ValueOf(*s)
	for f := range v.Fields() {
		if f.IsExported() && !v.FieldByIndex(f.Index).IsZero() && !slices.Contains(plainKeywords, f.Name) {
			p.other = true
		}
	}
	// References that lead in a circle are the validator's to refuse.
	for r, steps := s.Ref, 0; r != nil; r, steps = r.Ref, steps+1 {
		if r == s || steps > 50 {
			p.other = true
			return p
		}
	}
	if s.Types != nil {
		p.types = s.Types.ToStrings()
	}
	if s.Enum != nil {
		p.enum = s.Enum.Values
	}
	if s.Format != nil {
		p.format = s.Format.Validate
	}
	if len(s.Properties) > 0 {
		p.properties = make(map[string]*plainSchema, len(s.Properties))
		for name, of := range s.Properties {
			p.properties[name] = newPlainSchema(of, done)
		}
	}
	p.items, p.ref = newPlainSchema(s.Items2020, done), newPlainSchema(s.Ref, done)
	return p
}

// fits reports whether data is sure to satisfy the schema.
func (p *plainSchema) fits(data any) bool {
	if p == nil {
		return true
	}
	if p.other || p.ref != nil && !p.ref.fits(data) || p.format != nil && p.format(data) != nil {
		return false
	}
	kind := ""
	switch v := data.(type) {
	case nil:
		kind = "null"
	case bool:
		kind = "boolean"
	case string:
		kind = "string"
	case json.Number:
		kind = "number"
		if strings.Trim(string(v), "0123456789") == "" && slices.Contains(p.types, "integer") {
			kind = "integer"
		}
	case []any:
		kind = "array"
		for _, item := range v {
			if !p.items.fits(item) {
				return false
			}
		}
	case map[string]any:
		kind = "object"
		for _, name := range p.required {
			if _, ok := v[name]; !ok {
				return false
			}
		}
		for name, of := range p.properties {
			if member, ok := v[name]; ok && !of.fits(member) {
				return false
			}
		}
	default:
		return false
	}
	if p.types != nil && !slices.Contains(p.types, kind) {
		return false
	}
	if p.enum == nil {
		return true
	}
	switch data.(type) {
	case nil, bool, string:
		return slices.Contains(p.enum, data)
	}
	return false
}
