package playbook

import (
	"time"
)

// Record says what happened in a run: who, what, where and when, and no field
// value. It may be logged and kept. Its JSON is that of `engage run --json`
// with the outputs null; see [Result].
type Record struct {
	// Playbook is the playbook's id; "" for a pattern that ran alone.
	Playbook string
	// Event is the event's id; "" if it has none.
	Event string
	// Actor is who caused the event; nil if nobody is named.
	Actor  *Actor
	Status Status
	// Reason says why a run was skipped.
	Reason    string
	StartedAt time.Time
	Duration  time.Duration
	// Blocks stand in the order of the document.
	Blocks []*BlockRecord
	// Writes are all writes of the run, in the order of the document; in a
	// dry run those that would be made.
	Writes   []*WriteRecord
	Warnings []Warning
	// Error is the first failure in the document; nil unless the run failed.
	Error *Failure
	Stats Stats
	// DryRun says that nothing was written.
	DryRun bool
}

// BlockRecord says what one block did.
type BlockRecord struct {
	Name   string
	Type   BlockType
	Status Status
	// Identity is the one that talked, or would have talked, to Dataverse;
	// "" for blocks that do not.
	Identity Identity
	// Escalation is set where the identity is the application's.
	Escalation *EscalationRecord
	// Reason says why the block was skipped or not run.
	Reason    string
	StartedAt time.Time
	Duration  time.Duration
	// Requests has one entry an operation, in bulk one a request.
	Requests []*RequestRecord
	// Questions are of dry runs only: what was asked beside, to foresee what
	// the service would refuse. A run does not send them, and neither
	// Requests nor Stats has them.
	Questions []*RequestRecord
	// Retries counts the attempts beyond the first of each request.
	Retries int
	// Error is why the block failed.
	Error *Failure
	// Unsettled says that records may have been written that Writes does not
	// have: an answer was lost, and the service could not tell.
	Unsettled bool
}

// EscalationRecord is an escalation that was asked for.
type EscalationRecord struct {
	// Reason is the block's own words.
	Reason string
	// Rule is the entry of the policy that allowed it, "playbook/Block"; ""
	// where it was denied.
	Rule string
	// Verified tells the outcome of `verify: employee`: nil where it was not
	// asked for, or not reached.
	Verified *bool
}

// RequestRecord is one operation sent to Dataverse.
type RequestRecord struct {
	Method string
	// Path is relative to the service root. In a run it has neither query
	// options nor the values of alternate keys; in a dry run it is whole.
	Path string
	// Status is the HTTP status of the operation; 0 where there was none.
	Status int
	// ChangeSet is shared by operations that happen together or not at all,
	// and counts from 1 within the run; 0: none.
	ChangeSet int
	// ID is the service's id of the request.
	ID string
	// Body and Old are of dry runs only: what would be sent, and the values
	// that it would replace.
	Body, Old any
}

// WriteRecord is one record that was written.
type WriteRecord struct {
	// Block and Part say for what; Part is "notes[2]" for the third of many.
	Block, Part string
	// Operation is create, update, upsert, or unchanged: a record that this
	// event had made before.
	Operation string
	// Table is the logical name.
	Table string
	// ID is "" where the service did not tell it.
	ID string
	// Columns are logical names in the order sent.
	Columns []string
	// Verdict, Values and ETag are of dry runs only. ETag is the version of
	// the record that would be changed; "" where none is there, or where it is
	// not known yet.
	Verdict Verdict
	Values  []WrittenValue
	ETag    string
}

// Unchanged is the operation of a write that was there already.
const Unchanged = "unchanged"

// Verdict says what a planned write would do to the records that are there.
type Verdict string

// The verdicts of a dry run.
const (
	VerdictCreate    Verdict = "create"
	VerdictUpdate    Verdict = "update"
	VerdictUnchanged Verdict = "unchanged"
	// VerdictUnknown: it depends on what is known only when run.
	VerdictUnknown Verdict = "unknown"
)

// WrittenValue is one column of a planned write and where its value comes
// from.
type WrittenValue struct {
	Column string `json:"column"`
	Field  string `json:"field"`
	// Value is the abstract value; what is not known is the text
	// "(known after Read advisor)".
	Value any `json:"value"`
	// Old is the value that is there, for updates.
	Old any `json:"old"`
	// Source names the mapping ("Portal meeting: Meeting.Title"), "default",
	// or the requirement ("customer.Id").
	Source string `json:"source"`
}

// Warning is something that a person should know of a run that went on.
type Warning struct {
	Block, Part, Message string
}

// Stats counts what a run cost.
type Stats struct {
	// Requests counts HTTP requests for data, retries included; neither
	// tokens nor metadata.
	Requests int `json:"requests"`
	// RoundTrips is the longest chain of requests each of which waited for
	// the one before.
	RoundTrips int `json:"roundTrips"`
	// Retries counts the attempts beyond the first of each request.
	Retries int `json:"retries"`
}

// Failure is an error as records show it: without values. See [BlockError]
// for the error itself.
type Failure struct {
	// Block is "" where no block is to blame, such as a run that was
	// cancelled before one started.
	Block, Part, Field string
	// Code is Dataverse's ("0x80040217") or the name of our rule.
	Code string
	// Status is the HTTP status of the operation; 0: none.
	Status int
	// Message says what went wrong and what to do.
	Message string
}
