package pattern

import (
	"fmt"
	"slices"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/entity"
)

// closing takes the state out of the change of an activity whose parties are
// replaced, too, and gives it as a change that comes after: a completed or
// cancelled activity takes no more changes (fact sheet, section 3.5). What
// re-opens an activity stays before its parties.
func closing(write *dataverse.Write, planned *PlannedWrite) (dataverse.Write, PlannedWrite) {
	at := slices.IndexFunc(write.Body, func(p dataverse.Property) bool { return p.Name == "statecode" })
	if at < 0 {
		return dataverse.Write{}, PlannedWrite{}
	}
	switch fmt.Sprint(write.Body[at].Value) {
	case "0", "3": // open, scheduled
		return dataverse.Write{}, PlannedWrite{}
	}
	of := func(name string) bool { return name == "statecode" || name == "statuscode" }
	last, lastPlanned := *write, *planned
	last.Operation, last.IfMatch = dataverse.Update, ""
	last.Body, lastPlanned.Columns = nil, nil
	body, columns := write.Body, planned.Columns
	write.Body, planned.Columns = nil, nil
	for _, p := range body {
		to := &write.Body
		if of(p.Name) {
			to = &last.Body
		}
		*to = append(*to, p)
	}
	for _, c := range columns {
		to := &planned.Columns
		if of(c.Column) {
			to = &lastPlanned.Columns
		}
		*to = append(*to, c)
	}
	return last, lastPlanned
}

// boundParties makes parties of all records that requirements reference.
func (w *writer) boundParties(part *Part, s *source) (any, dataverse.Property, error) {
	f := s.field
	n := 0
	for _, r := range s.bound {
		n += w.counts[w.pattern.byRef[r.Reference].index]
	}
	parties := make(dataverse.Parties, 0, n)
	values := make([]any, 0, n)
	var unknown *Unknown
	for _, r := range s.bound {
		to := w.pattern.byRef[r.Reference]
		for j := range w.counts[to.index] {
			t, _ := w.target(to, j)
			if u, ok := t.id.(Unknown); ok {
				unknown = &u
				values = append(values, u)
				continue
			}
			b := bindTo(to, t)
			parties = append(parties, f.PartyOf(to.Entity.Table, b))
			values = append(values, map[string]any{"Id": t.data(), "Type": to.Entity.Table})
			w.link(to, t.id, false)
		}
	}
	if unknown != nil {
		return values, f.Placeholder(*unknown), nil
	}
	return values, dataverse.Property{Name: f.PartiesLink(), Value: parties}, nil
}

// partyWrite gathers the party lists of one record, which share one property.
type partyWrite struct {
	fields  []*entity.Field
	columns []PlannedColumn
	parties dataverse.Parties
	unknown *Unknown
	name    string
}

func (p *partyWrite) add(f *entity.Field, column PlannedColumn, property dataverse.Property) {
	p.fields = append(p.fields, f)
	p.columns = append(p.columns, column)
	p.name = f.PartiesLink()
	switch v := property.Value.(type) {
	case dataverse.Parties:
		if p.parties == nil {
			p.parties = v
			break
		}
		p.parties = append(slices.Clip(p.parties), v...)
	case Unknown:
		p.unknown = &v
	}
}

func (p *partyWrite) property() dataverse.Property {
	if p.unknown != nil {
		return dataverse.Property{Name: p.name, Value: *p.unknown}
	}
	return dataverse.Property{Name: p.name, Value: p.parties}
}

// replaceParties puts the new party lists in the place of the old ones and
// keeps those in other roles.
func (w *writer) replaceParties(part *Part, i int, of dataverse.Write, planned PlannedWrite, p *partyWrite) error {
	if earlier, ok := w.parties[of.ID]; ok && of.ID != "" {
		for _, party := range earlier {
			if !slices.ContainsFunc(p.fields, func(f *entity.Field) bool { return f.PartyRole() == party.Role }) {
				p.parties = append(p.parties, party)
			}
		}
	} else if w.lookup != nil {
		if r, ok := w.lookup.found[part.index].parties[of.ID]; ok {
			others, missing := part.Entity.OtherParties(r, p.fields)
			if len(missing) > 0 {
				return errAt("unknown-target", part.name(i), p.fields[0].Name, part.Pos,
					"the record has parties of %s, whose entity set is not known; name the table in the field's targets", missing[0])
			}
			p.parties = append(p.parties, others...)
		}
	}
	if w.parties == nil {
		w.parties = map[dataverse.GUID]dataverse.Parties{}
	}
	w.parties[of.ID] = p.parties
	w.add(dataverse.Write{
		Operation: dataverse.ReplaceParties, Table: of.Table, EntitySet: of.EntitySet, PrimaryKey: of.PrimaryKey,
		ID: of.ID, Source: of.Source, Link: p.name, Body: []dataverse.Property{p.property()},
	}, PlannedWrite{Part: planned.Part, Operation: planned.Operation, Table: planned.Table, ID: planned.ID, Columns: p.columns})
	return nil
}
