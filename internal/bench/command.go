package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/andmoneyaps/engage-playbooks/internal/bench/large"
)

// command measures `engage` as people start it.
func (r *Runner) command(ctx context.Context) ([]Figure, error) {
	engage, parser := filepath.Join(r.temp, "engage"), filepath.Join(r.temp, "parse")
	for binary, dir := range map[string]string{engage: "cmd/engage", parser: "internal/bench/cmd/parse"} {
		build := exec.CommandContext(ctx, "go", "build", "-o", binary, ".")
		build.Dir = filepath.Join(r.Root, dir)
		if out, err := build.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("go build ./%s: %w\n%s", dir, err, out)
		}
	}
	documents := large.Workspace(300, 100, 100)
	dir := filepath.Join(r.temp, "documents")
	err := fs.WalkDir(documents, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := filepath.Join(dir, name)
		if e.IsDir() {
			return os.MkdirAll(target, 0o700)
		}
		return os.WriteFile(target, documents[name].Data, 0o600)
	})
	if err != nil {
		return nil, err
	}
	run := func(binary string, args ...string) (time.Duration, time.Duration, error) {
		cmd := exec.CommandContext(ctx, binary, args...)
		cmd.Dir = r.Root
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		start := time.Now()
		err := cmd.Run()
		wall := time.Since(start)
		var exit *exec.ExitError
		if errors.As(err, &exit) && (exit.ExitCode() == 2 || exit.ExitCode() < 0) {
			return 0, 0, fmt.Errorf("%s %v: %w\n%s", filepath.Base(binary), args, err, out.Bytes())
		}
		if exit == nil && err != nil {
			return 0, 0, err
		}
		return wall, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), nil
	}
	if _, _, err := run(engage, "validate", dir); err != nil {
		return nil, err
	}
	s, err := r.start(ctx, "world", portalMeetings, portalMeetings+"/events/booked.json")
	if err != nil {
		return nil, err
	}
	defer s.stop()
	ev, err := readEvent(filepath.Join(r.Root, portalMeetings, "events/booked.json"))
	if err != nil {
		return nil, err
	}
	h := newHand(s, s.Employee, newRoad(0))
	// A process against a process: what the same parsing takes within this one
	// depends on the heap that other scenarios have left.
	validate := Figure{Name: "engage validate, 500 documents, against a process that only parses: CPU", Goal: atMost(3), Unit: "x"}
	warm := Figure{Name: "engage validate, 500 documents, against parsing in a warm process: CPU", Unit: "x"}
	plan := Figure{Name: "engage plan, portal meeting, against --help and the bare requests: CPU", Goal: atMost(3), Unit: "x"}
	var validates, warms, plans []float64
	var v, y, o, p, b time.Duration
	rounds := r.pick(7, 15)
	for range rounds {
		parsed, err := spend(func() error { return large.Parse(documents) })
		if err != nil {
			return nil, err
		}
		_, took, err := run(engage, "validate", dir)
		if err != nil {
			return nil, err
		}
		warms = append(warms, float64(took)/float64(parsed.cpu))
		_, only, err := run(parser, dir)
		if err != nil {
			return nil, err
		}
		validates = append(validates, float64(took)/float64(only))
		v, y, o = v+took, y+parsed.cpu, o+only
		_, help, err := run(engage, "--help")
		if err != nil {
			return nil, err
		}
		ev.ID = newID() // what is there already would be refused
		bare, err := spend(func() error { return bookByHand(ctx, h, ev) })
		if err != nil {
			return nil, err
		}
		_, planned, err := run(engage, "plan", portalMeetings, "--playbook", "portal-meeting-booked", "--event", portalMeetings+"/events/booked.json")
		if err != nil {
			return nil, err
		}
		plans = append(plans, float64(planned)/float64(help+bare.cpu))
		p, b = p+planned, b+help+bare.cpu
	}
	each := func(d time.Duration) time.Duration {
		return (d / time.Duration(rounds)).Round(100 * time.Microsecond)
	}
	validate.Value, validate.Noise = median(validates)
	validate.Note = fmt.Sprintf("%v, the other process %v", each(v), each(o))
	warm.Value, warm.Noise = median(warms)
	warm.Note = fmt.Sprintf("%v with the start of the process, parsing %v without", each(v), each(y))
	plan.Value, plan.Noise = median(plans)
	plan.Note = fmt.Sprintf("%v, --help and requests %v; plan starts its own Dataverse", each(p), each(b))
	return []Figure{validate, warm, plan}, nil
}
