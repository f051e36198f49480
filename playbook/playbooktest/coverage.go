package playbooktest

import (
	"fmt"
	"slices"

	"github.com/andmoneyaps/engage-playbooks/playbook"
)

// Coverage tells what of one playbook the tests have seen.
type Coverage struct {
	Playbook string `json:"playbook"`
	// Blocks that ran, of all; Mappings that gave a value; Branches that were
	// taken: both ways of every `when`, of the trigger's portals and
	// condition, and of every `onError: continue`.
	Blocks   Covered `json:"blocks"`
	Mappings Covered `json:"mappings"`
	Branches Covered `json:"branches"`
}

// Covered counts what was seen and names what was not.
type Covered struct {
	Seen    int      `json:"seen"`
	Of      int      `json:"of"`
	Missing []string `json:"missing"`
}

type cover struct {
	playbooks []*playbook.Playbook
	seen      map[*playbook.Playbook]map[string]bool
}

// newCover covers the playbooks that have tests.
func newCover(w *playbook.Workspace) *cover {
	c := &cover{seen: map[*playbook.Playbook]map[string]bool{}}
	for _, t := range w.Tests() {
		if c.seen[t.Playbook] == nil {
			c.playbooks = append(c.playbooks, t.Playbook)
			c.seen[t.Playbook] = map[string]bool{}
		}
	}
	slices.SortFunc(c.playbooks, func(a, b *playbook.Playbook) int { return compareText(a.ID, b.ID) })
	return c
}

func compareText(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func (c *cover) add(p *playbook.Playbook, r *playbook.Result) {
	if r == nil {
		return
	}
	seen := c.seen[p]
	for i, b := range r.Blocks {
		if b.Status == playbook.StatusSucceeded || b.Status == playbook.StatusFailed {
			seen["block "+b.Name] = true
			seen[branch(p.Blocks[i], true)] = true
		}
		if b.Status == playbook.StatusSkipped {
			seen[branch(p.Blocks[i], false)] = true
		}
		if b.Status == playbook.StatusFailed {
			seen[failing(p.Blocks[i])] = true
		}
		for j, applied := range r.Applied[i] {
			if applied {
				seen[mapping(p.Blocks[i], j)] = true
			}
		}
	}
}

func branch(b *playbook.Block, taken bool) string {
	what := "when"
	if b.Type == playbook.BlockTrigger {
		what = "portal or condition"
	}
	return fmt.Sprintf("%s: %s is %v", b.Name, what, taken)
}

func failing(b *playbook.Block) string { return b.Name + ": fails, and the run goes on" }

func mapping(b *playbook.Block, i int) string {
	m := b.Inputs[i]
	return fmt.Sprintf("%s: %s <- %s", b.Name, m.Destination, m.Label)
}

func (c *cover) report() []*Coverage {
	var all []*Coverage
	for _, p := range c.playbooks {
		seen := c.seen[p]
		r := &Coverage{Playbook: p.ID}
		for _, b := range p.Blocks {
			r.Blocks.count("block "+b.Name, b.Name, seen)
			for i := range b.Inputs {
				name := mapping(b, i)
				r.Mappings.count(name, name, seen)
			}
			conditional := b.When != nil || b.Type == playbook.BlockTrigger && (p.Trigger.Condition != nil || len(p.Trigger.Portals) > 0)
			if conditional {
				r.Branches.count(branch(b, true), branch(b, true), seen)
				r.Branches.count(branch(b, false), branch(b, false), seen)
			}
			if b.OnError == playbook.OnErrorContinue {
				r.Branches.count(failing(b), failing(b), seen)
			}
		}
		all = append(all, r)
	}
	return all
}

func (c *Covered) count(key, name string, seen map[string]bool) {
	c.Of++
	if seen[key] {
		c.Seen++
		return
	}
	c.Missing = append(c.Missing, name)
}
