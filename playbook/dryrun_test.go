package playbook_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/playbook"
)

func (b *bench) plan(t testing.TB, ev *playbook.Event, want playbook.Status) *playbook.Result {
	t.Helper()
	r, err := b.engine.DryRun(t.Context(), b.playbook, ev)
	if r == nil {
		t.Fatal(err)
	}
	if r.Status != want || !r.DryRun {
		t.Fatalf("status %s, error %v; want %s\n%s", r.Status, err, want, show(r))
	}
	for _, q := range b.Server.Requests() {
		if q.Method != http.MethodGet && !readsOnly(q.Parts) {
			t.Errorf("a dry run sent %s %s", q.Method, q.Path)
		}
	}
	return r
}

func readsOnly(parts any) bool {
	data, _ := json.Marshal(parts)
	return len(data) > 4 && !strings.Contains(string(data), `"Method":"P`) && !strings.Contains(string(data), `"Method":"D`)
}

// The plan shows what the run then does: the same requests, writes and output.
func TestDryRunShowsWhatTheRunDoes(t *testing.T) {
	b := setUp(t, "", nil)
	plan := b.plan(t, event(t, "booked.json"), playbook.StatusSucceeded)
	if b.count(t, "appointments") != 0 {
		t.Fatal("a dry run wrote")
	}
	run := b.run(t, event(t, "booked.json"), playbook.StatusSucceeded)
	type write struct {
		Part, Operation, Table, ID string
		Columns                    []string
	}
	list := func(r *playbook.Result) []write {
		var all []write
		for _, w := range r.Writes {
			all = append(all, write{w.Part, w.Operation, w.Table, w.ID, w.Columns})
		}
		return all
	}
	if diff := cmp.Diff(list(plan), list(run)); diff != "" {
		t.Errorf("writes -plan +run:\n%s", diff)
	}
	if diff := cmp.Diff(plan.Stats, run.Stats); diff != "" {
		t.Errorf("stats -plan +run:\n%s", diff)
	}
	if diff := cmp.Diff(plan.Output, run.Output); diff != "" {
		t.Errorf("output -plan +run:\n%s", diff)
	}
	for i := range plan.Blocks {
		var p, r []string
		for _, q := range plan.Blocks[i].Requests {
			path, _, _ := strings.Cut(q.Path, "?")
			p = append(p, q.Method+" "+path)
		}
		for _, q := range run.Blocks[i].Requests {
			r = append(r, q.Method+" "+q.Path)
		}
		if diff := cmp.Diff(p, r); diff != "" {
			t.Errorf("requests of %s -plan +run:\n%s", plan.Blocks[i].Name, diff)
		}
	}
}

func TestDryRunShowsBodiesValuesAndSources(t *testing.T) {
	b := setUp(t, "", nil)
	r := b.plan(t, event(t, "booked.json"), playbook.StatusSucceeded)
	meeting := r.Writes[0]
	i := slices.IndexFunc(meeting.Values, func(v playbook.WrittenValue) bool { return v.Column == "subject" })
	want := playbook.WrittenValue{Column: "subject", Field: "Subject", Value: "Mortgage review", Source: "Portal meeting: Meeting.Title"}
	if i < 0 {
		t.Fatal(show(meeting))
	}
	if diff := cmp.Diff(want, meeting.Values[i]); diff != "" {
		t.Error(diff)
	}
	writing := r.Blocks[5]
	q := writing.Requests[len(writing.Requests)-2]
	body, _ := json.Marshal(q.Body)
	if q.Method != "POST" || q.Path != "appointments" || q.ChangeSet != 1 || !strings.Contains(string(body), `"subject":"Mortgage review"`) {
		t.Errorf("%s", show(q))
	}
	if !strings.Contains(r.Blocks[3].Requests[0].Path, "mette.holm") {
		t.Errorf("the plan shows no filter: %s", show(r.Blocks[3]))
	}
}

// What is there already is found out: the plan says unchanged, as the run does.
func TestDryRunOfAnEventThatRan(t *testing.T) {
	b := setUp(t, "", nil)
	b.run(t, event(t, "booked.json"), playbook.StatusSucceeded)
	r, err := b.engine.DryRun(t.Context(), b.playbook, event(t, "booked.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range r.Writes {
		if w.Operation != playbook.Unchanged || w.Verdict != playbook.VerdictUnchanged {
			t.Errorf("%+v", w)
		}
	}
}

func TestDryRunSeesWhatWouldFail(t *testing.T) {
	b := setUp(t, "", nil)
	if r := b.plan(t, event(t, "unknown-customer.json"), playbook.StatusFailed); r.Error.Block != "Book meeting" {
		t.Errorf("a missing record: %+v", r.Error)
	}
	b = setUp(t, escalatedPlaybook(false), nil)
	if r := b.plan(t, event(t, "booked.json"), playbook.StatusFailed); r.Error.Code != "escalation-denied" {
		t.Errorf("a denied escalation: %+v", r.Error)
	}
	b = setUp(t, "", nil)
	ev := event(t, "booked.json")
	ev.Data.(map[string]any)["Meeting"].(map[string]any)["Title"] = strings.Repeat("x", 201)
	if r := b.plan(t, ev, playbook.StatusFailed); r.Error.Field != "Subject" || len(r.Writes) != 0 {
		t.Errorf("a value that does not fit: %+v", r.Error)
	}
}

const chainPlaybook = `kind: Playbook
id: chain
blocks:
  - {name: Event, type: Trigger, trigger: PortalMeetings}
  - name: New customer
    type: EntityPatternCreate
    pattern: new-customer
    inputs:
      - from: Event
        map: [{source: "Meeting.ExternalAttendees[0].Name", destination: customer.LastName}, {source: "Meeting.ExternalAttendees[0].Email", destination: customer.Email}]
  - name: Read back
    type: EntityPatternRead
    pattern: find-customer
    inputs: [{from: Event, map: [{source: "Meeting.ExternalAttendees[0].Email", destination: customer.Email}]}]
  - name: Phone
    type: EntityPatternUpdate
    pattern: new-customer
    inputs:
      - from: Read back
        map:
          - {source: "Results[0].customer[0].Id", destination: customer.Id}
          - {source: "Results[0].customer[0].Email", destination: customer.Phone}
  - name: Out
    type: Output
    when: len(blocks["Read back"].Results) > 0
    inputs: [{from: Read back, map: [{source: "Results[0].customer[0].FirstName", destination: name}]}]
`

const newCustomer = `kind: EntityPattern
id: new-customer
parts: [{ref: customer, entity: customer}]
`

// What depends on a write that is not made is unknown, not false, and says
// after which block it is known.
func TestDryRunCarriesWhatItCannotKnow(t *testing.T) {
	b := setUp(t, chainPlaybook, map[string]string{"patterns/new.yaml": newCustomer, "simulator/local.yaml": ""})
	r := b.plan(t, event(t, "unknown-customer.json"), playbook.StatusSucceeded)
	data := show(r)
	if !strings.Contains(data, "(known after Read back)") {
		t.Error(data)
	}
	if got := wrote(r); !slices.Equal(got, []string{"customer create contact", "customer update contact"}) {
		t.Errorf("%v", got)
	}
	if strings.Contains(data, `"After"`) {
		t.Errorf("what is not known is shown as a Go value: %s", data)
	}
	if r.Writes[1].Verdict != playbook.VerdictUnknown {
		t.Errorf("%+v", r.Writes[1])
	}
	b.run(t, event(t, "unknown-customer.json"), playbook.StatusSucceeded)
}

const updatePlaybook = `kind: Playbook
id: update
blocks:
  - {name: Event, type: Trigger, trigger: PortalMeetings}
  - name: Read
    type: EntityPatternRead
    pattern: find-customer
    inputs: [{from: Event, map: [{source: "Meeting.ExternalAttendees[0].Email", destination: customer.Email}]}]
  - name: Update
    type: EntityPatternUpdate
    pattern: new-customer
    inputs:
      - from: Read
        map: [{source: "Results[0].customer[0].Id", destination: customer.Id}, {source: "Results[0].customer[0].LastName", destination: customer.LastName}]
      - {from: Event, map: [{source: Meeting.Theme, destination: customer.Phone}]}
`

func TestDryRunOfAnUpdateShowsOldAndNew(t *testing.T) {
	b := setUp(t, updatePlaybook, map[string]string{"patterns/new.yaml": newCustomer, "simulator/local.yaml": ""})
	r := b.plan(t, event(t, "booked.json"), playbook.StatusSucceeded)
	if r.Writes[0].Verdict != playbook.VerdictUpdate {
		t.Errorf("%s", show(r.Writes[0]))
	}
	requests := r.Blocks[2].Requests
	want := map[string]any{"lastname": "Lindqvist", "telephone1": "+45 33 11 22 33"}
	if diff := cmp.Diff(any(want), requests[len(requests)-1].Old); diff != "" {
		t.Errorf("old -want +got:\n%s", diff)
	}
	b.run(t, event(t, "booked.json"), playbook.StatusSucceeded)
	r = b.plan2(t, event(t, "booked.json"))
	if r.Writes[0].Verdict != playbook.VerdictUnchanged {
		t.Errorf("after the run nothing would change: %s", show(r.Writes[0]))
	}
}

// A record that somebody changed after the plan was made is not written over,
// even if the change came after everything was looked at.
func TestUpdateWithTheVersionOfAPlan(t *testing.T) {
	b := setUp(t, updatePlaybook, map[string]string{"patterns/new.yaml": newCustomer, "simulator/local.yaml": ""})
	ev := event(t, "booked.json")
	planned := b.plan(t, ev, playbook.StatusSucceeded).Writes[0]
	if planned.ETag == "" {
		t.Fatal("the plan has no version of the record")
	}
	b.engine.Version = func(table, id string) string {
		if table == planned.Table && id == planned.ID {
			return planned.ETag
		}
		return ""
	}
	b.run(t, ev, playbook.StatusSucceeded) // and so the record has another version
	r, err := b.engine.Run(t.Context(), b.playbook, ev)
	if !errors.Is(err, dataverse.ErrConflict) || len(r.Writes) != 0 || r.Error.Status != http.StatusPreconditionFailed {
		t.Errorf("error %v, want a conflict\n%s", err, show(r))
	}
}

// plan2 plans after a run, whose writes are in the simulator's log.
func (b *bench) plan2(t testing.TB, ev *playbook.Event) *playbook.Result {
	t.Helper()
	r, err := b.engine.DryRun(t.Context(), b.playbook, ev)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
