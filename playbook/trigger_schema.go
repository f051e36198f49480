package playbook

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	jskind "github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/andmoneyaps/engage-playbooks"
	"github.com/andmoneyaps/engage-playbooks/internal/document"
)

const draft2020 = "https://json-schema.org/draft/2020-12/schema"

// noLoader refuses every reference that leads out of a schema.
type noLoader struct{}

func (noLoader) Load(string) (any, error) {
	return nil, errors.New("only references within the schema are followed")
}

// dateTimeFormat is RFC 3339 with an offset.
func dateTimeFormat(v any) error {
	if s, ok := v.(string); ok {
		if _, err := time.Parse(time.RFC3339, s); err != nil {
			return errors.New("no date and time with an offset")
		}
	}
	return nil
}

// compileSchema compiles a schema of JSON Schema 2020-12; formats are checked.
func compileSchema(doc any) (*jsonschema.Schema, error) {
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.UseLoader(noLoader{})
	c.AssertFormat()
	c.RegisterFormat(&jsonschema.Format{Name: formatDateTime, Validate: dateTimeFormat})
	if err := c.AddResource("schema.json", doc); err != nil {
		return nil, err
	}
	return c.Compile("schema.json")
}

// decodeTriggerType reads a TriggerType document; nil if it is of no use.
func (l *loader) decodeTriggerType(d *document.Document) *TriggerType {
	m := d.Mapping(l.problems, "schema", "schemaFile")
	if _, platform := platformTypes()[d.ID]; platform {
		l.problems.Errorf(d.IDPos, "platform-type", "%q is a type of the platform and cannot be declared again", d.ID)
		return nil
	}
	t := &TriggerType{ID: d.ID, Name: d.Name, Description: d.Description, Own: true, Pos: d.Pos}
	var n document.Node
	switch {
	case m.Has("schema") && m.Has("schemaFile"):
		l.problems.Errorf(m.KeyPos("schemaFile"), "conflicting-keys", "give schema or schemaFile, not both")
		return nil
	case m.Has("schema"):
		n = m.Get("schema")
	case m.Has("schemaFile"):
		s, ok := m.Get("schemaFile").Text(l.problems, "schemaFile")
		if !ok {
			return nil
		}
		file, data, ok := l.readBeside(d, s)
		if !ok {
			return nil
		}
		if ext := path.Ext(file); ext != ".json" && ext != ".yaml" && ext != ".yml" {
			l.problems.Errorf(s.Pos, "wrong-type", "schemaFile: want a .json or .yaml file")
			return nil
		}
		nodes := document.ParseNodes(file, data, l.problems)
		if len(nodes) != 1 {
			return nil
		}
		n = nodes[0]
	default:
		m.RequireOne("schema", "schemaFile")
		return nil
	}
	if !l.schemaFits(n, n) {
		return nil
	}
	before := len(*l.problems)
	doc := n.Value(l.problems)
	if len(*l.problems) > before {
		return nil
	}
	schema, err := compileSchema(doc)
	if err != nil {
		l.schemaProblem(n, err)
		return nil
	}
	t.setSchema(schema)
	t.shape = schemaShape(doc)
	return t
}

// schemaFits checks what our use of JSON Schema allows: local references and
// one draft.
func (l *loader) schemaFits(root, n document.Node) bool {
	ok := true
	var scratch engage.Problems
	switch n.Type() {
	case document.List:
		for _, item := range n.Items() {
			ok = l.schemaFits(root, item) && ok
		}
	case document.Map:
		m := n.Mapping(&scratch, "schema")
		for _, key := range m.Keys() {
			v := m.Get(key)
			s := ""
			if v.Type() == document.Text {
				t, _ := v.Text(&scratch, key)
				s = t.Value
			}
			switch {
			case (key == "$ref" || key == "$dynamicRef") && s != "" && !strings.HasPrefix(s, "#"):
				l.problems.Errorf(v.Pos(), "schema-reference", "%s %q leads out of the schema", key, s).Suggestion = `only local references ("#/$defs/name") are followed`
				ok = false
			case key == "$ref" && strings.HasPrefix(s, "#/") && !leads(root, s):
				l.problems.Errorf(v.Pos(), "schema-reference", "$ref %q leads nowhere", s)
				ok = false
			case key == "$schema" && s != "" && strings.TrimSuffix(s, "#") != draft2020:
				l.problems.Errorf(v.Pos(), "schema", "the schema must be of JSON Schema 2020-12").Suggestion = "leave $schema out, or write " + draft2020
				ok = false
			case key == "const" || key == "enum" || key == "default" || key == "examples":
			default:
				ok = l.schemaFits(root, v) && ok
			}
		}
	}
	return ok
}

// schemaProblem reports a schema that does not compile, where it stands.
func (l *loader) schemaProblem(n document.Node, err error) {
	if sv, ok := errors.AsType[*jsonschema.SchemaValidationError](err); ok {
		if ve, ok := errors.AsType[*jsonschema.ValidationError](sv.Err); ok {
			leaf := deepest(ve)
			l.problems.Errorf(nodeAt(n, leaf.InstanceLocation).Pos(), "schema", "this is no valid JSON Schema: %s", at(leaf.InstanceLocation, violation(leaf)))
			return
		}
	}
	text := err.Error()
	if i := strings.LastIndex(text, ": "); i >= 0 && strings.Contains(text[:i], "schema.json") {
		text = text[i+2:]
	}
	l.problems.Errorf(n.Pos(), "schema", "this is no valid JSON Schema: %s", text).Err = err
}

// leads reports whether a local reference leads somewhere.
func leads(root document.Node, ref string) bool {
	var scratch engage.Problems
	n := root
	for _, p := range strings.Split(strings.TrimPrefix(ref, "#/"), "/") {
		p = strings.NewReplacer("~1", "/", "~0", "~").Replace(p)
		next := document.Node{}
		switch n.Type() {
		case document.Map:
			next = n.Mapping(&scratch, "schema").Get(p)
		case document.List:
			if i, err := strconv.Atoi(p); err == nil && i >= 0 && i < len(n.Items()) {
				next = n.Items()[i]
			}
		}
		if next.Type() == document.None {
			return false
		}
		n = next
	}
	return true
}

// nodeAt follows a JSON pointer as far as it goes.
func nodeAt(n document.Node, pointer []string) document.Node {
	var scratch engage.Problems
	for _, p := range pointer {
		var next document.Node
		switch n.Type() {
		case document.Map:
			next = n.Mapping(&scratch, "schema").Get(p)
		case document.List:
			if i, err := strconv.Atoi(p); err == nil && i >= 0 && i < len(n.Items()) {
				next = n.Items()[i]
			}
		}
		if next.Type() == document.None {
			return n
		}
		n = next
	}
	return n
}

// deepest finds the first of the innermost violations.
func deepest(e *jsonschema.ValidationError) *jsonschema.ValidationError {
	for len(e.Causes) > 0 {
		best := e.Causes[0]
		for _, c := range e.Causes[1:] {
			if len(deepest(c).InstanceLocation) > len(deepest(best).InstanceLocation) {
				best = c
			}
		}
		e = best
	}
	return e
}

// at puts the path before a message.
func at(pointer []string, message string) string {
	if p := pathOf(pointer); p != "" {
		return p + ": " + message
	}
	return message
}

// pathOf writes a JSON pointer as a path of ours.
func pathOf(pointer []string) string {
	var b strings.Builder
	for _, p := range pointer {
		_, err := strconv.Atoi(p)
		_, bad := parsePath(p)
		switch {
		case err == nil:
			b.WriteString("[" + p + "]")
		case bad != nil || strings.ContainsAny(p, ".["):
			b.WriteString("[" + strconv.Quote(p) + "]")
		default:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(p)
		}
	}
	return b.String()
}

// violation says what a value does not satisfy, without the value.
func violation(e *jsonschema.ValidationError) string {
	switch k := e.ErrorKind.(type) {
	case *jskind.Type:
		want := make([]string, 0, len(k.Want))
		for _, w := range k.Want {
			if w != "null" || len(k.Want) == 1 {
				want = append(want, jsonType(w))
			}
		}
		return fmt.Sprintf("want %s, have %s", strings.Join(want, " or "), jsonType(k.Got))
	case *jskind.Required:
		return fmt.Sprintf("%s is missing", strings.Join(k.Missing, ", "))
	case *jskind.Format:
		switch k.Want {
		case formatDateTime:
			return "want a date and time with its offset, such as 2026-03-12T13:00:00+01:00"
		}
		return "does not have the format " + k.Want
	case *jskind.Enum:
		return "is none of the values that are allowed"
	case *jskind.Const:
		return "is not the value that is allowed"
	case *jskind.AdditionalProperties:
		return "has members that are not allowed"
	case *jskind.FalseSchema:
		return "is not allowed"
	case *jskind.MinLength:
		return fmt.Sprintf("is shorter than %d characters", k.Want)
	case *jskind.MaxLength:
		return fmt.Sprintf("is longer than %d characters", k.Want)
	case *jskind.MinItems:
		return fmt.Sprintf("has fewer than %d items", k.Want)
	case *jskind.MaxItems:
		return fmt.Sprintf("has more than %d items", k.Want)
	}
	if keyword := e.ErrorKind.KeywordPath(); len(keyword) > 0 {
		return fmt.Sprintf("does not satisfy %q of the schema", keyword[len(keyword)-1])
	}
	return "does not fit the schema"
}

func jsonType(t string) string {
	switch t {
	case "object":
		return "an object"
	case "array":
		return "a list"
	case "string":
		return "text"
	case "integer":
		return "a whole number"
	case "number":
		return "a number"
	case "boolean":
		return "true or false"
	}
	return t
}

// schemaShape is what a schema tells of the values that satisfy it. Members
// that an object's schema does not name are not there for a path, unless
// additionalProperties or patternProperties say that they may be.
func schemaShape(doc any) *shape {
	return (&schemaReader{root: doc}).read(doc, 0)
}

type schemaReader struct {
	root any
	open map[string]bool // references that we are inside of
}

func (r *schemaReader) read(doc any, depth int) *shape {
	m, ok := doc.(map[string]any)
	if !ok || depth > 50 {
		return dynamic
	}
	if ref, ok := m["$ref"].(string); ok {
		return r.reference(ref, depth)
	}
	for _, k := range []string{"anyOf", "oneOf", "allOf", "if", "$dynamicRef"} {
		if _, has := m[k]; has {
			return dynamic
		}
	}
	switch r.kind(m) {
	case "object":
		return r.object(m, depth)
	case "array":
		if _, tuple := m["prefixItems"]; tuple {
			return anyList
		}
		return listOf(r.read(m["items"], depth+1))
	case "string":
		switch f, _ := m["format"].(string); f {
		case formatDateTime:
			return dateTime
		case formatDate:
			return dateShape
		case formatGUID:
			return guidShape
		}
		return textShape
	case "integer":
		return intShape
	case "number":
		return numShape
	case "boolean":
		return boolShape
	}
	return dynamic
}

// kind is the one type that a schema allows beside null, or "".
func (r *schemaReader) kind(m map[string]any) string {
	switch t := m["type"].(type) {
	case string:
		return t
	case []any:
		one := ""
		for _, v := range t {
			switch s, _ := v.(string); {
			case s == "null":
			case one != "":
				return ""
			default:
				one = s
			}
		}
		return one
	}
	if values, ok := m["enum"].([]any); ok {
		for _, v := range values {
			switch v.(type) {
			case nil, string:
			default:
				return ""
			}
		}
		return "string"
	}
	if _, ok := m["properties"]; ok {
		return "object"
	}
	return ""
}

func (r *schemaReader) object(m map[string]any, depth int) *shape {
	properties, ok := m["properties"].(map[string]any)
	s := object()
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		s.add(name, r.read(properties[name], depth+1))
	}
	_, patterns := m["patternProperties"]
	switch additional := m["additionalProperties"].(type) {
	case bool:
		s.open = additional
	case map[string]any:
		s.open = true
	default:
		s.open = !ok
	}
	s.open = s.open || patterns
	return s
}

func (r *schemaReader) reference(ref string, depth int) *shape {
	if r.open[ref] {
		return dynamic
	}
	pointer, ok := strings.CutPrefix(ref, "#/")
	if !ok {
		return dynamic
	}
	at := r.root
	for _, p := range strings.Split(pointer, "/") {
		m, ok := at.(map[string]any)
		if !ok {
			return dynamic
		}
		at = m[strings.NewReplacer("~1", "/", "~0", "~").Replace(p)]
	}
	if r.open == nil {
		r.open = map[string]bool{}
	}
	r.open[ref] = true
	defer delete(r.open, ref)
	return r.read(at, depth+1)
}
