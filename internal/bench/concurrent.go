package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/dataverse/simulator"
	"github.com/andmoneyaps/engage-playbooks/playbook"
)

// concurrentRuns books many meetings at once in one process: as one employee,
// and as one employee each, which the service and the client count apart.
func (r *Runner) concurrentRuns(ctx context.Context) ([]Figure, error) {
	p, err := r.newPlay(ctx, portalMeetings, "portal-meeting-booked", "events/booked.json")
	if err != nil {
		return nil, err
	}
	defer p.service.stop()
	const n = 1000
	s, ours, byhand, err := p.pair(ctx, 0, bookByHand)
	if err != nil {
		return nil, err
	}
	if err := sameRequests(s, ours, byhand); err != nil {
		return nil, err
	}
	all := s.atOnce(n)
	c, err := compare(all, r.pick(5, 9), 1)
	if err != nil {
		return nil, err
	}
	name := fmt.Sprintf("%d portal meetings at once", n)
	memory := Figure{Name: name + ": peak memory a run", Goal: atMost(64), Unit: "KiB"}
	if memory.Value, memory.Noise, err = r.held(n, all.ours); err != nil {
		return nil, err
	}
	byHand, _, err := r.held(n, all.hand)
	if err != nil {
		return nil, err
	}
	memory.Note = fmt.Sprintf("by hand %.1f", byHand)
	figures := []Figure{c.figure(name, atLeast(0.8), "throughput"), c.figure(name, atMost(1.3), "CPU"), c.figure(name, atMost(1.5), "allocations"), memory}
	for _, delay := range delays[1:] {
		s, err := p.colleagues(ctx, delay, bookByHand)
		if err != nil {
			return figures, err
		}
		c, err := compare(s.atOnce(n), r.pick(5, 7), 1)
		if err != nil {
			return figures, err
		}
		figures = append(figures, c.figure(fmt.Sprintf("%s, %v", name, delay), atLeast(0.8), "throughput"))
	}
	limited, err := r.concurrentLimited(ctx)
	return append(figures, limited), err
}

// held is the most memory that n runs at once hold, in KiB a run.
func (r *Runner) held(n int, work func(round int) error) (kib, noise float64, err error) {
	var all []float64
	for i := range r.pick(3, 5) {
		bytes, err := peak(func() error { return work(100 + i) })
		if err != nil {
			return 0, 0, err
		}
		all = append(all, float64(bytes)/float64(n)/1024)
	}
	kib, noise = median(all)
	return kib, noise, nil
}

// concurrentLimited has fewer runs, of one user, whom the service allows few
// requests at once.
func (r *Runner) concurrentLimited(ctx context.Context) (Figure, error) {
	const n, allowed, delay = 200, 6, 5 * time.Millisecond
	p, err := r.newPlay(ctx, portalMeetings, "portal-meeting-booked", "events/booked.json", simulator.Limits{Concurrent: allowed})
	if err != nil {
		return Figure{}, err
	}
	defer p.service.stop()
	s, _, _, err := p.pair(ctx, delay, bookByHand)
	if err != nil {
		return Figure{}, err
	}
	c, err := compare(s.atOnce(n), r.pick(5, 7), 1)
	if err != nil {
		return Figure{}, err
	}
	return c.figure(fmt.Sprintf("%d portal meetings at once as one user, %v, %d requests at once allowed", n, delay, allowed), atLeast(0.8), "throughput"), nil
}

// atOnce does the work n times at once.
func (s sides) atOnce(n int) sides {
	spread := func(one func(i int) error) func(int) error {
		return func(round int) error {
			var wg sync.WaitGroup
			errs := make([]error, n)
			for i := range n {
				wg.Go(func() { errs[i] = one(round*n + i) })
			}
			wg.Wait()
			return errors.Join(errs...)
		}
	}
	return sides{ours: spread(s.ours), hand: spread(s.hand)}
}

// colleagues is pair where each run is of an employee of its own. To the
// service they are one.
func (p *play) colleagues(ctx context.Context, delay time.Duration, byHand byHand) (sides, error) {
	s, _, _, err := p.pair(ctx, delay, byHand)
	if err != nil {
		return s, err
	}
	engine, err := p.engine(newRoad(delay))
	if err != nil {
		return s, err
	}
	engine.Employee = func(_ context.Context, ev *playbook.Event) (dataverse.TokenSource, error) {
		return colleague{bearer(p.service.Employee), ev.ID}, nil
	}
	s.ours = p.run(ctx, engine)
	return s, nil
}

// colleague is an identity of its own with the token of another.
type colleague struct {
	bearer
	name string
}

// Identity implements [dataverse.Identifier].
func (c colleague) Identity() string { return c.name }
