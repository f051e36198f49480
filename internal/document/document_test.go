package document_test

import (
	"fmt"
	"io/fs"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/andmoneyaps/engage-playbooks"
	"github.com/andmoneyaps/engage-playbooks/internal/document"
)

func parse(t *testing.T, file, text string) (docs []*document.Document, problems string) {
	t.Helper()
	var ps engage.Problems
	docs = document.Parse(file, []byte(text), &ps)
	for _, d := range docs {
		d.Mapping(&ps, "list", "map", "text")
	}
	ps.Sort()
	return docs, ps.Error()
}

func TestEveryProblemOfAFileIsReportedWithItsPosition(t *testing.T) {
	_, got := parse(t, "a.yaml", `kind: Thing
id: one
txet: x
list: []
list: [1]
---
kind: Thing
name: 3
`)
	want := `a.yaml:3:1: error: Thing: unknown key "txet" (did you mean "text"?)
a.yaml:5:1: error: Thing: key "list" is given twice, first in line 4
a.yaml:7:1: error: Thing: key "id" is missing
a.yaml:8:7: error: name: want text, have a number (quote it: "3")`
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestHostileFiles(t *testing.T) {
	deep := strings.Repeat("[", 200) + strings.Repeat("]", 200)
	bomb := "kind: T\nid: x\nlist:\n- &a [x,x,x,x,x,x,x,x,x,x]\n"
	for _, p := range []string{"ab", "bc", "cd", "de", "ef", "fg"} {
		bomb += "- &" + p[1:] + " [" + strings.Repeat("*"+p[:1]+",", 9) + "*" + p[:1] + "]\n"
	}
	for name, c := range map[string]struct{ file, text, want string }{
		"syntax":      {"a.yaml", "kind: T\n  id: x\n", "a.yaml:2:1: error: this is not valid YAML"},
		"binary":      {"a.yaml", "kind: T\nid: \x00", "a.yaml:2:5: error: this is no text"},
		"utf8":        {"a.yaml", "kind: \xff", "a.yaml:1:7: error: this is no text"},
		"deep":        {"a.yaml", "kind: T\nid: x\nlist: " + deep, "nested more than 64 deep"},
		"deep json":   {"a.json", `{"kind":"T","id":"x","list":` + deep + `}`, "nested more than 64 deep"},
		"bomb":        {"a.yaml", bomb, "error"},
		"self":        {"a.yaml", "kind: T\nid: x\nlist: &a [*a]", "error"},
		"merge":       {"a.yaml", "kind: T\nid: x\nmap: {<<: {a: 1}}", "merge keys"},
		"tag":         {"a.yaml", "kind: T\nid: !secret x", "not supported"},
		"kind":        {"a.yaml", "Kind: T\nid: x", "a.yaml:1:1: warning: this YAML document has no kind and is not read (did you mean \"kind\"?)"},
		"list":        {"a.yaml", "- 1", "a.yaml:1:1: warning: this YAML document has no kind"},
		"json end":    {"a.json", `{"kind": "T", "id": "x"`, "the file ends too early"},
		"json two":    {"a.json", `{"kind": "T", "id": "x"} {}`, "more follows"},
		"json syntax": {"a.json", "{\"kind\": \"T\",\n \"id\": x}", "a.json:2:8: error: this is not valid JSON"},
		"json twice":  {"a.json", "{\"kind\":\"T\",\"id\":\"x\",\n\"text\":\"a\",\"text\":\"b\"}", `a.json:2:12: error: T: key "text" is given twice`},
	} {
		t.Run(name, func(t *testing.T) {
			if _, got := parse(t, c.file, c.text); !strings.Contains(got, c.want) {
				t.Errorf("got %q, want it to contain %q", got, c.want)
			}
		})
	}
}

func TestValuesKeepTheirDigits(t *testing.T) {
	var ps engage.Problems
	docs := document.Parse("a.yaml", []byte(`{kind: T, id: x, map: {a: 12345678901234567890.10, b: 0x1F, c: 2024-01-01, d: yes, e: null, f: true, g: 1_000, h: .5, i: 0123, j: .inf}}`), &ps)
	got := docs[0].Mapping(&ps, "map").Get("map").Value(&ps)
	want := `map[a:12345678901234567890.10 b:31 c:2024-01-01 d:yes e:<nil> f:true g:1000 h:0.5 i:<nil> j:<nil>]`
	if s := fmt.Sprint(got); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
	if len(ps) != 2 {
		t.Errorf("want a problem for 0123 and .inf, have %v", ps)
	}
}

func TestJSONLoadsLikeYAML(t *testing.T) {
	var ps engage.Problems
	j := document.Parse("a.json", []byte("{\"kind\": \"T\",\n  \"id\": \"x\", \"map\": {\"a\": [1, 2.50, true, null, \"\\u00e6\"]}}"), &ps)
	y := document.Parse("a.yaml", []byte("kind: T\nid: x\nmap: {a: [1, 2.50, true, null, æ]}"), &ps)
	jv, yv := j[0].Mapping(&ps, "map").Get("map").Value(&ps), y[0].Mapping(&ps, "map").Get("map").Value(&ps)
	if !reflect.DeepEqual(jv, yv) || len(ps) > 0 {
		t.Errorf("JSON gave %v, YAML %v, problems %v", jv, yv, ps)
	}
	if want := (engage.Pos{File: "a.json", Line: 2, Col: 9}); j[0].IDPos != want {
		t.Errorf("id at %v, want %v", j[0].IDPos, want)
	}
}

func TestReadLeavesOutWhatIsNoDocument(t *testing.T) {
	doc := &fstest.MapFile{Data: []byte("kind: T\nid: x")}
	fsys := fstest.MapFS{
		"entities/a.yaml": doc, "b.yml": doc, "c.json": {Data: []byte(`{"kind":"T","id":"y"}`)},
		"events/e.yaml": doc, "seed/s.json": doc, "deep/seed/s.yaml": doc, ".git/x.yaml": doc,
		"node_modules/m/x.yaml": doc, "package.json": {Data: []byte(`{"name":"x"}`)}, "README.md": doc,
		".hidden.yaml": doc, "empty.yaml": {Data: []byte("# nothing\n")},
		"query.json": {Data: []byte(`{"id":"x","find":"contact"}`)}, "kinds.json": {Data: []byte(`{"id":"x","Kind":"T"}`)},
	}
	var ps engage.Problems
	var files []string
	for _, d := range document.Read(fsys, &ps) {
		files = append(files, d.File)
	}
	if want := []string{"b.yml", "c.json", "deep/seed/s.yaml", "entities/a.yaml"}; !reflect.DeepEqual(files, want) || len(ps) > 0 {
		t.Errorf("read %v, want %v; problems %v", files, want, ps)
	}
}

// vanishing is a file system in which a file is listed and then gone.
type vanishing struct {
	fs.FS
	name string
}

func (v vanishing) Open(name string) (fs.File, error) {
	if name == v.name {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return v.FS.Open(name)
}

func TestAFileThatIsRemovedWhileItIsRead(t *testing.T) {
	fsys := vanishing{fstest.MapFS{"a.yaml": {Data: []byte("kind: T\nid: x")}, "b.yaml": {Data: []byte("kind: T\nid: y")}}, "a.yaml"}
	var ps engage.Problems
	docs := document.Read(fsys, &ps)
	if want := "a.yaml:1:1: error: cannot be read: it was removed while the workspace was read (try again)"; len(docs) != 1 || ps.Error() != want {
		t.Errorf("%d documents, %s", len(docs), ps.Error())
	}
}

func TestPositionsWithinTexts(t *testing.T) {
	var ps engage.Problems
	docs := document.Parse("a.yaml", []byte("kind: T\nid: x\ntext: a > 1\nlist:\n- |\n  one\n  two\n- \"q\"\n"), &ps)
	m := docs[0].Mapping(&ps, "text", "list")
	list := m.Strings("list")
	for _, c := range []struct{ got, want engage.Pos }{
		{m.String("text").At(1, 3), engage.Pos{File: "a.yaml", Line: 3, Col: 9}},
		{list[0].At(2, 2), engage.Pos{File: "a.yaml", Line: 7, Col: 1}},
		{list[1].At(1, 2), engage.Pos{File: "a.yaml", Line: 8, Col: 3}},
	} {
		if c.got != c.want {
			t.Errorf("got %v, want %v", c.got, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("a.yaml", []byte("kind: T\nid: x\nmap: {a: [1, *b]}"))
	f.Add("a.json", []byte(`{"kind":"T","id":"x","list":[1e9]}`))
	f.Fuzz(func(t *testing.T, file string, data []byte) {
		var ps engage.Problems
		for _, d := range document.Parse(file, data, &ps) {
			d.Mapping(&ps, "list", "map")
			d.Body.Value(&ps)
			d.Body.JSON(&ps)
		}
	})
}
