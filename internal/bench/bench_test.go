package bench

import (
	"errors"
	"math"
	"regexp"
	"strings"
	"testing"
)

func TestReport(t *testing.T) {
	met := Figure{Scenario: "meeting", Name: "meeting: wall", Goal: atMost(1.05), Value: 1.02, Unit: "x", Noise: 0.013, Note: "a | b"}
	missed := Figure{Scenario: "bulk", Name: "bulk: throughput", Goal: atLeast(0.9), Value: 0.5, Unit: "x"}
	plain := Figure{Scenario: "bulk", Name: "rows", Value: 12345, Unit: "rows/s"}
	unmeasured := Figure{Scenario: "bulk", Name: "not measured", Goal: atMost(1), Value: math.NaN()}
	for _, test := range []struct {
		name    string
		figures []Figure
		failed  error
		format  Format
		code    int
		out     string
	}{
		{"goals met", []Figure{met, plain}, nil, Text, 0, `FIGURE         GOAL      RESULT        NOISE  VERDICT  MEASURED
meeting: wall  <= 1.05x  1.02x         ±1%    met      a | b
rows           -         12345 rows/s  -      -        

all 1 goals met
`},
		{"goals missed", []Figure{met, missed, plain, unmeasured}, nil, Text, 1, `FIGURE            GOAL      RESULT        NOISE  VERDICT  MEASURED
meeting: wall     <= 1.05x  1.02x         ±1%    met      a | b
bulk: throughput  >= 0.90x  0.50x         -      MISSED   
rows              -         12345 rows/s  -      -        
not measured      <= 1      NaN           -      MISSED   

2 of 3 goals missed; docs/performance.md says why
`},
		{"a scenario failed", []Figure{met}, errors.New("bulk: no service"), Text, 2, `FIGURE         GOAL      RESULT  NOISE  VERDICT  MEASURED
meeting: wall  <= 1.05x  1.02x   ±1%    met      a | b

all 1 goals met
`},
		{"markdown", []Figure{met, missed, plain}, nil, Markdown, 1, "| `-run` | figure | goal | result | noise | | measured |\n" + `|---|---|---|---|---|---|---|
| meeting | meeting: wall | <= 1.05x | 1.02x | ±1% | met | a \| b |
| bulk | bulk: throughput | >= 0.90x | 0.50x | - | **missed** |  |
|  | rows | - | 12345 rows/s | - | - |  |

1 of 2 goals missed; docs/performance.md says why
`},
	} {
		var out, errs strings.Builder
		code := Report(&out, &errs, test.figures, test.failed, test.format)
		if code != test.code {
			t.Errorf("%s: exit code %d, want %d", test.name, code, test.code)
		}
		if out.String() != test.out {
			t.Errorf("%s: got\n%s", test.name, out.String())
		}
		if test.failed != nil && errs.String() != "figures: "+test.failed.Error()+"\n" {
			t.Errorf("%s: errors %q", test.name, errs.String())
		}
	}
}

// A pattern that matches nothing is a mistake, not a run in which all is met.
func TestNoScenario(t *testing.T) {
	r := Runner{Match: regexp.MustCompile("portal-meting")}
	figures, err := r.Run(t.Context())
	if len(figures) > 0 || err == nil || !strings.Contains(err.Error(), "portal-meeting") {
		t.Errorf("%v, %v", figures, err)
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
BenchmarkLookupQuery/1000-2     	    3000	    12 ns/op
BenchmarkLookupQuery/1000#01-2     	    3000	    14 ns/op
BenchmarkWarmToken/64-2 	 100	 12.5 ns/op	 25.0 ns/op/core	       0 B/op	       0 allocs/op
PASS
`))
	}
	if v := got["BenchmarkStart/start"]["ns/op"]; len(v) != 2 || v[1] != 340123 {
		t.Error(v)
	}
	if v := got["BenchmarkLookupQuery/1000"]["ns/op"]; len(v) != 4 || v[1] != 14 {
		t.Error(v)
	}
	if v := got["BenchmarkWarmToken/64"]["ns/op/core"]; len(v) != 2 || v[0] != 25 {
		t.Error(v)
	}
	if v := got["BenchmarkWarmToken/64"]["allocs/op"]; len(v) != 2 || v[0] != 0 {
		t.Error(v)
	}
}
