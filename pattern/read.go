package pattern

import "github.com/andmoneyaps/engage-playbooks/dataverse"

// ReadPlan reads the results of a pattern. It implements [Plan].
type ReadPlan struct{}

var _ Plan = (*ReadPlan)(nil)

// Read plans a read. The pattern's definitions are bound.
func (p *Pattern) Read(in Input, o Options) (*ReadPlan, error) { return &ReadPlan{}, nil }

// Next implements [Plan].
func (r *ReadPlan) Next(answers [][]dataverse.Record) ([]Fetch, error) { return nil, nil }

// Rounds implements [Plan].
func (r *ReadPlan) Rounds() []string { return nil }

// Results gives the results once the plan is done: one object a result, from
// part to the list of its records, each from field to value, with Id, _etag,
// _labels and _types. It is never nil.
func (r *ReadPlan) Results() []any { return []any{} }
