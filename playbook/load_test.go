package playbook

import (
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/andmoneyaps/engage-playbooks"
)

var update = flag.Bool("update", false, "rewrite the expected output")

// fileMark begins a file of a txtar archive. The format is this one line; the
// library for it would stand in every embedder's go.sum.
var fileMark = regexp.MustCompile(`(?m)^-- (.+) --\n`)

// workspaceOf lays archives over each other.
func workspaceOf(t testing.TB, archives ...[]byte) fstest.MapFS {
	t.Helper()
	fsys := fstest.MapFS{}
	for _, a := range archives {
		marks := fileMark.FindAllSubmatchIndex(a, -1)
		for i, m := range marks {
			end := len(a)
			if i+1 < len(marks) {
				end = marks[i+1][0]
			}
			fsys[string(a[m[2]:m[3]])] = &fstest.MapFile{Data: a[m[1]:end]}
		}
	}
	return fsys
}

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestErr loads each testdata/err/playbook/NAME.txtar over base.ws and compares
// the problems with NAME.out; run with -update to write it.
func TestErr(t *testing.T) {
	base := readFile(t, "../testdata/err/playbook/base.ws")
	if _, err := Load(workspaceOf(t, base)); err != nil {
		t.Fatalf("the base does not load:\n%s", err)
	}
	files, err := filepath.Glob("../testdata/err/playbook/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txtar")
		t.Run(name, func(t *testing.T) {
			_, err := Load(workspaceOf(t, base, readFile(t, file)))
			compare(t, strings.TrimSuffix(file, ".txtar")+".out", err)
		})
	}
}

func compare(t *testing.T, file string, err error) {
	t.Helper()
	got := ""
	if err != nil {
		got = err.Error() + "\n"
		for _, p := range err.(engage.Problems) {
			if p.Code == "" {
				t.Errorf("without code: %s", p)
			}
		}
	}
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(readFile(t, file)), got); diff != "" {
		t.Error(diff)
	}
}

// TestOK loads each testdata/ok/playbook/NAME.txtar over the base of the err
// cases without any problem.
func TestOK(t *testing.T) {
	base := readFile(t, "../testdata/err/playbook/base.ws")
	files, err := filepath.Glob("../testdata/ok/playbook/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			w, err := Load(workspaceOf(t, base, readFile(t, file)))
			if err != nil {
				t.Fatalf("\n%s", err)
			}
			if len(w.Warnings()) > 0 {
				t.Errorf("\n%s", w.Warnings())
			}
		})
	}
}

func TestLoadExamples(t *testing.T) {
	entries, err := os.ReadDir("../examples")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		t.Run(e.Name(), func(t *testing.T) {
			if _, err := Load(os.DirFS(filepath.Join("../examples", e.Name()))); err != nil {
				t.Fatalf("\n%s", err)
			}
		})
	}
}

// TestLoadTwice: two loads print the same bytes.
func TestLoadTwice(t *testing.T) {
	base := readFile(t, "../testdata/err/playbook/base.ws")
	files, _ := filepath.Glob("../testdata/err/playbook/*.txtar")
	all := fstest.MapFS{}
	for _, file := range files {
		dir := strings.TrimSuffix(filepath.Base(file), ".txtar")
		for name, f := range workspaceOf(t, base, readFile(t, file)) {
			all[dir+"/"+name] = f
		}
	}
	text := func(fsys fs.FS) string {
		_, err := Load(fsys)
		return err.Error()
	}
	first := text(all)
	for range 3 {
		if diff := cmp.Diff(first, text(all)); diff != "" {
			t.Fatal(diff)
		}
	}
}
