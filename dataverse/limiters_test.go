package dataverse_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
)

// employee is a source that belongs to one run, of an identity that does not.
type employee struct{ id, token string }

func (e *employee) Token(context.Context) (string, error) { return e.token, nil }
func (e *employee) Identity() string                      { return e.id }

// TestLimiterIsThatOfTheIdentity throttles one client for an hour and asks by
// another one: it sends nothing where both are one identity.
func TestLimiterIsThatOfTheIdentity(t *testing.T) {
	const org = "https://contoso.crm4.dynamics.com"
	var shared *dataverse.Limiters
	client := func(t *testing.T, b *bubble, url string, ts dataverse.TokenSource) *dataverse.Client {
		c, err := dataverse.New(url, ts, &dataverse.Options{HTTP: b.opts.HTTP, Limiters: shared})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	for name, tt := range map[string]struct {
		other func(t *testing.T, b *bubble) *dataverse.Client
		held  bool
	}{
		"As of the employee's other session": {func(t *testing.T, b *bubble) *dataverse.Client { return b.As(&employee{"mette", "second"}) }, true},
		"As of a colleague":                  {func(t *testing.T, b *bubble) *dataverse.Client { return b.As(&employee{"jonas", "third"}) }, false},
		"ReadOnly":                           {func(t *testing.T, b *bubble) *dataverse.Client { return b.ReadOnly() }, true},
		"ReadOnly of the other session": {func(t *testing.T, b *bubble) *dataverse.Client {
			return b.As(&employee{"mette", "second"}).ReadOnly()
		}, true},
		"New with shared limiters": {func(t *testing.T, b *bubble) *dataverse.Client {
			return client(t, b, "https://Contoso.crm4.dynamics.com:443/", &employee{"mette", "second"})
		}, true},
		"New of another organisation": {func(t *testing.T, b *bubble) *dataverse.Client {
			return client(t, b, "https://fabrikam.crm4.dynamics.com", &employee{"mette", "second"})
		}, false},
		"New of its own": {func(t *testing.T, b *bubble) *dataverse.Client {
			c, err := dataverse.New(org, &employee{"mette", "second"}, &dataverse.Options{HTTP: b.opts.HTTP})
			if err != nil {
				t.Fatal(err)
			}
			return c
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				shared = new(dataverse.Limiters)
				b := newBubble(t, dataverse.Options{}, fault(429, dataverse.CodeThrottleRequests, "x", "Retry-After", "3600"), noRows)
				b.Client = client(t, b, org, &employee{"mette", "first"})
				if err := b.read(t.Context()); !errors.Is(err, dataverse.ErrThrottled) {
					t.Fatal(err)
				}
				b.Client = tt.other(t, b)
				err := b.read(t.Context())
				if errors.Is(err, dataverse.ErrThrottled) != tt.held || !tt.held && err != nil || len(b.sent) == 1 != tt.held {
					t.Errorf("%v after %d requests", err, len(b.sent))
				}
			})
		})
	}
}

// TestLimitersForgetTheIdle: memory is bounded by the active identities, an
// advice is kept until it is over, and a client that slept has the limiter of
// those that did not.
func TestLimitersForgetTheIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, dataverse.Options{}, fault(429, dataverse.CodeThrottleRequests, "x", "Retry-After", "3600"), noRows, noRows,
			fault(429, dataverse.CodeThrottleRequests, "x", "Retry-After", "3600"), noRows)
		sleeper := b.Client
		crowd := func(from int) {
			for i := range 3000 {
				b.As(token(fmt.Sprint(from + i)))
			}
		}
		b.Client = sleeper.As(&employee{"mette", "first"})
		if err := b.read(t.Context()); !errors.Is(err, dataverse.ErrThrottled) {
			t.Fatal(err)
		}
		crowd(0)
		time.Sleep(10 * time.Minute) // the bubble's
		crowd(10_000)
		b.Client = sleeper.As(&employee{"mette", "second"})
		if err := b.read(t.Context()); !errors.Is(err, dataverse.ErrThrottled) || len(b.sent) != 1 {
			t.Errorf("%v after %d requests: the advice was forgotten", err, len(b.sent))
		}
		b.Client = sleeper.As(token("t"))
		for range 2 {
			if err := b.read(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(10 * time.Minute)
		crowd(20_000)
		b.Client = sleeper.As(token("t")) // a new limiter
		if err := b.read(t.Context()); !errors.Is(err, dataverse.ErrThrottled) {
			t.Fatal(err)
		}
		b.Client = sleeper
		if err := b.read(t.Context()); !errors.Is(err, dataverse.ErrThrottled) || len(b.sent) != 4 {
			t.Errorf("%v after %d requests: the client that slept has a limiter of its own", err, len(b.sent))
		}
	})
}
