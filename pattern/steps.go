package pattern

import (
	"slices"
	"strings"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/entity"
)

// maxExpands is how many $expand options one query may have (fact sheet,
// section 4.5).
const maxExpands = 15

// maxInBytes bounds the encoded values of one In, so that the request stays
// well below the 32,768 characters of a URL (fact sheet, section 1.4).
const maxInBytes = 20_000

// maxInBatchBytes is the same for the 65,536 within a $batch, and maxInValues
// how many values there may be; sideBySide queries are sent at once.
const (
	maxInBatchBytes = 45_000
	maxInValues     = 1_500
	sideBySide      = 4
)

// maxPartyChunk bounds the alternatives in one condition on parties.
const maxPartyChunk = 40

// step is one query of a plan, or several that share its shape because its
// values do not fit into one URL.
type step struct {
	round int
	tree  *fetchNode
	// from is the edge whose other end gives the values to ask for; nil for
	// the step that begins.
	from *edge
	// source is the node that the values come from.
	source *fetchNode
	// known: the values are ids that the input gives, so nothing is waited for.
	known bool
	// path: the records are chosen by these conditions, so nothing is waited
	// for either.
	path []dataverse.Filter
	// why says why an earlier step did not bring the part.
	why string
}

// fetchNode is a part within a step: the queried part, or one joined by
// $expand.
type fetchNode struct {
	part     *Part
	property string
	// collection says that the property leads to many.
	collection bool
	children   []*fetchNode
	// locate says that the records only lead to others; they are not all that
	// the part holds.
	locate  bool
	located pool
	// flat: the node is the queried part, and no expand of its query has one
	// inside.
	flat bool
}

func (s *step) String() string {
	var joined []string
	var walk func(n *fetchNode)
	walk = func(n *fetchNode) {
		for _, c := range n.children {
			joined = append(joined, c.part.Ref)
			walk(c)
		}
	}
	walk(s.tree)
	text := s.tree.part.Ref
	switch {
	case s.path != nil:
		text += " by the conditions on " + s.from.other(s.tree.part).Ref
	case s.from != nil && s.known:
		text += " of the ids given for " + s.from.other(s.tree.part).Ref
	case s.from != nil:
		text += " joined to " + s.from.other(s.tree.part).Ref
		if s.why != "" {
			text += " (" + s.why + ")"
		}
	case s.tree.locate:
		text += " by its input, to find the results"
	default:
		text += " by its input"
	}
	if len(joined) > 0 {
		text += ", with " + strings.Join(joined, ", ") + " expanded"
	}
	return text
}

// plan decides which parts are read together and in which round.
//
// It begins at a part with criteria and goes along the walk to its root, for
// the root's records are the results; from there it goes out to all parts. A
// part that was read whole on the way is not read again.
func (r *ReadPlan) plan() []*step {
	b := &planner{read: r, parts: make([]partPlan, len(r.pattern.Parts))}
	if r.conditions[r.walk.order[0].index].never {
		return nil
	}
	start := r.start()
	var chain []*Part // from the start to the root
	for p := start; ; {
		chain = append(chain, p)
		e := r.walk.parent[p]
		if e == nil {
			break
		}
		p = e.other(p)
	}
	b.chain = chain
	for i, p := range chain {
		if b.parts[p.index].node != nil {
			continue
		}
		if i == 0 {
			b.begin(p, &step{})
		} else {
			prev := chain[i-1]
			b.begin(p, &step{from: r.walk.parent[prev], source: b.parts[prev.index].node})
		}
	}
	for _, p := range r.walk.order {
		if n := b.parts[p.index].node; n != nil && !n.locate {
			continue
		}
		if r.conditions[p.index].never {
			continue
		}
		e := r.walk.parent[p]
		source := b.parts[e.other(p).index].node
		if source == nil {
			continue // joined to a part that nothing can be in
		}
		b.begin(p, &step{from: e, source: source})
	}
	return b.steps
}

// start is where the criteria are: ids first, then the root, then the first
// part that must be there.
func (r *ReadPlan) start() *Part {
	root := r.walk.order[0]
	if root.AllowsMultiple {
		return root
	}
	can := func(p *Part) bool {
		return r.conditions[p.index].given && len(r.conditions[p.index].filters) > 0 && r.required(p)
	}
	if can(root) && len(r.conditions[root.index].ids) > 0 {
		return root
	}
	for _, p := range r.pattern.Parts {
		if can(p) && len(r.conditions[p.index].ids) > 0 {
			return p
		}
	}
	if can(root) {
		return root
	}
	for _, p := range r.pattern.Parts {
		if can(p) {
			return p
		}
	}
	return root
}

type planner struct {
	read  *ReadPlan
	chain []*Part
	steps []*step
	parts []partPlan
}

// partPlan is what is decided of a part; zero as long as it is not.
type partPlan struct {
	node *fetchNode
	// round is when its records are there.
	round int
	// path are its conditions if it is read by them alone.
	path []dataverse.Filter
	// why says why it was not expanded where it could have been.
	why string
}

// begin adds a step for the part and grows it.
func (b *planner) begin(p *Part, s *step) {
	s.tree = b.node(p)
	s.round = 1
	if s.from == nil {
		b.notePath(p, nil)
	} else {
		other := s.from.other(p)
		path := b.path(p, s.from)
		if path != nil {
			b.notePath(p, path)
		}
		if s.from.byID() && s.from.referenced == other && len(b.read.conditions[other.index].ids) > 0 && !s.source.locate {
			s.known = true
		} else if path != nil {
			s.path = path
		} else {
			s.round, s.why = b.parts[other.index].round+1, b.parts[p.index].why
		}
	}
	b.parts[p.index].round = s.round
	b.steps = append(b.steps, s)
	expands := b.parties(p)
	b.grow(s, s.tree, &expands)
	s.tree.flat = isFlat(s.tree)
}

// node registers a part as read. Parts with many records that lie between the
// start and the root are only located: the results may hold more of them.
func (b *planner) node(p *Part) *fetchNode {
	n := &fetchNode{part: p}
	if b.parts[p.index].node == nil {
		i := slices.Index(b.chain, p)
		n.locate = i > 0 && i < len(b.chain)-1 && p.AllowsMultiple
	}
	b.parts[p.index].node = n
	return n
}

// grow joins by $expand what the Web API allows. Within a chain it first goes
// on towards the root.
func (b *planner) grow(s *step, n *fetchNode, expands *int) {
	w := b.read.walk
	if i := slices.Index(b.chain, n.part); i >= 0 && i < len(b.chain)-1 && b.parts[b.chain[i+1].index].node == nil {
		b.expand(s, n, b.chain[i+1], w.parent[n.part], expands)
	}
	if n.locate {
		return // its records are not all, so what is joined to them is not either
	}
	for _, p := range w.children[n.part] {
		if b.parts[p.index].node == nil && !b.read.conditions[p.index].never {
			b.expand(s, n, p, w.parent[p], expands)
		}
	}
}

// expand joins part p to the node, if the Web API can; else it notes why not.
func (b *planner) expand(s *step, n *fetchNode, p *Part, e *edge, expands *int) {
	cost := 1 + b.parties(p)
	property, collection, why := b.property(n, p, e)
	switch {
	case why != "":
	case *expands+cost > maxExpands:
		why = "a query has 15 expands at most"
	case slices.ContainsFunc(n.children, func(o *fetchNode) bool { return o.property == property }):
		why = "another part has the same expand"
	}
	if why != "" {
		b.parts[p.index].why = why
		return
	}
	child := b.node(p)
	child.property, child.collection = property, collection
	n.children = append(n.children, child)
	b.parts[p.index].round = s.round
	*expands += cost
	b.grow(s, child, expands)
}

// property is the navigation property from the node to part p, or why p cannot
// be expanded (fact sheet, section 4.5).
func (b *planner) property(n *fetchNode, p *Part, e *edge) (property string, collection bool, why string) {
	filters, table := b.read.conditions[p.index].filters, e.referenced.Entity.Table
	switch {
	case e.field.Type == entity.TypePartyList:
		return "", false, "parties are joined by role, which no expand can"
	case !e.byID() || e.field.Type != entity.TypeLookup:
		return "", false, "no lookup joins them"
	case e.holder == n.part && len(filters) > 0:
		return "", false, "the expand of a lookup takes no filter"
	case e.holder == n.part:
		property = e.field.Navigation[table]
	case b.read.limit > DefaultLimit:
		return "", false, "an expand brings 5,000 records at most"
	case !expandable(filters):
		return "", false, "an expand's filter takes no list"
	default:
		property, collection = e.field.Collection(table), true
	}
	if property == "" {
		why = "no metadata names the property to expand"
	}
	return property, collection, why
}

// parties counts the expand that a part with party lists needs itself.
func (b *planner) parties(p *Part) int {
	if _, ok := p.Entity.PartiesExpand(); ok {
		return 1
	}
	return 0
}

// expandable reports whether the filters can stand inside an $expand: its
// filter has no functions with a list of values.
func expandable(filters []dataverse.Filter) bool {
	for _, f := range filters {
		switch f := f.(type) {
		case dataverse.And:
			if !expandable(f) {
				return false
			}
		case dataverse.Or:
			if !expandable(f) {
				return false
			}
		case dataverse.Compare, dataverse.Match, dataverse.Null:
		default:
			return false
		}
	}
	return true
}
