package document

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
)

// yamlMistake is what is mostly behind an error of yaml.v3, for people.
type yamlMistake struct {
	// has is a part of the error's text.
	has string
	// says stands in place of that text where it helps nobody; help is what to do.
	says, help string
}

// yamlMistakes are in the order in which they are looked at.
var yamlMistakes = []yamlMistake{
	{"mapping values are not allowed", "there is a colon where no key can stand", "a text with a colon and a space in it needs quotes; keys that belong together begin in the same column"},
	{"did not find expected ',' or", "", "within braces and brackets, a text with any of ? , [ ] { } in it needs quotes; each opening one needs its closing one"},
	{"did not find expected node content", "", "within braces and brackets, a text with any of ? , [ ] { } in it needs quotes"},
	{"did not find expected '-' indicator", "here the next item of the list was expected, or a line indented as those before it", "keys that belong together begin in the same column"},
	{"tab character", "the line is indented with a tab", "indent with spaces"},
	{"did not find expected key", "here a key was expected", "keys that belong together begin in the same column; a text that goes on after its closing quote, or begins with one, needs quotes around all of it"},
	{"could not find expected ':'", "there is a line without a key and its colon", "write key: value, with a space after the colon"},
	{"block sequence entries are not allowed", "a list cannot begin here", "begin it in the next line; a text that begins with a dash and a space needs quotes"},
	{"found unexpected end of stream", "a quote is opened and not closed", "close it; a text with quotes in it needs quotes of the other sort around it"},
	{"found unknown escape character", "", "within double quotes a backslash begins an escape: write two of them, or use single quotes"},
	{"expected comment or line break", "", "after | and > the text begins in the next line"},
	{"unknown anchor", "", "a text that begins with * needs quotes"},
	{"cannot start any token", "a text cannot begin like this", "a text that begins with @, % or ` needs quotes"},
}

var (
	yamlLine   = regexp.MustCompile(`line (\d+): `)
	yamlAnchor = regexp.MustCompile(`unknown anchor '([^']+)'`)
	// tabbed finds lines whose indentation has a tab in it.
	tabbed = regexp.MustCompile(`(?m)^ *(?:- *)*\t[ \t]*[^ \t\r\n#]`)
)

// yamlErrorPlace is where an error of yaml.v3 is. It has no field for that, and
// no column in its text: the line counts, but for a tab, which is looked for.
func yamlErrorPlace(data []byte, err error) (line, col int) {
	if at := tabAt(data, err); at >= 0 {
		return LineCol(data, at)
	}
	if m := yamlAnchor.FindStringSubmatch(err.Error()); m != nil {
		if at := bytes.Index(data, []byte("*"+m[1])); at >= 0 {
			return LineCol(data, at)
		}
	}
	line = yamlErrorLine(err)
	if strings.Contains(err.Error(), "did not find expected '-' indicator") {
		if at := misindented(data, line-1); at > 0 {
			line = at
		}
	}
	return line, 1
}

// misindented gives the first line after one whose indentation is none of those
// that are open, or 0. The parser only tells where the list begins.
func misindented(data []byte, after int) int {
	var open []int
	n := 0
	for line := range bytes.Lines(data) {
		text := bytes.TrimLeft(line, " ")
		if n++; n < after || len(bytes.TrimSpace(text)) == 0 || text[0] == '#' {
			continue
		}
		indent, deeper := len(line)-len(text), false
		for len(open) > 0 && open[len(open)-1] > indent {
			open, deeper = open[:len(open)-1], true
		}
		if len(open) == 0 || open[len(open)-1] < indent {
			if deeper && len(open) > 0 {
				return n
			}
			open = append(open, indent)
		}
		for bytes.HasPrefix(text, []byte("- ")) {
			rest := bytes.TrimLeft(text[1:], " ")
			indent += len(text) - len(rest)
			open, text = append(open, indent), rest
		}
	}
	return 0
}

// yamlErrorLine finds the line in the text of an error. What the parser did not
// find it counts from 0, unlike all else.
func yamlErrorLine(err error) int {
	m := yamlLine.FindStringSubmatch(err.Error())
	if m == nil {
		return 1
	}
	n, convErr := strconv.Atoi(m[1])
	if convErr != nil || n < 1 {
		return 1
	}
	if strings.Contains(err.Error(), ": did not find expected ") && !strings.Contains(err.Error(), "comment or line break") {
		n++
	}
	return n
}

// tabAt gives the offset of the tab in the indentation to which an error is
// due, or -1. The error names its line or the one before.
func tabAt(data []byte, err error) int {
	s := err.Error()
	if !strings.Contains(s, "tab character") && !strings.Contains(s, "cannot start any token") {
		return -1
	}
	line := yamlErrorLine(err)
	from, to := offsetOf(data, line, 1), offsetOf(data, line+2, 1)
	m := tabbed.FindIndex(data[from:to])
	if m == nil {
		return -1
	}
	return from + m[0] + bytes.IndexByte(data[from+m[0]:], '\t')
}

// yamlErrorText says what is wrong and what to do.
func yamlErrorText(data []byte, err error) (message, help string) {
	message = strings.TrimPrefix(err.Error(), "yaml: ")
	if loc := yamlLine.FindStringIndex(message); loc != nil {
		message = message[:loc[0]] + message[loc[1]:]
	}
	tab := tabAt(data, err) >= 0
	for _, m := range yamlMistakes {
		if tab != (m.has == "tab character") || !tab && !strings.Contains(message, m.has) {
			continue
		}
		if m.says != "" {
			message = m.says
		}
		return "this is not valid YAML: " + message, m.help
	}
	return "this is not valid YAML: " + message, ""
}
