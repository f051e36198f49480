package pattern

import "github.com/andmoneyaps/engage-playbooks/dataverse"

// Lookup finds the records of read-only parts that are given by fields, and
// for an upsert by key those that are there already. It implements [Plan] and
// needs no round if all are given by id.
type Lookup struct{}

var _ Plan = (*Lookup)(nil)

// Lookup plans what must be asked before a write. It only reads the inputs of
// read-only parts, and for an Upsert all of them. The pattern's definitions
// are bound.
func (p *Pattern) Lookup(op Operation, in Input, o Options) (*Lookup, error) { return &Lookup{}, nil }

// Next implements [Plan].
func (l *Lookup) Next(answers [][]dataverse.Record) ([]Fetch, error) { return nil, nil }

// Rounds implements [Plan].
func (l *Lookup) Rounds() []string { return nil }

// WritePlan is a write: one change set and what a person should know of it.
type WritePlan struct {
	// ChangeSet holds the writes in an order in which each stands after those
	// it links to. In a dry run a value may be an [Unknown].
	ChangeSet *dataverse.ChangeSet
	// Writes describes each write of the change set, at the same index.
	Writes   []PlannedWrite
	Warnings []Warning
	// Linked lists the records that the writes link to or change, for a check
	// of rights: by table and entity set, without repetition.
	Linked []Linked
}

// Linked is a record that exists before a write and that it links to or
// changes.
type Linked struct {
	Part             string
	Table, EntitySet string
	PrimaryKey       string
	ID               dataverse.GUID
	// Changed: the write changes it; else it links to it.
	Changed bool
}

// Write plans the change set. found is the finished lookup of the same
// operation and input. Everything is checked before: the error is an [*Error].
func (p *Pattern) Write(op Operation, in Input, found *Lookup, o Options) (*WritePlan, error) {
	return &WritePlan{ChangeSet: &dataverse.ChangeSet{}}, nil
}

// Result gives the one result of the write: from part to the list of its
// records with the fields that were sent, Id in each.
func (w *WritePlan) Result() map[string]any { return map[string]any{} }
