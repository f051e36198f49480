package playbook

import (
	"context"
	"fmt"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/pattern"
)

// foresee finds out what the service would refuse of the plan's writes for
// want of a privilege, or because a record that they link to is not there.
// These questions are the dry run's own, like those of [step.present].
func (s *step) foresee(ctx context.Context, c *dataverse.Client, plan *pattern.WritePlan, state []presence) error {
	if err := s.foreseeLinks(ctx, c, plan); err != nil {
		return err
	}
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
		if _, planned := s.planned.planned(l.Table); planned || l.Changed || l.ID == "" {
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
		if !ok {
			return &ruleError{code: dataverse.CodeObjectDoesNotExist, part: parts[i],
				message: "no record of table " + links.Writes[i].Table + " with this id can be read: there is nothing to link to"}
		}
	}
	return nil
}

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
		if logical(p) != "ownerid" {
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
