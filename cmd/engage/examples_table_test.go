package main_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The table in examples/README.md says what each event costs; a change that
// adds a request or a round shows there. -update rewrites it.
func TestExamplesTable(t *testing.T) {
	events, err := filepath.Glob("../../examples/*/events/*.json")
	if err != nil || len(events) == 0 {
		t.Fatalf("no events: %v", err)
	}
	var table strings.Builder
	table.WriteString("| example | event | playbook | status | blocks | requests | rounds | writes |\n|---|---|---|---|---|---|---|---|\n")
	for _, event := range events {
		dir := filepath.Dir(filepath.Dir(event))
		example, name := filepath.Base(dir), strings.TrimSuffix(filepath.Base(event), ".json")
		code, out, errs := engage(t, "run", dir, "--event", event, "--json")
		var runs []struct {
			Playbook, Status string
			Blocks, Writes   []json.RawMessage
			Stats            struct{ Requests, RoundTrips int }
		}
		if err := json.Unmarshal([]byte(out), &runs); err != nil {
			t.Fatalf("%s: exit %d, %v\n%s", event, code, err, errs)
		}
		if len(runs) == 0 {
			fmt.Fprintf(&table, "| [%s](%[1]s) | %s | none fits | | | 0 | 0 | 0 |\n", example, name)
		}
		for _, r := range runs {
			fmt.Fprintf(&table, "| [%s](%[1]s) | %s | %s | %s | %d | %d | %d | %d |\n", example, name, r.Playbook, r.Status,
				len(r.Blocks), r.Stats.Requests, r.Stats.RoundTrips, len(r.Writes))
		}
	}
	keepTable(t, "../../examples/README.md", "table", table.String())
}

// keepTable holds the table between the page's two marks to what it is now;
// -update writes it anew. It gives the page without the table.
func keepTable(t *testing.T, file, mark, table string) (prose string) {
	t.Helper()
	begin, end := "<!-- "+mark+" -->\n", "<!-- /"+mark+" -->"
	page := read(t, file)
	head, rest, ok := strings.Cut(page, begin)
	_, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the table", file)
	}
	want := head + begin + table + end + tail
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if page != want {
		t.Errorf("%s is out of date; go test ./cmd/engage -run %s -update rewrites it:\n%s", file, t.Name(), table)
	}
	return head + tail
}
