package document

import (
	"bytes"
	"errors"
	"io"
	"path"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/andmoneyaps/engage-playbooks"
)

// Bounds of one file: how deep values may nest, and how many nodes a walk that
// follows aliases may see.
const (
	maxDepth = 64
	maxNodes = 250_000
)

// ParseNodes parses a file of YAML documents, or one JSON document if its name
// ends in .json, into nodes. Aliases are bounded; merge keys and custom tags
// are refused. If anything is wrong with a document it is reported and left
// out.
func ParseNodes(file string, data []byte, problems *engage.Problems) []Node {
	at := engage.Pos{File: file, Line: 1, Col: 1}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if i := invalidText(data); i >= 0 {
		at.Line, at.Col = LineCol(data, i)
		problems.Errorf(at, "syntax", "this is no text: byte %d is not valid UTF-8 or a control character", i).
			Suggestion = "save the file with the encoding UTF-8"
		return nil
	}
	if path.Ext(file) == ".json" {
		if len(bytes.TrimSpace(data)) == 0 {
			return nil
		}
		root, err := parseJSON(data)
		if err != nil {
			at.Line, at.Col = LineCol(data, err.offset)
			problems.Errorf(at, "syntax", "%s", err.message)
			return nil
		}
		return []Node{{root, file}}
	}
	var nodes []Node
	dec := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var y yaml.Node
		err := dec.Decode(&y)
		if errors.Is(err, io.EOF) {
			return nodes
		}
		if err != nil {
			at.Line, at.Col = yamlErrorLine(err), 1
			problem := problems.Errorf(at, "syntax", "%s", yamlErrorText(err))
			problem.Err, problem.Suggestion = err, yamlErrorHelp(err)
			return nodes
		}
		if y.Kind != yaml.DocumentNode || len(y.Content) == 0 || isEmpty(y.Content[0]) {
			continue
		}
		root := y.Content[0]
		w := walk{file: file, problems: problems, open: map[*yaml.Node]bool{}}
		if w.check(root, 0) {
			nodes = append(nodes, Node{root, file})
		}
	}
}

func isEmpty(y *yaml.Node) bool {
	return y.Kind == yaml.ScalarNode && y.ShortTag() == "!!null" && y.Value == ""
}

// invalidText returns the offset of the first byte that no document may hold,
// or -1.
func invalidText(data []byte) int {
	for i := 0; i < len(data); {
		c := data[i]
		if c < utf8.RuneSelf {
			if c < ' ' && c != '\t' && c != '\n' && c != '\r' || c == 0x7f {
				return i
			}
			i++
			continue
		}
		r, n := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return -1
}

// LineCol gives the line and column, from 1, of a byte of a text.
func LineCol(data []byte, offset int) (line, col int) {
	before := data[:min(offset, len(data))]
	line = bytes.Count(before, []byte("\n")) + 1
	start := bytes.LastIndexByte(before, '\n') + 1
	return line, utf8.RuneCount(before[start:]) + 1
}

var yamlLine = regexp.MustCompile(`line (\d+): `)

// yamlErrorLine finds the line in the text of an error of yaml.v3, which has
// no field for it. What the parser did not find it counts from 0, unlike all
// else.
func yamlErrorLine(err error) int {
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		if n, convErr := strconv.Atoi(m[1]); convErr == nil && n > 0 {
			if strings.Contains(err.Error(), ": did not find expected ") {
				n++
			}
			return n
		}
	}
	return 1
}

// yamlErrorHelp says what is mostly behind an error of yaml.v3: a text that
// needs quotes.
func yamlErrorHelp(err error) string {
	switch s := err.Error(); {
	case strings.Contains(s, "mapping values are not allowed"):
		return "a text with a colon and a space in it needs quotes; keys that belong together begin in the same column"
	case strings.Contains(s, "did not find expected ',' or"), strings.Contains(s, "did not find expected node content"):
		return "within braces and brackets, a text with any of ? , [ ] { } in it needs quotes"
	case strings.Contains(s, "tab character"):
		return "indent with spaces"
	case strings.Contains(s, "did not find expected key"):
		return "a text that goes on after its closing quote, or begins with one, needs quotes around all of it"
	}
	return ""
}

func yamlErrorText(err error) string {
	s := strings.TrimPrefix(err.Error(), "yaml: ")
	if loc := yamlLine.FindStringIndex(s); loc != nil {
		s = s[:loc[0]] + s[loc[1]:]
	}
	return "this is not valid YAML: " + s
}

// walk checks a parsed document once, before anything recurses into it.
type walk struct {
	file     string
	problems *engage.Problems
	open     map[*yaml.Node]bool // the anchors that we are inside of
	seen     int
	failed   bool
}

func (w *walk) check(y *yaml.Node, depth int) bool {
	w.node(y, depth)
	return !w.failed
}

func (w *walk) fail(y *yaml.Node, code, message string) {
	if !w.failed {
		w.problems.Errorf(Node{y, w.file}.Pos(), code, "%s", message)
	}
	w.failed = true
}

func (w *walk) node(y *yaml.Node, depth int) {
	if w.failed {
		return
	}
	if w.seen++; w.seen > maxNodes {
		w.fail(y, "too-large", "the document holds more than "+strconv.Itoa(maxNodes)+" values, aliases counted")
		return
	}
	if depth > maxDepth {
		w.fail(y, "too-deep", "values are nested more than "+strconv.Itoa(maxDepth)+" deep")
		return
	}
	if y.Kind == yaml.AliasNode {
		if w.open[y.Alias] {
			w.fail(y, "syntax", "the alias *"+y.Value+" stands inside of what it names")
			return
		}
		w.node(y.Alias, depth)
		return
	}
	if y.Kind == yaml.ScalarNode {
		switch y.ShortTag() {
		case "!!str", "!!int", "!!float", "!!bool", "!!null", "!!timestamp":
		case "!!merge":
			w.fail(y, "syntax", "merge keys (<<) are not supported: write the keys out")
		default:
			w.fail(y, "syntax", "the tag "+y.Tag+" is not supported")
		}
		return
	}
	if y.Anchor != "" {
		w.open[y] = true
		defer delete(w.open, y)
	}
	for _, c := range y.Content {
		w.node(c, depth+1)
	}
}
