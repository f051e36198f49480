package playbook

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/pattern"
)

// presence is what is there of the record that a write is for.
type presence struct {
	verdict Verdict
	// old has the values by column, for a record that is there.
	old map[string]any
	// etag is its version.
	etag string
}

// present finds out, for each write of the plan, whether its record is there,
// and for those that would be changed what they hold.
func (s *step) present(ctx context.Context, c *dataverse.Client, plan *pattern.WritePlan) ([]presence, error) {
	out := make([]presence, len(plan.Writes))
	switch s.b.Operation {
	case pattern.Create:
		return out, s.presentCreates(ctx, c, plan, out)
	default:
		return out, s.presentChanges(ctx, c, plan, out)
	}
}

func (s *step) presentCreates(ctx context.Context, c *dataverse.Client, plan *pattern.WritePlan, out []presence) error {
	for i := range out {
		out[i].verdict = VerdictCreate
	}
	if s.event.ID == "" || len(out) == 0 {
		return nil
	}
	there, err := c.Existing(ctx, plan.ChangeSet)
	if err != nil {
		// Who may create need not be allowed to read: the run would not ask.
		s.warn("", "whether the records are there already could not be asked")
		return nil
	}
	var missing []string
	for i, ok := range there {
		if ok {
			out[i].verdict = VerdictUnchanged
		} else {
			missing = append(missing, plan.Writes[i].Part)
		}
	}
	if s.b.Atomic && len(missing) > 0 && len(missing) < len(there) {
		return &ruleError{code: "partly-there", part: missing[0], message: "this event has written these records before, and some of them are gone since: " +
			strings.Join(missing, ", ") + "; nothing would be written"}
	}
	return nil
}

// presentChanges asks for what the records hold that would be changed, with
// one query a table.
func (s *step) presentChanges(ctx context.Context, c *dataverse.Client, plan *pattern.WritePlan, out []presence) error {
	tables := map[string][]int{}
	var order []string
	for i := range plan.Writes {
		w := &plan.ChangeSet.Writes[i]
		out[i].verdict = VerdictUnknown
		if by, planned := s.planned.record(w.Table, w.ID); planned {
			s.warn(plan.Writes[i].Part, "block %q would have written this record before: what it holds then is not known yet", by)
			continue
		}
		if _, unknown := unknownID(string(w.ID)); unknown || w.ID == "" {
			if len(w.Key) > 0 {
				out[i].verdict = VerdictCreate // the look-up by key found none
			}
			continue
		}
		if tables[w.Table] == nil {
			order = append(order, w.Table)
		}
		tables[w.Table] = append(tables[w.Table], i)
	}
	for _, table := range order {
		if err := s.old(ctx, c, plan, tables[table], out); err != nil {
			return err
		}
	}
	return nil
}

// old reads the records of one table that the writes would change.
func (s *step) old(ctx context.Context, c *dataverse.Client, plan *pattern.WritePlan, writes []int, out []presence) error {
	first := &plan.ChangeSet.Writes[writes[0]]
	key := first.PrimaryKey
	q := &dataverse.Query{EntitySet: first.EntitySet, Table: first.Table, Select: []string{key}}
	in := dataverse.In{Column: key}
	for _, i := range writes {
		w := &plan.ChangeSet.Writes[i]
		in.Values = append(in.Values, w.ID)
		for _, p := range w.Body {
			if col, ok := stored(p); ok && !slices.Contains(q.Select, col) {
				q.Select = append(q.Select, col)
			}
		}
	}
	q.Filter = in
	rows := map[dataverse.GUID]dataverse.Record{}
	for row, err := range c.Query(ctx, q) {
		if errors.Is(err, dataverse.ErrForbidden) || errors.Is(err, dataverse.ErrInvalid) {
			// Who may write need not be allowed to read, and recorded answers
			// have only those to what the run asked: it would not ask this.
			s.warn(plan.Writes[writes[0]].Part, "what the records of table %s hold now could not be asked", first.Table)
			return nil
		}
		if err != nil {
			return err
		}
		id, _ := dataverse.ParseGUID(row.Text(key))
		rows[id] = row
	}
	for _, i := range writes {
		w := &plan.ChangeSet.Writes[i]
		row, there := rows[w.ID]
		switch {
		case !there && w.Operation == dataverse.Upsert:
			out[i].verdict = VerdictCreate
		case !there && notThere(ctx, c, w):
			return &ruleError{code: dataverse.CodeObjectDoesNotExist, part: plan.Writes[i].Part,
				message: "there is no record of table " + w.Table + " with this id: an update never creates one"}
		case !there:
			s.warn(plan.Writes[i].Part, "the %s may not read the record of table %s: what it holds now is not known", s.b.Identity, w.Table)
		default:
			out[i] = compared(w, row)
		}
	}
	return nil
}

// compared sets what would be sent against what is there.
func compared(w *dataverse.Write, row dataverse.Record) presence {
	p := presence{verdict: VerdictUnchanged, old: map[string]any{}, etag: row.ETag()}
	for _, property := range w.Body {
		col, ok := stored(property)
		if !ok {
			p.verdict = VerdictUpdate
			continue
		}
		p.old[logical(property)] = row[col]
		switch property.Value.(type) {
		case pattern.Unknown:
			if p.verdict == VerdictUnchanged {
				p.verdict = VerdictUnknown
			}
		default:
			if !dataverse.SameValue(property.Value, row[col]) {
				p.verdict = VerdictUpdate
			}
		}
	}
	return p
}

// logical is the logical name of the property's column.
func logical(p dataverse.Property) string { return cmp.Or(p.Column, p.Name) }

// stored is the column that a property is read back from; parties have none.
func stored(p dataverse.Property) (column string, ok bool) {
	switch p.Value.(type) {
	case dataverse.Parties:
		return "", false
	case dataverse.Bind:
		return "_" + logical(p) + "_value", true
	}
	if p.Lookup {
		return "_" + logical(p) + "_value", true
	}
	return logical(p), true
}
