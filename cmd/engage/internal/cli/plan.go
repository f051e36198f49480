package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/andmoneyaps/engage-playbooks/cmd/engage/internal/answers"
	"github.com/andmoneyaps/engage-playbooks/cmd/engage/internal/render"
	"github.com/andmoneyaps/engage-playbooks/playbook"
)

type planFlags struct {
	targetFlags
	playbook, event string
	live            bool
	answers         string
	requests        bool
	detailed        bool
	out             string
}

func (c *Command) plan() *cobra.Command {
	var f planFlags
	cmd := &cobra.Command{
		Use:   "plan DIR",
		Short: "Show what a playbook would do, without writing anything",
		Long: `plan does everything that run does but write. It shows, block by block, as whom
which records would be created (+), updated (~), left as they are (=) or read
(<), what runs as the application (!), and where each value comes from.

The reads are answered by the simulator, with --answers by what run --record
wrote, and with --environment and --live by the organisation itself. Nothing is
sent that could change a record.`,
		Example: `  engage plan examples/portal-meeting --playbook portal-meeting-booked --event examples/portal-meeting/events/booked.json
  engage plan . --playbook portal-meeting-booked --event event.json --environment sandbox.yaml --live --assertion-file token.txt
  engage plan . --playbook portal-meeting-booked --event event.json --out booked.plan && engage run . --plan booked.plan`,
		Args: workspaceArgs(),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.runPlan(cmd.Context(), args[0], &f)
		},
	}
	f.add(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.playbook, "playbook", "", "the playbook's id")
	flags.StringVar(&f.event, "event", "", `the event's file; "-" is standard input`)
	flags.BoolVar(&f.live, "live", false, "read from the environment's organisation")
	flags.StringVar(&f.answers, "answers", "", "answer reads from this folder, which run --record wrote")
	flags.BoolVar(&f.requests, "requests", false, "show each request with its body")
	flags.BoolVar(&f.detailed, "detailed-exitcode", false, "exit with 3 if something would change")
	flags.StringVar(&f.out, "out", "", "save the plan in this file, for run --plan; it holds values")
	return cmd
}

func (f *planFlags) check() error {
	if err := f.targetFlags.check(); err != nil {
		return err
	}
	switch {
	case f.playbook == "":
		return usagef("--playbook ID is missing: the playbook to plan")
	case f.live && f.environment == "":
		return usagef("--live reads from an organisation; name it with --environment FILE")
	case f.live && f.answers != "":
		return usagef("--live and --answers exclude each other")
	case f.out != "" && f.answers != "":
		return usagef("--out saves a plan that run applies; recorded answers may be out of date: leave --answers out")
	}
	return nil
}

func (c *Command) runPlan(ctx context.Context, dir string, f *planFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	c.EndsSoon()
	w, err := load(dir)
	if err != nil {
		return err
	}
	p, err := findPlaybook(w, f.playbook)
	if err != nil {
		return err
	}
	ev, err := c.readEvent(f.event)
	if err != nil {
		return err
	}
	settle(ev)
	t, err := c.openForPlan(w, f)
	if err != nil {
		return err
	}
	defer t.Close()
	if err := c.assert(t, &f.targetFlags, ev); err != nil {
		return err
	}
	result, err := t.engine.DryRun(ctx, p, ev)
	t.progress.clear()
	if errors.Is(err, playbook.ErrOtherTrigger) {
		return usagef("%v", err)
	}
	failed := err
	if err := c.showPlan(p, result, f); err != nil {
		return err
	}
	if failed != nil {
		c.explain(p, result, failed)
	}
	if err := t.dump(f.dump); err != nil {
		return err
	}
	if failed != nil {
		return exitCode(ExitFailed)
	}
	if f.out != "" {
		if err := savePlan(f.out, t, w, ev, result); err != nil {
			return err
		}
		for _, change := range unheld(result) {
			fmt.Fprintf(c.Stderr, "engage: %s: this change cannot carry the record's version; run --plan compares the record before it writes, and a change in that moment is not noticed\n", render.Printable(change))
		}
	}
	if f.detailed && render.Changes(&result.Record) > 0 {
		return exitCode(ExitChanges)
	}
	return nil
}

func (c *Command) showPlan(p *playbook.Playbook, r *playbook.Result, f *planFlags) error {
	if f.json {
		return render.JSON(c.out, r)
	}
	render.Plan(c.out, render.Title(p.ID, p.Name), r, render.PlanOptions{Style: c.style(c.out), Requests: f.requests})
	return nil
}

// openForPlan opens what answers the plan's reads. An environment without
// --live lends its escalation policy to the simulator.
func (c *Command) openForPlan(w *playbook.Workspace, f *planFlags) (*target, error) {
	if f.live {
		return c.open(w, &f.targetFlags, nil)
	}
	simulated := f.targetFlags
	simulated.environment = ""
	var wrap func(http.RoundTripper) http.RoundTripper
	if f.answers != "" {
		recorded, err := answers.Open(f.answers)
		if err != nil {
			return nil, usagef("--answers: %v", cause(err))
		}
		wrap = recorded.Transport
	}
	t, err := c.open(w, &simulated, wrap)
	if err != nil || f.environment == "" {
		return t, err
	}
	env, err := readEnvironment(f.environment)
	if err != nil {
		t.Close()
		return nil, err
	}
	t.engine.Allow = policy(env)
	return t, nil
}
