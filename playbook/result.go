package playbook

import (
	"bytes"
	"encoding/json"
	"time"
)

// Result is what a run gives: its record, and what it put out. Its JSON is
// the one of `engage run --json`: every key is present, null where it is
// empty, and a key's place never changes.
type Result struct {
	Record
	// Output is what the Output blocks made, merged; nil without any.
	Output any
	// Outputs are those of the blocks, in their order; nil for a block that
	// did not run.
	Outputs []any
	// Applied tells, by block and mapping, whether the mapping gave a value;
	// only with [Engine.Coverage].
	Applied [][]bool
}

// MarshalJSON gives the JSON of spec section 9.
func (r *Result) MarshalJSON() ([]byte, error) {
	return plain(r.document(r.Output, r.Outputs))
}

// MarshalJSON gives the JSON of a [Result] with all outputs null.
func (r *Record) MarshalJSON() ([]byte, error) {
	return plain(r.document(nil, nil))
}

// plain leaves it to the caller's encoder whether < > & are escaped.
func plain(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimRight(b.Bytes(), "\n"), err
}

type jsonResult struct {
	Playbook  *string       `json:"playbook"`
	Event     *string       `json:"event"`
	Status    Status        `json:"status"`
	Blocks    []jsonBlock   `json:"blocks"`
	Writes    []jsonWrite   `json:"writes"`
	Output    any           `json:"output"`
	Warnings  []jsonWarning `json:"warnings"`
	Error     *jsonFailure  `json:"error"`
	Stats     Stats         `json:"stats"`
	Actor     *Actor        `json:"actor"`
	Reason    *string       `json:"reason"`
	StartedAt *time.Time    `json:"startedAt"`
	Ms        *int64        `json:"ms"`
	DryRun    bool          `json:"dryRun"`
}

type jsonBlock struct {
	Name       string          `json:"name"`
	Type       BlockType       `json:"type"`
	Status     Status          `json:"status"`
	Identity   *string         `json:"identity"`
	Requests   []jsonRequest   `json:"requests"`
	Output     any             `json:"output"`
	Error      *jsonFailure    `json:"error"`
	Reason     *string         `json:"reason"`
	StartedAt  *time.Time      `json:"startedAt"`
	Ms         *int64          `json:"ms"`
	Retries    int             `json:"retries"`
	Escalation *jsonEscalation `json:"escalation"`
	Unsettled  bool            `json:"unsettled,omitempty"`
	Questions  []jsonRequest   `json:"questions,omitempty"`
}

type jsonEscalation struct {
	Reason   string  `json:"reason"`
	Rule     *string `json:"rule"`
	Verified *bool   `json:"verified"`
}

type jsonRequest struct {
	Method    string  `json:"method"`
	Path      string  `json:"path"`
	Status    *int    `json:"status"`
	ChangeSet *int    `json:"changeSet"`
	Body      any     `json:"body"`
	Old       any     `json:"old"`
	RequestID *string `json:"requestId"`
}

type jsonWrite struct {
	Block     string         `json:"block"`
	Part      *string        `json:"part"`
	Operation string         `json:"operation"`
	Table     string         `json:"table"`
	ID        *string        `json:"id"`
	Columns   []string       `json:"columns"`
	Verdict   Verdict        `json:"verdict,omitempty"`
	Values    []WrittenValue `json:"values,omitempty"`
}

type jsonWarning struct {
	Block   *string `json:"block"`
	Part    *string `json:"part"`
	Message string  `json:"message"`
}

type jsonFailure struct {
	Block   *string `json:"block"`
	Part    *string `json:"part"`
	Field   *string `json:"field"`
	Code    *string `json:"code"`
	Status  *int    `json:"status"`
	Message string  `json:"message"`
}

// document shapes the record for JSON, with the outputs given.
func (r *Record) document(output any, outputs []any) jsonResult {
	d := jsonResult{
		Playbook:  orNull(r.Playbook),
		Event:     orNull(r.Event),
		Status:    r.Status,
		Blocks:    make([]jsonBlock, len(r.Blocks)),
		Writes:    writeDocuments(r.Writes),
		Output:    output,
		Warnings:  warningDocuments(r.Warnings),
		Error:     r.Error.document(),
		Stats:     r.Stats,
		Actor:     r.Actor,
		Reason:    orNull(r.Reason),
		StartedAt: instant(r.StartedAt),
		Ms:        millis(r.StartedAt, r.Duration),
		DryRun:    r.DryRun,
	}
	for i, b := range r.Blocks {
		d.Blocks[i] = b.document()
		if i < len(outputs) {
			d.Blocks[i].Output = outputs[i]
		}
	}
	return d
}

func writeDocuments(writes []*WriteRecord) []jsonWrite {
	list := make([]jsonWrite, len(writes))
	for i, w := range writes {
		list[i] = jsonWrite{
			Block: w.Block, Part: orNull(w.Part), Operation: w.Operation, Table: w.Table, ID: orNull(w.ID),
			Columns: append([]string{}, w.Columns...), Verdict: w.Verdict, Values: w.Values,
		}
	}
	return list
}

func warningDocuments(warnings []Warning) []jsonWarning {
	list := make([]jsonWarning, len(warnings))
	for i, w := range warnings {
		list[i] = jsonWarning{Block: orNull(w.Block), Part: orNull(w.Part), Message: w.Message}
	}
	return list
}

func (b *BlockRecord) document() jsonBlock {
	d := jsonBlock{
		Name: b.Name, Type: b.Type, Status: b.Status,
		Identity:  orNull(string(b.Identity)),
		Requests:  make([]jsonRequest, len(b.Requests)),
		Error:     b.Error.document(),
		Reason:    orNull(b.Reason),
		StartedAt: instant(b.StartedAt),
		Ms:        millis(b.StartedAt, b.Duration),
		Retries:   b.Retries,
		Unsettled: b.Unsettled,
	}
	for i, q := range b.Requests {
		d.Requests[i] = q.document()
	}
	for _, q := range b.Questions {
		d.Questions = append(d.Questions, q.document())
	}
	if e := b.Escalation; e != nil {
		d.Escalation = &jsonEscalation{Reason: e.Reason, Rule: orNull(e.Rule), Verified: e.Verified}
	}
	return d
}

// MarshalJSON gives the block's entry in the JSON of a [Record].
func (b *BlockRecord) MarshalJSON() ([]byte, error) { return plain(b.document()) }

func (q *RequestRecord) document() jsonRequest {
	return jsonRequest{
		Method: q.Method, Path: q.Path, Status: orNull(q.Status), ChangeSet: orNull(q.ChangeSet),
		Body: q.Body, Old: q.Old, RequestID: orNull(q.ID),
	}
}

// MarshalJSON gives the request's entry in the JSON of a [Record].
func (q *RequestRecord) MarshalJSON() ([]byte, error) { return plain(q.document()) }

func (f *Failure) document() *jsonFailure {
	if f == nil {
		return nil
	}
	return &jsonFailure{
		Block: orNull(f.Block), Part: orNull(f.Part), Field: orNull(f.Field),
		Code: orNull(f.Code), Status: orNull(f.Status), Message: f.Message,
	}
}

// MarshalJSON gives the `error` of a [Record].
func (f *Failure) MarshalJSON() ([]byte, error) { return plain(f.document()) }

// orNull gives nil, JSON's null, for the zero value.
func orNull[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC().Truncate(time.Millisecond)
	return &t
}

func millis(started time.Time, d time.Duration) *int64 {
	if started.IsZero() {
		return nil
	}
	ms := d.Milliseconds()
	return &ms
}
