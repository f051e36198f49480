package playbook

import (
	"bytes"
	"encoding/json"
	"errors"
	"time"

	"github.com/andmoneyaps/engage-playbooks"
)

// Outcome is what one block of a run has done, in a form that can be kept and
// sent: its JSON gives the same outcome back. It holds values, in Output, and
// neither an assertion nor a token. See [Engine.Step].
type Outcome struct {
	BlockRecord
	// Writes and Warnings are the block's.
	Writes   []*WriteRecord
	Warnings []Warning
	// Stats are the block's; RoundTrips is the longest chain of requests up to
	// its end, those of the blocks before it included.
	Stats Stats
	// ChangeSets counts those that the block has sent.
	ChangeSets int
	// Output is nil unless the block succeeded. That of the trigger is the
	// event's data, and is not repeated here.
	Output any
	// Pos is what Error is to be blamed on.
	Pos engage.Pos
}

// State is how far a run has come that is advanced block by block. Its JSON
// gives the same state back.
type State struct {
	// StartedAt is the run's instant, if the event has no time.
	StartedAt time.Time `json:"startedAt"`
	// Reason says why the event does not fit: the run is skipped.
	Reason string `json:"reason,omitempty"`
	// Outcomes are by block, nil for those that have not ended.
	Outcomes []*Outcome `json:"outcomes"`
}

type jsonOutcome struct {
	Block      jsonBlock     `json:"block"`
	Writes     []jsonWrite   `json:"writes"`
	Warnings   []jsonWarning `json:"warnings"`
	Stats      Stats         `json:"stats"`
	ChangeSets int           `json:"changeSets"`
	File       string        `json:"file,omitempty"`
	Line       int           `json:"line,omitempty"`
	Column     int           `json:"column,omitempty"`
}

// MarshalJSON gives the outcome, with its values.
func (o *Outcome) MarshalJSON() ([]byte, error) {
	d := jsonOutcome{
		Block: o.document(), Writes: writeDocuments(o.Writes), Warnings: warningDocuments(o.Warnings),
		Stats: o.Stats, ChangeSets: o.ChangeSets, File: o.Pos.File, Line: o.Pos.Line, Column: o.Pos.Col,
	}
	d.Block.Output = o.Output
	return plain(d)
}

// UnmarshalJSON reads what MarshalJSON gave.
func (o *Outcome) UnmarshalJSON(data []byte) error {
	var d jsonOutcome
	if err := exact(data, &d); err != nil {
		return err
	}
	*o = Outcome{
		BlockRecord: *d.Block.record(), Writes: writesOf(d.Writes), Warnings: warningsOf(d.Warnings),
		Stats: d.Stats, ChangeSets: d.ChangeSets, Output: d.Block.Output,
		Pos: engage.Pos{File: d.File, Line: d.Line, Col: d.Column},
	}
	return nil
}

// UnmarshalJSON reads the JSON of a [Result].
func (r *Result) UnmarshalJSON(data []byte) error {
	var d jsonResult
	if err := exact(data, &d); err != nil {
		return err
	}
	*r = Result{Output: d.Output, Outputs: make([]any, len(d.Blocks)), Record: Record{
		Playbook: orZero(d.Playbook), Event: orZero(d.Event), Actor: d.Actor, Status: d.Status, Reason: orZero(d.Reason),
		StartedAt: orZero(d.StartedAt), Duration: duration(d.Ms), Writes: writesOf(d.Writes), Warnings: warningsOf(d.Warnings),
		Error: d.Error.failure(), Stats: d.Stats, DryRun: d.DryRun,
	}}
	for i := range d.Blocks {
		r.Outputs[i] = d.Blocks[i].Output
		r.Blocks = append(r.Blocks, d.Blocks[i].record())
	}
	return nil
}

// UnmarshalJSON reads the JSON of a record.
func (r *Record) UnmarshalJSON(data []byte) error {
	var whole Result
	err := whole.UnmarshalJSON(data)
	*r = whole.Record
	return err
}

// exact decodes JSON and keeps the digits of numbers.
func exact(data []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	return dec.Decode(v)
}

func (d *jsonBlock) record() *BlockRecord {
	b := &BlockRecord{
		Name: d.Name, Type: d.Type, Status: d.Status, Identity: Identity(orZero(d.Identity)), Reason: orZero(d.Reason),
		StartedAt: orZero(d.StartedAt), Duration: duration(d.Ms), Retries: d.Retries, Error: d.Error.failure(), Unsettled: d.Unsettled,
	}
	if e := d.Escalation; e != nil {
		b.Escalation = &EscalationRecord{Reason: e.Reason, Rule: orZero(e.Rule), Verified: e.Verified}
	}
	b.Requests, b.Questions = requestsOf(d.Requests), requestsOf(d.Questions)
	return b
}

func requestsOf(list []jsonRequest) []*RequestRecord {
	var requests []*RequestRecord
	for _, q := range list {
		requests = append(requests, &RequestRecord{
			Method: q.Method, Path: q.Path, Status: orZero(q.Status), ChangeSet: orZero(q.ChangeSet), ID: orZero(q.RequestID), Body: q.Body, Old: q.Old,
		})
	}
	return requests
}

func (d *jsonFailure) failure() *Failure {
	if d == nil {
		return nil
	}
	return &Failure{Block: orZero(d.Block), Part: orZero(d.Part), Field: orZero(d.Field), Code: orZero(d.Code), Status: orZero(d.Status), Message: d.Message}
}

func writesOf(list []jsonWrite) []*WriteRecord {
	var writes []*WriteRecord
	for _, w := range list {
		writes = append(writes, &WriteRecord{
			Block: w.Block, Part: orZero(w.Part), Operation: w.Operation, Table: w.Table, ID: orZero(w.ID),
			Columns: w.Columns, Verdict: w.Verdict, Values: w.Values,
		})
	}
	return writes
}

func warningsOf(list []jsonWarning) []Warning {
	var warnings []Warning
	for _, w := range list {
		warnings = append(warnings, Warning{Block: orZero(w.Block), Part: orZero(w.Part), Message: w.Message})
	}
	return warnings
}

func orZero[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

func duration(ms *int64) time.Duration { return time.Duration(orZero(ms)) * time.Millisecond }

// outcome is what the block leaves to those that cannot see the run.
func (r *run) outcome(i, chain, changeSets int) *Outcome {
	b := r.blocks[i]
	o := &Outcome{BlockRecord: b.rec, Writes: b.writes, Warnings: b.warnings, Stats: b.stats, ChangeSets: changeSets}
	o.Stats.RoundTrips = chain
	if b.rec.Status == StatusSucceeded && i > 0 {
		o.Output = r.scope.outputs[i]
	}
	if b.err != nil {
		o.Pos = b.err.Pos
	}
	return o
}

// restore makes the run of a state.
func (e *Engine) restore(p *Playbook, ev *Event, s *State) (*run, error) {
	if len(s.Outcomes) != len(p.Blocks) {
		return nil, errors.New("playbook: the state of the run is of another playbook: it has another number of blocks")
	}
	r := e.newRun(p, ev, false)
	r.record.StartedAt, r.record.Reason = s.StartedAt, s.Reason
	if ev.Time.IsZero() {
		r.now = s.StartedAt
	}
	r.scope = newScope(p, ev, r.now)
	r.steps = make([]step, len(p.Blocks))
	for i, o := range s.Outcomes {
		if o == nil {
			continue
		}
		b := r.blocks[i]
		b.rec, b.writes, b.warnings, b.stats, b.ended = o.BlockRecord, o.Writes, o.Warnings, o.Stats, true
		if f := o.Error; f != nil {
			b.err = &BlockError{
				Playbook: p.ID, Block: f.Block, Part: f.Part, Field: f.Field, Code: f.Code, Status: f.Status, Message: f.Message, Pos: o.Pos,
			}
		}
		r.steps[i].chain = o.Stats.RoundTrips
		r.changeSets.Add(int64(o.ChangeSets))
		r.scope.status[i] = o.Status
		if o.Status == StatusSucceeded && i > 0 {
			r.scope.outputs[i] = o.Output
		}
	}
	return r, nil
}
