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
	s := scheduler{tasks: tasks, missing: make([]int, len(tasks)), users: make([][]int, len(tasks)), stopped: -1}
	for i := range tasks {
		s.missing[i] = len(tasks[i].needs)
		for _, j := range tasks[i].needs {
			s.users[j] = append(s.users[j], i)
		}
		if s.missing[i] == 0 {
			s.ready = append(s.ready, i)
		}
	}
	s.loop(ctx, limit)
	return s.stopped
}

type scheduler struct {
	tasks   []task
	missing []int
	users   [][]int
	ready   []int // sorted
	running map[int]context.CancelFunc
	ended   chan outcome
	stopped int
}

type outcome struct {
	task int
	stop bool
}

func (s *scheduler) loop(ctx context.Context, limit int) {
	for {
		for ctx.Err() == nil && len(s.ready) > 0 && len(s.running) < limit {
			i := s.ready[0]
			s.ready = s.ready[1:]
			if s.stopped >= 0 && s.tasks[i].block > s.stopped {
				continue
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
	if o.stop {
		if b := s.tasks[o.task].block; s.stopped < 0 || b < s.stopped {
			s.stopped = b
		}
		for i, cancel := range s.running {
			if s.tasks[i].block > s.stopped {
				cancel()
			}
		}
		return
	}
	for _, u := range s.users[o.task] {
		if s.missing[u]--; s.missing[u] == 0 {
			at, _ := slices.BinarySearch(s.ready, u)
			s.ready = slices.Insert(s.ready, at, u)
		}
	}
}
