package render_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/andmoneyaps/engage-playbooks"
	"github.com/andmoneyaps/engage-playbooks/cmd/engage/internal/render"
)

func problem(line, col int, message, suggestion string) *engage.Problem {
	return &engage.Problem{Pos: engage.Pos{File: "a.yaml", Line: line, Col: col}, Code: "rule", Message: message, Suggestion: suggestion}
}

func TestExcerptPointsAtTheWord(t *testing.T) {
	lines := func(string) []string { return []string{"kind: Playbok", "\tid: x # æøå Sting", ""} }
	var b bytes.Buffer
	render.ProblemsText(&b, engage.Problems{
		problem(1, 7, "unknown kind", `did you mean "Playbook"?`),
		problem(2, 14, "after a tab", ""),
		problem(3, 9, "beyond the line", ""),
		problem(9, 1, "beyond the file", ""),
	}, render.Style{}, lines)
	want := `a.yaml:1:7: error: unknown kind [rule]
   1 | kind: Playbok
     |       ^~~~~~~
      help: did you mean "Playbook"?
a.yaml:2:14: error: after a tab [rule]
   2 | 	id: x # æøå Sting
     | 	            ^~~~~
a.yaml:3:9: error: beyond the line [rule]
   3 | 
     | ^
a.yaml:9:1: error: beyond the file [rule]
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}

func TestControlCharactersCannotForgeOutput(t *testing.T) {
	var b bytes.Buffer
	problems := engage.Problems{problem(1, 1, "a\n::error::forged \x1b[2J", "")}
	render.ProblemsText(&b, problems, render.Style{}, nil)
	render.ProblemsGitHub(&b, problems, "dir")
	if strings.Count(b.String(), "\n") != 2 || strings.Contains(strings.Split(b.String(), "\n")[0], "\x1b") {
		t.Errorf("%q", b.String())
	}
}

func TestTableIgnoresColours(t *testing.T) {
	style := render.Style{Color: true}
	var b bytes.Buffer
	render.Table(&b, style, [][]string{{"A", "B"}, {style.Green("ok"), "x"}, {"longer", "y"}})
	plain := strings.NewReplacer("\x1b[2m", "", "\x1b[32m", "", "\x1b[0m", "").Replace(b.String())
	if want := "A       B\nok      x\nlonger  y\n"; plain != want {
		t.Errorf("%q", plain)
	}
}
