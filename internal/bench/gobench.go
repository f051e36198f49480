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

// results are the metrics of benchmarks: a value a round, by name without the
// number of processors or of the repetition, and by unit.
type results map[string]map[string][]float64

// read takes the lines of `go test -bench`.
func (all results) read(out []byte) {
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		if len(words) < 4 || !strings.HasPrefix(words[0], "Benchmark") {
			continue
		}
		name := words[0]
		if i := strings.LastIndexByte(name, '-'); i > 0 {
			name = name[:i]
		}
		name, _, _ = strings.Cut(name, "#")
		if all[name] == nil {
			all[name] = map[string][]float64{}
		}
		for i := 2; i+1 < len(words); i += 2 {
			if v, err := strconv.ParseFloat(words[i], 64); err == nil {
				all[name][words[i+1]] = append(all[name][words[i+1]], v)
			}
		}
	}
}

// goBench builds the tests of a package of this module and runs the benchmarks
// that match, rounds times: both sides of a ratio stand in each round.
func (r *Runner) goBench(ctx context.Context, pkg, match string, rounds int, args ...string) (results, error) {
	binary := filepath.Join(r.temp, strings.ReplaceAll(pkg, "/", "-")+".test")
	dir := filepath.Join(r.Root, pkg)
	if _, err := os.Stat(binary); err != nil {
		build := exec.CommandContext(ctx, "go", "test", "-c", "-o", binary, ".")
		build.Dir = dir
		if out, err := build.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("go test -c ./%s: %w\n%s", pkg, err, out)
		}
	}
	all := results{}
	for range rounds {
		run := exec.CommandContext(ctx, binary, append([]string{"-test.run=^$", "-test.bench=" + match, "-test.benchmem"}, args...)...)
		run.Dir = dir
		var stderr bytes.Buffer
		run.Stderr = &stderr
		out, err := run.Output()
		if err != nil {
			return nil, fmt.Errorf("%s of ./%s: %w\n%s%s", match, pkg, err, out, stderr.Bytes())
		}
		all.read(out)
	}
	return all, nil
}

// ratio gives a figure from two benchmarks, a/b in each round.
func (all results) ratio(name string, goal Goal, unit, a, b string) Figure {
	f := Figure{Name: name, Goal: goal, Unit: "x"}
	as, bs := all[a][unit], all[b][unit]
	var values []float64
	for i := range min(len(as), len(bs)) {
		values = append(values, as[i]/bs[i])
	}
	f.Value, f.Noise = median(values)
	x, _ := median(as)
	y, _ := median(bs)
	f.Note = fmt.Sprintf("%s %s, against %s", amount(x, ""), unit, amount(y, ""))
	return f
}
