package cli

import (
	"errors"

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
	if e, ok := errors.AsType[*playbook.EventError](err); ok && e.Line > 0 {
		return nil, usagef("--event: %s:%d:%d: %s", file, e.Line, e.Col, e.Message)
	}
	if err != nil {
		return nil, usagef("--event: %s is no event: %v", file, err)
	}
	return ev, nil
}
