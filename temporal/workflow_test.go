package temporal

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/dataverse/simulator"
	"github.com/andmoneyaps/engage-playbooks/playbook"
)

// A durable run gives what a run in one process gives: of every example.
func TestDurableRunsAreRuns(t *testing.T) {
	files, err := filepath.Glob("../examples/*/events/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal(err, files)
	}
	ran := 0
	for _, file := range files {
		w, err := playbook.Load(os.DirFS(filepath.Dir(filepath.Dir(file))))
		if err != nil {
			continue // an example of two workspaces
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		ev, err := playbook.DecodeEvent(data)
		if err != nil || ev.ID == "" {
			continue
		}
		for _, p := range w.Playbooks() {
			if p.Trigger.Type.ID != ev.Type {
				continue
			}
			ran++
			var want, got string
			for _, durable := range []bool{false, true} {
				s := newSite(t, w, p.ID)
				if ev.Assertion, err = s.Assertion(ev.Actor); err != nil {
					t.Fatal(err)
				}
				if durable {
					res, err := s.trial(t, ev, nil).run(t)
					if res == nil {
						t.Fatalf("%s: %v", file, err)
					}
					got = essence(res)
				} else {
					res, _ := s.engine.Run(t.Context(), p, ev)
					want = essence(res)
				}
			}
			if got != want {
				t.Errorf("%s, %s: durable\n%s\nwhole\n%s", file, p.ID, got, want)
			}
		}
	}
	if ran < 10 {
		t.Errorf("only %d runs", ran)
	}
}

// essence is what matters of a result: neither times nor the service's ids.
func essence(r *playbook.Result) string {
	c := *r
	c.StartedAt, c.Duration, c.Stats.RoundTrips = time.Time{}, 0, 0
	c.Blocks, c.Outputs = nil, nil
	for i, b := range r.Blocks {
		b := *b
		b.StartedAt, b.Duration, b.Requests = time.Time{}, 0, nil
		c.Blocks = append(c.Blocks, &b)
		data, _ := json.Marshal(r.Outputs[i])
		c.Outputs = append(c.Outputs, len(data))
	}
	return show(&c)
}

func TestARunSucceeds(t *testing.T) {
	s := portalMeeting(t)
	tr := s.trial(t, s.event(t, simulator.AssertionOptions{}), nil)
	res, err := tr.run(t)
	if err != nil || res.Status != playbook.StatusSucceeded {
		t.Fatalf("%v\n%s", err, show(res))
	}
	if n := s.count("appointments"); n != 1 {
		t.Errorf("%d appointments", n)
	}
	if p := tr.progress(t); p.Phase != PhaseEnded || p.Record.Status != playbook.StatusSucceeded || len(p.Record.Writes) != 2 {
		t.Errorf("progress at the end: %s", show(p))
	}
}

func TestARunFails(t *testing.T) {
	s := portalMeeting(t)
	ev := s.event(t, simulator.AssertionOptions{})
	ev.Data.(map[string]any)["Meeting"].(map[string]any)["MeetingOwner"].(map[string]any)["Email"] = "nobody@bank.example"
	res, err := s.trial(t, ev, nil).run(t)
	if err == nil || res == nil || res.Status != playbook.StatusFailed || res.Error.Block != "Book meeting" {
		t.Fatalf("%v\n%s", err, show(res))
	}
	if n := s.count("appointments"); n != 0 {
		t.Errorf("%d appointments", n)
	}
}

// What an activity cannot do now is tried again, and counts as nothing.
func TestTemporalTriesAgain(t *testing.T) {
	s := portalMeeting(t)
	workspace, engine := s.host.Workspace, s.host.Engine
	var asked, denied atomic.Int32
	s.host.Workspace = func(ctx context.Context, hash string) (*playbook.Workspace, error) {
		if asked.Add(1) < 4 {
			return nil, ErrNoWorkspace
		}
		return workspace(ctx, hash)
	}
	s.host.Engine = func(ctx context.Context, tenant string) (*playbook.Engine, error) {
		if denied.Add(1) < 4 {
			return nil, errors.New("not yet")
		}
		return engine(ctx, tenant)
	}
	res, err := s.trial(t, s.event(t, simulator.AssertionOptions{}), nil).run(t)
	if err != nil || res.Status != playbook.StatusSucceeded || res.Stats.Retries != 0 {
		t.Fatalf("%v\n%s", err, show(res))
	}
}

// A run ends on the documents it started with.
func TestAWorkerWithOtherDocuments(t *testing.T) {
	s := portalMeeting(t)
	var all Workspaces
	s.host.Workspace = all.Get
	tr := s.trial(t, s.event(t, simulator.AssertionOptions{}), func(o *Options) { o.Timeout = time.Minute })
	tr.RegisterDelayedCallback(func() {
		if p := tr.progress(t); p.Phase != PhaseRunning || p.Record.Status != StatusRunning {
			t.Errorf("while no worker has the workspace: %s", show(p))
		}
	}, 30*time.Second)
	res, err := tr.run(t)
	if res != nil || err == nil || !strings.Contains(err.Error(), "cannot give the workspace "+s.playbook.Workspace.Hash()[:12]) {
		t.Errorf("%v\n%s", err, show(res))
	}

	tr = s.trial(t, s.event(t, simulator.AssertionOptions{}), nil)
	tr.RegisterDelayedCallback(func() { all.Add(s.playbook.Workspace) }, 10*time.Second)
	if res, err := tr.run(t); err != nil || res.Status != playbook.StatusSucceeded {
		t.Errorf("%v\n%s", err, show(res))
	}
	all.Drop(s.playbook.Workspace.Hash())
	if _, err := all.Get(t.Context(), s.playbook.Workspace.Hash()); !errors.Is(err, ErrNoWorkspace) {
		t.Error("a workspace that was dropped is there")
	}
}

func TestAPlaybookThatIsNotThere(t *testing.T) {
	s := portalMeeting(t)
	tr := s.trial(t, s.event(t, simulator.AssertionOptions{}), nil)
	tr.in.Run.Playbook = "another"
	if res, err := tr.run(t); res != nil || err == nil || !strings.Contains(err.Error(), `no playbook "another"`) {
		t.Errorf("%v\n%s", err, show(res))
	}
}

// An assertion that ended while the run waited is asked for again, and that of
// the same employee resumes the run.
func TestSignInAgain(t *testing.T) {
	s := portalMeeting(t)
	ev := s.event(t, simulator.AssertionOptions{Lifetime: -time.Minute})
	tr := s.trial(t, ev, nil)
	signal := func(after time.Duration, email string, check func(p *Progress)) {
		tr.RegisterDelayedCallback(func() {
			check(tr.progress(t))
			text, err := tr.client.options.Vault.Keep(t.Context(), tr.in.Run.holder(), s.assertion(email, simulator.AssertionOptions{}))
			if err != nil {
				t.Error(err)
			}
			tr.SignalWorkflow(signalSignIn, signIn{Assertion: text})
		}, after)
	}
	signal(3*time.Hour, "somebody.else@bank.example", func(p *Progress) {
		if p.Phase != PhaseSignIn || p.SignIn == nil || p.SignIn.Block != "Read advisor" || !strings.Contains(p.SignIn.Message, "expired") || p.SignIn.Refused != "" ||
			!strings.HasPrefix(p.SignIn.Challenge, "Bearer") {
			t.Errorf("while it waits: %s", show(p))
		}
		if got := statuses(p.Record); !strings.Contains(got, "running") {
			t.Errorf("blocks: %s", got)
		}
	})
	signal(4*time.Hour, "mette.holm@bank.example", func(p *Progress) {
		if p.Phase != PhaseSignIn || !strings.Contains(p.SignIn.Refused, "another employee") {
			t.Errorf("after somebody else's: %s", show(p))
		}
	})
	res, err := tr.run(t)
	if err != nil || res.Status != playbook.StatusSucceeded {
		t.Fatalf("%v\n%s", err, show(res))
	}
	for _, r := range s.Server.Records("appointments") {
		owner, _ := r["_createdby_value"].(string)
		if owner == "" {
			owner, _ = r["createdby"].(string)
		}
		if owner == "" {
			t.Errorf("created by nobody: %s", show(r))
		}
	}
	if n := s.count("appointments"); n != 1 {
		t.Errorf("%d appointments", n)
	}
}

// Nobody signs in: the block fails when the wait is over, or at once where
// there is none.
func TestNobodySignsInAgain(t *testing.T) {
	for _, wait := range []time.Duration{-1, time.Hour} {
		s := portalMeeting(t)
		tr := s.trial(t, s.event(t, simulator.AssertionOptions{Lifetime: -time.Minute}), func(o *Options) { o.SignIn = wait })
		started := tr.Now()
		res, err := tr.run(t)
		if err == nil || res == nil || res.Error == nil || res.Error.Code != codeSignIn || res.Error.Block != "Read advisor" {
			t.Fatalf("%v\n%s", err, show(res))
		}
		if took := tr.Now().Sub(started); (took >= time.Hour) != (wait > 0) {
			t.Errorf("waiting %s, it took %s", wait, took)
		}
	}
}

// A vault that has forgotten asks for a sign-in too.
func TestTheVaultForgets(t *testing.T) {
	keys := testKeys(t)
	vault, err := Folder(t.TempDir(), keys)
	if err != nil {
		t.Fatal(err)
	}
	s := portalMeeting(t)
	tr := s.trial(t, s.event(t, simulator.AssertionOptions{}), func(o *Options) { o.Vault = vault })
	if err := vault.Forget(t.Context(), tr.in.Run.holder(), tr.in.Assertion); err != nil {
		t.Fatal(err)
	}
	var kept string
	tr.RegisterDelayedCallback(func() {
		if p := tr.progress(t); p.Phase != PhaseSignIn {
			t.Errorf("while it waits: %s", show(p))
		}
		kept, err = vault.Keep(t.Context(), tr.in.Run.holder(), s.assertion("mette.holm@bank.example", simulator.AssertionOptions{}))
		if err != nil {
			t.Error(err)
		}
		tr.SignalWorkflow(signalSignIn, signIn{Assertion: kept})
	}, time.Hour)
	if res, err := tr.run(t); err != nil || res.Status != playbook.StatusSucceeded {
		t.Fatalf("%v\n%s", err, show(res))
	}
	if _, err := vault.Open(t.Context(), tr.in.Run.holder(), kept); !errors.Is(err, ErrForgotten) {
		t.Errorf("the assertion outlives its run: %v", err)
	}
}

// slow is a transport-like wait in an engine: its employee identity is not had
// before the context ends.
func slow(e *playbook.Engine, reached chan<- struct{}) *playbook.Engine {
	return &playbook.Engine{Client: e.Client, Allow: e.Allow, Application: e.Application,
		Employee: func(ctx context.Context, _ *playbook.Event) (dataverse.TokenSource, error) {
			select {
			case reached <- struct{}{}:
			default:
			}
			<-ctx.Done()
			return nil, context.Cause(ctx)
		}}
}

func TestARunIsCancelled(t *testing.T) {
	s := portalMeeting(t)
	reached := make(chan struct{}, 1)
	s.engine = slow(s.engine, reached)
	s.host.Heartbeat = 3 * time.Second
	tr := s.trial(t, s.event(t, simulator.AssertionOptions{}), nil)
	tr.SetOnActivityHeartbeatListener(func(*activity.Info, converter.EncodedValues) {
		select {
		case <-reached:
			tr.CancelWorkflow()
		default:
		}
	})
	res, err := tr.run(t)
	if err == nil || res == nil || res.Status != playbook.StatusFailed || res.Error.Code != "canceled" {
		t.Fatalf("%v\n%s", err, show(res))
	}
	if got := statuses(&res.Record); got != "succeeded succeeded succeeded failed notRun notRun notRun" {
		t.Errorf("blocks: %s", got)
	}
}

func TestTheTimeLimit(t *testing.T) {
	s := portalMeeting(t)
	tr := s.trial(t, s.event(t, simulator.AssertionOptions{Lifetime: -time.Minute}), func(o *Options) { o.Timeout, o.SignIn = 2*time.Hour, 9*time.Hour })
	started := tr.Now()
	res, err := tr.run(t)
	if err == nil || res == nil || res.Error.Code != codeSignIn {
		t.Fatalf("%v\n%s", err, show(res))
	}
	if took := tr.Now().Sub(started); took < 2*time.Hour || took > 3*time.Hour {
		t.Errorf("it took %s", took)
	}
}

// What is too large for the history is refused before it is sent, or fails its
// block.
func TestTooLarge(t *testing.T) {
	s := portalMeeting(t)
	ev := s.event(t, simulator.AssertionOptions{})
	c := unconnected(t, func(o *Options) { o.MaxPayload = 500 })
	if _, err := c.input(t.Context(), tenant, s.playbook, ev); !errors.Is(err, ErrTooLarge) || !strings.Contains(err.Error(), "500 bytes may stand there") {
		t.Errorf("an event that is too large: %v", err)
	}

	tr := s.trial(t, ev, nil)
	tr.in.Max = tr.in.Size + 100 // no room for what is read
	res, err := tr.run(t)
	if err == nil || res == nil || res.Error.Code != codeTooLarge || !strings.Contains(res.Error.Message, "too large for Temporal's history") {
		t.Fatalf("%v\n%s", err, show(res))
	}
	if n := s.count("appointments"); n != 0 {
		t.Errorf("%d appointments", n)
	}
}

// Outcomes and results that do not fit say what was written.
func TestTooLargeAfterAWrite(t *testing.T) {
	shop := newWorkshop(unconnected(t, nil), Host{})
	out := &stepped{Outcome: &playbook.Outcome{Output: strings.Repeat("x", 5000), BlockRecord: playbook.BlockRecord{Name: "Book", Status: playbook.StatusSucceeded}}}
	for range 500 {
		out.Outcome.Writes = append(out.Outcome.Writes, &playbook.WriteRecord{Block: "Book", Part: "notes", ID: NewKey("x"), Table: "annotation"})
	}
	if err := shop.fit(out, 2000); err != nil {
		t.Fatal(err)
	}
	o := out.Outcome
	if o.Status != playbook.StatusFailed || o.Output != nil || !strings.Contains(o.Error.Message, "its records are written") ||
		len(o.Warnings) != 1 || !strings.Contains(o.Warnings[0].Message, "500 records were written") || out.Size > 2000 {
		t.Errorf("%d bytes: %s", out.Size, show(o))
	}
	res := &playbook.Result{Output: NewKey("x"), Outputs: []any{""}}
	for range 100 {
		res.Outputs[0] = res.Outputs[0].(string) + NewKey("x")
	}
	res.Status, res.Blocks = playbook.StatusSucceeded, []*playbook.BlockRecord{{Name: "Book"}}
	if err := shop.shrink(res, 2000); err != nil {
		t.Fatal(err)
	}
	if len(res.Warnings) == 0 || res.Outputs[0] != nil {
		t.Errorf("%s", show(res))
	}
}
