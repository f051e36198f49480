package main_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// pages are all that readers find commands in, but for getting-started.md,
// whose commands build on each other: TestGettingStarted runs them.
func pages(t *testing.T) []string {
	var all []string
	for _, pattern := range []string{"README.md", "docs/*.md", "examples/README.md", "examples/*/README.md"} {
		found, err := filepath.Glob(filepath.Join("../..", pattern))
		if err != nil || len(found) == 0 {
			t.Fatalf("no pages are %s: %v", pattern, err)
		}
		all = append(all, found...)
	}
	return slices.DeleteFunc(all, func(page string) bool { return filepath.Base(page) == "getting-started.md" })
}

// Every command of every page runs as it stands there, beside the examples.
// After "sh" a block may say what else is to be done with it:
//
//	exit=1     the exit code that is meant
//	test=Name  the test that runs it
//	ci         .ci/run runs it
//	help       it takes minutes, or an organisation: its flags are looked up
//
// A block that says nothing of itself could hide a command, so none may.
func TestCommandsOfThePages(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	tests, ci := testNames(t, root), read(t, filepath.Join(root, ".ci/run"))
	dir, commands := t.TempDir(), 0
	if err := os.Symlink(filepath.Join(root, "examples"), filepath.Join(dir, "examples")); err != nil {
		t.Fatal(err)
	}
	for _, page := range pages(t) {
		name, _ := filepath.Rel("../..", page)
		text := read(t, page)
		t.Run(filepath.ToSlash(name), func(t *testing.T) {
			t.Chdir(dir)
			for _, block := range everyFence.FindAllStringSubmatch(text, -1) {
				language, options, lines := block[1], strings.TrimSpace(block[2]), block[3]
				if language == "" {
					t.Errorf("a block says no language:\n%s", lines)
				}
				if language != "sh" {
					continue
				}
				what, value, _ := strings.Cut(options, "=")
				for line := range strings.Lines(lines) {
					line, _, _ = strings.Cut(line, " #")
					line = strings.TrimSpace(line)
					if line == "" || what == "test" {
						continue
					}
					commands++
					switch what {
					case "", "exit":
						want, _ := strconv.Atoi(value)
						runLine(t, line, want)
					case "ci":
						if !strings.Contains(strings.ReplaceAll(ci, " -race", ""), "\n"+line+"\n") {
							t.Errorf(".ci/run does not run %q", line)
						}
					case "help":
						lookUp(t, root, line)
					default:
						t.Errorf("a block says %q", options)
					}
				}
				if what == "test" && !tests[value] {
					t.Errorf("there is no test %s", value)
				}
			}
		})
	}
	if commands < 40 {
		t.Errorf("only %d commands were found", commands)
	}
}

// everyFence is like fence, and finds blocks that name no language.
var everyFence = regexp.MustCompile("(?ms)^```(\\w*)([^\n]*)\n(.*?)^```$")

// words splits a command; one in single quotes counts as one.
var words = regexp.MustCompile(`'[^']*'|\S+`)

// arguments are those of a line that runs engage.
func arguments(line string) (args []string, ok bool) {
	rest, ok := strings.CutPrefix(line, "engage ")
	if !ok {
		rest, ok = strings.CutPrefix(line, "go run ./cmd/engage ")
	}
	for _, word := range words.FindAllString(rest, -1) {
		args = append(args, strings.Trim(word, "'"))
	}
	return args, ok
}

func runLine(t *testing.T, line string, want int) {
	command, file, redirected := strings.Cut(line, " > ")
	args, ok := arguments(command)
	if !ok || strings.ContainsAny(command, "|&;`$") {
		t.Errorf("this test cannot run %q: say how it is held", line)
		return
	}
	code, out, errs := engage(t, args...)
	if code != want {
		t.Errorf("%s: exit %d, want %d\n%s%s", line, code, want, out, errs)
	}
	if redirected {
		if err := os.WriteFile(file, []byte(out), 0o644); err != nil {
			t.Error(err)
		}
	}
}

// lookUp checks that a command that cannot run here is there, and has the
// flags that the page gives it.
func lookUp(t *testing.T, root, line string) {
	var known string
	args, ok := arguments(line)
	if ok {
		_, known, _ = engage(t, args[0], "--help")
	} else if rest, isGo := strings.CutPrefix(line, "go run ./"); isGo {
		args = words.FindAllString(rest, -1)
		sources, _ := filepath.Glob(filepath.Join(root, args[0], "*.go"))
		for _, source := range sources {
			known += read(t, source)
		}
	}
	if known == "" {
		t.Errorf("there is no such command: %s", line)
	}
	for _, arg := range args[1:] {
		flag := strings.TrimLeft(arg, "-")
		if flag == arg {
			continue
		}
		if !strings.Contains(known, "--"+flag) && !strings.Contains(known, `"`+flag+`"`) {
			t.Errorf("%s: it has no flag %s", line, arg)
		}
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// testNames are the tests of all modules.
func testNames(t *testing.T, root string) map[string]bool {
	names, funcs := map[string]bool{}, regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(file, "_test.go") {
			return err
		}
		for _, m := range funcs.FindAllStringSubmatch(read(t, file), -1) {
			names[m[1]] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// What a page says that a test holds, a test of that name holds.
func TestTestsThatPagesName(t *testing.T) {
	tests, named := testNames(t, "../.."), 0
	for _, page := range pages(t) {
		for _, m := range regexp.MustCompile("`(Test\\w+)`").FindAllStringSubmatch(read(t, page), -1) {
			if named++; !tests[m[1]] {
				t.Errorf("%s names %s, which is not there", page, m[1])
			}
		}
	}
	if named < 20 {
		t.Errorf("only %d tests are named", named)
	}
}
