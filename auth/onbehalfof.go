package auth

import (
	"container/list"
	"context"
	"sync"
	"time"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/confidential"
)

// onBehalfOf gives the employees' sources of an environment. It keeps the
// tokens of the assertions that were used last, a bounded number of them; the
// assertion itself lives in the sources alone, and its SHA-256 is the key here.
type onBehalfOf struct {
	*exchanger
	expired func(at time.Time) *Error
	limit   int

	mu     sync.Mutex
	kept   map[digest]*list.Element
	recent list.List // of *kept, the last used first
}

// kept is the cell of one assertion.
type kept struct {
	key     digest
	expires time.Time
	cell    *cell
}

func newOnBehalfOf(b *Broker) *onBehalfOf {
	return &onBehalfOf{
		exchanger: b.exchanger(opOnBehalfOf, b.env.OnBehalfOf),
		expired:   b.verifier.expired,
		limit:     b.opts.LiveAssertions,
		kept:      map[digest]*list.Element{},
	}
}

// source gives the source of a verified assertion. Sources of one assertion
// share their token.
func (o *onBehalfOf) source(assertion string, who *Employee) *Source {
	return &Source{
		identity: "employee " + who.ObjectID + " of " + o.env.ID + " through " + o.registration.ClientID,
		employee: who, cell: o.cell(assertion, who), now: o.now, expired: o.expired,
	}
}

// cell finds the cell of an assertion, or makes one. Before that it lets go of
// the least recently used ones that have ended, and of one that has not where
// the bound is reached.
func (o *onBehalfOf) cell(assertion string, who *Employee) *cell {
	key, now := digestOf(assertion), o.now()
	o.mu.Lock()
	defer o.mu.Unlock()
	if el, ok := o.kept[key]; ok {
		o.recent.MoveToFront(el)
		return el.Value.(*kept).cell
	}
	for last := o.recent.Back(); last != nil; last = o.recent.Back() {
		k := last.Value.(*kept)
		if len(o.kept) < o.limit && now.Before(k.expires) {
			break
		}
		o.recent.Remove(last)
		delete(o.kept, k.key)
	}
	k := &kept{key: key, expires: who.Expires, cell: o.newCell(assertion, who)}
	o.kept[key] = o.recent.PushFront(k)
	return k.cell
}

// newCell makes the cell that exchanges an assertion. Closures keep the text of
// the assertion out of every value that could be printed.
func (o *onBehalfOf) newCell(assertion string, who *Employee) *cell {
	holder, ends := who.ObjectID, who.Expires
	return &cell{fetch: func(ctx context.Context, claims string) (*token, error) {
		if !o.now().Before(ends) {
			return nil, o.expired(ends)
		}
		return o.acquire(ctx, holder, claims, func(ctx context.Context, c confidential.Client, opts options) (confidential.AuthResult, error) {
			var with []confidential.AcquireOnBehalfOfOption
			if opts.claims != "" {
				with = append(with, confidential.WithClaims(opts.claims))
			}
			return c.AcquireTokenOnBehalfOf(ctx, assertion, opts.scopes, with...)
		})
	}}
}
