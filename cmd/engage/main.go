// Command engage is the configurator's tool for Engage playbooks: it checks,
// shows, tries and runs them.
package main

import (
	"context"
	"os"
	"runtime/debug"

	"github.com/andmoneyaps/engage-playbooks/cmd/engage/internal/cli"
)

func main() {
	c := cli.Command{Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv, EndsSoon: collectLate}
	os.Exit(c.Main(context.Background()))
}

// collectLate lets the garbage collector wait, for a command that is over in a
// moment: its heap is small, and each collection costs more than what it frees.
// The environment's GOGC counts for more.
func collectLate() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
}
