package dataverse

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// BulkOptions of [Client.Bulk]; nil or zero values stand for the defaults.
type BulkOptions struct {
	// ChunkSize bounds the writes of one request, up to 1,000. Default: it
	// starts at 100 and adapts between 10 and 1,000.
	ChunkSize int
	// Report is called after each request with the writes that it settled,
	// from several goroutines at once. Default: none.
	Report func([]Written)
}

// ErrNotWritten says that a write of [Client.Bulk] was not sent, since a row
// that it needs was not written.
var ErrNotWritten = errors.New("not sent: a record that it needs was not written")

// Bulk sends the writes in chunks, several at a time: as CreateMultiple and
// its like where the table has them, else as single operations of a $batch.
// Refused writes do not stop the others: each has its own Written.Err. A write
// that links to a row which an earlier one makes, or comes after another one
// of the same row, is sent after it.
//
// A chunk that is refused as a whole is sent again as single operations, so
// that each write has its own answer. Chunks grow while the service is quick,
// and shrink when it is slow or finds them too large; how many are under way
// is the limiter's business. An elastic table does its part of a chunk; where
// the service does not say which, a create without its own id may be done twice
// there, so give these ids. A create with its own id whose row is there
// already is Unchanged. The error is that of the run as a whole: the context
// ended, or no token was to be had; the writes that were not settled carry it
// too.
func (c *Client) Bulk(ctx context.Context, cs *ChangeSet, opts *BulkOptions) ([]Written, error) {
	b := &bulkRun{
		client: c, writes: append([]Write(nil), cs.Writes...),
		out: make([]Written, len(cs.Writes)), settled: make([]bool, len(cs.Writes)),
		pace: pace{size: 100, max: maxBatch},
	}
	if opts != nil {
		b.report = opts.Report
		if opts.ChunkSize > 0 {
			b.pace.max = min(opts.ChunkSize, maxBatch)
		}
	}
	b.pace.size = min(b.pace.size, b.pace.max)
	for i := range b.writes {
		b.out[i].Index = i
		if err := b.writes[i].checkRefs(i); err != nil {
			return nil, fmt.Errorf("%s: %s of %s: %w", b.writes[i].Source, b.writes[i].Operation, b.writes[i].Table, err)
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	b.stop = cancel
	b.learnTables(ctx)
	stages := b.stages()
	b.learnHint(ctx)
	for _, stage := range stages {
		if ctx.Err() == nil {
			b.runStage(ctx, stage)
		}
	}
	if ctx.Err() == nil {
		return b.out, nil
	}
	err := context.Cause(ctx)
	for i := range b.out {
		if !b.settled[i] {
			b.out[i].Err = err
		}
	}
	return b.out, err
}

// bulkRun is one Bulk under way.
type bulkRun struct {
	client *Client
	writes []Write // links by Ref are replaced by ids as these become known
	multi  map[string]bool
	pace   pace
	report func([]Written)
	stop   context.CancelCauseFunc

	mu      sync.Mutex
	out     []Written
	settled []bool
	needs   [][]int // the writes whose rows each write needs
}

// learnTables asks which tables have the bulk messages. Where that cannot be
// told, single operations do.
func (b *bulkRun) learnTables(ctx context.Context) {
	b.multi = map[string]bool{}
	var names []string
	for i := range b.writes {
		if name := b.writes[i].Table; name != "" && !b.multi[name] {
			b.multi[name] = true
			names = append(names, name)
		}
	}
	clear(b.multi)
	tables, err := b.client.Tables(ctx, names...)
	if err != nil {
		return
	}
	for _, t := range tables {
		b.multi[t.LogicalName] = t.BulkMessages
	}
}

// learnHint asks for the parallelism that the service recommends, if no answer
// has had it yet and there is enough to do for it to matter.
func (b *bulkRun) learnHint(ctx context.Context) {
	if len(b.writes) > 4*b.pace.size && !b.client.limiter().isHinted() {
		_, _ = b.client.WhoAmI(ctx) // what is wrong will show in the writes
	}
}

// stages orders the writes: each stands in a later stage than those that it
// needs or that come before it on the same row.
func (b *bulkRun) stages() [][]int {
	type row struct {
		set string
		id  GUID
	}
	level := make([]int, len(b.writes))
	b.needs = make([][]int, len(b.writes))
	last := make(map[row]int, len(b.writes))
	var stages [][]int
	for i := range b.writes {
		w := &b.writes[i]
		after := func(k int, needed bool) {
			level[i] = max(level[i], level[k]+1)
			if needed {
				b.needs[i] = append(b.needs[i], k)
			}
		}
		w.eachBind(func(l Bind) {
			if l.Ref != 0 {
				after(l.Ref-1, true)
			} else if k, ok := last[row{l.EntitySet, l.ID}]; ok {
				after(k, b.writes[k].Operation == Create)
			}
		})
		if w.ID != "" {
			own := row{w.EntitySet, w.ID}
			if k, ok := last[own]; ok {
				after(k, b.writes[k].Operation == Create)
			}
			last[own] = i
		}
		for len(stages) <= level[i] {
			stages = append(stages, nil)
		}
		stages[level[i]] = append(stages[level[i]], i)
	}
	return stages
}

// runStage sends the writes of one stage, those that go by the same message
// together, and returns when all are settled or the run has ended.
func (b *bulkRun) runStage(ctx context.Context, stage []int) {
	groups := map[string][]int{}
	var order []string
	for _, i := range stage {
		if b.blocked(i) {
			continue
		}
		key := b.message(i)
		if key != "" {
			key += " " + b.writes[i].EntitySet
		}
		if groups[key] == nil {
			order = append(order, key)
		}
		groups[key] = append(groups[key], i)
	}
	var queue []job
	for _, key := range order {
		queue = append(queue, job{multi: key != "", writes: groups[key]})
	}
	b.drain(ctx, queue)
}

// A job is writes that can share requests.
type job struct {
	multi  bool
	writes []int
	tries  int
	unsure bool // an earlier try may have been acted on
}

// with is the job for others of its writes.
func (j job) with(writes []int) job {
	j.writes = writes
	return j
}

// drain works the queue off with as many workers as the limiter may let
// through. A worker takes as much of a job as a request bears.
func (b *bulkRun) drain(ctx context.Context, queue []job) {
	limiter := b.client.limiter()
	var mu sync.Mutex
	take := func() (job, bool) {
		mu.Lock()
		defer mu.Unlock()
		if len(queue) == 0 || ctx.Err() != nil {
			return job{}, false
		}
		front := &queue[0]
		// The last rows are shared out, so that no worker waits for another.
		share := max(shareChunk, (len(front.writes)-1)/limiter.now()+1)
		n := min(b.pace.next(), share, len(front.writes))
		chunk := front.with(front.writes[:n])
		if front.writes = front.writes[n:]; len(front.writes) == 0 {
			queue = queue[1:]
		}
		return chunk, true
	}
	var wg sync.WaitGroup
	for range limiter.width() {
		wg.Go(func() {
			for {
				chunk, ok := take()
				if !ok {
					return
				}
				b.send(ctx, chunk)
			}
		})
	}
	wg.Wait()
}

// blocked settles a write that needs what was not written, and puts the ids of
// the rows that it links to in the place of references to their writes.
func (b *bulkRun) blocked(i int) bool {
	w := &b.writes[i]
	for _, k := range b.needs[i] {
		if !b.settled[k] || b.out[k].Err != nil {
			b.settle(Written{Index: i, Err: &Error{
				Table: w.Table, Source: w.Source, Write: i, Path: w.EntitySet, Method: string(w.Operation),
				Err: fmt.Errorf("%w: %s", ErrNotWritten, b.writes[k].Source),
			}})
			return true
		}
	}
	resolve := func(l Bind) Bind {
		if l.Ref == 0 {
			return l
		}
		return Bind{EntitySet: b.writes[l.Ref-1].EntitySet, ID: b.out[l.Ref-1].ID}
	}
	if len(b.needs[i]) == 0 { // no link refers to a write
		return false
	}
	w.Target = resolve(w.Target)
	body := append([]Property(nil), w.Body...)
	for k := range body {
		switch v := body[k].Value.(type) {
		case Bind:
			body[k].Value = resolve(v)
		case Parties:
			parties := append(Parties(nil), v...)
			for n := range parties {
				parties[n].Target = resolve(parties[n].Target)
			}
			body[k].Value = parties
		}
	}
	w.Body = body
	return false
}

// settle records outcomes and reports them.
func (b *bulkRun) settle(outcomes ...Written) {
	if len(outcomes) == 0 {
		return
	}
	b.mu.Lock()
	for _, o := range outcomes {
		b.out[o.Index], b.settled[o.Index] = o, true
	}
	b.mu.Unlock()
	if b.report != nil {
		b.report(outcomes)
	}
}

// pace is the size of chunks, which adapts: a request should take seconds.
type pace struct {
	mu        sync.Mutex
	size, max int
}

const (
	minChunk   = 10
	shareChunk = 100 // what sharing out does not go below
	quickChunk = 4 * time.Second
	slowChunk  = 20 * time.Second
	maxGrowth  = 10 // at a step
)

func (p *pace) next() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.size
}

func (p *pace) took(writes int, d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case d < quickChunk && writes >= p.size:
		p.size = min(p.max, int(float64(p.size)*min(maxGrowth, quickChunk.Seconds()/d.Seconds())))
	case d > slowChunk:
		p.size = max(min(minChunk, p.max), p.size/2)
	}
}

// tooMuch follows a request that was too large or took too long.
func (p *pace) tooMuch(writes int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.size = max(1, min(p.size, writes/2))
}
