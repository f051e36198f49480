package engage_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestRules keeps docs/rules.md in step with the codes in the source: each
// code has a section, and each section a code.
func TestRules(t *testing.T) {
	text, err := os.ReadFile("docs/rules.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^### (.+)$`).FindAllStringSubmatch(string(text), -1) {
		if documented[m[1]] {
			t.Errorf("docs/rules.md has two sections %q", m[1])
		}
		documented[m[1]] = true
	}
	codes := ruleCodes(t)
	for code, where := range codes {
		if !documented[code] {
			t.Errorf("docs/rules.md has no section for %q (%s)", code, where)
		}
	}
	for code := range documented {
		if codes[code] == "" {
			t.Errorf("docs/rules.md has a section %q, and no rule has this code", code)
		}
	}
}

var ruleCode = regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)

// ruleCodes finds the codes in the source: the literals that problems and
// errors are made with. The examples' own codes are theirs.
func ruleCodes(t *testing.T) map[string]string {
	codes := map[string]string{}
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (name == "tools" || name == "examples" || name != "." && strings.HasPrefix(d.Name(), ".")):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, name, nil, 0)
		if err != nil {
			return err
		}
		add := func(e ast.Expr) {
			if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if s, err := strconv.Unquote(lit.Value); err == nil && ruleCode.MatchString(s) {
					codes[s] = files.Position(lit.Pos()).String()
				}
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				fn := lastName(n.Fun)
				maker := slices.Contains([]string{"Errorf", "errorf", "Warnf", "warnf", "errAt", "fail", "report"}, fn)
				// A code never comes last: a message follows it.
				for i, arg := range n.Args {
					if maker && i < 2 && i < len(n.Args)-1 {
						add(arg)
					}
				}
			case *ast.KeyValueExpr:
				if strings.EqualFold(lastName(n.Key), "code") {
					add(n.Value)
				}
			case *ast.AssignStmt:
				for i, left := range n.Lhs {
					if strings.EqualFold(lastName(left), "code") && i < len(n.Rhs) {
						add(n.Rhs[i])
					}
				}
			case *ast.ReturnStmt:
				if name == filepath.Join("playbook", "errors.go") && len(n.Results) == 1 {
					add(n.Results[0])
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return codes
}

func lastName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.SelectorExpr:
		return e.Sel.Name
	case *ast.Ident:
		return e.Name
	}
	return ""
}

// TestDocumentLinks follows the links between the pages of docs/.
func TestDocumentLinks(t *testing.T) {
	for _, page := range []string{"docs/documents.md", "docs/rules.md"} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`\]\(([a-z]+\.md)?(#[a-z-]+)?\)`).FindAllStringSubmatch(string(text), -1) {
			target := text
			if m[1] != "" {
				if target, err = os.ReadFile(filepath.Join("docs", m[1])); err != nil {
					t.Errorf("%s: %v", page, err)
					continue
				}
			}
			if m[2] != "" && !regexp.MustCompile(`(?mi)^#+ `+regexp.QuoteMeta(strings.TrimPrefix(m[2], "#"))+`$`).Match(regexp.MustCompile("(?m)^(#.*)$").ReplaceAllFunc(target, func(b []byte) []byte {
				return []byte(headingAnchor(string(b)))
			})) {
				t.Errorf("%s: no heading for %s%s", page, m[1], m[2])
			}
		}
	}
}

// headingAnchor writes a heading as its anchor is written.
func headingAnchor(heading string) string {
	marks, text, _ := strings.Cut(heading, " ")
	return marks + " " + strings.ReplaceAll(strings.ToLower(text), " ", "-")
}
