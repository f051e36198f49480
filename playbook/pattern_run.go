package playbook

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/andmoneyaps/engage-playbooks/pattern"
)

// RunPattern runs one operation of one pattern alone, as `engage pattern`
// does: input has one entry a destination, such as {"customer.Email": "a@b"},
// for a read also {"person": {filter}}. The result has one block, named as the
// pattern, and no playbook. ev says who acts, and may be nil. An input that
// the pattern cannot be given at all is an error without a result.
func (e *Engine) RunPattern(ctx context.Context, p *pattern.Pattern, op pattern.Operation, input map[string]any, ev *Event) (*Result, error) {
	return e.runPattern(ctx, p, op, input, ev, false)
}

// DryRunPattern is to RunPattern what DryRun is to Run.
func (e *Engine) DryRunPattern(ctx context.Context, p *pattern.Pattern, op pattern.Operation, input map[string]any, ev *Event) (*Result, error) {
	return e.runPattern(ctx, p, op, input, ev, true)
}

func (e *Engine) runPattern(ctx context.Context, p *pattern.Pattern, op pattern.Operation, input map[string]any, ev *Event, dry bool) (*Result, error) {
	in, err := destinations(p, op, input)
	if err != nil {
		return nil, err
	}
	if ev == nil {
		ev = &Event{}
	}
	b := &Block{
		Name: p.ID, Pos: p.Pos, OnError: OnErrorStop, Pattern: p, Operation: op,
		Identity: IdentityEmployee, Atomic: true,
	}
	for _, t := range BlockTypes {
		if t.Operation() == op {
			b.Type = t
		}
	}
	r := e.newRun(&Playbook{Blocks: []*Block{b}, nodes: layout([]*Block{b})}, ev, dry)
	r.blocks[0].given = in
	return r.do(ctx, func(ctx context.Context) bool {
		kind := ev.kind()
		if ok, reason := kind.MayActAs(IdentityEmployee); !ok {
			s := &step{run: r, b: r.blocks[0]}
			r.begin(s.b)
			s.end(ctx, &ruleError{code: "actor-without-identity", message: "an actor of kind " + string(kind) + " has no employee identity: " + reason})
			return false
		}
		return true
	})
}

// destinations turns the object of inputs into the pattern's input, and checks
// what loading checks in a playbook.
func destinations(p *pattern.Pattern, op pattern.Operation, input map[string]any) (pattern.Input, error) {
	var (
		in    = pattern.Input{}
		given []pattern.Given
		errs  []error
	)
	for _, name := range slices.Sorted(maps.Keys(input)) {
		part, _, err := p.Destination(op, name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		v := pattern.Value{Part: part.Ref, Data: input[name], Source: "input"}
		_, v.Field, _ = strings.Cut(name, ".")
		in = append(in, v)
		given = append(given, pattern.Given{Part: v.Part, Field: v.Field})
	}
	if len(errs) == 0 {
		for _, err := range p.CheckInputs(op, given, false) {
			errs = append(errs, err)
		}
	}
	return in, errors.Join(errs...)
}
