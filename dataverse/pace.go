package dataverse

import (
	"net/url"
	"sync"
	"time"
)

// A pace is how many rows one message of a table bears: a request should take
// seconds. The first chunks have few, since a row may take the service long
// (plug-ins), and what is not repeatable cannot be sent again in halves; what
// was learned holds for all that comes soon after it.
type pace struct {
	mu     sync.Mutex
	size   int
	perRow time.Duration // of the last chunk; 0: not known
	most   int           // where the service found more to be too much; 0: it did not
	probe  time.Time     // when more may be tried again
	used   time.Time
}

const (
	firstChunk = 100 // the least that the service recommends (fact sheet, section 6)
	minChunk   = 10
	shareChunk = 100 // what sharing out does not go below
	quickChunk = 4 * time.Second
	slowChunk  = 20 * time.Second
	maxGrowth  = 10 // at a step
)

// paceAge is how long what a table bears is taken to stay as it is.
const paceAge = 5 * time.Minute

type paceKey struct {
	origin  url.URL
	message string // with its entity set
}

// pace is that of a message of the organisation, for all its identities: the
// table's plug-ins and the size of its rows make it.
func (ls *Limiters) pace(o *organization, message string) *pace {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	key, now := paceKey{o.origin, message}, time.Now()
	if p, ok := ls.paces[key]; ok && !p.aged(now) {
		return p
	}
	if ls.paces == nil {
		ls.paces = map[paceKey]*pace{}
	}
	if len(ls.paces) >= 1024 {
		for k, p := range ls.paces {
			if p.aged(now) {
				delete(ls.paces, k)
			}
		}
	}
	p := &pace{size: firstChunk, used: now}
	ls.paces[key] = p
	return p
}

func (p *pace) aged(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return now.Sub(p.used) > paceAge
}

// next is the size of the next chunk.
func (p *pace) next() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.used = time.Now()
	return p.size
}

// within is how many rows were done in that time; 0 if it is not known.
func (p *pace) within(d time.Duration) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.perRow <= 0 {
		return 0
	}
	return int(min(d/p.perRow, maxBatch))
}

// took learns from a chunk that was done.
func (p *pace) took(writes int, d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	p.used, p.perRow = now, d/time.Duration(writes)
	switch {
	case d < quickChunk && writes >= p.size:
		most := maxBatch
		if p.most > 0 && now.Before(p.probe) {
			most = p.most
		}
		p.size = min(most, int(float64(p.size)*min(maxGrowth, quickChunk.Seconds()/d.Seconds())))
	case d > slowChunk:
		p.size = max(min(minChunk, p.size), p.size/2)
	}
}

// tooMuch follows a request that was too large or took too long.
func (p *pace) tooMuch(writes int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	p.size = max(1, min(p.size, writes/2))
	p.most, p.probe, p.used = p.size, now.Add(paceAge), now
}
