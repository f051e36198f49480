package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/andmoneyaps/engage-playbooks/auth"
	"github.com/andmoneyaps/engage-playbooks/cmd/engage/internal/checklist"
	"github.com/andmoneyaps/engage-playbooks/cmd/engage/internal/render"
	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/playbook"
)

type checkFlags struct {
	environment, assertionFile, roleOut string
	json, write                         bool
	timeout                             time.Duration
}

func (c *Command) check() *cobra.Command {
	var f checkFlags
	cmd := &cobra.Command{
		Use:   "check DIR",
		Short: "Go through the onboarding checklist, live",
		Long: `check asks an organisation whether the workspace's playbooks can run there: the
tokens of application and employee, who they are, every table and column, the
escalation policy, and the privileges of the application user: what is missing
and what is too much. It changes nothing; with --write it also creates the records
of every pattern that a playbook creates with, and deletes them again: for an
organisation without customers, since its automations see them. The other
patterns it only names: who creates nothing with them needs no privilege to.`,
		Example: `  engage check . --environment environments/sandbox.yaml --assertion-file token.txt
  engage check . --environment environments/sandbox.yaml --role-out role.yaml`,
		Args: workspaceArgs(),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.runCheck(cmd.Context(), args[0], &f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.environment, "environment", "", "the Environment document of the organisation")
	flags.StringVar(&f.assertionFile, "assertion-file", "", "a file with an employee's token; else the variable ENGAGE_ASSERTION")
	flags.StringVar(&f.roleOut, "role-out", "", "write the least role for the application user into this file")
	flags.BoolVar(&f.write, "write", false, "also create records of every pattern that playbooks create with, and delete them again")
	flags.DurationVar(&f.timeout, "timeout", 5*time.Minute, "the time limit of the whole list")
	flags.BoolVar(&f.json, "json", false, "one JSON document on stdout")
	return cmd
}

func (c *Command) runCheck(ctx context.Context, dir string, f *checkFlags) error {
	switch {
	case f.environment == "":
		return usagef("--environment FILE is missing: the organisation to check")
	case f.timeout <= 0:
		return usagef("--timeout must be longer than nothing, such as 30s")
	}
	w, err := load(dir)
	if err != nil {
		return err
	}
	list, err := c.checklist(w, f)
	if err != nil {
		return err
	}
	if f.roleOut != "" {
		err := writeFile(f.roleOut, 0o644, func(o *output) error {
			_, err := io.WriteString(o, checklist.Role(w, playbook.IdentityApplication))
			return err
		})
		if err != nil {
			return err
		}
	}
	bounded, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	checks, incomplete := list.Run(bounded)
	if f.json {
		if err := render.JSON(c.out, map[string]any{"checks": checks}); err != nil {
			return err
		}
	} else {
		c.showChecks(checks)
	}
	switch {
	case ctx.Err() != nil:
		return errors.New("interrupted: the list above is not complete")
	case incomplete != nil:
		return fmt.Errorf("the time limit of %v passed: the list above is not complete; see whether the environment's url is right and answers, or give a longer --timeout", f.timeout)
	}
	for _, check := range checks {
		if check.Status == checklist.Failed {
			return exitCode(ExitFailed)
		}
	}
	return nil
}

func (c *Command) checklist(w *playbook.Workspace, f *checkFlags) (*checklist.List, error) {
	env, err := readEnvironment(f.environment)
	if err != nil {
		return nil, err
	}
	broker, err := auth.NewBroker(env, nil)
	if err != nil {
		return nil, usageOr(err)
	}
	client, err := dataverse.New(env.URL, broker.Application(), nil)
	if err != nil {
		return nil, usagef("the environment's url cannot be used: %v", err)
	}
	assertion := c.Getenv("ENGAGE_ASSERTION")
	if f.assertionFile != "" {
		data, err := os.ReadFile(f.assertionFile)
		if err != nil {
			return nil, usagef("--assertion-file: the file %s cannot be read: %v", f.assertionFile, cause(err))
		}
		assertion = string(data)
	}
	return &checklist.List{Workspace: w, Environment: env, Broker: broker, Client: client, Assertion: strings.TrimSpace(assertion), Write: f.write}, nil
}

func (c *Command) showChecks(checks []checklist.Check) {
	style := c.style(c.out)
	count := map[checklist.Status]int{}
	for _, check := range checks {
		count[check.Status]++
		word := fmt.Sprintf("%-7s", check.Status)
		switch check.Status {
		case checklist.OK:
			word = style.Green(word)
		case checklist.Warning:
			word = style.Yellow(word)
		case checklist.Failed:
			word = style.Red(word)
		}
		fmt.Fprintf(c.out, "%s  %s: %s\n", word, render.Printable(check.Name), render.Printable(check.Message))
	}
	fmt.Fprintf(c.out, "\n%d ok, %d warnings, %d failed\n", count[checklist.OK], count[checklist.Warning], count[checklist.Failed])
}
