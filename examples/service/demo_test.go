package main

import (
	"bufio"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// The README's one command is run as it stands, and so are the curl commands
// that it prints, but for the output's form.
func TestTheREADMEsCommand(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("the demo prints curl commands")
	}
	commands := regexp.MustCompile("(?s)```sh[^\n]*\n(.*?)\n```").FindAllStringSubmatch(string(read(t, "README.md")), -1)
	if len(commands) < 2 || strings.Contains(commands[0][1], "\n") {
		t.Fatalf("the README does not begin with one command: %q", commands)
	}
	demo := exec.CommandContext(t.Context(), "sh", "-c", "exec "+commands[0][1])
	demo.Dir = "../.."
	// The go command passes a signal to its group alone.
	demo.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := demo.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := demo.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(-demo.Process.Pid, syscall.SIGTERM); _ = demo.Wait() })
	want := []string{`"playbook":"portal-meeting-booked","event":"8f0e4a52-6a3c-4f7e-9a53-1f0f6f3f2b11","status":"succeeded"`,
		`"playbook":"by-anyone"`, "HTTP/1.1 403", "engage_run_duration_seconds_count"}
	lines := bufio.NewScanner(out)
	for len(want) > 0 && lines.Scan() {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		curl := exec.CommandContext(t.Context(), "sh", "-c", lines.Text())
		curl.Dir = demo.Dir
		answer, err := curl.CombinedOutput()
		if err != nil || !strings.Contains(string(answer), want[0]) {
			t.Errorf("%s\n%v, without %s:\n%s", lines.Text(), err, want[0], answer)
		}
		want = want[1:]
	}
	if len(want) > 0 {
		t.Errorf("the demo printed no command for %q", want)
	}
}
