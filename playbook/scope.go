package playbook

import (
	"time"
)

// Status of a run or of a block.
type Status string

// The statuses; a run is never StatusNotRun.
const (
	StatusSucceeded Status = "succeeded"
	StatusFailed    Status = "failed"
	StatusSkipped   Status = "skipped"
	StatusNotRun    Status = "notRun"
)

// scope is what the mappings and expressions of one run can see. The engine
// sets outputs and status of a block before it starts one that needs it, and
// compiled mappings look at what their block needs alone: a scope has no lock
// of its own.
type scope struct {
	event *Event
	// now is the run's instant.
	now time.Time
	// blocks, outputs and status are by index of the block. An output is a
	// JSON value, with pattern.Unknown anywhere inside in a dry run.
	blocks  []*Block
	outputs []any
	status  []Status
}

// newScope gives a scope in which no block has run but the trigger.
func newScope(p *Playbook, ev *Event, now time.Time) *scope {
	s := &scope{event: ev, now: now, blocks: p.Blocks, outputs: make([]any, len(p.Blocks)), status: make([]Status, len(p.Blocks))}
	for i, b := range p.Blocks {
		s.outputs[i], s.status[i] = b.idle, StatusNotRun
	}
	s.outputs[0], s.status[0] = ev.Data, StatusSucceeded
	return s
}

// emptyOutput is the output of a block that did not run: null outputs, and no
// results.
func emptyOutput(b *Block) any {
	switch {
	case b.Type.CRM():
		return map[string]any{"Results": []any{}}
	case b.Type == BlockFilter, b.Type == BlockTemplate:
		return map[string]any{"output": nil}
	case b.Type == BlockAi && b.Capability != nil:
		m := make(map[string]any, len(b.Capability.Outputs))
		for _, o := range b.Capability.Outputs {
			m[o.Name] = nil
		}
		return m
	}
	return map[string]any{}
}
