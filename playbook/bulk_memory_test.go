package playbook_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"

	"github.com/andmoneyaps/engage-playbooks/playbook"
	"github.com/andmoneyaps/engage-playbooks/playbook/playbooktest"
)

// TestMemoryOfABulkRun: what is written in bulk is planned, looked up and sent
// piece by piece, so that a run holds little more than its result.
func TestMemoryOfABulkRun(t *testing.T) {
	if testing.Short() || underRace {
		t.Skip("measures memory")
	}
	const (
		n                = 20_000
		most, mostResult = 800, 700 // bytes a record
	)
	for id, bulk := range map[string]struct {
		list string
		item func(i int) any
	}{
		"note-import": {"Notes", func(i int) any {
			return map[string]any{"Subject": fmt.Sprint("Note ", i), "Text": "The customer asked about a fixed rate."}
		}},
		"employee-sync": {"Employees", func(i int) any {
			return map[string]any{"UserName": fmt.Sprintf("user%d@bank.example", i), "Name": "N", "Department": "Advice", "Active": true}
		}},
	} {
		t.Run(id, func(t *testing.T) {
			r := newRig(t, "../internal/bench/workspace", id, 0, false, &playbooktest.Options{NoListener: true})
			ev := eventOf(t, map[string]string{
				"note-import": "../internal/bench/workspace/events/notes.json", "employee-sync": "../internal/bench/workspace/events/employees.json",
			}[id])
			r.warm(t, ev)
			items := make([]any, n)
			for i := range items {
				items[i] = bulk.item(i)
			}
			ev.Data.(map[string]any)[bulk.list] = items
			// The simulator, which holds what is written, only grows: what there
			// is at a request beyond what is left in the end, the run holds.
			var mu sync.Mutex
			during := uint64(0)
			r.wire.hold = func() {
				mu.Lock()
				defer mu.Unlock()
				during = max(during, heap())
			}
			result, err := r.engine.Run(context.Background(), r.playbook, ev)
			if err != nil || len(result.Writes) != n || result.Writes[n-1].ID == "" {
				t.Fatalf("%v, %d writes", err, len(result.Writes))
			}
			atEnd := heap()
			records := records(result)
			result = nil
			left := heap()
			runtime.KeepAlive(ev) // which is not the run's
			held, kept := int64(during-left)/n, int64(atEnd-left)/n
			t.Logf("%d bytes a record at a request, %d in the result", held, kept)
			if records != n || held > most || kept > mostResult {
				t.Errorf("%d records; %d bytes a record at a request, at most %d; %d in the result, at most %d", records, held, most, kept, mostResult)
			}
		})
	}
}

// records counts those of the last block's output.
func records(result *playbook.Result) (n int) {
	output, _ := result.Outputs[len(result.Outputs)-1].(map[string]any)
	for _, r := range output["Results"].([]any) {
		for _, list := range r.(map[string]any) {
			n = max(n, len(list.([]any)))
		}
	}
	return n
}
