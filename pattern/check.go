package pattern

import (
	"maps"
	"slices"
	"strings"

	"github.com/andmoneyaps/engage-playbooks"
	"github.com/andmoneyaps/engage-playbooks/entity"
)

// Given is a destination that a block's mappings may give a value.
type Given struct {
	// Part and Field as in [Value].
	Part, Field string
	// Pos is the mapping.
	Pos engage.Pos
}

// Destination resolves "part.Field", or "part" for a filter on Read, and
// checks what can be told without values: that they exist and that the
// operation may be given them. The field is nil for a whole part and for
// _etag. The error's message says what to write.
func (p *Pattern) Destination(op Operation, s string) (*Part, *entity.Field, *Error) {
	ref, field, dotted := strings.Cut(s, ".")
	if dotted && field == "" || op != Read && !dotted {
		if _, ok := p.byRef[ref]; ok {
			return nil, nil, errAt("unknown-destination", ref, "", engage.Pos{}, "name a field, as in %s.%s", ref, p.byRef[ref].someField())
		}
	}
	return p.destination(op, ref, field)
}

func (p *Part) someField() string {
	for _, f := range p.Entity.Fields {
		if !f.IsID() && !f.ReadOnly {
			return f.Name
		}
	}
	return entity.IDField
}

// CheckInputs reports what the operation lacks if all of the destinations get
// a value: fields without a source, a read without a criterion, an update
// without Id, an upsert without key, a pattern whose parts are not connected
// (Read). limited says that a Read has a limit.
func (p *Pattern) CheckInputs(op Operation, given []Given, limited bool) []*Error {
	if op == Read {
		return p.checkRead(given, limited)
	}
	fields := make(map[string]map[string]engage.Pos)
	for _, g := range given {
		if fields[g.Part] == nil {
			fields[g.Part] = map[string]engage.Pos{}
		}
		fields[g.Part][g.Field] = g.Pos
	}
	var errs []*Error
	for _, part := range p.Parts {
		errs = append(errs, p.checkPart(op, part, fields)...)
	}
	return errs
}

func (p *Pattern) checkRead(given []Given, limited bool) []*Error {
	var errs []*Error
	if len(given) == 0 && !limited {
		errs = append(errs, &Error{Code: "read-without-input", Message: "no part has an input, so the read would bring everything; map one, or give the block a limit"})
	}
	if m := p.newWalk(func(*Part) bool { return false }).missing; m != nil {
		errs = append(errs, &Error{Code: "not-connected", Part: m.Ref, Message: notConnected})
	}
	return errs
}

func (p *Pattern) checkPart(op Operation, part *Part, given map[string]map[string]engage.Pos) []*Error {
	own := given[part.Ref]
	if part.ReadOnly {
		if len(own) == 0 && !part.Optional && (op == Create || p.needed(part, given)) {
			return []*Error{errAt("part-without-input", part.Ref, "", engage.Pos{}, "is read-only and must be there: map its Id, or a field to find it by")}
		}
		return nil
	}
	if len(own) == 0 && (op == Update || part.Optional) {
		return nil // not touched
	}
	var errs []*Error
	for _, r := range part.requires {
		f, _ := part.Entity.Field(r.Field)
		if f.IsID() || f.ReadOnly {
			errs = append(errs, errAt("read-only-field", part.Ref, r.Field, r.Pos, "a requirement sets it, but it is never written; the pattern can only be read"))
		}
	}
	_, hasID := own[entity.IDField]
	switch op {
	case Update:
		if !hasID {
			errs = append(errs, errAt("update-without-id", part.Ref, entity.IDField, earliest(own), "has input, so an Update needs its Id"))
		}
		return errs
	case Upsert:
		if !hasID && !part.hasKey(own) {
			errs = append(errs, errAt("upsert-without-key", part.Ref, "", engage.Pos{}, "an Upsert needs its Id, or all fields of one of the keys of %s", part.Entity.ID))
			return errs
		}
	}
	for _, f := range part.Entity.Fields {
		if !f.Required || f.IsID() || f.ReadOnly {
			continue
		}
		if _, ok := own[f.Name]; ok || part.bound(f.Name) != nil {
			continue
		}
		if _, ok := part.fallback(f.Name); !ok {
			errs = append(errs, errAt("required-field", part.Ref, f.Name, engage.Pos{}, "is required and has no source: no input, no requirement, no default"))
		}
	}
	return errs
}

func earliest(all map[string]engage.Pos) engage.Pos {
	return slices.MinFunc(slices.Collect(maps.Values(all)), engage.Pos.Compare)
}

// needed reports whether a part that has input requires this one.
func (p *Pattern) needed(part *Part, given map[string]map[string]engage.Pos) bool {
	for _, r := range part.requiredBy {
		if len(given[r.Part]) > 0 && !r.Optional && !p.byRef[r.Part].ReadOnly {
			return true
		}
	}
	return false
}

// hasKey reports whether all fields of one key have a source.
func (p *Part) hasKey(own map[string]engage.Pos) bool {
	for _, key := range p.Entity.Keys {
		all := true
		for _, name := range key {
			_, input := own[name]
			_, fallback := p.fallback(name)
			all = all && (input || fallback || p.bound(name) != nil)
		}
		if all {
			return true
		}
	}
	return false
}
