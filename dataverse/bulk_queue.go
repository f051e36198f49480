package dataverse

import (
	"context"
	"sync"
	"time"
)

// A job is writes that can share requests.
type job struct {
	multi  bool
	pace   *pace
	writes []int
	tries  int
	unsure bool // an earlier try may have been acted on
}

// with is the job for others of its writes.
func (j job) with(writes []int) job {
	j.writes = writes
	return j
}

// jobs puts the writes together that go by the same message.
func (b *bulkRun) jobs(writes []int) []job {
	type kind struct{ message, set string }
	at := map[kind]int{}
	var jobs []job
	for _, i := range writes {
		k := kind{message: b.message(i)}
		if k.message != "" {
			k.set = b.writes[i].EntitySet
		}
		n, ok := at[k]
		if !ok {
			n = len(jobs)
			at[k], jobs = n, append(jobs, job{multi: k.message != "", pace: b.paceOf(i)})
		}
		jobs[n].writes = append(jobs[n].writes, i)
	}
	return jobs
}

// paceOf is the pace of the message that write i goes by.
func (b *bulkRun) paceOf(i int) *pace {
	message := b.message(i)
	if message == "" {
		return b.singly
	}
	return b.client.opts.Limiters.pace(b.client.organization, message+" "+b.writes[i].EntitySet)
}

// drain works the jobs off. A worker takes as much of one as a request bears.
func (b *bulkRun) drain(ctx context.Context, queue []job) {
	var mu sync.Mutex
	var p plan
	rest := 0
	for i := range queue {
		rest += len(queue[i].writes)
	}
	left := func() int {
		mu.Lock()
		defer mu.Unlock()
		if ctx.Err() != nil {
			return 0
		}
		return rest
	}
	take := func() (job, bool) {
		mu.Lock()
		defer mu.Unlock()
		if rest == 0 || ctx.Err() != nil {
			return job{}, false
		}
		front := &queue[0]
		n := min(b.chunk(&p, front.pace, rest), len(front.writes))
		chunk := front.with(front.writes[:n])
		if front.writes = front.writes[n:]; len(front.writes) == 0 {
			queue = queue[1:]
		}
		rest -= n
		return chunk, true
	}
	step := func() bool {
		chunk, ok := take()
		if ok {
			b.send(ctx, chunk)
		}
		return ok
	}
	b.work(ctx, left, func() func() bool { return step })
}

// work lets workers take steps until one has nothing to do. There is one more
// of them than the limiter lets through: it makes its request while the others
// wait for theirs. Where the limit falls they stay, since some of them wait for
// another attempt.
func (b *bulkWork) work(ctx context.Context, left func() int, worker func() (step func() bool)) {
	limiter := b.client.limiter()
	var mu sync.Mutex
	var wg sync.WaitGroup
	workers := 0
	var staff func()
	staff = func() {
		mu.Lock()
		defer mu.Unlock()
		for ; workers < limiter.now()+1 && left() > 0; workers++ {
			step := worker()
			wg.Go(func() {
				for step() {
					b.learnHint(ctx, left())
					staff()
				}
			})
		}
	}
	staff()
	wg.Wait()
}

// A plan is the size of chunks by which all requests that there may be at once
// end together. It is made anew when their number or the pace changes.
type plan struct {
	pace         *pace
	size, atOnce int
	chunk        int
}

// chunk is how many of the rows that are left the next request takes.
func (b *bulkWork) chunk(is *plan, p *pace, left int) int {
	size, atOnce := min(p.next(), b.maxChunk), b.client.limiter().now()
	if is.pace != p || is.size != size || is.atOnce != atOnce {
		rounds := (left-1)/(size*atOnce) + 1
		*is = plan{p, size, atOnce, max((left-1)/(rounds*atOnce)+1, min(size, shareChunk))}
	}
	// Where a chunk takes long the last ones are smaller, since they do not
	// end together.
	last := max(p.within(time.Second), shareChunk)
	return min(is.chunk, max(last, (left-1)/atOnce+1), left)
}
