package dataverse

import (
	"net/url"
	"reflect"
	"sync"
	"time"
)

// Limiters hold what is known of the service's patience with each identity of
// each organisation: how many requests may be under way, and until when it
// asked to wait. They keep, too, how many rows each organisation's tables bear
// in one request. All clients of one [New] share theirs, whatever [Client.As]
// and [Client.ReadOnly] make of it; put the same Limiters into the [Options]
// of several to share them between those too. The zero value is ready to use.
//
// What was not used for the five minutes over which the service counts is
// forgotten, so that the memory is bounded by the identities that are active.
type Limiters struct {
	mu    sync.Mutex
	byKey map[limiterKey]*limiter
	sweep int
	paces map[paceKey]*pace
}

type limiterKey struct {
	origin   url.URL
	identity any
}

// of gives the limiter of the source's identity. A source that neither has a
// name nor can be compared is an identity of its own.
func (ls *Limiters) of(o *organization, ts TokenSource) *limiter {
	start := o.opts.Parallel
	fresh := &limiter{limit: start, ceiling: max(start, 8), used: time.Now()}
	key := limiterKey{origin: o.origin}
	if named, ok := ts.(Identifier); ok {
		key.identity = named.Identity()
	} else if reflect.ValueOf(ts).Comparable() {
		key.identity = ts
	} else {
		return fresh
	}
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if l, ok := ls.byKey[key]; ok {
		return l
	}
	if ls.byKey == nil {
		ls.byKey = map[limiterKey]*limiter{}
	}
	if len(ls.byKey) >= max(ls.sweep, 1024) {
		for k, l := range ls.byKey {
			if l.retire() {
				delete(ls.byKey, k)
			}
		}
		ls.sweep = 2 * len(ls.byKey)
	}
	ls.byKey[key] = fresh
	return fresh
}

// retire reports whether the limiter has not been used for so long that it
// knows nothing any more, and ends it then.
func (l *limiter) retire() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.retired = l.under == 0 && l.waiting.Len() == 0 &&
		time.Since(l.used) > throttleWindow && time.Now().After(l.until)
	return l.retired
}

// limiter is that of the client's identity. A client that was idle for long
// may find that others of its identity have a new one.
func (c *Client) limiter() *limiter {
	l := c.limits.Load()
	l.mu.Lock()
	retired := l.retired
	l.mu.Unlock()
	if retired {
		l = c.opts.Limiters.of(c.organization, c.tokens)
		c.limits.Store(l)
	}
	return l
}
