package large

import (
	"bytes"
	"errors"
	"io"
	"io/fs"

	"gopkg.in/yaml.v3"
)

// Parse reads all documents into YAML nodes: what loading is compared with.
func Parse(fsys fs.FS) error {
	return fs.WalkDir(fsys, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		for d := yaml.NewDecoder(bytes.NewReader(data)); ; {
			var node yaml.Node
			switch err := d.Decode(&node); {
			case errors.Is(err, io.EOF):
				return nil
			case err != nil:
				return err
			}
		}
	})
}
