package main

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// sent is an event that was posted, and whose answer is to come.
type sent struct {
	reply *reply
	err   error
}

// send posts the meeting from another goroutine.
func (p *process) send(assertion string) <-chan sent {
	p.t.Helper()
	event, ended := read(p.t, booked), make(chan sent, 1)
	go func() {
		r, err := p.tryPost("/tenants/"+nordbank+"/events", event, "Authorization", "Bearer "+assertion)
		ended <- sent{r, err}
	}()
	return ended
}

// SIGTERM while a run is under way: new events get 503, the run ends and is
// answered, the process exits with 0.
func TestSIGTERMLetsRunsEnd(t *testing.T) {
	h := newHold()
	b := start(t, portalMeeting, nordbank, "sandbox", h)
	p, cmd := spawn(t, flagOf(b)...)
	if status, _ := p.get("/healthz"); status != http.StatusOK {
		t.Fatalf("before the stop it is %d", status)
	}
	under := p.send(b.Employee(mette))
	<-h.here
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.await("stopping")
	if r := p.book(b.Employee(mette)); r.status != http.StatusServiceUnavailable || r.code() != "stopping" || r.header.Get("Retry-After") != "1" {
		t.Errorf("a new event: %d %s", r.status, r.text)
	}
	if status, _ := p.get("/healthz"); status != http.StatusServiceUnavailable {
		t.Errorf("while it stops it is %d", status)
	}
	h.let()
	if s := <-under; s.err != nil || s.reply.status != http.StatusOK || s.reply.Runs[0].Status != "succeeded" {
		t.Errorf("the run under way: %v %+v", s.err, s.reply)
	}
	if code := p.wait(); code != 0 {
		t.Errorf("exit %d\n%s", code, p.log)
	}
	if n := len(b.Server.Records("appointments")); n != 1 {
		t.Errorf("%d appointments", n)
	}
}

// A run that outlasts the stop is cut off, says so, and can be repeated.
func TestARunThatOutlastsTheStop(t *testing.T) {
	h := newHold()
	b := start(t, portalMeeting, nordbank, "sandbox", h)
	p := serve(t, append(flagOf(b), "-drain", "1ms")...)
	under := p.send(b.Employee(mette))
	<-h.here
	p.stop()
	s := <-under
	if s.err != nil || s.reply.status != http.StatusServiceUnavailable || s.reply.code() != "canceled" || s.reply.header.Get("Retry-After") == "" {
		t.Fatalf("%v %+v", s.err, s.reply)
	}
	if code := p.wait(); code != 0 {
		t.Errorf("exit %d\n%s", code, p.log)
	}
	if r := serve(t, flagOf(b)...).book(b.Employee(mette)); r.status != http.StatusOK || len(b.Server.Records("appointments")) != 1 {
		t.Errorf("another service: %d %s", r.status, r.text)
	}
}

// A caller that goes away does not end its run.
func TestACallerThatGoesAway(t *testing.T) {
	h := newHold()
	b := start(t, portalMeeting, nordbank, "sandbox", h)
	p := serve(t, flagOf(b)...)
	ctx, goAway := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url+"/tenants/"+nordbank+"/events", bytes.NewReader(read(t, booked)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+b.Employee(mette))
	ended := make(chan error, 1)
	go func() { _, err := http.DefaultClient.Do(req); ended <- err }()
	<-h.here
	goAway()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	h.let()
	p.await("run ended")
	if n := len(b.Server.Records("appointments")); n != 1 {
		t.Errorf("%d appointments", n)
	}
}

// SIGHUP while a run is under way: the run goes on with the documents that it
// began with, new events meet the new ones, and documents with a mistake change
// nothing.
func TestSIGHUPReloads(t *testing.T) {
	dir := copyWorkspace(t, portalMeeting)
	book := filepath.Join(dir, "playbooks", "portal-meeting-booked.yaml")
	h := newHold()
	b := start(t, dir, nordbank, "sandbox", h)
	p, cmd := spawn(t, flagOf(b)...)
	p.await("workspace loaded")
	hangup := func(message string) {
		t.Helper()
		if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		p.await(message)
	}

	under := p.send(b.Employee(mette))
	<-h.here
	replaceIn(t, book, "value: Booked in the portal", "value: Booked anew")
	hangup("workspace loaded")
	event := strings.Replace(string(read(t, booked)), "8f0e4a52-6a3c-4f7e-9a53-1f0f6f3f2b11", "second", 1)
	again := p.post("/tenants/"+nordbank+"/events", []byte(event), "Authorization", "Bearer "+b.Employee(mette))
	if again.status != http.StatusOK {
		t.Fatalf("%d %s", again.status, again.text)
	}
	if got := subjects(b.Server.Records("annotations")); got != "Booked anew" {
		t.Errorf("after the reload, notes %s", got)
	}
	h.let()
	if s := <-under; s.err != nil || s.reply.status != http.StatusOK {
		t.Errorf("the run under way: %v %+v", s.err, s.reply)
	}
	if got := subjects(b.Server.Records("annotations")); !strings.Contains(got, "Booked in the portal") || !strings.Contains(got, "Booked anew") {
		t.Errorf("notes %s", got)
	}

	replaceIn(t, book, "pattern: book-meeting", "pattern: book-meting")
	hangup("not reloaded")
	if r := p.book(b.Employee(mette)); r.status != http.StatusOK {
		t.Errorf("after a reload that failed: %d %s", r.status, r.text)
	}
	if text := p.log.String(); !strings.Contains(text, "book-meeting") || !strings.Contains(text, "playbooks/portal-meeting-booked.yaml:") {
		t.Errorf("the log does not say what is wrong where:\n%s", text)
	}
	if n := b.Server.Entra.TokenCount(""); n > 3 {
		t.Errorf("%d tokens were asked for: the reload forgot those that were there", n)
	}
}

// A policy that the environment's document changed holds from the reload on.
func TestAPolicyReloads(t *testing.T) {
	b := start(t, twoBanks, sydbank, "production", nil)
	p := serve(t, flagOf(b)...)
	p.await("workspace loaded")
	post := func() *reply {
		return p.post("/tenants/"+sydbank+"/events", read(t, citizen), "Engage-Platform-Key", platformKey)
	}
	if r := post(); r.status != http.StatusOK {
		t.Fatalf("%d %s", r.status, r.text)
	}
	replaceIn(t, b.Environment, `"by-anyone/Write task"`, `"by-anyone/Another block"`)
	p.hangup <- syscall.SIGHUP
	p.await("workspace loaded")
	if r := post(); r.status != http.StatusForbidden || r.code() != "escalation-denied" {
		t.Errorf("%d %s", r.status, r.text)
	}
	if n := b.Server.Entra.TokenCount(""); n != 1 {
		t.Errorf("%d tokens were asked for, want 1", n)
	}
}

func subjects(notes []map[string]any) string {
	var all []string
	for _, n := range notes {
		s, _ := n["subject"].(string)
		all = append(all, s)
	}
	return strings.Join(all, ", ")
}
