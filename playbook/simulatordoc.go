package playbook

import (
	"github.com/andmoneyaps/engage-playbooks"
	"github.com/andmoneyaps/engage-playbooks/internal/document"
)

// SimulatorDocument tells the simulator who may do what.
type SimulatorDocument struct {
	ID, Name, Description string
	// Allow is the escalation policy: "playbook-id/Block name".
	Allow []string
	Roles []SimulatorRole
	Users []SimulatorUser
	Pos   engage.Pos

	allow []document.String
}

// SimulatorRole is a security role: privileges by logical name of a table.
type SimulatorRole struct {
	Name       string
	Privileges map[string][]string
	Pos        engage.Pos
}

// SimulatorUser gives the user with this e-mail address the named roles.
type SimulatorUser struct {
	Email string
	Roles []string
	Pos   engage.Pos
}
