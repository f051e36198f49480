package main_test

import (
	"bytes"
	"os"
	"os/exec"
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

// The simulator's page has a script that drives it with curl; it runs as it
// stands.
func TestSimulatorScript(t *testing.T) {
	for _, tool := range []string{"sh", "curl", "jq", "engage"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("the page's script needs %s", tool)
		}
	}
	page, err := os.ReadFile("../../docs/simulator.md")
	if err != nil {
		t.Fatal(err)
	}
	_, shell, _ := strings.Cut(string(page), "## From the shell")
	block := fence.FindStringSubmatch(shell)
	if block == nil || block[1] != "sh" {
		t.Fatal("the page has no script")
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-eu", "-c", block[3])
	cmd.Dir = t.TempDir()
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s%s", err, out, errs.Bytes())
	}
	for _, want := range []string{`"UserId":`, `"name":"Contoso"`, "HTTP/1.1 204 No Content", `"fullname":"Ada Lovelace"`,
		`_parentcustomerid_value@OData.Community.Display.V1.FormattedValue":"Contoso"`, `"a.name":"Contoso"`, "Content-ID: 2", "EntityDefinitions('contact')/Keys"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the script does not print %s:\n%s", want, out)
		}
	}
	if strings.Contains(string(out), `"error"`) {
		t.Errorf("a request of the script fails:\n%s", out)
	}
}

// The plans in docs/dry-runs.md are what engage prints; -update writes them
// anew.
func TestDryRuns(t *testing.T) {
	t.Chdir("../..")
	page, err := os.ReadFile("docs/dry-runs.md")
	if err != nil {
		t.Fatal(err)
	}
	plans := regexp.MustCompile("(?ms)^\\$ engage ([^\n]*)\n(.*?)^```$")
	if len(plans.FindAll(page, -1)) == 0 {
		t.Fatal("the page shows no plan")
	}
	want := plans.ReplaceAllFunc(page, func(block []byte) []byte {
		line := plans.FindSubmatch(block)[1]
		_, out, _ := engage(t, strings.Fields(string(line))...)
		return []byte("$ engage " + string(line) + "\n" + out + "```")
	})
	if *update {
		if err := os.WriteFile("docs/dry-runs.md", want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(page, want) {
		t.Errorf("docs/dry-runs.md is not what engage prints; -update writes it anew:\n%s", want)
	}
}
