package document

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/andmoneyaps/engage-playbooks"
)

// simpleFiles are files that are read as simple ones, or nearly are.
var simpleFiles = []string{
	"a: 1\nb:\n  - x\n  - y: 2\n    z: {k: v, l: [1, \"2\", '3', ~]}\nc: # comment\n  d: |\n    one\n\n     two\n    three\n\n  e: >-\n    one\n    two\n\n    three\n",
	"---\na:\n- b\n-\n- - c\n  - d\n--- # next\n# nothing\n---\ne:\n\nf: g\n",
	"a: \"x \\\"y\\\" \\n\\\\\"  # c\n'b c': 'it''s'\nd e : f#g:h\ni: -1\nj: - 1\n",
	"é: ü\nä: {ö: 'ß', x: [é, é]}\n",
	"a: {b: c,\n  d: [e,\n  f,], }\ng: |+\n  x\n\n\n# end\n",
	"a: b\n c: d\n", "a: b\n c\n", "a: [b\nc]\n", "a: {b}\n", "a: {b: }\n", "[a: b]\n", "a: |\n\n", "a: |\n  x", "- a\n- b: c\n  d: e\n -f\n",
	"a:\n  b: c\n d: e\n", "? a\n: b\n", "- ---\n", "--- a\n", "a: ---\n--- \nb: ...\n...\n", "a: 2024-01-01\nb: 0x1F\nc: 1_000\nd: .5\ne: yes\nf: NULL\n",
	"{a: b}: c\n", "a: {b: c}d\n", "a: 'b' c\n", "a: \"b\"#c\n", "<<: {a: b}\n", "a:\n# c\n  - b\n  # d\n  -  c\n", "x: >\n  a\n   b\n  c\n\n  d\n", "  a: b\n  c: d\n",
}

// TestSimpleFilesReadAsAnyYAML holds the reader of simple files to yaml.v3, in
// values, types and positions. The examples are simple, or the reader would be
// of little use.
func TestSimpleFilesReadAsAnyYAML(t *testing.T) {
	for _, src := range simpleFiles {
		readBoth(t, src)
	}
	err := filepath.WalkDir("../../examples", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || filepath.Ext(name) != ".yaml" {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if !readBoth(t, string(data)) {
			t.Errorf("%s is read by yaml.v3 alone", name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// yamlPieces are what changes the reading of a file.
var yamlPieces = []string{
	" ", "  ", "\n", "\n  ", "\n    ", "\n- ", "- ", ": ", ":", "a", "b: ", "c: d\n", "# x\n", " # y", "{", "}", "[", "]", ", ", ",",
	"\"q\"", "'s'", "|\n", "|-\n", ">\n", ">+\n", "---\n", "--- ", "...\n", "é", "\u00a0", "?", "? ", "!", "&a ", "*a", "%", "@", "~",
	"null", "-1", "0x1", "2020-01-01", "true", "<<", "\\n", "\"", "'", "-", "---", "\n\n", "\ufffd", "𝒳", "\u0085", "\u2028",
}

// TestChangedFilesReadAsAnyYAML compares the two readers on files with a few
// changes, most of which make them something else than they were.
func TestChangedFilesReadAsAnyYAML(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	simple := 0
	for range 30_000 {
		src := simpleFiles[r.IntN(len(simpleFiles))]
		for range 1 + r.IntN(4) {
			from := r.IntN(len(src) + 1)
			to := min(len(src), from+r.IntN(5))
			src = src[:from] + yamlPieces[r.IntN(len(yamlPieces))] + src[to:]
		}
		if InvalidText([]byte(src)) < 0 && readBoth(t, src) {
			simple++
		}
	}
	if simple < 3000 {
		t.Errorf("%d files are simple: the test has lost its object", simple)
	}
}

// FuzzSimple compares the two readers.
func FuzzSimple(f *testing.F) {
	for _, src := range simpleFiles {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src string) {
		if InvalidText([]byte(src)) < 0 {
			readBoth(t, src)
		}
	})
}

// readBoth compares the two readers, and reports whether the file is simple.
func readBoth(t *testing.T, src string) bool {
	t.Helper()
	got, ok := simpleYAML(src)
	if !ok {
		return false
	}
	var problems engage.Problems
	nodes := parseYAML("a.yaml", []byte(src), &problems)
	if len(problems) > 0 {
		t.Fatalf("%q is read, but there is %v", src, problems)
	}
	if len(nodes) != len(got) {
		t.Fatalf("%q: %d documents, want %d", src, len(got), len(nodes))
	}
	for i, n := range nodes {
		if diff := difference(got[i], *n.v); diff != "" {
			t.Fatalf("%q: document %d: %s", src, i, diff)
		}
	}
	return true
}

func difference(got, want value) string {
	g, w := got, want
	g.items, w.items = nil, nil
	if !reflect.DeepEqual(g, w) || len(got.items) != len(want.items) {
		return strings.TrimSpace(strings.Join([]string{describe(got), "want", describe(want)}, " "))
	}
	for i := range got.items {
		if diff := difference(got.items[i], want.items[i]); diff != "" {
			return diff
		}
	}
	return ""
}

func describe(v value) string {
	return fmt.Sprintf("%s %q of style %d and %d items at %d:%d", v.kind, v.text, v.style, len(v.items), v.line, v.col)
}
