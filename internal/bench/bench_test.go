package bench

import (
	"math"
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	var out strings.Builder
	missed, err := Print(&out, []Figure{
		{Name: "meeting: wall", Goal: atMost(1.05), Value: 1.02, Unit: "x", Noise: 0.013, Note: "a"},
		{Name: "bulk: throughput", Goal: atLeast(0.9), Value: 0.5, Unit: "x"},
		{Name: "rows", Value: 12345, Unit: "rows/s"},
		{Name: "not measured", Goal: atMost(1), Value: math.NaN()},
	})
	if err != nil || missed != 2 {
		t.Errorf("%d missed, %v", missed, err)
	}
	const want = `FIGURE            GOAL      RESULT        NOISE  VERDICT  MEASURED
meeting: wall     <= 1.05x  1.02x         ±1%    met      a
bulk: throughput  >= 0.90x  0.50x         -      MISSED   
rows              -         12345 rows/s  -      -        
not measured      <= 1      NaN           -      MISSED   
`
	if out.String() != want {
		t.Errorf("got\n%s", out.String())
	}
}

func TestMedian(t *testing.T) {
	for _, test := range []struct {
		values        []float64
		middle, noise float64
	}{
		{[]float64{3}, 3, 0},
		{[]float64{4, 1, 2, 3, 5}, 3, 1. / 3},
		{[]float64{1, 2}, 1.5, 0.25 / 1.5},
	} {
		middle, noise := median(test.values)
		if middle != test.middle || math.Abs(noise-test.noise) > 1e-9 {
			t.Errorf("%v: %v ±%v", test.values, middle, noise)
		}
	}
	if middle, _ := median(nil); !math.IsNaN(middle) {
		t.Error(middle)
	}
}

func TestExponent(t *testing.T) {
	sizes := []float64{100, 1000, 10000}
	for _, test := range []struct {
		cost func(n float64) float64
		want float64
	}{
		{func(n float64) float64 { return 7 }, 0},
		{func(n float64) float64 { return 3 * n }, 1},
		{func(n float64) float64 { return n * math.Log(n) }, 1.15},
		{func(n float64) float64 { return n * n / 5 }, 2},
	} {
		var costs []float64
		for _, n := range sizes {
			costs = append(costs, test.cost(n))
		}
		if e := exponent(sizes, costs); math.Abs(e-test.want) > 0.005 {
			t.Errorf("got %.3f, want %.2f", e, test.want)
		}
	}
}

func TestBenchmarkLines(t *testing.T) {
	got := results{}
	for range 2 {
		got.read([]byte(`goos: linux
BenchmarkStart/start-2         	    3000	    340123 ns/op
BenchmarkWarmToken/64-2 	 100	 12.5 ns/op	 25.0 ns/op/core	       0 B/op	       0 allocs/op
PASS
`))
	}
	if v := got["BenchmarkStart/start"]["ns/op"]; len(v) != 2 || v[1] != 340123 {
		t.Error(v)
	}
	if v := got["BenchmarkWarmToken/64"]["ns/op/core"]; len(v) != 2 || v[0] != 25 {
		t.Error(v)
	}
	if v := got["BenchmarkWarmToken/64"]["allocs/op"]; len(v) != 2 || v[0] != 0 {
		t.Error(v)
	}
}
