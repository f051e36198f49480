package playbook

import (
	"io/fs"
	"testing"

	"github.com/andmoneyaps/engage-playbooks"
	"github.com/andmoneyaps/engage-playbooks/internal/bench/large"
	"github.com/andmoneyaps/engage-playbooks/internal/document"
)

// BenchmarkLoad loads and checks 1,000 definitions, 300 patterns and 200
// playbooks; BenchmarkParse only parses their YAML.
func BenchmarkLoad(b *testing.B) {
	fsys := large.Workspace(1000, 300, 200)
	for b.Loop() {
		if _, err := Load(fsys); err != nil {
			b.Fatalf("\n%s", err)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	fsys := large.Workspace(1000, 300, 200)
	for b.Loop() {
		var problems engage.Problems
		_ = fs.WalkDir(fsys, ".", func(name string, e fs.DirEntry, err error) error {
			if !e.IsDir() {
				data, _ := fs.ReadFile(fsys, name)
				document.ParseNodes(name, data, &problems)
			}
			return nil
		})
	}
}
