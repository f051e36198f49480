package pattern

import (
	"sync/atomic"

	"github.com/andmoneyaps/engage-playbooks"
	"github.com/andmoneyaps/engage-playbooks/entity"
)

// Kind is the name of the document.
const Kind = "EntityPattern"

// Pattern is a set of parts and the requirements between their fields. It is
// immutable after loading.
type Pattern struct {
	ID, Name, Description string
	// Parts stand in declaration order; see [Pattern.Order].
	Parts        []*Part
	Requirements []*Requirement
	Pos          engage.Pos

	byRef map[string]*Part
	order []*Part
	// walked is the walk of the last read: most begin at the same part.
	walked *atomic.Pointer[walk]
}

// Part is one slot of a pattern: records of one definition.
type Part struct {
	Ref, Description string
	Entity           *entity.Definition
	// ReadOnly parts are never written, only referenced. A part with
	// AllowsMultiple holds any number of records, an Optional one may be
	// absent.
	ReadOnly, AllowsMultiple, Optional bool
	// Defaults are used on Create and Upsert where neither a requirement nor
	// an input gives a value, in document order.
	Defaults []Default
	// Query sorts and limits the part within its result (Read); nil: by id,
	// all.
	Query *Query
	Pos   engage.Pos

	index  int
	refPos engage.Pos
	// requires are the requirements that set this part's fields, requiredBy
	// those that reference it.
	requires, requiredBy []*Requirement
}

// Default is the value of a field that nothing else sets.
type Default struct {
	Field string
	Value any
	// Pos is where the field stands, at where the value does.
	Pos, at engage.Pos
}

// Query sorts and limits the records of a part.
type Query struct {
	// Sort is the field to sort by, "" for the id; ties are broken by id.
	Sort       string
	Descending bool
	// Limit is the most records that are kept; 0: all.
	Limit int
	Pos   engage.Pos
}

// Requirement says that a field of one part equals a field of another, and
// makes its part depend on the part that it references.
type Requirement struct {
	Part  string
	Field string
	// Reference and ReferenceField name what is referenced.
	Reference      string
	ReferenceField string
	// Optional: where the referenced part is absent, the dependent is written
	// without the field.
	Optional bool
	Pos      engage.Pos
}

// Part finds a part by its ref.
func (p *Pattern) Part(ref string) (*Part, bool) {
	part, ok := p.byRef[ref]
	return part, ok
}

// Order gives the parts so that each stands after those it requires; ties
// keep declaration order.
func (p *Pattern) Order() []*Part { return p.order }

// With returns a copy whose parts use other definitions, such as bound ones.
func (p *Pattern) With(bound func(*entity.Definition) *entity.Definition) *Pattern {
	q := *p
	q.walked = &atomic.Pointer[walk]{}
	q.Parts = make([]*Part, len(p.Parts))
	q.byRef = make(map[string]*Part, len(p.Parts))
	for i, part := range p.Parts {
		c := *part
		c.Entity = bound(part.Entity)
		q.Parts[i] = &c
		q.byRef[c.Ref] = &c
	}
	q.order = make([]*Part, len(p.order))
	for i, part := range p.order {
		q.order[i] = q.Parts[part.index]
	}
	return &q
}
