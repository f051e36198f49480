package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/andmoneyaps/engage-playbooks/cmd/engage/internal/render"
	"github.com/andmoneyaps/engage-playbooks/pattern"
	"github.com/andmoneyaps/engage-playbooks/playbook"
)

func (c *Command) describe() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "describe DIR PATTERN",
		Short:   "Show a pattern's parts, their fields, and what is required",
		Example: `  engage describe examples/portal-meeting book-meeting`,
		Args:    workspaceArgs("PATTERN"),
		RunE: func(cmd *cobra.Command, args []string) error {
			w, err := load(args[0])
			if err != nil {
				return err
			}
			p, err := findPattern(w, args[1])
			if err != nil {
				return err
			}
			d := p.Describe("")
			if asJSON {
				return render.JSON(c.out, d)
			}
			c.describeText(p, d)
			return nil
		},
		ValidArgsFunction: completeIDs(patternIDs),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON document on stdout")
	return cmd
}

func (c *Command) describeText(p *pattern.Pattern, d *pattern.Description) {
	style := c.style(c.out)
	fmt.Fprintf(c.out, "%s\n", style.Bold(render.Title(p.ID, p.Name)))
	if p.Description != "" {
		fmt.Fprintf(c.out, "%s\n", render.Printable(p.Description))
	}
	for _, part := range d.Parts {
		render.DescribePart(c.out, style, part)
	}
}

func findPattern(w *playbook.Workspace, id string) (*pattern.Pattern, error) {
	if p, ok := w.Pattern(id); ok {
		return p, nil
	}
	return nil, notFound("pattern", id, patternIDs(w))
}

func findPlaybook(w *playbook.Workspace, id string) (*playbook.Playbook, error) {
	if p, ok := w.Playbook(id); ok {
		return p, nil
	}
	return nil, notFound("playbook", id, playbookIDs(w))
}

func notFound(kind, id string, have []string) error {
	if len(have) == 0 {
		return usagef("there is no %s %q; the workspace has no %s at all", kind, id, kind)
	}
	return usagef("there is no %s %q; there are: %s", kind, id, strings.Join(have, ", "))
}

func patternIDs(w *playbook.Workspace) []string {
	var ids []string
	for _, p := range w.Patterns() {
		ids = append(ids, p.ID)
	}
	return ids
}

func playbookIDs(w *playbook.Workspace) []string {
	var ids []string
	for _, p := range w.Playbooks() {
		ids = append(ids, p.ID)
	}
	return ids
}

// completeIDs completes DIR as a folder and the argument after it as an id.
func completeIDs(of ...func(*playbook.Workspace) []string) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
		if len(args) == 0 {
			return nil, cobra.ShellCompDirectiveFilterDirs
		}
		if len(args) > 1 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		w, err := load(args[0])
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var ids []string
		for _, f := range of {
			ids = append(ids, f(w)...)
		}
		ids = slices.DeleteFunc(ids, func(id string) bool { return !strings.HasPrefix(id, prefix) })
		return ids, cobra.ShellCompDirectiveNoFileComp
	}
}
