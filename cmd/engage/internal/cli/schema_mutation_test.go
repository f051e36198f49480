package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/andmoneyaps/engage-playbooks"
	"github.com/andmoneyaps/engage-playbooks/internal/document"
	"github.com/andmoneyaps/engage-playbooks/playbook"
)

// shapeRules are the rules about keys, types and words: what a JSON Schema can
// say.
var shapeRules = []string{"unknown-key", "wrong-type", "missing-key", "unknown-value", "conflicting-keys", "unknown-kind"}

// The schema refuses what the decoders refuse for its shape, and nothing that
// they take: held against broken documents of other tests and against every document
// of the examples, broken in one place at a time.
func TestSchemaAgreesWithTheDecoders(t *testing.T) {
	schema := compileSchema(t)
	seen := map[string]bool{}
	check := func(from string, doc any, sound engage.Problems) {
		text, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		refused, problems := schema.Validate(value), without(problemsAlone(text), sound)
		shape := slices.ContainsFunc(problems, func(p *engage.Problem) bool { return slices.Contains(shapeRules, p.Code) })
		switch {
		case shape && refused == nil:
			t.Errorf("%s: the schema takes what the decoder refuses: %v", from, problems)
		case len(problems) == 0 && refused != nil:
			t.Errorf("%s: the schema refuses what the decoder takes: %v", from, refused)
		}
	}
	broken, examples := 0, 0
	for _, fsys := range brokenWorkspaces(t) {
		for _, doc := range documentsOf(t, fsys) {
			broken++
			check(fmt.Sprintf("%v %v", doc["kind"], doc["id"]), doc, nil)
		}
	}
	dirs, err := filepath.Glob("../../../../examples/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range dirs {
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			continue
		}
		for _, doc := range documentsOf(t, os.DirFS(dir)) {
			text, err := json.Marshal(doc)
			if err != nil {
				t.Fatal(err)
			}
			kind, sound := doc["kind"], problemsAlone(text)
			mutate(doc, "", func(path string) {
				// Where a place of the same shape was broken before, all is said.
				if at := fmt.Sprintf("%v%s", kind, path); !seen[at] {
					seen[at] = true
					examples++
					check(filepath.Base(dir)+": "+at, doc, sound)
				}
			})
		}
	}
	t.Logf("%d documents of other tests, %d broken examples", broken, examples)
	if broken < 50 || examples < 500 {
		t.Errorf("too few: %d documents of other tests, %d broken examples", broken, examples)
	}
}

// problemsAlone are the problems of one document, alone in a workspace. JSON is
// YAML, too, and only of YAML a kind is demanded.
func problemsAlone(text []byte) engage.Problems {
	w, err := playbook.Load(fstest.MapFS{"x.yaml": {Data: text}}, kinds...)
	if err == nil {
		return w.Warnings()
	}
	problems, _ := problemsOf(err)
	return problems
}

// without are the problems that the sound document, which finds nothing that
// it refers to, does not have.
func without(problems, sound engage.Problems) engage.Problems {
	return slices.DeleteFunc(problems, func(p *engage.Problem) bool {
		return slices.ContainsFunc(sound, func(q *engage.Problem) bool { return q.Code == p.Code && q.Message == p.Message })
	})
}

// brokenWorkspaces are the documents of testdata/err, each file without what
// it is laid over, and of the script about validate.
func brokenWorkspaces(t *testing.T) []fs.FS {
	t.Helper()
	files, err := filepath.Glob("../../../../testdata/err/playbook/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	files = append(files, "../../testdata/script/validate.txtar")
	all := []fs.FS{os.DirFS("../../../../testdata/err/pattern"), os.DirFS("../../../../testdata/err/entity")}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		fsys := fstest.MapFS{}
		for _, f := range archive.Files {
			fsys[f.Name] = &fstest.MapFile{Data: f.Data}
		}
		all = append(all, fsys)
	}
	return all
}

// documentsOf are the documents that can be parsed, as JSON values.
func documentsOf(t *testing.T, fsys fs.FS) []map[string]any {
	t.Helper()
	var problems engage.Problems
	var docs []map[string]any
	for _, d := range document.Read(fsys, &problems) {
		dec := json.NewDecoder(bytes.NewReader(d.Body.JSON(&problems)))
		dec.UseNumber()
		var doc map[string]any
		if err := dec.Decode(&doc); err != nil {
			t.Fatalf("%s: %v", d.Pos, err)
		}
		docs = append(docs, doc)
	}
	return docs
}

// data are the keys whose values are data of the bank's, in which any key and
// any value goes, or documents with rules of their own.
var data = []string{"value", "defaults", "stub", "schema", "event", "seed", "mocks", "writes", "output", "records"}

// mutate breaks the value in one place after the other, calls visit, and mends
// it: a key more in each mapping, each key taken away, each value replaced by
// values of other types.
func mutate(v any, path string, visit func(path string)) {
	switch v := v.(type) {
	case map[string]any:
		if kind, ok := v["type"].(string); ok && strings.HasSuffix(path, "/blocks[]") {
			path += "(" + kind + ")"
		}
		v["qqqqqqqqqqqq"] = "x"
		visit(path + "+")
		delete(v, "qqqqqqqqqqqq")
		for _, key := range slices.Sorted(maps.Keys(v)) {
			was, at := v[key], path+"/"+key
			delete(v, key)
			visit(at + " gone")
			for _, other := range others(was) {
				v[key] = other
				visit(fmt.Sprintf("%s = %#v", at, other))
			}
			v[key] = was
			if !slices.Contains(data, key) {
				mutate(was, at, visit)
			}
		}
	case []any:
		for i, was := range v {
			for _, other := range others(was) {
				v[i] = other
				visit(fmt.Sprintf("%s[] = %#v", path, other))
			}
			v[i] = was
			mutate(was, path+"[]", visit)
		}
	}
}

// others are values of other types than the given one, and an empty one and a
// strange one of its own.
func others(v any) []any {
	all := []any{map[string]any{}, []any{}, "", "qqqqqqqqqqqq", true, nil, json.Number("1.5")}
	if _, number := v.(json.Number); number {
		all = append(all, json.Number("-1"))
	}
	return slices.DeleteFunc(all, func(o any) bool {
		return fmt.Sprintf("%#v", o) == fmt.Sprintf("%#v", v)
	})
}
