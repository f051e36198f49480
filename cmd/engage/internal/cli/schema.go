package cli

import (
	_ "embed"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/andmoneyaps/engage-playbooks/cmd/engage/internal/render"
)

// schemaJSON is the JSON Schema of all kinds of documents. It serves editors;
// the decoders are the law, and a test holds the two together.
//
//go:embed schema.json
var schemaJSON []byte

// documentKinds are the kinds that the schema has, in the order of the manual.
var documentKinds = []string{
	"EntityDefinition", "EntityPattern", "Playbook", "Template", "Capability", "TriggerType", "PlaybookTest", "Environment", "Simulator",
}

func (c *Command) schema() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "schema [KIND]",
		Short: "Print the JSON Schema of documents, for completion in editors",
		Long: `schema prints the JSON Schema of one kind of document, or without KIND one
schema for all of them. Editors use it to complete and check YAML while it is
typed. In VS Code with the YAML extension, put into .vscode/settings.json:

  {"yaml.schemas": {"./engage.schema.json": ["entities/*.yaml", "patterns/*.yaml", "playbooks/*.yaml"]}}`,
		Example: `  engage schema > engage.schema.json
  engage schema Playbook
  engage schema --dir .schemas        # a file a kind`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if dir != "" {
				return writeSchemas(dir)
			}
			if len(args) == 0 {
				_, err := c.out.Write(schemaJSON)
				return err
			}
			one, err := schemaOf(args[0])
			if err != nil {
				return err
			}
			return render.JSON(c.out, one)
		},
		ValidArgs: documentKinds,
	}
	cmd.Flags().StringVar(&dir, "dir", "", "write one file a kind into this folder")
	return cmd
}

// schemaOf gives the schema of one kind.
func schemaOf(kind string) (map[string]any, error) {
	var all map[string]any
	if err := json.Unmarshal(schemaJSON, &all); err != nil {
		return nil, err
	}
	for _, k := range documentKinds {
		if strings.EqualFold(k, kind) {
			return map[string]any{
				"$schema": all["$schema"], "title": k, "$ref": "#/$defs/" + k, "$defs": all["$defs"],
			}, nil
		}
	}
	return nil, notFound("kind of document", kind, documentKinds)
}

func writeSchemas(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return usagef("--dir: the folder %s cannot be made: %v", dir, cause(err))
	}
	for _, k := range documentKinds {
		one, err := schemaOf(k)
		if err != nil {
			return err
		}
		err = writeFile(filepath.Join(dir, strings.ToLower(k)+".schema.json"), 0o644, func(o *output) error { return render.JSON(o, one) })
		if err != nil {
			return err
		}
	}
	return nil
}
