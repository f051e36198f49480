package playbook

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// task is a node to be scheduled, and what it does.
type task struct {
	block int
	needs []int
	rank  rank
	run   func(ctx context.Context) (stop bool)
}

func scheduleTasks(ctx context.Context, tasks []task, limit int) (stopped int) {
	g := newGraph(len(tasks), func(i int) (int, rank, []int) { return tasks[i].block, tasks[i].rank, tasks[i].needs })
	return schedule(ctx, g, limit, func(ctx context.Context, i int) bool { return tasks[i].run(ctx) })
}

// sleeper is a task that takes d, or ends early when it is cancelled.
func sleeper(block int, d time.Duration, needs ...int) task {
	return task{block: block, needs: needs, run: func(ctx context.Context) bool {
		select {
		case <-time.After(d):
		case <-ctx.Done():
		}
		return false
	}}
}

func failer(block int, d time.Duration, needs ...int) task {
	t := sleeper(block, d, needs...)
	run := t.run
	t.run = func(ctx context.Context) bool { run(ctx); return ctx.Err() == nil }
	return t
}

func TestScheduleRunsSideBySide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		stopped := scheduleTasks(t.Context(), []task{
			sleeper(0, 0),
			sleeper(1, 40*time.Millisecond, 0),
			sleeper(2, 40*time.Millisecond, 0),
			sleeper(3, 40*time.Millisecond, 1, 2),
		}, 8)
		if got := time.Since(start); got != 80*time.Millisecond || stopped != -1 {
			t.Errorf("took %v, stopped %d; want two rounds of 40 ms and no stop", got, stopped)
		}
	})
}

func TestScheduleObeysItsLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int32
		var tasks []task
		for i := range 10 {
			tasks = append(tasks, task{block: i, run: func(context.Context) bool {
				most.Store(max(most.Load(), now.Add(1)))
				time.Sleep(time.Second)
				now.Add(-1)
				return false
			}})
		}
		start := time.Now()
		scheduleTasks(t.Context(), tasks, 3)
		if most.Load() != 3 || time.Since(start) != 4*time.Second {
			t.Errorf("at most %d at once in %v; want 3 in 4 s", most.Load(), time.Since(start))
		}
	})
}

// The block that fails first in the document is the run's failure, even if
// another failed earlier in time.
func TestScheduleFirstFailureInTheDocument(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var cancelled atomic.Bool
		stopped := scheduleTasks(t.Context(), []task{
			sleeper(0, 0),
			failer(1, 100*time.Millisecond, 0),
			failer(2, 10*time.Millisecond, 0),
			{block: 3, needs: []int{0}, run: func(ctx context.Context) bool {
				<-ctx.Done()
				cancelled.Store(true)
				return true
			}},
			{block: 4, needs: []int{3}, run: func(context.Context) bool {
				t.Error("a block after the failed one was started")
				return false
			}},
		}, 8)
		if stopped != 1 || !cancelled.Load() {
			t.Errorf("stopped %d, block after it cancelled: %v; want 1 and true", stopped, cancelled.Load())
		}
	})
}

func TestScheduleCancelEndsWithinOneTask(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		start := time.Now()
		ran := false
		scheduleTasks(ctx, []task{
			sleeper(0, time.Hour),
			sleeper(1, time.Hour),
			{block: 2, needs: []int{0, 1}, run: func(context.Context) bool { ran = true; return false }},
		}, 8)
		if ran || time.Since(start) != 50*time.Millisecond {
			t.Errorf("next task ran: %v, after %v", ran, time.Since(start))
		}
	})
}

// What computes waits until all that asks has been started, what an asking task
// waits for goes first, and none of it needs a goroutine beyond those that ask.
func TestScheduleAsksBeforeItComputes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var began [7]time.Duration
		var atWork, most atomic.Int32
		took := func(rank rank, i int, d time.Duration, needs ...int) task {
			return task{block: i, needs: needs, rank: rank, run: func(context.Context) bool {
				most.Store(max(most.Load(), atWork.Add(1)))
				defer atWork.Add(-1)
				began[i] = time.Since(start)
				time.Sleep(d)
				return false
			}}
		}
		const ms = time.Millisecond
		scheduleTasks(t.Context(), []task{
			took(rankComputes, 0, 0),
			took(rankComputes, 1, 10*ms, 0),
			took(rankFeeds, 2, 1*ms, 0),
			took(rankAsks, 3, 100*ms, 0),
			took(rankAsks, 4, 40*ms, 0),
			took(rankAsks, 5, 100*ms, 2),
			took(rankComputes, 6, 0, 4),
		}, 8)
		if want := [7]time.Duration{0, 1 * ms, 0, 0, 0, 1 * ms, 40 * ms}; began != want || most.Load() != 4 {
			t.Errorf("began after %v with %d at once, want %v with 4", began, most.Load(), want)
		}
		if took := time.Since(start); took != 101*ms {
			t.Errorf("took %v", took)
		}
	})
}

// Whatever the shape and the failures are, every needed task ends before its
// users start, the stop is the first failing block, no task is at work when
// schedule returns, and no goroutine is left: synctest fails where one is.
func TestScheduleRandomShapes(t *testing.T) {
	for seed := range uint64(300) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			n := 1 + r.IntN(20)
			fails := r.IntN(3 * n)
			var tasks []task
			var atWork atomic.Int32
			done := make([]atomic.Bool, n)
			for i := range n {
				var needs []int
				for j := range i {
					if r.IntN(3) == 0 {
						needs = append(needs, j)
					}
				}
				d := time.Duration(r.IntN(50)) * time.Millisecond
				tasks = append(tasks, task{block: i, needs: needs, rank: rank(r.IntN(3)), run: func(ctx context.Context) bool {
					atWork.Add(1)
					defer atWork.Add(-1)
					for _, j := range needs {
						if !done[j].Load() {
							t.Errorf("seed %d: task %d started before %d had ended", seed, i, j)
						}
					}
					select {
					case <-time.After(d):
					case <-ctx.Done():
						return false
					}
					done[i].Store(true)
					return i >= fails
				}})
			}
			stopped := scheduleTasks(t.Context(), tasks, 1+r.IntN(4))
			if n := atWork.Load(); n != 0 {
				t.Errorf("seed %d: %d tasks are still at work", seed, n)
			}
			want := -1
			if fails < n {
				want = fails
			}
			if stopped != want {
				t.Errorf("seed %d: stopped %d, want %d", seed, stopped, want)
			}
			for i := range n {
				if (want < 0 || i <= want) && !done[i].Load() {
					t.Errorf("seed %d: task %d did not end", seed, i)
				}
			}
		})
	}
}
