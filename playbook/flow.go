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
	// barrier: it waits for all blocks before its own.
	barrier bool
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

// graph is that of the nodes, made for the first run. asking says that
// somebody is asked for the capabilities of Ai blocks.
func (p *Playbook) graph(asking bool) *graph {
	made := &p.graphs[0]
	if asking {
		made = &p.graphs[1]
	}
	if g := made.Load(); g != nil {
		return g
	}
	g := p.newGraph(asking)
	made.Store(g)
	return g
}

func (p *Playbook) newGraph(asking bool) *graph {
	g := newGraph(len(p.nodes), func(i int) (int, rank, []int) {
		n := &p.nodes[i]
		rank := rankComputes
		if t := p.Blocks[n.block].Type; t.CRM() || asking && t == BlockAi {
			rank = rankAsks
		}
		return n.block, rank, n.needs
	})
	for i, users := range slices.Backward(g.users) {
		if g.ranks[i] == rankComputes && slices.ContainsFunc(users, func(u int) bool { return g.ranks[u] != rankComputes && !p.nodes[u].barrier }) {
			g.ranks[i] = rankFeeds
		}
	}
	return g
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
			nodes[wrote].barrier = true
		}
	}
	return nodes
}
