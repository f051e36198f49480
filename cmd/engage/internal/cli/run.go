package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/andmoneyaps/engage-playbooks/cmd/engage/internal/render"
	"github.com/andmoneyaps/engage-playbooks/playbook"
)

type runFlags struct {
	targetFlags
	playbook, event string
	planFile        string
	record          string
	recordValues    bool
	temporal        string
}

func (c *Command) run() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run DIR",
		Short: "Run playbooks for an event",
		Long: `run runs a playbook for an event, or without --playbook every playbook that the
event fits. It runs on a simulator inside this program, seeded from DIR/seed,
unless --environment names a real organisation. With --temporal it is run by the
workers of a Temporal server, to its end whatever happens to one of them.

Exit codes: 0 succeeded or skipped, 1 failed, 2 wrong usage or documents.`,
		Example: `  engage run examples/portal-meeting --event examples/portal-meeting/events/booked.json
  engage run . --playbook portal-meeting-booked --event event.json --dump after.json --json
  engage run . --event event.json --environment sandbox.yaml --assertion-file token.txt`,
		Args: workspaceArgs(),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.runRun(cmd.Context(), args[0], &f)
		},
	}
	f.add(cmd)
	cmd.Flags().StringVar(&f.playbook, "playbook", "", "the playbook's id; without it, all that the event fits")
	cmd.Flags().StringVar(&f.event, "event", "", `the event's file; "-" is standard input`)
	cmd.Flags().StringVar(&f.planFile, "plan", "", "apply the plan that plan --out saved, and nothing else")
	cmd.Flags().StringVar(&f.record, "record", "", "record the answers to reads in this new folder, for plan --answers; values are redacted")
	cmd.Flags().BoolVar(&f.recordValues, "record-values", false, "do not redact what --record writes")
	cmd.Flags().StringVar(&f.temporal, "temporal", "", "have workers run it, on the Temporal server at host:port or host:port/namespace")
	return cmd
}

func (c *Command) runRun(ctx context.Context, dir string, f *runFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	if f.recordValues && f.record == "" {
		return usagef("--record-values goes with --record DIR")
	}
	if f.temporal != "" {
		if err := f.checkDurable(); err != nil {
			return err
		}
	}
	if f.planFile != "" {
		return c.runPlanned(ctx, dir, f)
	}
	w, err := load(dir)
	if err != nil {
		return err
	}
	ev, err := c.readEvent(f.event)
	if err != nil {
		return err
	}
	books, err := c.chosen(w, f.playbook, ev)
	if err != nil {
		return err
	}
	if f.temporal != "" {
		return c.runDurable(ctx, books, ev, f)
	}
	recorder, err := f.recorder()
	if err != nil {
		return err
	}
	t, err := c.open(w, &f.targetFlags, recorder.wrap())
	if err != nil {
		return err
	}
	defer t.Close()
	if err := c.assert(t, &f.targetFlags, ev); err != nil {
		return err
	}
	if err := c.runBooks(ctx, books, ev, t, f); err != nil {
		return err
	}
	return recorder.err()
}

// runBooks runs the playbooks one after the other and reports on each.
func (c *Command) runBooks(ctx context.Context, books []*playbook.Playbook, ev *playbook.Event, t *target, f *runFlags) error {
	return c.runEach(books, f, t, func(p *playbook.Playbook) (*playbook.Result, error) {
		defer t.progress.clear()
		return t.engine.Run(ctx, p, ev)
	})
}

func (c *Command) runEach(books []*playbook.Playbook, f *runFlags, t *target, run func(*playbook.Playbook) (*playbook.Result, error)) error {
	var results []*playbook.Result
	failed := false
	for _, p := range books {
		result, err := run(p)
		if errors.Is(err, playbook.ErrOtherTrigger) {
			return usagef("%v", err)
		}
		if result == nil {
			return err
		}
		results = append(results, result)
		if !f.json {
			c.showRun(p, result, t)
		}
		if err != nil {
			failed = true
			c.explain(p, result, err) // last, where people look
		}
	}
	if f.json {
		if err := c.printJSON(f.playbook != "" || f.planFile != "", results); err != nil {
			return err
		}
	}
	if err := t.dump(f.dump); err != nil {
		return err
	}
	if failed {
		return exitCode(ExitFailed)
	}
	return nil
}

// chosen gives the playbook that was asked for, or those that the event fits;
// why the others do not goes to stderr.
func (c *Command) chosen(w *playbook.Workspace, id string, ev *playbook.Event) ([]*playbook.Playbook, error) {
	if id != "" {
		p, err := findPlaybook(w, id)
		if err != nil {
			return nil, err
		}
		return []*playbook.Playbook{p}, nil
	}
	fits, others := w.Match(ev)
	if len(fits) == 0 {
		fmt.Fprintln(c.Stderr, "engage: no playbook fits the event")
		if err := w.CheckEvent(ev); err != nil {
			fmt.Fprintf(c.Stderr, "  %s\n", render.Printable(err.Error()))
		}
		for _, m := range others {
			fmt.Fprintf(c.Stderr, "  %s: %s\n", m.Playbook.ID, render.Printable(m.Reason))
		}
	}
	return fits, nil
}

// printJSON prints the one result of a playbook that was asked for, or the
// array of all.
func (c *Command) printJSON(asked bool, results []*playbook.Result) error {
	if asked && len(results) == 1 {
		return render.JSON(c.out, results[0])
	}
	if results == nil {
		results = []*playbook.Result{}
	}
	return render.JSON(c.out, results)
}

func (c *Command) showRun(p *playbook.Playbook, r *playbook.Result, t *target) {
	style := c.style(c.out)
	render.Run(c.out, style, render.Title(p.ID, p.Name), &r.Record, t.link)
	render.Output(c.out, style, r.Output)
}
