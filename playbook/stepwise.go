package playbook

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Flow is what an executor of its own must know of a playbook to advance a run
// block by block, without the documents: which block waits for which. It is
// JSON, and the same documents give the same flow.
//
// A run is advanced so:
//
//	state, err := engine.Begin(ctx, p, event)
//	for len(flow.Ready(state)) > 0 {
//		for _, i := range flow.Ready(state) { // side by side, if you like
//			state.Outcomes[i], err = engine.Step(ctx, p, event, state, i)
//		}
//	}
//	result, err := engine.End(ctx, flow, event, state)
//
// Each of the calls may be made by another process; what one gives the next
// is JSON. A step whose outcome was lost is simply made again: the ids of
// records derive from the event, so that what it had written is found. An
// event without an id should therefore not be run like this.
type Flow struct {
	Playbook string      `json:"playbook"`
	Blocks   []FlowBlock `json:"blocks"`
}

// FlowBlock is one block of a [Flow].
type FlowBlock struct {
	Name     string    `json:"name"`
	Type     BlockType `json:"type"`
	Identity Identity  `json:"identity,omitempty"`
	OnError  OnError   `json:"onError"`
	// Waits are the blocks that must have ended before, Reads those of them
	// whose outputs it is given; both are sorted places in [Flow.Blocks].
	Waits []int `json:"waits"`
	Reads []int `json:"reads"`
}

// Flow gives the playbook's flow. In it a block that writes is one piece: its
// look-ups do not start before all blocks before it have ended. It is shared,
// and must not be changed.
func (p *Playbook) Flow() *Flow { return p.flow }

func flowOf(p *Playbook) *Flow {
	f := &Flow{Playbook: p.ID, Blocks: make([]FlowBlock, len(p.Blocks))}
	for i, b := range p.Blocks {
		f.Blocks[i] = FlowBlock{Name: b.Name, Type: b.Type, Identity: b.Identity, OnError: b.OnError, Waits: []int{}, Reads: slices.Clone(b.Needs)}
		if !b.Type.CRM() {
			f.Blocks[i].Identity = ""
		}
	}
	for _, n := range p.nodes {
		b := &f.Blocks[n.block]
		for _, j := range n.needs {
			if of := p.nodes[j].block; of != n.block {
				b.Waits = append(b.Waits, of)
			}
		}
		slices.Sort(b.Waits)
		b.Waits = slices.Compact(b.Waits)
	}
	return f
}

// Ready gives the blocks that may run now, sorted: those that have not ended,
// while all that they wait for has, and no block before them has ended the
// run. None: the run is over, once what was started has ended.
func (f *Flow) Ready(s *State) []int {
	front := f.frontier(s)
	var ready []int
	for i, ok := front.next(); ok; i, ok = front.next() {
		ready = append(ready, i)
	}
	return ready
}

// Stopped gives the block that ends the run because it failed, or -1. Blocks
// after it that are under way are to be cancelled, those before it are not:
// one of them may fail yet, and then is the run's failure.
func (f *Flow) Stopped(s *State) int {
	front := f.frontier(s)
	return front.stopped
}

// frontier is that of a run in the state.
func (f *Flow) frontier(s *State) frontier {
	front := newFrontier(newGraph(len(f.Blocks), func(i int) (int, rank, []int) { return i, rankAsks, f.Blocks[i].Waits }))
	over := len(s.Outcomes) == 0 || s.Outcomes[0] == nil || s.Outcomes[0].Status != StatusSucceeded
	if over {
		front.ready = nil // the event was refused, or does not fit
	}
	for i, o := range s.Outcomes {
		if o == nil {
			continue
		}
		if at, there := front.place(i); there {
			front.ready = slices.Delete(front.ready, at, at+1)
		}
		stop := o.Status == StatusFailed && (over || f.Blocks[i].OnError != OnErrorContinue)
		if over && !stop {
			continue
		}
		front.end(i, stop)
	}
	return front
}

// Part gives what [Engine.Step] looks at of a state for one block, so that no
// more need be sent: outputs are left out but for those that it reads.
func (f *Flow) Part(s *State, block int) *State {
	part := &State{StartedAt: s.StartedAt, Outcomes: make([]*Outcome, len(s.Outcomes))}
	b := &f.Blocks[block]
	for _, j := range b.Waits {
		o := s.Outcomes[j]
		if o == nil {
			continue
		}
		part.Outcomes[j] = &Outcome{
			BlockRecord: BlockRecord{Name: o.Name, Type: o.Type, Status: o.Status}, Stats: o.Stats, ChangeSets: o.ChangeSets,
		}
		if slices.Contains(b.Reads, j) {
			part.Outcomes[j].Output = o.Output
		}
	}
	return part
}

// Begin begins a run that is advanced block by block: it decides whether the
// playbook runs at all, and gives the state in which the trigger has ended. A
// state in which nothing is ready is that of a run that was refused or does
// not fit. The error is [ErrOtherTrigger], or says that the engine is not one
// for such runs.
func (e *Engine) Begin(ctx context.Context, p *Playbook, ev *Event) (*State, error) {
	if err := e.stepwise(p, ev); err != nil {
		return nil, err
	}
	r := e.newRun(p, ev, false)
	r.ctx, r.scope = ctx, newScope(p, ev, r.now)
	r.tell(Progress{Kind: RunStarted})
	if r.accept(ctx) {
		(&step{run: r, b: r.blocks[0]}).end(ctx, nil)
	}
	s := &State{StartedAt: r.record.StartedAt, Reason: r.record.Reason, Outcomes: make([]*Outcome, len(r.blocks))}
	for i, b := range r.blocks {
		if b.ended {
			s.Outcomes[i] = r.outcome(i, 0, 0)
		}
	}
	return s, nil
}

// stepwise reports why the engine cannot advance the playbook block by block.
func (e *Engine) stepwise(p *Playbook, ev *Event) error {
	if p.Trigger.Type.ID != ev.Type {
		return otherTrigger(p, ev)
	}
	if e.Version != nil {
		return errors.New("playbook: Engine.Version goes with whole runs: a step does not know which records the run has changed")
	}
	return nil
}

func otherTrigger(p *Playbook, ev *Event) error {
	return fmt.Errorf("%w: playbook %q is for %s, the event is of type %s", ErrOtherTrigger, p.ID, p.Trigger.Type.ID, ev.Type)
}

// Step runs one block that is ready, and gives its outcome; [Flow.Part] of the
// state will do. ctx bounds the step, and its cause [ErrTimeLimit] is told from
// a cancellation; Limit, Runs, Timeout and Coverage of the engine have no part
// in it. The error is that of the block, as [Engine.Run] would give it; without
// an outcome the step was not made.
func (e *Engine) Step(ctx context.Context, p *Playbook, ev *Event, s *State, block int) (*Outcome, error) {
	if err := e.stepwise(p, ev); err != nil {
		return nil, err
	}
	if block <= 0 || block >= len(p.Blocks) || len(s.Outcomes) != len(p.Blocks) {
		return nil, fmt.Errorf("playbook: playbook %q has no block %d to step to from a state of %d blocks", p.ID, block, len(s.Outcomes))
	}
	for _, j := range p.flow.Blocks[block].Waits {
		if s.Outcomes[j] == nil {
			return nil, fmt.Errorf("playbook: block %q of playbook %q is not ready: block %q has not ended", p.Blocks[block].Name, p.ID, p.Blocks[j].Name)
		}
	}
	r, err := e.restore(p, ev, p.flow.Part(s, block))
	if err != nil {
		return nil, err
	}
	r.ctx = ctx
	b := r.blocks[block]
	*b = blockRun{Block: b.Block, rec: BlockRecord{Name: b.Name, Type: b.Type, Status: StatusNotRun, Identity: b.rec.Identity}}
	work := &step{run: r, b: b}
	for i := range r.steps {
		work.chain = max(work.chain, r.steps[i].chain)
	}
	before := r.changeSets.Load()
	for i := range p.nodes {
		if n := &p.nodes[i]; n.block == block && !b.ended {
			n.run(work, ctx)
		}
	}
	o := r.outcome(block, work.chain, int(r.changeSets.Load()-before))
	if b.err != nil {
		return o, b.err
	}
	return o, nil
}

// End makes the result of a run that was advanced block by block, and tells
// observer and log. The cause of a context that has ended says why blocks were
// not run: the run was cancelled, or [ErrTimeLimit]. The error is as that of
// [Engine.Run], but for causes, which do not travel.
func (e *Engine) End(ctx context.Context, f *Flow, ev *Event, s *State) (*Result, error) {
	p := &Playbook{ID: f.Playbook, Blocks: make([]*Block, len(f.Blocks))}
	for i, b := range f.Blocks {
		p.Blocks[i] = &Block{Name: b.Name, Type: b.Type, Identity: b.Identity, OnError: b.OnError, Index: i}
	}
	r, err := e.restore(p, ev, s)
	if err != nil {
		return nil, err
	}
	r.ctx = ctx
	return r.finish(f.Stopped(s))
}
