package playbook

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/pattern"
)

// foresee finds out what the service would refuse of the plan's writes for
// want of a privilege, because a record that they link to is not there or one
// that they change is closed, or because a value or a key does not fit.
func (s *step) foresee(ctx context.Context, c *dataverse.Client, plan *pattern.WritePlan, state []presence) error {
	if err := s.foreseeLinks(ctx, c, plan); err != nil {
		return err
	}
	if err := s.foreseePrivileges(ctx, c, plan, state); err != nil {
		return err
	}
	tables, err := s.foreseeValues(ctx, c, plan, state)
	if err != nil || tables == nil {
		return err
	}
	if err := s.foreseeStates(ctx, c, plan, tables, state); err != nil {
		return err
	}
	return s.foreseeKeys(ctx, c, plan, tables, state)
}

func (s *step) foreseePrivileges(ctx context.Context, c *dataverse.Client, plan *pattern.WritePlan, state []presence) error {
	needs, parts := s.privileges(plan, state)
	lacking, err := c.Lacking(ctx, needs...)
	if err != nil {
		s.warn("", "whether the %s has the privileges that the block needs could not be asked", s.b.Identity)
		return nil
	}
	for _, p := range lacking {
		return &ruleError{code: dataverse.CodePrivilegeDenied, part: parts[p],
			message: fmt.Sprintf("no security role of the %s has the privilege %s on table %s: Dataverse would refuse to write", s.b.Identity, p.Verb, p.Table)}
	}
	return nil
}

// foreseeLinks asks for the records that are linked to.
func (s *step) foreseeLinks(ctx context.Context, c *dataverse.Client, plan *pattern.WritePlan) error {
	var links dataverse.ChangeSet
	var parts []string
	for _, l := range plan.Linked {
		if _, planned := s.planned.record(l.Table, l.ID); planned || l.ID == "" || changes(plan, l) {
			continue
		}
		links.Writes = append(links.Writes, dataverse.Write{Table: l.Table, EntitySet: l.EntitySet, PrimaryKey: l.PrimaryKey, ID: l.ID})
		parts = append(parts, l.Part)
	}
	if len(parts) == 0 {
		return nil
	}
	there, err := c.Existing(ctx, &links)
	if err != nil {
		// Who may link to a record need not be allowed to read it.
		s.warn("", "whether the records that it links to are there could not be asked")
		return nil
	}
	for i, ok := range there {
		switch w := &links.Writes[i]; {
		case ok:
		case notThere(ctx, c, w):
			return &ruleError{code: dataverse.CodeObjectDoesNotExist, part: parts[i],
				message: "there is no record of table " + w.Table + " with this id to link to"}
		default:
			s.warn(parts[i], "the %s may not read the record of table %s that it links to: whether it may link to it is not known", s.b.Identity, w.Table)
		}
	}
	return nil
}

// notThere reports whether a record that a query does not show is not there; it
// may be one that the caller may not read.
func notThere(ctx context.Context, c *dataverse.Client, w *dataverse.Write) bool {
	key := w.PrimaryKey
	if key == "" {
		t, err := c.Table(ctx, w.Table)
		if err != nil {
			return false
		}
		key = t.PrimaryID
	}
	_, err := c.Get(ctx, &dataverse.Query{EntitySet: w.EntitySet, Table: w.Table, ID: w.ID, Select: []string{key}})
	return errors.Is(err, dataverse.ErrNotFound)
}

// changes reports whether the plan writes the record that is linked to:
// whether that is there is asked elsewhere.
func changes(plan *pattern.WritePlan, l pattern.Linked) bool {
	return l.Changed && slices.ContainsFunc(plan.ChangeSet.Writes, func(w dataverse.Write) bool { return w.Table == l.Table && w.ID == l.ID })
}

// ownerColumn has a record's owner.
const ownerColumn = "ownerid"

// privileges are those that the writes take, in their order, each with the
// part that takes it first.
func (s *step) privileges(plan *pattern.WritePlan, state []presence) (needs []dataverse.Privilege, parts map[dataverse.Privilege]string) {
	tables := map[string]string{} // by entity set
	for _, part := range s.b.pending.pattern.Parts {
		tables[part.Entity.EntitySet] = part.Entity.Table
	}
	for _, l := range plan.Linked {
		tables[l.EntitySet] = l.Table
	}
	parts = map[dataverse.Privilege]string{}
	for i := range plan.ChangeSet.Writes {
		w := &plan.ChangeSet.Writes[i]
		need := func(verb, table string) {
			p := dataverse.Privilege{Verb: verb, Table: table}
			if _, known := parts[p]; !known && table != "" {
				parts[p] = plan.Writes[i].Part
				needs = append(needs, p)
			}
		}
		switch {
		case w.Operation == dataverse.Create, w.Operation == dataverse.Upsert && state[i].verdict == VerdictCreate:
			need(dataverse.VerbCreate, w.Table)
		case w.Operation != dataverse.Upsert || state[i].old != nil:
			need(dataverse.VerbWrite, w.Table)
		}
		for _, p := range w.Body {
			if owner, given := p.Value.(dataverse.Bind); given && logical(p) == ownerColumn && state[i].old != nil && !dataverse.SameValue(owner, state[i].old[ownerColumn]) {
				need(dataverse.VerbAssign, w.Table)
			}
			for _, set := range linked(p) {
				need(dataverse.VerbAppend, w.Table)
				need(dataverse.VerbAppendTo, tables[set])
			}
		}
	}
	return needs, parts
}

// linked are the entity sets of the rows that the property links to; an owner
// is given by assigning, not by linking.
func linked(p dataverse.Property) []string {
	switch v := p.Value.(type) {
	case dataverse.Bind:
		if logical(p) != ownerColumn {
			return []string{v.EntitySet}
		}
	case dataverse.Parties:
		var sets []string
		for _, party := range v {
			if party.Link != "" {
				sets = append(sets, party.Target.EntitySet)
			}
		}
		return sets
	}
	return nil
}
