package entity

import (
	"slices"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
)

// Property converts a JSON value into the property of a body that stores it.
// The error is a [*ValueError]. It is not for a PartyList, whose fields share
// one property; see [Field.Parties]. Null for a lookup may take more than one;
// see [Field.Clear].
func (f *Field) Property(v any) (dataverse.Property, error) {
	if f.Type == TypeLookup {
		if v == nil {
			all, err := f.Clear()
			if err != nil {
				return dataverse.Property{}, err
			}
			return all[0], nil
		}
		table, id, err := f.reference(v)
		if err != nil {
			return dataverse.Property{}, err
		}
		return f.Link(table, dataverse.Bind{EntitySet: f.sets[table], ID: id})
	}
	w, err := f.wire(v, true)
	if err != nil {
		return dataverse.Property{}, err
	}
	return dataverse.Property{Name: f.Column, Value: w}, nil
}

// Link is the property that makes the lookup point to a row of the table.
func (f *Field) Link(table string, to dataverse.Bind) (dataverse.Property, error) {
	nav, ok := f.Navigation[table]
	if !ok {
		return dataverse.Property{}, bad("unknown-target", "no navigation property of %s leads to %s", f.Column, table)
	}
	if to.EntitySet == "" {
		return dataverse.Property{}, bad("unknown-target", "the entity set of %s is not known", table)
	}
	return dataverse.Property{Name: nav, Value: to, Lookup: true, Column: f.Column}, nil
}

// Clear sets the lookup to null. One column is behind all navigation
// properties of a lookup, but it is not documented that any of them clears it
// whatever it points to (fact sheet, section 3.2), so each target's is there.
func (f *Field) Clear() ([]dataverse.Property, error) {
	var all []dataverse.Property
	for _, t := range f.Targets {
		nav, ok := f.Navigation[t]
		if ok && !slices.ContainsFunc(all, func(p dataverse.Property) bool { return p.Name == nav }) {
			all = append(all, dataverse.Property{Name: nav, Lookup: true, Column: f.Column})
		}
	}
	if len(all) == 0 {
		return nil, bad("unknown-target", "no navigation property of %s is known", f.Column)
	}
	return all, nil
}

// Parties converts a JSON value of a PartyList. Null is an empty list.
func (f *Field) Parties(v any) (dataverse.Parties, error) {
	if v == nil {
		return nil, nil
	}
	w, err := f.parties(v)
	if err != nil {
		return nil, err
	}
	parties := w.(dataverse.Parties)
	for _, p := range parties {
		if p.Link != "" && p.Target.EntitySet == "" {
			return nil, bad("unknown-target", "the entity set of %s is not known; name the table in targets", p.Link[len(partyLink("")):])
		}
	}
	return parties, nil
}

// Reference reads a value of a Lookup, or one party, as the table and id that
// it points to; ok is false for null, an address, or what does not fit.
func (f *Field) Reference(v any) (table string, id dataverse.GUID, ok bool) {
	if v == nil {
		return "", "", false
	}
	table, id, err := f.reference(v)
	return table, id, err == nil
}

// EntitySet is the entity set of a target, known once the definition is bound.
func (f *Field) EntitySet(table string) string { return f.sets[table] }

// Collection is the navigation property that leads from a row of the table to
// the rows whose lookup points to it; "" if metadata was not asked.
func (f *Field) Collection(table string) string { return f.collections[table] }

// Placeholder is the property with a value that is not known yet (dry runs);
// the value is not looked at.
func (f *Field) Placeholder(unknown dataverse.Value) dataverse.Property {
	switch f.Type {
	case TypePartyList:
		return dataverse.Property{Name: f.partiesLink, Value: unknown}
	case TypeLookup:
		p := dataverse.Property{Name: f.Column, Value: unknown, Lookup: true, Column: f.Column}
		for _, t := range f.Targets {
			if nav, ok := f.Navigation[t]; ok {
				p.Name = nav
				break
			}
		}
		return p
	}
	return dataverse.Property{Name: f.Column, Value: unknown}
}
