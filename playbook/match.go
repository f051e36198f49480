package playbook

import (
	"context"
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

// Match gives the playbooks that the event is for, in order of id, and for the
// others the reason: their trigger is of another type or for other portals, or
// its condition is false. Where the data is off its schema, or a condition
// fails, the playbook fits: its run fails and says why.
func (w *Workspace) Match(ev *Event) (fits []*Playbook, others []Mismatch) {
	t, known := w.TriggerType(ev.Type)
	sound := known && t.checkData(ev.Data) == nil
	for _, p := range w.Playbooks() {
		reason, other := p.fits(ev, sound)
		if reason != "" {
			others = append(others, Mismatch{p, reason, other})
		} else {
			fits = append(fits, p)
		}
	}
	return fits, others
}

// fits says why the playbook is not for the event; "" if it is. other: its
// trigger is for another type of events. Only sound data is asked about.
func (p *Playbook) fits(ev *Event, sound bool) (reason string, other bool) {
	if t := p.Trigger.Type.ID; t != ev.Type {
		return fmt.Sprintf("its trigger is %s, and the event's type is %s", t, ev.Type), true
	}
	s := newScope(p, ev, runInstant(ev))
	if !sound {
		return p.otherPortal(s), false
	}
	reason, err := p.mismatch(context.Background(), s)
	if err != nil {
		return "", false
	}
	return reason, false
}

// runInstant is the run's instant: the event's time, else now.
func runInstant(ev *Event) time.Time {
	if ev.Time.IsZero() {
		return time.Now()
	}
	return ev.Time
}
