package temporal

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"time"

	"go.temporal.io/api/serviceerror"
	sdk "go.temporal.io/sdk/temporal"

	"github.com/andmoneyaps/engage-playbooks/playbook"
)

// Run is the run of a playbook for an event.
type Run struct {
	// ID is the workflow's id, made of tenant, playbook and event. RunID tells
	// apart runs that were started [Again]; "" is the last one.
	ID, RunID string
	// Found says that Start found a run of the event, and started none.
	Found bool

	client *Client
	holder Holder
}

// Find gives the run of an event, without asking whether there is one.
func (c *Client) Find(tenant, playbookID, event string) *Run {
	return &Run{ID: WorkflowID(tenant, playbookID, event), client: c, holder: Holder{tenant, playbookID, event}}
}

// maxWorkflowID is what Temporal takes at the least.
const maxWorkflowID = 255

// WorkflowID is the id of the workflow of an event's run:
// "engage/tenant/playbook/event", each name escaped as in a URL; of a hash
// where that would be too long.
func WorkflowID(tenant, playbookID, event string) string {
	id := "engage/" + url.PathEscape(tenant) + "/" + url.PathEscape(playbookID) + "/" + url.PathEscape(event)
	if len(id) > maxWorkflowID {
		sum := sha256.Sum256([]byte(id))
		id = "engage/sha256/" + hex.EncodeToString(sum[:])
	}
	return id
}

// Result waits until the run has ended and gives its result, as
// [playbook.Engine.Run] does: the error is a [*playbook.BlockError] where a
// block is to blame; causes, such as the service's own text, do not travel.
func (r *Run) Result(ctx context.Context) (*playbook.Result, error) {
	var res *playbook.Result
	err := r.client.temporal.GetWorkflow(ctx, r.ID, r.RunID).Get(ctx, &res)
	if err == nil {
		return res, nil
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if _, ok := errors.AsType[*serviceerror.NotFound](err); ok {
		return nil, fmt.Errorf("temporal: %w: %s", ErrNoRun, r.ID)
	}
	if details, ok := errors.AsType[*sdk.ApplicationError](err); ok && details.Type() == TypeFailed && details.Details(&res) == nil {
		return res, r.failed(res)
	}
	if details, ok := errors.AsType[*sdk.CanceledError](err); ok && details.HasDetails() && details.Details(&res) == nil {
		return res, r.failed(res)
	}
	if errors.Is(err, ErrNoKey) || errors.Is(err, ErrSealed) {
		return nil, fmt.Errorf("temporal: the outcome of the run: %w", err)
	}
	code, message := ended(err)
	return &playbook.Result{Record: playbook.Record{
		Playbook: r.holder.Playbook, Event: r.holder.Event, Status: playbook.StatusFailed,
		Error: &playbook.Failure{Code: code, Message: message},
	}}, fmt.Errorf("%s: %w", message, err)
}

// failed makes the error of a failed result.
func (r *Run) failed(res *playbook.Result) error {
	f := res.Error
	if f == nil {
		return errors.New("the run failed")
	}
	if f.Block == "" {
		return errors.New(f.Message)
	}
	return &playbook.BlockError{
		Playbook: r.holder.Playbook, Block: f.Block, Part: f.Part, Field: f.Field, Code: f.Code, Status: f.Status, Message: f.Message,
	}
}

// ended says why Temporal ended a run that could not give a result.
func ended(err error) (code, message string) {
	code, message = "no-worker", "the run could not begin"
	app, ok := errors.AsType[*sdk.ApplicationError](err)
	switch {
	case sdk.IsTerminatedError(err):
		code, message = "terminated", "the run was terminated in Temporal; what it had written is not known here"
	case sdk.IsCanceledError(err):
		code, message = "canceled", "the run was cancelled"
	case ok:
		message += ": " + app.Message()
	case sdk.IsTimeoutError(err):
		code, message = "time-limit", "the run's time limit was reached before it had begun"
	}
	return code, message
}

// Phase says what a run is doing.
type Phase string

// The phases of a run.
const (
	PhaseRunning Phase = "running"
	// PhaseSignIn: it waits until the employee has signed in again.
	PhaseSignIn Phase = "signIn"
	PhaseEnded  Phase = "ended"
)

// StatusRunning is the status of a run, and of a block, that has not ended.
const StatusRunning playbook.Status = "running"

// Progress is how far a run has come.
type Progress struct {
	Phase Phase `json:"phase"`
	// SignIn says what is waited for; nil in the other phases.
	SignIn *SignIn `json:"signIn"`
	// Record is that of the run up to now. It holds no values.
	Record *playbook.Record `json:"record"`
	// Employee is who the run's assertion is of, if it has one.
	Employee Person `json:"employee"`
}

// SignIn says that an employee must sign in again.
type SignIn struct {
	// Block waits for it.
	Block string `json:"block"`
	// Message says why.
	Message string `json:"message"`
	// Challenge is the WWW-Authenticate header for the front end; "" without
	// one.
	Challenge string `json:"challenge,omitempty"`
	// Since and Until are when the run began to wait, and when it gives up.
	Since time.Time `json:"since"`
	Until time.Time `json:"until"`
	// Refused says why the last assertion was not taken; "" without one.
	Refused string `json:"refused,omitempty"`
}

// Progress asks the run how far it has come. A worker must be there to answer.
func (r *Run) Progress(ctx context.Context) (*Progress, error) {
	v, err := r.client.temporal.QueryWorkflow(ctx, r.ID, r.RunID, queryRecord)
	if err != nil {
		if _, ok := errors.AsType[*serviceerror.NotFound](err); ok {
			return nil, fmt.Errorf("temporal: %w: %s", ErrNoRun, r.ID)
		}
		return nil, fmt.Errorf("temporal: ask %s: %w", r.ID, err)
	}
	p := new(Progress)
	if err := v.Get(p); err != nil {
		return nil, fmt.Errorf("temporal: the answer of %s: %w", r.ID, err)
	}
	return p, nil
}

// SignIn gives the run a new assertion of its employee, and those of its blocks
// that waited run again. [ErrOtherEmployee] refuses that of anybody else; the
// worker asks the same before it takes it, and the engine verifies it.
func (r *Run) SignIn(ctx context.Context, assertion string) error {
	who, ok := personOf(assertion)
	if !ok {
		return fmt.Errorf("temporal: %w", ErrNoAssertion)
	}
	p, err := r.Progress(ctx)
	if err != nil {
		return err
	}
	if !who.is(p.Employee) {
		return fmt.Errorf("temporal: %w", ErrOtherEmployee)
	}
	text, err := r.client.options.Vault.Keep(ctx, r.holder, assertion)
	if err != nil {
		return fmt.Errorf("temporal: the vault: %w", err)
	}
	if err := r.client.temporal.SignalWorkflow(ctx, r.ID, r.RunID, signalSignIn, signIn{Assertion: text}); err != nil {
		return fmt.Errorf("temporal: tell %s: %w", r.ID, err)
	}
	return nil
}

// Cancel asks the run to end. Blocks that are under way find out what was
// written; the result says so.
func (r *Run) Cancel(ctx context.Context) error {
	if err := r.client.temporal.CancelWorkflow(ctx, r.ID, r.RunID); err != nil {
		return fmt.Errorf("temporal: cancel %s: %w", r.ID, err)
	}
	return nil
}
