package cli

import (
	"errors"

	"github.com/andmoneyaps/engage-playbooks/cmd/engage/internal/render"
	"github.com/andmoneyaps/engage-playbooks/playbook"
)

// maxEvent bounds an event file, and other files of data.
const maxEvent = 64 << 20

// readEvent reads the event file; what is no event is wrong usage.
func (c *Command) readEvent(file string) (*playbook.Event, error) {
	if file == "" {
		return nil, usagef("--event FILE is missing: what makes the playbook run")
	}
	data, err := c.readInput("event", file, maxEvent)
	if err != nil {
		return nil, err
	}
	ev, err := playbook.DecodeEvent(data)
	if file == "-" {
		file = "standard input"
	}
	if e, ok := errors.AsType[*playbook.EventError](err); ok {
		what := e.Message
		if e.Path != "" {
			what = e.Path + ": " + what
		}
		return nil, usagef("--event: %s:%d:%d: %s", file, max(e.Line, 1), max(e.Col, 1), render.Printable(what))
	}
	if err != nil {
		return nil, usagef("--event: %s: %v", file, err)
	}
	return ev, nil
}
