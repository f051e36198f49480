package engage_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/andmoneyaps/engage-playbooks"

// arrows says which packages of this module, and which other modules, the
// files of a package may import; tests are free. What is not here is
// forbidden.
var arrows = map[string][]string{
	".":                     {},
	"internal/dag":          {},
	"internal/document":     {".", "gopkg.in/yaml.v3"},
	"internal/expression":   {".", "internal/document", "github.com/expr-lang/expr"},
	"dataverse":             {".", "github.com/hashicorp/go-retryablehttp"},
	"dataverse/simulator":   {".", "dataverse", "github.com/golang-jwt/jwt/v5"},
	"entity":                {".", "dataverse", "internal/document"},
	"pattern":               {".", "dataverse", "entity", "internal/document", "internal/dag"},
	"auth":                  {".", "internal/document", "github.com/AzureAD/microsoft-authentication-library-for-go", "github.com/golang-jwt/jwt/v5"},
	"playbook":              {".", "pattern", "entity", "dataverse", "internal/document", "internal/expression", "internal/dag", "github.com/osteele/liquid", "github.com/osteele/tuesday", "github.com/santhosh-tekuri/jsonschema/v6"},
	"playbook/playbooktest": {".", "playbook", "pattern", "entity", "dataverse", "dataverse/simulator", "auth", "internal/document"},
}

// pure names the files that may mention neither a context nor net/http:
// everything up to the first request is a function of documents and input.
func pure(pkg, file string) bool {
	switch pkg {
	case "entity":
		return file != "bind.go"
	case "pattern":
		return true
	case "playbook":
		return strings.HasPrefix(file, "compile_") || strings.HasPrefix(file, "decode_")
	}
	return false
}

func TestImportArrows(t *testing.T) {
	seen := map[string]bool{}
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		switch {
		case entry.IsDir() && (slices.Contains([]string{"cmd", "otel", "temporal", "tools", "examples", "testdata", "internal/bench"}, name) || strings.HasPrefix(path.Base(name), ".") && name != "."):
			return fs.SkipDir
		case entry.IsDir() || path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		pkg, file := path.Dir(name), path.Base(name)
		allowed, known := arrows[pkg]
		if !known && !seen[pkg] {
			t.Errorf("package %s has no line in arrows", pkg)
		}
		seen[pkg] = true
		parsed, err := parser.ParseFile(token.NewFileSet(), filepath.FromSlash(name), nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range parsed.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if pure(pkg, file) && (imported == "context" || imported == "net/http") {
				t.Errorf("%s imports %s: it must stay pure", name, imported)
			}
			if !mayImport(allowed, imported) {
				t.Errorf("%s imports %s: no arrow leads there", name, imported)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// The durable executor needs the engine, and neither Entra nor the simulator:
// an embedder brings engines that are ready. Its commands and tests are free.
func TestArrowsOfTemporal(t *testing.T) {
	files, err := filepath.Glob("temporal/*.go")
	if err != nil || len(files) == 0 {
		t.Fatal("no files", err)
	}
	allowed := []string{"playbook", "dataverse", "go.temporal.io", "google.golang.org/protobuf"}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range parsed.Imports {
			if imported, _ := strconv.Unquote(spec.Path.Value); !mayImport(allowed, imported) {
				t.Errorf("%s imports %s: no arrow leads there", name, imported)
			}
		}
	}
}

func mayImport(allowed []string, imported string) bool {
	if first, _, _ := strings.Cut(imported, "/"); !strings.Contains(first, ".") {
		return true // standard library
	}
	return slices.ContainsFunc(allowed, func(a string) bool {
		if !strings.Contains(a, ".") || a == "." { // a package of ours
			return imported == path.Join(module, a)
		}
		return imported == a || strings.HasPrefix(imported, a+"/")
	})
}

// An embedder that brings its own tokens links no MSAL, and none links the
// simulator.
func TestEmbeddersPayOnlyForWhatTheyUse(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "./dataverse", "./entity", "./pattern", "./playbook").Output()
	if err != nil {
		t.Fatal(err)
	}
	for dep := range strings.Lines(string(out)) {
		for _, forbidden := range []string{"github.com/AzureAD/", module + "/auth", module + "/dataverse/simulator", "testing"} {
			if dep = strings.TrimSpace(dep); strings.HasPrefix(dep, forbidden) {
				t.Errorf("%s is linked into the core", dep)
			}
		}
	}
}
