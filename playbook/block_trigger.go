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
	if reason := p.otherPortal(s); reason != "" {
		return reason, nil
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

// otherPortal says why the event's portal is none of the trigger's; "" if it
// is, or the trigger names none.
func (p *Playbook) otherPortal(s *scope) string {
	portals := p.Trigger.Portals
	if len(portals) == 0 || slices.Contains(portals, s.event.Portal) {
		return ""
	}
	return fmt.Sprintf("it is for events of %s %s", plural(len(portals), "portal"), strings.Join(portals, ", "))
}

func plural(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}
