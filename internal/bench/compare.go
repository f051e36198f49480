package bench

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
	"syscall"
	"time"
)

// cost is what some work took of this process.
type cost struct {
	wall, cpu     time.Duration
	allocs, bytes uint64
}

// spend measures one piece of work. The collector has run before, so that
// nobody pays for the garbage of others.
func spend(work func() error) (cost, error) {
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cpu, start := processorTime(), time.Now()
	err := work()
	c := cost{wall: time.Since(start), cpu: processorTime() - cpu}
	runtime.ReadMemStats(&after)
	c.allocs, c.bytes = after.Mallocs-before.Mallocs, after.TotalAlloc-before.TotalAlloc
	return c, err
}

// processorTime is user and system time of all threads of this process.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // the arguments are constants
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// sides are the same work done twice. Each func does it once; i counts up and
// differs in each call of one side.
type sides struct {
	ours, hand func(i int) error
}

// comparison has the ratios ours/hand of each round, and the totals.
type comparison struct {
	wall, cpu, allocs, bytes []float64
	ours, hand               cost
	n                        int
}

// compare lets the sides take turns: rounds times, ops times each, after one
// of each that is not counted.
func compare(s sides, rounds, ops int) (*comparison, error) {
	next := [2]int{}
	do := func(side, times int) func() error {
		work := s.ours
		if side == 1 {
			work = s.hand
		}
		return func() error {
			for range times {
				next[side]++
				if err := work(next[side]); err != nil {
					return err
				}
			}
			return nil
		}
	}
	for side := range 2 {
		if err := do(side, 1)(); err != nil {
			return nil, err
		}
	}
	c := &comparison{n: rounds * ops}
	for round := range rounds {
		var costs [2]cost
		for k := range 2 {
			side := (round + k) % 2
			var err error
			if costs[side], err = spend(do(side, ops)); err != nil {
				return nil, err
			}
		}
		a, b := costs[0], costs[1]
		c.wall = append(c.wall, float64(a.wall)/float64(b.wall))
		c.cpu = append(c.cpu, float64(a.cpu)/float64(b.cpu))
		c.allocs = append(c.allocs, float64(a.allocs)/float64(b.allocs))
		c.bytes = append(c.bytes, float64(a.bytes)/float64(b.bytes))
		c.ours.add(a)
		c.hand.add(b)
	}
	return c, nil
}

func (c *cost) add(d cost) {
	c.wall, c.cpu, c.allocs, c.bytes = c.wall+d.wall, c.cpu+d.cpu, c.allocs+d.allocs, c.bytes+d.bytes
}

// figures of a comparison: each has its goal, 0 for none.
func (c *comparison) figure(name string, goal Goal, of string) Figure {
	f := Figure{Name: name + ": " + of, Goal: goal, Unit: "x"}
	n := float64(c.n)
	each := func(d time.Duration) string { return duration(d.Seconds() / n) }
	switch of {
	case "wall":
		f.Value, f.Noise = median(c.wall)
		f.Note = fmt.Sprintf("%s, by hand %s", each(c.ours.wall), each(c.hand.wall))
	case "throughput":
		f.Value, f.Noise = median(inverse(c.wall))
		f.Note = fmt.Sprintf("%s, by hand %s", each(c.ours.wall), each(c.hand.wall))
	case "CPU":
		f.Value, f.Noise = median(c.cpu)
		f.Note = fmt.Sprintf("%s, by hand %s", each(c.ours.cpu), each(c.hand.cpu))
	case "allocations":
		f.Value, f.Noise = median(c.allocs)
		f.Note = fmt.Sprintf("%.0f, by hand %.0f", float64(c.ours.allocs)/n, float64(c.hand.allocs)/n)
	case "allocated bytes":
		f.Value, f.Noise = median(c.bytes)
		f.Note = fmt.Sprintf("%.0f KiB, by hand %.0f", float64(c.ours.bytes)/n/1024, float64(c.hand.bytes)/n/1024)
	default:
		panic(of)
	}
	return f
}

func inverse(values []float64) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = 1 / v
	}
	return out
}

// peak watches the heap and the stacks while work runs, and gives the most it
// saw above what was there before. The collector runs often meanwhile, so that
// it is memory in use that counts, and little garbage.
func peak(work func() error) (bytes uint64, err error) {
	defer debug.SetGCPercent(debug.SetGCPercent(10))
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}}
	read := func() uint64 {
		metrics.Read(sample)
		return sample[0].Value.Uint64() + sample[1].Value.Uint64()
	}
	runtime.GC()
	runtime.GC()
	before := read()
	var most atomic.Uint64
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		for {
			most.Store(max(most.Load(), read()))
			select {
			case <-stop:
				return
			case <-tick.C:
			}
		}
	}()
	err = work()
	close(stop)
	<-done
	return most.Load() - min(before, most.Load()), err
}
