package pattern

import (
	"github.com/andmoneyaps/engage-playbooks"
	"github.com/andmoneyaps/engage-playbooks/entity"
)

// Given is a destination that a block's mappings may give a value.
type Given struct {
	// Part and Field as in [Value].
	Part, Field string
	// Pos is the mapping.
	Pos engage.Pos
}

// Destination resolves "part.Field", or "part" for a filter on Read, and
// checks what can be told without values: that they exist and that the
// operation may be given them. The error's message says what to write.
func (p *Pattern) Destination(op Operation, s string) (*Part, *entity.Field, *Error) {
	return nil, nil, nil
}

// CheckInputs reports what the operation lacks if all of the destinations get
// a value: fields without a source, a read without a criterion, an update
// without Id, an upsert without key, a pattern whose parts are not connected
// (Read). limited says that a Read has a limit.
func (p *Pattern) CheckInputs(op Operation, given []Given, limited bool) []*Error {
	return nil
}

// Check reports everything that can be known to be wrong before the first
// request: required fields, types, lengths, choices, numbers of instances. It
// is an [*Error], or nil.
func (p *Pattern) Check(op Operation, in Input) error { return nil }
