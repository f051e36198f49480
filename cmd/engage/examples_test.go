package main_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/andmoneyaps/engage-playbooks/cmd/engage/internal/cli"
)

// engage runs a command in this process.
func engage(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	c := cli.Command{Args: args, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs}
	return c.Main(t.Context()), out.String(), errs.String()
}

// Every example validates without a word, passes its own tests, draws, and
// plans what it then does: a plan names the records that the run writes.
func TestExamples(t *testing.T) {
	dirs, err := filepath.Glob("../../examples/*/playbooks")
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, playbooks := range dirs {
		dir := filepath.Dir(playbooks)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Parallel()
			if code, out, errs := engage(t, "validate", dir); code != 0 || out != "" {
				t.Fatalf("validate: exit %d\n%s%s", code, out, errs)
			}
			if code, out, errs := engage(t, "test", dir); code != 0 {
				t.Errorf("test: exit %d\n%s%s", code, out, errs)
			}
			if _, err := os.Stat(filepath.Join(dir, "README.md")); err != nil {
				t.Errorf("the example explains nothing: %v", err)
			}
			events, err := filepath.Glob(filepath.Join(dir, "events", "*.json"))
			if err != nil || len(events) == 0 {
				t.Fatalf("no events: %v", err)
			}
			for _, event := range events {
				planAndRun(t, dir, event)
			}
		})
	}
}

type outcome struct {
	Playbook, Status string
	Writes           []struct{ Block, Part, Table, ID string }
}

func planAndRun(t *testing.T, dir, event string) {
	t.Helper()
	code, out, errs := engage(t, "run", dir, "--event", event, "--json")
	if code > 1 {
		t.Errorf("run %s: exit %d\n%s", event, code, errs)
		return
	}
	var runs []outcome
	if err := json.Unmarshal([]byte(out), &runs); err != nil {
		t.Errorf("run %s: %v", event, err)
	}
	for _, run := range runs {
		code, out, errs := engage(t, "plan", dir, "--playbook", run.Playbook, "--event", event, "--json")
		var plan outcome
		if err := json.Unmarshal([]byte(out), &plan); err != nil || code > 1 {
			t.Errorf("plan %s: exit %d, %v\n%s", event, code, err, errs)
			continue
		}
		if plan.Status != run.Status {
			t.Errorf("%s, %s: the plan %s and the run %s", event, run.Playbook, plan.Status, run.Status)
		}
		if run.Status == "succeeded" && len(plan.Writes) != len(run.Writes) {
			t.Errorf("%s, %s: the plan has %d writes and the run %d", event, run.Playbook, len(plan.Writes), len(run.Writes))
			continue
		}
		for i, w := range run.Writes {
			if run.Status == "succeeded" && plan.Writes[i] != w {
				t.Errorf("%s, %s: the plan would write %v, the run wrote %v", event, run.Playbook, plan.Writes[i], w)
			}
		}
	}
}
