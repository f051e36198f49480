package pattern

import (
	"fmt"
	"strings"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
)

// DefaultLimit is the number of records that a part of a read may bring.
const DefaultLimit = 5000

// ReadPlan reads the results of a pattern: rounds of queries fill a pool of
// records for each part, and the results are joined from the pools in memory.
// It implements [Plan].
type ReadPlan struct {
	pattern    *Pattern
	walk       *walk
	conditions []condition // of each part
	steps      []*step
	limit      int
	pools      []pool // of each part
	round      int
	pending    []*step // of each query of the round
	empty      bool    // a part that must be there cannot be
	results    []any
}

var _ Plan = (*ReadPlan)(nil)

// Read plans a read of the pattern, whose definitions are bound. The error is
// an [*Error].
func (p *Pattern) Read(in Input, o Options) (*ReadPlan, error) {
	if err := p.runnable(); err != nil {
		return nil, err
	}
	conditions, err := p.criteria(in, o.Now)
	if err != nil {
		return nil, err
	}
	if len(in) == 0 && o.Limit == 0 {
		return nil, &Error{Code: "read-without-input", Pos: p.Pos,
			Message: "a read of " + p.ID + " without any input reads everything; give a part a value, or the block a limit"}
	}
	r := &ReadPlan{
		pattern:    p,
		walk:       p.newWalk(func(part *Part) bool { return conditions[part.index].given }),
		conditions: conditions,
		limit:      o.Limit,
		pools:      make([]pool, len(p.Parts)),
	}
	if r.limit == 0 {
		r.limit = DefaultLimit
	}
	if m := r.walk.missing; m != nil {
		return nil, &Error{Code: "not-connected", Part: m.Ref, Pos: m.Pos, Message: notConnected}
	}
	for _, part := range p.Parts {
		if conditions[part.index].never && !part.Optional {
			r.empty = true
		}
	}
	if !r.empty {
		r.steps = r.plan()
	}
	return r, nil
}

const notConnected = "no requirement connects it with the other parts, so it cannot be read with them"

// runnable reports a definition that this engine cannot reach.
func (p *Pattern) runnable() error {
	for _, part := range p.Parts {
		if err := part.Entity.Runnable(); err != nil {
			return &Error{Code: "crm-system", Part: part.Ref, Message: err.Error(), Pos: part.Entity.Pos}
		}
	}
	return nil
}

// Next implements [Plan].
func (r *ReadPlan) Next(answers [][]dataverse.Record) ([]Fetch, error) {
	if len(answers) != len(r.pending) {
		return nil, &Error{Code: "wrong-answers", Message: fmt.Sprintf("have answers to %d queries, want %d", len(answers), len(r.pending))}
	}
	for i, s := range r.pending {
		r.pool(s.tree).reserve(len(answers[i]))
		for _, rec := range answers[i] {
			if err := r.take(s.tree, rec); err != nil {
				return nil, err
			}
		}
	}
	r.pending = nil
	// A round whose queries turn out to be needless takes no time.
	for r.round < r.lastRound() {
		r.round++
		if r.hopeless() {
			continue
		}
		var fetches []Fetch
		for _, s := range r.steps {
			if s.round != r.round {
				continue
			}
			queries := r.queries(s)
			for _, q := range queries {
				fetches = append(fetches, Fetch{Query: q, Max: r.limit, Part: s.tree.part.Ref})
				r.pending = append(r.pending, s)
			}
		}
		if len(fetches) > 0 {
			return fetches, nil
		}
	}
	return nil, r.join()
}

// join makes the results of what was read.
func (r *ReadPlan) join() error {
	most := max(maxResults, r.limit)
	e := &evaluation{pattern: r.pattern, walk: r.walk, pools: r.pools, index: map[side]map[string][]*row{}, most: most}
	instances, err := e.run()
	if err != nil {
		return err
	}
	r.results = e.results(instances)
	return nil
}

// hopeless reports whether a part that must be there was asked for and is not,
// so that there is no result whatever the other parts hold.
func (r *ReadPlan) hopeless() bool {
	for _, s := range r.steps {
		found := len(r.pools[s.tree.part.index].rows)
		if s.tree.locate {
			found = len(s.tree.located.rows)
		}
		if s.round < r.round && found == 0 && r.required(s.tree.part) {
			return true
		}
	}
	return false
}

// required reports whether a result needs the part: it and all that it is
// reached through must be there.
func (r *ReadPlan) required(part *Part) bool {
	for part != nil {
		if part.Optional {
			return false
		}
		e := r.walk.parent[part]
		if e == nil {
			return true
		}
		part = e.other(part)
	}
	return true
}

func (r *ReadPlan) lastRound() int {
	last := 0
	for _, s := range r.steps {
		last = max(last, s.round)
	}
	return last
}

// pool is where the records of the node belong.
func (r *ReadPlan) pool(n *fetchNode) *pool {
	if n.locate {
		return &n.located
	}
	return &r.pools[n.part.index]
}

// take puts a record of an answer, and those expanded in it, into the pools.
func (r *ReadPlan) take(n *fetchNode, rec dataverse.Record) error {
	pool := r.pool(n)
	pool.add(n.part.Entity.IDOf(rec), rec)
	if len(pool.rows) > r.limit {
		return r.tooMany(n.part)
	}
	for _, c := range n.children {
		if _, more := rec[c.property+"@odata.nextLink"]; more {
			return r.tooMany(c.part)
		}
		switch v := rec[c.property].(type) {
		case dataverse.Record:
			if err := r.take(c, v); err != nil {
				return err
			}
		case []dataverse.Record:
			for _, item := range v {
				if err := r.take(c, item); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// maxResults bounds the results of a read, unless its limit of records is
// higher: two parts that a third references once each bring 10,000 records at
// most, and up to 25 million pairs.
const maxResults = 100_000

func (r *ReadPlan) tooMany(p *Part) error {
	return &Error{Code: "too-many-records", Part: p.Ref, Pos: p.Pos,
		Message: fmt.Sprintf("more than %d records; narrow the read, raise the block's limit, or give the part a query with a limit", r.limit)}
}

// Rounds implements [Plan].
func (r *ReadPlan) Rounds() []string {
	if r.empty {
		return []string{"nothing is asked: a part that must be there can have no record"}
	}
	lines := make([]string, r.lastRound())
	for i := range lines {
		var of []string
		for _, s := range r.steps {
			if s.round == i+1 {
				of = append(of, s.String())
			}
		}
		lines[i] = fmt.Sprintf("round %d: %s", i+1, strings.Join(of, "; "))
	}
	return lines
}

// Results gives the results once the plan is done: one object a result, from
// part to the list of its records, each from field to value, with Id, _etag,
// _labels and _types. It is never nil.
func (r *ReadPlan) Results() []any {
	if r.results == nil {
		return []any{}
	}
	return r.results
}
