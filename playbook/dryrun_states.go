package playbook

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/pattern"
)

// The columns of a record's state, and of the reason for it.
const (
	stateColumn  = "statecode"
	statusColumn = "statuscode"
)

// foreseeStates finds out which records are closed and take no change, and
// where state and status would not go together.
func (s *step) foreseeStates(ctx context.Context, c *dataverse.Client, plan *pattern.WritePlan, tables map[string]*dataverse.Table, state []presence) error {
	now, err := s.states(ctx, c, plan, tables, state)
	if err != nil {
		return err
	}
	for i := range plan.ChangeSet.Writes {
		w := &plan.ChangeSet.Writes[i]
		t := tables[w.Table]
		col, ok := t.Column(stateColumn)
		if !ok || len(col.Choices) == 0 {
			continue
		}
		was, there := now[w.ID]
		is := was
		creating := creates(w, state[i])
		if creating {
			is = col.Choices[0].Value
		} else if !there {
			continue
		}
		for _, p := range w.Body {
			if n, ok := p.Value.(int); ok && logical(p) == stateColumn && (!creating || col.Creatable) {
				is = n
			}
		}
		now[w.ID] = is
		// Activities alone are closed for good, until they are opened again.
		if there && t.IsActivity && (was == 1 || was == 2) && is == was && !unchanged(state) {
			return &ruleError{code: dataverse.CodeNotActive, part: plan.Writes[i].Part,
				message: "the record of table " + w.Table + " is closed: Dataverse would refuse to change it unless the change opens it again"}
		}
		if err := statusFits(plan, i, t, is); err != nil {
			return err
		}
	}
	return nil
}

// unchanged reports whether all records hold what would be sent: then the run
// takes a refusal for the outcome of an earlier run.
func unchanged(state []presence) bool {
	return !slices.ContainsFunc(state, func(p presence) bool { return p.verdict != VerdictUnchanged })
}

func statusFits(plan *pattern.WritePlan, i int, t *dataverse.Table, state int) error {
	col, ok := t.Column(statusColumn)
	if !ok {
		return nil
	}
	for _, p := range plan.ChangeSet.Writes[i].Body {
		n, ok := p.Value.(int)
		if !ok || logical(p) != statusColumn {
			continue
		}
		for _, c := range col.Choices {
			if c.Value == n && c.State != state {
				return &ruleError{code: dataverse.CodeStatusOfOtherState, part: plan.Writes[i].Part, field: field(&plan.Writes[i], statusColumn),
					message: fmt.Sprintf("state and status of table %s do not go together: the status is one of state %d", t.LogicalName, c.State)}
			}
		}
	}
	return nil
}

// states asks for the states of the records that would be changed, where they
// matter, with one query a table.
func (s *step) states(ctx context.Context, c *dataverse.Client, plan *pattern.WritePlan, tables map[string]*dataverse.Table, state []presence) (map[dataverse.GUID]int, error) {
	queries := map[string]*dataverse.Query{}
	parts := map[string]string{}
	for i := range plan.ChangeSet.Writes {
		w := &plan.ChangeSet.Writes[i]
		_, has := tables[w.Table].Column(stateColumn)
		matters := tables[w.Table].IsActivity || slices.ContainsFunc(w.Body, func(p dataverse.Property) bool { return logical(p) == statusColumn })
		if !has || !matters || state[i].old == nil {
			continue
		}
		q := queries[w.Table]
		if q == nil {
			q = &dataverse.Query{EntitySet: w.EntitySet, Table: w.Table, Select: []string{w.PrimaryKey, stateColumn}, Filter: dataverse.In{Column: w.PrimaryKey}}
			queries[w.Table], parts[w.Table] = q, plan.Writes[i].Part
		}
		in := q.Filter.(dataverse.In)
		if !slices.Contains(in.Values, dataverse.Value(w.ID)) {
			in.Values = append(in.Values, w.ID)
		}
		q.Filter = in
	}
	now := map[dataverse.GUID]int{}
	for _, table := range slices.Sorted(maps.Keys(queries)) {
		q := queries[table]
		for row, err := range c.Query(ctx, q) {
			if err != nil {
				s.warn(parts[table], "whether the records of table %s are closed could not be asked", table)
				break
			}
			id, _ := dataverse.ParseGUID(row.Text(q.Select[0]))
			if n, ok := row.Number(stateColumn); ok {
				if code, err := n.Int64(); err == nil {
					now[id] = int(code)
				}
			}
		}
	}
	return now, nil
}
