// Command parse parses the YAML files of a folder, and does nothing with them:
// what a process that reads documents takes at least.
package main

import (
	"fmt"
	"os"

	"github.com/andmoneyaps/engage-playbooks/internal/bench/large"
)

func main() {
	if err := large.Parse(os.DirFS(os.Args[1])); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
