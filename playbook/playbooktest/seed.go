package playbooktest

import (
	"io"

	"github.com/andmoneyaps/engage-playbooks/dataverse/simulator"
	"github.com/andmoneyaps/engage-playbooks/playbook"
)

// seed loads seeds as one unit.
func (w *World) seed(seeds []playbook.Seed) error {
	files := make([]simulator.SeedFile, len(seeds))
	for i, s := range seeds {
		files[i] = simulator.SeedFile{Name: s.File, Data: s.Data}
	}
	return w.Server.Seed(files...)
}

// dump writes all records.
func (w *World) dump(out io.Writer) error { return w.Server.Dump(out) }
