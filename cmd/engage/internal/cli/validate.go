package cli

import (
	"fmt"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/andmoneyaps/engage-playbooks"
	"github.com/andmoneyaps/engage-playbooks/cmd/engage/internal/render"
	"github.com/andmoneyaps/engage-playbooks/playbook"
	"github.com/andmoneyaps/engage-playbooks/playbook/playbooktest"
)

func (c *Command) validate() *cobra.Command {
	var format string
	var asJSON, source bool
	cmd := &cobra.Command{
		Use:   "validate DIR",
		Short: "Report every problem in a workspace's documents",
		Long: `validate reads every document of the workspace and reports everything that is
wrong with them, each problem at its line, with what would be right where that
can be told. Nothing is sent anywhere. Warnings alone are no failure.`,
		Example: `  engage validate examples/portal-meeting
  engage validate . --format github     # annotations in a pull request`,
		Args: workspaceArgs(),
		RunE: func(cmd *cobra.Command, args []string) error {
			if asJSON {
				format = "json"
			}
			return c.runValidate(args[0], format, source || terminal(c.out))
		},
	}
	cmd.Flags().StringVar(&format, "format", "text", "text, json, sarif or github")
	cmd.Flags().BoolVar(&asJSON, "json", false, "the same as --format json")
	cmd.Flags().BoolVar(&source, "source", false, "show the line and a caret under each problem (on a terminal always)")
	completeWords(cmd, "format", "text", "json", "sarif", "github")
	return cmd
}

func (c *Command) runValidate(dir, format string, source bool) error {
	root, err := openFolder(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	var problems engage.Problems
	w, err := loadFS(root.FS())
	switch found, ok := problemsOf(err); {
	case ok:
		problems = found
	case err != nil:
		return err
	case empty(w):
		return usagef("%s holds no document of a playbook workspace; engage init makes a new one", dir)
	default:
		problems = warningsOf(w)
	}
	switch format {
	case "text":
		var lines render.Lines
		if source {
			lines = sourceLines(root)
		}
		render.ProblemsText(c.out, problems, c.style(c.out), lines)
		if len(problems) > 0 || terminal(c.Stderr) {
			fmt.Fprintf(c.Stderr, "%s: %s\n", dir, render.ProblemsSummary(problems))
		}
	case "json":
		err = render.ProblemsJSON(c.out, problems)
	case "sarif":
		err = render.ProblemsSARIF(c.out, problems, inRepository(dir))
	case "github":
		render.ProblemsGitHub(c.out, problems, inRepository(dir))
	default:
		return usagef("--format %s is none of text, json, sarif, github", format)
	}
	if problems.HasErrors() {
		return exitCode(ExitUsage)
	}
	return nil
}

// warningsOf are the workspace's own warnings, and what keeps the simulator from
// serving it: it can still run in an environment.
func warningsOf(w *playbook.Workspace) engage.Problems {
	problems := slices.Clone(w.Warnings())
	_, unfit := playbooktest.Schema(w)
	for _, p := range unfit {
		warning := *p
		warning.Severity = engage.Warning
		problems = append(problems, &warning)
	}
	problems.Sort()
	return problems
}

// inRepository is the workspace's path as annotations need it: relative to
// where the command runs, which is the repository's root in a pipeline.
func inRepository(dir string) string {
	if filepath.IsAbs(dir) {
		return filepath.ToSlash(dir)
	}
	return filepath.ToSlash(filepath.Clean(dir))
}

func completeWords(cmd *cobra.Command, flag string, words ...string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
}
