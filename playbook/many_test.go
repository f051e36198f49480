package playbook_test

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/andmoneyaps/engage-playbooks/playbook"
)

// 10,000 runs at once on one engine: few are under way, all succeed, and no
// goroutine is left.
func TestTenThousandRunsAtOnce(t *testing.T) {
	if testing.Short() || underRace {
		t.Skip("many runs")
	}
	const n = 10_000
	b := setUp(t, routed, nil)
	b.engine.Runs = 64
	var under, most atomic.Int32
	b.engine.Observe = func(p playbook.Progress) {
		switch p.Kind {
		case playbook.RunStarted:
			now := under.Add(1)
			for old := most.Load(); now > old && !most.CompareAndSwap(old, now); old = most.Load() {
			}
		case playbook.RunEnded:
			under.Add(-1)
		}
	}
	ev := event(t, "booked.json")
	if _, err := b.engine.Run(t.Context(), b.playbook, ev); err != nil {
		t.Fatal(err)
	}
	before := runtime.NumGoroutine()
	atOnce(n, func(i int) {
		if r, err := b.engine.Run(context.Background(), b.playbook, numbered(ev, i)); err != nil || r.Status != playbook.StatusSucceeded {
			t.Error(err)
		}
	})
	if most.Load() > 64 || most.Load() < 2 {
		t.Errorf("%d runs were under way at once", most.Load())
	}
	if after := runtime.NumGoroutine(); after > before+8 {
		t.Errorf("%d goroutines before, %d after", before, after)
	}
}

const routed = `kind: Playbook
id: routed
blocks:
  - {name: Event, type: Trigger, trigger: PortalMeetings}
  - name: Read customer
    type: EntityPatternRead
    pattern: find-customer
    inputs: [{from: Event, map: [{source: "Meeting.ExternalAttendees[0].Email", destination: customer.Email}]}]
  - name: Result
    type: Output
    inputs: [{from: Read customer, map: [{source: "Results[0].customer[0].Id", destination: customer}]}]
`
