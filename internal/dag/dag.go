// Package dag orders a directed graph. It knows keys and edges and nothing
// else.
package dag

// Order returns the nodes 0..n-1 so that each stands after all that needs
// names for it; ties keep the order of the numbers, so one graph always gives
// one order. If the graph has cycles, order is nil and cycles holds each once,
// as the nodes in the direction of needs, from the smallest number on.
func Order(n int, needs func(i int) []int) (order []int, cycles [][]int) {
	adj := make([][]int, n)
	users := make([][]int, n)
	missing := make([]int, n)
	for i := range n {
		seen := map[int]bool{}
		for _, j := range needs(i) {
			if seen[j] {
				continue
			}
			seen[j] = true
			adj[i] = append(adj[i], j)
			users[j] = append(users[j], i)
			missing[i]++
		}
	}
	var ready heap
	for i := range n {
		if missing[i] == 0 {
			ready.push(i)
		}
	}
	order = make([]int, 0, n)
	for len(ready) > 0 {
		i := ready.pop()
		order = append(order, i)
		for _, u := range users[i] {
			if missing[u]--; missing[u] == 0 {
				ready.push(u)
			}
		}
	}
	if len(order) == n {
		return order, nil
	}
	left := make([]bool, n)
	for i := range n {
		left[i] = missing[i] > 0
	}
	return nil, findCycles(adj, left)
}

// findCycles gives one cycle for each smallest node that stands on one and is
// not yet on a reported cycle.
func findCycles(adj [][]int, left []bool) [][]int {
	var cycles [][]int
	reported := make([]bool, len(adj))
	for start := range adj {
		if !left[start] || reported[start] {
			continue
		}
		path := shortestCycle(adj, left, start)
		if path == nil {
			continue
		}
		fresh := true
		for _, k := range path {
			fresh = fresh && !reported[k]
		}
		for _, k := range path {
			reported[k] = true
		}
		if fresh {
			cycles = append(cycles, path)
		}
	}
	return cycles
}

// shortestCycle walks breadth first from start back to start.
func shortestCycle(adj [][]int, left []bool, start int) []int {
	from := make([]int, len(adj))
	for i := range from {
		from[i] = -1
	}
	queue := []int{start}
	for len(queue) > 0 {
		i := queue[0]
		queue = queue[1:]
		for _, j := range adj[i] {
			if j == start {
				var path []int
				for k := i; k != start; k = from[k] {
					path = append(path, k)
				}
				path = append(path, start)
				for a, b := 0, len(path)-1; a < b; a, b = a+1, b-1 {
					path[a], path[b] = path[b], path[a]
				}
				return path
			}
			if left[j] && from[j] < 0 {
				from[j] = i
				queue = append(queue, j)
			}
		}
	}
	return nil
}

// heap is a binary min-heap of node numbers.
type heap []int

func (h *heap) push(v int) {
	*h = append(*h, v)
	s := *h
	for i := len(s) - 1; i > 0; {
		p := (i - 1) / 2
		if s[p] <= s[i] {
			break
		}
		s[p], s[i] = s[i], s[p]
		i = p
	}
}

func (h *heap) pop() int {
	s := *h
	top := s[0]
	last := len(s) - 1
	s[0] = s[last]
	*h = s[:last]
	s = *h
	for i := 0; ; {
		c := 2*i + 1
		if c >= len(s) {
			break
		}
		if c+1 < len(s) && s[c+1] < s[c] {
			c++
		}
		if s[i] <= s[c] {
			break
		}
		s[i], s[c] = s[c], s[i]
		i = c
	}
	return top
}
