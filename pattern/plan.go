package pattern

import (
	"time"

	"github.com/andmoneyaps/engage-playbooks"
	"github.com/andmoneyaps/engage-playbooks/dataverse"
)

// Operation is what is done with a pattern.
type Operation string

// The operations of a pattern.
const (
	Read   Operation = "read"
	Create Operation = "create"
	Update Operation = "update"
	Upsert Operation = "upsert"
)

// Input is what an operation is given: one entry a destination that got a
// value. A destination that got none has no entry.
type Input []Value

// Value is one value on its way into a part.
type Value struct {
	// Part and Field name the destination. An empty Field is a filter on the
	// part (Read only); Data is then a filter tree, see [ParseFilter].
	Part, Field string
	// Data is a JSON value: nil, bool, string, json.Number, []any,
	// map[string]any, or [Unknown] anywhere inside (dry runs).
	Data any
	// Source says where it came from, for people: "Portal meeting:
	// Meeting.Title".
	Source string
	// Pos is the mapping in the document, zero outside playbooks.
	Pos engage.Pos
}

// Unknown stands in the place of a value that a dry run cannot know.
type Unknown struct {
	// After names the block after which it is known.
	After string
	// Text is what can be shown of a text of which a part is known, such as a
	// template rendered around what is not; "" if nothing is.
	Text string
}

// String gives "(known after Read advisor)", or the text around it.
func (u Unknown) String() string {
	if u.Text != "" {
		return u.Text
	}
	return "(known after " + u.After + ")"
}

// Fetch is one query of a round, and the most rows it may bring.
type Fetch struct {
	Query *dataverse.Query
	// Max is the number of rows above which the read fails; the caller reads
	// at most Max+1 rows and hands them over. 0: no bound.
	Max int
	// Part is the part that the rows are for, for progress and errors.
	Part string
	// Take, if it is set, may be handed each row as it comes, so that not all
	// are held at once; the answer to the query then has none. It may be called
	// for several queries of the round at once.
	Take func(dataverse.Record)
}

// Plan is a read in rounds: the queries of one round do not depend on each
// other, those of the next are built from its answers. It is pure; the caller
// sends.
type Plan interface {
	// Next takes the answers to the queries of the last round, in their order
	// (nil before the first), and gives the queries of the next round; none
	// means that the read is done. An error ends the read and is an [*Error].
	Next(answers [][]dataverse.Record) ([]Fetch, error)
	// Rounds tells how many dependent rounds the plan needs at most, and why,
	// a line each.
	Rounds() []string
}

// Options of an operation.
type Options struct {
	// Now is the run's instant, for GetDate in filters.
	Now time.Time
	// Limit bounds the records that each part may bring (Read); 0 means 5000.
	Limit int
	// NewID gives the id of the i-th record of a part that is created; nil or
	// an empty answer leaves the choice to the service.
	NewID func(part string, i int) dataverse.GUID
	// Bulk allows more than 1,000 operations (atomic: false).
	Bulk bool
}

// Error says why an operation cannot be planned or its answers cannot be used:
// which part and field, and what was expected. It holds no values.
type Error struct {
	// Code is the rule's name, such as "required-field".
	Code string
	// Part is the part, "notes[2]" for the third of many; Field may be empty.
	Part, Field string
	Message     string
	// Suggestion is what would be right, `did you mean "x"?`, if it can be
	// told.
	Suggestion string
	// Pos is the mapping or the document's line that is to blame, if known.
	Pos engage.Pos
}

func (e *Error) Error() string {
	at := e.Part
	if e.Field != "" {
		at += "." + e.Field
	}
	message := e.Message
	if e.Suggestion != "" {
		message += "; " + e.Suggestion
	}
	if at == "" {
		return message
	}
	return at + ": " + message
}

// Warning is something that a person should know of an operation that went
// on: a list of which some were not found, say.
type Warning struct {
	Part, Message string
}

// PlannedWrite describes one write of a [WritePlan], at the same index as in
// its ChangeSet.
type PlannedWrite struct {
	// Part is "notes[2]" for the third instance of a part with many, "meeting"
	// for a part with one.
	Part string
	// Operation is create, update or upsert.
	Operation Operation
	// Table and Columns are logical names; Columns in the order sent.
	Table   string
	ID      dataverse.GUID
	Columns []PlannedColumn
}

// PlannedColumn is one column of a write and where its value came from.
type PlannedColumn struct {
	Column, Field string
	// Value is the abstract value (JSON, or Unknown).
	Value any
	// Source says where it came from: a mapping's source, "default", or
	// "customer.Id" for a requirement.
	Source string
}
