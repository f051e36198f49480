package bench

import (
	"io"
	"net/http"
	"sync"
)

// rounds counts round trips: the longest chain of requests each of which was
// sent after the one before was answered.
type rounds struct {
	mu      sync.Mutex
	longest int
}

// sent gives a request its place in the chain; answered takes it back.
func (r *rounds) sent() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.longest + 1
}

func (r *rounds) answered(place int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.longest = max(r.longest, place)
}

// take gives the count and begins anew.
func (r *rounds) take() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.longest
	r.longest = 0
	return n
}

// traffic is what a side sends for one run.
type traffic struct{ requests, rounds int }

// traffics counts the requests and round trips of each side. Rounds are the
// fewest of five runs: where requests that leave together are held up on their
// way, one of them counts as another round.
func traffics(s sides, ours, byhand *road) (a, b traffic, err error) {
	for i := range 5 {
		for _, side := range []struct {
			work func(int) error
			road *road
			into *traffic
		}{{s.ours, ours, &a}, {s.hand, byhand, &b}} {
			side.road.count.Store(0)
			side.road.rounds.take()
			if err := side.work(i); err != nil {
				return a, b, err
			}
			n := side.road.rounds.take()
			if i == 0 || n < side.into.rounds {
				side.into.rounds = n
			}
			side.into.requests = int(side.road.count.Load())
		}
	}
	return a, b, nil
}

// turns is a transport with no more requests at once than there are turns:
// what one writes for a service that allows few.
type turns struct {
	base  http.RoundTripper
	taken chan struct{}
}

func newTurns(base http.RoundTripper, atOnce int) *turns {
	return &turns{base, make(chan struct{}, atOnce)}
}

func (t *turns) RoundTrip(req *http.Request) (*http.Response, error) {
	t.taken <- struct{}{}
	leave := func() { <-t.taken }
	resp, err := t.base.RoundTrip(req)
	if err != nil {
		leave()
		return nil, err
	}
	resp.Body = &leaving{resp.Body, sync.OnceFunc(leave)}
	return resp, nil
}

// leaving ends a turn when the answer has been read.
type leaving struct {
	io.ReadCloser
	leave func()
}

func (l *leaving) Close() error {
	defer l.leave()
	return l.ReadCloser.Close()
}
