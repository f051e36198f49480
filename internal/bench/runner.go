package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
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
	var err error
	if r.temp, err = os.MkdirTemp("", "figures"); err != nil {
		return nil, err
	}
	defer os.RemoveAll(r.temp)
	var (
		all  []Figure
		errs []error
	)
	for _, s := range scenarios {
		if r.Match != nil && !r.Match.MatchString(s.name) {
			continue
		}
		start := time.Now()
		figures, err := s.run(r, ctx)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", s.name, err))
		}
		all = append(all, figures...)
		fmt.Fprintf(cmp.Or[io.Writer](r.Log, io.Discard), "%-18s %v\n", s.name, time.Since(start).Round(100*time.Millisecond))
		if ctx.Err() != nil {
			break
		}
	}
	return all, errors.Join(errs...)
}

// pick is how many: fewer when quick.
func (r *Runner) pick(quick, full int) int {
	if r.Quick {
		return quick
	}
	return full
}
