package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// task is what a process does whose memory is measured: runs of a playbook, or
// a read of many rows, by one of the two sides.
type task struct {
	Service *service
	ByHand  bool
	// Dir, Playbook and Event are the run's; Items are those of its event's
	// list. Default: the event's own.
	Dir, Playbook, Event string
	Items                int
	// Runs one after the other, AtOnce of them each.
	Runs, AtOnce int
	// Rows, instead of a playbook, are read.
	Rows int
}

// programs are the hand-written ones, by playbook.
var programs = map[string]byHand{
	"portal-meeting-booked": bookByHand, "customer-overview": overviewByHand, "attendance": attendedByHand,
	syncs.playbook: syncs.byHand, imports.playbook: imports.byHand,
}

// Work is the child process: it does the task, which is JSON, and writes the
// most memory that it held, in bytes.
func Work(ctx context.Context, root, text string, out io.Writer) error {
	var t task
	if err := json.Unmarshal([]byte(text), &t); err != nil {
		return err
	}
	if err := t.do(ctx, &Runner{Root: root}); err != nil {
		return err
	}
	most, err := highWater()
	if err == nil {
		fmt.Fprintln(out, most)
	}
	return err
}

func (t *task) do(ctx context.Context, r *Runner) error {
	var s sides
	if t.Rows > 0 {
		c, h, err := newClient(t.Service, 0)
		if err != nil {
			return err
		}
		s = readRows(ctx, c, h, t.Rows)
	} else {
		p, err := r.loadPlay(t.Dir, t.Playbook, t.Event)
		if err != nil {
			return err
		}
		p.service = t.Service
		for _, b := range []*bulk{syncs, imports} {
			if b.playbook == t.Playbook {
				b.fill(p, t.Items)
			}
		}
		// What two processes write must not meet.
		p.event.ID = newID()
		if s, _, _, err = p.pair(ctx, 0, programs[t.Playbook]); err != nil {
			return err
		}
	}
	s = s.atOnce(max(t.AtOnce, 1))
	work := s.ours
	if t.ByHand {
		work = s.hand
	}
	for i := range t.Runs {
		if err := work(i); err != nil {
			return err
		}
	}
	return nil
}

// highWater is the most memory of this process that was resident at once. What
// getrusage says of a child counts its parent's memory too.
func highWater() (bytes int64, err error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if text, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(text), "kB")), 10, 64)
			return n << 10, err
		}
	}
	return 0, errors.New("/proc/self/status has no VmHWM")
}

// resident lets a process do the task, and gives its peak.
func (r *Runner) resident(ctx context.Context, t task) (bytes float64, err error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	text, err := json.Marshal(t)
	if err != nil {
		return 0, err
	}
	cmd := exec.CommandContext(ctx, self, "-root", r.Root, "-work", string(text))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return 0, fmt.Errorf("the process that measures its memory: %w", err)
	}
	return strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
}

// memory measures the resident memory of whole processes, the engine's and the
// hand-written program's: code, stacks, garbage and the event included, with
// the collector as it is by default.
func (r *Runner) memory(ctx context.Context) ([]Figure, error) {
	if _, err := highWater(); err != nil {
		fmt.Fprintln(r.log(), "memory: peaks are read from /proc, which is not there:", err)
		return nil, nil
	}
	n, rows := r.pick(10_000, 50_000), r.pick(200_000, 1_000_000)
	portal := task{Dir: portalMeetings, Playbook: "portal-meeting-booked", Event: "events/booked.json", Runs: 200}
	atOnce := portal
	atOnce.Runs, atOnce.AtOnce = 1, 1000
	sync := func(n int) task {
		return task{Dir: bank, Playbook: syncs.playbook, Event: syncs.event, Items: n, Runs: 1}
	}
	notes := func(n int) task {
		return task{Dir: bank, Playbook: imports.playbook, Event: imports.event, Items: n, Runs: 1}
	}
	var figures []Figure
	for _, m := range []struct {
		name string
		task task
	}{
		{"200 portal meetings, one after the other", portal},
		{"1,000 portal meetings at once", atOnce},
		{"200 customer overviews, one after the other", task{Dir: overviews, Playbook: "customer-overview", Event: "events/overview.json", Runs: 200}},
		{"200 attendances, one after the other", task{Dir: bank, Playbook: "attendance", Event: "events/attendance.json", Runs: 200}},
		{"employee sync of 1000", sync(1000)},
		{fmt.Sprintf("employee sync of %d", n), sync(n)},
		{"note import of 1000", notes(1000)},
		{fmt.Sprintf("note import of %d", n), notes(n)},
		{fmt.Sprintf("read of %d rows", rows), task{Rows: rows, Runs: 1}},
	} {
		f, err := r.residents(ctx, "peak RSS of a process: "+m.name, m.task)
		if err != nil {
			return figures, fmt.Errorf("%s: %w", m.name, err)
		}
		figures = append(figures, f)
	}
	return figures, nil
}

// residents gives the engine's peak; the hand-written program's is the note.
func (r *Runner) residents(ctx context.Context, name string, t task) (Figure, error) {
	f := Figure{Name: name, Unit: "MiB"}
	args := []string{"rows", fmt.Sprint(t.Rows)}
	if t.Rows == 0 {
		args = []string{"world", t.Dir, t.Dir + "/" + t.Event}
	}
	s, err := r.start(ctx, args...)
	if err != nil {
		return f, err
	}
	defer s.stop()
	t.Service = s
	var sides [2][]float64
	for range r.pick(3, 5) {
		for side := range sides {
			t.ByHand = side == 1
			bytes, err := r.resident(ctx, t)
			if err != nil {
				return f, err
			}
			sides[side] = append(sides[side], mebibytes(int64(bytes)))
		}
	}
	byHand, _ := median(sides[1])
	f.Value, f.Noise = median(sides[0])
	f.Note = fmt.Sprintf("by hand %s", amount(byHand, "MiB"))
	return f, nil
}
