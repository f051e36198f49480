package pattern

import (
	"github.com/andmoneyaps/engage-playbooks"
	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/entity"
)

// source is where the value of a field comes from.
type source struct {
	field *entity.Field
	// bound are the requirements that set it: several on a PartyList add up.
	bound []*Requirement
	input *Value
	// fallback is the default.
	fallback any
	label    string
	// same: all instances have the same value, and share it once it is ready.
	same, ready bool
	value       any
	property    dataverse.Property
}

// sources lists the fields that get a value, in declaration order.
func (w *writer) sources(part *Part, skip map[*Requirement]bool) ([]source, error) {
	in := w.inputs[part.index]
	out := make([]source, 0, len(in.values)+len(part.requires)+len(part.Defaults))
	for _, f := range part.Entity.Fields {
		if f.IsID() {
			continue
		}
		s := source{field: f}
		skipped := false
		for _, r := range part.requires {
			if r.Field != f.Name {
				continue
			}
			if skip[r] {
				skipped = true
				continue
			}
			s.bound = append(s.bound, r)
			if s.label != "" {
				s.label += ", "
			}
			s.label += r.Reference + "." + r.ReferenceField
		}
		switch v, given := in.get(f.Name); {
		case len(s.bound) > 0:
			if f.ReadOnly {
				return nil, errAt("read-only-field", part.Ref, f.Name, s.bound[0].Pos, "a requirement sets it, but it is never written")
			}
		case given && (w.op != Create || v.Data != nil):
			s.input, s.label = v, v.Source
			if w.op == Create {
				s.fallback, _ = part.fallback(f.Name) // for the nulls of a list
			}
		case w.op == Create || w.op == Upsert:
			d, ok := part.fallback(f.Name)
			if !ok || skipped {
				if f.Required && !f.ReadOnly {
					pos := part.Pos
					if given {
						pos = v.Pos
					}
					return nil, errAt("required-field", part.Ref, f.Name, pos, "is required and has no value")
				}
				continue
			}
			s.fallback, s.label = d, "default"
		default:
			continue
		}
		s.same = w.same(part, &s)
		out = append(out, s)
	}
	return out, nil
}

// same reports whether all instances of the part get the same value.
func (w *writer) same(part *Part, s *source) bool {
	if s.field.Type == entity.TypePartyList {
		return false // lists grow where they are joined
	}
	if len(s.bound) > 0 {
		return !w.pattern.byRef[s.bound[0].Reference].AllowsMultiple
	}
	if s.input != nil {
		_, each := part.spread(s.field, s.input.Data)
		return !each
	}
	return true
}

// at names the position to blame for a value.
func (s *source) at(part *Part) engage.Pos {
	switch {
	case s.input != nil && s.input.Pos.Line > 0:
		return s.input.Pos
	case len(s.bound) > 0:
		return s.bound[0].Pos
	}
	return part.Pos
}

// given is the value of a field that no requirement sets.
func (s *source) given(op Operation, part *Part, i int) any {
	if s.input != nil {
		if given := part.at(s.field, s.input.Data, i); given != nil || op != Create {
			return given
		}
	}
	return s.fallback
}
