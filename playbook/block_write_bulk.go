package playbook

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/pattern"
)

// bulk writes in bulk (atomic: false): part by part, in order, so that each
// record stands before those that link to it; refused records do not stop the
// others.
func (s *step) bulk(ctx context.Context, c *dataverse.Client, plan *pattern.WritePlan) error {
	var (
		first error
		lost  losses
	)
	for from := 0; from < len(plan.Writes); {
		to := from + 1
		ref, _ := instance(plan.Writes[from].Part)
		for to < len(plan.Writes) {
			if next, _ := instance(plan.Writes[to].Part); next != ref {
				break
			}
			to++
		}
		err := s.bulkPart(ctx, c, plan, from, to, &lost)
		if first == nil {
			first = err
		}
		from = to
		if ctx.Err() != nil {
			lost.refused += len(plan.Writes) - from // nobody asked for them
			break
		}
	}
	if lost.refused > 0 {
		s.warn("", "%d of %d records were not written", lost.refused, len(plan.Writes))
	}
	if lost.unsure > 0 {
		s.b.rec.Unsettled = true
		s.warn("", "whether %d of %d records were written is not known: there was no answer", lost.unsure, len(plan.Writes))
	}
	return first
}

// losses counts the records of a bulk write that the run cannot say were
// written: refused ones were not, of the others nobody knows.
type losses struct{ refused, unsure int }

// bulkPart writes the records from..to of one part, counts those that were
// lost, and tells why the first one was.
func (s *step) bulkPart(ctx context.Context, c *dataverse.Client, plan *pattern.WritePlan, from, to int, lost *losses) error {
	part := &dataverse.ChangeSet{Writes: plan.ChangeSet.Writes[from:to]}
	var seen observed
	written, failed := c.Bulk(seen.context(ctx), part, nil)
	s.chain += s.note(&seen, func(e dataverse.Exchange) []*RequestRecord {
		return []*RequestRecord{{Method: e.Method, Path: e.Path, Status: e.Status, ID: e.RequestID}}
	})
	there, err := s.settleBulk(ctx, c, part, written)
	if err != nil {
		s.b.rec.Unsettled = true
		s.warn("", "whether some of the records were written before is not known: the service could not be asked")
	}
	settled := 0
	for k, w := range written {
		i := from + w.Index
		settled++
		if w.Err == nil || there[k] {
			id := w.ID
			if w.Err != nil {
				id = part.Writes[w.Index].ID
			}
			s.wrote(plan, i, id, w.Err != nil || w.Unchanged)
			continue
		}
		if mayBeWritten(ctx, &part.Writes[w.Index], w.Err) {
			lost.unsure++
		} else {
			lost.refused++
		}
		if err == nil {
			err = &partError{part: plan.Writes[i].Part, err: w.Err}
		}
	}
	if rest := to - from - settled; ctx.Err() != nil {
		lost.unsure += rest // they may have been under way
	} else {
		lost.refused += rest
	}
	if err == nil {
		err = failed
	}
	return err
}

// mayBeWritten reports whether a write may have been done though it failed:
// there was no answer, and it was not read back as a create with an id is
// unless the run has ended.
func mayBeWritten(ctx context.Context, w *dataverse.Write, failed error) bool {
	if ctx.Err() != nil {
		return asked(failed) || errors.Is(failed, ctx.Err())
	}
	return errors.Is(failed, dataverse.ErrUnavailable) && (w.Operation != dataverse.Create || w.ID == "")
}

// settleBulk tells which of the refused records this event had made before,
// by index in written.
func (s *step) settleBulk(ctx context.Context, c *dataverse.Client, part *dataverse.ChangeSet, written []dataverse.Written) (there map[int]bool, err error) {
	var ask dataverse.ChangeSet
	var of []int
	for k, w := range written {
		if w.Err != nil && errors.Is(w.Err, dataverse.ErrDuplicate) && part.Writes[w.Index].Operation == dataverse.Create && part.Writes[w.Index].ID != "" {
			ask.Writes = append(ask.Writes, part.Writes[w.Index])
			of = append(of, k)
		}
	}
	if len(of) == 0 {
		return nil, nil
	}
	var seen observed
	found, err := c.Existing(seen.context(ctx), &ask)
	s.chain += s.note(&seen, reads)
	if err != nil {
		return nil, err
	}
	there = make(map[int]bool, len(of))
	for i, k := range of {
		there[k] = found[i]
	}
	return there, nil
}

// newID gives the id of a record that is created; "" leaves it to the service.
// In bulk, records of several requests link to each other, so that their ids
// must be known before: without an event id they are random.
func (s *step) newID(part string, i int) dataverse.GUID {
	if id := derivedID(s.event.ID, s.playbook.ID, s.b.Name, part, i); id != "" || s.b.Atomic {
		return id
	}
	var u [16]byte
	rand.Read(u[:])
	u[6], u[8] = u[6]&0x0f|0x40, u[8]&0x3f|0x80
	return dataverse.GUID(fmt.Sprintf("%x-%x-%x-%x-%x", u[0:4], u[4:6], u[6:8], u[8:10], u[10:]))
}
