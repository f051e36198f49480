package temporal

import (
	"context"
	"errors"
	"slices"
	"time"

	sdk "go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/andmoneyaps/engage-playbooks/playbook"
)

// execution is one run, as its workflow knows it. The code of this file is
// replayed from histories: it sees no clock but the workflow's, and what it
// asks of Temporal must stay in the same order for runs that are open.
type execution struct {
	shop *workshop
	in   *input
	flow *playbook.Flow
	// state has the outcomes of the blocks that have ended, sizes what they
	// have in the history.
	state *playbook.State
	sizes []int
	// running are the blocks under way, waiting those that need their employee
	// to sign in again, by block; nil for others.
	running []workflow.CancelFunc
	waiting []*stepped

	deadline time.Time
	over     string // "", "canceled", "time-limit"
	ended    bool
	selector workflow.Selector
	// work is cancelled when the run is over, patience when nobody waits any
	// more for the employee.
	work, ctx  workflow.Context
	stop       workflow.CancelFunc
	patience   workflow.CancelFunc
	since      time.Time
	refused    string
	assertions []string
}

// run is the workflow.
func (w *workshop) run(ctx workflow.Context, in *input) (*playbook.Result, error) {
	x := &execution{shop: w, in: in, ctx: ctx, deadline: workflow.Now(ctx).Add(in.Limit)}
	if in.Assertion != "" {
		x.assertions = []string{in.Assertion}
	}
	if err := workflow.SetQueryHandler(ctx, queryRecord, x.progress); err != nil {
		return nil, err
	}
	var b begun
	if err := workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, x.options()), activityBegin, in.Run).Get(ctx, &b); err != nil {
		return nil, err
	}
	x.flow, x.state = b.Flow, b.State
	n := len(b.Flow.Blocks)
	x.sizes, x.running, x.waiting = make([]int, n), make([]workflow.CancelFunc, n), make([]*stepped, n)
	x.advance()
	return x.end()
}

// options of the activities: what a worker that is lost or stopped leaves is
// tried again, for as long as the run may take.
func (x *execution) options() workflow.ActivityOptions {
	return workflow.ActivityOptions{
		ScheduleToCloseTimeout: x.deadline.Sub(workflow.Now(x.ctx)) + settleTime,
		StartToCloseTimeout:    x.shop.host.Block,
		HeartbeatTimeout:       x.shop.host.Heartbeat,
		WaitForCancellation:    true,
		RetryPolicy:            &sdk.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: time.Minute},
	}
}

// settleTime is what a block may take after the run's time limit, to find out
// what was written.
const settleTime = time.Minute

// advance runs the blocks until none is ready.
func (x *execution) advance() {
	x.work, x.stop = workflow.WithCancel(x.ctx)
	x.selector = workflow.NewSelector(x.ctx)
	x.selector.AddReceive(workflow.GetSignalChannel(x.ctx, signalSignIn), x.signal)
	x.selector.AddFuture(workflow.NewTimer(x.work, x.deadline.Sub(workflow.Now(x.ctx))), func(f workflow.Future) {
		if f.Get(x.ctx, nil) == nil {
			x.finish("time-limit")
		}
	})
	cancelled, set := workflow.NewFuture(x.ctx)
	workflow.Go(x.ctx, func(ctx workflow.Context) {
		ctx.Done().Receive(ctx, nil)
		set.Set(nil, nil)
	})
	x.selector.AddFuture(cancelled, func(workflow.Future) { x.finish("canceled") })
	for {
		if x.over == "" {
			for _, i := range x.flow.Ready(x.state) {
				if x.running[i] == nil && x.waiting[i] == nil {
					x.start(i)
				}
			}
		}
		x.drop()
		if !x.busy() {
			x.stop()
			return
		}
		x.selector.Select(x.ctx)
	}
}

// drop ends what can no longer matter: a block before it has ended the run.
func (x *execution) drop() {
	stopped := x.flow.Stopped(x.state)
	if stopped < 0 {
		return
	}
	for i := stopped + 1; i < len(x.running); i++ {
		if x.running[i] != nil {
			x.running[i]()
		}
		x.waiting[i] = nil
	}
}

func (x *execution) busy() bool {
	return slices.ContainsFunc(x.running, func(c workflow.CancelFunc) bool { return c != nil }) || x.waits() >= 0
}

// waits is the first block that waits for its employee, or -1.
func (x *execution) waits() int {
	return slices.IndexFunc(x.waiting, func(s *stepped) bool { return s != nil })
}

// finish ends the run early.
func (x *execution) finish(why string) {
	if x.over != "" {
		return
	}
	x.over = why
	x.stop()
	x.giveUp()
}

// giveUp lets the blocks that wait fail.
func (x *execution) giveUp() {
	for i, s := range x.waiting {
		if s != nil {
			x.waiting[i], x.state.Outcomes[i], x.sizes[i] = nil, s.Outcome, s.Size
		}
	}
}

// start has a worker run a block.
func (x *execution) start(i int) {
	part := x.flow.Part(x.state, i)
	total := x.in.Size
	for _, j := range x.flow.Blocks[i].Reads {
		total += x.sizes[j]
	}
	if total > x.in.Max {
		x.state.Outcomes[i] = failure(x.flow, i, workflow.Now(x.ctx), codeTooLarge,
			"what it reads is together too large for Temporal's history: "+size(total)+", and "+size(x.in.Max)+" may stand there", true)
		return
	}
	ctx, cancel := workflow.WithCancel(x.work)
	x.running[i] = cancel
	o := x.options()
	f := workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, o), activityStep, stepIn{
		Run: x.in.Run, Assertion: x.in.Assertion, Block: i, State: part, Deadline: x.deadline, Max: x.in.Max,
	})
	x.selector.AddFuture(f, func(f workflow.Future) {
		x.running[i] = nil
		cancel()
		var s stepped
		err := f.Get(x.ctx, &s)
		switch {
		case err != nil:
			x.state.Outcomes[i] = x.lost(i, err)
		case s.SignIn && x.in.SignIn > 0 && x.over == "":
			x.wait(i, &s)
		default:
			x.state.Outcomes[i], x.sizes[i] = s.Outcome, s.Size
		}
	})
}

// lost is the outcome of a block that Temporal could not have run.
func (x *execution) lost(i int, err error) *playbook.Outcome {
	code, message := "no-worker", "no worker could run the block"
	app, ok := errors.AsType[*sdk.ApplicationError](err)
	switch {
	case x.over == "time-limit":
		code, message = "time-limit", "the run's time limit was reached while the block ran"
	case sdk.IsCanceledError(err):
		code, message = "canceled", "the run was cancelled while the block ran"
	case ok:
		message += ": " + app.Message()
	}
	o := failure(x.flow, i, workflow.Now(x.ctx), code, message, true)
	o.Unsettled = o.Type.Writes()
	return o
}

// wait keeps a block until its employee has signed in again.
func (x *execution) wait(i int, s *stepped) {
	if x.waits() < 0 {
		x.since, x.refused = workflow.Now(x.ctx), ""
		var ctx workflow.Context
		ctx, x.patience = workflow.WithCancel(x.work)
		x.selector.AddFuture(workflow.NewTimer(ctx, x.in.SignIn), func(f workflow.Future) {
			if f.Get(x.ctx, nil) == nil {
				x.giveUp()
			}
		})
	}
	x.waiting[i] = s
}

// signal takes a new assertion, once a worker has found it to be of the run's
// employee.
func (x *execution) signal(c workflow.ReceiveChannel, _ bool) {
	var s signIn
	c.Receive(x.ctx, &s)
	if s.Assertion == "" || slices.Contains(x.assertions, s.Assertion) {
		return
	}
	o := x.options()
	o.StartToCloseTimeout = time.Minute
	f := workflow.ExecuteActivity(workflow.WithActivityOptions(x.work, o), activitySignIn, signInIn{
		Holder: x.in.Run.holder(), Employee: x.in.Employee, Assertion: s.Assertion,
	})
	x.selector.AddFuture(f, func(f workflow.Future) {
		if err := f.Get(x.ctx, nil); err != nil {
			x.refused = refusal(err)
			return
		}
		x.in.Assertion = s.Assertion
		x.assertions = append(x.assertions, s.Assertion)
		if x.waits() < 0 {
			return
		}
		x.patience()
		clear(x.waiting) // the loop starts them again
	})
}

// refusal says why a new assertion was not taken.
func refusal(err error) string {
	if app, ok := errors.AsType[*sdk.ApplicationError](err); ok {
		return app.Message()
	}
	return "no worker could look at it"
}

// end makes the result, and with it the workflow's own end.
func (x *execution) end() (*playbook.Result, error) {
	x.ended = true
	ctx, _ := workflow.NewDisconnectedContext(x.ctx)
	retry := &sdk.RetryPolicy{InitialInterval: time.Second, MaximumAttempts: 5}
	var made workflow.Future
	if x.in.Max > defaultMaxPayload {
		// The SDK bounds what a local activity gives before it is kept elsewhere.
		made = workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
			StartToCloseTimeout: time.Minute, RetryPolicy: retry,
		}), activityEnd, x.endIn())
	} else {
		made = workflow.ExecuteLocalActivity(workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
			StartToCloseTimeout: time.Minute, RetryPolicy: retry,
		}), activityEnd, x.endIn())
	}
	var res playbook.Result
	if err := made.Get(ctx, &res); err != nil {
		return nil, err
	}
	switch {
	case res.Status != playbook.StatusFailed:
		return &res, nil
	case x.over == "canceled":
		return nil, sdk.NewCanceledError(&res)
	}
	message := "the playbook failed"
	if res.Error != nil {
		message = res.Error.Message
	}
	return nil, sdk.NewNonRetryableApplicationError(message, TypeFailed, nil, &res)
}

func (x *execution) endIn() *endIn {
	return &endIn{Run: x.in.Run, Flow: x.flow, State: x.state, Over: x.over, Assertions: x.assertions, Max: x.in.Max}
}

// progress answers the query.
func (x *execution) progress() (*Progress, error) {
	p := &Progress{Phase: PhaseRunning, Employee: x.in.Employee, Record: &playbook.Record{
		Playbook: x.in.Run.Playbook, Event: x.in.Run.Event.ID, Actor: x.in.Run.Event.Actor, Status: StatusRunning,
	}}
	if x.state == nil {
		return p, nil
	}
	res, err := assemble(context.Background(), new(playbook.Engine), x.endIn())
	if err != nil {
		return nil, err
	}
	p.Record = &res.Record
	if x.ended {
		p.Phase = PhaseEnded
		return p, nil
	}
	p.Record.Status = StatusRunning
	for i, b := range p.Record.Blocks {
		if x.running[i] != nil || x.waiting[i] != nil {
			b.Status, b.Reason = StatusRunning, ""
		}
	}
	if i := x.waits(); i >= 0 {
		p.Phase = PhaseSignIn
		p.SignIn = &SignIn{
			Block: x.flow.Blocks[i].Name, Message: x.waiting[i].Outcome.Error.Message, Challenge: x.waiting[i].Challenge,
			Since: x.since, Until: x.since.Add(x.in.SignIn), Refused: x.refused,
		}
	}
	return p, nil
}
