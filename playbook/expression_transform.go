package playbook

import "context"

// apply is the transformation Expression at work; [expressionStep.check] has
// compiled it.
func (t *expressionStep) apply(ctx context.Context, s *scope, v any) (any, bool, error) {
	out, err := t.x.Eval(ctx, s, v)
	if err != nil {
		return nil, false, err
	}
	return out, true, nil
}
