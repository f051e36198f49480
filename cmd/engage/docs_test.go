package main_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// fence is a fenced block of a page: language, options, and what is in it.
var fence = regexp.MustCompile("(?ms)^```(\\w+)([^\n]*)\n(.*?)^```$")

// Getting started is followed word for word: files are written, commands run,
// in the order of the page, each with the exit code that the page gives it.
func TestGettingStarted(t *testing.T) {
	page, err := os.ReadFile("../../docs/getting-started.md")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	commands := 0
	for _, block := range fence.FindAllStringSubmatch(string(page), -1) {
		language, options, text := block[1], strings.TrimSpace(block[2]), block[3]
		switch language {
		case "yaml":
			name, _, ok := strings.Cut(strings.TrimPrefix(text, "# file: "), "\n")
			if !ok || !strings.HasPrefix(text, "# file: ") {
				t.Fatalf("a block of YAML does not say its file:\n%s", text)
			}
			if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		case "sh":
			want := 0
			if code, ok := strings.CutPrefix(options, "exit="); ok {
				want, _ = strconv.Atoi(code)
			}
			for line := range strings.Lines(text) {
				args := strings.Fields(line)
				if args[0] != "engage" {
					t.Fatalf("the page runs something else: %s", line)
				}
				if code, out, errs := engage(t, args[1:]...); code != want {
					t.Fatalf("%sexit %d, want %d\n%s%s", line, code, want, out, errs)
				}
				commands++
			}
		}
	}
	if commands < 10 {
		t.Fatalf("only %d commands were found", commands)
	}
}
