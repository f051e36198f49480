package playbook

import (
	"context"
	"sync"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/pattern"
)

// carryOut sends the writes of the plan.
func (s *step) carryOut(ctx context.Context, c *dataverse.Client, plan *pattern.WritePlan) error {
	if err := s.hold(ctx, c, plan.ChangeSet); err != nil {
		return err
	}
	if s.b.Atomic {
		return s.apply(ctx, c, plan)
	}
	return s.bulk(ctx, c, plan)
}

// held are the records whose version a run has asked for: its own first write
// changes it, so that later ones cannot ask again.
type held struct {
	mu      sync.Mutex
	records map[dataverse.Row]bool
}

// first reports whether the run writes the record for the first time.
func (h *held) first(w *dataverse.Write) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	row := dataverse.Row{Table: w.Table, ID: w.ID}
	if h.records[row] {
		return false
	}
	if h.records == nil {
		h.records = map[dataverse.Row]bool{}
	}
	h.records[row] = true
	return true
}

// hold makes updates depend on the versions of [Engine.Version]. An upsert of
// a record that was there is an update then. Tables without optimistic
// concurrency know no versions.
func (s *step) hold(ctx context.Context, c *dataverse.Client, set *dataverse.ChangeSet) error {
	if s.engine.Version == nil {
		return nil
	}
	for i := range set.Writes {
		w := &set.Writes[i]
		if w.ID == "" || !s.held.first(w) || w.IfMatch != "" || w.Operation != dataverse.Update && (w.Operation != dataverse.Upsert || len(w.Key) > 0) {
			continue
		}
		etag := s.engine.Version(w.Table, string(w.ID))
		if etag == "" {
			continue
		}
		table, err := c.Table(ctx, w.Table)
		if err != nil {
			return err
		}
		if table.OptimisticLocks {
			w.Operation, w.IfMatch = dataverse.Update, etag
		}
	}
	return nil
}
