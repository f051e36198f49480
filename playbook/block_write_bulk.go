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
		first   error
		refused int
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
		n, err := s.bulkPart(ctx, c, plan, from, to)
		refused += n
		if first == nil {
			first = err
		}
		if ctx.Err() != nil {
			break
		}
		from = to
	}
	if refused > 0 {
		s.warn("", "%d of %d records were not written", refused, len(plan.Writes))
	}
	return first
}

// bulkPart writes the records from..to of one part, and tells how many were
// refused and why the first one was.
func (s *step) bulkPart(ctx context.Context, c *dataverse.Client, plan *pattern.WritePlan, from, to int) (refused int, err error) {
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
	settled := make([]bool, to-from)
	for k, w := range written {
		i := from + w.Index
		settled[w.Index] = true
		switch {
		case w.Err == nil:
			s.wrote(plan, i, w.ID, w.Unchanged)
		case there[k]:
			s.wrote(plan, i, part.Writes[w.Index].ID, true)
		default:
			refused++
			if err == nil {
				err = &partError{part: plan.Writes[i].Part, err: w.Err}
			}
		}
	}
	for _, ok := range settled {
		if !ok {
			refused++
		}
	}
	if err == nil {
		err = failed
	}
	return refused, err
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
