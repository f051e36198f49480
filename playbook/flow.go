package playbook

import (
	"context"
	"slices"
)

// node is one task in the flow of a playbook: a block, or one half of a block
// that writes.
type node struct {
	block int
	// needs are the nodes that it waits for, sorted, all before it.
	needs []int
	run   func(s *step, ctx context.Context)
}

// lay lays out the flow of a playbook that was compiled without a mistake.
func (p *Playbook) lay() {
	for _, b := range p.Blocks {
		b.idle = emptyOutput(b)
		if b.Type.Writes() {
			b.finds = b.lookupNeeds()
		}
	}
	p.nodes = layout(p.Blocks)
	p.flow = flowOf(p)
}

// layout lays blocks out: data flow, with writes as barriers. The look-up of a
// writing block is a node of its own.
func layout(blocks []*Block) []node {
	var (
		nodes []node
		final = make([]int, len(blocks)) // the node after which a block has ended
		wrote = -1                       // the final node of the last block that writes
	)
	add := func(i int, needs []int, run func(s *step, ctx context.Context)) int {
		if wrote >= 0 {
			needs = append(needs, wrote)
		}
		slices.Sort(needs)
		nodes = append(nodes, node{block: i, needs: slices.Compact(needs), run: run})
		return len(nodes) - 1
	}
	of := func(indexes []int) []int {
		needs := make([]int, len(indexes))
		for k, j := range indexes {
			needs[k] = final[j]
		}
		return needs
	}
	for i, b := range blocks {
		switch {
		case b.Type == BlockTrigger:
			final[i] = add(i, nil, func(s *step, ctx context.Context) { s.end(ctx, nil) })
		case !b.Type.Writes():
			final[i] = add(i, of(b.Needs), (*step).block)
		default:
			find := add(i, of(b.finds), (*step).lookup)
			wrote = -1 // it waits for all before it, that one included
			final[i] = add(i, append([]int{find}, final[:i]...), (*step).write)
			wrote = final[i]
		}
	}
	return nodes
}
