package main_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// objects are all that documents are made of, each in a document that gives it
// a key which no decoder knows: what the decoder then says is what it takes.
// schema is the name in schema.json.
var objects = []struct{ name, schema, document string }{
	{"EntityDefinition", "EntityDefinition", "kind: EntityDefinition\nid: x\nKEY"},
	{"`fields[]`", "field", "kind: EntityDefinition\nid: x\ntype: t\nfields: [{KEY}]"},
	{"EntityPattern", "EntityPattern", "kind: EntityPattern\nid: x\nKEY"},
	{"`parts[]`", "part", "kind: EntityPattern\nid: x\nparts: [{KEY}]"},
	{"`requirements[]`", "requirement", "kind: EntityPattern\nid: x\nparts: [{ref: a, entity: b}]\nrequirements: [{KEY}]"},
	{"Playbook", "Playbook", "kind: Playbook\nid: x\nKEY"},
	{"block of type Trigger", "blockTrigger", block("Trigger")},
	{"block of type EntityPatternRead", "blockEntityPatternRead", block("EntityPatternRead")},
	{"block of type EntityPatternFilter", "blockEntityPatternFilter", block("EntityPatternFilter")},
	{"block of type EntityPatternCreate", "blockEntityPatternCreate", block("EntityPatternCreate")},
	{"block of type EntityPatternUpdate", "blockEntityPatternUpdate", block("EntityPatternUpdate")},
	{"block of type EntityPatternUpsert", "blockEntityPatternUpsert", block("EntityPatternUpsert")},
	{"block of type Template", "blockTemplate", block("Template")},
	{"block of type Ai", "blockAi", block("Ai")},
	{"block of type Output", "blockOutput", block("Output")},
	{"`inputs[]` of a block", "input", "kind: Playbook\nid: x\nblocks: [{name: a, type: Output, inputs: [{KEY}]}]"},
	{"`map[]` of an input", "mapping", "kind: Playbook\nid: x\nblocks: [{name: a, type: Output, inputs: [{map: [{KEY}]}]}]"},
	{"a filter", "", "kind: Playbook\nid: x\nblocks: [{name: a, type: EntityPatternFilter, filter: {KEY}}]"},
	{"Template", "Template", "kind: Template\nid: x\nKEY"},
	{"Capability", "Capability", "kind: Capability\nid: x\nKEY"},
	{"`inputs[]` of a Capability", "parameter", "kind: Capability\nid: x\ninputs: [{KEY}]"},
	{"TriggerType", "TriggerType", "kind: TriggerType\nid: x\nKEY"},
	{"PlaybookTest", "PlaybookTest", "kind: PlaybookTest\nid: x\nKEY"},
	{"`cases[]`", "case", "kind: PlaybookTest\nid: x\ncases: [{KEY}]"},
	{"`expect` of a case", "", "kind: PlaybookTest\nid: x\ncases: [{name: c, event: {type: a}, expect: {KEY}}]"},
	{"Environment", "Environment", "kind: Environment\nid: x\nKEY"},
	{"`onBehalfOf`, `application`", "registration", "kind: Environment\nid: x\nonBehalfOf: {KEY}"},
	{"Simulator", "Simulator", "kind: Simulator\nid: x\nKEY"},
	{"`roles[]`", "", "kind: Simulator\nid: x\nroles: [{KEY}]"},
	{"`users[]`", "", "kind: Simulator\nid: x\nusers: [{KEY}]"},
}

func block(kind string) string {
	return "kind: Playbook\nid: x\nblocks: [{name: a, type: " + kind + ", KEY}]"
}

const strangeKey = "qqqqqqqqqqqq"

// TestReference writes, with -update, the table of all keys in
// docs/documents.md, as the decoders have them, and holds the JSON schema of
// `engage schema` to the same.
func TestReference(t *testing.T) {
	var schema struct {
		Defs map[string]struct {
			Properties map[string]any
			Required   []string
		} `json:"$defs"`
	}
	_, out, _ := engage(t, "schema")
	if err := json.Unmarshal([]byte(out), &schema); err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	table.WriteString("| | keys (bold: required; of a block `name` and `type`, too) |\n|---|---|\n")
	for _, o := range objects {
		keys, required := decoderKeys(t, o.document)
		if len(keys) == 0 {
			t.Errorf("%s: no decoder says what it takes", o.name)
		}
		var cells []string
		for _, key := range keys {
			switch cell := "`" + key + "`"; {
			case slices.Contains(required, key):
				cells = append(cells, "**"+cell+"**")
			case !slices.Contains([]string{"kind", "id", "name", "description"}, key) || !slices.Contains(keys, "kind"):
				cells = append(cells, cell)
			}
		}
		table.WriteString("| " + o.name + " | " + strings.Join(cells, " ") + " |\n")
		def, ok := schema.Defs[o.schema]
		if o.schema == "" {
			continue
		}
		if !ok {
			t.Errorf("schema.json has no %s", o.schema)
		}
		have := slices.Sorted(maps.Keys(def.Properties))
		if want := slices.Sorted(slices.Values(keys)); !slices.Equal(have, want) {
			t.Errorf("schema.json, %s: keys %v, the decoder takes %v", o.schema, have, want)
		}
		for _, key := range required {
			if !slices.Contains(def.Required, key) {
				t.Errorf("schema.json, %s: %q is not required", o.schema, key)
			}
		}
	}
	const file = "../../docs/documents.md"
	prose := keepTable(t, file, "keys", table.String())
	for _, o := range objects {
		keys, _ := decoderKeys(t, o.document)
		for _, key := range keys {
			if !strings.Contains(prose, key) {
				t.Errorf("%s explains no %q, of %s", file, key, o.name)
			}
		}
	}
}

var (
	allowedKeys = regexp.MustCompile(`^allowed: (.*)$`)
	missingKey  = regexp.MustCompile(`^([^:]+): key "(\w+)" is missing$`)
)

// decoderKeys are the keys that a decoder allows and demands where the
// document has a key that it does not know.
func decoderKeys(t *testing.T, document string) (keys, required []string) {
	t.Helper()
	dir := t.TempDir()
	text := strings.Replace(document, "KEY", strangeKey+": 1", 1)
	if err := os.WriteFile(filepath.Join(dir, "x.yaml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	_, out, _ := engage(t, "validate", dir, "--json")
	var doc struct {
		Problems []struct{ Code, Message, Suggestion string }
	}
	if err := json.Unmarshal([]byte(out), &doc); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	of := ""
	for _, p := range doc.Problems {
		if m := allowedKeys.FindStringSubmatch(p.Suggestion); m != nil && p.Code == "unknown-key" {
			of, _, _ = strings.Cut(p.Message, ":")
			keys = strings.Split(m[1], ", ")
		}
	}
	for _, p := range doc.Problems {
		if m := missingKey.FindStringSubmatch(p.Message); m != nil && m[1] == of {
			required = append(required, m[2])
		}
	}
	return keys, required
}
