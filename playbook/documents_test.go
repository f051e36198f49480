package playbook_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/andmoneyaps/engage-playbooks/playbook"
)

// The blocks in docs/documents.md are a playbook that runs, with one block of
// each type.
func TestBlocksOfTheReference(t *testing.T) {
	page, err := os.ReadFile("../docs/documents.md")
	if err != nil {
		t.Fatal(err)
	}
	var blocks strings.Builder
	for _, m := range regexp.MustCompile("(?ms)^```yaml\n(- name:.*?)^```$").FindAllStringSubmatch(string(page), -1) {
		for line := range strings.Lines(m[1]) {
			blocks.WriteString("  " + line)
		}
	}
	r := play(blocks.String(), "kind: Template\nid: note\ncontent: \"{{ caller }}: {{ text }}\"",
		"kind: Capability\nid: summarise\nversions: [\"1.0\"]\ninputs: [{name: transcript, type: String}]\noutputs: [{name: summary, type: String}]\nstub: {summary: short}")
	if r.Status != playbook.StatusSucceeded || len(r.Writes) != 2 || !strings.Contains(show(r.Output), "anna@x.example: short") {
		t.Errorf("%s", show(r))
	}
	for _, kind := range playbook.BlockTypes {
		if !slices.ContainsFunc(r.Blocks, func(b *playbook.BlockRecord) bool { return b.Type == kind }) {
			t.Errorf("docs/documents.md shows no %s", kind)
		}
	}
}
