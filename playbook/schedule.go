package playbook

import (
	"context"
	"slices"
)

// task is one node of a schedule: a block, or the look-up of a block that
// writes.
type task struct {
	// block is the place of its block in the document: what fails first there
	// is the run's failure.
	block int
	// needs are the indexes of the tasks that it waits for, all smaller than
	// its own.
	needs []int
	// run does the work. It reports whether the run must end because the
	// block failed.
	run func(ctx context.Context) (stop bool)
}

// schedule runs the tasks, each as soon as those it needs are done, at most
// limit at once, and returns when all that it started have ended.
//
// When a block fails, the tasks of the blocks after it are cancelled and no
// more of them are started; those of the blocks before it go on, since one of
// them may fail yet and then is the run's failure. So it does not depend on
// timing which block that is. stopped is that block's place, or -1. When ctx
// ends, nothing more is started.
func schedule(ctx context.Context, tasks []task, limit int) (stopped int) {
	s := scheduler{tasks: tasks, frontier: newFrontier(len(tasks), func(i int) (int, []int) { return tasks[i].block, tasks[i].needs })}
	s.loop(ctx, limit)
	return s.stopped
}

// frontier knows which nodes of a flow may run, given those that have ended.
type frontier struct {
	blocks  []int // of each node
	missing []int
	users   [][]int
	ready   []int // sorted
	stopped int
}

// newFrontier lays out n nodes; node gives the block of one, and the nodes
// that it waits for.
func newFrontier(n int, node func(i int) (block int, needs []int)) frontier {
	f := frontier{blocks: make([]int, n), missing: make([]int, n), users: make([][]int, n), stopped: -1}
	for i := range n {
		block, needs := node(i)
		f.blocks[i], f.missing[i] = block, len(needs)
		for _, j := range needs {
			f.users[j] = append(f.users[j], i)
		}
		if f.missing[i] == 0 {
			f.ready = append(f.ready, i)
		}
	}
	return f
}

// next takes the first node that may run.
func (f *frontier) next() (i int, ok bool) {
	for len(f.ready) > 0 {
		i, f.ready = f.ready[0], f.ready[1:]
		if !f.beyond(i) {
			return i, true
		}
	}
	return 0, false
}

// beyond reports whether the node is of a block after the one that ended the
// run.
func (f *frontier) beyond(i int) bool { return f.stopped >= 0 && f.blocks[i] > f.stopped }

// end notes that a node has ended, and whether it ends the run.
func (f *frontier) end(i int, stop bool) {
	if stop {
		if b := f.blocks[i]; f.stopped < 0 || b < f.stopped {
			f.stopped = b
		}
		return
	}
	for _, u := range f.users[i] {
		if f.missing[u]--; f.missing[u] == 0 {
			at, _ := slices.BinarySearch(f.ready, u)
			f.ready = slices.Insert(f.ready, at, u)
		}
	}
}

type scheduler struct {
	frontier
	tasks   []task
	running map[int]context.CancelFunc
	ended   chan outcome
}

type outcome struct {
	task int
	stop bool
}

func (s *scheduler) loop(ctx context.Context, limit int) {
	for {
		for ctx.Err() == nil && len(s.running) < limit {
			i, ok := s.next()
			if !ok {
				break
			}
			if len(s.ready) == 0 && len(s.running) == 0 {
				// Nothing could run beside it: no goroutine is needed.
				s.settle(outcome{i, s.tasks[i].run(ctx)})
				continue
			}
			s.start(ctx, i)
		}
		if len(s.running) == 0 {
			return
		}
		o := <-s.ended
		s.running[o.task]()
		delete(s.running, o.task)
		s.settle(o)
	}
}

func (s *scheduler) start(ctx context.Context, i int) {
	if s.running == nil {
		s.running = map[int]context.CancelFunc{}
		s.ended = make(chan outcome)
	}
	ctx, cancel := context.WithCancel(ctx)
	s.running[i] = cancel
	go func() { s.ended <- outcome{i, s.tasks[i].run(ctx)} }()
}

func (s *scheduler) settle(o outcome) {
	s.end(o.task, o.stop)
	if !o.stop {
		return
	}
	for i, cancel := range s.running {
		if s.beyond(i) {
			cancel()
		}
	}
}
