// Command figures measures the project's figures beside a hand-written
// net/http program and prints them as one table: figure, goal, result, noise,
// verdict. It exits with 1 where a goal is missed, with 2 where something could
// not be measured.
//
//	go run ./internal/bench/cmd/figures [-quick] [-run REGEXP] [-format text|markdown]
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"strings"

	"github.com/andmoneyaps/engage-playbooks/internal/bench"
)

func main() { os.Exit(run()) }

func run() int {
	var r bench.Runner
	flag.BoolVar(&r.Quick, "quick", false, "fewer rounds and smaller sizes: a few minutes, and more noise")
	match := flag.String("run", "", "measure only the scenarios that match: "+strings.Join(bench.Names(), ", "))
	flag.StringVar(&r.Root, "root", ".", "the project's root `directory`")
	format := flag.String("format", "text", "`text`, or markdown: the table of docs/performance.md")
	serve := flag.Bool("serve", false, "be the service of a scenario (used by this command itself)")
	work := flag.String("work", "", "do the `task` and print the memory that it took (used by this command itself)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if *serve {
		if err := bench.Serve(flag.Args(), os.Stdin, os.Stdout); err != nil {
			return fail(err)
		}
		return 0
	}
	if *work != "" {
		if err := bench.Work(ctx, r.Root, *work, os.Stdout); err != nil {
			return fail(err)
		}
		return 0
	}
	var err error
	if r.Match, err = regexp.Compile(*match); err != nil {
		return fail(err)
	}
	if f := bench.Format(*format); f != bench.Text && f != bench.Markdown {
		return fail(fmt.Errorf("-format %s: text or markdown", f))
	}
	r.Log = os.Stderr
	fmt.Printf("%s, %s/%s, %d processors\n\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0))
	figures, failed := r.Run(ctx)
	return bench.Report(os.Stdout, os.Stderr, figures, failed, bench.Format(*format))
}

func fail(err error) int {
	fmt.Fprintln(os.Stderr, "figures:", err)
	return 2
}
