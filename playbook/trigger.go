package playbook

import "github.com/andmoneyaps/engage-playbooks"

// TriggerType is a type of events: one of the platform's, or one of the
// workspace's own.
type TriggerType struct {
	ID, Name, Description string
	// Own says that the workspace declares it.
	Own bool
	Pos engage.Pos
}
