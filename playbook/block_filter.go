package playbook

import "context"

// filter fills the block's filter with its inputs. A path that finds nothing
// counts as null, which a comparison refuses: an event without an e-mail must
// not find all customers.
func (s *step) filter(ctx context.Context) error {
	if err := s.evaluate(ctx, every); err != nil {
		return err
	}
	values := make(map[string]any, len(s.b.values))
	for _, e := range s.b.values {
		values[e.m.Destination] = e.value
	}
	f, err := s.b.Filter.With(values)
	if err != nil {
		return err
	}
	s.put(map[string]any{"output": f.Data()})
	return nil
}
