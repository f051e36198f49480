package render

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/nulab/autog"
	"github.com/nulab/autog/graph"
)

// The distances between what stands in a picture.
const (
	columnGap = 20.0
	rowGap    = 58.0
	wayWidth  = 6.0 // of an edge that passes a row
)

// maxOrdered is how many links autog orders within a second or so; its search
// for fewer crossings grows with their square and more. Beyond, nodes stand in
// the order of the documents.
const maxOrdered = 200

// point is a place in the picture, x to the right and y down.
type point struct{ x, y float64 }

// box is where a node stands: its middle and its size.
type box struct {
	point
	w, h float64
}

// layout is where everything stands.
type layout struct {
	boxes []box     // of the nodes
	ways  [][]point // of the edges: places to pass, from border to border
	rows  []int     // of the nodes
	tops  []box     // of the rows: the middle, and the height
	w, h  float64
}

// rank gives each node its row, and the number of rows. A row holds nodes of
// one stage, so that what happens later stands lower.
func (g *Graph) rank() (rows []int, n int) {
	needs := make([][]int, len(g.Nodes))
	for _, e := range g.Edges {
		to := g.index(e.To)
		needs[to] = append(needs[to], g.index(e.From))
	}
	stage, depth := make([]int, len(g.Nodes)), make([]int, len(g.Nodes))
	last := 0
	for i := range g.Nodes { // which stand after what they need
		stage[i] = g.Nodes[i].Stage
		for _, need := range needs[i] {
			stage[i] = max(stage[i], stage[need])
		}
		for _, need := range needs[i] {
			if stage[need] == stage[i] {
				depth[i] = max(depth[i], depth[need]+1)
			}
		}
		last = max(last, stage[i])
	}
	rows = make([]int, len(g.Nodes))
	for s := range last + 1 {
		height := 0
		for i := range rows {
			if stage[i] == s {
				rows[i] = n + depth[i]
				height = max(height, depth[i]+1)
			}
		}
		n += height
	}
	return rows, n
}

// place lays out a graph whose nodes have the sizes given. autog orders the
// nodes of each row so that few edges cross and many are straight; what is left
// is to close the columns up, since autog takes all nodes to be as wide as the
// widest.
func (g *Graph) place(sizes []box) (l *layout, err error) {
	defer func() {
		if cause := recover(); cause != nil { // autog has no errors
			err = fmt.Errorf("the graph cannot be laid out (%v); --format dot and mermaid draw it elsewhere", cause)
		}
	}()
	l = &layout{boxes: slices.Clone(sizes)}
	rows, n := g.rank()
	l.rows, l.tops = rows, make([]box, n)
	for i, s := range sizes {
		l.tops[rows[i]].h = max(l.tops[rows[i]].h, s.h)
	}
	for r := range l.tops {
		l.tops[r].y = l.h + l.tops[r].h/2
		l.h += l.tops[r].h + rowGap
	}
	l.h -= rowGap

	links := g.links(rows)
	ordering := autog.OrderingWMedian
	if len(links) > maxOrdered {
		ordering = autog.OrderingNoop
	}
	placed := autog.Layout(links,
		autog.WithCycleBreaking(autog.CycleBreakingDepthFirst), // the other one draws lots
		autog.WithOrdering(ordering), autog.WithPositioning(autog.PositioningBrandesKoepf), autog.WithEdgeRouting(autog.EdgeRoutingNoop),
		autog.WithNetworkSimplexThoroughness(0), // no layer can change
		autog.WithNodeFixedSize(10, 1), autog.WithNodeSpacing(10))
	x := map[string]float64{}
	for _, p := range placed.Nodes {
		x[p.ID] = p.X + p.W/2
	}
	for i := range l.boxes {
		l.boxes[i].x, l.boxes[i].y = x[nodeID(i)], l.tops[rows[i]].y
	}
	bends := make([][]bend, len(g.Edges))
	for i, e := range g.Edges {
		for row := rows[g.index(e.From)] + 1; row < rows[g.index(e.To)]; row++ {
			bends[i] = append(bends[i], bend{x[bendID(i, row)], row})
		}
	}
	l.closeUp(bends)
	l.route(g, bends)
	return l, nil
}

// bend is where an edge passes a row.
type bend struct {
	x   float64
	row int
}

func nodeID(i int) string         { return strconv.Itoa(i) }
func bendID(edge, row int) string { return fmt.Sprintf("edge %d in row %d", edge, row) }

// links is the graph as autog takes it. Its layers become the rows, since each
// link leads from one row to the next: an edge that passes rows has a node in
// each of them, and what needs nothing hangs by a thread from above the first
// row, which is not drawn.
func (g *Graph) links(rows []int) graph.EdgeSlice {
	var links graph.EdgeSlice
	chain := func(from, to string, between []string) {
		for _, next := range append(between, to) {
			links = append(links, []string{from, next})
			from = next
		}
	}
	needs := make([]bool, len(g.Nodes))
	for i, e := range g.Edges {
		from, to := g.index(e.From), g.index(e.To)
		needs[to] = true
		var between []string
		for row := rows[from] + 1; row < rows[to]; row++ {
			between = append(between, bendID(i, row))
		}
		chain(nodeID(from), nodeID(to), between)
	}
	for i := range g.Nodes {
		if needs[i] {
			continue
		}
		var thread []string
		for row := range rows[i] {
			thread = append(thread, fmt.Sprintf("above %d in row %d", i, row))
		}
		chain("above all", nodeID(i), thread)
	}
	return links
}

// closeUp moves the columns together as far as the rows' boxes and passing
// edges let them. What stood above each other still does, but for what stood
// in the same place.
func (l *layout) closeUp(bends [][]bend) {
	type item struct {
		at    *float64
		half  float64
		row   int
		owner int // of the boxes and, counted on, the edges
	}
	var items []item
	for i := range l.boxes {
		items = append(items, item{&l.boxes[i].x, l.boxes[i].w / 2, l.rows[i], i})
	}
	for i, way := range bends {
		for k := range way {
			items = append(items, item{&way[k].x, wayWidth / 2, way[k].row, len(l.boxes) + i})
		}
	}
	slices.SortStableFunc(items, func(a, b item) int { return cmp.Compare(math.Round(*a.at), math.Round(*b.at)) })
	ends := make([]float64, len(l.tops)) // of what stands in the rows so far
	for len(items) > 0 {
		var column, rest []item
		taken := map[int]int{} // row to owner
		for _, it := range items {
			owner, found := taken[it.row]
			clash := found && owner != it.owner || slices.ContainsFunc(rest, func(r item) bool { return r.owner == it.owner })
			if math.Round(*it.at) != math.Round(*items[0].at) || clash {
				rest = append(rest, it)
				continue
			}
			taken[it.row] = it.owner
			column = append(column, it)
		}
		x := 0.0
		for _, it := range column {
			x = max(x, ends[it.row]+it.half)
		}
		for _, it := range column {
			*it.at = x
			ends[it.row] = x + it.half + columnGap
			l.w = max(l.w, x+it.half)
		}
		items = rest
	}
}

// route gives the edges their ways: straight down where they pass a row.
func (l *layout) route(g *Graph, bends [][]bend) {
	for i, e := range g.Edges {
		from, to := g.index(e.From), g.index(e.To)
		way := []point{{}, {0, l.tops[l.rows[from]].bottom()}}
		for _, b := range bends[i] {
			row := l.tops[b.row]
			way = append(way, point{b.x, row.top()}, point{b.x, row.bottom()})
		}
		way = append(way, point{0, l.tops[l.rows[to]].top()}, point{})
		// The edge leaves and arrives on the side that it comes from.
		first, last := l.boxes[to].x, l.boxes[from].x
		if len(bends[i]) > 0 {
			first, last = bends[i][0].x, bends[i][len(bends[i])-1].x
		}
		start, end := l.boxes[from].port(first), l.boxes[to].port(last)
		way[0] = point{start, l.boxes[from].bottom()}
		way[1].x = start
		way[len(way)-2].x = end
		way[len(way)-1] = point{end, l.boxes[to].top()}
		l.ways = append(l.ways, way)
	}
}

func (b box) top() float64    { return b.y - b.h/2 }
func (b box) bottom() float64 { return b.y + b.h/2 }

// port is where an edge to or from x meets the border.
func (b box) port(x float64) float64 {
	inner := b.w/2 - 12
	return min(max(x, b.x-inner), b.x+inner)
}

func (g *Graph) index(name string) int {
	return slices.IndexFunc(g.Nodes, func(n Node) bool { return n.Name == name })
}
