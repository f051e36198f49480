package cli

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
)

// starter is a small workspace that runs.
//
//go:embed starter
var starter embed.FS

func (c *Command) initWorkspace() *cobra.Command {
	return &cobra.Command{
		Use:   "init DIR",
		Short: "Make a small new workspace that runs",
		Long: `init writes a small workspace into DIR: two entity definitions, a pattern, a
playbook, an event, seed data and a test. It changes no file that is there.`,
		Example: `  engage init bank
  engage run bank --event bank/events/booked.json`,
		Args: workspaceArgs(),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.runInit(args[0])
		},
	}
}

func (c *Command) runInit(dir string) error {
	files, err := fs.Sub(starter, "starter")
	if err != nil {
		return err
	}
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return usagef("the folder %s is not empty; init makes a new workspace", dir)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return usagef("%s cannot be used: %v", dir, cause(err))
	}
	if err := os.CopyFS(dir, files); err != nil {
		return fmt.Errorf("the workspace cannot be written: %w", err)
	}
	event := filepath.Join(dir, "events", "booked.json")
	fmt.Fprintf(c.out, "A workspace is in %s. Try it:\n\n  engage validate %s\n  engage plan %s --playbook note-meeting --event %s\n  engage run %s --event %s\n", dir, dir, dir, event, dir, event)
	return nil
}
