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
	fsys     fs.FS
	warnings engage.Problems
}

// Load reads and checks a workspace, all or nothing: its error is the sorted
// [engage.Problems] of all documents, warnings included. kinds decode further
// kinds of documents, such as auth.Kind for environments.
func Load(fsys fs.FS, kinds ...document.Kind) (*Workspace, error) {
	return &Workspace{fsys: fsys}, nil
}

// FS is where the workspace was loaded from.
func (w *Workspace) FS() fs.FS { return w.fsys }

// Warnings are the problems that did not stop the workspace from loading.
func (w *Workspace) Warnings() engage.Problems { return w.warnings }

// Playbook finds a playbook by id.
func (w *Workspace) Playbook(id string) (*Playbook, bool) { return nil, false }

// Pattern finds a pattern by id.
func (w *Workspace) Pattern(id string) (*pattern.Pattern, bool) { return nil, false }

// Definition finds an entity definition by id.
func (w *Workspace) Definition(id string) (*entity.Definition, bool) { return nil, false }

// Playbooks are sorted by id.
func (w *Workspace) Playbooks() []*Playbook { return nil }

// Patterns are sorted by id.
func (w *Workspace) Patterns() []*pattern.Pattern { return nil }

// Definitions are sorted by id.
func (w *Workspace) Definitions() []*entity.Definition { return nil }

// Tests are the playbook tests, sorted by id.
func (w *Workspace) Tests() []*Test { return nil }

// Simulator is the workspace's Simulator document, or nil.
func (w *Workspace) Simulator() *SimulatorDocument { return nil }

// Extra are the decoded documents of one of the kinds given to Load, in order
// of id.
func (w *Workspace) Extra(kind string) []any { return nil }

// TriggerType finds a type of events by name.
func (w *Workspace) TriggerType(id string) (*TriggerType, bool) { return nil, false }

// CheckEvent checks the event's data against the schema of its type. The
// error names the path and holds no values.
func (w *Workspace) CheckEvent(ev *Event) error { return nil }

// Mismatch says why a playbook does not fit an event.
type Mismatch struct {
	Playbook *Playbook
	Reason   string
}

// Match gives the playbooks whose trigger type, portals and condition fit the
// event, in order of id, and for the others the reason.
func (w *Workspace) Match(ev *Event) (fits []*Playbook, reasons []Mismatch, err error) {
	return nil, nil, nil
}
