package playbook

import (
	"fmt"
	"io/fs"
	"slices"

	"github.com/osteele/liquid/filters"
	"github.com/osteele/liquid/parser"
	"github.com/osteele/liquid/render"
	"github.com/osteele/liquid/tags"

	"github.com/andmoneyaps/engage-playbooks"
	"github.com/andmoneyaps/engage-playbooks/internal/document"
)

// Template is a Liquid template. It is immutable.
type Template struct {
	ID, Name, Description string
	// Variables are the names that it takes, sorted.
	Variables []string
	Pos       engage.Pos

	root   render.Node
	config *render.Config
	// at gives the place of a line of the template, from 1.
	at func(line int) engage.Pos
}

// The tags that no document can write: one spends from the budget, one is
// capture with a budget.
const (
	tickTag    = "__tick"
	captureTag = "__capture"
)

// liquidConfig is what templates are compiled with: the tags of the language
// without those that read files.
func liquidConfig() *render.Config {
	c := render.NewConfig()
	filters.AddStandardFilters(&c)
	tags.AddStandardTags(&c)
	c.UnregisterTag("include")
	c.UnregisterTag("render")
	c.AddTag(tickTag, tick)
	c.AddBlock(captureTag).Compiler(capture)
	return &c
}

// decodeTemplate reads a Template document; nil if it is of no use.
func (l *loader) decodeTemplate(d *document.Document) *Template {
	m := d.Mapping(l.problems, "content", "contentFile")
	t := &Template{ID: d.ID, Name: d.Name, Description: d.Description, Pos: d.Pos}
	switch {
	case m.Has("content") && m.Has("contentFile"):
		l.problems.Errorf(m.KeyPos("contentFile"), "conflicting-keys", "give content or contentFile, not both")
		return nil
	case m.Has("content"):
		s, ok := m.Get("content").Text(l.problems, "content")
		if !ok {
			return nil
		}
		t.at = func(line int) engage.Pos { return s.At(line, 1) }
		if !l.compileTemplate(t, s.Value) {
			return nil
		}
	case m.Has("contentFile"):
		s, ok := m.Get("contentFile").Text(l.problems, "contentFile")
		if !ok {
			return nil
		}
		file, data, ok := l.readBeside(d, s)
		if !ok {
			return nil
		}
		t.at = func(line int) engage.Pos { return engage.Pos{File: file, Line: max(line, 1), Col: 1} }
		if !l.compileTemplate(t, string(data)) {
			return nil
		}
	default:
		m.RequireOne("content", "contentFile")
		return nil
	}
	return t
}

// readBeside reads a text file that a document names relative to itself.
func (l *loader) readBeside(d *document.Document, name document.String) (file string, data []byte, ok bool) {
	file = d.Resolve(name.Value)
	if !fs.ValidPath(file) {
		l.problems.Errorf(name.Pos, "outside-workspace", "the file %q is not in the workspace", name.Value)
		return "", nil, false
	}
	data, err := readBounded(l.hashed, file)
	if err != nil {
		l.problems.Errorf(name.Pos, "missing-file", "the file %q cannot be read: %s", file, fileReason(err)).Err = err
		return "", nil, false
	}
	return file, data, true
}

// compileTemplate parses the text and lists its variables.
func (l *loader) compileTemplate(t *Template, text string) bool {
	if p := checkTags(text); p != nil {
		l.reportTemplate(t, p)
		return false
	}
	root, err := parseLiquid(l.liquid(), text)
	if err != nil {
		l.reportTemplate(t, parseProblem(text, err))
		return false
	}
	t.root, t.config = root, l.liquid()
	v := variables{known: liquidFilters, found: map[string]bool{}, local: map[string]int{}}
	v.node(root)
	ok := true
	slices.SortStableFunc(v.problems, func(a, b templateProblem) int { return a.line - b.line })
	for _, p := range v.problems {
		l.reportTemplate(t, &p)
		ok = false
	}
	for name := range v.found {
		t.Variables = append(t.Variables, name)
	}
	slices.Sort(t.Variables)
	return ok
}

// liquid is the configuration that this load compiles templates with.
func (l *loader) liquid() *render.Config {
	if l.liquidConf == nil {
		l.liquidConf = liquidConfig()
	}
	return l.liquidConf
}

// maxTemplateDepth bounds how deep blocks may nest.
const maxTemplateDepth = 100

// parseLiquid parses a template and puts a tick into every loop. The parser
// panics on some malformed texts, so that is an error here.
func parseLiquid(c *render.Config, text string) (root render.Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			root, err = nil, fmt.Errorf("this is not a valid template")
		}
	}()
	node, perr := c.Compile(text, parser.SourceLoc{LineNo: 1})
	if perr != nil {
		return nil, perr
	}
	in := injector{config: c}
	if err := in.prepare(); err != nil {
		return nil, err
	}
	if node, err = in.node(node, 0); err != nil {
		return nil, err
	}
	return node, nil
}

// injector puts a tick at the start of every loop's body, and a bounded
// capture in the place of each capture.
type injector struct {
	config *render.Config
	tick   render.Node
}

func (in *injector) prepare() error {
	n, err := in.one("{% " + tickTag + " %}")
	in.tick = n
	return err
}

// one compiles a template that is one node.
func (in *injector) one(text string) (render.Node, error) {
	root, err := in.config.Compile(text, parser.SourceLoc{LineNo: 1})
	if err != nil {
		return nil, err
	}
	return root.(*render.SeqNode).Children[0], nil
}

func (in *injector) nodes(list []render.Node, depth int) error {
	for i := range list {
		n, err := in.node(list[i], depth)
		if err != nil {
			return err
		}
		list[i] = n
	}
	return nil
}

func (in *injector) node(n render.Node, depth int) (render.Node, error) {
	if depth > maxTemplateDepth {
		return nil, fmt.Errorf("the template nests more than %d blocks", maxTemplateDepth)
	}
	switch n := n.(type) {
	case *render.SeqNode:
		return n, in.nodes(n.Children, depth+1)
	case *render.BlockNode:
		if err := in.nodes(n.Body, depth+1); err != nil {
			return nil, err
		}
		for _, c := range n.Clauses {
			if _, err := in.node(c, depth+1); err != nil {
				return nil, err
			}
		}
		switch n.Name {
		case "for":
			n.Body = append([]render.Node{in.tick}, n.Body...)
		case "capture":
			own, err := in.one("{% " + captureTag + " " + n.Args + " %}{% end" + captureTag + " %}")
			if err != nil {
				return nil, err
			}
			b := own.(*render.BlockNode)
			b.Body = n.Body
			b.Token.SourceLoc = n.Token.SourceLoc
			return b, nil
		}
	}
	return n, nil
}
