// Command engage is the configurator's tool for Engage playbooks: it checks,
// shows, tries and runs them.
package main

import (
	"context"
	"os"

	"github.com/andmoneyaps/engage-playbooks/cmd/engage/internal/cli"
)

func main() {
	c := cli.Command{Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv}
	os.Exit(c.Main(context.Background()))
}
