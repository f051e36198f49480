package pattern

import (
	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/entity"
)

// referenced notes a record that others reference.
func (w *writer) referenced(part *Part, id any) *target {
	t := &target{id: id}
	if part.hasValueReferences() {
		t.values = map[string]any{}
	}
	w.targets[part.index] = append(w.targets[part.index], t)
	return t
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

// boundValue takes the value from what requirements reference.
func (w *writer) boundValue(part *Part, i int, s *source) (any, dataverse.Property, error) {
	f := s.field
	if f.Type == entity.TypePartyList {
		return w.boundParties(part, s)
	}
	r := s.bound[0]
	to := w.pattern.byRef[r.Reference]
	j := 0
	if to.AllowsMultiple {
		j = i
	}
	if w.open[to.index] {
		u := Unknown{After: "the look-up"}
		return u, f.Placeholder(u), nil
	}
	t, there := w.target(to, j)
	if !there {
		return nil, dataverse.Property{}, errAt("list-length", part.name(i), f.Name, r.Pos, "there is no record of %s for it", to.Ref)
	}
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
	if w.lookup == nil || w.unlinked {
		return
	}
	if w.linked == nil {
		w.linked = map[rowKey]bool{}
	}
	if key := (rowKey{l.Table, l.ID}); !w.linked[key] {
		w.linked[key] = true
		w.plan.Linked = append(w.plan.Linked, l)
	}
}

type rowKey struct {
	table string
	id    dataverse.GUID
}

// target is the j-th record of a part that others reference.
func (w *writer) target(part *Part, j int) (*target, bool) {
	if j >= w.counts[part.index] {
		return nil, false
	}
	if kept := w.targets[part.index]; kept != nil {
		return kept[j], true
	}
	id, err := w.identify(part, j) // of a piece
	return &target{id: id.data()}, err == nil
}
