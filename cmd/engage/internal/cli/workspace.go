package cli

import (
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/andmoneyaps/engage-playbooks"
	"github.com/andmoneyaps/engage-playbooks/auth"
	"github.com/andmoneyaps/engage-playbooks/playbook"
)

// openFolder opens a workspace's folder so that links do not lead out of it.
func openFolder(dir string) (*os.Root, error) {
	root, err := os.OpenRoot(dir)
	switch {
	case err == nil:
		return root, nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, usagef("there is no folder %s", dir)
	case errors.Is(err, fs.ErrPermission):
		return nil, usagef("the folder %s may not be read", dir)
	}
	if info, statErr := os.Stat(dir); statErr == nil && !info.IsDir() {
		return nil, usagef("%s is a file; a workspace is a folder", dir)
	}
	return nil, usagef("the folder %s cannot be opened: %v", dir, cause(err))
}

// load opens and checks the workspace; its problems are the error.
func load(dir string) (*playbook.Workspace, error) {
	root, err := openFolder(dir)
	if err != nil {
		return nil, err
	}
	w, err := playbook.Load(root.FS(), kinds...)
	if err != nil {
		return nil, err
	}
	if empty(w) {
		return nil, usagef("%s holds no document of a playbook workspace; engage init makes a new one", dir)
	}
	return w, nil
}

// kinds are the kinds of documents that a workspace has beside playbook's own.
var kinds = []playbook.Kind{auth.Kind}

// empty reports whether nothing in the folder looks like a document: then it is
// the wrong folder.
func empty(w *playbook.Workspace) bool {
	return w.Documents() == 0 && len(w.Warnings()) == 0
}

// cause gives the innermost text of an error of the file system, without the
// operation and path that its wrapper repeats.
func cause(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// readInput reads a file that a flag names; "-" is standard input.
func (c *Command) readInput(flag, name string, limit int64) ([]byte, error) {
	if name == "-" {
		return readLimited(c.Stdin, flag, limit)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, usagef("--%s: the file %s cannot be read: %v", flag, name, cause(err))
	}
	defer f.Close()
	return readLimited(f, flag+": the file "+name, limit)
}

// sourceLines gives the lines of a workspace's files, for excerpts.
func sourceLines(root *os.Root) func(file string) []string {
	cache := map[string][]string{}
	return func(file string) []string {
		lines, ok := cache[file]
		if !ok {
			data, err := fs.ReadFile(root.FS(), file)
			if err == nil {
				lines = strings.Split(strings.ReplaceAll(string(data), "\r\n", "\n"), "\n")
			}
			cache[file] = lines
		}
		return lines
	}
}

// problemsOf gives the problems that an error of Load stands for.
func problemsOf(err error) (engage.Problems, bool) {
	var problems engage.Problems
	ok := errors.As(err, &problems)
	return problems, ok
}
