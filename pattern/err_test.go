package pattern_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// update rewrites the expected output of the fixtures: ENGAGE_UPDATE=1.
var update = os.Getenv("ENGAGE_UPDATE") != ""

// TestRules reads each NAME.yaml below testdata/err and compares its problems
// with NAME.out: one pair a rule.
func TestRules(t *testing.T) {
	for _, dir := range []string{"entity", "pattern"} {
		files, err := filepath.Glob("../testdata/err/" + dir + "/*.yaml")
		if err != nil || len(files) == 0 {
			t.Fatalf("no fixtures in %s: %v", dir, err)
		}
		for _, file := range files {
			name := strings.TrimSuffix(filepath.Base(file), ".yaml")
			t.Run(dir+"/"+name, func(t *testing.T) {
				text, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				_, _, problems := decodeAll(name+".yaml", string(text))
				got := problems.Error() + "\n"
				golden(t, strings.TrimSuffix(file, ".yaml")+".out", got)
				if !problems.HasErrors() {
					t.Error("there is no mistake")
				}
			})
		}
	}
}

// golden compares with a file, or writes it.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", file, d)
	}
}
