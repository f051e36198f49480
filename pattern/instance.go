package pattern

import (
	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/entity"
)

// instance plans the i-th record of a part. Only checking, it builds nothing
// that nobody reads.
func (w *writer) instance(part *Part, i int, sources []source, idOnly bool) error {
	id, err := w.identify(part, i)
	if err != nil {
		return err
	}
	w.counts[part.index]++
	t := &target{}
	if len(part.requiredBy) > 0 {
		t = w.referenced(part, id.data())
	}
	record := plannedRecord{part: part, write: -1}
	if w.lookup != nil {
		record.id = id.data()
	}
	if idOnly {
		w.plan.results = append(w.plan.results, record)
		return nil
	}
	d := w.newDraft(part, i, id.text(), len(sources))
	d.values = t.values
	if err := w.draft(part, i, id.text(), sources, d); err != nil {
		return err
	}
	record.fields = d.fields
	if record.write, err = w.put(part, i, t, d); err != nil {
		return err
	}
	if record.write >= 0 && w.op == Update {
		w.link(part, id.data(), true)
	}
	if w.lookup != nil {
		w.plan.results = append(w.plan.results, record)
	}
	return nil
}

// put adds the writes of a draft to the plan, and says which is the last; -1:
// there is none.
func (w *writer) put(part *Part, i int, t *target, d *draft) (at int, err error) {
	at = -1
	replaces := d.write.Operation != dataverse.Create && len(d.parties.fields) > 0
	var last dataverse.Write
	var lastPlanned PlannedWrite
	if replaces {
		last, lastPlanned = closing(&d.write, &d.planned)
	}
	// The replacement of parties alone has no version to compare, so a change
	// of nothing goes before it.
	if w.op != Update || len(d.write.Body) > 0 || d.write.IfMatch != "" {
		w.add(d.write, d.planned)
		at = w.writes - 1
		t.ref = w.writes
	}
	if replaces {
		if err := w.replaceParties(part, i, d.write, d.planned, &d.parties); err != nil {
			return at, err
		}
		if len(last.Body) > 0 {
			w.add(last, lastPlanned)
		}
		at = w.writes - 1
	}
	return at, nil
}

// A draft is one record on its way into a plan.
type draft struct {
	write   dataverse.Write
	planned PlannedWrite   // its columns are noted where there is room for them
	fields  map[string]any // of the result; nil: nobody reads it
	values  map[string]any // that other parts take; nil: none does
	parties partyWrite
}

// newDraft is one with room for so many values.
func (w *writer) newDraft(part *Part, i int, id dataverse.GUID, values int) *draft {
	if w.lookup == nil {
		return w.scratch()
	}
	name := part.name(i)
	return &draft{
		fields:  make(map[string]any, values+1),
		write:   dataverse.Write{Source: name, Body: make([]dataverse.Property, 0, values)},
		planned: PlannedWrite{Part: name, Operation: w.op, Table: part.Entity.Table, ID: id, Columns: make([]PlannedColumn, 0, values)},
	}
}

// scratch is a draft of which nothing is kept.
func (w *writer) scratch() *draft {
	w.spare = draft{write: dataverse.Write{Body: w.spare.write.Body[:0]}}
	return &w.spare
}

// draft converts the values of the i-th record of a part. The draft's write
// has its source, and room for the body.
func (w *writer) draft(part *Part, i int, id dataverse.GUID, sources []source, d *draft) error {
	e := part.Entity
	d.write = dataverse.Write{
		Operation: dataverse.Create, Table: e.Table, EntitySet: e.EntitySet, PrimaryKey: e.PrimaryKey,
		ID: id, Source: d.write.Source, Body: d.write.Body,
	}
	switch {
	case w.op == Update:
		d.write.Operation = dataverse.Update
		if err := w.version(part, i, &d.write); err != nil {
			return err
		}
	case w.op == Upsert && d.write.ID != "":
		d.write.Operation = dataverse.Upsert
	}
	for k := range sources {
		s := &sources[k]
		v, property, err := w.value(part, i, s)
		if err != nil {
			return err
		}
		if v == nil && w.op != Update && s.field.Required {
			return errAt("required-field", part.name(i), s.field.Name, s.at(part), "is required and has no value")
		}
		if v == nil && w.op == Create {
			continue // null is no input
		}
		if err := w.writable(part, i, s); err != nil {
			return err
		}
		if d.values != nil {
			d.values[s.field.Name] = v
		}
		if d.fields != nil {
			d.fields[s.field.Name] = v
		}
		var column PlannedColumn
		if d.planned.Columns != nil {
			column = PlannedColumn{Column: s.field.Column, Field: s.field.Name, Value: w.plan.known(v), Source: s.label}
			if s.input != nil && s.fallback != nil && part.at(s.field, s.input.Data, i) == nil {
				column.Source = "default"
			}
		}
		if s.field.Type == entity.TypePartyList {
			d.parties.add(s.field, column, property)
			if d.write.Operation != dataverse.Create {
				continue // written by itself
			}
		} else {
			d.write.Body = append(d.write.Body, property)
		}
		if v == nil && s.field.Type == entity.TypeLookup && w.lookup != nil {
			all, err := s.field.Clear()
			if err != nil {
				return errAt(codeOf(err), part.name(i), s.field.Name, s.at(part), "%s", err)
			}
			d.write.Body = append(d.write.Body, all[1:]...)
		}
		if d.planned.Columns != nil {
			d.planned.Columns = append(d.planned.Columns, column)
		}
	}
	if d.write.Operation == dataverse.Create && len(d.parties.fields) > 0 {
		d.write.Body = append(d.write.Body, d.parties.property())
	}
	return nil
}

func (w *writer) add(write dataverse.Write, planned PlannedWrite) {
	w.writes++
	if w.lookup == nil {
		return
	}
	w.plan.ChangeSet.Writes = append(w.plan.ChangeSet.Writes, write)
	w.plan.Writes = append(w.plan.Writes, planned)
}

// ident is the id of an instance: a GUID, or what is known of one, or neither
// where the service picks it.
type ident struct {
	guid    dataverse.GUID
	unknown *Unknown
}

// data is a GUID, an Unknown, or nil.
func (x ident) data() any {
	switch {
	case x.unknown != nil:
		return *x.unknown
	case x.guid != "":
		return x.guid
	}
	return nil
}

// text is the id for a request; an unknown one is shown as its text.
func (x ident) text() dataverse.GUID {
	if x.unknown != nil {
		return dataverse.GUID(x.unknown.String())
	}
	return x.guid
}

// identify gives the id of an instance.
func (w *writer) identify(part *Part, i int) (ident, error) {
	id, given, err := w.givenID(part, i)
	if given || err != nil || w.lookup == nil && w.op == Create {
		return id, err
	}
	if w.lookup != nil {
		return ident{guid: w.newID(part, i)}, nil
	}
	if i == 0 || w.sample == "" { // checking, one does for all of a part
		w.sample = w.newID(part, i)
	}
	return ident{guid: w.sample}, nil
}

// givenID is the id of an instance that was there before, as far as is known.
func (w *writer) givenID(part *Part, i int) (id ident, given bool, err error) {
	in := w.inputs[part.index]
	if id, ok := in.get(entity.IDField); ok && w.op != Create {
		v := part.at(nil, id.Data, i)
		if u, unknown := FindUnknown(v); unknown {
			return ident{unknown: &u}, true, nil
		}
		if v != nil {
			f, _ := part.Entity.Field(entity.IDField)
			g, err := f.Literal(v)
			if err != nil {
				return ident{}, false, errAt(codeOf(err), part.name(i), entity.IDField, id.Pos, "%s", err)
			}
			guid, _ := g.(dataverse.GUID)
			return ident{guid: guid}, true, nil
		}
		if w.op == Update {
			return ident{}, false, errAt("update-without-id", part.name(i), entity.IDField, id.Pos, "is null, and an Update needs it")
		}
	}
	switch w.op {
	case Update:
		return ident{}, false, errAt("update-without-id", part.name(i), entity.IDField, part.Pos, "has input, so an Update needs its Id")
	case Upsert:
		if w.lookup == nil {
			if w.bare == nil {
				w.bare = &Lookup{pattern: w.pattern, op: w.op, inputs: w.inputs, found: make([]*finding, len(w.inputs))}
				for j := range w.bare.found {
					w.bare.found[j] = &finding{}
				}
			}
			if key, _ := w.bare.keyOf(part, i); key == nil {
				return ident{}, false, errAt("upsert-without-key", part.name(i), "", part.Pos, "an Upsert needs its Id, or values for all fields of one of the keys of %s", part.Entity.ID)
			}
		} else if f := w.lookup.found[part.index]; i < len(f.existing) && f.existing[i] != "" {
			return ident{guid: f.existing[i]}, true, nil
		}
	}
	return ident{}, false, nil
}

// distinct refuses to give a new record the id of one that is there: ids follow
// from an instance's place, and in an earlier run another one stood there.
func (w *writer) distinct(part *Part, n int) error {
	if w.op != Upsert || w.lookup == nil || w.options.NewID == nil {
		return nil
	}
	existing := w.lookup.found[part.index].existing
	taken := map[dataverse.GUID]int{}
	for i, id := range existing {
		if id != "" {
			taken[id] = i
		}
	}
	if len(taken) == 0 {
		return nil
	}
	for i := range n {
		if i < len(existing) && existing[i] != "" {
			continue
		}
		if other, ok := taken[w.newID(part, i)]; ok {
			return errAt("id-taken", part.name(i), entity.IDField, part.Pos,
				"would be made with the id of %s, which this event made when the list had another order; nothing was written: send a new event", part.name(other))
		}
	}
	return nil
}

// newID is the id of an instance that is created; "" leaves it to the service.
func (w *writer) newID(part *Part, i int) dataverse.GUID {
	if w.options.NewID == nil {
		return ""
	}
	return w.options.NewID(part.Ref, i)
}

// guidOf is the id for a request; an unknown one is shown as its text.
func guidOf(id any) dataverse.GUID {
	switch id := id.(type) {
	case dataverse.GUID:
		return id
	case Unknown:
		return dataverse.GUID(id.String())
	}
	return ""
}

// version takes over the _etag that an update depends on.
func (w *writer) version(part *Part, i int, write *dataverse.Write) error {
	v, ok := w.inputs[part.index].get(etagField)
	if !ok {
		return nil
	}
	switch tag := part.at(nil, v.Data, i).(type) {
	case string:
		write.IfMatch = tag
	case Unknown:
		write.IfMatch = tag.String()
	case nil:
		return errAt("no-value", part.name(i), etagField, v.Pos, "is null; leave it out to update whatever the version")
	default:
		return errAt("wrong-type", part.name(i), etagField, v.Pos, "want the _etag of a record that was read")
	}
	return nil
}

// writable refuses what the service would drop in silence (fact sheet, section
// 3.1).
func (w *writer) writable(part *Part, i int, s *source) error {
	f := s.field
	switch {
	case w.op == Create && !f.Creatable():
		return errAt("not-writable", part.name(i), f.Name, s.at(part), "column %s cannot be set when a record is created", f.Column)
	case w.op == Update && !f.Updatable():
		return errAt("not-writable", part.name(i), f.Name, s.at(part), "column %s cannot be changed", f.Column)
	}
	return nil
}

// value gives the abstract value of a field and the property that stores it.
func (w *writer) value(part *Part, i int, s *source) (any, dataverse.Property, error) {
	if s.ready {
		return s.value, s.property, nil
	}
	v, property, err := w.convert(part, i, s)
	if err == nil && s.same {
		s.value, s.property, s.ready = v, property, true
	}
	return v, property, err
}

func (w *writer) convert(part *Part, i int, s *source) (any, dataverse.Property, error) {
	if len(s.bound) > 0 {
		return w.boundValue(part, i, s)
	}
	v := s.given(w.op, part, i)
	property, err := w.property(s.field, v)
	if err != nil {
		return nil, dataverse.Property{}, errAt(codeOf(err), part.name(i), s.field.Name, s.at(part), "%s", err)
	}
	if s.field.Type == entity.TypeLookup || s.field.Type == entity.TypePartyList {
		items, many := v.([]any)
		if !many {
			items = []any{v}
		}
		for _, item := range items {
			if table, id, ok := s.field.Reference(item); ok {
				w.linkTo(part, table, s.field.EntitySet(table), id)
			}
		}
	}
	if w.raw && !s.same {
		return v, property, nil
	}
	return s.field.Normal(v), property, nil
}

// property converts an abstract value; what is not known goes through.
func (w *writer) property(f *entity.Field, v any) (dataverse.Property, error) {
	if u, unknown := FindUnknown(v); unknown {
		return f.Placeholder(u), nil
	}
	if w.lookup == nil {
		return dataverse.Property{}, f.Check(v) // before binding, navigation may not be known
	}
	if f.Type == entity.TypePartyList {
		parties, err := f.Parties(v)
		return dataverse.Property{Name: f.PartiesLink(), Value: parties}, err
	}
	return f.Property(v)
}
