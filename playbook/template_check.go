package playbook

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/osteele/liquid/parser"

	"github.com/andmoneyaps/engage-playbooks"
	"github.com/andmoneyaps/engage-playbooks/internal/document"
)

// templateProblem is what is wrong with a template: the line, from 1, and the
// tag or text there, by which its column is found.
type templateProblem struct {
	line                      int
	source                    string
	code, message, suggestion string
}

func tagProblem(tok parser.Token, suggestion, format string, args ...any) *templateProblem {
	return &templateProblem{tok.SourceLoc.LineNo, tok.Source, "template-syntax", fmt.Sprintf(format, args...), suggestion}
}

// tagForms are the tags that a template may use, and how those that take
// something are written.
var tagForms = map[string]string{
	"if": "{% if name == 'text' %}", "elsif": "{% elsif name == 'text' %}", "unless": "{% unless name == 'text' %}",
	"case": "{% case name %}", "when": "{% when 'text', 'other' %}", "for": "{% for item in list %}",
	"assign": "{% assign name = value %}", "capture": "{% capture name %}", "cycle": "{% cycle 'odd', 'even' %}",
	"else": "", "break": "", "continue": "", "comment": "", "raw": "",
}

// tagParents are the blocks that a tag stands in.
var tagParents = map[string][]string{
	"else": {"if", "unless", "case", "for"}, "elsif": {"if"}, "when": {"case"}, "break": {"for"}, "continue": {"for"},
}

// tagBlocks are the tags that are closed by another. The library knows one more
// than we take, which does not keep the rest from being looked at.
var tagBlocks = []string{"if", "unless", "case", "for", "capture", "comment", "raw", tableTag}

const tableTag = "tablerow"

// checkTags reports the first tag of a template that cannot stand where it
// stands, or that misses what it takes; nil if there is none.
func checkTags(text string) *templateProblem {
	var open []parser.Token
	for _, tok := range parser.Scan(text, parser.SourceLoc{LineNo: 1}, nil) {
		if tok.Type != parser.TagTokenType {
			continue
		}
		last := len(open) - 1
		if last >= 0 && (open[last].Name == "comment" || open[last].Name == "raw") && tok.Name != "end"+open[last].Name {
			continue // whatever stands in there
		}
		if name, ok := strings.CutPrefix(tok.Name, "end"); ok && slices.Contains(tagBlocks, name) {
			if p := checkEnd(open, tok, name); p != nil {
				return p
			}
			open = open[:last]
			continue
		}
		if p := checkTag(open, tok); p != nil {
			return p
		}
		if slices.Contains(tagBlocks, tok.Name) {
			open = append(open, tok)
		}
	}
	if len(open) > 0 {
		last := open[len(open)-1]
		return tagProblem(last, "write {% end"+last.Name+" %} where it ends", "%s is never closed", last.Source)
	}
	return nil
}

func checkEnd(open []parser.Token, tok parser.Token, name string) *templateProblem {
	if len(open) == 0 {
		return tagProblem(tok, "", "%s closes nothing: no %s is open", tok.Source, name)
	}
	if last := open[len(open)-1]; last.Name != name {
		return tagProblem(tok, "write {% end"+last.Name+" %} first", "%s stands where %s is still open", tok.Source, last.Source)
	}
	return nil
}

func checkTag(open []parser.Token, tok parser.Token) *templateProblem {
	tok.Args = strings.TrimSpace(tok.Args) // of {% else  %} it is a space
	form, known := tagForms[tok.Name]
	switch {
	case tok.Name == tableTag:
		return nil
	case !known:
		return unknownTag(tok)
	}
	if parents := tagParents[tok.Name]; parents != nil && !standsIn(open, tok.Name, parents) {
		return tagProblem(tok, "", "%s stands in no %s", tok.Source, strings.Join(parents, ", "))
	}
	switch {
	case form != "" && tok.Args == "":
		return tagProblem(tok, "write "+form, "%s misses something", tok.Source)
	case tok.Name == "else" && tok.Args != "":
		return tagProblem(tok, "write {% elsif "+strings.TrimPrefix(tok.Args, "if ")+" %}", "%s: else takes no condition", tok.Source)
	}
	return nil
}

func unknownTag(tok parser.Token) *templateProblem {
	names := slices.Sorted(maps.Keys(tagForms))
	hint := document.Suggest(tok.Name, names)
	if hint == "" {
		hint = "there are " + strings.Join(names, ", ")
	}
	if tok.Name == "include" || tok.Name == "render" {
		hint = "a template takes in no other: write its text here"
	}
	return tagProblem(tok, hint, "there is no tag %q", tok.Name)
}

// standsIn reports whether one of the parents is open: the innermost block,
// and for what leaves a loop any.
func standsIn(open []parser.Token, name string, parents []string) bool {
	if name == "break" || name == "continue" {
		return slices.ContainsFunc(open, func(t parser.Token) bool { return slices.Contains(parents, t.Name) })
	}
	return len(open) > 0 && slices.Contains(parents, open[len(open)-1].Name)
}

// liquidPrefix is what the library puts before its messages; the position says
// it.
var liquidPrefix = regexp.MustCompile(`^Liquid error( \(line \d+\))?: `)

// syntaxProblem says what is wrong with a tag or a value that the library does
// not understand.
func syntaxProblem(text string, err parser.Error) *templateProblem {
	for _, tok := range parser.Scan(text, parser.SourceLoc{LineNo: 1}, nil) {
		if tok.SourceLoc.LineNo != err.LineNumber() || tok.Source == "" || !strings.HasSuffix(err.Error(), " in "+tok.Source) {
			continue
		}
		return tagProblem(tok, syntaxHelp(tok), "%s is not understood", tok.Source)
	}
	return &templateProblem{line: err.LineNumber(), code: "template-syntax", message: liquidPrefix.ReplaceAllString(err.Error(), "")}
}

// The mistakes of expressions, in the order in which they are looked for; only
// conditions compare.
var (
	liquidMistakes = []struct {
		mistake *regexp.Regexp
		help    string
	}{
		{regexp.MustCompile(`&&`), "write and"},
		{regexp.MustCompile(`\|\|`), "write or"},
		{regexp.MustCompile(`=>`), "write >="},
		{regexp.MustCompile(`=<`), "write <="},
		{regexp.MustCompile(`<>`), "write !="},
		{regexp.MustCompile(`\?`), "there is no ?: take {% if %}"},
		{regexp.MustCompile(`(^|\s)(not\s|!\w)`), "there is no not: take {% unless %}, or compare with == false"},
		{regexp.MustCompile(`\|\s*$`), "a filter is missing after |"},
		{regexp.MustCompile(`:\s*$`), "something is missing after the colon"},
		{regexp.MustCompile(`([<>=.[]|\b(and|or|contains))\s*$`), "something is missing at its end"},
		{regexp.MustCompile(`[+*/]|\s-\s`), "there is no arithmetic: take the filters plus, minus, times, divided_by"},
	}
	liquidEqual = regexp.MustCompile(`[^=!<>]=[^=>]`)
)

func syntaxHelp(tok parser.Token) string {
	args := liquidText.ReplaceAllString(tok.Args, `""`)
	compares := tok.Name == "if" || tok.Name == "elsif" || tok.Name == "unless"
	switch {
	case strings.Contains(args, "{{") || strings.Contains(args, "{%"):
		return "the brackets before the next ones are not closed"
	case strings.TrimSpace(tok.Args) == "":
		return "write a name in it, such as {{ name }}"
	case strings.ContainsAny(strings.ReplaceAll(args, `""`, ""), `"'`):
		return "a quote is not closed, or closed by one of the other sort"
	case compares && liquidEqual.MatchString(args):
		return "write == to compare"
	case tok.Name == "for" && strings.Contains(args, " in "):
		return "write {% for item in list %}; behind the list may stand limit:3, offset:1 and reversed"
	}
	for _, m := range liquidMistakes {
		if m.mistake.MatchString(args) {
			return m.help
		}
	}
	if form := tagForms[tok.Name]; form != "" {
		return "write " + form
	}
	return "write {{ name }}, {{ name.member }} or {{ name | filter: 'text' }}"
}

// parseProblem makes a problem of an error of parseLiquid.
func parseProblem(text string, err error) *templateProblem {
	if perr, ok := errors.AsType[parser.Error](err); ok {
		return syntaxProblem(text, perr)
	}
	return &templateProblem{line: 1, code: "template-syntax", message: err.Error()}
}

// reportTemplate reports a problem at the column of its tag, if the file has it
// as it stands in the text.
func (l *loader) reportTemplate(t *Template, p *templateProblem) {
	at := t.at(max(p.line, 1))
	first, _, _ := strings.Cut(p.source, "\n")
	if data, err := readBounded(l.fsys, at.File); err == nil && first != "" {
		at = placeIn(at, string(data), first)
	}
	l.problems.Errorf(at, p.code, "%s", p.message).Suggestion = p.suggestion
}

// placeIn gives the first place of a text in a file, from a line on; the place
// given if there is none.
func placeIn(at engage.Pos, file, text string) engage.Pos {
	n := 0
	for line := range strings.Lines(file) {
		if n++; n < at.Line {
			continue
		}
		if i := strings.Index(line, text); i >= 0 {
			at.Line, at.Col = n, len([]rune(line[:i]))+1
			return at
		}
	}
	return at
}
