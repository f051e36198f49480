package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/andmoneyaps/engage-playbooks/dataverse/simulator"
)

// What an event of an employee does: one exchange, one appointment that they
// created, a record, and what the Output block made.
func TestAnEmployeesEvent(t *testing.T) {
	b := start(t, portalMeeting, nordbank, "sandbox", nil)
	p := serve(t, flagOf(b)...)
	r := p.book(b.Employee(mette))
	if r.status != http.StatusOK || r.Environment != "sandbox" || r.Event != "8f0e4a52-6a3c-4f7e-9a53-1f0f6f3f2b11" || r.Error != nil || len(r.Runs) != 1 {
		t.Fatalf("%d %s", r.status, r.text)
	}
	run := r.Runs[0]
	if run.Playbook != "portal-meeting-booked" || run.Status != "succeeded" || len(run.Writes) != 2 || run.Stats.Requests != 5 {
		t.Errorf("%+v", run)
	}
	if id, _ := run.Output["meeting"].(map[string]any); id["id"] != run.Writes[0].ID {
		t.Errorf("the output is %v", run.Output)
	}
	if me := b.Server.Entra.ObjectID(mette); run.Actor.ObjectID != me || run.Actor.TenantID != nordbank {
		t.Errorf("the actor is %+v, want the token's %s", run.Actor, me)
	}
	for _, block := range run.Blocks {
		if string(block.Output) != "null" {
			t.Errorf("what %s read is in the answer", block.Name)
		}
	}
	if n := b.Server.Entra.TokenCount(simulator.GrantOnBehalfOf); n != 1 {
		t.Errorf("%d exchanges, want 1", n)
	}
	if n := b.Server.Entra.TokenCount(simulator.GrantClientCredentials); n != 0 {
		t.Errorf("the application was asked %d times", n)
	}
	if meetings := b.Server.Records("appointments"); len(meetings) != 1 {
		t.Errorf("%d appointments", len(meetings))
	}
}

// The platform sends an event again when it has no answer: it writes once.
func TestAReplayedEventWritesOnce(t *testing.T) {
	b := start(t, portalMeeting, nordbank, "sandbox", nil)
	p := serve(t, flagOf(b)...)
	assertion := b.Employee(mette)
	first, again := p.book(assertion), p.book(assertion)
	if first.status != http.StatusOK || again.status != http.StatusOK {
		t.Fatalf("%d, then %d: %s", first.status, again.status, again.text)
	}
	for i, w := range again.Runs[0].Writes {
		if w.Operation != "unchanged" || w.ID != first.Runs[0].Writes[i].ID {
			t.Errorf("the second time: %+v", w)
		}
	}
	if n := len(b.Server.Records("appointments")); n != 1 {
		t.Errorf("%d appointments", n)
	}
}

// Who may not is told so by status and code, before anything is written.
func TestRefusals(t *testing.T) {
	b := start(t, portalMeeting, nordbank, "sandbox", nil)
	other := start(t, twoBanks, sydbank, "production", nil)
	p := serve(t, flagOf(b, other)...)
	good := b.Employee(mette)
	event := read(t, booked)
	with := func(change func(map[string]any)) []byte {
		var ev map[string]any
		if err := json.Unmarshal(event, &ev); err != nil {
			t.Fatal(err)
		}
		change(ev)
		data, err := json.Marshal(ev)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	const here = "/tenants/" + nordbank + "/events"
	for name, c := range map[string]struct {
		path   string
		event  []byte
		header []string
		status int
		code   string
	}{
		"another tenant's employee": {header: []string{"Authorization", "Bearer " + other.Employee(mette)}, status: 403, code: "wrong-tenant"},
		"expired": {header: []string{"Authorization", "Bearer " + b.Server.Entra.Assertion(mette, simulator.AssertionOptions{Lifetime: -time.Minute})},
			status: 401, code: "sign-in-required"},
		"forged": {header: []string{"Authorization", "Bearer " + b.Server.Entra.Assertion(mette, simulator.AssertionOptions{BadSignature: true})},
			status: 401, code: "assertion-refused"},
		"an application's token": {header: []string{"Authorization", "Bearer " + b.Server.Entra.Assertion(mette, simulator.AssertionOptions{AppOnly: true})},
			status: 403, code: "app-only-token"},
		"nobody's token": {status: 401, code: "assertion-refused"},
		"another's event": {event: with(func(ev map[string]any) {
			ev["actor"] = map[string]any{"kind": "employee", "objectId": "00000000-0000-4000-8000-000000000bad"}
		}), header: []string{"Authorization", "Bearer " + good}, status: 403, code: "other-actor"},
		"an employee who says to be a job": {event: with(func(ev map[string]any) { ev["actor"] = map[string]any{"kind": "system"} }),
			header: []string{"Authorization", "Bearer " + good}, status: 401, code: "no-platform-key"},
		"a wrong key": {event: with(func(ev map[string]any) { ev["actor"] = map[string]any{"kind": "system"} }),
			header: []string{"Engage-Platform-Key", platformKey + "x"}, status: 401, code: "no-platform-key"},
		"a job without a user of the CRM": {event: with(func(ev map[string]any) { ev["actor"] = map[string]any{"kind": "system"} }),
			header: []string{"Engage-Platform-Key", platformKey}, status: 403, code: "actor-without-identity"},
		"unknown tenant":      {path: "/tenants/6f0a1c1e-0000-4000-8000-00000000000f/events", header: []string{"Authorization", "Bearer " + good}, status: 404, code: "unknown-tenant"},
		"unknown environment": {path: here + "?environment=productoin", header: []string{"Authorization", "Bearer " + good}, status: 404, code: "unknown-environment"},
		"no event":            {event: []byte(`{"type": "PortalMeetings"`), header: []string{"Authorization", "Bearer " + good}, status: 400, code: "no-event"},
		"an event without id": {event: with(func(ev map[string]any) { delete(ev, "id") }), header: []string{"Authorization", "Bearer " + good}, status: 400, code: "no-event-id"},
		"an event too large": {event: with(func(ev map[string]any) { ev["portal"] = strings.Repeat("x", 4<<20) }),
			header: []string{"Authorization", "Bearer " + good}, status: 413, code: "too-large"},
		"data off its schema": {event: with(func(ev map[string]any) { ev["data"].(map[string]any)["Meeting"].(map[string]any)["StartDate"] = "soon" }),
			header: []string{"Authorization", "Bearer " + good}, status: 422, code: "event-data"},
		"an unknown customer": {event: with(func(ev map[string]any) {
			ev["data"].(map[string]any)["Meeting"].(map[string]any)["ExternalAttendees"] = []any{map[string]any{"Email": "nobody@bank.example"}}
		}), header: []string{"Authorization", "Bearer " + good}, status: 422, code: "required-mapping"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.path == "" {
				c.path = here
			}
			if c.event == nil {
				c.event = event
			}
			r := p.post(c.path, c.event, c.header...)
			if r.status != c.status || r.code() != c.code {
				t.Errorf("%d %q, want %d %q\n%s", r.status, r.code(), c.status, c.code, r.text)
			}
			if challenge := r.header.Get("WWW-Authenticate"); (challenge != "") != (c.status == 401) {
				t.Errorf("WWW-Authenticate: %s", challenge)
			}
		})
	}
	if n := len(b.Server.Records("appointments")); n != 0 {
		t.Errorf("%d appointments were written", n)
	}
	if n := b.Server.Entra.TokenCount(simulator.GrantClientCredentials); n != 0 {
		t.Errorf("the application was asked %d times", n)
	}
}

// What Entra demands goes back to the front end, and what the front end then
// gets serves.
func TestAClaimsChallengeIsRelayed(t *testing.T) {
	b := start(t, portalMeeting, nordbank, "sandbox", nil)
	p := serve(t, flagOf(b)...)
	const demanded = `{"access_token":{"acrs":{"essential":true,"value":"c1"}}}`
	if err := b.Server.Entra.Demand(mette, 50076, demanded); err != nil {
		t.Fatal(err)
	}
	r := p.book(b.Employee(mette))
	challenge := r.header.Get("WWW-Authenticate")
	if r.status != http.StatusUnauthorized || r.code() != "sign-in-required" || !strings.HasPrefix(challenge, `Bearer realm="`+nordbank+`", authorization_uri="`+b.Server.Authority) ||
		!strings.Contains(challenge, `error="insufficient_claims"`) {
		t.Fatalf("%d %s\n%s", r.status, challenge, r.text)
	}
	_, encoded, _ := strings.Cut(challenge, `claims="`)
	claims, err := base64.StdEncoding.DecodeString(strings.TrimSuffix(encoded, `"`))
	if err != nil || string(claims) != demanded {
		t.Errorf("claims %s, %v", claims, err)
	}
	if len(r.Runs) != 1 || r.Runs[0].Status != "failed" || len(b.Server.Records("appointments")) != 0 {
		t.Errorf("%s", r.text)
	}
	again := p.book(b.Server.Entra.Assertion(mette, simulator.AssertionOptions{Claims: map[string]any{"acrs": []string{"c1"}}}))
	if again.status != http.StatusOK || len(b.Server.Records("appointments")) != 1 {
		t.Errorf("after the sign-in: %d %s", again.status, again.text)
	}
}

// Several playbooks for one event know nothing of each other.
func TestPlaybooksAreIndependent(t *testing.T) {
	dir := copyWorkspace(t, portalMeeting)
	write(t, filepath.Join(dir, "playbooks", "a-denied.yaml"), `kind: Playbook
id: a-denied
name: Nobody allowed this one
blocks:
  - {name: Portal meeting, type: Trigger, trigger: PortalMeetings}
  - name: Read advisor
    type: EntityPatternRead
    pattern: find-advisor
    identity: application
    reason: To be refused
    inputs:
      - {from: Portal meeting, map: [{source: Meeting.MeetingOwner.Email, destination: advisor.Email, required: true}]}
`)
	b := start(t, dir, nordbank, "sandbox", nil)
	r := serve(t, flagOf(b)...).book(b.Employee(mette))
	if r.status != http.StatusForbidden || r.code() != "escalation-denied" || len(r.Runs) != 2 {
		t.Fatalf("%d %s", r.status, r.text)
	}
	if r.Runs[0].Status != "failed" || r.Runs[1].Status != "succeeded" || len(r.Runs[1].Writes) != 2 {
		t.Errorf("%s", r.text)
	}
}

// Two banks, and two environments of one, in one process: each event goes where
// it belongs, as whom it may.
func TestBanksSideBySide(t *testing.T) {
	sandbox := start(t, twoBanks, nordbank, "sandbox", nil)
	production := start(t, twoBanks, nordbank, "production", nil)
	syd := start(t, twoBanks, sydbank, "production", nil)
	args := append(flagOf(syd), "-bank", twoBanks+"="+sandbox.Environment+","+production.Environment)
	p := serve(t, args...)
	event := read(t, citizen)
	key := []string{"Engage-Platform-Key", platformKey}
	tasks := func() []int {
		return []int{len(sandbox.Server.Records("tasks")), len(production.Server.Records("tasks")), len(syd.Server.Records("tasks"))}
	}
	if r := p.post("/tenants/"+nordbank+"/events", event, key...); r.status != http.StatusBadRequest || r.code() != "ambiguous-environment" {
		t.Errorf("%d %s", r.status, r.text)
	}
	for i, c := range []struct {
		path string
		want []int
	}{
		{"/tenants/" + nordbank + "/events?environment=production", []int{0, 1, 0}},
		{"/tenants/" + sydbank + "/events", []int{0, 1, 1}},
		{"/tenants/" + strings.ToUpper(nordbank) + "/events?environment=sandbox", []int{1, 1, 1}},
	} {
		if r := p.post(c.path, event, key...); r.status != http.StatusOK || len(r.Runs) != 1 || len(r.Runs[0].Writes) != 1 {
			t.Errorf("%d: %d %s", i, r.status, r.text)
		}
		if got := tasks(); !slices.Equal(got, c.want) {
			t.Errorf("%s: tasks %v, want %v", c.path, got, c.want)
		}
	}
	for name, b := range map[string]*simulator.Server{"sandbox": sandbox.Server, "production": production.Server, "syd": syd.Server} {
		if n := b.Entra.TokenCount(""); n != 1 {
			t.Errorf("%s: %d tokens were asked for, want the application's", name, n)
		}
	}
}

// What is measured and logged has names of documents, and no value, no token.
func TestMetricsAndLogHoldNoValues(t *testing.T) {
	b := start(t, portalMeeting, nordbank, "sandbox", nil)
	p := serve(t, flagOf(b)...)
	assertion := b.Employee(mette)
	for range 2 {
		if r := p.book(assertion); r.status != http.StatusOK {
			t.Fatal(r.text)
		}
	}
	p.post("/tenants/"+nordbank+"/events", read(t, "../portal-meeting/events/unknown-customer.json"), "Authorization", "Bearer "+assertion)
	status, text := p.get("/metrics")
	if status != http.StatusOK {
		t.Fatal(status, text)
	}
	for _, want := range []string{
		`engage_run_duration_seconds_count{environment="sandbox",playbook="portal-meeting-booked",status="succeeded"} 2`,
		`engage_run_duration_seconds_count{environment="sandbox",playbook="portal-meeting-booked",status="failed"} 1`,
		`engage_records_written_total{environment="sandbox",operation="create",playbook="portal-meeting-booked"} 2`,
		`engage_records_written_total{environment="sandbox",operation="unchanged",playbook="portal-meeting-booked"} 2`,
		`engage_event_duration_seconds_count{environment="sandbox",status="200"} 2`,
		`engage_runs_active{environment="sandbox"} 0`,
		`engage_workspace_loads_total{outcome="loaded",workspace="../portal-meeting"} 1`,
		`dataverse_client_request_duration_seconds_bucket{`,
		`dataverse_client_token_duration_seconds_count{`,
		`go_memstats_heap_alloc_bytes `,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	secrets := []string{
		assertion, assertion[strings.LastIndex(assertion, ".")+1:], "eyJ", simulator.DefaultClientSecret, platformKey,
		"bank.example", "Mette", "Lindqvist", "Mortgage", "Kongens", "PM-20260312",
	}
	for where, text := range map[string]string{"the metrics": text, "the log": p.log.String()} {
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				t.Errorf("%s have %q:\n%s", where, secret, text)
			}
		}
	}
	for _, want := range []string{`"msg":"record written"`, `"operation":"create"`, `"environment":"sandbox"`, `"objectId":"` + b.Server.Entra.ObjectID(mette)} {
		if !strings.Contains(p.log.String(), want) {
			t.Errorf("the log has no %s:\n%s", want, p.log)
		}
	}
}

// copyWorkspace copies a workspace, so that a test can change it.
func copyWorkspace(t *testing.T, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), filepath.Base(dir))
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// replaceIn changes a document of a copied workspace.
func replaceIn(t *testing.T, file, old, now string) {
	t.Helper()
	text := read(t, file)
	if !bytes.Contains(text, []byte(old)) {
		t.Fatalf("%s has no %q", file, old)
	}
	write(t, file, strings.Replace(string(text), old, now, 1))
}
