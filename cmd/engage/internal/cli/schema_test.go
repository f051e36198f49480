package cli

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/andmoneyaps/engage-playbooks"
	"github.com/andmoneyaps/engage-playbooks/internal/document"
)

// Every document of every example must pass the schema, and the schema must
// know every key that they use.
func TestExamplesPassTheSchema(t *testing.T) {
	schema := compileSchema(t)
	dirs, err := filepath.Glob("../../../../examples/*")
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, dir := range dirs {
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			continue
		}
		checkDocuments(t, schema, os.DirFS(dir))
	}
}

func compileSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schemaJSON))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func checkDocuments(t *testing.T, schema *jsonschema.Schema, fsys fs.FS) {
	t.Helper()
	var problems engage.Problems
	for _, d := range document.Read(fsys, &problems) {
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(d.Body.JSON(&problems)))
		if err != nil {
			t.Fatalf("%s: %v", d.Pos, err)
		}
		if err := schema.Validate(value); err != nil {
			t.Errorf("%s: %v", d.Pos, err)
		}
	}
	if len(problems) > 0 {
		t.Errorf("%v", problems)
	}
}

func TestSchemaKnowsEveryKind(t *testing.T) {
	for _, kind := range documentKinds {
		one, err := schemaOf(kind)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := one["$defs"].(map[string]any)[kind]; !ok {
			t.Errorf("the schema has no definition of %s", kind)
		}
		if _, err := json.Marshal(one); err != nil {
			t.Error(err)
		}
	}
}
