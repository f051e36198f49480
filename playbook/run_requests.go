package playbook

import (
	"context"
	"fmt"
	"sync"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/pattern"
)

// observed collects the exchanges of requests each of which waits for the one
// before: their attempts are a chain.
type observed struct {
	mu        sync.Mutex
	exchanges []dataverse.Exchange
	err       error // that the last of them ended with
	// bulk leaves out the operations of each, of which there are many.
	bulk bool
}

func (o *observed) context(ctx context.Context) context.Context {
	return dataverse.WithObserver(ctx, func(e dataverse.Exchange) {
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.bulk {
			e.Operations = nil
		}
		o.exchanges = append(o.exchanges, e)
	})
}

// note puts exchanges into the record and gives the length of their chain.
func (s *step) note(o *observed, as func(dataverse.Exchange) []*RequestRecord) (chain int) {
	for _, e := range o.exchanges {
		chain += e.Attempts
		s.b.stats.Requests += e.Attempts
		retries := max(e.Attempts-1, 0)
		s.b.stats.Retries += retries
		s.b.rec.Retries += retries
		if as == nil || e.Attempts == 0 {
			continue
		}
		for _, q := range as(e) {
			s.b.rec.Requests = append(s.b.rec.Requests, q)
			s.tell(Progress{Kind: RequestSent, Block: s.b.Name, Identity: s.b.rec.Identity, Request: q, Retries: retries, Duration: e.Duration})
		}
	}
	return chain
}

// operations gives one entry an operation of the exchange; changeSet, if it is
// not 0, is the number that its operations share.
func operations(e dataverse.Exchange, changeSet int) []*RequestRecord {
	if len(e.Operations) == 0 {
		return []*RequestRecord{{Method: e.Method, Path: e.Path, Status: e.Status, ID: e.RequestID, ChangeSet: changeSet}}
	}
	list := make([]*RequestRecord, len(e.Operations))
	for i, op := range e.Operations {
		list[i] = &RequestRecord{Method: op.Method, Path: op.Path, Status: op.Status, ID: e.RequestID, ChangeSet: changeSet}
	}
	return list
}

// reads records the exchanges of reads.
func reads(e dataverse.Exchange) []*RequestRecord { return operations(e, 0) }

// rounds carries a plan out, round by round; the queries of one round run side
// by side.
func (s *step) rounds(ctx context.Context, c *dataverse.Client, plan pattern.Plan) error {
	var answers [][]dataverse.Record
	for {
		fetches, err := plan.Next(answers)
		if err != nil || len(fetches) == 0 {
			return err
		}
		if answers, err = s.fetch(ctx, c, fetches); err != nil {
			return err
		}
	}
}

// fetch sends the queries of one round. Of several that fail the first is the
// error, so that it does not depend on timing.
func (s *step) fetch(ctx context.Context, c *dataverse.Client, fetches []pattern.Fetch) ([][]dataverse.Record, error) {
	answers := make([][]dataverse.Record, len(fetches))
	seen := make([]observed, len(fetches))
	one := func(i int) {
		ctx, rows := seen[i].context(ctx), 0
		for row, err := range c.Query(ctx, fetches[i].Query) {
			if err != nil {
				seen[i].err = err
				return
			}
			rows++
			if take := fetches[i].Take; take != nil {
				take(row)
			} else {
				answers[i] = append(answers[i], row)
			}
			if most := fetches[i].Max; most > 0 && rows > most {
				return
			}
		}
	}
	if len(fetches) == 1 {
		one(0)
	} else {
		var wg sync.WaitGroup
		for i := range fetches {
			wg.Go(func() { one(i) })
		}
		wg.Wait()
	}
	chain := 0
	for i := range fetches {
		as := reads
		if s.dry {
			as = s.shown(fetches[i].Query)
		}
		chain = max(chain, s.note(&seen[i], as))
	}
	s.chain += chain
	for i := range seen {
		if err := seen[i].err; err != nil {
			return nil, &partError{part: fetches[i].Part, err: err}
		}
	}
	return answers, nil
}

// partError says for which part a request was.
type partError struct {
	part string
	err  error
}

func (e *partError) Error() string { return fmt.Sprintf("%s: %v", e.part, e.err) }
func (e *partError) Unwrap() error { return e.err }
