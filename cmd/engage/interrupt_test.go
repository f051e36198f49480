package main_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/andmoneyaps/engage-playbooks/cmd/engage/internal/cli"
	"github.com/andmoneyaps/engage-playbooks/dataverse/simulator"
)

// held is the service behind a proxy that never answers the requests that
// match; the first of them closes reached.
func held(t *testing.T, service string, match func(*http.Request) bool) (address string, reached <-chan struct{}) {
	t.Helper()
	to, err := url.Parse(service)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	first := make(chan struct{})
	var once sync.Once
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !match(r) {
			proxy.ServeHTTP(w, r)
			return
		}
		once.Do(func() { close(first) })
		_, _ = io.Copy(io.Discard, r.Body) // so that the end of the connection is noticed
		<-r.Context().Done()
	}))
	t.Cleanup(server.Close)
	return server.URL, first
}

// Ctrl-C ends a run cleanly: it says what was written and what to do next.
func TestCtrlCEndsARun(t *testing.T) {
	for _, c := range []struct {
		name  string
		match func(*http.Request) bool
		says  string
	}{
		{"while it reads", func(r *http.Request) bool { return r.Method == "GET" && strings.HasSuffix(r.URL.Path, "/contacts") },
			"  nothing was written\n  next: run it again: what was written is not written twice\n"},
		{"while it writes", func(r *http.Request) bool { return r.Method == "POST" },
			"  whether all was written is not known: the service may have done what it could not confirm\n" +
				"  next: run the same event again: it finds what is there already and writes the rest\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBank(t)
			address, reached := held(t, b.Server.URL, c.match)
			b.connect(t, address)
			go func() {
				<-reached
				_ = syscall.Kill(os.Getpid(), syscall.SIGINT) // which the command listens for
			}()
			code, out, errs := b.book()
			if code != cli.ExitFailed || !strings.Contains(errs, c.says) || !strings.HasPrefix(errs, "failed: ") {
				t.Errorf("exit %d\n%s\n%s", code, out, errs)
			}
			if n := len(b.Server.Records("appointments")); n != 0 {
				t.Errorf("%d appointments", n)
			}
		})
	}
}

// A service that takes requests and never answers does not hold the checklist
// for longer than it is given.
func TestCheckOfAServiceThatHangs(t *testing.T) {
	b := newBank(t)
	address, _ := held(t, b.Server.URL, func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/WhoAmI") })
	b.connect(t, address)
	assertion := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(assertion, []byte(b.assertion), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := engage(t, "check", b.dir, "--environment", b.environment, "--assertion-file", assertion, "--timeout", "2s")
	if code != cli.ExitFailed || !strings.Contains(out, "employee token: ") ||
		!strings.Contains(errs, "the time limit of 2s passed: the list above is not complete; see whether the environment's url is right and answers") {
		t.Errorf("exit %d\n%s\n%s", code, out, errs)
	}
	code, _, errs = engage(t, "validate", b.dir, "--live", "--environment", b.environment, "--timeout", "0s")
	if code != cli.ExitUsage {
		t.Errorf("exit %d\n%s", code, errs)
	}
}

// signIn is what an employee does who reads the command's message on stderr.
type signIn struct {
	bytes.Buffer
	approve func(code string)
	asked   int
}

var deviceCode = regexp.MustCompile(`open (http://\S+) and enter (\w+)\n$`)

func (s *signIn) Write(p []byte) (int, error) {
	if m := deviceCode.FindSubmatch(p); m != nil {
		s.asked++
		s.approve(string(m[2]))
	}
	return s.Buffer.Write(p)
}

func TestSignInWithADeviceCode(t *testing.T) {
	b := newBank(t)
	run := func(user string) (int, *signIn) {
		s := &signIn{approve: func(code string) {
			if !b.Server.Entra.ApproveDevice(code, user) {
				t.Errorf("no sign-in waits for %s", code)
			}
		}}
		c := cli.Command{
			Args:   []string{"run", b.dir, "--event", filepath.Join(b.dir, "events", "booked.json"), "--environment", b.environment, "--sign-in"},
			Stdout: &bytes.Buffer{}, Stderr: s,
		}
		return c.Main(context.Background()), s
	}
	if code, s := run(""); code != cli.ExitFailed || s.asked != 1 || !strings.Contains(s.String(), "nothing was written") {
		t.Errorf("declined: exit %d, asked %d times\n%s", code, s.asked, s)
	}
	if code, s := run(advisor); code != cli.ExitDone || s.asked != 1 {
		t.Fatalf("exit %d, asked %d times\n%s", code, s.asked, s)
	}
	me := b.Server.Entra.ObjectID(advisor)
	for _, r := range b.Server.Entra.TokenRequests() {
		if r.Grant == simulator.GrantClientCredentials || r.Status == 200 && r.User != me {
			t.Errorf("a token for somebody else: %+v", r)
		}
	}
	if n := len(b.Server.Records("appointments")); n != 1 {
		t.Errorf("%d appointments, want 1", n)
	}
}

// A workspace of 10,000 files, and one that has every file of a disk in it.
func TestTenThousandFiles(t *testing.T) {
	dir := t.TempDir()
	if code, _, errs := engage(t, "init", filepath.Join(dir, "bank")); code != 0 {
		t.Fatal(errs)
	}
	dir = filepath.Join(dir, "bank")
	for i := range 100 {
		sub := filepath.Join(dir, "templates", fmt.Sprint(i))
		if err := os.MkdirAll(sub, 0o755); err != nil {
			t.Fatal(err)
		}
		for k := range 100 {
			text := fmt.Sprintf("kind: Template\nid: t%d-%d\nname: A text\ncontent: Hello\n", i, k)
			if err := os.WriteFile(filepath.Join(sub, fmt.Sprintf("%d.yaml", k)), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	if code, out, errs := engage(t, "validate", dir); code != 0 || out != "" {
		t.Errorf("exit %d\n%.500s\n%s", code, out, errs)
	}
}
