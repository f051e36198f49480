package playbook

import (
	"context"

	"github.com/andmoneyaps/engage-playbooks/pattern"
)

// template renders the block's template with its inputs as variables.
func (s *step) template(ctx context.Context) error {
	if err := s.evaluate(ctx, every); err != nil {
		return err
	}
	vars := make(map[string]any, len(s.b.values))
	for _, e := range s.b.values {
		if e.found {
			vars[e.m.Destination] = e.value
		}
	}
	text, err := s.b.Template.Render(ctx, vars, s.now)
	if err != nil {
		return err
	}
	var out any = text.Text
	if text.After != "" {
		out = pattern.Unknown{After: text.After, Text: text.Text}
	}
	s.put(map[string]any{"output": out})
	return nil
}
