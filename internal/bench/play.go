package bench

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/dataverse/simulator"
	"github.com/andmoneyaps/engage-playbooks/playbook"
)

// byHand is what a playbook does, written as a Go program.
type byHand func(ctx context.Context, h *hand, ev *playbook.Event) error

// play is a playbook and an event, and a service to run it against.
type play struct {
	service  *service
	playbook *playbook.Playbook
	event    *playbook.Event
	allow    []string
	events   atomic.Int64
	// atOnce is how many requests the hand-written program sends at once; 0: as
	// many as it likes.
	atOnce int
}

// newPlay loads the workspace and starts its world as a service, with limits
// that count, if any are given; stop it.
func (r *Runner) newPlay(ctx context.Context, dir, id, event string, limits ...simulator.Limits) (*play, error) {
	p, err := r.loadPlay(dir, id, event)
	if err != nil {
		return nil, err
	}
	for _, l := range limits {
		p.atOnce = l.Concurrent
	}
	p.service, err = r.start(ctx, append([]string{"world", dir, filepath.Join(dir, event)}, limitArgs(limits)...)...)
	return p, err
}

func (r *Runner) loadPlay(dir, id, event string) (*play, error) {
	w, err := playbook.Load(os.DirFS(filepath.Join(r.Root, dir)))
	if err != nil {
		return nil, err
	}
	p := &play{}
	var ok bool
	if p.playbook, ok = w.Playbook(id); !ok {
		return nil, fmt.Errorf("%s has no playbook %s", dir, id)
	}
	if doc := w.Simulator(); doc != nil {
		p.allow = doc.Allow
	}
	if p.event, err = readEvent(filepath.Join(r.Root, dir, event)); err != nil {
		return nil, err
	}
	return p, nil
}

// engine runs the playbook over the road.
func (p *play) engine(over *road) (*playbook.Engine, error) {
	client, err := dataverse.New(p.service.URL, bearer(p.service.Admin), &dataverse.Options{HTTP: over})
	if err != nil {
		return nil, err
	}
	return &playbook.Engine{
		Client: client,
		Employee: func(context.Context, *playbook.Event) (dataverse.TokenSource, error) {
			return bearer(p.service.Employee), nil
		},
		Application: func(context.Context, *playbook.Event) (dataverse.TokenSource, error) {
			return bearer(p.service.Application), nil
		},
		Allow: playbook.AllowRules(p.allow...),
	}, nil
}

// bearer is a token source of one token.
type bearer string

func (b bearer) Token(context.Context) (string, error) { return string(b), nil }

// another is the event with an id that no other has: what it writes is new.
func (p *play) another() *playbook.Event {
	e := *p.event
	e.ID = fmt.Sprintf("%s-%d", e.ID, p.events.Add(1))
	return &e
}

// pair makes the two sides of a playbook: the engine, and byHand with a client
// of its own. The roads count what each sends.
func (p *play) pair(ctx context.Context, delay time.Duration, byHand byHand) (s sides, ours, byhand *road, err error) {
	ours, byhand = newRoad(delay), newRoad(delay)
	engine, err := p.engine(ours)
	if err != nil {
		return s, nil, nil, err
	}
	h := newHand(p.service, p.service.Employee, p.manner(byhand))
	return sides{
		ours: p.run(ctx, engine),
		hand: func(int) error { return byHand(ctx, h, p.another()) },
	}, ours, byhand, nil
}

// run lets the engine run the playbook for an event of its own.
func (p *play) run(ctx context.Context, engine *playbook.Engine) func(int) error {
	return func(int) error {
		result, err := engine.Run(ctx, p.playbook, p.another())
		if err == nil && result.Status != playbook.StatusSucceeded {
			err = fmt.Errorf("the run is %s", result.Status)
		}
		return err
	}
}

// manner is how the hand-written program sends over the road.
func (p *play) manner(over *road) http.RoundTripper {
	if p.atOnce > 0 {
		return newTurns(over, p.atOnce)
	}
	return over
}

// sameRequests does each side once more than it needs to be warm, and compares
// how many requests that took.
func sameRequests(s sides, ours, byhand *road) error {
	for i := range 2 {
		ours.count.Store(0)
		byhand.count.Store(0)
		if err := s.ours(i); err != nil {
			return fmt.Errorf("engine: %w", err)
		}
		if err := s.hand(i); err != nil {
			return fmt.Errorf("by hand: %w", err)
		}
	}
	if a, b := ours.count.Load(), byhand.count.Load(); a != b {
		return fmt.Errorf("%d requests, by hand %d: the two do not do the same", a, b)
	}
	return nil
}

// delays of the service as the figures have them.
var delays = []time.Duration{0, 5 * time.Millisecond, 40 * time.Millisecond}

func far(delay time.Duration) string {
	if delay == 0 {
		return "no delay"
	}
	return delay.String()
}

// latencies measures a playbook at each delay: wall everywhere, processor time
// and allocations where nothing is waited for, round trips where waiting tells
// them apart.
func (r *Runner) latencies(ctx context.Context, p *play, name string, byHand byHand) ([]Figure, error) {
	var figures []Figure
	for _, delay := range delays {
		s, ours, byhand, err := p.pair(ctx, delay, byHand)
		if err != nil {
			return nil, err
		}
		if err := sameRequests(s, ours, byhand); err != nil {
			return nil, err
		}
		rounds, ops := r.pick(9, 15), 20
		if delay == 0 {
			ops = r.pick(50, 100)
		}
		if delay >= 40*time.Millisecond {
			ops = r.pick(6, 15)
		}
		c, err := compare(s, rounds, ops)
		if err != nil {
			return nil, err
		}
		at := fmt.Sprintf("%s, %s", name, far(delay))
		switch delay {
		case 0:
			figures = append(figures,
				c.figure(name, atMost(1.3), "CPU"),
				c.figure(name, atMost(1.5), "allocations"),
				c.figure(name, Goal{}, "allocated bytes"),
				c.figure(at, Goal{}, "wall"))
		case 40 * time.Millisecond:
			a, b, err := traffics(s, ours, byhand)
			if err != nil {
				return nil, err
			}
			figures = append(figures, c.figure(at, atMost(1.05), "wall"),
				Figure{Name: name + ": round trips", Goal: atMost(float64(b.rounds)), Value: float64(a.rounds), Note: fmt.Sprintf("by hand %d; %d requests each", b.rounds, a.requests)})
		default:
			figures = append(figures, c.figure(at, Goal{}, "wall"))
		}
	}
	return figures, nil
}

// limited measures the playbook where the service's own limits count: one run
// after the other stays below them, and nothing is to be slower for it.
func (r *Runner) limited(ctx context.Context, name, dir, id, event string, byHand byHand) (Figure, error) {
	p, err := r.newPlay(ctx, dir, id, event, simulator.ServiceLimits)
	if err != nil {
		return Figure{}, err
	}
	defer p.service.stop()
	s, _, _, err := p.pair(ctx, 40*time.Millisecond, byHand)
	if err != nil {
		return Figure{}, err
	}
	// 6,000 requests in five minutes, of both sides, are the user's.
	c, err := compare(s, r.pick(7, 11), r.pick(6, 12))
	if err != nil {
		return Figure{}, err
	}
	return c.figure(name+", 40ms, the service's limits count", atMost(1.05), "wall"), nil
}

// together runs the funcs at once and gives the first error.
func together(funcs ...func() error) error {
	var g errgroup.Group
	for _, f := range funcs {
		g.Go(f)
	}
	return g.Wait()
}
