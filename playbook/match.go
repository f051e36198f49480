package playbook

import (
	"context"
	"errors"
	"fmt"
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
		reason, other, err := p.fits(ev)
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

// fits says why the playbook is not for the event; "" if it is. other: its
// trigger is for another type of events.
func (p *Playbook) fits(ev *Event) (reason string, other bool, err error) {
	if t := p.Trigger.Type.ID; t != ev.Type {
		return fmt.Sprintf("its trigger is %s, and the event's type is %s", t, ev.Type), true, nil
	}
	reason, err = p.mismatch(context.Background(), newScope(p, ev, runInstant(ev)))
	return reason, false, err
}

// runInstant is the run's instant: the event's time, else now.
func runInstant(ev *Event) time.Time {
	if ev.Time.IsZero() {
		return time.Now()
	}
	return ev.Time
}
