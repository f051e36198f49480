package simulator

import (
	"cmp"
	"slices"
	"strings"
)

// link connects a new table: its own lookups, lookups of others that were
// waiting for it, and what activities and notes bring with them.
func (s *Schema) link(t *Table) error {
	for _, c := range t.Columns {
		for _, target := range c.Targets {
			if err := s.addTarget(c, target); err != nil {
				return err
			}
		}
	}
	waiting := s.awaited[t.LogicalName]
	delete(s.awaited, t.LogicalName)
	slices.SortStableFunc(waiting, func(a, b *Column) int {
		return cmp.Or(a.table.ordinal-b.table.ordinal, a.ordinal-b.ordinal)
	})
	for _, c := range waiting {
		for _, target := range c.Targets {
			if target.Table == t.LogicalName && c.relTo(t) == nil {
				if err := s.addTarget(c, target); err != nil {
					return err
				}
			}
		}
	}
	for _, other := range s.tables {
		if err := s.linkRegarding(other, t); err != nil {
			return err
		}
		if other != t {
			if err := s.linkRegarding(t, other); err != nil {
				return err
			}
		}
		if t.Notes && other.LogicalName == "annotation" {
			if err := s.linkNotes(other, t); err != nil {
				return err
			}
		}
		if t.LogicalName == "annotation" && other.Notes && other != t {
			if err := s.linkNotes(t, other); err != nil {
				return err
			}
		}
		if t.Activity && other.LogicalName == "activityparty" {
			if err := s.linkParties(other, t); err != nil {
				return err
			}
		}
		if t.LogicalName == "activityparty" && other.Activity {
			if err := s.linkParties(t, other); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *Column) relTo(t *Table) *Relationship {
	for _, r := range c.rels {
		if r.Referenced == t {
			return r
		}
	}
	return nil
}

// activityCollections are the last parts of the collection properties that
// lead from a table to the activities about it.
var activityCollections = map[string]string{
	"activitypointer": "ActivityPointers", "appointment": "Appointments", "task": "Tasks", "email": "Emails", "phonecall": "Phonecalls",
}

// linkRegarding lets an activity be about a table (DV040).
func (s *Schema) linkRegarding(activity, subject *Table) error {
	if !subject.Activities || !(activity.Activity || activity.LogicalName == "activitypointer") {
		return nil
	}
	c := activity.columns["regardingobjectid"]
	if c == nil || c.relTo(subject) != nil {
		return nil
	}
	many := activityCollections[activity.LogicalName]
	if many == "" {
		many = activity.SchemaName + "s"
	}
	target := Target{
		Table: subject.LogicalName, Navigation: "regardingobjectid_" + subject.LogicalName,
		Collection: subject.SchemaName + "_" + many, Delete: CascadeAll,
	}
	c.Targets = append(c.Targets, target)
	return s.addTarget(c, target)
}

// linkNotes lets a note belong to a table.
func (s *Schema) linkNotes(annotation, parent *Table) error {
	c := annotation.columns["objectid"]
	if c.relTo(parent) != nil {
		return nil
	}
	suffix := "_Annotation"
	if parent.custom && parent.ObjectTypeCode >= 10000 {
		suffix = "_Annotations"
	}
	target := Target{
		Table: parent.LogicalName, Navigation: "objectid_" + parent.LogicalName,
		Collection: parent.SchemaName + suffix, Delete: CascadeAll,
	}
	c.Targets = append(c.Targets, target)
	return s.addTarget(c, target)
}

// linkParties gives an activity its collection of parties.
func (s *Schema) linkParties(party, activity *Table) error {
	c := party.columns["activityid"]
	if c.relTo(activity) != nil {
		return nil
	}
	target := Target{
		Table: activity.LogicalName, Navigation: "activityid_" + activity.LogicalName,
		Collection: activity.LogicalName + "_activity_parties", Delete: CascadeAll,
	}
	c.Targets = append(c.Targets, target)
	return s.addTarget(c, target)
}

// addTarget makes the relationship of a lookup and one of its targets, unless
// the target is not in the schema (yet).
func (s *Schema) addTarget(c *Column, target Target) error {
	t := c.table
	var to *Table
	if target.Table != "principal" {
		if to = s.byName[target.Table]; to == nil {
			s.awaited[target.Table] = append(s.awaited[target.Table], c)
			return nil
		}
	}
	r := &Relationship{Referencing: t, Column: c, Referenced: to, Navigation: target.Navigation, Collection: target.Collection, SchemaName: target.SchemaName, Delete: target.Delete}
	if r.Navigation == "" {
		r.Navigation = c.LogicalName
		if len(c.Targets) > 1 {
			r.Navigation += "_" + target.Table
		}
	}
	plain := r.Navigation
	inherited := t.Activity && s.byName["activitypointer"].columns[c.LogicalName] != nil
	if inherited {
		// DV041: lookups inherited from activitypointer have a suffix.
		r.Navigation += "_" + t.LogicalName
	}
	if r.SchemaName == "" {
		r.SchemaName = r.Collection
	}
	if r.SchemaName == "" {
		r.SchemaName = strings.Join([]string{t.LogicalName, c.LogicalName, target.Table}, "_")
	}
	c.rels = append(c.rels, r)
	if err := t.addNav(&navigation{name: r.Navigation, rel: r, target: to}); err != nil {
		return err
	}
	if inherited && t.navs[plain] == nil {
		t.navs[plain] = &navigation{name: plain, rel: r, target: to, alias: true}
	}
	if to == nil {
		return nil
	}
	to.inbound = append(to.inbound, r)
	if r.Collection == "" {
		return nil
	}
	return to.addNav(&navigation{name: r.Collection, collection: true, rel: r, target: t})
}
