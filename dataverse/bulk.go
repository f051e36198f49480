package dataverse

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// BulkOptions of [Client.Bulk]; nil or zero values stand for the defaults.
type BulkOptions struct {
	// ChunkSize bounds the writes of one request, up to 1,000. Default: 1,000.
	// Within it the size adapts: it starts at 100, or at what the last writes
	// of the same kind to the same table have shown to be right.
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
	work, err := newBulkWork(c, opts)
	if err != nil {
		return nil, err
	}
	b := &bulkRun{
		bulkWork: work, writes: append([]Write(nil), cs.Writes...),
		out: make([]Written, len(cs.Writes)), settled: make([]bool, len(cs.Writes)),
	}
	for i := range b.writes {
		b.out[i].Index = i
		if err := b.writes[i].checkRefs(i); err != nil {
			return nil, fmt.Errorf("%s: %s of %s: %w", b.writes[i].Source, b.writes[i].Operation, b.writes[i].Table, err)
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	b.stop = cancel
	b.learnTables(ctx, b.tables()...)
	for _, stage := range b.stages() {
		if ctx.Err() == nil {
			b.runStage(ctx, stage)
		}
	}
	if ctx.Err() == nil {
		return b.out, nil
	}
	err = context.Cause(ctx)
	for i := range b.out {
		if !b.settled[i] {
			b.out[i].Err = err
		}
	}
	return b.out, err
}

// bulkWork is what the requests of a bulk write share.
type bulkWork struct {
	client   *Client
	report   func([]Written)
	stop     context.CancelCauseFunc
	maxChunk int
	singly   *pace // of operations in a $batch

	mu    sync.Mutex
	multi map[string]bool // tables that have the bulk messages
}

func newBulkWork(c *Client, opts *BulkOptions) (*bulkWork, error) {
	b := &bulkWork{
		client: c, maxChunk: maxBatch, multi: map[string]bool{},
		singly: c.opts.Limiters.pace(c.organization, "$batch"),
	}
	if opts == nil {
		return b, nil
	}
	b.report = opts.Report
	if err := notNegative("ChunkSize", int64(opts.ChunkSize)); err != nil {
		return nil, fmt.Errorf("dataverse: bulk: %w", err)
	}
	if opts.ChunkSize > 0 {
		b.maxChunk = min(opts.ChunkSize, maxBatch)
	}
	return b, nil
}

// bulkRun is writes under way: all of a [Client.Bulk], or those of one request
// of a [Client.BulkStream].
type bulkRun struct {
	*bulkWork
	writes []Write // links by Ref are replaced by ids as these become known
	// base is the index of the first one. out, settled and needs, the writes
	// whose rows each write needs, are kept only where all writes are held.
	base    int
	out     []Written
	settled []bool
	needs   [][]int
}

func (b *bulkRun) tables() []string {
	var names []string
	for i := range b.writes {
		if name := b.writes[i].Table; name != "" && (i == 0 || name != b.writes[i-1].Table) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// learnTables asks which tables have the bulk messages. Where that cannot be
// told, single operations do.
func (b *bulkWork) learnTables(ctx context.Context, names ...string) {
	tables, err := b.client.Tables(ctx, names...)
	if err != nil {
		return
	}
	for _, t := range tables {
		b.multi[t.LogicalName] = t.BulkMessages
	}
}

// learnHint asks for the parallelism that the service recommends, if no answer
// has had it and there is enough left to do for it to matter.
func (b *bulkWork) learnHint(ctx context.Context, left int) {
	if left > 4*shareChunk && b.client.limiter().asksHint() {
		_, _ = b.client.WhoAmI(ctx) // what is wrong will show in the writes
	}
}

// A rowName is what a write or a link says of a row: its id, or its alternate
// key.
type rowName struct{ set, name string }

// eachName visits the names of the row that the write makes, changes or
// deletes.
func (w *Write) eachName(visit func(rowName)) {
	if w.ID != "" {
		visit(rowName{w.EntitySet, string(w.ID)})
	}
	if len(w.Key) > 0 {
		visit(rowName{w.EntitySet, keyName(w.Key)})
	}
}

// keyName is the same for keys that differ in the order of their columns or in
// the case of texts, which the service does not tell apart.
func keyName(key []Property) string {
	columns := make([]string, len(key))
	for i, p := range key {
		var b bytes.Buffer
		_ = writeLiteral(&b, p.Value) // one that is none shows when it is sent
		columns[i] = p.Name + "=" + strings.ToLower(b.String())
	}
	slices.Sort(columns)
	return strings.Join(columns, ",")
}

// stages orders the writes: each stands in a later stage than those that it
// needs or that come before it on the same row.
func (b *bulkRun) stages() [][]int {
	level := make([]int, len(b.writes))
	b.needs = make([][]int, len(b.writes))
	last := make(map[rowName]int, len(b.writes))
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
			} else if k, ok := last[rowName{l.EntitySet, string(l.ID)}]; ok {
				after(k, b.writes[k].Operation == Create)
			}
		})
		w.eachName(func(own rowName) {
			if k, ok := last[own]; ok {
				after(k, b.writes[k].Operation == Create)
			}
			last[own] = i
		})
		for len(stages) <= level[i] {
			stages = append(stages, nil)
		}
		stages[level[i]] = append(stages[level[i]], i)
	}
	return stages
}

// runStage sends the writes of one stage and returns when all are settled or
// the run has ended.
func (b *bulkRun) runStage(ctx context.Context, stage []int) {
	stage = slices.DeleteFunc(stage, b.blocked)
	b.drain(ctx, b.jobs(stage))
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
	if b.out != nil {
		b.mu.Lock()
		for _, o := range outcomes {
			b.out[o.Index], b.settled[o.Index] = o, true
		}
		b.mu.Unlock()
	}
	if b.base > 0 {
		for k := range outcomes {
			outcomes[k].Index += b.base
			if e, ok := errors.AsType[*Error](outcomes[k].Err); ok {
				e.Write += b.base
			}
		}
	}
	if b.report != nil {
		b.report(outcomes)
	}
}
