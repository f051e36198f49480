package temporal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/log"
	sdk "go.temporal.io/sdk/temporal"

	"github.com/andmoneyaps/engage-playbooks/playbook"
)

// Options of [Dial].
type Options struct {
	// Temporal are the options of the SDK's client: address, namespace, TLS,
	// metrics. A DataConverter there decides how values stand in the history;
	// without one they are compressed and encrypted under Keys. With
	// ExternalStorage there, large payloads are kept by reference. Without a
	// Logger, the SDK logs nothing.
	Temporal client.Options
	// Keys encrypt payloads and assertions. They may only be left out where
	// both DataConverter and Vault are given.
	Keys *Keyring
	// Vault keeps assertions. Default: [Sealed] under Keys.
	Vault Vault
	// TaskQueue joins starters and workers. Default: "engage-playbooks".
	TaskQueue string
	// SearchAttributes tells Temporal tenant, playbook and trigger of each run
	// as [AttributeTenant], [AttributePlaybook] and [AttributeTrigger]. They
	// must be registered in the namespace, and are not encrypted.
	SearchAttributes bool
	// Timeout bounds a run. Default: 24 hours.
	Timeout time.Duration
	// SignIn is how long a run waits for an employee to sign in again; then
	// its block fails. Default: until the run's Timeout; negative: not at all.
	SignIn time.Duration
	// MaxPayload bounds a value in the history, in bytes as it is stored:
	// above it an event is refused, and a block fails. Default: 1 MiB, or 64
	// MiB where Temporal.ExternalStorage keeps large ones.
	MaxPayload int
}

// DefaultTaskQueue joins starters and workers that name no other.
const DefaultTaskQueue = "engage-playbooks"

const (
	defaultTimeout    = 24 * time.Hour
	defaultMaxPayload = 1 << 20
	maxExternal       = 64 << 20
)

// Search attributes of runs, all of type Keyword.
const (
	AttributeTenant   = "EngageTenant"
	AttributePlaybook = "EngagePlaybook"
	AttributeTrigger  = "EngageTrigger"
)

// Client starts runs and finds them, and makes workers.
type Client struct {
	temporal  client.Client
	options   Options
	converter converter.DataConverter
}

// Dial connects to a Temporal server. Close the client. [ErrUnreachable]: none
// answers.
func Dial(ctx context.Context, o Options) (*Client, error) {
	if o.Keys == nil && (o.Temporal.DataConverter == nil || o.Vault == nil) {
		return nil, errors.New("temporal: keys are needed: what stands in the history is encrypted; see Options.Keys")
	}
	if o.Temporal.DataConverter == nil {
		o.Temporal.DataConverter = converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), o.Keys.Codec())
		if o.Temporal.FailureConverter == nil {
			o.Temporal.FailureConverter = sdk.NewDefaultFailureConverter(sdk.DefaultFailureConverterOptions{
				DataConverter: o.Temporal.DataConverter, EncodeCommonAttributes: true,
			})
		}
	}
	if o.Vault == nil {
		o.Vault = Sealed(o.Keys)
	}
	if o.TaskQueue == "" {
		o.TaskQueue = DefaultTaskQueue
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.MaxPayload <= 0 {
		o.MaxPayload = defaultMaxPayload
		if len(o.Temporal.ExternalStorage.Drivers) > 0 {
			o.MaxPayload = maxExternal
		}
	}
	if o.Temporal.Logger == nil {
		o.Temporal.Logger = log.NewStructuredLogger(slog.New(slog.NewTextHandler(io.Discard, nil)))
	}
	c, err := client.DialContext(ctx, o.Temporal)
	if err != nil {
		address := o.Temporal.HostPort
		if address == "" {
			address = client.DefaultHostPort
		}
		return nil, fmt.Errorf("temporal: %w at %s: %w", ErrUnreachable, address, err)
	}
	return &Client{temporal: c, options: o, converter: o.Temporal.DataConverter}, nil
}

// Close ends the connection.
func (c *Client) Close() { c.temporal.Close() }

// Temporal is the SDK's client, for what this package does not do.
func (c *Client) Temporal() client.Client { return c.temporal }

// Listening reports whether a worker listens to the task queue: [ErrNoWorker]
// if none has done so for some minutes.
func (c *Client) Listening(ctx context.Context) error {
	d, err := c.temporal.DescribeTaskQueue(ctx, c.options.TaskQueue, enums.TASK_QUEUE_TYPE_WORKFLOW)
	if _, ok := errors.AsType[*serviceerror.NamespaceNotFound](err); ok {
		return fmt.Errorf("temporal: the server has no namespace %q", c.options.Temporal.Namespace)
	}
	if err != nil {
		return fmt.Errorf("temporal: task queue %q: %w", c.options.TaskQueue, err)
	}
	if len(d.GetPollers()) == 0 {
		return fmt.Errorf("temporal: %w to task queue %q", ErrNoWorker, c.options.TaskQueue)
	}
	return nil
}

// StartOption changes one start.
type StartOption func(*client.StartWorkflowOptions)

// Again runs the event again if its last run failed, was cancelled, or was
// ended by Temporal; what that had written is found and not written twice. A
// run that is open or has succeeded is found all the same.
func Again() StartOption {
	return func(o *client.StartWorkflowOptions) {
		o.WorkflowIDReusePolicy = enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY
	}
}

// Start starts the run of a playbook for an event, or finds the one that there
// is: an event that is delivered twice runs once, whatever became of it. The
// tenant is the name by which [Host.Engine] knows whose organisation it is. The
// assertion that the event carries goes into the vault.
func (c *Client) Start(ctx context.Context, tenant string, p *playbook.Playbook, ev *playbook.Event, options ...StartOption) (*Run, error) {
	in, err := c.input(ctx, tenant, p, ev)
	if err != nil {
		return nil, err
	}
	run := c.Find(tenant, p.ID, ev.ID)
	o := client.StartWorkflowOptions{
		ID: run.ID, TaskQueue: c.options.TaskQueue,
		WorkflowIDConflictPolicy:                 enums.WORKFLOW_ID_CONFLICT_POLICY_FAIL,
		WorkflowIDReusePolicy:                    enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
	}
	for _, option := range options {
		option(&o)
	}
	if c.options.SearchAttributes {
		o.TypedSearchAttributes = sdk.NewSearchAttributes(
			sdk.NewSearchAttributeKeyKeyword(AttributeTenant).ValueSet(tenant),
			sdk.NewSearchAttributeKeyKeyword(AttributePlaybook).ValueSet(p.ID),
			sdk.NewSearchAttributeKeyKeyword(AttributeTrigger).ValueSet(ev.Type),
		)
	}
	started, err := c.temporal.ExecuteWorkflow(ctx, o, workflowPlaybook, in)
	if err == nil {
		run.RunID = started.GetRunID()
		return run, nil
	}
	if in.Assertion != "" { // nobody will ask for it
		err = errors.Join(err, c.options.Vault.Forget(context.WithoutCancel(ctx), run.holder, in.Assertion))
	}
	if already, ok := errors.AsType[*serviceerror.WorkflowExecutionAlreadyStarted](err); ok {
		run.RunID, run.Found = already.RunId, true
		return run, nil
	}
	return nil, fmt.Errorf("temporal: start %s: %w", run.ID, err)
}

// input is what the workflow of an event starts with.
func (c *Client) input(ctx context.Context, tenant string, p *playbook.Playbook, ev *playbook.Event) (*input, error) {
	if p.Trigger.Type.ID != ev.Type {
		return nil, fmt.Errorf("%w: playbook %q is for %s, the event is of type %s", playbook.ErrOtherTrigger, p.ID, p.Trigger.Type.ID, ev.Type)
	}
	if ev.ID == "" {
		return nil, fmt.Errorf("temporal: %w: a durable run needs one, since a step that is made again must find what it wrote", ErrNoEventID)
	}
	in := &input{
		Run:   runOf{Tenant: tenant, Workspace: p.Workspace.Hash(), Playbook: p.ID, Event: eventOf(ev)},
		Limit: c.options.Timeout, SignIn: c.options.SignIn, Max: c.options.MaxPayload,
	}
	if in.SignIn == 0 {
		in.SignIn = in.Limit
	}
	var err error
	if in.Size, err = c.size(in.Run); err != nil {
		return nil, fmt.Errorf("temporal: the event cannot be sent: %w", err)
	}
	if in.Size > c.options.MaxPayload {
		return nil, fmt.Errorf("temporal: event %q is %w: %s, and %s may stand there", ev.ID, ErrTooLarge, size(in.Size), size(c.options.MaxPayload))
	}
	if ev.Assertion != "" {
		in.Employee, _ = personOf(ev.Assertion)
		if in.Assertion, err = c.options.Vault.Keep(ctx, in.Run.holder(), ev.Assertion); err != nil {
			return nil, fmt.Errorf("temporal: the vault: %w", err)
		}
	}
	return in, nil
}

// size is how many bytes a value has in the history.
func (c *Client) size(v any) (int, error) { return sizeOf(c.converter, c.options.MaxPayload, v) }
