package bench

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// results are the metrics of benchmarks, by name without the number of
// processors, and by unit.
type results map[string]map[string]float64

// parseBenchmarks reads the lines of `go test -bench`.
func parseBenchmarks(out []byte) results {
	all := results{}
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		if len(words) < 4 || !strings.HasPrefix(words[0], "Benchmark") {
			continue
		}
		name := words[0]
		if i := strings.LastIndexByte(name, '-'); i > 0 {
			name = name[:i]
		}
		metrics := map[string]float64{}
		for i := 2; i+1 < len(words); i += 2 {
			if v, err := strconv.ParseFloat(words[i], 64); err == nil {
				metrics[words[i+1]] = v
			}
		}
		all[name] = metrics
	}
	return all
}

// goBench builds the tests of a package of this module and runs the benchmarks
// that match, rounds times: both sides of a ratio stand in each round.
func (r *Runner) goBench(ctx context.Context, pkg, match string, rounds int, args ...string) ([]results, error) {
	binary := filepath.Join(r.temp, strings.ReplaceAll(pkg, "/", "-")+".test")
	dir := filepath.Join(r.Root, pkg)
	if _, err := os.Stat(binary); err != nil {
		build := exec.CommandContext(ctx, "go", "test", "-c", "-o", binary, ".")
		build.Dir = dir
		if out, err := build.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("go test -c ./%s: %w\n%s", pkg, err, out)
		}
	}
	var all []results
	for range rounds {
		run := exec.CommandContext(ctx, binary, append([]string{"-test.run=^$", "-test.bench=" + match, "-test.benchmem"}, args...)...)
		run.Dir = dir
		var stderr bytes.Buffer
		run.Stderr = &stderr
		out, err := run.Output()
		if err != nil {
			return nil, fmt.Errorf("%s of ./%s: %w\n%s%s", match, pkg, err, out, stderr.Bytes())
		}
		all = append(all, parseBenchmarks(out))
	}
	return all, nil
}

// ratio gives a figure from two benchmarks of each round, a/b.
func ratio(rounds []results, name string, goal Goal, unit, a, b string) Figure {
	f := Figure{Name: name, Goal: goal, Unit: "x"}
	var values, as, bs []float64
	for _, r := range rounds {
		x, okA := r[a][unit]
		y, okB := r[b][unit]
		if okA && okB {
			values, as, bs = append(values, x/y), append(as, x), append(bs, y)
		}
	}
	f.Value, f.Noise = median(values)
	x, _ := median(as)
	y, _ := median(bs)
	f.Note = fmt.Sprintf("%s %s against %s", amount(x, ""), amount(y, ""), unit)
	return f
}
