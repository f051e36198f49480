package playbook

import (
	"context"

	"github.com/andmoneyaps/engage-playbooks/pattern"
)

// read reads the results of a pattern.
func (s *step) read(ctx context.Context) error {
	if err := s.evaluate(ctx, every); err != nil {
		return err
	}
	c, err := s.client(ctx)
	if err != nil {
		return err
	}
	bound, err := s.bind(ctx, c)
	if err != nil {
		return err
	}
	in := s.input()
	plan, err := bound.Read(in, s.options())
	if err != nil {
		return err
	}
	if s.dry {
		if known, err := s.readable(bound, in, plan); err != nil || !known {
			return err
		}
	}
	if err := s.rounds(ctx, c, plan); err != nil {
		return err
	}
	s.put(map[string]any{"Results": plan.Results()})
	return nil
}

// options of the block's operation.
func (s *step) options() pattern.Options {
	o := pattern.Options{Now: s.now, Limit: s.b.Limit, Bulk: !s.b.Atomic}
	if s.b.Type.Writes() {
		o.NewID = s.newID
	}
	return o
}
