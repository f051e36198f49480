package playbooktest

import (
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/andmoneyaps/engage-playbooks"
	"github.com/andmoneyaps/engage-playbooks/dataverse/simulator"
	"github.com/andmoneyaps/engage-playbooks/playbook"
)

// seed loads seeds as one unit: their order does not matter.
func (w *World) seed(seeds []playbook.Seed) error {
	files := make([]simulator.SeedFile, len(seeds))
	for i, s := range seeds {
		files[i] = simulator.SeedFile{Name: s.File, Data: s.Data}
		if s.File == "" {
			files[i].Name = inline(s.Pos)
		}
	}
	if len(files) == 0 {
		return nil
	}
	return w.Server.Seed(files...)
}

// inline names the seed that stands in a test.
func inline(pos engage.Pos) string {
	if pos.IsValid() {
		return fmt.Sprintf("%s (the seed at line %d)", pos.File, pos.Line)
	}
	return "seed"
}

// workspaceSeeds reads the files under seed/, in order of their names.
func workspaceSeeds(fsys fs.FS) ([]playbook.Seed, error) {
	if fsys == nil {
		return nil, nil
	}
	var seeds []playbook.Seed
	err := fs.WalkDir(fsys, "seed", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil && name == "seed":
			return fs.SkipAll // there is none
		case err != nil:
			return err
		case entry.IsDir() && strings.HasPrefix(entry.Name(), "."):
			return fs.SkipDir
		case entry.IsDir() || !strings.EqualFold(path.Ext(name), ".json"):
			return nil
		}
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		seeds = append(seeds, playbook.Seed{File: name, Data: data})
		return nil
	})
	return seeds, err
}
