package pattern

import (
	"container/heap"
	"slices"
)

// walk is the order in which a read looks at the parts of a result: from the
// root on, each part joined to one before it. It depends on where the criteria
// are only if no part stands for a single record. It is immutable.
type walk struct {
	order []*Part
	// parent is the edge to the part that a part is reached from; nil for the
	// root.
	parent map[*Part]*edge
	// earlier lists, for each part, its edges to parts before it.
	earlier map[*Part][]*edge
	// children lists, for each part, those that are reached from it, in order.
	children map[*Part][]*Part
	// missing is the first part that no requirement connects; nil if all are.
	missing *Part
}

// newWalk starts at the first single part that is not optional, for a result
// is one record of each; where there is none, at the part whose criteria
// choose the records.
func (p *Pattern) newWalk(given func(*Part) bool) *walk {
	root := p.root(given)
	if w := p.walked.Load(); w != nil && w.order[0] == root {
		return w
	}
	w := p.walkFrom(root)
	p.walked.Store(w)
	return w
}

func (p *Pattern) walkFrom(root *Part) *walk {
	edges := p.edges()
	w := &walk{parent: map[*Part]*edge{}, earlier: map[*Part][]*edge{}, children: map[*Part][]*Part{}}
	at := make(map[*Part][]*edge, len(p.Parts))
	for _, e := range edges {
		at[e.holder] = append(at[e.holder], e)
		at[e.referenced] = append(at[e.referenced], e)
	}
	seen := map[*Part]bool{}
	var reached frontier
	visit := func(part *Part) {
		seen[part] = true
		w.order = append(w.order, part)
		if e := w.parent[part]; e != nil {
			from := e.other(part)
			w.children[from] = append(w.children[from], part)
		}
		for _, e := range at[part] {
			if o := e.other(part); !seen[o] {
				if w.parent[o] == nil {
					w.parent[o] = e
					heap.Push(&reached, o)
				}
				w.earlier[o] = append(w.earlier[o], e)
			}
		}
	}
	visit(root)
	for len(reached) > 0 {
		visit(heap.Pop(&reached).(*Part))
	}
	for _, part := range p.Parts {
		if !seen[part] {
			w.missing = part
			break
		}
	}
	return w
}

// frontier is a heap of the parts that are reached and not looked at yet.
type frontier []*Part

func (f frontier) Len() int           { return len(f) }
func (f frontier) Less(i, j int) bool { return before(f[i], f[j]) }
func (f frontier) Swap(i, j int)      { f[i], f[j] = f[j], f[i] }
func (f *frontier) Push(p any)        { *f = append(*f, p.(*Part)) }

func (f *frontier) Pop() any {
	last := len(*f) - 1
	p := (*f)[last]
	*f = (*f)[:last]
	return p
}

// before says which of two parts that can both be reached is looked at first:
// what must be there before what may be, one record before many.
func before(a, b *Part) bool {
	if a.Optional != b.Optional {
		return b.Optional
	}
	if a.AllowsMultiple != b.AllowsMultiple {
		return b.AllowsMultiple
	}
	return a.index < b.index
}

func (p *Pattern) root(given func(*Part) bool) *Part {
	for _, want := range []func(*Part) bool{
		func(part *Part) bool { return !part.Optional && !part.AllowsMultiple },
		func(part *Part) bool { return !part.Optional && given(part) },
		func(part *Part) bool { return !part.Optional },
		func(part *Part) bool { return !part.AllowsMultiple },
		given,
	} {
		if i := slices.IndexFunc(p.Parts, want); i >= 0 {
			return p.Parts[i]
		}
	}
	return p.Parts[0]
}
