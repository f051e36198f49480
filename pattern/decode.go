package pattern

import (
	"github.com/andmoneyaps/engage-playbooks"
	"github.com/andmoneyaps/engage-playbooks/entity"
	"github.com/andmoneyaps/engage-playbooks/internal/document"
)

// Source is a decoded pattern whose references are not followed yet.
type Source struct {
	ID     string
	IDPos  engage.Pos
	broken bool
}

// Decode reads the document; what is wrong with it alone is reported. It never
// returns nil.
func Decode(d *document.Document, problems *engage.Problems) *Source {
	return &Source{ID: d.ID, IDPos: d.IDPos}
}

// Definitions finds the entity definitions that a pattern refers to.
type Definitions interface {
	// Definition finds one. A definition that is known but could not be
	// decoded is nil, true: what refers to it is not blamed.
	Definition(id string) (d *entity.Definition, known bool)
	// DefinitionIDs lists all ids, for suggestions.
	DefinitionIDs() []string
}

// Link follows the references and checks what needs them. It returns nil if
// the pattern is of no use to others; the reason is in problems, or in those
// of the documents it refers to.
func (s *Source) Link(definitions Definitions, problems *engage.Problems) *Pattern {
	return nil
}
