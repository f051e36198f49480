package dataverse

import (
	"container/list"
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// maxParallel is the service's limit of concurrent requests of one user on one
// web server (fact sheet, section 10).
const maxParallel = 52

// A limiter holds the requests under way for one identity within what the
// service bears, for all clients and runs of that identity: the service counts
// per user. It starts low, goes to the parallelism that the service hints at
// (x-ms-dop-hint) when an answer says so, halves when throttled and climbs
// back by one for each full round without throttling. Where it was refused for
// being too many at once it goes down to what was borne, and stays there for a
// while, for else each climb would end in a refusal. When the service says how
// long to wait, all wait.
type limiter struct {
	mu      sync.Mutex
	limit   int
	ceiling int
	hinted  bool
	asked   time.Time // when an answer was last asked for, for its hint alone
	under   int       // requests under way
	waiting list.List // of chan struct{}, first come first served
	round   int       // successes since the limit last changed
	cut     time.Time // when the limit was last halved
	refused int       // how many at once the service last refused; 0: none
	probe   time.Time // when that many may be tried again
	until   time.Time // nobody sends before
	because string    // the code that set until
	used    time.Time
	retired bool // another one may have its identity by now
}

// acquire waits for a turn. It gives up at once, with [ErrThrottled], where
// the service has asked for more patience than the caller has.
func (l *limiter) acquire(ctx context.Context, patience time.Duration) error {
	l.mu.Lock()
	l.used = time.Now()
	if _, err := l.gate(ctx, patience); err != nil { // no turn is needed to know
		l.mu.Unlock()
		return err
	}
	if l.under < l.limit && l.waiting.Len() == 0 {
		l.under++
		l.mu.Unlock()
	} else {
		turn := make(chan struct{})
		place := l.waiting.PushBack(turn)
		l.mu.Unlock()
		select {
		case <-turn:
		case <-ctx.Done():
			l.mu.Lock()
			select {
			case <-turn: // it came in the same moment: pass it on
				l.under--
				l.wake()
			default:
				l.waiting.Remove(place)
			}
			l.mu.Unlock()
			return ctx.Err()
		}
	}
	if err := l.pause(ctx, patience); err != nil {
		l.mu.Lock()
		l.under--
		l.wake()
		l.mu.Unlock()
		return err
	}
	return nil
}

// pause waits until the service's advice is over.
func (l *limiter) pause(ctx context.Context, patience time.Duration) error {
	for {
		l.mu.Lock()
		wait, err := l.gate(ctx, patience)
		l.mu.Unlock()
		if wait <= 0 || err != nil {
			return err
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}

// gate is how long the service's advice still holds, and the error of who does
// not have the patience. The lock is held.
func (l *limiter) gate(ctx context.Context, patience time.Duration) (wait time.Duration, err error) {
	wait = time.Until(l.until)
	deadline, ok := ctx.Deadline()
	if wait > 0 && (wait > patience || ok && time.Until(deadline) < wait) {
		err = &Error{Status: http.StatusTooManyRequests, Code: l.because, RetryAfter: wait, Write: -1}
	}
	return wait, err
}

// wake gives free turns to those who wait longest. The lock is held.
func (l *limiter) wake() {
	for l.under < l.limit && l.waiting.Len() > 0 {
		close(l.waiting.Remove(l.waiting.Front()).(chan struct{}))
		l.under++
	}
}

// release ends a turn and learns from its answer, nil if there was none, and
// from how it or a part of it was throttled.
func (l *limiter) release(started time.Time, resp *http.Response, refused advice) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.under--
	defer l.wake()
	if resp == nil {
		return
	}
	l.hint(resp.Header)
	switch {
	case refused.throttled():
		l.throttled(started, refused)
	case resp.StatusCode < 300:
		if l.round++; l.round >= l.limit && l.limit < l.bearable() {
			l.limit, l.round = l.limit+1, 0
		}
	}
}

// bearable is how far the limit may climb at this time. The lock is held.
func (l *limiter) bearable() int {
	if l.refused == 0 || !time.Now().Before(l.probe) {
		return l.ceiling
	}
	return max(1, min(l.ceiling, l.refused-1))
}

// hint takes the parallelism that the service recommends. It is unknown until
// an answer has it.
func (l *limiter) hint(h http.Header) {
	hint := h.Get("X-Ms-Dop-Hint")
	if hint == "" {
		return
	}
	n, err := strconv.Atoi(hint)
	if err != nil || n < 1 {
		return
	}
	n, l.hinted = min(n, maxParallel), true
	if n == l.ceiling {
		return
	}
	if l.cut.IsZero() {
		l.limit = n
	}
	l.ceiling, l.limit = n, min(l.limit, n)
}

// throttled lowers the limit, and closes the gate where the service says how
// long. A limit of time or of requests halves it, once for all requests that
// were under way together. The limit of concurrent requests (0x80072326) tells
// more: those that are still under way were not too many. It needs no gate.
func (l *limiter) throttled(started time.Time, refused advice) {
	now := time.Now()
	if refused.code == CodeThrottleConcurrency {
		if borne := max(1, l.under); borne < l.limit {
			l.limit, l.round, l.cut = borne, 0, now
			l.refused, l.probe = borne+1, now.Add(probeAfter)
		}
		return
	}
	if started.After(l.cut) {
		l.limit, l.round, l.cut = max(1, l.limit/2), 0, now
	}
	if !refused.advised {
		return
	}
	if until := now.Add(min(refused.wait, maxGate)); until.After(l.until) {
		l.until, l.because = until, refused.code
	}
}

// asksHint tells whether to ask for the parallelism hint: no answer had it,
// and nobody has asked for a while.
func (l *limiter) asksHint() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if l.hinted || !l.asked.IsZero() && now.Sub(l.asked) < throttleWindow {
		return false
	}
	l.asked = now
	return true
}

// now is how many requests there may be at this time.
func (l *limiter) now() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.limit
}

const throttleWindow = 5 * time.Minute

// maxGate is how long one answer can keep an identity from asking. The service
// advises seconds or minutes; after a day of silence a longer advice is not
// taken on trust.
const maxGate = 24 * time.Hour

// probeAfter is how long a limiter stays below the number of requests at once
// that the service refused. The service's own count knows no window, so others
// of the same user may have gone by then.
const probeAfter = 30 * time.Second
