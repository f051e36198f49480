package playbook

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/andmoneyaps/engage-playbooks/internal/document"
)

const rfc3339 = time.RFC3339Nano

// CheckEvent checks the event's data against the schema of its type. The
// error is an [*EventError]: it names the path and holds no values.
func (w *Workspace) CheckEvent(ev *Event) error {
	t, ok := w.TriggerType(ev.Type)
	if !ok {
		return w.unknownType(ev)
	}
	return t.checkData(ev.Data)
}

func (w *Workspace) unknownType(ev *Event) error {
	e := &EventError{Path: "type", Message: "no such type of events"}
	if hint := document.Suggest(ev.Type, w.tables.triggers.ids); hint != "" {
		e.Message += " (" + hint + ")"
	}
	return e
}

// Mismatch says why a playbook does not fit an event.
type Mismatch struct {
	Playbook *Playbook
	Reason   string
	// Type says that the trigger is for another type of events.
	Type bool
}

// Match gives the playbooks whose trigger type, portals and condition fit the
// event, in order of id, and for the others the reason. Data that does not fit
// its schema is an [*EventError], before any condition is asked; a condition
// that fails is an [*ExpressionError].
func (w *Workspace) Match(ev *Event) (fits []*Playbook, reasons []Mismatch, err error) {
	if err := w.CheckEvent(ev); err != nil {
		return nil, nil, err
	}
	var failed error
	for _, p := range w.Playbooks() {
		reason, other, err := p.mismatch(ev)
		switch {
		case err != nil:
			failed = errors.Join(failed, fmt.Errorf("playbook %q: %w", p.ID, err))
		case reason != "":
			reasons = append(reasons, Mismatch{p, reason, other})
		default:
			fits = append(fits, p)
		}
	}
	return fits, reasons, failed
}

// Fits reports whether the playbook is for the event: its type, its portal, and
// its condition, in this order. If not, the reason says why not. Data off its
// schema is an error.
func (p *Playbook) Fits(ev *Event) (ok bool, m Mismatch, err error) {
	if p.Trigger.Type.ID == ev.Type {
		if err := p.Trigger.Type.checkData(ev.Data); err != nil {
			return false, Mismatch{}, err
		}
	}
	reason, other, err := p.mismatch(ev)
	if err != nil {
		return false, Mismatch{}, err
	}
	return reason == "", Mismatch{p, reason, other}, nil
}

func (p *Playbook) mismatch(ev *Event) (reason string, otherType bool, err error) {
	t := p.Trigger
	if t.Type.ID != ev.Type {
		return fmt.Sprintf("its trigger is %s, and the event's type is %s", t.Type.ID, ev.Type), true, nil
	}
	if len(t.Portals) > 0 && !slices.Contains(t.Portals, ev.Portal) {
		if ev.Portal == "" {
			return fmt.Sprintf("it is for the portals %s, and the event names none", joined(t.Portals)), false, nil
		}
		return fmt.Sprintf("it is for the portals %s, and the event is from %s", joined(t.Portals), ev.Portal), false, nil
	}
	if t.Condition == nil {
		return "", false, nil
	}
	v, err := t.Condition.evalCondition(context.Background(), ev)
	if err != nil {
		return "", false, err
	}
	if v != true {
		return fmt.Sprintf("its condition is false: %s", t.Condition.Source), false, nil
	}
	return "", false, nil
}

// runInstant is the run's instant: the event's time, else now.
func runInstant(ev *Event) time.Time {
	if ev.Time.IsZero() {
		return time.Now()
	}
	return ev.Time
}
