package playbook

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// mismatch says why the event does not fit the playbook's portals or
// condition; "" if it does. The event is of the trigger's type and its data
// fits the schema.
func (p *Playbook) mismatch(ctx context.Context, s *scope) (reason string, err error) {
	t := p.Trigger
	if len(t.Portals) > 0 && !slices.Contains(t.Portals, s.event.Portal) {
		return fmt.Sprintf("it is for events of %s %s", plural(len(t.Portals), "portal"), strings.Join(t.Portals, ", ")), nil
	}
	if t.Condition == nil {
		return "", nil
	}
	v, err := t.Condition.Eval(ctx, s, nil)
	if err != nil {
		return "", err
	}
	fits, ok := v.(bool)
	switch {
	case !ok:
		return "", &ruleError{code: "condition-not-boolean", message: "its condition gives neither true nor false", pos: t.Condition.Pos}
	case !fits:
		return "its condition is false: " + t.Condition.Source, nil
	}
	return "", nil
}

func plural(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}
