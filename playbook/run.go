package playbook

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/andmoneyaps/engage-playbooks/pattern"
)

// run is one run of a playbook. Its blocks are run by [schedule]; what one of
// them gives is read by those that need it only after it has ended.
type run struct {
	engine   *Engine
	ctx      context.Context
	playbook *Playbook
	event    *Event
	now      time.Time
	dry      bool
	scope    *scope
	blocks   []*blockRun
	// steps are by node of the flow.
	steps      []step
	changeSets atomic.Int64
	held       held
	identities [2]identityClient
	planned    plannedTables
	telling    sync.Mutex
	record     Record
	output     any
	err        error
}

// blockRun is one block within a run. It is written by one task at a time.
type blockRun struct {
	*Block
	rec      BlockRecord
	writes   []*WriteRecord
	warnings []Warning
	err      *BlockError
	ended    bool
	stats    Stats
	// given are the inputs of a pattern that runs alone.
	given pattern.Input
	// What the look-up of a writing block leaves to the write.
	values  []evaluated
	pending *lookup
	// chance stands for the id of an event that has none.
	chance string
}

// step is one task at work: a block or one half of it.
type step struct {
	*run
	b *blockRun
	// chain is the longest chain of requests up to now, those of the tasks that
	// it waited for included.
	chain int
}

func (e *Engine) run(ctx context.Context, p *Playbook, ev *Event, dry bool) (*Result, error) {
	if p.Trigger.Type.ID != ev.Type {
		return nil, otherTrigger(p, ev)
	}
	r := e.newRun(p, ev, dry)
	r.scope = newScope(p, ev, r.now)
	return r.do(ctx, r.accept)
}

func (e *Engine) newRun(p *Playbook, ev *Event, dry bool) *run {
	started := e.clock()
	r := &run{engine: e, playbook: p, event: ev, dry: dry, now: started}
	if !ev.Time.IsZero() {
		r.now = ev.Time
	}
	r.record = Record{Playbook: p.ID, Event: ev.ID, Actor: ev.Actor, StartedAt: started, DryRun: dry}
	blocks := make([]blockRun, len(p.Blocks))
	r.blocks = make([]*blockRun, len(p.Blocks))
	for i, b := range p.Blocks {
		blocks[i] = blockRun{Block: b, rec: BlockRecord{Name: b.Name, Type: b.Type, Status: StatusNotRun}}
		if b.Type.CRM() {
			blocks[i].rec.Identity = b.Identity
		}
		r.blocks[i] = &blocks[i]
	}
	return r
}

// do runs the blocks if accept, which is asked first, lets it.
func (r *run) do(ctx context.Context, accept func(ctx context.Context) bool) (*Result, error) {
	ctx, cancel := r.engine.bounded(ctx)
	defer cancel()
	r.ctx = ctx
	leave, err := r.engine.enter(ctx)
	if err != nil {
		return r.finish(-1)
	}
	defer leave()
	r.tell(Progress{Kind: RunStarted})
	if !accept(ctx) {
		return r.finish(-1)
	}
	r.steps = make([]step, len(r.playbook.nodes))
	g := r.playbook.graph(!r.dry && r.engine.Capabilities != nil)
	return r.finish(schedule(ctx, g, r.engine.limit(), r.node))
}

// accept decides before the first request whether the playbook runs at all.
func (r *run) accept(ctx context.Context) bool {
	trigger := r.blocks[0]
	s := &step{run: r, b: trigger}
	r.begin(trigger)
	if err := r.playbook.Workspace.CheckEvent(r.event); err != nil {
		s.end(ctx, err)
		return false
	}
	reason, err := r.playbook.mismatch(ctx, r.scope)
	if err != nil {
		s.end(ctx, err)
		return false
	}
	if reason != "" {
		r.record.Reason = reason
		s.skip(reason)
		return false
	}
	if refusal := r.playbook.refuse(r.event); refusal != nil {
		i := slices.IndexFunc(r.blocks, func(b *blockRun) bool { return b.Name == refusal.Block })
		if i != 0 {
			trigger.rec = BlockRecord{Name: trigger.Name, Type: trigger.Type, Status: StatusNotRun}
			r.begin(r.blocks[i])
		}
		refusal.Playbook = r.playbook.ID
		(&step{run: r, b: r.blocks[i]}).end(ctx, refusal)
		return false
	}
	return true
}

// node runs one node of the playbook's flow.
func (r *run) node(ctx context.Context, i int) (stop bool) {
	n := &r.playbook.nodes[i]
	b := r.blocks[n.block]
	s := &r.steps[i]
	s.run, s.b = r, b
	for _, j := range n.needs {
		s.chain = max(s.chain, r.steps[j].chain)
	}
	if !b.ended {
		n.run(s, ctx)
	}
	return b.ended && b.rec.Status == StatusFailed && b.OnError != OnErrorContinue
}

// block runs a block that does not write.
func (s *step) block(ctx context.Context) {
	r, b := s.run, s.b
	r.begin(b)
	run, err := s.decide(ctx)
	if err != nil || !run {
		s.settle(ctx, err)
		return
	}
	switch b.Type {
	case BlockRead:
		err = s.read(ctx)
	case BlockFilter:
		err = s.filter(ctx)
	case BlockTemplate:
		err = s.template(ctx)
	case BlockAi:
		err = s.ai(ctx)
	case BlockOutput:
		err = s.outputs(ctx)
	}
	s.end(ctx, err)
}

func (r *run) begin(b *blockRun) {
	if !b.rec.StartedAt.IsZero() {
		return
	}
	b.rec.StartedAt = r.engine.clock()
	r.tell(Progress{Kind: BlockStarted, Block: b.Name, Type: b.Type, Identity: b.rec.Identity})
}

// decide evaluates the block's `when`. What a dry run cannot know counts as
// true, and is said.
func (s *step) decide(ctx context.Context) (run bool, err error) {
	if s.b.When == nil {
		return true, nil
	}
	v, err := s.b.When.Eval(ctx, s.scope, nil)
	if err != nil {
		return false, err
	}
	if u, unknown := v.(pattern.Unknown); unknown {
		s.warn("", "whether the block runs is known after %s", u.After)
		return true, nil
	}
	run, ok := v.(bool)
	if !ok {
		return false, &ruleError{code: "when-not-boolean", message: "its `when` gives neither true nor false", pos: s.b.When.Pos}
	}
	return run, nil
}

// settle ends a block that was not to run: it failed before, or is skipped.
func (s *step) settle(ctx context.Context, err error) {
	if err != nil {
		s.end(ctx, err)
		return
	}
	s.skip("its `when` is false: " + s.b.When.Source)
}

func (s *step) skip(reason string) {
	s.b.rec.Reason = reason
	s.close(StatusSkipped)
}

// end closes the block: succeeded without err, failed with it. A block that
// was cancelled because one before it failed counts as not run.
func (s *step) end(ctx context.Context, err error) {
	if err == nil {
		s.close(StatusSucceeded)
		return
	}
	if ctx.Err() != nil && s.ctx.Err() == nil {
		s.b.ended = true
		s.clear()
		return
	}
	var over error
	if s.ctx.Err() != nil {
		over = context.Cause(s.ctx)
	}
	var be *BlockError
	if !errors.As(err, &be) {
		be = blockError(s.record.Playbook, s.b.Block, err, over)
	}
	s.b.err = be
	s.b.rec.Error = be.failure()
	s.clear()
	s.close(StatusFailed)
}

// clear takes back what the block has put out.
func (s *step) clear() {
	if s.scope != nil && s.b.Index > 0 {
		s.scope.outputs[s.b.Index] = s.b.idle
	}
}

func (s *step) close(status Status) {
	b := s.b
	b.ended = true
	b.rec.Status = status
	b.rec.Duration = s.engine.clock().Sub(b.rec.StartedAt)
	if s.scope != nil {
		s.scope.status[b.Index] = status
	}
	s.tell(Progress{Kind: BlockEnded, Block: b.Name, Type: b.Type, Identity: b.rec.Identity, BlockRecord: &b.rec})
}

// put sets the block's output.
func (s *step) put(output any) {
	if s.scope != nil {
		s.scope.outputs[s.b.Index] = output
		return
	}
	s.run.output = output
}

func (s *step) warn(part, format string, args ...any) {
	s.b.warnings = append(s.b.warnings, Warning{Block: s.b.Name, Part: part, Message: fmt.Sprintf(format, args...)})
}

// finish makes the result of what the blocks did. stopped is the block that
// ended the run, or -1.
func (r *run) finish(stopped int) (*Result, error) {
	res := &Result{Outputs: make([]any, len(r.blocks))}
	r.record.Blocks = make([]*BlockRecord, 0, len(r.blocks))
	var failed *BlockError
	if stopped < 0 {
		// A run that was refused or cancelled ends with the first failure too,
		// whatever its block says of errors.
		stopped = slices.IndexFunc(r.blocks, func(b *blockRun) bool {
			return b.rec.Status == StatusFailed &&
				(b.OnError != OnErrorContinue || r.ctx.Err() != nil || r.blocks[0].rec.Status != StatusSucceeded)
		})
	}
	if stopped >= 0 {
		failed = r.blocks[stopped].err
	}
	if r.engine.Coverage {
		res.Applied = r.applied()
	}
	for i, b := range r.blocks {
		if stopped >= 0 && i > stopped && b.rec.Status != StatusNotRun {
			b.rec.Status, b.rec.Error, b.writes, b.warnings = StatusNotRun, nil, nil, nil
		}
		if b.rec.Status == StatusNotRun {
			b.rec.Reason = r.notRunReason(failed)
		}
		if b.rec.Status == StatusFailed && i != stopped {
			b.warnings = append(b.warnings, Warning{Block: b.Name, Part: b.err.Part,
				Message: "the block failed and the run went on (onError: continue): " + b.err.Message})
		}
		if b.rec.Status == StatusSucceeded {
			if r.scope != nil {
				res.Outputs[i] = r.scope.outputs[i]
			} else {
				res.Outputs[i] = r.output
			}
			if r.dry {
				res.Outputs[i] = Shown(res.Outputs[i])
			}
			if b.Type == BlockOutput {
				res.Output = merge(res.Output, res.Outputs[i])
			}
		}
		r.record.Blocks = append(r.record.Blocks, &b.rec)
		if r.record.Writes == nil {
			r.record.Writes = slices.Clip(b.writes) // one block wrote many, as a rule
		} else {
			r.record.Writes = append(r.record.Writes, b.writes...)
		}
		r.record.Warnings = append(r.record.Warnings, b.warnings...)
		r.record.Stats.Requests += b.stats.Requests
		r.record.Stats.Retries += b.stats.Retries
	}
	for i := range r.steps {
		r.record.Stats.RoundTrips = max(r.record.Stats.RoundTrips, r.steps[i].chain)
	}
	r.conclude(failed)
	r.record.Duration = r.engine.clock().Sub(r.record.StartedAt)
	res.Record = r.record
	r.tell(Progress{Kind: RunEnded, Record: &res.Record})
	return res, r.err
}

func (r *run) applied() [][]bool {
	all := make([][]bool, len(r.blocks))
	for i, b := range r.blocks {
		all[i] = make([]bool, len(b.Inputs))
		for j, e := range b.values {
			all[i][j] = e.known && e.found
		}
	}
	return all
}

func (r *run) notRunReason(failed *BlockError) string {
	switch {
	case r.record.Reason != "":
		return r.record.Reason
	case failed != nil:
		return fmt.Sprintf("block %q failed", failed.Block)
	case r.ctx.Err() != nil:
		return endedMessage(context.Cause(r.ctx))
	}
	return ""
}

// conclude sets the run's status and error.
func (r *run) conclude(failed *BlockError) {
	switch {
	case failed != nil:
		r.record.Status, r.record.Error, r.err = StatusFailed, failed.failure(), failed
	case r.record.Reason != "":
		r.record.Status = StatusSkipped
	case r.ctx.Err() != nil && slices.ContainsFunc(r.blocks, func(b *blockRun) bool { return b.rec.Status == StatusNotRun }):
		over := context.Cause(r.ctx)
		r.record.Status, r.err = StatusFailed, fmt.Errorf("%s: %w", endedMessage(over), over)
		r.record.Error = &Failure{Code: endedCode(over), Message: endedMessage(over)}
	default:
		r.record.Status = StatusSucceeded
	}
	if r.event.ID == "" && r.playbook.ID != "" && r.record.Status != StatusSkipped && r.creates() {
		r.record.Warnings = append([]Warning{{
			Message: "the event has no id: the service chose those of the records, and running it again would write them again (not repeatable)",
		}}, r.record.Warnings...)
	}
}

func (r *run) creates() bool {
	return slices.ContainsFunc(r.blocks, func(b *blockRun) bool { return b.Type == BlockCreate || b.Type == BlockUpsert })
}
