package temporal

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/andmoneyaps/engage-playbooks/dataverse/simulator"
	"github.com/andmoneyaps/engage-playbooks/playbook"
)

// What durability costs, for docs/performance.md: the example's run of seven
// blocks in one process, on the server one after the other, and 50 at once.
// Server, worker, starter and simulator share the machine.
//
//	ENGAGE_TEMPORAL_SERVER=… go test -run '^$' -bench Runs ./temporal
func BenchmarkRuns(b *testing.B) {
	address := startServer(b)
	s := portalMeeting(b)
	c := dial(b, address, nil)
	work(b, c, s.host)
	data := s.event(b, simulator.AssertionOptions{})
	n := 0
	event := func() *playbook.Event {
		n++
		ev := *data
		ev.ID = fmt.Sprintf("bench-%d", n)
		return &ev
	}
	durable := func(b *testing.B, ev *playbook.Event) {
		run, err := c.Start(b.Context(), tenant, s.playbook, ev)
		if err != nil {
			b.Error(err)
			return
		}
		if _, err := run.Result(b.Context()); err != nil {
			b.Error(err)
		}
	}
	blocks := float64(len(s.playbook.Blocks))
	per := func(b *testing.B, started time.Time) {
		took := time.Since(started).Seconds()
		b.ReportMetric(took*1000/float64(b.N)/blocks, "ms/block")
		b.ReportMetric(float64(b.N)/took, "runs/s")
	}
	b.Run("one process", func(b *testing.B) {
		started := time.Now()
		for b.Loop() {
			if _, err := s.engine.Run(b.Context(), s.playbook, event()); err != nil {
				b.Fatal(err)
			}
		}
		per(b, started)
	})
	b.Run("durable, one after the other", func(b *testing.B) {
		started := time.Now()
		for b.Loop() {
			durable(b, event())
		}
		per(b, started)
	})
	b.Run("durable, 50 at once", func(b *testing.B) {
		started := time.Now()
		var all sync.WaitGroup
		slots := make(chan struct{}, 50)
		for b.Loop() {
			slots <- struct{}{}
			ev := event()
			all.Go(func() {
				defer func() { <-slots }()
				durable(b, ev)
			})
		}
		all.Wait()
		per(b, started)
	})
}
