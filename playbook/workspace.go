package playbook

import (
	"io/fs"

	"github.com/andmoneyaps/engage-playbooks"
	"github.com/andmoneyaps/engage-playbooks/entity"
	"github.com/andmoneyaps/engage-playbooks/internal/document"
	"github.com/andmoneyaps/engage-playbooks/pattern"
)

// Workspace is a folder of documents that was loaded without an error. It is
// immutable and may be used by many goroutines.
type Workspace struct {
	fsys      fs.FS
	hash      string
	documents int
	warnings  engage.Problems
	tables    tables
	simulator *SimulatorDocument
	extra     map[string][]any
}

// tables are the documents by kind.
type tables struct {
	definitions  *index[entity.Definition]
	patterns     *index[pattern.Pattern]
	playbooks    *index[Playbook]
	templates    *index[Template]
	triggers     *index[TriggerType]
	capabilities *index[Capability]
	tests        *index[Test]
}

// FS is where the workspace was loaded from.
func (w *Workspace) FS() fs.FS { return w.fsys }

// Documents is how many documents the workspace has, of all kinds.
func (w *Workspace) Documents() int { return w.documents }

// Warnings are the problems that did not stop the workspace from loading.
func (w *Workspace) Warnings() engage.Problems { return w.warnings }

// Playbook finds a playbook by id.
func (w *Workspace) Playbook(id string) (*Playbook, bool) { return w.tables.playbooks.get(id) }

// Pattern finds a pattern by id.
func (w *Workspace) Pattern(id string) (*pattern.Pattern, bool) { return w.tables.patterns.get(id) }

// Definition finds an entity definition by id.
func (w *Workspace) Definition(id string) (*entity.Definition, bool) {
	return w.tables.definitions.get(id)
}

// Playbooks are sorted by id.
func (w *Workspace) Playbooks() []*Playbook { return w.tables.playbooks.sorted() }

// Patterns are sorted by id.
func (w *Workspace) Patterns() []*pattern.Pattern { return w.tables.patterns.sorted() }

// Definitions are sorted by id.
func (w *Workspace) Definitions() []*entity.Definition { return w.tables.definitions.sorted() }

// Capabilities are sorted by id.
func (w *Workspace) Capabilities() []*Capability { return w.tables.capabilities.sorted() }

// Templates are sorted by id.
func (w *Workspace) Templates() []*Template { return w.tables.templates.sorted() }

// Tests are the playbook tests, sorted by id.
func (w *Workspace) Tests() []*Test { return w.tables.tests.sorted() }

// Simulator is the workspace's Simulator document, or nil.
func (w *Workspace) Simulator() *SimulatorDocument { return w.simulator }

// Extra are the decoded documents of one of the kinds given to Load, in order
// of id.
func (w *Workspace) Extra(kind string) []any { return w.extra[kind] }

// TriggerType finds a type of events by name.
func (w *Workspace) TriggerType(id string) (*TriggerType, bool) { return w.tables.triggers.get(id) }

// Kind is a decoder of one kind of document, such as auth.Kind.
type Kind = document.Kind
