package playbook

import "context"

// filter fills the block's filter with its inputs. A path that finds nothing
// counts as null, which a comparison refuses: an event without an e-mail must
// not find all customers. Literals of the document are of the filter's own
// kind: GetDate may stand among them.
func (s *step) filter(ctx context.Context) error {
	if err := s.evaluate(ctx, every); err != nil {
		return err
	}
	values := make(map[string]any, len(s.b.values))
	var literals map[string]any
	for _, e := range s.b.values {
		if e.m.HasValue && len(e.m.Transformations) == 0 && e.value != nil {
			if literals == nil {
				literals = map[string]any{}
			}
			literals[e.m.Destination] = e.value
			continue
		}
		values[e.m.Destination] = e.value
	}
	f, err := s.b.Filter, error(nil)
	if literals != nil {
		if f, err = f.WithLiterals(literals); err != nil {
			return err
		}
	}
	if f, err = f.With(values); err != nil {
		return err
	}
	s.put(map[string]any{"output": f.Data()})
	return nil
}
