package playbook

import (
	"context"

	"github.com/andmoneyaps/engage-playbooks"
)

// Transformation is one step on the way from a mapping's source to its
// destination.
type Transformation interface {
	// Name is the type as the document writes it, such as "Join".
	Name() string
}

// MappingError says why a mapping gave no value. It holds no values.
type MappingError struct {
	// Code is the rule's name, such as "required-mapping".
	Code string
	// Destination is the mapping's destination.
	Destination string
	Message     string
	Pos         engage.Pos
	Err         error
}

func (e *MappingError) Error() string { return e.Destination + ": " + e.Message }

// Unwrap returns the cause.
func (e *MappingError) Unwrap() error { return e.Err }

// evaluate gives the mapping's value. found is false if its path finds
// nothing: the mapping then does not apply. A required mapping that finds
// nothing or null is an error, which is a [*MappingError].
func (m *Mapping) evaluate(ctx context.Context, s *scope) (v any, found bool, err error) {
	return nil, false, nil
}
