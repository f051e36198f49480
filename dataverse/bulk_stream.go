package dataverse

import (
	"context"
	"sync"
)

// BulkStream is [Client.Bulk] for more writes than are to be held at once: n
// writes to one table, of which only those under way exist. fill makes the
// writes from index first on when their request is composed, one for each
// element of writes, and is called by several goroutines at once. The elements
// are those of an earlier call, to be written over: the memory of their bodies
// can be used again. Once a write is settled it is let go, and its outcome, with
// its index among the n, has been given to the options' Report. The error is
// that of the run as a whole; what was not reported then was not settled.
//
// The writes are sent in no particular order, so no two may be of one row, and
// none may link to a row that another one makes.
func (c *Client) BulkStream(ctx context.Context, table string, n int, fill func(writes []Write, first int), opts *BulkOptions) error {
	b, err := newBulkWork(c, opts)
	if err == nil {
		err = notNegative("n", int64(n))
	}
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	b.stop = cancel
	b.learnTables(ctx, table)
	if n == 0 {
		return nil
	}
	head := make([]Write, 1)
	fill(head, 0) // it tells by which message the writes go
	pace := (&bulkRun{bulkWork: b, writes: head}).paceOf(0)
	var mu sync.Mutex
	var p plan
	next := 0
	left := func() int {
		mu.Lock()
		defer mu.Unlock()
		if ctx.Err() != nil {
			return 0
		}
		return n - next
	}
	take := func() (first, count int) {
		mu.Lock()
		defer mu.Unlock()
		if next == n || ctx.Err() != nil {
			return 0, 0
		}
		first, count = next, b.chunk(&p, pace, n-next)
		next += count
		return first, count
	}
	b.work(ctx, left, func() func() bool {
		var writes []Write
		return func() bool {
			first, count := take()
			if count == 0 {
				return false
			}
			filled := 0
			if first == 0 {
				writes, filled = head, 1
			}
			if count > len(writes) {
				writes = append(writes, make([]Write, count-len(writes))...)
			}
			if filled < count {
				fill(writes[filled:count], first+filled)
			}
			(&bulkRun{bulkWork: b, writes: writes[:count], base: first}).sendAll(ctx)
			return true
		}
	})
	return context.Cause(ctx)
}

// sendAll sends writes that do not need each other.
func (b *bulkRun) sendAll(ctx context.Context) {
	all := make([]int, len(b.writes))
	for i := range all {
		all[i] = i
	}
	for _, j := range b.jobs(all) {
		if ctx.Err() == nil {
			b.send(ctx, j)
		}
	}
}
