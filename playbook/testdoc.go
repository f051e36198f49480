package playbook

import (
	"encoding/json"

	"github.com/andmoneyaps/engage-playbooks"
)

// Test is a PlaybookTest document.
type Test struct {
	ID, Name, Description string
	Playbook              *Playbook
	Cases                 []*TestCase
	Pos                   engage.Pos
}

// TestCase is one event and what must come of it.
type TestCase struct {
	Name  string
	Event *Event
	// Seeds are seed files or inline seeds, beside the workspace's own.
	Seeds []Seed
	// Mocks are the outputs of Ai blocks, by name of the block.
	Mocks  map[string]map[string]any
	Expect Expectation
	Pos    engage.Pos
}

// Seed is one seed of a test: a JSON object of entity sets.
type Seed struct {
	// File is the workspace path; empty for an inline seed.
	File string
	Data json.RawMessage
	Pos  engage.Pos
}

// Expectation is what a test case expects; what is nil is not looked at.
type Expectation struct {
	Status *Status
	// Writes is exact: as many writes, in this order; of each the keys given
	// must be as given (block part operation table id columns).
	Writes []map[string]any
	// HasWrites tells no writes expected from not looked at.
	HasWrites bool
	// Output is a subset of the run's output.
	Output    any
	HasOutput bool
	// Records are, by entity set, records of which each must be there; an
	// empty list: none of that set.
	Records map[string][]map[string]any
	Pos     engage.Pos
}
