package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/andmoneyaps/engage-playbooks/playbook"
	"github.com/andmoneyaps/engage-playbooks/temporal"
)

// checkDurable refuses what does not go with --temporal: the worker knows the
// organisation, and has its simulator.
func (f *runFlags) checkDurable() error {
	for name, given := range map[string]bool{
		"--environment": f.environment != "", "--dump": f.dump != "", "--plan": f.planFile != "", "--record": f.record != "", "--sign-in": f.signIn,
	} {
		if given {
			return usagef("%s does not go with --temporal: the worker reaches the organisation", name)
		}
	}
	return nil
}

// runDurable has workers run the playbooks, and reports on each as run does.
func (c *Command) runDurable(ctx context.Context, books []*playbook.Playbook, ev *playbook.Event, f *runFlags) error {
	ev.Assertion = strings.TrimSpace(c.Getenv("ENGAGE_ASSERTION"))
	if f.assertionFile != "" {
		data, err := c.readInput("assertion-file", f.assertionFile, 1<<20)
		if err != nil {
			return err
		}
		ev.Assertion = strings.TrimSpace(string(data))
	}
	durable, err := temporal.DialAddress(ctx, f.temporal, c.Getenv, false, temporal.Options{Timeout: f.timeout, SignIn: -1})
	if err != nil {
		return fmt.Errorf("--temporal: %w", err)
	}
	defer durable.Close()
	if err := durable.Listening(ctx); err != nil {
		return fmt.Errorf("--temporal: %w; start one: go run ./temporal/cmd/worker --temporal %s DIR", err, f.temporal)
	}
	return c.runEach(books, f, &target{}, func(p *playbook.Playbook) (*playbook.Result, error) {
		run, err := durable.Start(ctx, temporal.DefaultTenant, p, ev, temporal.Again())
		switch {
		case errors.Is(err, temporal.ErrNoEventID), errors.Is(err, temporal.ErrTooLarge):
			return nil, usagef("%v", err)
		case err != nil:
			return nil, err
		}
		if run.Found {
			fmt.Fprintf(c.Stderr, "engage: %s: the event has a run already; this is what it did\n", p.ID)
		}
		res, err := run.Result(ctx)
		if ctx.Err() == nil {
			return res, err
		}
		// Ctrl-C: the run ends too, and says what was written.
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer cancel()
		if err := run.Cancel(last); err != nil {
			return nil, err
		}
		return run.Result(last)
	})
}
