package main_test

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/andmoneyaps/engage-playbooks/cmd/engage/internal/cli"
	"github.com/andmoneyaps/engage-playbooks/temporal"
)

// ServerVariable names the binary of temporal/devserver, as for the tests of
// temporal; without it these are left out.
const ServerVariable = "ENGAGE_TEMPORAL_SERVER"

// endedEarly is what a run says that is cancelled while no worker has its
// documents, before or after one was asked for them.
var endedEarly = regexp.MustCompile(`the run was cancelled|this worker cannot give the workspace`)

// started starts a program that ends with the test, and gives the first line
// that it prints.
func started(t *testing.T, env []string, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("%s says %q: %v", name, line, err)
	}
	return strings.TrimSpace(line)
}

// A run on a Temporal server: done by a worker, found again, and ended by Ctrl-C
// while no worker has its documents.
func TestRunOnTemporal(t *testing.T) {
	server := os.Getenv(ServerVariable)
	if server == "" {
		t.Skipf("%s is not set: it names the binary of temporal/devserver", ServerVariable)
	}
	key := temporal.NewKey("local")
	address := started(t, nil, server) // as host:port/namespace
	getenv := func(name string) string {
		if name == temporal.KeysVariable {
			return key
		}
		return ""
	}
	run := func(stderr *bytes.Buffer, dir string) (int, string) {
		var out bytes.Buffer
		c := cli.Command{
			Args:   []string{"run", dir, "--event", filepath.Join(dir, "events", "booked.json"), "--temporal", address},
			Stdout: &out, Stderr: stderr, Getenv: getenv,
		}
		return c.Main(t.Context()), out.String()
	}
	const meetings = "../../examples/portal-meeting"

	var errs bytes.Buffer
	if code, out := run(&errs, meetings); code != cli.ExitFailed || out != "" || !strings.Contains(errs.String(), "no worker listens") {
		t.Errorf("without a worker: exit %d\n%s%s", code, out, &errs)
	}

	worker := filepath.Join(t.TempDir(), "worker")
	if out, err := exec.Command("go", "build", "-o", worker, "github.com/andmoneyaps/engage-playbooks/temporal/cmd/worker").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if line := started(t, []string{temporal.KeysVariable + "=" + key}, worker, "--temporal", address, meetings); !strings.HasPrefix(line, "worker: ") {
		t.Fatal(line)
	}
	errs.Reset()
	code, out := run(&errs, meetings)
	for strings.Contains(errs.String(), "no worker listens") && t.Context().Err() == nil { // it has not begun yet
		errs.Reset()
		code, out = run(&errs, meetings)
	}
	if code != cli.ExitDone || errs.Len() > 0 || !strings.Contains(out, "succeeded: 2 records written") {
		t.Errorf("exit %d\n%s%s", code, out, &errs)
	}
	if code, again := run(&errs, meetings); code != cli.ExitDone || again != out || !strings.Contains(errs.String(), "the event has a run already") {
		t.Errorf("again: exit %d\n%s%s", code, again, &errs)
	}

	bank := filepath.Join(t.TempDir(), "bank")
	if code, _, e := engage(t, "init", bank); code != 0 {
		t.Fatal(e)
	}
	asked, err := temporal.DialAddress(t.Context(), address, getenv, false, temporal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer asked.Close()
	go func() {
		run := asked.Find(temporal.DefaultTenant, "note-meeting", "3d2f1c0e-1111-4222-8333-444455556666")
		for t.Context().Err() == nil {
			if d, err := asked.Temporal().DescribeWorkflowExecution(t.Context(), run.ID, ""); err == nil && d != nil {
				_ = syscall.Kill(os.Getpid(), syscall.SIGINT) // which the command listens for
				return
			}
			time.Sleep(20 * time.Millisecond) // at the border of another process
		}
	}()
	errs.Reset()
	if code, out := run(&errs, bank); code != cli.ExitFailed || !endedEarly.MatchString(errs.String()) {
		t.Errorf("Ctrl-C: exit %d\n%s%s", code, out, &errs)
	}
	key = temporal.NewKey("local")
	errs.Reset()
	if code, _ := run(&errs, meetings); code != cli.ExitFailed || !strings.Contains(errs.String(), "take the keys that the worker has") {
		t.Errorf("another key: exit %d\n%s", code, &errs)
	}
}
