package playbook

import (
	"context"
	"slices"

	"github.com/andmoneyaps/engage-playbooks/pattern"
)

// evaluated is the value of one mapping.
type evaluated struct {
	m     *Mapping
	value any
	found bool
	// known: the mapping was evaluated; else it waits for the write.
	known bool
}

// evaluate gives the values of the mappings that which accepts, in the order
// of the document. Values that are known already are kept.
func (s *step) evaluate(ctx context.Context, which func(*Mapping) bool) error {
	b := s.b
	if b.values == nil {
		b.values = make([]evaluated, len(b.Inputs))
	}
	for i, m := range b.Inputs {
		if b.values[i].known || !which(m) {
			continue
		}
		v, found, err := m.evaluate(ctx, s.scope)
		if err != nil {
			return err
		}
		b.values[i] = evaluated{m: m, value: v, found: found, known: true}
	}
	return nil
}

func every(*Mapping) bool { return true }

// input makes the pattern's input. What is not evaluated yet is unknown. On a
// Read a path that finds nothing counts as null; elsewhere its mapping does
// not apply.
func (s *step) input() pattern.Input {
	if s.b.given != nil {
		return s.b.given
	}
	in := make(pattern.Input, 0, len(s.b.Inputs))
	for i, m := range s.b.Inputs {
		v := pattern.Value{Part: m.Part, Field: m.Field, Source: m.Label, Pos: m.Pos}
		switch e := s.b.values[i]; {
		case !e.known:
			v.Data = pattern.Unknown{After: s.waitsFor(m)}
		case !e.found && s.b.Type != BlockRead:
			continue
		default:
			v.Data = e.value
		}
		in = append(in, v)
	}
	return in
}

// waitsFor names the block after which the mapping's value is known.
func (s *step) waitsFor(m *Mapping) string {
	if m.From != nil {
		return m.From.Name
	}
	return s.b.Name
}

// lookupNeeds are the blocks that the look-up of a writing block waits for:
// those that its `when` reads, and the mappings whose values the look-up needs.
func (b *Block) lookupNeeds() []int {
	needs := slices.Clone(b.whenNeeds)
	given := make([]pattern.Given, len(b.Inputs))
	for i, m := range b.Inputs {
		given[i] = pattern.Given{Part: m.Part, Field: m.Field}
	}
	for i, needed := range b.Pattern.LookupNeeds(b.Operation, given) {
		if needed {
			needs = append(needs, b.Inputs[i].needs()...)
		}
	}
	slices.Sort(needs)
	return slices.Compact(needs)
}

// needs are the blocks that the mapping reads: the one that it is from, and
// those of the expressions on its way.
func (m *Mapping) needs() []int {
	var needs []int
	if m.From != nil {
		needs = append(needs, m.From.Index)
	}
	for _, t := range m.Transformations {
		if x, ok := t.(*expressionStep); ok {
			for _, j := range x.x.needs {
				needs = append(needs, j)
			}
		}
	}
	return needs
}

// answerable reports whether all that the mapping reads is among needs, or
// there from the start.
func answerable(m *Mapping, needs []int) bool {
	for _, j := range m.needs() {
		if j != 0 && !slices.Contains(needs, j) {
			return false
		}
	}
	return true
}
