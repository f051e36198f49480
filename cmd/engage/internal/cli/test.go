package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/andmoneyaps/engage-playbooks/cmd/engage/internal/render"
	"github.com/andmoneyaps/engage-playbooks/playbook/playbooktest"
)

func (c *Command) test() *cobra.Command {
	var asJSON bool
	var minimum int
	cmd := &cobra.Command{
		Use:   "test DIR",
		Short: "Run the workspace's playbook tests",
		Long: `test runs every case of the workspace's PlaybookTest documents, each on a
simulator of its own, and compares what came of it with what the case expects.
It then says which blocks, mappings and branches of each playbook no case has
reached.`,
		Example: `  engage test examples/portal-meeting
  engage test . --coverage 90     # fail below 90 %`,
		Args: workspaceArgs(),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.runTests(cmd.Context(), args[0], asJSON, minimum)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON document on stdout")
	cmd.Flags().IntVar(&minimum, "coverage", 0, "fail if less than this percentage of a playbook is reached")
	return cmd
}

func (c *Command) runTests(ctx context.Context, dir string, asJSON bool, minimum int) error {
	if minimum < 0 || minimum > 100 {
		return usagef("--coverage is a percentage, 0 to 100")
	}
	w, err := load(dir)
	if err != nil {
		return err
	}
	report, err := playbooktest.RunTests(ctx, w)
	if err != nil {
		return err
	}
	if asJSON {
		err = render.TestsJSON(c.out, report)
	} else {
		render.Tests(c.out, c.style(c.out), report)
	}
	if err != nil {
		return err
	}
	if len(report.Cases) == 0 {
		fmt.Fprintf(c.Stderr, "engage: %s has no PlaybookTest documents\n", dir)
	}
	code := ExitDone
	if report.Failed() > 0 {
		code = ExitFailed
	}
	var below []string
	for _, cov := range report.Coverage {
		if percent := render.CoveragePercent(cov); percent < minimum {
			below = append(below, fmt.Sprintf("%s (%d %%)", cov.Playbook, percent))
		}
	}
	if below != nil {
		fmt.Fprintf(c.Stderr, "engage: covered less than %d %%: %s\n", minimum, strings.Join(below, ", "))
		code = ExitFailed
	}
	if code != ExitDone {
		return exitCode(code)
	}
	return nil
}
