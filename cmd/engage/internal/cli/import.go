package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/andmoneyaps/engage-playbooks/cmd/engage/internal/render"
	"github.com/andmoneyaps/engage-playbooks/dataverse"
)

type importFlags struct {
	targetFlags
	dir string
}

func (c *Command) importTables() *cobra.Command {
	var f importFlags
	cmd := &cobra.Command{
		Use:   "import TABLE...",
		Short: "Write starter entity definitions from an organisation's metadata",
		Long: `import asks an organisation what its tables look like, and writes an entity
definition for each: every column that can be read, with its type, length,
choices and targets. Delete what no playbook needs, and give the rest the names
that the bank uses. Without --environment it imports from the simulator.`,
		Example: `  engage import contact > entities/contact.yaml
  engage import --environment sandbox.yaml --dir entities contact account new_loan`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("TABLE is missing: the logical name of a table, such as contact")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.runImport(cmd.Context(), args, &f)
		},
	}
	cmd.Flags().StringVar(&f.environment, "environment", "", "the Environment document of the organisation")
	cmd.Flags().StringVar(&f.assertionFile, "assertion-file", "", "ask as this employee instead of as the application")
	cmd.Flags().StringVar(&f.dir, "dir", "", "write a file a table into this folder, changing none that is there")
	return cmd
}

func (c *Command) runImport(ctx context.Context, names []string, f *importFlags) error {
	t, err := c.open(nil, &f.targetFlags, nil)
	if err != nil {
		return err
	}
	defer t.Close()
	client, err := c.metadataClient(ctx, t, &f.targetFlags)
	if err != nil {
		return err
	}
	for i, name := range names {
		table, err := client.Table(ctx, name)
		switch {
		case errors.Is(err, dataverse.ErrNotFound):
			return usagef("the organisation has no table %s; give its logical name, such as contact", name)
		case err != nil:
			return err
		}
		if f.dir == "" {
			if i > 0 {
				fmt.Fprintln(c.out, "---")
			}
			render.Definition(c.out, table)
			continue
		}
		file := filepath.Join(f.dir, name+".yaml")
		if _, err := os.Lstat(file); err == nil {
			return usagef("%s is there already; import changes no file", file)
		}
		if err := os.MkdirAll(f.dir, 0o755); err != nil {
			return usagef("--dir: %v", err)
		}
		err = writeFile(file, 0o644, func(o *output) error { render.Definition(o, table); return o.err })
		if err != nil {
			return err
		}
		fmt.Fprintln(c.Stderr, file)
	}
	return nil
}

// metadataClient asks as the application, or as the employee whose token was
// given. Metadata is readable to both.
func (c *Command) metadataClient(ctx context.Context, t *target, f *targetFlags) (*dataverse.Client, error) {
	if f.assertionFile == "" {
		return t.engine.Client, nil
	}
	source, err := c.employee(ctx, t, f)
	if err != nil {
		return nil, err
	}
	return t.engine.Client.As(source), nil
}
