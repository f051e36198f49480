package main_test

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the graphs of the examples into their READMEs anew")

// mermaid is a picture in a README: its title ends in the id that it shows.
// An id alone is a picture that is not drawn yet.
var (
	mermaid   = regexp.MustCompile("(?ms)^```mermaid\n(.*?)^```$")
	mermaidID = regexp.MustCompile(`(?m)^title: .*\(([^()]+)\)"?$|\A([\w-]+)\n\z`)
)

// The pictures in the examples' READMEs are what `engage graph` draws.
func TestExampleGraphs(t *testing.T) {
	workspaces, err := filepath.Glob("../../examples/*/playbooks")
	if err != nil || len(workspaces) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, playbooks := range workspaces {
		readme := filepath.Join(filepath.Dir(playbooks), "README.md")
		text, err := os.ReadFile(readme)
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.Dir(readme)
		drawn := mermaid.ReplaceAllStringFunc(string(text), func(block string) string {
			id := mermaidID.FindStringSubmatch(mermaid.FindStringSubmatch(block)[1])
			if id == nil {
				t.Errorf("%s: a graph without the id of what it shows", readme)
				return block
			}
			code, out, errs := engage(t, "graph", dir, id[1]+id[2], "--format", "mermaid")
			if code != 0 {
				t.Errorf("%s: exit %d\n%s", readme, code, errs)
				return block
			}
			return "```mermaid\n" + strings.TrimRight(out, "\n") + "\n```"
		})
		if !strings.Contains(drawn, "```mermaid") {
			t.Errorf("%s has no picture", readme)
		}
		if drawn == string(text) {
			continue
		}
		if !*update {
			t.Errorf("%s: its graph is not the workspace's; go test ./cmd/engage -run TestExampleGraphs -update", readme)
		} else if err := os.WriteFile(readme, []byte(drawn), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
