package bench

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"testing"
)

// TestMain lets the test binary be the service of its benchmarks, as the
// command is of its own.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "-serve" {
		if err := Serve(os.Args[2:], os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		return
	}
	os.Exit(m.Run())
}

// BenchmarkRun has the sides of the figures of one run apart, for profiles:
//
//	go test ./internal/bench -run - -bench Run/portal-meeting/engine -cpuprofile cpu.out
//	go test ./internal/bench -run - -bench Run/portal-meeting/engine -benchtime 2000x -memprofile mem.out -memprofilerate 1
//
// The bulk playbooks write 10,000 records an operation. cpu-ns/op is the processor time of this process; the service is another.
func BenchmarkRun(b *testing.B) {
	for _, one := range []struct {
		name, dir, id, event string
		byHand               byHand
		bulk                 *bulk
	}{
		{"portal-meeting", portalMeetings, "portal-meeting-booked", "events/booked.json", bookByHand, nil},
		{"customer-overview", "examples/customer-overview", "customer-overview", "events/overview.json", overviewByHand, nil},
		{"attendance", bank, "attendance", "events/attendance.json", attendedByHand, nil},
		{"employee-sync", bank, syncs.playbook, syncs.event, employeesByHand, syncs},
		{"note-import", bank, imports.playbook, imports.event, notesByHand, imports},
	} {
		b.Run(one.name, func(b *testing.B) {
			r := Runner{Root: "../.."}
			p, err := r.newPlay(b.Context(), one.dir, one.id, one.event)
			if err != nil {
				b.Fatal(err)
			}
			defer p.service.stop()
			s, ours, byhand, err := p.pair(context.Background(), 0, one.byHand)
			if err != nil {
				b.Fatal(err)
			}
			if one.bulk != nil {
				one.bulk.fill(p, 10_000)
			} else if err := sameRequests(s, ours, byhand); err != nil {
				b.Fatal(err)
			}
			for _, side := range []struct {
				name string
				work func(int) error
			}{{"engine", s.ours}, {"hand", s.hand}} {
				b.Run(side.name, func(b *testing.B) {
					b.ReportAllocs()
					runtime.GC()
					started := processorTime()
					for i := 0; b.Loop(); i++ {
						if err := side.work(i); err != nil {
							b.Fatal(err)
						}
					}
					b.ReportMetric(float64(processorTime()-started)/float64(b.N), "cpu-ns/op")
				})
			}
		})
	}
}
