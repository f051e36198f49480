package document

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
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
	if i := InvalidText(data); i >= 0 {
		at.Line, at.Col = LineCol(data, i)
		problem := problems.Errorf(at, "syntax", "")
		problem.Message, problem.Suggestion = NoText(data, i)
		return nil
	}
	if path.Ext(file) == ".json" {
		if len(bytes.TrimSpace(data)) == 0 {
			return nil
		}
		root, err := parseJSON(data)
		if err != nil {
			if r, _ := utf8.DecodeRune(data[err.offset:]); isInvisible(r) {
				reportInvisible(problems, file, data, err.offset, false)
				return nil
			}
			at.Line, at.Col = LineCol(data, err.offset)
			problem := problems.Errorf(at, "syntax", "%s", err.message)
			if err.malformed {
				problem.Suggestion = JSONHelp(data, err.offset)
			}
			return nil
		}
		return []Node{{root, file}}
	}
	return parseYAML(file, data, problems)
}

// parseYAML parses a file of YAML documents.
func parseYAML(file string, data []byte, problems *engage.Problems) []Node {
	doubtful := anyInvisible(data)
	var nodes []Node
	dec := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var y yaml.Node
		err := dec.Decode(&y)
		if errors.Is(err, io.EOF) {
			return nodes
		}
		if err != nil {
			if i := guilty(data, err); i >= 0 {
				reportInvisible(problems, file, data, i, false)
				return nodes
			}
			at := engage.Pos{File: file}
			at.Line, at.Col = yamlErrorPlace(data, err)
			problem := problems.Errorf(at, "syntax", "")
			problem.Message, problem.Suggestion = yamlErrorText(data, err)
			problem.Err = err
			return nodes
		}
		if y.Kind != yaml.DocumentNode || len(y.Content) == 0 || isEmpty(y.Content[0]) {
			continue
		}
		root := y.Content[0]
		w := walk{file: file, problems: problems, open: map[*yaml.Node]bool{}}
		if doubtful {
			w.source = data
		}
		if w.check(root, 0) {
			made := make(values, 1+w.seen)
			room := made[1:]
			made[0] = room.of(root)
			nodes = append(nodes, Node{&made[0], file})
		}
	}
}

func isEmpty(y *yaml.Node) bool {
	return y.Kind == yaml.ScalarNode && y.ShortTag() == "!!null" && y.Value == ""
}

// InvalidText returns the offset of the first byte that no document may hold,
// or -1.
func InvalidText(data []byte) int {
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

// NoText says what is wrong with the byte at which InvalidText stopped, and what
// to do.
func NoText(data []byte, offset int) (message, help string) {
	help = "save the file with the encoding UTF-8"
	switch c := data[offset]; {
	case bytes.HasPrefix(data, []byte{0xff, 0xfe}) || bytes.HasPrefix(data, []byte{0xfe, 0xff}) || c == 0 && offset < 2:
		return "this is no text in UTF-8 but one in UTF-16", help
	case c == 0:
		return "this is no text: it has a zero byte", "a program or a picture is no document: take it out of the folder"
	case c < utf8.RuneSelf:
		return fmt.Sprintf("this is no text: here stands the control character U+%04X, which cannot be seen", c), "delete it"
	default:
		return fmt.Sprintf("this is no text in UTF-8: the byte 0x%X is no character", c), help
	}
}

// LineCol gives the line and column, from 1, of a byte of a text.
func LineCol(data []byte, offset int) (line, col int) {
	before := data[:min(offset, len(data))]
	line = bytes.Count(before, []byte("\n")) + 1
	start := bytes.LastIndexByte(before, '\n') + 1
	return line, utf8.RuneCount(before[start:]) + 1
}

// walk checks a parsed document once, before anything recurses into it.
type walk struct {
	file     string
	problems *engage.Problems
	source   []byte              // the text of the file if it has invisible characters
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
		w.problems.Errorf(engage.Pos{File: w.file, Line: y.Line, Col: y.Column}, code, "%s", message)
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
	for i, c := range y.Content {
		if w.source != nil && c.Kind == yaml.ScalarNode && suspect(c, y.Kind == yaml.MappingNode && i%2 == 0) && !w.failed {
			reportSuspect(w.problems, w.file, w.source, c)
			w.failed = true
			return
		}
		w.node(c, depth+1)
	}
}
