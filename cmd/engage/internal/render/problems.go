package render

import (
	"fmt"
	"io"
	"path"
	"strings"
	"unicode"

	"github.com/andmoneyaps/engage-playbooks"
)

// Lines gives the lines of a document, for the excerpt under a problem; nil if
// the file cannot be read.
type Lines func(file string) []string

// ProblemsText writes one problem a line, as file:line:col: severity: message.
// With lines, the source line and a caret follow each.
func ProblemsText(w io.Writer, problems engage.Problems, style Style, lines Lines) {
	for _, p := range problems {
		severity := style.Red(p.Severity.String())
		if p.Severity == engage.Warning {
			severity = style.Yellow(p.Severity.String())
		}
		text := Printable(p.Message)
		if p.Suggestion != "" && lines == nil {
			text += " (" + Printable(p.Suggestion) + ")"
		}
		fmt.Fprintf(w, "%s: %s: %s %s\n", style.Bold(p.Pos.String()), severity, text, style.Dim("["+p.Code+"]"))
		if lines == nil {
			continue
		}
		excerpt(w, p, style, lines(p.Pos.File))
		if p.Suggestion != "" {
			fmt.Fprintf(w, "      %s %s\n", style.Cyan("help:"), Printable(p.Suggestion))
		}
	}
}

func excerpt(w io.Writer, p *engage.Problem, style Style, lines []string) {
	if p.Pos.Line < 1 || p.Pos.Line > len(lines) {
		return
	}
	line := []rune(lines[p.Pos.Line-1])
	col := min(max(p.Pos.Col, 1), len(line)+1)
	var pad strings.Builder
	for _, r := range line[:col-1] {
		if r != '\t' {
			r = ' '
		}
		pad.WriteRune(r)
	}
	text := strings.Map(func(r rune) rune {
		if r != '\t' && Printable(string(r)) != string(r) {
			return ' ' // one column, as the caret counts
		}
		return r
	}, string(line))
	fmt.Fprintf(w, "%s %s\n", style.Dim(fmt.Sprintf("%4d |", p.Pos.Line)), text)
	fmt.Fprintf(w, "%s %s%s\n", style.Dim("     |"), pad.String(), style.Red("^"+strings.Repeat("~", wordLength(line, col)-1)))
}

// wordLength is how many runes the word at the column has, at least 1.
func wordLength(line []rune, col int) int {
	n := 0
	for _, r := range line[col-1:] {
		if unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) || strings.ContainsRune(" \t,:{}[]\"'#", r) {
			break
		}
		n++
	}
	return max(n, 1)
}

// ProblemsSummary gives "2 errors, 1 warning", or "no problems".
func ProblemsSummary(problems engage.Problems) string {
	errors, warnings := 0, 0
	for _, p := range problems {
		if p.Severity == engage.Warning {
			warnings++
		} else {
			errors++
		}
	}
	var parts []string
	if errors > 0 {
		parts = append(parts, count(errors, "error"))
	}
	if warnings > 0 {
		parts = append(parts, count(warnings, "warning"))
	}
	if parts == nil {
		return "no problems"
	}
	return strings.Join(parts, ", ")
}

type jsonProblem struct {
	File       string `json:"file"`
	Line       int    `json:"line"`
	Column     int    `json:"column"`
	Severity   string `json:"severity"`
	Code       string `json:"code"`
	Message    string `json:"message"`
	Suggestion string `json:"suggestion"`
}

// ProblemsJSON writes {"problems":[…]}. A text that is not known is empty.
func ProblemsJSON(w io.Writer, problems engage.Problems) error {
	list := make([]jsonProblem, len(problems))
	for i, p := range problems {
		list[i] = jsonProblem{
			File: p.Pos.File, Line: p.Pos.Line, Column: p.Pos.Col,
			Severity: p.Severity.String(), Code: p.Code, Message: p.Message, Suggestion: p.Suggestion,
		}
	}
	return JSON(w, map[string]any{"problems": list})
}

// ProblemsGitHub writes workflow commands, which GitHub shows beside the line;
// dir is the workspace's path in the repository.
// https://docs.github.com/actions/reference/workflow-commands-for-github-actions
func ProblemsGitHub(w io.Writer, problems engage.Problems, dir string) {
	data := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	for _, p := range problems {
		text := p.Message
		if p.Suggestion != "" {
			text += " (" + p.Suggestion + ")"
		}
		fmt.Fprintf(w, "::%s file=%s,line=%d,col=%d,title=%s::%s\n", p.Severity,
			property.Replace(path.Join(dir, p.Pos.File)), max(p.Pos.Line, 1), max(p.Pos.Col, 1), property.Replace(p.Code), data.Replace(text))
	}
}
