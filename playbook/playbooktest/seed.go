package playbooktest

import (
	"io"

	"github.com/andmoneyaps/engage-playbooks/playbook"
)

// seed loads seeds as one unit.
func (w *World) seed(seeds []playbook.Seed) error {
	return nil
}

// dump writes all records.
func (w *World) dump(out io.Writer) error {
	return nil
}
