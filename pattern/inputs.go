package pattern

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/andmoneyaps/engage-playbooks"
	"github.com/andmoneyaps/engage-playbooks/entity"
	"github.com/andmoneyaps/engage-playbooks/internal/document"
)

// partInput is what one part of a write was given.
type partInput struct {
	part   *Part
	values []*Value // in the order of the input
}

func (i *partInput) get(field string) (*Value, bool) {
	for _, v := range i.values {
		if v.Field == field {
			return v, true
		}
	}
	return nil, false
}

// any reports whether a field other than the given ones has a value that is
// not null; with nulls, null counts too.
func (i *partInput) any(nulls bool, but ...string) bool {
	for _, v := range i.values {
		if (nulls || v.Data != nil) && !slices.Contains(but, v.Field) {
			return true
		}
	}
	return false
}

// inputs sorts the values by part. The error is an [*Error].
func (p *Pattern) inputs(op Operation, in Input) ([]*partInput, error) {
	out, all := make([]*partInput, len(p.Parts)), make([]partInput, len(p.Parts))
	var few [16]int
	counts := few[:]
	if len(all) > len(few) {
		counts = make([]int, len(all))
	}
	for k := range in {
		if part := p.byRef[in[k].Part]; part != nil {
			counts[part.index]++
		}
	}
	values := make([]*Value, len(in)) // of all parts, one after the other
	for i, part := range p.Parts {
		all[i] = partInput{part: part, values: values[:0:counts[i]]}
		out[i], values = &all[i], values[counts[i]:]
	}
	for i := range in {
		v := &in[i]
		part, f, err := p.destination(op, v.Part, v.Field)
		if err != nil {
			err.Pos = v.Pos
			return nil, err
		}
		pi := out[part.index]
		if _, twice := pi.get(v.Field); twice {
			return nil, &Error{Code: "duplicate-destination", Part: v.Part, Field: v.Field, Message: "is given twice", Pos: v.Pos}
		}
		if err := part.shape(f, v); err != nil {
			return nil, err
		}
		pi.values = append(pi.values, v)
	}
	return out, nil
}

// shape refuses a list for a part that holds one record.
func (p *Part) shape(f *entity.Field, v *Value) error {
	if _, list := v.Data.([]any); list && !p.AllowsMultiple && (f == nil || !f.List()) {
		return &Error{Code: "list-for-one", Part: p.Ref, Field: v.Field, Pos: v.Pos,
			Message: "have a list, but the part does not allow multiple"}
	}
	return nil
}

// spread reports whether the data has one item for each instance of a part
// with many, and gives the items. A flat list for a field that is a list
// itself is one value.
func (p *Part) spread(f *entity.Field, data any) ([]any, bool) {
	items, ok := data.([]any)
	if !ok || !p.AllowsMultiple {
		return nil, false
	}
	if f != nil && f.List() {
		if len(items) == 0 {
			return nil, false
		}
		for _, item := range items {
			if _, nested := item.([]any); !nested {
				return nil, false
			}
		}
	}
	return items, true
}

// at is the value for the i-th instance.
func (p *Part) at(f *entity.Field, data any, i int) any {
	if items, ok := p.spread(f, data); ok {
		if i < len(items) {
			return items[i]
		}
		return nil
	}
	return data
}

// name is the part for errors and records: "notes[2]" of a part with many.
func (p *Part) name(i int) string {
	if !p.AllowsMultiple {
		return p.Ref
	}
	return p.Ref + "[" + strconv.Itoa(i) + "]"
}

// etagField is the input that makes an update depend on the record's version.
const etagField = entity.ETag

// destination finds the field and refuses what the operation cannot be given,
// whatever the value. A nil field with a name is _etag.
func (p *Pattern) destination(op Operation, ref, field string) (*Part, *entity.Field, *Error) {
	part, ok := p.byRef[ref]
	if !ok {
		return nil, nil, &Error{Code: "unknown-part", Message: fmt.Sprintf("%s has no part %q", p.ID, ref), Suggestion: document.Suggest(ref, p.refs())}
	}
	fail := func(code, format string, args ...any) (*Part, *entity.Field, *Error) {
		return nil, nil, &Error{Code: code, Part: ref, Field: field, Message: fmt.Sprintf(format, args...)}
	}
	if field == "" {
		if op == Read {
			return part, nil, nil
		}
		return fail("unknown-destination", "name a field; only a Read takes a filter for a whole part")
	}
	if field == etagField {
		if op == Update && !part.ReadOnly {
			return part, nil, nil
		}
		return fail("unknown-field", "only an Update of the part takes _etag")
	}
	f, ok := part.Entity.Field(field)
	if !ok {
		return nil, nil, &Error{Code: "unknown-field", Part: ref, Field: field,
			Message: part.Entity.ID + " has no such field", Suggestion: document.Suggest(field, part.Entity.FieldNames())}
	}
	if op == Read || part.ReadOnly {
		if len(operators(f.Type)) == 0 || f.List() {
			return fail("wrong-operator", "a %s cannot be used to find records", f.Type)
		}
		return part, f, nil
	}
	switch {
	case f.IsID() && op == Create:
		return fail("id-on-create", "the engine gives the Id of a record that it creates")
	case f.IsID():
	case f.ReadOnly:
		return fail("read-only-field", "is read-only, it is never written")
	default:
		if r := part.bound(field); r != nil {
			return fail("bound-field", "a requirement sets it to %s.%s", r.Reference, r.ReferenceField)
		}
	}
	return part, f, nil
}

// bound is the requirement that sets the field, if one does.
func (p *Part) bound(field string) *Requirement {
	for _, r := range p.requires {
		if r.Field == field {
			return r
		}
	}
	return nil
}

func (p *Part) fallback(field string) (any, bool) {
	for _, d := range p.Defaults {
		if d.Field == field && d.Value != nil {
			return d.Value, true
		}
	}
	return nil, false
}

func errAt(code string, part string, field string, pos engage.Pos, format string, args ...any) *Error {
	return &Error{Code: code, Part: part, Field: field, Pos: pos, Message: fmt.Sprintf(format, args...)}
}
