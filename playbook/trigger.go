package playbook

import (
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/andmoneyaps/engage-playbooks"
)

// TriggerType is a type of events: one of the platform's, or one of the
// workspace's own. It is immutable.
type TriggerType struct {
	ID, Name, Description string
	// Own says that the workspace declares it.
	Own bool
	// Platform says that the platform itself is the actor: no employee stands
	// behind such an event.
	Platform bool
	Pos      engage.Pos

	shape  *shape
	schema *jsonschema.Schema
	plain  *plainSchema
}

// setSchema gives the type the schema of its data.
func (t *TriggerType) setSchema(s *jsonschema.Schema) {
	t.schema, t.plain = s, newPlainSchema(s, map[*jsonschema.Schema]*plainSchema{})
}
