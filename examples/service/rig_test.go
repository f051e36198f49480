package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/andmoneyaps/engage-playbooks/examples/service/internal/simulated"
)

const (
	nordbank = "6f0a1c1e-0000-4000-8000-000000000001"
	sydbank  = "6f0a1c1e-0000-4000-8000-000000000002"
	mette    = "mette.holm@bank.example"

	portalMeeting = "../portal-meeting"
	twoBanks      = "../two-banks"
	booked        = "../portal-meeting/events/booked.json"
	citizen       = "../two-banks/events/by-anyone-citizen.json"
	platformKey   = "the-platforms-key-0451"
)

// TestMain lets the test binary be the service: tests of signals start it as a
// process of its own.
func TestMain(m *testing.M) {
	if os.Getenv("ENGAGE_TEST_SERVICE") != "" {
		main()
	}
	os.Exit(m.Run())
}

// start gives a bank that the test closes; h holds a request to it, or is nil.
func start(t *testing.T, dir, tenant, id string, h *hold) *simulated.Bank {
	t.Helper()
	var before func(*http.Request)
	if h != nil {
		before = h.before
	}
	b, err := simulated.Start(dir, t.TempDir(), tenant, id, before)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if h != nil {
			h.let()
		}
		b.Close()
	})
	return b
}

// flagOf is the banks as the command line takes it.
func flagOf(banks ...*simulated.Bank) (args []string) {
	for _, b := range banks {
		args = append(args, "-bank", b.Dir+"="+b.Environment)
	}
	return args
}

// process is the service, in this process or in one of its own.
type process struct {
	t      *testing.T
	url    string
	log    *logBuffer
	hangup chan os.Signal
	// stop is SIGTERM, wait gives the exit code.
	stop func()
	wait func() int
}

// serve runs the command in this process until the test ends.
func serve(t *testing.T, args ...string) *process {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	out, in := io.Pipe()
	p := &process{t: t, log: newLog(), hangup: make(chan os.Signal), stop: stop}
	ended := make(chan int, 1)
	go func() { ended <- run(ctx, p.hangup, p.args(args), in, p.log); _ = in.Close() }()
	p.wait = sync.OnceValue(func() int { return <-ended })
	t.Cleanup(func() { stop(); p.wait() })
	p.ready(out)
	return p
}

// spawn runs the command as a process of its own, for signals.
func spawn(t *testing.T, args ...string) (*process, *exec.Cmd) {
	t.Helper()
	p := &process{t: t, log: newLog()}
	cmd := exec.Command(os.Args[0], p.args(args)...)
	cmd.Env = append(os.Environ(), "ENGAGE_TEST_SERVICE=1")
	cmd.Stderr = p.log
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.wait = sync.OnceValue(func() int { _ = cmd.Wait(); return cmd.ProcessState.ExitCode() })
	t.Cleanup(func() { _ = cmd.Process.Kill(); p.wait() })
	p.ready(out)
	return p, cmd
}

func (p *process) args(args []string) []string {
	keys := filepath.Join(p.t.TempDir(), "keys")
	if err := os.WriteFile(keys, []byte("an-old-key\n"+platformKey+"\n"), 0o600); err != nil {
		p.t.Fatal(err)
	}
	return append([]string{"-addr", "127.0.0.1:0", "-platform-keys", keys}, args...)
}

// ready waits for the line that says where the service listens.
func (p *process) ready(stdout io.Reader) {
	p.t.Helper()
	var line struct{ URL string }
	if err := json.NewDecoder(stdout).Decode(&line); err != nil {
		p.t.Fatalf("the service does not start: %v\n%s", err, p.log)
	}
	p.url = line.URL
}

// reply is what the service answered to an event.
type reply struct {
	status      int
	header      http.Header
	text        string
	Environment string
	Event       string
	Runs        []struct {
		Playbook, Status string
		Actor            struct{ Kind, ObjectID, TenantID string }
		Writes           []struct{ Block, Part, Operation, Table, ID string }
		Blocks           []struct {
			Name   string
			Output json.RawMessage
		}
		Output map[string]any
		Error  *struct{ Block, Code string }
		Stats  struct{ Requests int }
	}
	Error *struct{ Code, Message string }
}

// code is the answer's, "" where all went well.
func (r *reply) code() string {
	if r.Error == nil {
		return ""
	}
	return r.Error.Code
}

// post sends an event. headers are pairs of name and value.
func (p *process) post(path string, event []byte, headers ...string) *reply {
	p.t.Helper()
	r, err := p.tryPost(path, event, headers...)
	if err != nil {
		p.t.Fatalf("%v\n%s", err, p.log)
	}
	return r
}

func (p *process) tryPost(path string, event []byte, headers ...string) (*reply, error) {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, p.url+path, bytes.NewReader(event))
	if err != nil {
		return nil, err
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	r := &reply{status: res.StatusCode, header: res.Header, text: string(body)}
	if strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") {
		err = json.Unmarshal(body, r)
	}
	return r, err
}

// book posts the meeting as the employee with this token.
func (p *process) book(assertion string) *reply {
	p.t.Helper()
	return p.post("/tenants/"+nordbank+"/events", read(p.t, booked), "Authorization", "Bearer "+assertion)
}

func (p *process) get(path string) (status int, body string) {
	p.t.Helper()
	res, err := http.Get(p.url + path)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// logBuffer keeps the log, and lets a test wait for a line of it.
type logBuffer struct {
	mu    sync.Mutex
	text  bytes.Buffer
	lines chan string
	in    *io.PipeWriter
}

func newLog() *logBuffer {
	r, w := io.Pipe()
	l := &logBuffer{lines: make(chan string, 10000), in: w}
	go func() {
		for s := bufio.NewScanner(r); s.Scan(); {
			l.lines <- s.Text()
		}
	}()
	return l
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	l.text.Write(p)
	l.mu.Unlock()
	return l.in.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// await reads the log up to a line with this message.
func (p *process) await(message string) {
	p.t.Helper()
	late := time.After(time.Minute)
	for {
		select {
		case line := <-p.log.lines:
			if strings.Contains(line, `"msg":"`+message) {
				return
			}
		case <-late:
			p.t.Fatalf("the log never says %q:\n%s", message, p.log)
		}
	}
}

// hold is a request to Dataverse that a test keeps back: the first write.
type hold struct {
	taken         atomic.Bool
	here, release chan struct{}
}

func newHold() *hold { return &hold{here: make(chan struct{}), release: make(chan struct{})} }

func (h *hold) before(r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/$batch") && h.taken.CompareAndSwap(false, true) {
		close(h.here)
		<-h.release
	}
}

// let lets the request through; only the first call counts.
func (h *hold) let() {
	select {
	case <-h.release:
	default:
		close(h.release)
	}
}
