package temporal

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"github.com/andmoneyaps/engage-playbooks/dataverse/simulator"
	"github.com/andmoneyaps/engage-playbooks/playbook"
)

// ServerVariable names the binary of temporal/devserver for the tests that need
// a real server. It takes minutes to build on a new machine, so that .ci/run
// builds it last, and these tests are left out without it.
const ServerVariable = "ENGAGE_TEMPORAL_SERVER"

// patience bounds everything that is waited for: the machine may be slow.
const patience = 10 * time.Minute

// startServer starts a server that ends with the test, and gives its address.
func startServer(t testing.TB) string {
	t.Helper()
	binary := os.Getenv(ServerVariable)
	if binary == "" {
		t.Skipf("%s is not set: it names the binary of temporal/devserver", ServerVariable)
	}
	cmd := exec.Command(binary)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Signal(syscall.SIGKILL); _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the server says %q: %v", line, err)
	}
	return strings.TrimSpace(line)
}

// dial connects to it.
func dial(t testing.TB, address string, change func(*Options)) *Client {
	t.Helper()
	hostPort, namespace, err := ParseAddress(address)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Keys: testKeys(t), Temporal: client.Options{HostPort: hostPort, Namespace: namespace, Logger: quiet{}}}
	if change != nil {
		change(&o)
	}
	c, err := Dial(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// work starts a worker in this process.
func work(t testing.TB, c *Client, h Host) {
	t.Helper()
	w := c.Worker(h, worker.Options{StickyScheduleToStartTimeout: time.Second})
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Stop)
}

// eventually asks until the answer is yes.
func eventually(t testing.TB, what string, yes func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !yes() {
		if time.Now().After(deadline) {
			t.Fatalf("waited %s for %s", patience, what)
		}
		time.Sleep(20 * time.Millisecond) // at the border of another process
	}
}

// What only a real server shows: duplicates, search attributes, errors of
// starters, payloads kept elsewhere, secrets in the history.
func TestOnAServer(t *testing.T) {
	address := startServer(t)
	s := portalMeeting(t)
	s.host.Heartbeat = 3 * time.Second
	vaultDir := t.TempDir()
	vault, err := Folder(vaultDir, testKeys(t))
	if err != nil {
		t.Fatal(err)
	}
	c := dial(t, address, func(o *Options) { o.SearchAttributes, o.Vault = true, vault })
	if err := c.Listening(t.Context()); !errors.Is(err, ErrNoWorker) {
		t.Errorf("before there is a worker: %v", err)
	}
	work(t, c, s.host)
	eventually(t, "the worker", func() bool { return c.Listening(t.Context()) == nil })

	t.Run("a run, and its event a second time", func(t *testing.T) {
		ev := s.event(t, simulator.AssertionOptions{})
		first, err := c.Start(t.Context(), tenant, s.playbook, ev)
		if err != nil || first.Found {
			t.Fatal(first, err)
		}
		second, err := c.Start(t.Context(), tenant, s.playbook, ev)
		if err != nil || !second.Found || second.RunID != first.RunID {
			t.Errorf("while it is open: %+v, %v", second, err)
		}
		res, err := first.Result(t.Context())
		if err != nil || res.Status != playbook.StatusSucceeded || len(res.Writes) != 2 || res.Output == nil {
			t.Fatalf("%v\n%s", err, show(res))
		}
		for _, options := range [][]StartOption{nil, {Again()}} {
			third, err := c.Start(t.Context(), tenant, s.playbook, ev, options...)
			if err != nil || !third.Found || third.RunID != first.RunID {
				t.Errorf("when it has succeeded: %+v, %v", third, err)
			}
		}
		if n := s.count("appointments"); n != 1 {
			t.Errorf("%d appointments", n)
		}
		p, err := first.Progress(t.Context())
		if err != nil || p.Phase != PhaseEnded || p.Record.Status != playbook.StatusSucceeded {
			t.Errorf("%v: %s", err, show(p))
		}
		if left, _ := os.ReadDir(vaultDir); len(left) != 0 {
			t.Errorf("%d assertions are left in the vault", len(left))
		}
		history := fetch(t, c, first)
		for _, secret := range []string{ev.Assertion, "lindqvist", "Mortgage review", "eyJ"} {
			if strings.Contains(string(history), secret) {
				t.Errorf("%.20q stands in the history in the clear", secret)
			}
		}
		eventually(t, "the search attributes", func() bool {
			n, err := c.Temporal().CountWorkflow(t.Context(), countRequest(s.playbook.ID))
			return err == nil && n.GetCount() == 1
		})
	})

	t.Run("a run that failed, again", func(t *testing.T) {
		ev := s.event(t, simulator.AssertionOptions{})
		ev.ID = "fails"
		owner := ev.Data.(map[string]any)["Meeting"].(map[string]any)["MeetingOwner"].(map[string]any)
		right := owner["Email"]
		owner["Email"] = "nobody@bank.example"
		run, err := c.Start(t.Context(), tenant, s.playbook, ev)
		if err != nil {
			t.Fatal(err)
		}
		res, err := run.Result(t.Context())
		be, ok := errors.AsType[*playbook.BlockError](err)
		if !ok || be.Block != "Book meeting" || res.Status != playbook.StatusFailed {
			t.Fatalf("%v\n%s", err, show(res))
		}
		owner["Email"] = right
		if found, err := c.Start(t.Context(), tenant, s.playbook, ev); err != nil || !found.Found || found.RunID != run.RunID {
			t.Errorf("%+v, %v", found, err)
		}
		other, err := c.Start(t.Context(), tenant, s.playbook, ev, Again())
		if err != nil || other.Found {
			t.Fatalf("%+v, %v", other, err)
		}
		if res, err := other.Result(t.Context()); err != nil || res.Status != playbook.StatusSucceeded {
			t.Errorf("%v\n%s", err, show(res))
		}
	})

	t.Run("sign in again", func(t *testing.T) {
		ev := s.event(t, simulator.AssertionOptions{Lifetime: -time.Minute})
		ev.ID = "sign in"
		run, err := c.Start(t.Context(), tenant, s.playbook, ev)
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, "the run to wait", func() bool {
			p, err := run.Progress(t.Context())
			return err == nil && p.Phase == PhaseSignIn
		})
		if err := run.SignIn(t.Context(), "no token"); !errors.Is(err, ErrNoAssertion) {
			t.Error(err)
		}
		if err := run.SignIn(t.Context(), s.assertion("other@bank.example", simulator.AssertionOptions{})); !errors.Is(err, ErrOtherEmployee) {
			t.Error(err)
		}
		if err := run.SignIn(t.Context(), s.assertion(ev.Actor.Email, simulator.AssertionOptions{})); err != nil {
			t.Fatal(err)
		}
		if res, err := run.Result(t.Context()); err != nil || res.Status != playbook.StatusSucceeded {
			t.Errorf("%v\n%s", err, show(res))
		}
	})

	t.Run("cancelled while it waits", func(t *testing.T) {
		ev := s.event(t, simulator.AssertionOptions{Lifetime: -time.Minute})
		ev.ID = "cancelled"
		run, err := c.Start(t.Context(), tenant, s.playbook, ev)
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, "the run to wait", func() bool {
			p, err := run.Progress(t.Context())
			return err == nil && p.Phase == PhaseSignIn
		})
		if err := run.Cancel(t.Context()); err != nil {
			t.Fatal(err)
		}
		res, err := run.Result(t.Context())
		if err == nil || res.Status != playbook.StatusFailed || res.Error.Code != codeSignIn {
			t.Errorf("%v\n%s", err, show(res))
		}
	})

	t.Run("what cannot be started or found", func(t *testing.T) {
		ev := s.event(t, simulator.AssertionOptions{})
		ev.ID = ""
		if _, err := c.Start(t.Context(), tenant, s.playbook, ev); !errors.Is(err, ErrNoEventID) {
			t.Error(err)
		}
		ev.ID, ev.Type = "x", "MeetingEnded"
		if _, err := c.Start(t.Context(), tenant, s.playbook, ev); !errors.Is(err, playbook.ErrOtherTrigger) {
			t.Error(err)
		}
		if _, err := c.Find(tenant, "no", "such").Progress(t.Context()); !errors.Is(err, ErrNoRun) {
			t.Error(err)
		}
		if _, err := c.Find(tenant, "no", "such").Result(t.Context()); !errors.Is(err, ErrNoRun) {
			t.Error(err)
		}
	})
}

func TestNobodyListens(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	_, err := Dial(ctx, Options{Keys: testKeys(t), Temporal: client.Options{HostPort: "127.0.0.1:1"}})
	if !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), "127.0.0.1:1") {
		t.Error(err)
	}
	if _, err := Dial(ctx, Options{}); err == nil || !strings.Contains(err.Error(), "keys") {
		t.Errorf("without keys: %v", err)
	}
}
