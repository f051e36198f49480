package playbook

import (
	"github.com/andmoneyaps/engage-playbooks"
	"github.com/andmoneyaps/engage-playbooks/entity"
)

// Types of a capability's inputs and outputs beside those of fields.
const (
	TypeObject entity.Type = "Object"
	TypeArray  entity.Type = "Array"
)

// Capability is an AI capability: its versions, what it takes and gives.
type Capability struct {
	ID, Name, Description string
	// Versions stand in the order of the document; the last is the default.
	Versions        []string
	Inputs, Outputs []*Parameter
	// Stub answers where no provider is at hand; nil: there is none.
	Stub map[string]any
	Pos  engage.Pos
}

// Parameter is one input or output of a capability.
type Parameter struct {
	Name, Description string
	Type              entity.Type
	Required          bool
	Pos               engage.Pos
}

// Input finds an input by name.
func (c *Capability) Input(name string) (*Parameter, bool) { return parameter(c.Inputs, name) }

// Output finds an output by name.
func (c *Capability) Output(name string) (*Parameter, bool) { return parameter(c.Outputs, name) }

func parameter(list []*Parameter, name string) (*Parameter, bool) {
	for _, p := range list {
		if p.Name == name {
			return p, true
		}
	}
	return nil, false
}
