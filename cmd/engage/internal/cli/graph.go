package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/andmoneyaps/engage-playbooks/cmd/engage/internal/render"
	"github.com/andmoneyaps/engage-playbooks/entity"
	"github.com/andmoneyaps/engage-playbooks/pattern"
	"github.com/andmoneyaps/engage-playbooks/playbook"
)

func (c *Command) graph() *cobra.Command {
	var format, kind string
	cmd := &cobra.Command{
		Use:   "graph DIR ID",
		Short: "Draw a playbook or a pattern",
		Long: `graph draws a playbook (its blocks and what flows between them) or a pattern
(its parts and what they require of each other). Frames are rounds of requests
that go out together, and records that are written all or nothing; what runs as
the application has a thick red border.`,
		Example: `  engage graph examples/portal-meeting portal-meeting-booked --format svg > booked.svg
  engage graph examples/portal-meeting book-meeting --format mermaid`,
		Args: workspaceArgs("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			w, err := load(args[0])
			if err != nil {
				return err
			}
			g, err := drawing(w, args[1], kind)
			if err != nil {
				return err
			}
			switch format {
			case "svg":
				return g.SVG(c.out)
			case "dot":
				return g.DOT(c.out)
			case "mermaid":
				return g.Mermaid(c.out)
			}
			return usagef("--format %s is none of svg, dot, mermaid", format)
		},
		ValidArgsFunction: completeIDs(playbookIDs, patternIDs),
	}
	cmd.Flags().StringVar(&format, "format", "svg", "svg, dot or mermaid")
	cmd.Flags().StringVar(&kind, "kind", "", "playbook or pattern, where both have the id")
	completeWords(cmd, "format", "svg", "dot", "mermaid")
	completeWords(cmd, "kind", "playbook", "pattern")
	return cmd
}

// drawing finds what the id stands for.
func drawing(w *playbook.Workspace, id, kind string) (*render.Graph, error) {
	b, isPlaybook := w.Playbook(id)
	p, isPattern := w.Pattern(id)
	switch {
	case kind != "" && kind != "playbook" && kind != "pattern":
		return nil, usagef("--kind %s is neither playbook nor pattern", kind)
	case kind == "" && isPlaybook && isPattern:
		return nil, usagef("%q is a playbook and a pattern; say which with --kind", id)
	case isPlaybook && kind != "pattern":
		return playbookGraph(b), nil
	case isPattern && kind != "playbook":
		return patternGraph(p), nil
	case kind == "playbook":
		return nil, notFound("playbook", id, playbookIDs(w))
	case kind == "pattern":
		return nil, notFound("pattern", id, patternIDs(w))
	}
	return nil, notFound("playbook or pattern", id, append(playbookIDs(w), patternIDs(w)...))
}

// playbookGraph draws blocks and what they read from each other.
func playbookGraph(p *playbook.Playbook) *render.Graph {
	g := &render.Graph{Title: cmp.Or(p.Name, p.ID), Subtitle: p.ID}
	rounds := requestRounds(p)
	for _, b := range p.Blocks {
		n := render.Node{Name: b.Name, Shape: shapeOf(b), Lines: blockLines(b), Escalated: b.Identity == playbook.IdentityApplication}
		n.Stage = 2 * rounds[b.Index]
		if b.Type.CRM() {
			n.Group = fmt.Sprintf("round %d", rounds[b.Index])
		} else {
			n.Stage++ // it may need what the round before has read
		}
		if b.When != nil {
			n.Optional = true
			n.Lines = append(n.Lines, "when "+short(b.When.Source, 36))
		}
		g.Nodes = append(g.Nodes, n)
		for _, need := range b.Needs {
			from := p.Blocks[need]
			g.Edges = append(g.Edges, render.Edge{From: from.Name, To: b.Name, Labels: edgeLabels(from, b)})
		}
	}
	return g
}

// requestRounds counts, for each block that talks to Dataverse, the requests
// that wait for each other up to its own: a block waits for what it reads from,
// a write and what follows one also for every block before. A write that looks
// records up first takes two rounds.
func requestRounds(p *playbook.Playbook) []int {
	rounds := make([]int, len(p.Blocks))
	written := 0 // the round of the last write
	highest := 0
	for i, b := range p.Blocks {
		before := written
		for _, need := range b.Needs {
			before = max(before, rounds[need])
		}
		if b.Type.Writes() {
			before = max(before, highest, lookupRound(b, rounds, written))
		}
		rounds[i] = before
		if b.Type.CRM() {
			rounds[i]++
		}
		highest = max(highest, rounds[i])
		if b.Type.Writes() {
			written = rounds[i]
		}
	}
	return rounds
}

// lookupRound is the round in which a write finds its read-only parts; 0 if all
// are given by id.
func lookupRound(b *playbook.Block, rounds []int, written int) int {
	round := 0
	for _, m := range b.Inputs {
		part, ok := b.Pattern.Part(m.Part)
		if !ok || !part.ReadOnly || m.Field == entity.IDField {
			continue
		}
		before := written
		if m.From != nil {
			before = max(before, rounds[m.From.Index])
		}
		round = max(round, before+1)
	}
	return round
}

func shapeOf(b *playbook.Block) render.Shape {
	switch {
	case b.Type == playbook.BlockTrigger:
		return render.Start
	case b.Type == playbook.BlockOutput:
		return render.End
	case b.Type.Writes():
		return render.Writing
	case b.Type.CRM():
		return render.Reading
	}
	return render.Plain
}

func blockLines(b *playbook.Block) []string {
	switch {
	case b.Type.CRM():
		lines := []string{string(b.Operation) + " " + b.Pattern.ID}
		if b.Type.Writes() {
			lines = append(lines, changeSet(b))
		}
		if b.Identity == playbook.IdentityApplication {
			lines = append(lines, "as the application:", short(b.Reason, 36))
		}
		return lines
	case b.Template != nil:
		return []string{"template " + b.Template.ID}
	case b.Capability != nil:
		return []string{"capability " + b.Capability.ID + " " + b.Version}
	}
	return []string{strings.TrimPrefix(string(b.Type), "EntityPattern")}
}

// changeSet names the parts that a block writes and whether they stand and
// fall together.
func changeSet(b *playbook.Block) string {
	var parts []string
	for _, part := range b.Pattern.Order() {
		if !part.ReadOnly {
			name := part.Ref
			if part.AllowsMultiple {
				name += "[*]"
			}
			parts = append(parts, name)
		}
	}
	together := "all or nothing"
	if !b.Atomic {
		together = "in bulk"
	}
	return strings.Join(parts, " + ") + " · " + together
}

// edgeLabels name the destinations that take values from a block.
func edgeLabels(from, to *playbook.Block) []string {
	var names []string
	for _, m := range to.Inputs {
		if m.From == from && !slices.Contains(names, m.Destination) {
			names = append(names, m.Destination)
		}
	}
	if len(names) > 3 {
		names = append(names[:2], fmt.Sprintf("and %d more", len(names)-2))
	}
	return names
}

func short(s string, n int) string {
	r := []rune(strings.Join(strings.Fields(s), " "))
	if len(r) <= n {
		return string(r)
	}
	return string(r[:n-1]) + "…"
}

// patternGraph draws parts and what they require of each other.
func patternGraph(p *pattern.Pattern) *render.Graph {
	g := &render.Graph{Title: cmp.Or(p.Name, p.ID), Subtitle: p.ID}
	for _, part := range p.Order() {
		n := render.Node{Name: part.Ref, Lines: []string{part.Entity.ID + " · " + part.Entity.Table}, Optional: part.Optional, Shape: render.Writing, Group: "written all or nothing", Stage: 1}
		var traits []string
		if part.ReadOnly {
			n.Shape, n.Group, n.Stage = render.Reading, "", 0
			traits = append(traits, "read only")
		}
		if part.AllowsMultiple {
			traits = append(traits, "many")
		}
		if part.Optional {
			traits = append(traits, "optional")
		}
		if traits != nil {
			n.Lines = append(n.Lines, strings.Join(traits, ", "))
		}
		g.Nodes = append(g.Nodes, n)
	}
	for _, r := range p.Requirements {
		label := r.Field
		if r.ReferenceField != "Id" {
			label += " = " + r.ReferenceField
		}
		g.Edges = append(g.Edges, render.Edge{From: r.Reference, To: r.Part, Labels: []string{label}, Optional: r.Optional})
	}
	return g
}
