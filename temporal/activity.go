package temporal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"
	sdk "go.temporal.io/sdk/temporal"

	"github.com/andmoneyaps/engage-playbooks/playbook"
)

// again is an error after which Temporal tries again.
func again(kind, message string, cause error) error {
	return sdk.NewApplicationErrorWithCause(message, kind, cause)
}

func misconfigured(message string) error {
	return sdk.NewNonRetryableApplicationError(message, TypeMisconfigured, nil)
}

func noWorkspace(hash string, cause error) error {
	return again(TypeNoWorkspace, fmt.Sprintf(
		"this worker cannot give the workspace %.12s that the run started with: the run waits for one that can", hash), cause)
}

// begin is the activity of the trigger: whether the playbook runs at all.
func (w *workshop) begin(ctx context.Context, run runOf) (*begun, error) {
	defer w.beat(ctx)()
	p, e, err := w.playbook(ctx, &run)
	if err != nil {
		return nil, err
	}
	state, err := e.Begin(ctx, p, &run.Event.Event)
	switch {
	case err != nil:
		return nil, misconfigured(err.Error())
	case ctx.Err() != nil:
		return nil, w.interrupted(ctx)
	}
	return &begun{Flow: p.Flow(), State: state}, nil
}

// interrupted is the error of an activity whose context ended before it had an
// outcome.
func (w *workshop) interrupted(ctx context.Context) error {
	if sdk.IsCanceledError(context.Cause(ctx)) {
		return sdk.NewCanceledError()
	}
	return again(TypeStopping, "the worker was stopped while the block ran", nil)
}

// step is the activity of a block.
func (w *workshop) step(ctx context.Context, in stepIn) (*stepped, error) {
	defer w.beat(ctx)()
	p, e, err := w.playbook(ctx, &in.Run)
	if err != nil {
		return nil, err
	}
	ev := &in.Run.Event.Event
	if in.Assertion != "" {
		ev.Assertion, err = w.client.options.Vault.Open(ctx, in.Run.holder(), in.Assertion)
		switch {
		case errors.Is(err, ErrForgotten):
			return w.signInAgain(e, p, in.Block), nil
		case errors.Is(err, ErrNoKey):
			return nil, again(TypeVault, "the worker does not have the key of the assertion", err)
		case err != nil:
			return nil, again(TypeVault, "the assertion could not be had from the vault", err)
		}
	}
	bounded, cancel := context.WithDeadlineCause(ctx, in.Deadline, playbook.ErrTimeLimit)
	defer cancel()
	o, failed := e.Step(bounded, p, ev, in.State, in.Block)
	if o == nil {
		return nil, misconfigured(failed.Error())
	}
	if ctx.Err() != nil && o.Status == playbook.StatusFailed && !sdk.IsCanceledError(context.Cause(ctx)) {
		return nil, w.interrupted(ctx)
	}
	out := &stepped{Outcome: o, SignIn: needsSignIn(o)}
	var challenge interface{ WWWAuthenticate() string }
	if out.SignIn && errors.As(failed, &challenge) {
		out.Challenge = challenge.WWWAuthenticate()
	}
	return out, w.fit(out, in.Max)
}

// signInAgain is the outcome of a block whose assertion is gone.
func (w *workshop) signInAgain(e *playbook.Engine, p *playbook.Playbook, block int) *stepped {
	b := p.Blocks[block]
	now := time.Now
	if e.Now != nil {
		now = e.Now
	}
	return &stepped{SignIn: true, Outcome: failure(p.Flow(), block, now(), codeSignIn, "the employee's token is not kept any more: they must sign in again", b.Type.CRM())}
}

// failure is the outcome of a block that was not run, or of which nothing is
// known.
func failure(f *playbook.Flow, block int, at time.Time, code, message string, named bool) *playbook.Outcome {
	b := &f.Blocks[block]
	o := &playbook.Outcome{BlockRecord: playbook.BlockRecord{
		Name: b.Name, Type: b.Type, Status: playbook.StatusFailed, StartedAt: at,
		Error: &playbook.Failure{Block: b.Name, Code: code, Message: message},
	}}
	if named {
		o.Identity = b.Identity
	}
	return o
}

const codeTooLarge = "too-large"

// fit makes a failure of an outcome that is too large for the history. What
// was written is told all the same, as far as there is room.
func (w *workshop) fit(s *stepped, limit int) error {
	n, err := sizeOf(w.client.converter, limit, s.Outcome)
	if err != nil {
		return misconfigured("the block's outcome cannot be encoded")
	}
	s.Size = n
	if n <= limit {
		return nil
	}
	o := s.Outcome
	o.Status, o.Output = playbook.StatusFailed, nil
	o.Error = &playbook.Failure{Block: o.Name, Code: codeTooLarge, Message: fmt.Sprintf(
		"what it gives is too large for Temporal's history: %s, and %s may stand there", size(n), size(limit))}
	if len(o.Writes) > 0 {
		o.Error.Message += "; its records are written"
	}
	for _, drop := range []func(){
		func() {},
		func() { o.Requests = nil },
		func() {
			o.Warnings = append(o.Warnings, playbook.Warning{Block: o.Name, Message: fmt.Sprintf(
				"%d records were written; the list of them is too large for Temporal's history", len(o.Writes))})
			o.Writes = nil
		},
	} {
		drop()
		if s.Size, err = sizeOf(w.client.converter, limit, o); err != nil || s.Size <= limit {
			return err
		}
	}
	return nil
}

// beat tells Temporal that the worker is there, until the func that it gives is
// called. Without it, an activity whose worker was killed would be missed only
// after Host.Block.
func (w *workshop) beat(ctx context.Context) (stop func()) {
	done := make(chan struct{})
	ticker := time.NewTicker(max(w.host.Heartbeat/3, time.Millisecond))
	go func() {
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				activity.RecordHeartbeat(ctx)
			}
		}
	}()
	return func() { close(done) }
}

// signIn is the activity that decides whether a new assertion is of the run's
// employee. What is refused is forgotten.
func (w *workshop) signIn(ctx context.Context, in signInIn) error {
	defer w.beat(ctx)()
	assertion, err := w.client.options.Vault.Open(ctx, in.Holder, in.Assertion)
	if err != nil {
		if errors.Is(err, ErrForgotten) {
			return misconfigured("the new token is not in the vault")
		}
		return again(TypeVault, "the new token could not be had from the vault", err)
	}
	who, ok := personOf(assertion)
	if !ok || !who.is(in.Employee) {
		return errors.Join(
			sdk.NewNonRetryableApplicationError("the new token is of another employee or tenant than the run", TypeOtherEmployee, nil),
			w.client.options.Vault.Forget(ctx, in.Holder, in.Assertion))
	}
	return nil
}

// end is the local activity that makes the result, tells observer and log, and
// empties the vault. It never fails: a run that has ended has ended.
func (w *workshop) end(ctx context.Context, in *endIn) (*playbook.Result, error) {
	e := new(playbook.Engine)
	if w.host.Engine != nil {
		if of, err := w.host.Engine(ctx, in.Run.Tenant); err == nil {
			e = of
		}
	}
	res, err := assemble(ctx, e, in)
	if err != nil {
		return nil, misconfigured(err.Error())
	}
	for _, text := range in.Assertions {
		if err := w.client.options.Vault.Forget(ctx, in.Run.holder(), text); err != nil {
			activity.GetLogger(ctx).Warn("an assertion could not be forgotten", "error", err)
		}
	}
	return res, w.shrink(res, in.Max)
}

// assemble makes the result of a state.
func assemble(ctx context.Context, e *playbook.Engine, in *endIn) (*playbook.Result, error) {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	switch in.Over {
	case "canceled":
		cancel(context.Canceled)
	case "time-limit":
		cancel(playbook.ErrTimeLimit)
	}
	defer cancel(nil)
	res, err := e.End(ctx, in.Flow, &in.Run.Event.Event, in.State)
	if res == nil {
		return nil, err
	}
	return res, nil
}

// shrink leaves out of a result what is too large for the history, and says so.
func (w *workshop) shrink(res *playbook.Result, limit int) error {
	n, err := sizeOf(w.client.converter, limit, res)
	for _, drop := range []struct {
		what string
		do   func()
	}{
		{"the outputs of the blocks are", func() { res.Outputs = make([]any, len(res.Outputs)) }},
		{"the output is", func() { res.Output = nil }},
		{"the list of requests is", func() {
			for _, b := range res.Blocks {
				b.Requests = nil
			}
		}},
		{"the list of writes is", func() { res.Writes = nil }},
	} {
		if err != nil || n <= limit {
			return err
		}
		drop.do()
		res.Warnings = append(res.Warnings, playbook.Warning{Message: fmt.Sprintf(
			"%s not in the result: together they are too large for Temporal's history (%s, and %s may stand there)", drop.what, size(n), size(limit))})
		n, err = sizeOf(w.client.converter, limit, res)
	}
	return err
}
