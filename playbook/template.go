package playbook

import (
	"context"
	"time"

	"github.com/andmoneyaps/engage-playbooks"
)

// Template is a Liquid template.
type Template struct {
	ID, Name, Description string
	// Variables are the names that it takes, sorted.
	Variables []string
	Pos       engage.Pos
}

// Rendering is the text of a template.
type Rendering struct {
	Text string
	// After names the block after which the text is known in full; empty if
	// it is. Where a value is not known yet, Text has "(known after X)".
	After string
}

// Render renders the template with the values of its variables; a variable
// that is not among them is empty. The now of date filters is given, no other
// clock is read. Output and time are bounded; the error is an [*ExpressionError]
// and holds no values.
func (t *Template) Render(ctx context.Context, vars map[string]any, now time.Time) (Rendering, error) {
	return Rendering{}, nil
}
