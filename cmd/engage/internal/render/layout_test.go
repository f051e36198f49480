package render

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
)

// randomGraph has n nodes, which stand after what they need, in stages.
func randomGraph(r *rand.Rand, n int) *Graph {
	g := &Graph{Title: "random"}
	for i := range n {
		node := Node{Name: fmt.Sprintf("%d %s", i, "a longer name than others"[:r.IntN(25)]), Stage: r.IntN(1 + i/3)}
		for range r.IntN(3) {
			node.Lines = append(node.Lines, "line")
		}
		g.Nodes = append(g.Nodes, node)
		for range r.IntN(4) {
			if i > 0 {
				g.Edges = append(g.Edges, Edge{From: g.Nodes[r.IntN(i)].Name, To: node.Name, Labels: []string{"a.Field"}})
			}
		}
	}
	return g
}

// Whatever the graph: boxes lie apart, edges lead down and pass beside the
// boxes, what has a higher stage stands lower, and a picture is always the
// same.
func TestLayoutOfRandomGraphs(t *testing.T) {
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 0))
		g := randomGraph(r, 1+r.IntN(16)).joined()
		sizes := make([]box, len(g.Nodes))
		for i, n := range g.Nodes {
			sizes[i] = n.size()
		}
		l, err := g.place(sizes)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		for i, a := range l.boxes {
			if a.x-a.w/2 < -0.01 || a.x+a.w/2 > l.w+0.01 {
				t.Fatalf("seed %d: box %d lies outside", seed, i)
			}
			for k, b := range l.boxes[:i] {
				if l.rows[i] == l.rows[k] && max(a.x, b.x)-min(a.x, b.x) < (a.w+b.w)/2+columnGap-0.01 {
					t.Fatalf("seed %d: boxes %d and %d overlap", seed, i, k)
				}
				if g.Nodes[k].Stage < g.Nodes[i].Stage && l.rows[k] == l.rows[i] && l.rows[i] == g.Nodes[i].Stage {
					t.Fatalf("seed %d: stages share a row", seed)
				}
			}
		}
		for i, way := range l.ways {
			for k := 1; k < len(way); k++ {
				if way[k].y < way[k-1].y {
					t.Fatalf("seed %d: edge %d leads up", seed, i)
				}
				if way[k].x != way[k-1].x || k == 1 || k == len(way)-1 {
					continue
				}
				for n, b := range l.boxes {
					if way[k-1].y < b.bottom() && way[k].y > b.top() && way[k].x > b.x-b.w/2 && way[k].x < b.x+b.w/2 {
						t.Fatalf("seed %d: edge %d passes through box %d", seed, i, n)
					}
				}
			}
		}
		var first, second bytes.Buffer
		if g.SVG(&first) != nil || g.SVG(&second) != nil || !bytes.Equal(first.Bytes(), second.Bytes()) {
			t.Fatalf("seed %d: two pictures of one graph", seed)
		}
	}
}

func BenchmarkPicture(b *testing.B) {
	for _, n := range []int{20, 60, 200} {
		g := randomGraph(rand.New(rand.NewPCG(1, 1)), n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				if err := g.SVG(&bytes.Buffer{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
