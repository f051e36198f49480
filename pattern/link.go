package pattern

import (
	"slices"
	"strings"
	"sync/atomic"

	"github.com/andmoneyaps/engage-playbooks"
	"github.com/andmoneyaps/engage-playbooks/entity"
	"github.com/andmoneyaps/engage-playbooks/internal/dag"
	"github.com/andmoneyaps/engage-playbooks/internal/document"
)

// Definitions finds the entity definitions that a pattern refers to.
type Definitions interface {
	// Definition finds one. A definition that is known but could not be
	// decoded is nil, true: what refers to it is not blamed.
	Definition(id string) (d *entity.Definition, known bool)
	// DefinitionIDs lists all ids, for suggestions.
	DefinitionIDs() []string
}

// Link follows the references and checks what needs them. It returns nil if
// the pattern is of no use to others; the reason is in problems, or in those
// of the documents it refers to.
func (s *Source) Link(definitions Definitions, problems *engage.Problems) *Pattern {
	l := &linker{source: s, pattern: s.pattern, problems: problems, broken: s.broken}
	l.pattern.byRef = make(map[string]*Part, len(s.parts))
	l.pattern.walked = &atomic.Pointer[walk]{}
	for i, ps := range s.parts {
		p := *ps.part
		p.index = i
		l.entity(&p, ps, definitions)
		l.pattern.Parts = append(l.pattern.Parts, &p)
		l.pattern.byRef[p.Ref] = &p
	}
	for _, r := range s.requirements {
		l.requirement(r)
	}
	for i, ps := range s.parts {
		l.query(l.pattern.Parts[i], ps)
		l.defaults(l.pattern.Parts[i])
	}
	l.order()
	if l.broken {
		return nil
	}
	return &l.pattern
}

type linker struct {
	source   *Source
	pattern  Pattern
	problems *engage.Problems
	broken   bool
}

func (l *linker) errorf(pos engage.Pos, code, format string, args ...any) *engage.Problem {
	l.broken = true
	return l.problems.Errorf(pos, code, format, args...)
}

func (l *linker) entity(p *Part, ps *partSource, definitions Definitions) {
	if ps.entity.Value == "" {
		l.broken = true
		return
	}
	d, known := definitions.Definition(ps.entity.Value)
	switch {
	case !known:
		l.errorf(ps.entity.Pos, "unknown-entity", "part %s: unknown entity definition %q", p.Ref, ps.entity.Value).
			Suggestion = document.Suggest(ps.entity.Value, definitions.DefinitionIDs())
	case d == nil:
		l.broken = true
	}
	p.Entity = d
}

// part finds a part that a requirement names; nil if it is not there, which is
// then reported.
func (l *linker) part(s document.String) *Part {
	p, ok := l.pattern.byRef[s.Value]
	if !ok {
		if l.source.unnamed {
			l.broken = true
			return nil
		}
		l.errorf(s.Pos, "unknown-part", "requirement: unknown part %q", s.Value).
			Suggestion = document.Suggest(s.Value, l.pattern.refs())
		return nil
	}
	return p
}

func (l *linker) field(p *Part, s document.String, what string) *entity.Field {
	if p == nil || p.Entity == nil {
		return nil
	}
	f, ok := p.Entity.Field(s.Value)
	if !ok {
		l.errorf(s.Pos, "unknown-field", "%s: %s (%s) has no field %q", what, p.Ref, p.Entity.ID, s.Value).
			Suggestion = document.Suggest(s.Value, p.Entity.FieldNames())
		return nil
	}
	return f
}

func (l *linker) requirement(r *requirementSource) {
	p, to := l.part(r.part), l.part(r.reference)
	f, toField := l.field(p, r.field, "requirement"), l.field(to, r.referenceField, "requirement")
	if p == nil || to == nil {
		return
	}
	req := *r.requirement
	l.pattern.Requirements = append(l.pattern.Requirements, &req)
	p.requires = append(p.requires, &req)
	to.requiredBy = append(to.requiredBy, &req)
	if f == nil || toField == nil || p == to {
		return
	}
	if why := fits(f, to, toField); why != "" {
		l.errorf(req.Pos, "type-mismatch", "requirement: %s.%s cannot equal %s.%s: %s", p.Ref, f.Name, to.Ref, toField.Name, why)
	}
	if f.Type == entity.TypePartyList {
		return
	}
	if to.AllowsMultiple && !p.AllowsMultiple && !l.source.parts[p.index].unsure {
		l.errorf(req.Pos, "many-to-one", "requirement: %s is one record, so its %s cannot reference %s, which allows multiple", p.Ref, f.Name, to.Ref).
			Suggestion = "allowsMultiple: true on " + p.Ref
	}
	for _, other := range p.requires[:len(p.requires)-1] {
		if other.Field == req.Field {
			l.errorf(req.Pos, "duplicate-requirement", "requirement: %s.%s is bound twice, first in line %d", p.Ref, f.Name, other.Pos.Line)
			return
		}
	}
}

// fits says why values of the referenced field do not fit, or "".
func fits(f *entity.Field, to *Part, toField *entity.Field) string {
	numbers := []entity.Type{entity.TypeDouble, entity.TypeDecimal, entity.TypeMoney}
	switch {
	case f.Type == entity.TypeLookup || f.Type == entity.TypePartyList:
		switch {
		case toField.IsID():
			if !f.HasTarget(to.Entity.Table) {
				return f.Name + " points to " + strings.Join(f.Targets, ", ") + ", not to " + to.Entity.Table
			}
			return ""
		case toField.Type == entity.TypeLookup && f.Type == entity.TypeLookup:
			if len(f.Targets) > 0 && len(toField.Targets) > 0 && !slices.ContainsFunc(toField.Targets, f.HasTarget) {
				return "they point to different tables"
			}
			return ""
		}
	case f.Type == entity.TypeGuid:
		if toField.Type == entity.TypeGuid || toField.Type == entity.TypeLookup {
			return ""
		}
	case f.Type == toField.Type && f.Type != entity.TypeChoices:
		return ""
	case slices.Contains(numbers, f.Type) && (slices.Contains(numbers, toField.Type) || toField.Type == entity.TypeInt):
		return ""
	}
	return "a " + string(f.Type) + " is no " + string(toField.Type)
}

func (l *linker) query(p *Part, ps *partSource) {
	if p.Query == nil {
		return
	}
	if p.index > 0 && !p.AllowsMultiple && !ps.unsure {
		l.errorf(ps.queryPos, "misplaced-query", "part %s: query sorts and limits a part that allows multiple, or the first part", p.Ref)
	}
	if ps.sort.Value == "" {
		return
	}
	f := l.field(p, ps.sort, "sort")
	if f != nil && f.List() {
		l.errorf(ps.sort.Pos, "wrong-sort", "sort: %s is a %s, which has no order", f.Name, f.Type)
	}
}

func (l *linker) defaults(p *Part) {
	if p.Entity == nil {
		return
	}
	for _, d := range p.Defaults {
		f := l.field(p, document.String{Value: d.Field, Pos: d.Pos}, "defaults")
		switch {
		case f == nil:
		case f.IsID() || f.ReadOnly:
			l.errorf(d.Pos, "read-only-field", "defaults: %s.%s is never written", p.Ref, f.Name)
		default:
			if err := f.Check(d.Value); err != nil {
				l.errorf(d.at, "wrong-default", "defaults: %s.%s: %s", p.Ref, f.Name, err)
			}
		}
	}
}

// order sorts the parts by their requirements and reports each cycle once,
// from its earliest part on.
func (l *linker) order() {
	parts := l.pattern.Parts
	order, cycles := dag.Order(len(parts), func(i int) []int {
		var needs []int
		for _, r := range parts[i].requires {
			needs = append(needs, l.pattern.byRef[r.Reference].index)
		}
		return needs
	})
	for _, i := range order {
		l.pattern.order = append(l.pattern.order, parts[i])
	}
	for _, cycle := range cycles {
		names := make([]string, 0, len(cycle)+1)
		for _, i := range cycle {
			names = append(names, parts[i].Ref)
		}
		names = append(names, names[0])
		pos := parts[cycle[0]].Pos
		next := parts[cycle[1%len(cycle)]].Ref
		for _, r := range parts[cycle[0]].requires {
			if r.Reference == next {
				pos = r.Pos
				break
			}
		}
		l.errorf(pos, "cycle", "requirements go in a circle: %s", strings.Join(names, " -> "))
	}
}

func (p *Pattern) refs() []string {
	refs := make([]string, len(p.Parts))
	for i, part := range p.Parts {
		refs[i] = part.Ref
	}
	return refs
}
