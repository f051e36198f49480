package bench

import (
	"context"
	"fmt"
)

// simulator gives the simulator's figures, from its own benchmarks. Those that
// need many rows repeat within one process, where filling takes longest.
func (r *Runner) simulator(ctx context.Context) ([]Figure, error) {
	const pkg = "dataverse/simulator"
	points, err := r.goBench(ctx, pkg, "^Benchmark(GetByKey|Start)$", r.pick(5, 9), "-test.benchtime=300ms")
	if err != nil {
		return nil, err
	}
	scans, err := r.goBench(ctx, pkg, "^BenchmarkScan$", 1, fmt.Sprintf("-test.count=%d", r.pick(5, 9)), "-test.benchtime=10x")
	if err != nil {
		return nil, err
	}
	figures := []Figure{
		points.ratio("simulator: reads by key, against a canned handler: throughput", atLeast(0.5), "ns/op", "BenchmarkGetByKey/canned", "BenchmarkGetByKey/simulator"),
		points.ratio("simulator: start, in ten of its warm requests", atMost(1), "ns/op", "BenchmarkStart/start", "BenchmarkStart/ten_requests"),
		scans.ratio("simulator: scan of 100,000 rows, against a loop over maps", atMost(3), "ns/op", "BenchmarkScan/simulator", "BenchmarkScan/maps"),
	}
	if r.Quick {
		return figures, nil
	}
	lookups, err := r.goBench(ctx, pkg, "^BenchmarkLookupQuery$", 1, "-test.benchtime=300ms")
	if err != nil {
		return figures, err
	}
	million, err := r.goBench(ctx, pkg, "^BenchmarkMillionContacts$", 1, "-test.benchtime=1x")
	if err != nil {
		return figures, err
	}
	held := Figure{Name: "simulator: 1,000,000 contacts with 15 columns: heap", Goal: atMost(2048), Unit: "MiB"}
	m := million["BenchmarkMillionContacts"]
	held.Value, _ = median(m["MiB-heap"])
	system, _ := median(m["MiB-system"])
	took, _ := median(m["ns/op"])
	held.Note = fmt.Sprintf("the process took %.0f MiB from the system; filled in %s", system, duration(took/1e9))
	return append(figures, lookups.ratio("simulator: query by lookup, 1,000,000 rows against 1,000", atMost(1.5), "ns/op", "BenchmarkLookupQuery/1000000", "BenchmarkLookupQuery/1000"), held), nil
}

// identities gives the figures of tokens, from auth's own benchmarks.
func (r *Runner) identities(ctx context.Context) ([]Figure, error) {
	warm, err := r.goBench(ctx, "auth", "^BenchmarkWarmToken$", r.pick(5, 9), "-test.benchtime=200ms")
	if err != nil {
		return nil, err
	}
	one, many := warm["BenchmarkWarmToken/1"], warm["BenchmarkWarmToken/64"]
	allocs := Figure{Name: "identities: allocations of a warm token", Goal: atMost(2)}
	allocs.Value, _ = median(one["allocs/op"])
	perCore := Figure{Name: "identities: 64 goroutines' throughput per core, against one's", Goal: atLeast(0.5), Unit: "x"}
	var values []float64
	for i := range one["ns/op"] {
		values = append(values, one["ns/op"][i]/many["ns/op/core"][i])
	}
	perCore.Value, perCore.Noise = median(values)
	figures := []Figure{allocs, perCore}
	if r.Quick {
		return figures, nil
	}
	held, err := r.goBench(ctx, "auth", "^BenchmarkEmployees100000$", 1, "-test.benchtime=1x")
	if err != nil {
		return figures, err
	}
	f := Figure{Name: "identities: memory after 100,000 employees, against 20,000", Goal: atMost(1.1), Unit: "x"}
	few, _ := median(held["BenchmarkEmployees100000"]["MiB@20000"])
	all, _ := median(held["BenchmarkEmployees100000"]["MiB@100000"])
	f.Value, f.Note = all/few, fmt.Sprintf("%.0f MiB, %.0f after 20,000; 10,000 are kept", all, few)
	return append(figures, f), nil
}
