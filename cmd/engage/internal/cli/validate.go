package cli

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/andmoneyaps/engage-playbooks"
	"github.com/andmoneyaps/engage-playbooks/cmd/engage/internal/render"
	"github.com/andmoneyaps/engage-playbooks/dataverse/simulator"
	"github.com/andmoneyaps/engage-playbooks/entity"
	"github.com/andmoneyaps/engage-playbooks/playbook"
	"github.com/andmoneyaps/engage-playbooks/playbook/playbooktest"
)

func (c *Command) validate() *cobra.Command {
	var f validateFlags
	var asJSON bool
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
				f.format = "json"
			}
			return c.runValidate(cmd.Context(), args[0], &f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.format, "format", "text", "text, json, sarif or github")
	flags.BoolVar(&asJSON, "json", false, "the same as --format json")
	flags.BoolVar(&f.source, "source", false, "show the line and a caret under each problem (on a terminal always)")
	flags.BoolVar(&f.live, "live", false, "compare the definitions with the metadata of the environment's organisation too")
	flags.StringVar(&f.environment, "environment", "", "the Environment document of the organisation, for --live")
	flags.StringVar(&f.assertionFile, "assertion-file", "", "ask as this employee instead of as the application, for --live")
	completeWords(cmd, "format", "text", "json", "sarif", "github")
	return cmd
}

type validateFlags struct {
	targetFlags
	format       string
	source, live bool
}

func (c *Command) runValidate(ctx context.Context, dir string, f *validateFlags) error {
	if f.live != (f.environment != "") {
		return usagef("--live and --environment FILE go together")
	}
	c.EndsSoon()
	root, err := openFolder(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	problems, err := c.problems(dir, root.FS())
	if err != nil {
		return err
	}
	if f.live && !problems.HasErrors() {
		live, err := c.liveProblems(ctx, root.FS(), &f.targetFlags)
		if err != nil {
			return err
		}
		problems = append(problems, live...)
		problems.Sort()
	}
	switch f.format {
	case "text":
		var lines render.Lines
		if f.source || terminal(c.out) {
			lines = sourceLines(root)
		}
		render.ProblemsText(c.out, problems, c.style(c.out), lines)
		if len(problems) > 0 || terminal(c.Stderr) {
			fmt.Fprintf(c.Stderr, "%s: %s\n", dir, render.ProblemsSummary(problems))
		}
	// What cannot be written is kept by c.out, which says so in the end.
	case "json":
		_ = render.ProblemsJSON(c.out, problems)
	case "sarif":
		_ = render.ProblemsSARIF(c.out, problems, inRepository(dir))
	case "github":
		render.ProblemsGitHub(c.out, problems, inRepository(dir))
	default:
		return usagef("--format %s is none of text, json, sarif, github", f.format)
	}
	if problems.HasErrors() {
		return exitCode(ExitUsage)
	}
	return nil
}

// problems loads the workspace and gives everything that is wrong with its
// documents and seeds. The error is that there is nothing to look at.
func (c *Command) problems(dir string, fsys fs.FS) (engage.Problems, error) {
	var seeds seedCheck
	w, err := (&playbook.Loader{Kinds: kinds, CheckSeed: seeds.collect}).Load(fsys)
	problems, broken := problemsOf(err)
	switch {
	case err != nil && !broken:
		return nil, err
	case !broken && empty(w):
		return nil, usagef("%s holds no document of a playbook workspace; engage init makes a new one", dir)
	case !broken:
		problems = slices.Clone(w.Warnings())
	}
	problems = append(problems, seeds.problems(w)...)
	problems = append(problems, playbooktest.Misspelt(seeds.definitions)...)
	problems.Sort()
	return problems, nil
}

// liveProblems compares the definitions with the organisation's metadata.
func (c *Command) liveProblems(ctx context.Context, fsys fs.FS, f *targetFlags) (engage.Problems, error) {
	w, err := playbook.Load(fsys, kinds...)
	if err != nil {
		return nil, err
	}
	t, err := c.open(w, f, nil)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	client, err := c.metadataClient(ctx, t, f)
	if err != nil {
		return nil, err
	}
	var problems engage.Problems
	for _, d := range w.Definitions() {
		asked := *d // without its entity set, so that metadata is looked at
		asked.EntitySet = ""
		_, err := asked.Bind(ctx, client, w.Definitions()...)
		found, ok := problemsOf(err)
		if err != nil && !ok {
			return nil, err
		}
		problems = append(problems, found...)
	}
	return problems, nil
}

// seedCheck tries the seeds on a simulator. It gets them from the loader, so
// that they are looked at even where a playbook is broken.
type seedCheck struct {
	called      bool
	definitions []*entity.Definition
	files       []simulator.SeedFile
}

func (s *seedCheck) collect(definitions []*entity.Definition, file string, data []byte) engage.Problems {
	s.called, s.definitions = true, definitions
	s.files = append(s.files, simulator.SeedFile{Name: file, Data: data})
	return nil
}

// problems are those of the seeds, of the Simulator document where the
// workspace w could be loaded, and as warnings what keeps the simulator from
// serving the workspace: it can still run in an environment.
func (s *seedCheck) problems(w *playbook.Workspace) engage.Problems {
	if w != nil {
		s.definitions = w.Definitions()
	}
	schema, unfit := playbooktest.SchemaOf(s.definitions)
	if unfit.HasErrors() {
		for _, p := range unfit {
			p.Severity = engage.Warning
		}
		return unfit
	}
	if !s.called && (w == nil || w.Simulator() == nil) {
		return nil
	}
	if w != nil {
		world, err := playbooktest.NewWorld(w, &playbooktest.Options{NoListener: true, Schema: schema})
		if err == nil {
			world.Close()
		}
		found, _ := problemsOf(err)
		return found
	}
	server := simulator.NewServer(schema, &simulator.Options{NoListener: true})
	defer server.Close()
	found, _ := problemsOf(server.Seed(s.files...))
	return found
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
