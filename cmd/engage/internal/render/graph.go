package render

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Graph is a playbook or a pattern as a picture shows it.
type Graph struct {
	// Title stands above the picture.
	Title string
	// Subtitle stands below it.
	Subtitle string
	Nodes    []Node
	Edges    []Edge
}

// Node is a block of a playbook or a part of a pattern.
type Node struct {
	// Name is unique in the graph and is the node's first line.
	Name string
	// Shape says what it is.
	Shape Shape
	// Lines stand below the name.
	Lines []string
	// Escalated marks what runs as the application.
	Escalated bool
	// Optional is drawn with a broken border.
	Optional bool
	// Group is the frame that the node stands in: a round of requests, or the
	// records of one change set. Empty for none.
	Group string
	// Stage orders the picture: what has a higher one stands lower.
	Stage int
}

// Shape is how a node is drawn.
type Shape uint8

// The shapes of nodes.
const (
	Plain   Shape = iota // computes, sends nothing
	Start                // the trigger
	Reading              // asks Dataverse
	Writing              // writes to Dataverse
	End                  // the output
)

// Edge goes from what is needed to what needs it.
type Edge struct {
	From, To string
	// Labels say what goes along the edge, a line each.
	Labels []string
	// Optional is drawn broken.
	Optional bool
}

func (g *Graph) heading() []string {
	if g.Subtitle == "" {
		return []string{Printable(g.Title)}
	}
	return []string{Printable(g.Title), Printable("(" + g.Subtitle + ")")}
}

// groups gives the frames in the order of their first node.
func (g *Graph) groups() []string {
	var out []string
	for _, n := range g.Nodes {
		if n.Group != "" && !slices.Contains(out, n.Group) {
			out = append(out, n.Group)
		}
	}
	return out
}

func (g *Graph) id(name string) string {
	return "n" + strconv.Itoa(slices.IndexFunc(g.Nodes, func(n Node) bool { return n.Name == name }))
}

// colours of the shapes: fill and border. An escalated node has its own.
var colours = map[Shape][2]string{
	Plain:   {"#f6f6f6", "#8a8a8a"},
	Start:   {"#e8e4f7", "#6a51a3"},
	Reading: {"#e3eefb", "#2b6cb0"},
	Writing: {"#e3f5e6", "#2f855a"},
	End:     {"#e8e4f7", "#6a51a3"},
}

var escalated = [2]string{"#fdeaea", "#c53030"}

func (n Node) colours() [2]string {
	if n.Escalated {
		return escalated
	}
	return colours[n.Shape]
}

// DOT writes the graph in Graphviz's language.
func (g *Graph) DOT(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "digraph {\n")
	fmt.Fprintf(&b, "  graph [label=\"%s\" labelloc=t fontsize=13 fontname=\"Helvetica\" rankdir=TB nodesep=0.35 ranksep=0.45 pad=\"0.5,0.2\"]\n", joinEscaped(g.heading(), `\n`, dotEscape))
	fmt.Fprintf(&b, "  node [shape=box style=\"filled,rounded\" fontname=\"Helvetica\" fontsize=11 margin=\"0.34,0.09\"]\n")
	fmt.Fprintf(&b, "  edge [color=\"#6b6b6b\" fontname=\"Helvetica\" fontsize=9 fontcolor=\"#555555\"]\n")
	for i, group := range g.groups() {
		fmt.Fprintf(&b, "  subgraph cluster_%d {\n    label=%s fontsize=10 fontcolor=\"#555555\" labeljust=l style=\"dashed,rounded\" color=\"#b0b0b0\"\n", i, dotQuote(group))
		for _, n := range g.Nodes {
			if n.Group == group {
				b.WriteString("  " + g.dotNode(n))
			}
		}
		b.WriteString("  }\n")
	}
	for _, n := range g.Nodes {
		if n.Group == "" {
			b.WriteString(g.dotNode(n))
		}
	}
	for _, e := range g.Edges {
		fmt.Fprintf(&b, "  %s -> %s", g.id(e.From), g.id(e.To))
		var attrs []string
		if len(e.Labels) > 0 {
			attrs = append(attrs, `label="  `+joinEscaped(e.Labels, `  \n  `, dotEscape)+`  "`)
		}
		if e.Optional {
			attrs = append(attrs, "style=dashed")
		}
		if attrs != nil {
			fmt.Fprintf(&b, " [%s]", strings.Join(attrs, " "))
		}
		b.WriteByte('\n')
	}
	b.WriteString("}\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func (g *Graph) dotNode(n Node) string {
	c := n.colours()
	label := joinEscaped(append([]string{n.Name}, n.Lines...), `\n`, dotEscape)
	style := "filled,rounded"
	if n.Optional {
		style += ",dashed"
	}
	width := 1.0
	if n.Escalated {
		width = 2.0
	}
	return fmt.Sprintf("  %s [label=\"%s\" fillcolor=\"%s\" color=\"%s\" style=\"%s\" penwidth=%g]\n",
		g.id(n.Name), label, c[0], c[1], style, width)
}

func joinEscaped(lines []string, separator string, escape func(string) string) string {
	escaped := make([]string, len(lines))
	for i, l := range lines {
		escaped[i] = escape(l)
	}
	return strings.Join(escaped, separator)
}

// dotEscape makes text safe between double quotes: Graphviz reads escapes such
// as \N in labels.
func dotEscape(s string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(Printable(s))
}

func dotQuote(s string) string { return `"` + dotEscape(s) + `"` }

// Mermaid writes the graph in Mermaid's language, which code hosts draw.
func (g *Graph) Mermaid(w io.Writer) error {
	var b strings.Builder
	if g.Title != "" {
		fmt.Fprintf(&b, "---\ntitle: %s\n---\n", strconv.Quote(strings.Join(g.heading(), " ")))
	}
	b.WriteString("flowchart TD\n")
	for i, group := range g.groups() {
		fmt.Fprintf(&b, "  subgraph g%d[%s]\n", i, mermaidQuote(group))
		for _, n := range g.Nodes {
			if n.Group == group {
				b.WriteString("  " + g.mermaidNode(n))
			}
		}
		b.WriteString("  end\n")
	}
	for _, n := range g.Nodes {
		if n.Group == "" {
			b.WriteString(g.mermaidNode(n))
		}
	}
	for _, e := range g.Edges {
		arrow := "-->"
		if e.Optional {
			arrow = "-.->"
		}
		if len(e.Labels) > 0 {
			arrow += `|"` + joinEscaped(e.Labels, "<br/>", mermaidEscape) + `"|`
		}
		fmt.Fprintf(&b, "  %s %s %s\n", g.id(e.From), arrow, g.id(e.To))
	}
	for shape := Plain; shape <= End; shape++ {
		fmt.Fprintf(&b, "  classDef %s fill:%s,stroke:%s\n", shape, colours[shape][0], colours[shape][1])
	}
	fmt.Fprintf(&b, "  classDef escalated fill:%s,stroke:%s,stroke-width:2px\n", escalated[0], escalated[1])
	_, err := io.WriteString(w, b.String())
	return err
}

func (s Shape) String() string {
	return [...]string{"plain", "start", "reading", "writing", "finish"}[s]
}

func (g *Graph) mermaidNode(n Node) string {
	class := n.Shape.String()
	if n.Escalated {
		class = "escalated"
	}
	text := joinEscaped(append([]string{n.Name}, n.Lines...), "<br/>", mermaidEscape)
	return fmt.Sprintf("  %s[\"%s\"]:::%s\n", g.id(n.Name), text, class)
}

// mermaidEscape writes what Mermaid or the browser would read as syntax as
// character references, in Mermaid's form (#quot;).
func mermaidEscape(s string) string {
	var b strings.Builder
	for _, r := range Printable(s) {
		switch r {
		case '"', '#', '&', '<', '>', '`', '\\', '[', ']', '{', '}', '|', ';':
			fmt.Fprintf(&b, "#%d;", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func mermaidQuote(s string) string { return `"` + mermaidEscape(s) + `"` }
