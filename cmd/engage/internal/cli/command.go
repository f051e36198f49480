package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/andmoneyaps/engage-playbooks"
	"github.com/andmoneyaps/engage-playbooks/cmd/engage/internal/render"
)

// The exit codes.
const (
	// ExitDone: it worked; a playbook succeeded or was skipped.
	ExitDone = 0
	// ExitFailed: a playbook or a check failed.
	ExitFailed = 1
	// ExitUsage: wrong usage, or documents with errors.
	ExitUsage = 2
	// ExitChanges: plan --detailed-exitcode found something to change.
	ExitChanges = 3
)

// Command is one invocation of engage.
type Command struct {
	// Args are the arguments without the program's name.
	Args           []string
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// Getenv reads the environment; nil: no variable is set.
	Getenv func(string) string
	// EndsSoon is told that the command is one that is over in a moment, such
	// as validate; nil: nobody is told.
	EndsSoon func()

	out     *output
	started bool // the arguments were understood
}

// patience is how long after an interrupt another one is taken for the same:
// some senders signal a process and its group.
const patience = time.Second

// Main runs the command and gives the exit code. An interrupt cancels it; a
// later one ends the process at once.
func (c *Command) Main(ctx context.Context) int {
	if c.Getenv == nil {
		c.Getenv = func(string) string { return "" }
	}
	if c.EndsSoon == nil {
		c.EndsSoon = func() {}
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, func() { time.AfterFunc(patience, stop) })
	c.out = &output{w: c.Stdout}
	root := c.root()
	err := root.ExecuteContext(ctx)
	if c.out.err != nil && errors.Is(err, c.out.err) {
		err = nil // it is told below
	}
	code := c.finish(err)
	if c.out.err == nil {
		return code
	}
	fmt.Fprintf(c.Stderr, "engage: the output could not be written: %v\n", c.out.err)
	if code == ExitUsage {
		return code
	}
	return ExitFailed // whatever the outcome: nobody can read it
}

// finish reports the error of a command and gives the exit code.
func (c *Command) finish(err error) int {
	var exit exitCode
	var problems engage.Problems
	var bad *usageError
	switch {
	case err == nil:
		return ExitDone
	case errors.As(err, &exit):
		return int(exit)
	case errors.As(err, &problems):
		if c.wantsJSON() {
			_ = render.ProblemsJSON(c.out, problems)
			return ExitUsage
		}
		render.ProblemsText(c.Stderr, problems, c.style(c.Stderr), nil)
		fmt.Fprintf(c.Stderr, "engage: %s; nothing was done\n", render.ProblemsSummary(problems))
		return ExitUsage
	case errors.As(err, &bad) || !c.started:
		if c.wantsJSON() {
			_ = render.ProblemsJSON(c.out, engage.Problems{{Code: "usage", Message: err.Error()}})
		}
		fmt.Fprintf(c.Stderr, "engage: %v\n", err)
		return ExitUsage
	}
	fmt.Fprintf(c.Stderr, "engage: %v\n", err)
	return ExitFailed
}

// wantsJSON looks at the arguments themselves, since they may be what is
// wrong.
func (c *Command) wantsJSON() bool {
	return slices.ContainsFunc(c.Args, func(a string) bool { return a == "--json" || a == "--json=true" || a == "--format=json" }) ||
		len(c.Args) > 1 && slices.Contains(c.Args, "--format") && slices.Index(c.Args, "--format")+1 < len(c.Args) &&
			c.Args[slices.Index(c.Args, "--format")+1] == "json"
}

func (c *Command) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "engage",
		Short: "Check, show, try and run Engage playbooks",
		Long: `engage works on a workspace: a folder with the entity definitions, patterns
and playbooks of one bank. It checks them, shows what a playbook will do before
it does it, and runs it: on the simulator inside this program, or in a real
environment.`,
		Example: `  engage validate examples/portal-meeting
  engage plan examples/portal-meeting --playbook portal-meeting-booked --event examples/portal-meeting/events/booked.json
  engage run examples/portal-meeting --event examples/portal-meeting/events/booked.json`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("there is no command %q; engage --help lists them", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			_ = cmd.Help()
			return exitCode(ExitUsage)
		},
	}
	root.SetArgs(c.Args)
	root.SetIn(c.Stdin)
	root.SetOut(c.out)
	root.SetErr(c.Stderr)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usagef("%v; see %s --help", err, cmd.CommandPath())
	})
	root.CompletionOptions.HiddenDefaultCmd = true
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		c.started = true
		return checkEmpty(cmd)
	}
	root.AddCommand(
		c.initWorkspace(), c.validate(), c.describe(), c.graph(), c.schema(),
		c.plan(), c.run(), c.pattern(), c.test(), c.check(), c.simulate(), c.importTables(),
	)
	return root
}

// checkEmpty refuses flags that are given without a value, as by a variable of
// the shell that is not set: --environment "" would run on the simulator.
func checkEmpty(cmd *cobra.Command) (err error) {
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if err == nil && f.Value.Type() == "string" && f.Value.String() == "" {
			err = usagef("--%s is empty: give a value, or leave it out", f.Name)
		}
	})
	return err
}

// exitCode ends a command whose outcome has been reported.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// usageError is something that the caller of the command must do differently.
type usageError struct{ message string }

func (e *usageError) Error() string { return e.message }

func usagef(format string, args ...any) error {
	return &usageError{fmt.Sprintf(format, args...)}
}

// workspaceArgs wants DIR and the further arguments named.
func workspaceArgs(more ...string) cobra.PositionalArgs {
	want := append([]string{"DIR"}, more...)
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < len(want):
			return usagef("%s is missing; see %s --help", want[len(args)], cmd.CommandPath())
		case len(args) > len(want):
			return usagef("%q is one argument too many; see %s --help", args[len(want)], cmd.CommandPath())
		}
		return nil
	}
}
