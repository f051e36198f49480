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

// durableError says what is wrong with --temporal, and what to do.
func durableError(err error, next string) error {
	text := "--temporal: " + strings.TrimPrefix(err.Error(), "temporal: ")
	if at, cause, ok := strings.Cut(text, ": failed reaching server: "); ok { // layers of a transport
		text = at + ": " + strings.Trim(cause[strings.LastIndex(cause, ": ")+1:], ` "`)
	}
	if next != "" {
		text += "; " + next
	}
	return &durableFailure{text, err}
}

// durableFailure is an error of --temporal in words for people.
type durableFailure struct {
	text string
	err  error
}

func (f *durableFailure) Error() string { return f.text }
func (f *durableFailure) Unwrap() error { return f.err }

// outcomeError is durableError for a run whose outcome cannot be told.
func outcomeError(err error) error {
	if errors.Is(err, temporal.ErrNoKey) || errors.Is(err, temporal.ErrSealed) {
		return durableError(err, "take the keys that the worker has, with ENGAGE_TEMPORAL_KEYS")
	}
	return durableError(err, "")
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
	if errors.Is(err, temporal.ErrUnreachable) {
		return durableError(err, "see whether the address is right and the server runs")
	}
	if err != nil {
		return usagef("%v", durableError(err, ""))
	}
	defer durable.Close()
	if err := durable.Listening(ctx); errors.Is(err, temporal.ErrNoWorker) {
		return durableError(err, "start one: go run ./temporal/cmd/worker --temporal "+f.temporal+" DIR")
	} else if err != nil {
		return durableError(err, "")
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
			if res == nil && err != nil {
				err = outcomeError(err)
			}
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
