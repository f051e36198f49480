package playbook

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/osteele/liquid/render"

	"github.com/andmoneyaps/engage-playbooks"
	"github.com/andmoneyaps/engage-playbooks/entity"
	"github.com/andmoneyaps/engage-playbooks/internal/document"
	"github.com/andmoneyaps/engage-playbooks/internal/expression"
	"github.com/andmoneyaps/engage-playbooks/pattern"
)

// Load reads and checks a workspace, all or nothing: its error is the sorted
// [engage.Problems] of all documents, warnings included. kinds decode further
// kinds of documents, such as auth.Kind for environments.
func Load(fsys fs.FS, kinds ...Kind) (*Workspace, error) {
	return (&Loader{Kinds: kinds}).Load(fsys)
}

// Loader loads workspaces. Its zero value is ready.
type Loader struct {
	// Kinds decode further kinds of documents.
	Kinds []Kind
	// CheckSeed checks a file of seed/; nil: seeds are not looked at. It is
	// called if the definitions could be read, which it gets sorted by id.
	CheckSeed func(definitions []*entity.Definition, file string, data []byte) engage.Problems
}

// Load reads and checks a workspace; see the function [Load].
func (o *Loader) Load(fsys fs.FS) (*Workspace, error) {
	var problems engage.Problems
	l := newLoader(fsys, o, &problems)
	l.run(document.Read(l.hashed, &problems))
	problems.Sort()
	if err := problems.Err(); err != nil {
		return nil, err
	}
	for _, p := range l.playbooks.values {
		p.lay()
	}
	l.workspace.warnings, l.workspace.hash = problems, l.hashed.sum()
	return l.workspace, nil
}

// index holds the documents of one kind by id; one that is nil was found and is
// broken, and what refers to it is not blamed.
type index[T any] struct {
	values map[string]*T
	ids    []string
}

func newIndex[T any]() *index[T] { return &index[T]{values: map[string]*T{}} }

func (x *index[T]) put(id string, v *T) {
	if _, twice := x.values[id]; !twice {
		x.ids = append(x.ids, id)
	}
	x.values[id] = v
}

func (x *index[T]) get(id string) (*T, bool) {
	v := x.values[id]
	return v, v != nil
}

func (x *index[T]) sorted() []*T {
	ids := slices.Sorted(slices.Values(x.ids))
	out := make([]*T, 0, len(ids))
	for _, id := range ids {
		if v := x.values[id]; v != nil {
			out = append(out, v)
		}
	}
	return out
}

// find follows a reference; nil if it leads nowhere, which is reported, or to
// something broken, which is not.
func find[T any](l *loader, s document.String, kind string, x *index[T]) *T {
	v, known := x.values[s.Value]
	if !known && !l.broken.has(kind, s.Value) {
		p := l.problems.Errorf(s.Pos, "dangling-reference", "there is no %s %q", kind, s.Value)
		p.Suggestion = document.Suggest(s.Value, x.ids)
	}
	return v
}

// loader is one load.
type loader struct {
	tables
	options *Loader
	fsys    fs.FS
	// hashed is fsys for the documents and the files that they name.
	hashed     *hashed
	problems   *engage.Problems
	workspace  *Workspace
	liquidConf *render.Config
	broken     brokenIDs
	shapes     *shapes
	// conditions are the programs of the conditions so far.
	conditions map[conditionOf]*expression.Program
}

// brokenIDs are the ids of documents that could not be read at all: of files
// that do not parse, and of unknown kinds. What refers to them is not blamed.
type brokenIDs struct {
	ids map[string]bool
	// unnamed are the kinds of which there is a document without an id.
	unnamed map[string]bool
	// any: there is a file of which not even the ids can be told.
	any bool
}

func (b *brokenIDs) has(kind, id string) bool { return b.any || b.unnamed[kind] || b.ids[id] }

func (b *brokenIDs) add(id string) {
	if b.ids == nil {
		b.ids = map[string]bool{}
	}
	b.ids[id] = true
}

// idLine is a line of a document that gives its id.
var idLine = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?m)(?:^|[{,])\s*["']?id["']?\s*:\s*["']?([^"'#,}\r\n]+)`)
})

// findBroken looks for ids in the files that could not be read.
func (l *loader) findBroken() {
	for _, p := range *l.problems {
		switch p.Code {
		case "syntax", "too-deep", "invisible-character":
		case "unreadable", "too-large":
			l.broken.any = true
			continue
		default:
			continue
		}
		data, err := readBounded(l.fsys, p.Pos.File)
		if err != nil {
			l.broken.any = true
			continue
		}
		ids := idLine().FindAllSubmatch(document.AsSeen(data), -1)
		for _, m := range ids {
			l.broken.add(strings.TrimSpace(string(m[1])))
		}
		l.broken.any = l.broken.any || len(ids) == 0
	}
}

func newLoader(fsys fs.FS, o *Loader, problems *engage.Problems) *loader {
	l := &loader{options: o, fsys: fsys, hashed: &hashed{FS: fsys, sums: map[string][]byte{}}, problems: problems, shapes: newShapes(), conditions: map[conditionOf]*expression.Program{}, tables: tables{
		definitions: newIndex[entity.Definition](), patterns: newIndex[pattern.Pattern](), playbooks: newIndex[Playbook](),
		templates: newIndex[Template](), triggers: newIndex[TriggerType](), capabilities: newIndex[Capability](), tests: newIndex[Test](),
	}}
	l.workspace = &Workspace{fsys: fsys, tables: l.tables, extra: map[string][]any{}}
	for _, id := range slices.Sorted(maps.Keys(platformTypes())) {
		l.triggers.put(id, platformTypes()[id])
	}
	return l
}

// The kinds of documents, in the order in which they refer to each other.
var ownKinds = []string{"EntityDefinition", "EntityPattern", "Template", "TriggerType", "Capability", "Playbook", "PlaybookTest", "Simulator"}

func (l *loader) run(docs []*document.Document) {
	l.workspace.documents = len(docs)
	l.findBroken()
	byKind := l.sort(docs)
	each(l, byKind["EntityDefinition"], l.definitions, func(d *document.Document) *entity.Definition {
		v, _ := entity.Kind.Decode(d, l.problems).(*entity.Definition)
		return v
	})
	l.decodePatterns(byKind["EntityPattern"])
	each(l, byKind["Template"], l.templates, l.decodeTemplate)
	each(l, byKind["TriggerType"], l.triggers, l.decodeTriggerType)
	each(l, byKind["Capability"], l.capabilities, l.decodeCapability)
	each(l, byKind["Playbook"], l.playbooks, l.compilePlaybook)
	each(l, byKind["PlaybookTest"], l.tests, l.decodeTest)
	l.decodeSimulators(byKind["Simulator"])
	for _, k := range l.options.Kinds {
		l.decodeExtra(k, byKind[k.Name])
	}
	l.checkSeeds()
}

// sort groups the documents by kind and reports kinds that there are not.
func (l *loader) sort(docs []*document.Document) map[string][]*document.Document {
	known := slices.Clone(ownKinds)
	for _, k := range l.options.Kinds {
		known = append(known, k.Name)
	}
	byKind := map[string][]*document.Document{}
	l.broken.unnamed = map[string]bool{}
	first := map[[2]string]*document.Document{}
	for _, d := range docs {
		if !slices.Contains(known, d.Kind) {
			l.broken.add(d.ID)
			if d.Kind == "Environment" {
				continue // checked where environments are read
			}
			var scratch engage.Problems
			p := l.problems.Errorf(d.Body.Mapping(&scratch, "document").Get("kind").Pos(), "unknown-kind", "unknown kind %q", d.Kind)
			if p.Suggestion = document.Suggest(d.Kind, known); p.Suggestion == "" {
				p.Suggestion = "one of " + strings.Join(known, ", ")
			}
			continue
		}
		if d.ID == "" {
			l.broken.unnamed[d.Kind] = true
		} else if key := [2]string{d.Kind, d.ID}; first[key] != nil {
			l.problems.Errorf(d.IDPos, "duplicate-id", "%s %q is already defined in %s", d.Kind, d.ID, first[key].IDPos)
		} else {
			first[key] = d
		}
		byKind[d.Kind] = append(byKind[d.Kind], d)
	}
	return byKind
}

// each decodes the documents of a kind; of those with one id the first counts.
func each[T any](l *loader, docs []*document.Document, x *index[T], decode func(*document.Document) *T) {
	for _, d := range docs {
		v := decode(d)
		if d.ID == "" {
			continue
		}
		if _, twice := x.values[d.ID]; !twice {
			x.put(d.ID, v)
		}
	}
}

// decodePatterns decodes all patterns, then follows their references.
func (l *loader) decodePatterns(docs []*document.Document) {
	sources := make([]*pattern.Source, len(docs))
	for i, d := range docs {
		sources[i] = pattern.Decode(d, l.problems)
	}
	i := -1
	each(l, docs, l.patterns, func(*document.Document) *pattern.Pattern {
		i++
		return sources[i].Link(l, l.problems)
	})
}

// Definition and DefinitionIDs are what patterns look their definitions up
// with.
func (l *loader) Definition(id string) (d *entity.Definition, known bool) {
	d, known = l.definitions.values[id]
	return d, known || l.broken.has(entity.Kind.Name, id)
}

// DefinitionIDs: see Definition.
func (l *loader) DefinitionIDs() []string { return l.definitions.ids }

func (l *loader) decodeSimulators(docs []*document.Document) {
	for i, d := range docs {
		s := l.decodeSimulator(d)
		if i > 0 {
			l.problems.Errorf(d.Pos, "one-simulator", "a workspace has at most one Simulator, and there is one in %s", docs[0].Pos)
			continue
		}
		l.workspace.simulator = s
		l.checkPolicy(s.allow)
	}
}

// policy is what decoded documents of other kinds may have: an escalation
// policy, of which the entries that name no block are reported.
type policy interface {
	EscalationPolicy() []document.String
}

func (l *loader) decodeExtra(k Kind, docs []*document.Document) {
	docs = slices.Clone(docs)
	slices.SortStableFunc(docs, func(a, b *document.Document) int { return strings.Compare(a.ID, b.ID) })
	for _, d := range docs {
		v := k.Decode(d, l.problems)
		if v == nil {
			continue
		}
		l.workspace.extra[k.Name] = append(l.workspace.extra[k.Name], v)
		if p, ok := v.(policy); ok {
			l.checkPolicy(p.EscalationPolicy())
		}
	}
}

// checkSeeds hands the files of seed/ to whoever knows how to read them.
func (l *loader) checkSeeds() {
	if l.options.CheckSeed == nil {
		return
	}
	for _, d := range l.definitions.values {
		if d == nil {
			return
		}
	}
	definitions := l.definitions.sorted()
	for _, file := range SeedFiles(l.fsys) {
		data, err := readAll(l.fsys, file, maxSeedSize)
		if err != nil {
			l.problems.Errorf(engage.Pos{File: file, Line: 1, Col: 1}, "unreadable", "cannot be read: %s", fileReason(err)).Err = err
			continue
		}
		*l.problems = append(*l.problems, l.options.CheckSeed(definitions, file, data)...)
	}
}

// maxSeedSize bounds a seed file.
const maxSeedSize = 64 << 20

// SeedFiles lists the JSON files of seed/ at the top of a workspace, sorted.
func SeedFiles(fsys fs.FS) []string {
	var files []string
	// A workspace without seed/ has none.
	_ = fs.WalkDir(fsys, "seed", func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return nil
		case e.IsDir() && strings.HasPrefix(path.Base(name), "."):
			return fs.SkipDir
		case !e.IsDir() && path.Ext(name) == ".json":
			files = append(files, name)
		}
		return nil
	})
	return files
}

// readBounded reads a text file that a document names.
func readBounded(fsys fs.FS, name string) ([]byte, error) {
	return readAll(fsys, name, document.MaxFileSize)
}

func readAll(fsys fs.FS, name string, limit int) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, int64(limit)+1))
	if err == nil && len(data) > limit {
		err = fmt.Errorf("the file is larger than %d bytes", limit)
	}
	return data, err
}

// fileReason leaves out the operation and the path of an error.
func fileReason(err error) string {
	if errors.Is(err, fs.ErrNotExist) {
		return "it does not exist"
	}
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err.Error()
	}
	return err.Error()
}
