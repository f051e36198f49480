package document

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/andmoneyaps/engage-playbooks"
)

// MaxFileSize is the most bytes that a document's file may have.
const MaxFileSize = 1 << 20

// maxFiles bounds what a workspace may hold, so that a wrong folder (a home
// directory, say) ends with a message and not with an hour of reading.
const maxFiles = 50_000

// Read reads every document of a workspace, in the order of the files' names.
// Every *.yaml, *.yml and *.json file is read, but for folders that begin with
// a dot, node_modules, and events/ and seed/ at the top, which hold data.
// What is wrong with a file or an envelope goes to problems; the documents
// that could be read are returned all the same.
func Read(fsys fs.FS, problems *engage.Problems) []*Document {
	var docs []*Document
	var r reader
	files := 0
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil && name == ".":
			return err
		case err != nil:
			problems.Errorf(atStart(name), "unreadable", "cannot be read: %s", reason(err)).Err = err
			return skipDir(entry)
		case entry.IsDir() && skipped(name):
			return fs.SkipDir
		case entry.IsDir() || !isDocument(name):
			return nil
		}
		if files++; files > maxFiles {
			problems.Errorf(engage.Pos{File: path.Dir(name)}, "too-large", "the workspace has more than %d files: is this the right folder?", maxFiles)
			return fs.SkipAll
		}
		if !entry.Type().IsRegular() {
			// A link is read if it leads to a file; to a folder never, so that
			// no loop can form. Whether it may leave the workspace is decided
			// by the file system (os.Root refuses).
			info, err := fs.Stat(fsys, name)
			if errors.Is(err, fs.ErrNotExist) {
				problems.Errorf(atStart(name), "unreadable", "cannot be read: it is a link to a file that is not there").Err = err
				return nil
			}
			if err != nil {
				problems.Errorf(atStart(name), "unreadable", "cannot be read: %s", reason(err)).Err = err
				return nil
			}
			if !info.Mode().IsRegular() {
				return nil
			}
		}
		docs = append(docs, r.file(fsys, name, problems)...)
		return nil
	})
	if err != nil {
		problems.Errorf(engage.Pos{File: "."}, "unreadable", "the workspace cannot be read: %s", reason(err)).Err = err
	}
	return docs
}

// atStart is where a problem of the file as a whole is reported: every problem
// has a line.
func atStart(file string) engage.Pos { return engage.Pos{File: file, Line: 1, Col: 1} }

func skipDir(entry fs.DirEntry) error {
	if entry != nil && entry.IsDir() {
		return fs.SkipDir
	}
	return nil
}

func skipped(dir string) bool {
	base := path.Base(dir)
	return dir == "events" || dir == "seed" || base == "node_modules" || base != "." && strings.HasPrefix(base, ".")
}

func isDocument(name string) bool {
	if strings.HasPrefix(path.Base(name), ".") {
		return false
	}
	return slices.Contains([]string{".yaml", ".yml", ".json"}, path.Ext(name))
}

// reader reads one file after the other, into room that serves them all.
type reader struct{ data bytes.Buffer }

// file reads the documents of one file.
func (r *reader) file(fsys fs.FS, name string, problems *engage.Problems) []*Document {
	data, err := r.bounded(fsys, name)
	if errors.Is(err, fs.ErrNotExist) { // it was listed
		p := problems.Errorf(atStart(name), "unreadable", "cannot be read: it was removed while the workspace was read")
		p.Err, p.Suggestion = err, "try again"
		return nil
	}
	if err != nil {
		code := "unreadable"
		if errors.Is(err, errTooLarge) {
			code = "too-large"
		}
		problems.Errorf(atStart(name), code, "cannot be read: %s", reason(err)).Err = err
		return nil
	}
	return Parse(name, data, problems)
}

var errTooLarge = fmt.Errorf("the file is larger than %d bytes", MaxFileSize)

// bounded reads at most MaxFileSize bytes, whatever the file claims to be. They
// stay until the next file is read.
func (r *reader) bounded(fsys fs.FS, name string) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r.data.Reset()
	r.data.Grow(4 << 10) // most files are smaller
	if _, err := r.data.ReadFrom(io.LimitReader(f, MaxFileSize+1)); err != nil {
		return nil, err
	}
	if r.data.Len() > MaxFileSize {
		return nil, errTooLarge
	}
	return r.data.Bytes(), nil
}

// reason leaves out the operation and the path, which the position says.
func reason(err error) string {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		if p.Err.Error() == "path escapes from parent" { // os.Root has no sentinel for it
			return "it is a link that leads out of the workspace"
		}
		return p.Err.Error()
	}
	return err.Error()
}

// Parse parses the content of one file, of which it keeps nothing, and checks
// the envelope of each document in it: a mapping with kind and id. A JSON file
// without kind is not ours and is passed over; a YAML file without kind is a
// warning.
func Parse(file string, data []byte, problems *engage.Problems) []*Document {
	isJSON := path.Ext(file) == ".json"
	var docs []*Document
	for _, n := range ParseNodes(file, data, problems) {
		if d := envelope(n, file, isJSON, problems); d != nil {
			docs = append(docs, d)
		}
	}
	return docs
}

func envelope(n Node, file string, isJSON bool, problems *engage.Problems) *Document {
	if n.Type() != Map || n.member("kind").IsZero() {
		if isJSON {
			return nil
		}
		p := problems.Warnf(n.Pos(), "no-kind", "this YAML document has no kind and is not read")
		p.Suggestion = "add a kind, or move data to events/ or seed/"
		if key := n.misspelling("kind"); !key.IsZero() && !n.member("id").IsZero() {
			p.Pos, p.Suggestion = key.Pos(), `did you mean "kind"?`
		}
		return nil
	}
	d := &Document{File: file, Pos: n.Pos(), IDPos: n.Pos(), Body: n}
	kind, ok := n.member("kind").Text(problems, "kind")
	if !ok {
		return nil
	}
	d.Kind = kind.Value
	// Decoders open the body through Mapping, which reports a member given
	// twice; here the first one counts.
	if id := n.member("id"); id.IsZero() && !n.misspelling("id").IsZero() {
		// The decoder reports the key that was written instead.
	} else if id.IsZero() {
		problems.Errorf(n.Pos(), "missing-key", "%s: key \"id\" is missing", d.Kind)
	} else if s, ok := id.Text(problems, "id"); ok {
		d.IDPos = s.Pos
		if d.ID = s.Value; d.ID == "" {
			problems.Errorf(s.Pos, "wrong-type", "id: must not be empty")
		}
	}
	d.Name = n.optionalText(problems, "name")
	d.Description = n.optionalText(problems, "description")
	return d
}

func (n Node) optionalText(problems *engage.Problems, key string) string {
	v := n.member(key)
	if v.IsZero() {
		return ""
	}
	s, _ := v.Text(problems, key)
	return s.Value
}

// misspelling gives the key that is the wanted one but for a letter or its
// case; the zero Node if there is none.
func (n Node) misspelling(want string) Node {
	for i, k := range n.items() {
		if n.Type() == Map && i%2 == 0 && k.text != want && distance(strings.ToLower(k.text), want, 2) < 2 {
			return n.item(i)
		}
	}
	return Node{file: n.file}
}

// member finds a key without checking the mapping.
func (n Node) member(key string) Node {
	items := n.items()
	for i := 0; i+1 < len(items); i += 2 {
		if items[i].text == key {
			return n.item(i + 1)
		}
	}
	return Node{file: n.file}
}
