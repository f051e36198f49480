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

// inquiry is one query with its answer.
type inquiry struct {
	observed
	rows []dataverse.Record
}

// fetch sends the queries of one round, the last of them itself.
func (s *step) fetch(ctx context.Context, c *dataverse.Client, fetches []pattern.Fetch) ([][]dataverse.Record, error) {
	all := make([]inquiry, len(fetches))
	var others sync.WaitGroup
	last := len(fetches) - 1
	for i := range last {
		others.Go(func() { all[i].ask(ctx, c, &fetches[i]) })
	}
	all[last].ask(ctx, c, &fetches[last])
	others.Wait()
	return s.answers(fetches, all)
}

func (a *inquiry) ask(ctx context.Context, c *dataverse.Client, f *pattern.Fetch) {
	n := 0
	for row, err := range c.Query(a.context(ctx), f.Query) {
		if err != nil {
			a.err = err
			return
		}
		if n++; f.Take != nil {
			f.Take(row)
		} else {
			a.rows = append(a.rows, row)
		}
		if f.Max > 0 && n > f.Max {
			return
		}
	}
}

// answers records what was asked, and gives the rows. Of several queries that
// failed the first is the error, so that it does not depend on timing.
func (s *step) answers(fetches []pattern.Fetch, all []inquiry) ([][]dataverse.Record, error) {
	chain := 0
	for i := range all {
		as := reads
		if s.dry {
			as = s.shown(fetches[i].Query)
		}
		chain = max(chain, s.note(&all[i].observed, as))
	}
	s.chain += chain
	rows := make([][]dataverse.Record, len(all))
	for i := range all {
		if err := all[i].err; err != nil {
			return nil, &partError{part: fetches[i].Part, err: err}
		}
		rows[i] = all[i].rows
	}
	return rows, nil
}

// partError says for which part a request was.
type partError struct {
	part string
	err  error
}

func (e *partError) Error() string { return fmt.Sprintf("%s: %v", e.part, e.err) }
func (e *partError) Unwrap() error { return e.err }
