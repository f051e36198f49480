package playbook

import (
	"context"
	"crypto/rand"
	"errors"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/pattern"
)

// bulk writes in bulk (atomic: false): part by part, in order, so that each
// record stands before those that link to it; refused records do not stop the
// others.
func (s *step) bulk(ctx context.Context, c *dataverse.Client, plan *pattern.WritePlan) error {
	var parts []bulkPart
	for from := 0; from < len(plan.Writes); {
		to := from + 1
		ref, _ := instance(plan.Writes[from].Part)
		for to < len(plan.Writes) {
			if next, _ := instance(plan.Writes[to].Part); next != ref {
				break
			}
			to++
		}
		parts = append(parts, &wholePart{step: s, plan: plan, from: from, set: dataverse.ChangeSet{Writes: plan.ChangeSet.Writes[from:to]}})
		from = to
	}
	return s.bulkParts(ctx, c, parts)
}

// pieces writes in bulk what is planned while it is written.
func (s *step) pieces(ctx context.Context, c *dataverse.Client, plan *pattern.Pieces) error {
	parts := make([]bulkPart, len(plan.Parts))
	for i, p := range plan.Parts {
		parts[i] = &piece{step: s, Piece: p}
		if i == len(parts)-1 {
			parts[i].(*piece).last = plan
		}
	}
	return s.bulkParts(ctx, c, parts)
}

// bulkPart is the records of a part, written in bulk: all planned, or planned
// piece by piece.
type bulkPart interface {
	len() int
	// send writes the records, and notes what became of each.
	send(ctx context.Context, c *dataverse.Client, done *outcomes) error
	write(i int) dataverse.Write
	// record puts the records that were written into the record of the run, in
	// order.
	record(done *outcomes)
}

func (s *step) bulkParts(ctx context.Context, c *dataverse.Client, parts []bulkPart) error {
	var (
		first error
		lost  losses
		all   int
	)
	for _, p := range parts {
		all += p.len()
	}
	for _, p := range parts {
		if ctx.Err() != nil {
			lost.refused += p.len() // nobody asked for them
			if first == nil {
				first = context.Cause(ctx)
			}
			continue
		}
		err := s.bulkPart(ctx, c, p, &lost)
		if first == nil {
			first = err
		}
	}
	if lost.refused > 0 {
		s.warn("", "%d of %d records were not written", lost.refused, all)
	}
	if lost.unsure > 0 {
		s.b.rec.Unsettled = true
		s.warn("", "whether %d of %d records were written is not known: there was no answer", lost.unsure, all)
	}
	return first
}

// losses counts the records of a bulk write that the run cannot say were
// written: refused ones were not, of the others nobody knows.
type losses struct{ refused, unsure int }

// bulkPart writes the records of one part, counts those that were lost, and
// tells why the first one was.
func (s *step) bulkPart(ctx context.Context, c *dataverse.Client, p bulkPart, lost *losses) error {
	done := newOutcomes(p.len())
	seen := observed{bulk: true}
	failed := p.send(seen.context(ctx), c, done)
	s.chain += s.note(&seen, func(e dataverse.Exchange) []*RequestRecord {
		return []*RequestRecord{{Method: e.Method, Path: e.Path, Status: e.Status, ID: e.RequestID}}
	})
	done.rest(failed)
	err := s.settleBulk(ctx, c, p, done)
	if err != nil {
		s.b.rec.Unsettled = true
		s.warn("", "whether some of the records were written before is not known: the service could not be asked")
	}
	p.record(done)
	for _, i := range done.failures() {
		if mayBeDone(done.errs[i]) {
			lost.unsure++
		} else {
			lost.refused++
		}
		if err == nil {
			err = &partError{part: p.write(i).Source, err: done.errs[i]}
		}
	}
	if err == nil {
		err = failed
	}
	return err
}

// settleBulk finds out which of the refused records this event had made
// before: they are unchanged.
func (s *step) settleBulk(ctx context.Context, c *dataverse.Client, p bulkPart, done *outcomes) error {
	var ask dataverse.ChangeSet
	var of []int
	for _, i := range done.failures() {
		if !errors.Is(done.errs[i], dataverse.ErrDuplicate) {
			continue
		}
		if w := p.write(i); w.Operation == dataverse.Create && w.ID != "" {
			ask.Writes, of = append(ask.Writes, w), append(of, i)
		}
	}
	if len(of) == 0 {
		return nil
	}
	var seen observed
	found, err := c.Existing(seen.context(ctx), &ask)
	s.chain += s.note(&seen, reads)
	if err != nil {
		return err
	}
	for k, i := range of {
		if found[k] {
			delete(done.errs, i)
			done.ends[i] = endUnchanged
		}
	}
	return nil
}

// newID gives the id of a record that is created; "" leaves it to the service.
// In bulk, records of several requests link to each other, so that their ids
// must be known before: without an event id they are derived from a random one.
func (s *step) newID(part string, i int) dataverse.GUID {
	if s.event.ID != "" || s.b.Atomic {
		return derivedID(s.event.ID, s.playbook.ID, s.b.Name, part, i)
	}
	if s.b.chance == "" {
		s.b.chance = rand.Text()
	}
	return derivedID(s.b.chance, s.playbook.ID, s.b.Name, part, i)
}
