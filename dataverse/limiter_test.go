package dataverse_test

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
)

// crowd is a service that takes 100 ms for an answer and refuses more than
// limit requests at a time, at once.
type crowd struct {
	hint, limit int

	mu                    sync.Mutex
	under, most, refusals int
}

func (c *crowd) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	c.under++
	c.most = max(c.most, c.under)
	over := c.limit > 0 && c.under > c.limit
	if over {
		c.refusals++
	} else {
		c.mu.Unlock()
		time.Sleep(100 * time.Millisecond) // the work; time is the bubble's
		c.mu.Lock()
	}
	c.under--
	c.mu.Unlock()
	if c.hint > 0 {
		w.Header().Set("x-ms-dop-hint", strconv.Itoa(c.hint))
	}
	if over {
		fault(429, dataverse.CodeThrottleConcurrency, "Number of concurrent requests exceeded the limit.", "Retry-After", "1")(w, r)
		return
	}
	noRows(w, r)
}

// ask sends n queries at once as two clients of one identity.
func ask(t *testing.T, c *dataverse.Client, n int) {
	other := c.As(token("t"))
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			c := c
			if i%2 == 0 {
				c = other
			}
			for _, err := range c.Query(t.Context(), contacts(nil)) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestLimiter(t *testing.T) {
	client := func(t *testing.T, s *crowd) *dataverse.Client {
		c, err := dataverse.New("https://contoso.crm4.dynamics.com", token("t"), &dataverse.Options{HTTP: handler{s}, MaxRetries: 20})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	t.Run("starts low and climbs to the hint", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &crowd{hint: 10}
			c := client(t, s)
			ask(t, c, 4)
			if s.most != 4 {
				t.Errorf("%d at a time before the hint", s.most)
			}
			ask(t, c, 50)
			if s.most != 10 {
				t.Errorf("%d at a time, the hint is 10", s.most)
			}
		})
	})
	t.Run("never more than the service's limit", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &crowd{hint: 500}
			c := client(t, s)
			ask(t, c, 1)
			ask(t, c, 200)
			if s.most != 52 {
				t.Errorf("%d at a time", s.most)
			}
		})
	})
	t.Run("stays below what was refused", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &crowd{hint: 4, limit: 3}
			c := client(t, s)
			ask(t, c, 1)
			ask(t, c, 300)
			if s.refusals > 2 {
				t.Errorf("%d refusals: it climbs to what the service refuses", s.refusals)
			}
			s.limit, s.most = 8, 0
			time.Sleep(time.Minute)
			ask(t, c, 50)
			if s.most != 4 {
				t.Errorf("%d at a time when the crowd has gone, want the hint's 4", s.most)
			}
		})
	})
	t.Run("halves when throttled", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &crowd{hint: 16, limit: 9}
			c := client(t, s)
			ask(t, c, 1)
			ask(t, c, 100)
			first := s.refusals
			if first == 0 || first > 40 {
				t.Errorf("%d refusals", first)
			}
			s.most = 0
			ask(t, c, 16)
			if s.most > 12 {
				t.Errorf("%d at a time after it was throttled", s.most)
			}
		})
	})
	t.Run("who has no patience does not queue for a turn", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := newBubble(t, dataverse.Options{MaxRetries: -1, Parallel: 1}, fault(429, dataverse.CodeThrottleRequests, "x", "Retry-After", "200"), noRows)
			_ = b.read(t.Context())
			start := time.Now()
			var patient sync.WaitGroup
			patient.Go(func() {
				if err := b.read(t.Context()); err != nil || time.Since(start) < 200*time.Second {
					t.Errorf("%v after %v", err, time.Since(start))
				}
			})
			synctest.Wait() // it has the only turn
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			if err := b.read(ctx); !errors.Is(err, dataverse.ErrThrottled) || time.Since(start) > 0 {
				t.Errorf("%v after %v", err, time.Since(start))
			}
			patient.Wait()
		})
	})
	t.Run("identities do not wait for each other", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := newBubble(t, dataverse.Options{MaxRetries: -1}, fault(429, dataverse.CodeThrottleRequests, "x", "Retry-After", "200"), noRows)
			_ = b.read(t.Context())
			b.Client = b.As(token("another"))
			start := time.Now()
			if err := b.read(t.Context()); err != nil || time.Since(start) > 0 {
				t.Errorf("%v after %v", err, time.Since(start))
			}
		})
	})
}
