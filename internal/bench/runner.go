package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"time"
)

// Runner measures scenarios.
type Runner struct {
	// Root is the project's root directory.
	Root string
	// Quick measures with fewer rounds and smaller sizes: minutes, and more
	// noise.
	Quick bool
	// Match selects scenarios by name. Default: all.
	Match *regexp.Regexp
	// Log is told what is being measured. Default: nobody is.
	Log io.Writer

	temp string // a directory for what is built
}

// A scenario measures figures that belong together.
type scenario struct {
	name string
	run  func(r *Runner, ctx context.Context) ([]Figure, error)
}

// scenarios in the order of the table.
var scenarios = []scenario{
	{"portal-meeting", (*Runner).portalMeeting},
	{"customer-overview", (*Runner).customerOverview},
	{"attendance", (*Runner).attendance},
	{"concurrent-runs", (*Runner).concurrentRuns},
	{"employee-sync", (*Runner).employeeSync},
	{"note-import", (*Runner).noteImport},
	{"client", (*Runner).client},
	{"client-bulk", (*Runner).clientBulk},
	{"stream", (*Runner).stream},
	{"memory", (*Runner).memory},
	{"planning", (*Runner).planning},
	{"loading", (*Runner).loading},
	{"growth", (*Runner).growth},
	{"simulator", (*Runner).simulator},
	{"identities", (*Runner).identities},
	{"command", (*Runner).command},
}

// Names are those of the scenarios.
func Names() []string {
	var names []string
	for _, s := range scenarios {
		names = append(names, s.name)
	}
	return names
}

// Run measures the scenarios, one after the other. A scenario that fails is
// one error of those that are joined; the others are measured all the same.
func (r *Runner) Run(ctx context.Context) ([]Figure, error) {
	var chosen []scenario
	for _, s := range scenarios {
		if r.Match == nil || r.Match.MatchString(s.name) {
			chosen = append(chosen, s)
		}
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("no scenario matches %q; there are %s", r.Match, strings.Join(Names(), ", "))
	}
	var err error
	if r.temp, err = os.MkdirTemp("", "figures"); err != nil {
		return nil, err
	}
	defer os.RemoveAll(r.temp)
	var (
		all  []Figure
		errs []error
		log  = r.log()
		from = time.Now()
	)
	for i, s := range chosen {
		fmt.Fprintf(log, "%2d/%d  %-18s", i+1, len(chosen), s.name)
		start := time.Now()
		figures, err := s.run(r, ctx)
		end := "\n"
		if err != nil {
			err = fmt.Errorf("%s: %w", s.name, err)
			errs, end = append(errs, err), "  failed\n"
		}
		for _, f := range figures {
			f.Scenario = s.name
			all = append(all, f)
		}
		fmt.Fprintf(log, " %7s, %s in all%s", seconds(time.Since(start)), seconds(time.Since(from)), end)
		if ctx.Err() != nil {
			break
		}
	}
	return all, errors.Join(errs...)
}

func (r *Runner) log() io.Writer { return cmp.Or[io.Writer](r.Log, io.Discard) }

func seconds(d time.Duration) string { return fmt.Sprintf("%.1fs", d.Seconds()) }

// pick is how many: fewer when quick.
func (r *Runner) pick(quick, full int) int {
	if r.Quick {
		return quick
	}
	return full
}
