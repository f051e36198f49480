package dataverse

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Rows is the answer to one of several queries.
type Rows struct {
	Records []Record
	Err     error
}

// Up to parallelQueries independent queries are sent side by side, which takes
// the time of the slowest; more go into one $batch, which the service works
// off in order but counts as one request against its limits (fact sheet, 5.1).
const (
	parallelQueries = 4
	queriesABatch   = 50
)

// QueryAll sends independent queries at once and collects all pages of each.
// The answers stand in the order of the queries, each with its own error. Up
// to four queries go in parallel; more share a $batch for each fifty, and
// only their further pages are asked for one by one.
func (c *Client) QueryAll(ctx context.Context, qs []*Query) []Rows {
	out := make([]Rows, len(qs))
	var single, batched []int
	for i, q := range qs {
		switch {
		case q.Nothing():
		case len(qs) <= parallelQueries || len(q.split()) > 1:
			single = append(single, i)
		default:
			batched = append(batched, i)
		}
	}
	var wg sync.WaitGroup
	turns := make(chan struct{}, parallelQueries)
	start := func(f func()) {
		turns <- struct{}{}
		wg.Go(func() {
			defer func() { <-turns }()
			f()
		})
	}
	for _, i := range single {
		start(func() { out[i] = c.collect(ctx, qs[i]) })
	}
	for chunk := range slices.Chunk(batched, queriesABatch) {
		start(func() { c.queryBatch(ctx, qs, chunk, out) })
	}
	wg.Wait()
	return out
}

func (c *Client) collect(ctx context.Context, q *Query) Rows {
	var rows Rows
	for r, err := range c.Query(ctx, q) {
		if err != nil {
			return Rows{Err: err}
		}
		rows.Records = append(rows.Records, r)
	}
	return rows
}

// queryBatch sends the queries with these indexes as one $batch and follows
// the pages of each.
func (c *Client) queryBatch(ctx context.Context, qs []*Query, indexes []int, out []Rows) {
	var parts []Request
	var sent []int
	for _, i := range indexes {
		r, err := qs[i].request(c.opts.PageSize)
		if err != nil {
			out[i].Err = err
			continue
		}
		parts, sent = append(parts, r), append(sent, i)
	}
	if len(parts) == 0 {
		return
	}
	batch := composeBatch(parts, false, true)
	call := &call{client: c, request: &batch, parts: parts, repeatable: true}
	a, err := call.do(ctx)
	arrived := time.Now()
	rest := make([]func(), len(sent))
	for k, i := range sent {
		if err != nil {
			out[i].Err = err
			continue
		}
		rest[k] = c.batchedRows(ctx, qs[i], call, k, &a.parts[k], &out[i], arrived)
	}
	a.release() // the other pages and the waits may take long
	for _, goOn := range rest {
		if goOn != nil {
			goOn()
		}
	}
}

// batchedRows reads into out the answer to one part of the $batch, which has
// arrived at that time. The func does what is left, nil if nothing is.
func (c *Client) batchedRows(ctx context.Context, q *Query, call *call, k int, part *partResponse, out *Rows, arrived time.Time) func() {
	if part.status != 200 {
		e := call.refused(k, part)
		*out = Rows{Err: c.learn(e)}
		transient, _ := e.advised().judge()
		d, patient := c.waitFor(ctx, 0, e.advised())
		if !transient || !patient {
			return nil
		}
		return func() { // on its own it has retries
			if wait(ctx, time.Until(arrived.Add(d))) == nil {
				*out = c.collect(ctx, q)
			}
		}
	}
	left := q.Top
	add := func(r Record) bool {
		out.Records = append(out.Records, r)
		left--
		return left != 0
	}
	fail := func(err error) {
		if err != nil {
			*out = Rows{Err: err}
		}
	}
	p := c.reader(ctx, q, add)
	if err := call.readPage(&p, part.body); err != nil || p.stopped || p.next == "" {
		fail(err)
		return nil
	}
	return func() {
		r := call.parts[k]
		err := c.advance(&r, p.next)
		if err == nil {
			_, err = c.follow(ctx, q, r, add)
		}
		fail(err)
	}
}

// split gives q in parts whose URL fits into a $batch, by halving the values
// of its longest [In]; q alone if it fits or has none.
func (q *Query) split() []*Query {
	in, at := q.longestIn()
	if in == nil || len(in.Values) < 2 {
		return []*Query{q}
	}
	if r, err := q.request(maxPage); err != nil || r.fitsBatch() {
		return []*Query{q}
	}
	half := len(in.Values) / 2
	var out []*Query
	for _, values := range [][]Value{in.Values[:half], in.Values[half:]} {
		part := *q
		narrowed := *in
		narrowed.Values = values
		if at < 0 {
			part.Filter = narrowed
		} else {
			conditions := slices.Clone(q.Filter.(And))
			conditions[at] = narrowed
			part.Filter = conditions
		}
		out = append(out, part.split()...)
	}
	return out
}

// longestIn finds the [In] that is the filter (at is -1), or the longest among
// its and-ed conditions.
func (q *Query) longestIn() (longest *In, at int) {
	switch f := q.Filter.(type) {
	case In:
		if !f.Not {
			return &f, -1
		}
	case And:
		for i := range f {
			if in, ok := f[i].(In); ok && !in.Not && (longest == nil || len(in.Values) > len(longest.Values)) {
				longest, at = &in, i
			}
		}
	}
	return longest, at
}

// maxExpanded is how many rows of a collection that is expanded on one level
// come with each row (fact sheet, section 4.5).
const maxExpanded = 5000

// completeExpands follows the links of expanded collections that the service
// cut short, so that none is silently shorter than it is (fact sheet, 4.5).
func (c *Client) completeExpands(ctx context.Context, q *Query, r Record) error {
	for i := range q.Expand {
		if err := c.completeExpand(ctx, q, &q.Expand[i], r); err != nil {
			return err
		}
	}
	return nil
}

func (c *Client) completeExpand(ctx context.Context, q *Query, e *Expand, r Record) error {
	const suffix = "@odata.nextLink"
	if !e.Collection {
		if inner, ok := r[e.Property].(Record); ok {
			return c.completeAll(ctx, q, e.Expand, inner)
		}
		return nil
	}
	rows, _ := r[e.Property].([]Record)
	if err := c.completeAll(ctx, q, e.Expand, rows...); err != nil {
		return err
	}
	link, ok := r[e.Property+suffix].(string)
	if !ok {
		return nil
	}
	delete(r, e.Property+suffix)
	if e.Top > 0 && len(rows) >= e.Top {
		return nil
	}
	if !strings.Contains(link, "$skiptoken=") && !strings.Contains(link, "%24skiptoken=") {
		if len(rows) < maxExpanded {
			return nil // the link is always there, and all rows are, too
		}
		rows = nil // the link without token begins at the first row again
	}
	inner := &Query{EntitySet: q.EntitySet, Table: e.Table, Select: e.Select, Expand: e.Expand, Annotations: q.Annotations, Source: q.Source}
	request, err := inner.request(c.opts.PageSize)
	if err != nil {
		return err
	}
	request.Resource, request.Template = q.EntitySet+"/"+e.Property, q.EntitySet+"/"+e.Property
	if err := c.advance(&request, link); err != nil {
		return err
	}
	_, err = c.follow(ctx, inner, request, func(row Record) bool {
		rows = append(rows, row)
		return e.Top == 0 || len(rows) < e.Top
	})
	r[e.Property] = rows
	return err
}

func (c *Client) completeAll(ctx context.Context, q *Query, es []Expand, rows ...Record) error {
	for _, row := range rows {
		for i := range es {
			if err := c.completeExpand(ctx, q, &es[i], row); err != nil {
				return err
			}
		}
	}
	return nil
}

// rowsByTable groups the indexes of rows by table, in a stable order.
func rowsByTable(rows []Row) [][]int {
	byTable := map[string][]int{}
	for i := range rows {
		byTable[rows[i].Table] = append(byTable[rows[i].Table], i)
	}
	var out [][]int
	for _, table := range slices.Sorted(maps.Keys(byTable)) {
		out = append(out, byTable[table])
	}
	return out
}
