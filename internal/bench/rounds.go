package bench

import (
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"
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

// patient is the transport that one writes for a service with limits: no more
// requests at once than it takes, and one that it refuses is sent again when
// Retry-After says so.
type patient struct {
	base http.RoundTripper
	turn chan struct{}
}

func newPatient(base http.RoundTripper, atOnce int) *patient {
	return &patient{base, make(chan struct{}, atOnce)}
}

func (p *patient) RoundTrip(req *http.Request) (*http.Response, error) {
	p.turn <- struct{}{}
	leave := func() { <-p.turn }
	for {
		resp, err := p.base.RoundTrip(req)
		if err != nil {
			leave()
			return nil, err
		}
		if resp.StatusCode != http.StatusTooManyRequests {
			resp.Body = &leaving{resp.Body, sync.OnceFunc(leave)}
			return resp, nil
		}
		resp.Body.Close()
		seconds, err := strconv.Atoi(resp.Header.Get("Retry-After"))
		if err != nil {
			leave()
			return nil, err
		}
		select {
		case <-time.After(time.Duration(seconds) * time.Second):
		case <-req.Context().Done():
			leave()
			return nil, req.Context().Err()
		}
		if req.GetBody != nil {
			if req.Body, err = req.GetBody(); err != nil {
				leave()
				return nil, err
			}
		}
	}
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
