package playbooktest_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/andmoneyaps/engage-playbooks/dataverse/simulator"
	"github.com/andmoneyaps/engage-playbooks/playbook/playbooktest"
)

// Whatever request of an example fails, and however: the second run leaves the
// records of a clean one, and every record tells the truth. With
// ENGAGE_FAILURE_WALK=all, as .ci/run has it, every fault is walked, and the
// table is printed; else those that decide most.
func TestFailureWalkOfTheExamples(t *testing.T) {
	all := os.Getenv("ENGAGE_FAILURE_WALK") == "all"
	faults := playbooktest.WalkFaults
	if !all {
		faults = []simulator.Fault{{Kind: simulator.FaultError, Status: 503}, {Kind: simulator.FaultLost}}
	}
	events, err := filepath.Glob("../../examples/*/events/*.json")
	if err != nil || len(events) == 0 {
		t.Fatal("no examples", err)
	}
	var table strings.Builder
	out := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(out, "example\tevent\tplaybook\trequests\tfaults\tfailures\tfirst run failed\tsecond run failed\trecords")
	for _, file := range events {
		dir := filepath.Dir(filepath.Dir(file))
		example, ev := filepath.Base(dir), event(t, file)
		w := load(t, dir)
		fits, _ := w.Match(ev)
		for _, p := range fits {
			if ev.ID == "" {
				continue
			}
			report, err := playbooktest.Walk(t.Context(), w, p, ev, &playbooktest.WalkOptions{Faults: faults})
			if errors.Is(err, playbooktest.ErrNotClean) {
				continue // an example of what a playbook refuses
			}
			if err != nil {
				t.Errorf("%s: %v", file, err)
				continue
			}
			outcome, requests, failed, again := "as clean", map[int]bool{}, 0, 0
			for _, s := range report.Steps {
				requests[s.Request] = true
				if s.Failed.Error != nil {
					failed++
				}
				if s.Again.Error != nil {
					again++
				}
			}
			if err := report.Err(); err != nil {
				outcome = "wrong"
				t.Errorf("%s, %s: %v\n%s", file, p.ID, err, report)
			}
			fmt.Fprintf(out, "%s\t%s\t%s\t%d\t%d\t%d\t%d\t%d\t%s\n", example, strings.TrimSuffix(filepath.Base(file), ".json"), p.ID,
				len(requests), len(faults), len(report.Steps), failed, again, outcome)
		}
	}
	out.Flush()
	if all {
		fmt.Print(table.String())
	}
}
