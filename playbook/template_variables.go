package playbook

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/osteele/liquid/parser"
	"github.com/osteele/liquid/render"

	"github.com/andmoneyaps/engage-playbooks/internal/document"
)

// variables walks a parsed template and lists the names that it takes from
// outside. The library does not tell them, nor which filters exist; both are
// found in the text of the tags.
type variables struct {
	known    filterSet // filters
	found    map[string]bool
	local    map[string]int
	problems []templateProblem
}

func (v *variables) node(n render.Node) {
	switch n := n.(type) {
	case *render.SeqNode:
		for _, c := range n.Children {
			v.node(c)
		}
	case *render.ObjectNode:
		v.expression(n.Args, n.Token)
	case *render.TextNode:
		v.text(n)
	case *render.TagNode:
		v.tag(n)
	case *render.BlockNode:
		v.block(n)
	}
}

// text reports an opening that is never closed, which the library takes for
// text.
func (v *variables) text(n *render.TextNode) {
	for _, open := range []string{"{{", "{%"} {
		if i := strings.Index(n.Source, open); i >= 0 {
			rest, _, _ := strings.Cut(n.Source[i:], "\n")
			p := templateProblem{line: n.SourceLoc.LineNo + strings.Count(n.Source[:i], "\n"), source: rest, code: "template-syntax", message: open + " is never closed", suggestion: "write " + map[string]string{"{{": "}}", "{%": "%}"}[open] + " where it ends"}
			if tag, _, closed := strings.Cut(rest, "%}"); closed && open == "{%" {
				p.message, p.suggestion = tag+"%} has no tag in it", "there are "+strings.Join(slices.Sorted(maps.Keys(tagForms)), ", ")
			}
			v.problems = append(v.problems, p)
			return
		}
	}
}

func (v *variables) tag(n *render.TagNode) {
	switch n.Name {
	case "assign":
		name, value, _ := strings.Cut(n.Args, "=")
		v.expression(value, n.Token)
		v.local[strings.TrimSpace(name)]++
	case "cycle":
		v.expression(n.Args, n.Token)
	}
}

func (v *variables) block(n *render.BlockNode) {
	switch n.Name {
	case "comment", "raw":
		return
	case tableTag:
		v.problems = append(v.problems, *unknownTag(n.Token))
	case captureTag:
		v.children(n)
		v.local[strings.TrimSpace(n.Args)]++
		return
	case "for":
		name, list, ok := strings.Cut(n.Args, " in ")
		if !ok {
			return
		}
		name = strings.TrimSpace(name)
		v.expression(list, n.Token)
		v.local[name]++
		v.local["forloop"]++
		v.children(n)
		v.local[name]--
		v.local["forloop"]--
		return
	}
	v.expression(n.Args, n.Token)
	v.children(n)
}

func (v *variables) children(n *render.BlockNode) {
	for _, c := range n.Body {
		v.node(c)
	}
	for _, c := range n.Clauses {
		v.block(c)
	}
}

var (
	liquidText = regexp.MustCompile(`"[^"]*"|'[^']*'`)
	liquidName = regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_-]*\??`)
)

// liquidWords are no variables.
var liquidWords = map[string]bool{
	"true": true, "false": true, "nil": true, "null": true, "empty": true, "blank": true,
	"and": true, "or": true, "not": true, "contains": true, "in": true,
	"reversed": true, "limit": true, "offset": true, "cols": true,
}

// expression finds the names in the text of an expression with filters.
func (v *variables) expression(text string, tok parser.Token) {
	text = liquidText.ReplaceAllStringFunc(text, func(s string) string { return `"` + strings.Repeat(" ", len(s)-2) + `"` })
	for i, part := range strings.Split(text, "|") {
		if i > 0 {
			name, args, _ := strings.Cut(part, ":")
			name = strings.TrimSpace(name)
			// A loop's modifiers follow its last filter.
			name, _, _ = strings.Cut(name, " ")
			if v.known[name] == nil && name != "" {
				p := tagProblem(tok, document.Suggest(name, slices.Sorted(maps.Keys(v.known))), "there is no filter %q", name)
				p.code = "unknown-filter"
				v.problems = append(v.problems, *p)
			}
			part = args
		}
		v.names(part, tok)
	}
}

func (v *variables) names(text string, tok parser.Token) {
	for _, at := range liquidName.FindAllStringIndex(text, -1) {
		name, before, after := text[at[0]:at[1]], text[:at[0]], strings.TrimLeft(text[at[1]:], " ")
		before = strings.TrimRight(before, " ")
		property := strings.HasSuffix(before, ".") && !strings.HasSuffix(before, "..")
		digit := at[0] > 0 && text[at[0]-1] >= '0' && text[at[0]-1] <= '9'
		if property || digit || liquidWords[name] || strings.HasPrefix(after, ":") || v.local[name] > 0 {
			continue
		}
		if strings.HasPrefix(name, "__") {
			v.problems = append(v.problems, *tagProblem(tok, "", "the name %q cannot be used", name))
			continue
		}
		v.found[name] = true
	}
}
