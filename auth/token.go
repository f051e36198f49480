package auth

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/confidential"
)

// token is an access token for Dataverse, opaque to us.
type token struct {
	value secret
	// claims is the challenge that it was asked with.
	claims string
	// renew is when to ask for the next one, dead when to stop using it.
	renew, dead time.Time
}

// issued reads MSAL's result. MSAL computes the end by the machine's clock; we
// keep the lifetime and count it on ours.
func (x *exchanger) issued(res confidential.AuthResult, claims string) (*token, error) {
	now := x.now()
	life := time.Until(res.ExpiresOn)
	if res.AccessToken == "" || life <= 0 {
		return nil, x.misconfigured("Entra's answer has no usable token", "check authority")
	}
	t := &token{value: secret(res.AccessToken), claims: claims, renew: now.Add(life - min(10*time.Minute, life/4)), dead: now.Add(life - min(time.Minute, life/10))}
	if due := res.Metadata.RefreshOn; !due.IsZero() && time.Until(due) < t.renew.Sub(now) {
		t.renew = now.Add(max(0, time.Until(due)))
	}
	return t, nil
}

// cell holds the current token of one identity and sees to it that one caller
// at a time asks for the next.
type cell struct {
	current atomic.Pointer[token]
	// refreshing is set while one caller renews a token that is still good;
	// notBefore is when that may be tried again after a failure, in Unix
	// nanoseconds.
	refreshing atomic.Bool
	notBefore  atomic.Int64
	flight     flight[*token]
	fetch      func(ctx context.Context, claims string) (*token, error)
}

// refreshBrake is how long a failed early renewal is not tried again.
const refreshBrake = 30 * time.Second

// get gives the current token, renewed before it ends. The warm path makes no
// request, takes no lock and allocates nothing.
func (c *cell) get(ctx context.Context, now time.Time) (string, error) {
	t := c.current.Load()
	if t != nil && now.Before(t.renew) {
		return string(t.value), nil
	}
	if t == nil || !now.Before(t.dead) {
		return c.next(ctx, "")
	}
	// Early: one caller renews, the others use what is still good.
	if now.UnixNano() < c.notBefore.Load() || !c.refreshing.CompareAndSwap(false, true) {
		return string(t.value), nil
	}
	defer c.refreshing.Store(false)
	s, err := c.next(ctx, "")
	if err != nil {
		if ctx.Err() != nil {
			return "", err
		}
		c.notBefore.Store(now.Add(refreshBrake).UnixNano())
		return string(t.value), nil
	}
	return s, nil
}

// after gives a token other than the rejected one: the current one if it is
// another, good, and meets the claims, else a new one.
func (c *cell) after(ctx context.Context, now time.Time, rejected, claims string) (string, error) {
	if t := c.current.Load(); t != nil && string(t.value) != rejected && t.claims == claims && now.Before(t.dead) {
		return string(t.value), nil
	}
	return c.next(ctx, claims)
}

// next asks for a token, once for all who ask at the same time.
func (c *cell) next(ctx context.Context, claims string) (string, error) {
	before := c.current.Load()
	t, err := c.flight.do(ctx, claims, func(ctx context.Context) (*token, error) {
		if t := c.current.Load(); t != before && t != nil && t.claims == claims {
			return t, nil // somebody was faster between the look and the flight
		}
		t, err := c.fetch(ctx, claims)
		if err == nil {
			c.current.Store(t)
		}
		return t, err
	})
	if err != nil {
		return "", err
	}
	return string(t.value), nil
}

// holds remembers whom Entra asked to wait, so that nobody asks in between.
type holds struct {
	mu sync.Mutex
	of map[string]hold
}

type hold struct {
	until time.Time
	err   Error
}

// maxHolds bounds the memory; beyond it the oldest knowledge is dropped.
const maxHolds = 10_000

func (h *holds) remember(holder string, e *Error, now time.Time) {
	if e.RetryAfter <= 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for k, v := range h.of {
		if !now.Before(v.until) || len(h.of) >= maxHolds {
			delete(h.of, k)
		}
	}
	if h.of == nil {
		h.of = map[string]hold{}
	}
	h.of[holder] = hold{now.Add(e.RetryAfter), *e}
}

func (h *holds) check(holder string, now time.Time) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	held, ok := h.of[holder]
	if !ok || !now.Before(held.until) {
		return nil
	}
	e := held.err
	e.RetryAfter = held.until.Sub(now)
	return &e
}
