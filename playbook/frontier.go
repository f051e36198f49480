package playbook

import "slices"

// graph is which nodes of a flow wait for which. It is made once and shared.
type graph struct {
	// blocks are the places of the nodes' blocks in the document: what fails
	// first there is the run's failure.
	blocks []int
	// needs counts the nodes that each waits for, users are those that wait for
	// it. A node waits for nodes before it only.
	needs []int
	users [][]int
	ranks []rank
}

// rank says which of several nodes that may run goes first.
type rank uint8

const (
	// rankAsks: the node asks somebody, and waits for answers.
	rankAsks rank = iota
	// rankFeeds: it only computes, and one that asks waits for it.
	rankFeeds
	// rankComputes: it only computes.
	rankComputes
)

// newGraph lays out n nodes; node gives the block of one, its rank and the nodes
// that it waits for.
func newGraph(n int, node func(i int) (block int, rank rank, needs []int)) *graph {
	g := &graph{blocks: make([]int, n), needs: make([]int, n), users: make([][]int, n), ranks: make([]rank, n)}
	for i := range n {
		block, rank, needs := node(i)
		g.blocks[i], g.ranks[i], g.needs[i] = block, rank, len(needs)
		for _, j := range needs {
			g.users[j] = append(g.users[j], i)
		}
	}
	return g
}

func (g *graph) asks(i int) bool { return g.ranks[i] == rankAsks }

// frontier knows which nodes of a graph may run, given those that have ended.
type frontier struct {
	*graph
	missing []int
	ready   []int // by rank, and then in order
	stopped int
}

func newFrontier(g *graph) frontier {
	both := make([]int, 2*len(g.blocks))
	f := frontier{graph: g, missing: both[:len(g.blocks):len(g.blocks)], ready: both[len(g.blocks):][:0], stopped: -1}
	copy(f.missing, g.needs)
	for i, missing := range f.missing {
		if missing == 0 {
			f.add(i)
		}
	}
	return f
}

// add makes the node one that may run.
func (f *frontier) add(i int) {
	at, _ := f.place(i)
	f.ready = slices.Insert(f.ready, at, i)
}

// place is where the node stands among those that may run.
func (f *frontier) place(i int) (at int, there bool) {
	return slices.BinarySearchFunc(f.ready, i, func(a, b int) int {
		if f.ranks[a] != f.ranks[b] {
			return int(f.ranks[a]) - int(f.ranks[b])
		}
		return a - b
	})
}

// next takes the first node that may run.
func (f *frontier) next() (i int, ok bool) {
	for len(f.ready) > 0 {
		i = f.ready[0]
		f.ready = slices.Delete(f.ready, 0, 1)
		if !f.beyond(i) {
			return i, true
		}
	}
	return 0, false
}

// beyond reports whether the node is of a block after the one that ended the
// run.
func (f *frontier) beyond(i int) bool { return f.stopped >= 0 && f.blocks[i] > f.stopped }

// end notes that a node has ended, and whether it ends the run.
func (f *frontier) end(i int, stop bool) {
	if stop {
		if b := f.blocks[i]; f.stopped < 0 || b < f.stopped {
			f.stopped = b
		}
		return
	}
	for _, u := range f.users[i] {
		if f.missing[u]--; f.missing[u] == 0 {
			f.add(u)
		}
	}
}
