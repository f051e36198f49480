package bench

import (
	"context"
	"fmt"
)

// simulator gives the simulator's figures, from its own benchmarks.
func (r *Runner) simulator(ctx context.Context) ([]Figure, error) {
	const pkg = "dataverse/simulator"
	rounds := r.pick(5, 9)
	points, err := r.goBench(ctx, pkg, "^Benchmark(GetByKey|Start|Scan)$", rounds, "-test.benchtime=300ms")
	if err != nil {
		return nil, err
	}
	figures := []Figure{
		ratio(points, "simulator: reads by key, against a canned handler: throughput", atLeast(0.5), "ns/op", "BenchmarkGetByKey/canned", "BenchmarkGetByKey/simulator"),
		ratio(points, "simulator: start, in ten of its warm requests", atMost(1), "ns/op", "BenchmarkStart/start", "BenchmarkStart/ten_requests"),
		ratio(points, "simulator: scan of 100,000 rows, against a loop over maps", atMost(3), "ns/op", "BenchmarkScan/simulator", "BenchmarkScan/maps"),
	}
	if r.Quick {
		return figures, nil
	}
	lookups, err := r.goBench(ctx, pkg, "^BenchmarkLookupQuery$", 1, "-test.count=5", "-test.benchtime=200ms")
	if err != nil {
		return figures, err
	}
	return append(figures, ratio(lookups, "simulator: query by lookup, 1,000,000 rows against 1,000", atMost(1.5), "ns/op", "BenchmarkLookupQuery/1000000", "BenchmarkLookupQuery/1000")), nil
}

// identities gives the figures of tokens, from auth's own benchmarks.
func (r *Runner) identities(ctx context.Context) ([]Figure, error) {
	warm, err := r.goBench(ctx, "auth", "^BenchmarkWarmToken$", r.pick(5, 9), "-test.benchtime=200ms")
	if err != nil {
		return nil, err
	}
	var allocs []float64
	for _, round := range warm {
		allocs = append(allocs, round["BenchmarkWarmToken/1"]["allocs/op"])
	}
	most, _ := median(allocs)
	figures := []Figure{
		{Name: "identities: allocations of a warm token", Goal: atMost(2), Value: most},
		throughputPerCore(warm),
	}
	if r.Quick {
		return figures, nil
	}
	held, err := r.goBench(ctx, "auth", "^BenchmarkEmployees100000$", 1, "-test.benchtime=1x")
	if err != nil {
		return figures, err
	}
	m := held[0]["BenchmarkEmployees100000"]
	return append(figures, Figure{
		Name: "identities: memory after 100,000 employees, against 20,000", Goal: atMost(1.1), Unit: "x", Value: m["MiB@100000"] / m["MiB@20000"],
		Note: fmt.Sprintf("%.0f MiB, %.0f after 20,000; 10,000 are kept", m["MiB@100000"], m["MiB@20000"]),
	}), nil
}

func throughputPerCore(rounds []results) Figure {
	f := Figure{Name: "identities: 64 goroutines' throughput per core, against one's", Goal: atLeast(0.5), Unit: "x"}
	var values []float64
	for _, r := range rounds {
		values = append(values, r["BenchmarkWarmToken/1"]["ns/op"]/r["BenchmarkWarmToken/64"]["ns/op/core"])
	}
	f.Value, f.Noise = median(values)
	return f
}
