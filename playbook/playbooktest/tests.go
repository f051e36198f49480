package playbooktest

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/andmoneyaps/engage-playbooks/internal/document"
	"github.com/andmoneyaps/engage-playbooks/playbook"
)

// Run loads the workspace and runs its PlaybookTest documents, a subtest a
// case, each on a simulator of its own.
func Run(t *testing.T, fsys fs.FS, kinds ...document.Kind) {
	t.Helper()
	w, err := playbook.Load(fsys, kinds...)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range w.Tests() {
		t.Run(test.ID, func(t *testing.T) {
			for _, c := range test.Cases {
				t.Run(c.Name, func(t *testing.T) {
					report, err := RunCase(t.Context(), w, test, c)
					if err != nil {
						t.Fatal(err)
					}
					for _, f := range report.Failures {
						t.Errorf("%s: %s", c.Pos, f)
					}
				})
			}
		})
	}
}

// Report is the outcome of all playbook tests of a workspace.
type Report struct {
	Cases    []*CaseReport
	Coverage []*Coverage
}

// Failed counts the cases that failed.
func (r *Report) Failed() int {
	n := 0
	for _, c := range r.Cases {
		if len(c.Failures) > 0 {
			n++
		}
	}
	return n
}

// CaseReport is the outcome of one case.
type CaseReport struct {
	Test string
	Case *playbook.TestCase
	// Failures say, a line each, what was expected and what came; none: the
	// case passed.
	Failures []string
	Result   *playbook.Result
	Duration time.Duration
}

// RunTests runs all playbook tests of the workspace. The error is that a
// simulator could not be made, or that ctx ended.
func RunTests(ctx context.Context, w *playbook.Workspace) (*Report, error) {
	report := &Report{}
	covered := newCover(w)
	for _, test := range w.Tests() {
		for _, c := range test.Cases {
			if err := ctx.Err(); err != nil {
				return report, err
			}
			r, err := RunCase(ctx, w, test, c)
			if err != nil {
				return report, fmt.Errorf("%s: %w", c.Pos, err)
			}
			report.Cases = append(report.Cases, r)
			covered.add(test.Playbook, r.Result)
		}
	}
	report.Coverage = covered.report()
	return report, nil
}

// RunCase runs one case on a simulator of its own, and compares what came of
// it with what the case expects.
func RunCase(ctx context.Context, w *playbook.Workspace, test *playbook.Test, c *playbook.TestCase) (*CaseReport, error) {
	world, err := NewWorld(w, &Options{NoListener: true, Seeds: c.Seeds})
	if err != nil {
		return nil, err
	}
	defer world.Close()
	engine := world.Engine()
	engine.Coverage = true
	engine.Capabilities = playbook.ProviderFunc(func(_ context.Context, req playbook.CapabilityRequest) (map[string]any, error) {
		if mock, ok := c.Mocks[req.Block]; ok {
			return mocked(w, req.Capability, mock), nil
		}
		return nil, playbook.ErrNoCapability
	})
	started := time.Now()
	result, err := engine.Run(ctx, test.Playbook, c.Event)
	report := &CaseReport{Test: test.ID, Case: c, Result: result, Duration: time.Since(started)}
	if result == nil {
		report.Failures = []string{err.Error()}
		return report, nil
	}
	var dump bytes.Buffer
	if c.Expect.Records != nil {
		if err := world.Dump(&dump); err != nil {
			return nil, err
		}
	}
	report.Failures, err = compare(&c.Expect, result, dump.Bytes())
	return report, err
}

// mocked gives all outputs of a capability: those of the mock, else those of
// the stub, else null.
func mocked(w *playbook.Workspace, capability string, mock map[string]any) map[string]any {
	out := map[string]any{}
	for _, c := range w.Capabilities() {
		if c.ID != capability {
			continue
		}
		for _, p := range c.Outputs {
			out[p.Name] = c.Stub[p.Name]
		}
	}
	maps.Copy(out, mock)
	return out
}

// String gives a line a case, and the failures below it.
func (r *Report) String() string {
	var b strings.Builder
	for _, c := range r.Cases {
		verdict := "ok  "
		if len(c.Failures) > 0 {
			verdict = "FAIL"
		}
		fmt.Fprintf(&b, "%s %s: %s\n", verdict, c.Test, c.Case.Name)
		for _, f := range c.Failures {
			fmt.Fprintf(&b, "     %s\n", f)
		}
	}
	return b.String()
}
