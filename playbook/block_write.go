package playbook

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/pattern"
)

// lookup is what the first half of a writing block leaves to the second.
type lookup struct {
	client  *dataverse.Client
	pattern *pattern.Pattern
	found   *pattern.Lookup
}

// lookup is the first half of a writing block: it decides whether the block
// runs, checks what can be checked, and finds the records of read-only parts.
func (s *step) lookup(ctx context.Context) {
	s.begin(s.b)
	run, err := s.decide(ctx)
	if err == nil && run {
		err = s.find(ctx)
		if err == nil {
			return
		}
	}
	s.settle(ctx, err)
}

func (s *step) find(ctx context.Context) error {
	if err := s.evaluate(ctx, func(m *Mapping) bool { return answerable(m, s.b.finds) }); err != nil {
		return err
	}
	c, err := s.client(ctx)
	if err != nil {
		return err
	}
	p, err := s.bind(ctx, c)
	if err != nil {
		return err
	}
	in := s.input()
	if err := p.Check(s.b.Operation, in, s.options()); err != nil {
		return err
	}
	if s.dry {
		in = s.obscure(p, in)
	}
	found, err := p.Lookup(s.b.Operation, in, s.options())
	if err != nil {
		return err
	}
	if err := s.rounds(ctx, c, found); err != nil {
		return err
	}
	s.b.pending = &lookup{client: c, pattern: p, found: found}
	return nil
}

// write is the second half of a writing block: all blocks before it have
// ended.
func (s *step) write(ctx context.Context) {
	err := s.evaluate(ctx, every)
	if err == nil {
		err = s.plan(ctx)
	}
	s.end(ctx, err)
}

func (s *step) plan(ctx context.Context) error {
	l := s.b.pending
	in := s.input()
	if s.dry {
		in = s.obscure(l.pattern, in)
	}
	if err := l.found.Give(in); err != nil {
		return err
	}
	if !s.dry && !s.b.Atomic && s.engine.Version == nil {
		pieces, err := l.pattern.Pieces(s.b.Operation, in, l.found, s.options(), s.b.Verify)
		if err != nil {
			return err
		}
		if pieces != nil {
			c := l.client
			return s.conduct(ctx, pieces.Warnings, pieces.Linked, func() error { return s.pieces(ctx, c, pieces) }, pieces.Result)
		}
	}
	plan, err := l.pattern.Write(s.b.Operation, in, l.found, s.options())
	if err != nil {
		return err
	}
	return s.conduct(ctx, plan.Warnings, plan.Linked, func() error {
		switch {
		case s.dry:
			return s.show(ctx, l.client, plan)
		case len(plan.ChangeSet.Writes) == 0:
			return nil
		}
		return s.carryOut(ctx, l.client, plan)
	}, plan.Result)
}

// conduct does what is planned, if it may be done, and puts out its result.
func (s *step) conduct(ctx context.Context, warnings []pattern.Warning, linked []pattern.Linked, do func() error, result func() map[string]any) error {
	if !s.dry {
		s.b.pending = nil // while the service works, a run holds what it needs
		if !s.engine.Coverage {
			s.b.values = nil
		}
	}
	for _, w := range warnings {
		s.b.warnings = append(s.b.warnings, Warning{Block: s.b.Name, Part: w.Part, Message: w.Message})
	}
	if s.b.Verify {
		if err := s.verify(ctx, linked); err != nil {
			return err
		}
	}
	if err := do(); err != nil {
		return err
	}
	s.put(map[string]any{"Results": []any{result()}})
	return nil
}

// verify asks, as the employee, whether they may read what the application is
// about to link to or change. Events of others have no employee to ask for.
func (s *step) verify(ctx context.Context, linked []pattern.Linked) error {
	if s.event.kind() != ActorEmployee || len(linked) == 0 {
		return nil
	}
	rows := make([]dataverse.Row, 0, len(linked))
	parts := make([]string, 0, len(linked))
	for _, l := range linked {
		if l.ID == "" {
			continue // a dry run does not know it yet
		}
		if by, planned := s.planned.record(l.Table, l.ID); planned {
			s.warn(l.Part, "whether the employee may read the record is known after %s", by)
			continue
		}
		rows = append(rows, dataverse.Row{Table: l.Table, EntitySet: l.EntitySet, PrimaryKey: l.PrimaryKey, ID: l.ID})
		parts = append(parts, l.Part)
	}
	c, err := s.as(ctx, IdentityEmployee)
	if err != nil {
		return err
	}
	var seen observed
	may, err := c.CanRead(seen.context(ctx), rows...)
	s.chain += s.note(&seen, reads)
	if err != nil {
		return err
	}
	verified := true
	s.b.rec.Escalation.Verified = &verified
	for i, ok := range may {
		if !ok {
			verified = false
			return &ruleError{code: "employee-may-not-read", part: parts[i],
				message: fmt.Sprintf("the employee may not read the record of table %s that the application would link to or change", rows[i].Table)}
		}
	}
	return nil
}

// apply writes all records in one change set, all or nothing.
func (s *step) apply(ctx context.Context, c *dataverse.Client, plan *pattern.WritePlan) error {
	var seen observed
	number := int(s.changeSets.Add(1))
	written, err := c.Apply(seen.context(ctx), plan.ChangeSet)
	s.chain += s.note(&seen, func(e dataverse.Exchange) []*RequestRecord {
		if e.Method == "GET" {
			return reads(e) // the client settled a lost answer
		}
		return operations(e, number)
	})
	if err == nil {
		for i := range written {
			s.wrote(plan, i, written[i].ID, written[i].Unchanged)
		}
		return nil
	}
	return s.settleApply(ctx, c, plan, err)
}

// settleApply finds out what became of a change set that failed: records that
// this event had made before are there already, and after a lost answer, or
// the end of the run, they may be.
func (s *step) settleApply(ctx context.Context, c *dataverse.Client, plan *pattern.WritePlan, failed error) error {
	duplicate := errors.Is(failed, dataverse.ErrDuplicate)
	unsure := ctx.Err() != nil || mayBeDone(failed)
	closed := s.b.Operation != pattern.Create && isClosed(failed)
	if !duplicate && !unsure && !closed {
		return s.refused(plan, failed)
	}
	if s.b.Operation == pattern.Create && !plan.ChangeSet.Repeatable() || s.b.Operation != pattern.Create && !unsure && !closed {
		if unsure {
			s.unsettled("the answer was lost")
		}
		return s.refused(plan, failed)
	}
	ask := ctx
	if ctx.Err() != nil {
		var cancel context.CancelFunc
		ask, cancel = context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
		defer cancel()
	}
	if s.b.Operation != pattern.Create {
		return s.settleChanges(ctx, ask, c, plan, failed, unsure)
	}
	var seen observed
	there, err := c.Existing(seen.context(ask), plan.ChangeSet)
	s.chain += s.note(&seen, reads)
	if err != nil {
		s.unsettled("the service could not be asked")
		return s.refused(plan, failed)
	}
	var missing []string
	for i, ok := range there {
		if !ok {
			missing = append(missing, plan.Writes[i].Part)
		}
	}
	switch {
	case len(missing) == len(there):
		if ctx.Err() != nil && asked(failed) {
			s.unsettled("they are not there yet, but the request had been sent and the service may still be at work")
		}
		return s.refused(plan, failed)
	case len(missing) > 0:
		return &ruleError{code: "partly-there", part: missing[0], err: failed, message: fmt.Sprintf(
			"this event has written these records before, and some of them are gone since: %s; nothing was written, and nothing is overwritten",
			strings.Join(missing, ", "))}
	}
	for i := range there {
		s.wrote(plan, i, plan.ChangeSet.Writes[i].ID, ctx.Err() == nil)
	}
	if ctx.Err() != nil {
		return failed
	}
	return nil
}

// unsettled says that the records may be there, or may not.
func (s *step) unsettled(why string) {
	s.b.rec.Unsettled = true
	s.warn("", "whether the records were written is not known: %s", why)
}

// asked reports whether the request of a failed write had been sent at all.
func asked(failed error) bool {
	var remote *dataverse.Error
	return errors.As(failed, &remote) && remote.Status == 0 && remote.Attempts > 0
}

// mayBeDone reports whether the service may have acted on a request that failed.
func mayBeDone(failed error) bool {
	remote, ok := errors.AsType[*dataverse.Error](failed)
	return ok && remote.MayBeDone
}

// refused names the part whose write the service refused.
func (s *step) refused(plan *pattern.WritePlan, failed error) error {
	var remote *dataverse.Error
	if errors.As(failed, &remote) && remote.Write >= 0 && remote.Write < len(plan.Writes) {
		return &partError{part: plan.Writes[remote.Write].Part, err: failed}
	}
	return failed
}

// wrote records one write that happened.
func (s *step) wrote(plan *pattern.WritePlan, i int, id dataverse.GUID, unchanged bool) {
	w := &plan.Writes[i]
	if id == "" {
		id = w.ID
	}
	w.ID = id
	rec := &WriteRecord{Block: s.b.Name, Part: w.Part, Operation: string(w.Operation), Table: w.Table, ID: string(id)}
	if unchanged {
		rec.Operation = Unchanged
	}
	rec.Columns = s.b.columns(w)
	if !s.b.addWrite(rec) {
		return
	}
	s.tellWrite(rec)
}

func (s *step) tellWrite(rec *WriteRecord) {
	rule := ""
	if s.b.rec.Escalation != nil {
		rule = s.b.rec.Escalation.Rule
	}
	s.tell(Progress{Kind: RecordWritten, Block: s.b.Name, Identity: s.b.rec.Identity, Write: rec, Rule: rule})
}

// columns names the columns of a write. Those of many records that are written
// alike are one list.
func (b *blockRun) columns(w *pattern.PlannedWrite) []string {
	if n := len(b.writes); n > 0 {
		last := b.writes[n-1].Columns
		if slices.EqualFunc(last, w.Columns, func(name string, c pattern.PlannedColumn) bool { return name == c.Column }) {
			return slices.Clip(last)
		}
	}
	var names []string
	for _, c := range w.Columns {
		names = append(names, c.Column)
	}
	return names
}

// addWrite notes a write, and reports whether it is of another record than the
// last: replacing a party list and completing an activity are operations of
// their own, and one write of one record still.
func (b *blockRun) addWrite(rec *WriteRecord) bool {
	if n := len(b.writes); n > 0 && rec.ID != "" && b.writes[n-1].ID == rec.ID && b.writes[n-1].Part == rec.Part {
		last := b.writes[n-1]
		last.Columns = append(last.Columns, rec.Columns...)
		last.Values = append(last.Values, rec.Values...)
		if last.Verdict == VerdictUnchanged {
			last.Verdict = rec.Verdict
		}
		return false
	}
	b.writes = append(b.writes, rec)
	return true
}

// instance splits "notes[2]" into its part and index.
func instance(part string) (ref string, i int) {
	ref, rest, ok := strings.Cut(part, "[")
	if !ok {
		return part, 0
	}
	i, err := strconv.Atoi(strings.TrimSuffix(rest, "]"))
	if err != nil {
		return part, 0
	}
	return ref, i
}
