package main_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// commands are what scripts can do beside running engage.
var commands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	"json":     jsonCommand,
	"status":   statusCommand,
	"simulate": simulateCommand,
	"stop":     stopCommand,
	"edit":     editCommand,
}

// edit FILE OLD NEW replaces the one OLD in a file by NEW.
func editCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: edit FILE OLD NEW")
	}
	text := ts.ReadFile(args[0])
	if strings.Count(text, args[1]) != 1 {
		ts.Fatalf("%s has %q %d times", args[0], args[1], strings.Count(text, args[1]))
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Replace(text, args[1], args[2], 1)), 0o644))
}

// status CODE ARGS... runs engage and checks its exit code, leaving stdout and
// stderr for the commands of that name.
func statusCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: status CODE ARGS...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec("engage", args[1:]...)
	have := 0
	var exit *exec.ExitError
	switch {
	case err == nil:
	case asExit(err, &exit):
		have = exit.ExitCode()
	default:
		ts.Fatalf("engage %s: %v", strings.Join(args[1:], " "), err)
	}
	if have != want {
		ts.Fatalf("engage %s: exit code %d, want %d", strings.Join(args[1:], " "), have, want)
	}
}

func asExit(err error, exit **exec.ExitError) bool {
	e, ok := err.(*exec.ExitError)
	*exit = e
	return ok
}

// json FILE PATH VALUE checks a value of a JSON file (stdout and stderr are
// files too). PATH is dotted, with indexes as numbers, "len" for a length; VALUE
// is JSON.
func jsonCommand(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: json FILE PATH VALUE")
	}
	have, err := lookup([]byte(ts.ReadFile(args[0])), args[1])
	ts.Check(err)
	var want any
	if err := json.Unmarshal([]byte(args[2]), &want); err != nil {
		ts.Fatalf("%s is not JSON: %v", args[2], err)
	}
	if reflect.DeepEqual(have, want) == neg {
		text, _ := json.Marshal(have)
		ts.Fatalf("%s is %s", args[1], text)
	}
}

func lookup(data []byte, path string) (any, error) {
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		return nil, fmt.Errorf("no JSON: %w", err)
	}
	if path == "." {
		return v, nil
	}
	for _, step := range strings.Split(path, ".") {
		switch at := v.(type) {
		case map[string]any:
			member, ok := at[step]
			if step == "len" && !ok {
				v = float64(len(at))
				continue
			}
			if !ok {
				return nil, fmt.Errorf("no %q on the way of %s", step, path)
			}
			v = member
		case []any:
			if step == "len" {
				v = float64(len(at))
				continue
			}
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(at) {
				return nil, fmt.Errorf("no item %q on the way of %s", step, path)
			}
			v = at[i]
		default:
			return nil, fmt.Errorf("nothing at %q on the way of %s", step, path)
		}
	}
	return v, nil
}

// simulate ARGS... starts engage simulate in the background until the script
// ends. Its first line sets $SIM_DATAVERSE, $SIM_API, $SIM_TOKEN, $SIM_ASSERTION
// and so on, and it writes the environment sim.yaml and the assertion token.txt.
func simulateCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("simulate cannot be negated")
	}
	self, err := exec.LookPath(filepath.Join(strings.Split(ts.Getenv("PATH"), string(os.PathListSeparator))[0], "engage"))
	ts.Check(err)
	cmd := exec.Command(self, append([]string{"simulate", "--write-environment", "sim.yaml"}, args...)...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = []string{"PATH=" + ts.Getenv("PATH"), "HOME=" + ts.Getenv("HOME"), "TMPDIR=" + ts.Getenv("TMPDIR")}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	ended := make(chan error, 1)
	line, err := bufio.NewReader(out).ReadBytes('\n')
	go func() { ended <- cmd.Wait() }()
	if err != nil {
		<-ended
		ts.Fatalf("engage simulate said nothing: %s", stderr.String())
	}
	var once sync.Once
	end := func() { once.Do(func() { endSimulate(ts, cmd, ended, &stderr) }) }
	*ts.Value(stopKey{}).(*func()) = end
	ts.Defer(end)
	var first map[string]string
	ts.Check(json.Unmarshal(line, &first))
	for k, v := range first {
		ts.Setenv("SIM_"+strings.ToUpper(k), v)
	}
	ts.Check(os.WriteFile(ts.MkAbs("token.txt"), []byte(first["assertion"]+"\n"), 0o600))
}

// stopKey is where a script keeps how its last simulator is ended.
type stopKey struct{}

// stop ends the simulator that the script started last.
func stopCommand(ts *testscript.TestScript, neg bool, args []string) {
	end := *ts.Value(stopKey{}).(*func())
	if neg || len(args) > 0 || end == nil {
		ts.Fatalf("usage: stop, after simulate")
	}
	end()
}

func endSimulate(ts *testscript.TestScript, cmd *exec.Cmd, ended <-chan error, stderr *bytes.Buffer) {
	_ = cmd.Process.Signal(os.Interrupt)
	select {
	case err := <-ended:
		if err != nil {
			ts.Fatalf("engage simulate: %v\n%s", err, stderr.String())
		}
	case <-time.After(10 * time.Second):
		_ = cmd.Process.Kill()
		ts.Fatalf("engage simulate did not end when it was interrupted")
	}
}
