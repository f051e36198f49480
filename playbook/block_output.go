package playbook

import "context"

// outputs makes the block's share of the run's output: each destination is a
// path, in which dots nest.
func (s *step) outputs(ctx context.Context) error {
	if err := s.evaluate(ctx, every); err != nil {
		return err
	}
	out := map[string]any{}
	for _, e := range s.b.values {
		if !e.found {
			continue
		}
		at := out
		names := e.m.names
		for _, name := range names[:len(names)-1] {
			next, ok := at[name].(map[string]any)
			if !ok {
				next = map[string]any{}
				at[name] = next
			}
			at = next
		}
		at[names[len(names)-1]] = e.value
	}
	s.put(out)
	return nil
}

// merge lays one output over another; objects are merged member by member. No
// path is in both: loading refuses that.
func merge(a, b any) any {
	x, ok := a.(map[string]any)
	y, ok2 := b.(map[string]any)
	if !ok || !ok2 {
		return b
	}
	m := make(map[string]any, len(x)+len(y))
	for k, v := range x {
		m[k] = v
	}
	for k, v := range y {
		if old, there := m[k]; there {
			v = merge(old, v)
		}
		m[k] = v
	}
	return m
}
