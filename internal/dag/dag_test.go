package dag_test

import (
	"reflect"
	"testing"

	"github.com/andmoneyaps/engage-playbooks/internal/dag"
)

func order(edges map[int][]int, n int) ([]int, [][]int) {
	return dag.Order(n, func(i int) []int { return edges[i] })
}

func TestOrderKeepsDeclarationOrderOnTies(t *testing.T) {
	got, cycles := order(map[int][]int{0: {3}, 2: {1}}, 4)
	if want := []int{1, 2, 3, 0}; !reflect.DeepEqual(got, want) || cycles != nil {
		t.Errorf("got %v %v, want %v", got, cycles, want)
	}
}

func TestCyclesStartAtTheirEarliestNode(t *testing.T) {
	got, cycles := order(map[int][]int{1: {3}, 3: {2}, 2: {1}, 4: {4}, 0: {1}}, 5)
	if want := [][]int{{1, 3, 2}, {4}}; got != nil || !reflect.DeepEqual(cycles, want) {
		t.Errorf("got %v %v, want %v", got, cycles, want)
	}
}
