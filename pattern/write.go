package pattern

import (
	"fmt"
	"slices"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/entity"
)

// MaxWrites is how many operations one change set may hold (fact sheet,
// section 5.1).
const MaxWrites = 1000

// Check reports everything that can be known to be wrong before the first
// request: required fields, types, lengths, choices, numbers of instances,
// and, where the options are given, too many writes. It is an [*Error], or nil.
func (p *Pattern) Check(op Operation, in Input, o ...Options) error {
	if err := p.runnable(); err != nil {
		return err
	}
	options := Options{Bulk: true}
	if len(o) > 0 {
		options = o[0]
	}
	if op == Read {
		_, err := p.criteria(in, options.Now)
		return err
	}
	_, err := p.write(op, in, nil, options)
	return err
}

// Write plans the change set. found is the finished lookup of the same
// operation and input. Everything is checked before: the error is an [*Error].
func (p *Pattern) Write(op Operation, in Input, found *Lookup, o Options) (*WritePlan, error) {
	if err := p.runnable(); err != nil {
		return nil, err
	}
	return p.write(op, in, found, o)
}

func (p *Pattern) write(op Operation, in Input, found *Lookup, o Options) (*WritePlan, error) {
	w, err := p.writer(op, in, found, o)
	if err != nil {
		return nil, err
	}
	if found != nil {
		w.plan.ChangeSet = &dataverse.ChangeSet{Writes: make([]dataverse.Write, 0, len(p.Parts))}
		w.plan.Writes, w.plan.results = make([]PlannedWrite, 0, len(p.Parts)), make([]plannedRecord, 0, len(p.Parts))
	}
	if err := w.parts(); err != nil {
		return nil, err
	}
	if n := w.writes; n > MaxWrites {
		if !o.Bulk {
			return nil, &Error{Code: "too-many-writes", Pos: p.Pos,
				Message: fmt.Sprintf("%d writes do not fit into one change set of %d; with atomic: false they are written in bulk", n, MaxWrites)}
		}
		w.plan.Atomic = false
		w.plan.Why = fmt.Sprintf("%d writes do not fit into one change set of %d", n, MaxWrites)
	}
	return w.plan, nil
}

func (p *Pattern) writer(op Operation, in Input, found *Lookup, o Options) (*writer, error) {
	inputs, err := p.inputs(op, in)
	if err != nil {
		return nil, err
	}
	return &writer{
		pattern: p, op: op, options: o, lookup: found, inputs: inputs,
		targets: make([][]*target, len(p.Parts)), counts: make([]int, len(p.Parts)),
		absent: make([]bool, len(p.Parts)), open: make([]bool, len(p.Parts)),
		plan: &WritePlan{Atomic: true, pattern: p},
	}, nil
}

// parts plans part by part, in the pattern's order.
func (w *writer) parts() error {
	for _, part := range w.pattern.order {
		var err error
		if part.ReadOnly {
			err = w.reference(part)
		} else {
			err = w.part(part)
		}
		if err != nil || w.whole {
			return err
		}
	}
	return nil
}

// writer builds a plan part by part.
type writer struct {
	pattern *Pattern
	op      Operation
	options Options
	// lookup is nil when only checking, before anything was looked up.
	lookup *Lookup
	inputs []*partInput
	// By part: its records, if others reference them, how many there are, that
	// it has none, and that their number is not known.
	targets [][]*target
	counts  []int
	absent  []bool
	open    []bool
	linked  map[rowKey]bool
	// unlinked: nobody wants to know what the writes link to.
	unlinked bool
	// writes counts those of the plan, and bare is the look-up of none, both
	// for checking.
	writes int
	bare   *Lookup
	spare  draft
	sample dataverse.GUID
	// pieces, if there are any, are what is planned; whole says that it cannot
	// be planned in pieces. raw leaves values as they were given.
	pieces     *Pieces
	whole, raw bool
	// parties are those that an earlier write of this plan gave a record.
	parties map[dataverse.GUID]dataverse.Parties
	plan    *WritePlan
}

// reference takes over the records of a read-only part.
func (w *writer) reference(part *Part) error {
	i := part.index
	if w.lookup == nil {
		in := w.inputs[i]
		if !in.any(false) && !part.Optional && (w.op == Create || len(in.values) > 0) {
			return (&Lookup{pattern: w.pattern, op: w.op, inputs: w.inputs}).none(part, &finding{}, in)
		}
		if err := w.checkCriteria(part, in); err != nil {
			return err
		}
		w.absent[i] = !in.any(false)
		w.open[i] = true
		w.targets[i], w.counts[i] = []*target{{id: Unknown{After: "the look-up"}}}, 1
		return nil
	}
	f := w.lookup.found[i]
	w.absent[i] = f.absent || len(f.records) == 0
	w.targets[i], w.counts[i] = f.records, len(f.records)
	if f.warning != "" {
		w.plan.Warnings = append(w.plan.Warnings, Warning{Part: part.Ref, Message: f.warning})
	}
	for _, t := range f.records {
		w.plan.results = append(w.plan.results, plannedRecord{part: part, write: -1, id: t.id})
	}
	return nil
}

// checkCriteria checks the values that a read-only part is found by.
func (w *writer) checkCriteria(part *Part, in *partInput) error {
	for _, v := range in.values {
		if v.Data == nil {
			continue
		}
		if _, unknown := FindUnknown(v.Data); unknown {
			continue
		}
		f, err := part.criterion(*v)
		if err != nil {
			return err
		}
		if _, err := part.condition(f, w.options.Now); err != nil {
			err.Pos = v.Pos
			return err
		}
	}
	return nil
}

// hasInput reports whether the part was given anything that makes it take part
// in the write. Null counts where it clears a column.
func (w *writer) hasInput(part *Part) bool {
	in := w.inputs[part.index]
	if w.op == Create {
		return in.any(false)
	}
	return in.any(true)
}

// part plans the instances of a part that is written.
func (w *writer) part(part *Part) error {
	in := w.inputs[part.index]
	has := w.hasInput(part)
	if !has && (part.Optional || w.op == Update) {
		w.absent[part.index] = true
		return nil
	}
	n, by, err := w.lengths(part)
	if err != nil {
		return err
	}
	idOnly := w.op == Update && !in.any(true, entity.IDField, etagField)
	skip, left, err := w.missing(part, idOnly)
	if err != nil {
		return err
	}
	if left != nil {
		w.absent[part.index] = true
		if has {
			w.plan.Warnings = append(w.plan.Warnings, Warning{Part: part.Ref,
				Message: "was left out, for " + left.Reference + ", which it requires, is absent"})
		}
		return nil
	}
	w.open[part.index] = !idOnly && w.unsure(part)
	switch {
	case idOnly:
		n = max(n, 1) // sends nothing, so what it requires does not matter
		if by != nil && len(by.Data.([]any)) == 0 {
			n = 0
		}
	default:
		if n, err = w.count(part, skip, n, by); err != nil {
			return err
		}
	}
	if n == 0 {
		w.absent[part.index] = true
		return nil
	}
	sources, err := w.sources(part, skip)
	if err != nil {
		return err
	}
	if err := w.distinct(part, n); err != nil {
		return err
	}
	if w.pieces != nil && !idOnly {
		return w.outline(part, n, sources)
	}
	if w.lookup != nil && w.pieces == nil {
		w.plan.ChangeSet.Writes = slices.Grow(w.plan.ChangeSet.Writes, n)
		w.plan.Writes = slices.Grow(w.plan.Writes, n)
		w.plan.results = slices.Grow(w.plan.results, n)
	}
	for i := range n {
		if err := w.instance(part, i, sources, idOnly); err != nil {
			return err
		}
	}
	return nil
}

// missing looks for required parts that are absent. skip are the optional
// requirements that are then left out; left is the one that leaves the whole
// part out.
func (w *writer) missing(part *Part, idOnly bool) (skip map[*Requirement]bool, left *Requirement, err error) {
	if idOnly {
		return nil, nil, nil
	}
	for _, r := range part.requires {
		if !w.absent[w.pattern.byRef[r.Reference].index] {
			continue
		}
		switch {
		case r.Optional:
			if skip == nil {
				skip = map[*Requirement]bool{}
			}
			skip[r] = true
		case part.Optional:
			return nil, r, nil
		default:
			return nil, nil, errAt("absent-part", part.Ref, r.Field, r.Pos, "requires %s, which is absent", r.Reference)
		}
	}
	return skip, nil, nil
}

// unsure reports whether a look-up that is still to come may leave the part
// out.
func (w *writer) unsure(part *Part) bool {
	return w.lookup == nil && part.Optional && slices.ContainsFunc(part.requires, func(r *Requirement) bool {
		to := w.pattern.byRef[r.Reference]
		return !r.Optional && to.Optional && w.open[to.index]
	})
}

// lengths gives the length that the part's lists share, and one of them; -1
// if there is none.
func (w *writer) lengths(part *Part) (n int, by *Value, err error) {
	n = -1
	for _, v := range w.inputs[part.index].values {
		f, _ := part.Entity.Field(v.Field)
		items, ok := part.spread(f, v.Data)
		if !ok {
			continue
		}
		if n >= 0 && len(items) != n {
			return 0, nil, errAt("list-length", part.Ref, v.Field, v.Pos, "has %d items, but %s has %d", len(items), by.Field, n)
		}
		n, by = len(items), v
	}
	return n, by, nil
}

// count tells how many instances a part has: one for each item of its lists,
// one for each record that it references, or one. Lengths that differ are no
// error as long as the part may be left out.
func (w *writer) count(part *Part, skip map[*Requirement]bool, n int, by *Value) (int, error) {
	if !part.AllowsMultiple {
		return 1, nil
	}
	references, ref, unsure, later := -1, "", w.open[part.index], false
	for _, r := range part.requires {
		to := w.pattern.byRef[r.Reference]
		f, _ := part.Entity.Field(r.Field)
		if skip[r] || !to.AllowsMultiple || f.Type == entity.TypePartyList {
			continue
		}
		if w.open[to.index] {
			later = true
			continue
		}
		have := w.counts[to.index]
		switch {
		case references < 0 || have == references:
		case unsure:
			have = min(have, references)
		default:
			return 0, errAt("list-length", part.Ref, r.Field, r.Pos, "references %d records of %s, but %d of %s", have, r.Reference, references, ref)
		}
		references, ref = have, r.Reference
	}
	switch {
	case references >= 0 && n >= 0 && unsure:
		return min(n, references), nil
	case references >= 0 && n >= 0 && n != references:
		return 0, errAt("list-length", part.Ref, by.Field, by.Pos, "has %d items, but there is one record for each of the %d of %s", n, references, ref)
	case references >= 0:
		return references, nil
	case n >= 0:
		return n, nil
	}
	w.open[part.index] = unsure || later
	return 1, nil
}
