package render

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
)

// Sizes of text: letters of a sans-serif font are at most about this wide.
const (
	lineHeight  = 14.0
	nameWidth   = 7.4 // a letter of a node's name, bold
	letterWidth = 6.4 // a letter of a node's other lines
	labelWidth  = 5.6 // a letter beside an edge
	labelHeight = 11.0
	margin      = 24.0
)

// SVG lays the graph out and writes the picture. Text stays text.
func (g *Graph) SVG(w io.Writer) error {
	drawn := g.joined()
	sizes := make([]box, len(drawn.Nodes))
	for i, n := range drawn.Nodes {
		sizes[i] = n.size()
	}
	l, err := drawn.place(sizes)
	if err != nil {
		return err
	}
	p := &picture{Graph: drawn, layout: l}
	p.draw()
	_, err = io.WriteString(w, p.b.String())
	return err
}

// joined is the graph with one edge where several lead from one node to
// another.
func (g *Graph) joined() *Graph {
	out := &Graph{Title: g.Title, Subtitle: g.Subtitle, Nodes: g.Nodes}
	at := map[[2]string]int{}
	for _, e := range g.Edges {
		key := [2]string{e.From, e.To}
		if i, found := at[key]; found {
			same := &out.Edges[i]
			same.Labels = append(same.Labels[:len(same.Labels):len(same.Labels)], e.Labels...)
			same.Optional = same.Optional && e.Optional
			continue
		}
		at[key] = len(out.Edges)
		out.Edges = append(out.Edges, e)
	}
	return out
}

func (n Node) size() box {
	b := box{w: float64(len([]rune(n.Name))) * nameWidth, h: float64(len(n.Lines)+1)*lineHeight + 12}
	for _, line := range n.Lines {
		b.w = max(b.w, float64(len([]rune(line)))*letterWidth)
	}
	b.w += 24
	return b
}

// picture is an SVG in the making.
type picture struct {
	*Graph
	*layout
	b      strings.Builder
	labels []box // that stand already
}

func (p *picture) draw() {
	heading := p.heading()
	top := float64(len(heading))*17 + margin
	frame := margin / 2 // around rounds, beyond the outermost boxes
	width := max(p.w, float64(len([]rune(heading[0])))*8) + 2*(margin+frame)
	left := (width - p.w) / 2
	height := top + p.h + 2*margin
	fmt.Fprintf(&p.b, `<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%.0f" viewBox="%.1f %.1f %.1f %.1f" font-family="Helvetica,Arial,sans-serif" font-size="11">`+"\n",
		width, height, -left, -top, width, height)
	p.b.WriteString(`<style>.l{font-size:9px;fill:#555;stroke:#fff;stroke-width:3px;paint-order:stroke;stroke-linejoin:round}.e{fill:none;stroke:#6b6b6b}</style>` + "\n")
	p.b.WriteString(`<defs><marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0L8 4L0 8z" fill="#6b6b6b"/></marker></defs>` + "\n")
	fmt.Fprintf(&p.b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="#fff"/>`+"\n", -left, -top, width, height)
	for i, line := range heading {
		p.text(line, point{p.w / 2, -top + margin + float64(i)*17}, ` text-anchor="middle" font-size="13"`)
	}
	names := p.frames(frame)
	for i := range p.Edges {
		p.edge(i)
	}
	p.b.WriteString(names)
	for i := range p.Nodes {
		p.node(i)
	}
	for i := range p.Edges {
		p.label(i)
	}
	p.b.WriteString("</svg>\n")
}

// frames draws each group around its rows, and gives their names, which stand
// above the edges.
func (p *picture) frames(beyond float64) string {
	var names strings.Builder
	for _, group := range p.groups() {
		top, bottom := p.h, 0.0
		for i, n := range p.Nodes {
			if n.Group == group {
				row := p.tops[p.rows[i]]
				top, bottom = min(top, row.top()), max(bottom, row.bottom())
			}
		}
		fmt.Fprintf(&p.b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="8" fill="#fafafa" stroke="#b0b0b0" stroke-dasharray="4 3"/>`+"\n",
			-beyond, top-18, p.w+2*beyond, bottom-top+26)
		at := point{-beyond + 8, top - 7}
		names.WriteString(p.written(group, at, ` class="l" style="font-size:10px"`))
		p.labels = append(p.labels, box{point{at.x + float64(len(group))*3, at.y - 4}, float64(len(group)) * 6.5, labelHeight})
	}
	return names.String()
}

func (p *picture) edge(i int) {
	way := p.ways[i]
	dashes := ""
	if p.Edges[i].Optional {
		dashes = ` stroke-dasharray="4 3"`
	}
	fmt.Fprintf(&p.b, `<path class="e"%s marker-end="url(#arrow)" d="M%.1f %.1f`, dashes, way[0].x, way[0].y)
	for k := 1; k < len(way); k++ {
		from, to := way[k-1], way[k]
		if from.x == to.x {
			fmt.Fprintf(&p.b, "V%.1f", to.y)
			continue
		}
		middle := (from.y + to.y) / 2
		fmt.Fprintf(&p.b, "C%.1f %.1f %.1f %.1f %.1f %.1f", from.x, middle, to.x, middle, to.x, to.y)
	}
	p.b.WriteString("\"/>\n")
}

func (p *picture) node(i int) {
	n, at := p.Nodes[i], p.boxes[i]
	c := n.colours()
	more := ""
	if n.Optional {
		more = ` stroke-dasharray="4 3"`
	}
	if n.Escalated {
		more += ` stroke-width="2"`
	}
	fmt.Fprintf(&p.b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="8" fill="%s" stroke="%s"%s/>`+"\n",
		at.x-at.w/2, at.y-at.h/2, at.w, at.h, c[0], c[1], more)
	y := at.y - at.h/2 + 17
	p.text(n.Name, point{at.x, y}, ` text-anchor="middle" font-weight="bold"`)
	for k, line := range n.Lines {
		p.text(line, point{at.x, y + float64(k+1)*lineHeight}, ` text-anchor="middle"`)
	}
}

// label writes an edge's labels where they hide the least.
func (p *picture) label(i int) {
	labels := p.Edges[i].Labels
	if len(labels) == 0 {
		return
	}
	size := box{h: float64(len(labels)) * labelHeight}
	for _, label := range labels {
		size.w = max(size.w, float64(len([]rune(label)))*labelWidth)
	}
	var best box
	least := -1.0
	for _, at := range places(p.ways[i]) {
		for _, aside := range []float64{0, size.w/2 + 4, -size.w/2 - 4} {
			b := box{point{at.x + aside, at.y}, size.w, size.h}
			if hidden := p.hides(b); least < 0 || hidden < least {
				best, least = b, hidden
			}
		}
	}
	p.labels = append(p.labels, best)
	for k, label := range labels {
		p.text(label, point{best.x, best.y - best.h/2 + float64(k)*labelHeight + 9}, ` class="l" text-anchor="middle"`)
	}
}

// places are where an edge's label may stand: where it leads straight down,
// else near its end first, since most edges that share an end share the
// beginning.
func places(way []point) []point {
	var straight, curved []point
	for k := len(way) - 1; k > 0; k-- {
		from, to := way[k-1], way[k]
		for _, t := range []float64{0.6, 0.8, 0.4, 0.2} {
			if from.x == to.x {
				straight = append(straight, point{to.x, from.y + (to.y-from.y)*t})
				continue
			}
			// The curve's control points are as high as the middle.
			u := 1 - t
			curved = append(curved, point{from.x + (to.x-from.x)*t*t*(3-2*t), u*u*u*from.y + 3*t*u*(from.y+to.y)/2 + t*t*t*to.y})
		}
	}
	return append(straight, curved...)
}

// hides is the area of nodes and labels that a label would cover, and of what
// lies beyond the picture.
func (p *picture) hides(b box) float64 {
	area := max(0, b.w/2-margin-b.x)*b.h + max(0, b.x+b.w/2-p.w-margin)*b.h
	for _, others := range [][]box{p.boxes, p.labels} {
		for _, o := range others {
			w := min(b.x+b.w/2, o.x+o.w/2) - max(b.x-b.w/2, o.x-o.w/2)
			h := min(b.y+b.h/2, o.y+o.h/2) - max(b.y-b.h/2, o.y-o.h/2)
			area += max(0, w) * max(0, h)
		}
	}
	return area
}

func (p *picture) text(text string, at point, attributes string) {
	p.b.WriteString(p.written(text, at, attributes))
}

func (p *picture) written(text string, at point, attributes string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<text x="%.1f" y="%.1f"%s>`, at.x, at.y, attributes)
	_ = xml.EscapeText(&b, []byte(Printable(text))) // a Builder takes all
	b.WriteString("</text>\n")
	return b.String()
}
