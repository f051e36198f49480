package playbook

import (
	"context"
	"slices"
	"sync"
)

// schedule runs the nodes of a graph, each as soon as those it needs are done,
// at most limit at once, and returns when all that it started have ended. run
// reports whether the run must end because the node's block failed.
//
// What asks somebody has a goroutine of its own as soon as it may start. What
// only computes is done by whichever goroutine comes by, this one included, and
// only when nothing that asks is held up by it.
//
// When a block fails, what the blocks after it ask is cancelled and no more of
// their nodes are started; those of the blocks before it go on, since one of
// them may fail yet and then is the run's failure. So it does not depend on
// timing which block that is. stopped is that block's place, or -1. When ctx
// ends, nothing more is started.
func schedule(ctx context.Context, g *graph, limit int, run func(ctx context.Context, i int) (stop bool)) (stopped int) {
	s := &scheduler{frontier: newFrontier(g), ctx: ctx, limit: limit, run: run}
	w := &worker{}
	s.mu.Lock()
	s.workers = append(make([]*worker, 0, min(limit, len(g.blocks))), w)
	more := s.next(w)
	s.mu.Unlock()
	if more {
		s.work(w)
	}
	s.ended.Wait()
	return s.stopped
}

type scheduler struct {
	ctx   context.Context
	limit int
	run   func(ctx context.Context, i int) (stop bool)
	ended sync.WaitGroup // the goroutines that were started

	mu sync.Mutex
	frontier
	workers []*worker
}

// worker is a goroutine that runs nodes one after the other. The scheduler's
// lock guards it, but for the goroutine's own looks at it.
type worker struct {
	node int
	// ctx is that of the node. cancel, if there is one, ends ctx.
	ctx    context.Context
	cancel context.CancelFunc
}

// work runs the worker's node, and all that it is given after it.
func (s *scheduler) work(w *worker) {
	for {
		stop := s.run(w.ctx, w.node)
		s.mu.Lock()
		s.end(w.node, stop)
		if stop {
			s.cancel()
		}
		more := s.next(w)
		s.mu.Unlock()
		if !more {
			return
		}
	}
}

// cancel ends what the blocks after the one that failed are asking.
func (s *scheduler) cancel() {
	for _, w := range s.workers {
		if w.cancel != nil && s.beyond(w.node) {
			w.cancel()
			w.cancel = nil
		}
	}
}

// next starts a goroutine for each node that asks and may start, but the last
// if there is nothing else to do: that one, or one that computes, is given to
// the worker. If there is none, the worker is done.
func (s *scheduler) next(w *worker) (more bool) {
	i, ok := s.take()
	for ok && s.asks(i) && len(s.ready) > 0 && len(s.workers) < s.limit {
		other := &worker{}
		s.workers = append(s.workers, other)
		s.give(other, i)
		s.ended.Go(func() { s.work(other) })
		i, ok = s.take()
	}
	if ok {
		s.give(w, i)
		return true
	}
	if w.cancel != nil {
		w.cancel()
	}
	at := slices.Index(s.workers, w)
	s.workers = slices.Delete(s.workers, at, at+1)
	return false
}

func (s *scheduler) take() (i int, ok bool) {
	if s.ctx.Err() != nil {
		return 0, false
	}
	return s.frontier.next()
}

// give lets the worker run the node. What computes has an end of its own, and
// what runs alone is cancelled by nobody but the run's context.
func (s *scheduler) give(w *worker, i int) {
	w.node = i
	switch {
	case w.cancel != nil:
	case s.asks(i) && (len(s.workers) > 1 || len(s.ready) > 0):
		w.ctx, w.cancel = context.WithCancel(s.ctx)
	default:
		w.ctx = s.ctx
	}
}
