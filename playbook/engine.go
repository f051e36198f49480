package playbook

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
)

// Engine runs playbooks against one environment. Many engines live side by
// side in one process; they share nothing. An Engine may be used by many
// goroutines once its fields are set, and must not be copied then.
//
// A run keeps the workspace that its playbook was loaded from: loading a
// changed workspace and running its playbooks disturbs no run under way.
type Engine struct {
	// Client reaches the organisation; its own token source is never used.
	Client *dataverse.Client
	// Employee and Application give the tokens of the two identities for one
	// event. A nil func, or an error, means that the blocks which need the
	// identity fail: no other one takes its place.
	Employee, Application func(ctx context.Context, ev *Event) (dataverse.TokenSource, error)
	// Allow is the escalation policy: nil allows a block to act as the
	// application, an error denies it. Default: everything is denied. See
	// [AllowRules].
	Allow func(esc Escalation) error
	// Capabilities answers Ai blocks. Default: only capabilities with a stub
	// give something.
	Capabilities Provider
	// Limit bounds the blocks of one run that are under way at once. Default:
	// 16.
	Limit int
	// Runs bounds the runs of this engine that are under way at once; further
	// calls wait. Default: no bound.
	Runs int
	// Timeout bounds one run. Default: 5 minutes; negative: no bound.
	Timeout time.Duration
	// Version gives the ETag that the record of a table had when a plan was
	// made, [WriteRecord.ETag]: the run's first update of the record then
	// happens only if it still has it, else the block fails with
	// [dataverse.ErrConflict]. "" asks for none. Default: updates happen
	// whatever the version.
	Version func(table, id string) (etag string)
	// Coverage keeps in [Result.Applied] which mappings gave a value.
	Coverage bool
	// Observe is told of each step, one at a time within a run. Default:
	// nobody is.
	Observe func(Progress)
	// Log gets the audit: who wrote which record, under which rule; no values.
	// Default: none.
	Log *slog.Logger
	// Now is the clock. Default: time.Now.
	Now func() time.Time

	bindings bindings
	readOnly struct {
		once   sync.Once
		client *dataverse.Client
	}
	slots struct {
		once sync.Once
		free chan struct{}
	}
}

const (
	defaultLimit   = 16
	defaultTimeout = 5 * time.Minute
	// settleTimeout bounds the question whether records were written, after a
	// run was cancelled or has used up its time.
	settleTimeout = 10 * time.Second
)

func (e *Engine) clock() time.Time {
	if e.Now != nil {
		return e.Now()
	}
	return time.Now()
}

func (e *Engine) limit() int {
	if e.Limit > 0 {
		return e.Limit
	}
	return defaultLimit
}

// bounded gives the context of one run: with its time limit.
func (e *Engine) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	switch {
	case e.Timeout < 0:
		return context.WithCancel(ctx)
	case e.Timeout == 0:
		return context.WithTimeoutCause(ctx, defaultTimeout, ErrTimeLimit)
	}
	return context.WithTimeoutCause(ctx, e.Timeout, ErrTimeLimit)
}

// enter waits until the run may start, and gives the func that ends it.
func (e *Engine) enter(ctx context.Context) (leave func(), err error) {
	if e.Runs <= 0 {
		return func() {}, nil
	}
	e.slots.once.Do(func() { e.slots.free = make(chan struct{}, e.Runs) })
	select {
	case e.slots.free <- struct{}{}:
		return func() { <-e.slots.free }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// client gives the client that runs use; that of dry runs cannot write.
func (e *Engine) client(dry bool) *dataverse.Client {
	if !dry || e.Client == nil {
		return e.Client
	}
	e.readOnly.once.Do(func() { e.readOnly.client = e.Client.ReadOnly() })
	return e.readOnly.client
}

// Run runs the playbook for the event. The result is never nil unless the
// event is of another type than the playbook is for ([ErrOtherTrigger]). The
// error is nil unless the run failed, and is then a [*BlockError], or the
// context's error where no block is to blame.
func (e *Engine) Run(ctx context.Context, p *Playbook, ev *Event) (*Result, error) {
	return e.run(ctx, p, ev, false)
}

// DryRun does everything that Run does but write: reads are answered by the
// client, writes are planned and shown as requests, with the values that they
// would replace, and what depends on them is unknown. The client is used
// through [dataverse.ReadOnly]. The result has the shape of a run's.
func (e *Engine) DryRun(ctx context.Context, p *Playbook, ev *Event) (*Result, error) {
	return e.run(ctx, p, ev, true)
}
