package pattern

import (
	"slices"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/entity"
)

// WritePlan is a write: one change set and what a person should know of it.
type WritePlan struct {
	// ChangeSet holds the writes in an order in which each stands after those
	// it links to. In a dry run a value may be an [Unknown], and an ID or the
	// ID of a Bind the text of one.
	ChangeSet *dataverse.ChangeSet
	// Writes describes each write of the change set, at the same index. Where
	// the service picked an id, the caller fills it in before Result.
	Writes   []PlannedWrite
	Warnings []Warning
	// Linked lists the records that are there before the write and that it
	// links to or changes, for a check of rights, each once.
	Linked []Linked
	// Atomic says that all writes happen or none; Why says why not.
	Atomic bool
	Why    string

	results []plannedRecord
	pattern *Pattern
}

// Linked is a record that is there before a write.
type Linked struct {
	Part             string
	Table, EntitySet string
	PrimaryKey       string
	ID               dataverse.GUID
	// Changed: the write changes it; else it links to it.
	Changed bool
}

// plannedRecord is a record of the result.
type plannedRecord struct {
	part *Part
	// write is the index of the write that gives it its id, or -1.
	write  int
	id     any
	fields map[string]any
}

// waits reports whether a value holds an id that the service picks.
func waits(v any) bool {
	switch v := v.(type) {
	case made:
		return true
	case []any:
		return slices.ContainsFunc(v, waits)
	case map[string]any:
		for _, member := range v {
			if waits(member) {
				return true
			}
		}
	}
	return false
}

// known puts the ids that the service has picked in their places in a value;
// null, as long as it has not.
func (w *WritePlan) known(v any) any {
	if !waits(v) {
		return v
	}
	switch v := v.(type) {
	case made:
		if i := int(v) - 1; i < len(w.Writes) && w.Writes[i].ID != "" {
			return string(w.Writes[i].ID)
		}
		return nil
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = w.known(item)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, member := range v {
			out[name] = w.known(member)
		}
		return out
	}
	return v
}

// Result gives the one result of the write: from part to the list of its
// records with the fields that were sent, Id in each. Ids that the service
// picked come from Writes.
func (w *WritePlan) Result() map[string]any {
	lists := make([][]any, len(w.pattern.Parts))
	for _, r := range w.results {
		rec := r.fields
		if rec == nil {
			rec = make(map[string]any, 1)
		}
		for name, v := range rec {
			if waits(v) {
				rec[name] = w.known(v)
			}
		}
		rec[entity.IDField] = idData(r.id)
		if r.id == nil && r.write >= 0 && w.Writes[r.write].ID != "" {
			rec[entity.IDField] = string(w.Writes[r.write].ID)
		}
		lists[r.part.index] = append(lists[r.part.index], rec)
	}
	out := make(map[string]any, len(lists))
	for i, part := range w.pattern.Parts {
		if lists[i] == nil {
			lists[i] = []any{}
		}
		out[part.Ref] = lists[i]
	}
	return out
}
