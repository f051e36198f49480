package pattern

import (
	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/entity"
)

// instance plans the i-th record of a part. Only checking, it builds nothing
// that nobody reads.
func (w *writer) instance(part *Part, i int, sources []source, idOnly bool) error {
	d := part.Entity
	checking := w.lookup == nil
	name := ""
	if !checking {
		name = part.name(i)
	}
	t := &target{}
	if part.hasValueReferences() {
		t.values = map[string]any{}
	}
	id, err := w.identify(part, i)
	if err != nil {
		return err
	}
	t.id = id
	record := plannedRecord{part: part, write: -1, id: id}
	if idOnly {
		w.targets[part.index] = append(w.targets[part.index], t)
		w.plan.results = append(w.plan.results, record)
		return nil
	}
	write := dataverse.Write{
		Operation: dataverse.Create, Table: d.Table, EntitySet: d.EntitySet, PrimaryKey: d.PrimaryKey,
		ID: guidOf(id), Source: name, Body: make([]dataverse.Property, 0, len(sources)),
	}
	planned := PlannedWrite{Part: name, Operation: w.op, Table: d.Table, ID: write.ID}
	if !checking {
		record.fields = make(map[string]any, len(sources)+1)
		planned.Columns = make([]PlannedColumn, 0, len(sources))
	}
	switch {
	case w.op == Update:
		write.Operation = dataverse.Update
		if err := w.version(part, i, &write); err != nil {
			return err
		}
	case w.op == Upsert && write.ID != "":
		write.Operation = dataverse.Upsert
	}
	var parties partyWrite
	for k := range sources {
		s := &sources[k]
		v, property, err := w.value(part, i, s)
		if err != nil {
			return err
		}
		if v == nil && w.op == Create {
			if s.field.Required {
				return errAt("required-field", part.name(i), s.field.Name, s.at(part), "is required and has no value")
			}
			continue // null is no input
		}
		if v == nil && w.op == Upsert && s.field.Required {
			return errAt("required-field", part.name(i), s.field.Name, s.at(part), "is required and has no value")
		}
		if err := w.writable(part, i, s); err != nil {
			return err
		}
		if t.values != nil {
			t.values[s.field.Name] = v
		}
		if checking {
			if s.field.Type == entity.TypePartyList {
				parties.add(s.field, PlannedColumn{}, property)
			} else {
				write.Body = append(write.Body, property)
			}
			continue
		}
		record.fields[s.field.Name] = v
		column := PlannedColumn{Column: s.field.Column, Field: s.field.Name, Value: w.plan.known(v), Source: s.label}
		if s.input != nil && s.fallback != nil && part.at(s.field, s.input.Data, i) == nil {
			column.Source = "default"
		}
		if s.field.Type == entity.TypePartyList {
			parties.add(s.field, column, property)
			if write.Operation == dataverse.Create {
				planned.Columns = append(planned.Columns, column)
			}
			continue
		}
		write.Body = append(write.Body, property)
		if v == nil && s.field.Type == entity.TypeLookup {
			all, err := s.field.Clear()
			if err != nil {
				return errAt(codeOf(err), name, s.field.Name, s.at(part), "%s", err)
			}
			write.Body = append(write.Body, all[1:]...)
		}
		planned.Columns = append(planned.Columns, column)
	}
	if write.Operation == dataverse.Create && len(parties.fields) > 0 {
		write.Body = append(write.Body, parties.property())
	}
	var last dataverse.Write
	var lastPlanned PlannedWrite
	if write.Operation != dataverse.Create && len(parties.fields) > 0 {
		last, lastPlanned = closing(&write, &planned)
	}
	// The replacement of parties alone has no version to compare, so a change
	// of nothing goes before it.
	if w.op != Update || len(write.Body) > 0 || write.IfMatch != "" {
		w.add(write, planned)
		record.write = w.writes - 1
		t.ref = w.writes
	}
	if write.Operation != dataverse.Create && len(parties.fields) > 0 {
		if err := w.replaceParties(part, i, write, planned, &parties); err != nil {
			return err
		}
		if len(last.Body) > 0 {
			w.add(last, lastPlanned)
		}
		record.write = w.writes - 1
	}
	if record.write >= 0 && w.op != Create && w.op != Upsert {
		w.link(part, id, true)
	}
	w.targets[part.index] = append(w.targets[part.index], t)
	if !checking {
		w.plan.results = append(w.plan.results, record)
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

// hasValueReferences reports whether other parts take values of this one.
func (p *Part) hasValueReferences() bool {
	for _, r := range p.requiredBy {
		if r.ReferenceField != entity.IDField {
			return true
		}
	}
	return false
}

// identify gives the id of an instance: a GUID, an Unknown, or nil where the
// service picks it.
func (w *writer) identify(part *Part, i int) (any, error) {
	in := w.inputs[part.index]
	if id, ok := in.get(entity.IDField); ok && w.op != Create {
		v := part.at(nil, id.Data, i)
		if u, unknown := FindUnknown(v); unknown {
			return u, nil
		}
		if v != nil {
			f, _ := part.Entity.Field(entity.IDField)
			g, err := f.Literal(v)
			if err != nil {
				return nil, errAt(codeOf(err), part.name(i), entity.IDField, id.Pos, "%s", err)
			}
			return g, nil
		}
		if w.op == Update {
			return nil, errAt("update-without-id", part.name(i), entity.IDField, id.Pos, "is null, and an Update needs it")
		}
	}
	switch w.op {
	case Update:
		return nil, errAt("update-without-id", part.name(i), entity.IDField, part.Pos, "has input, so an Update needs its Id")
	case Upsert:
		if w.lookup == nil {
			if w.bare == nil {
				w.bare = &Lookup{pattern: w.pattern, op: w.op, inputs: w.inputs, found: make([]*finding, len(w.inputs))}
				for j := range w.bare.found {
					w.bare.found[j] = &finding{}
				}
			}
			if key, _ := w.bare.keyOf(part, i); key == nil {
				return nil, errAt("upsert-without-key", part.name(i), "", part.Pos, "an Upsert needs its Id, or values for all fields of one of the keys of %s", part.Entity.ID)
			}
		} else if f := w.lookup.found[part.index]; i < len(f.existing) && f.existing[i] != "" {
			return f.existing[i], nil
		}
	}
	if w.options.NewID != nil && (w.lookup != nil || w.op != Create) {
		if id := w.options.NewID(part.Ref, i); id != "" {
			return id, nil
		}
	}
	return nil, nil
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
	if len(s.bound) > 0 {
		return w.boundValue(part, i, s)
	}
	v := s.fallback
	if s.input != nil {
		if given := part.at(s.field, s.input.Data, i); given != nil || w.op != Create {
			v = given
		}
	}
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

// boundValue takes the value from what requirements reference.
func (w *writer) boundValue(part *Part, i int, s *source) (any, dataverse.Property, error) {
	f := s.field
	if f.Type == entity.TypePartyList {
		return w.boundParties(part, s)
	}
	r := s.bound[0]
	to := w.pattern.byRef[r.Reference]
	targets := w.targets[to.index]
	j := 0
	if to.AllowsMultiple {
		j = i
	}
	if w.open[to.index] {
		u := Unknown{After: "the look-up"}
		return u, f.Placeholder(u), nil
	}
	if j >= len(targets) {
		return nil, dataverse.Property{}, errAt("list-length", part.name(i), f.Name, r.Pos, "there is no record of %s for it", to.Ref)
	}
	t := targets[j]
	if r.ReferenceField != entity.IDField {
		v := t.values[r.ReferenceField]
		if _, later := v.(made); later {
			return nil, dataverse.Property{}, errAt("no-id", part.name(i), f.Name, r.Pos, "the id in %s.%s is not known before it is written", to.Ref, r.ReferenceField)
		}
		if f.Type == entity.TypeLookup && len(f.Targets) != 1 && v != nil {
			if table, ok := t.types[r.ReferenceField].(string); ok {
				v = map[string]any{"Id": v, "Type": table}
			}
		}
		property, err := w.property(f, v)
		if err != nil {
			return nil, dataverse.Property{}, errAt(codeOf(err), part.name(i), f.Name, r.Pos, "the value of %s.%s does not fit: %s", to.Ref, r.ReferenceField, err)
		}
		return f.Normal(v), property, nil
	}
	if u, unknown := t.id.(Unknown); unknown {
		return u, f.Placeholder(u), nil
	}
	if w.lookup == nil {
		return Unknown{After: "the look-up"}, dataverse.Property{}, nil
	}
	if f.Type != entity.TypeLookup {
		id, ok := t.id.(dataverse.GUID)
		if !ok {
			return nil, dataverse.Property{}, errAt("no-id", part.name(i), f.Name, r.Pos, "the id of %s is not known before it is written", to.Ref)
		}
		return string(id), dataverse.Property{Name: f.Column, Value: id}, nil
	}
	p, err := f.Link(to.Entity.Table, bindTo(to, t))
	if err != nil {
		return nil, dataverse.Property{}, errAt(codeOf(err), part.name(i), f.Name, r.Pos, "%s", err)
	}
	w.link(to, t.id, false)
	return t.data(), p, nil
}

// bindTo links to a target: by its id, or as the write of this change set that
// makes it.
func bindTo(to *Part, t *target) dataverse.Bind {
	b := dataverse.Bind{EntitySet: to.Entity.EntitySet, ID: guidOf(t.id)}
	if b.ID == "" {
		b.Ref = t.ref
	}
	return b
}

// link notes a record of a part that was there before: one of a read-only
// part, or on an Update of any, which may have got nothing but its id.
func (w *writer) link(part *Part, id any, changed bool) {
	g, ok := id.(dataverse.GUID)
	if !ok || !part.ReadOnly && !changed && w.op != Update {
		return
	}
	w.note(Linked{
		Part: part.Ref, Table: part.Entity.Table, EntitySet: part.Entity.EntitySet,
		PrimaryKey: part.Entity.PrimaryKey, ID: g, Changed: changed,
	})
}

// linkTo notes a record that an input names.
func (w *writer) linkTo(part *Part, table, set string, id dataverse.GUID) {
	w.note(Linked{Part: part.Ref, Table: table, EntitySet: set, ID: id})
}

func (w *writer) note(l Linked) {
	if w.lookup == nil {
		return
	}
	if w.linked == nil {
		w.linked = map[string]bool{}
	}
	if key := l.Table + "/" + string(l.ID); !w.linked[key] {
		w.linked[key] = true
		w.plan.Linked = append(w.plan.Linked, l)
	}
}
