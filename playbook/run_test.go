package playbook_test

import (
	"context"
	"encoding/json"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/dataverse/simulator"
	"github.com/andmoneyaps/engage-playbooks/playbook"
)

func TestPortalMeeting(t *testing.T) {
	b := setUp(t, "", nil)
	r := b.run(t, event(t, "booked.json"), playbook.StatusSucceeded)
	if diff := cmp.Diff([]string{"meeting create appointment", "note create annotation"}, wrote(r)); diff != "" {
		t.Errorf("writes -want +got:\n%s", diff)
	}
	if r.Stats.RoundTrips != 2 {
		t.Errorf("%d round trips; the look-ups run beside the reads, so 2", r.Stats.RoundTrips)
	}
	if got := b.dataRequests(); got != r.Stats.Requests {
		t.Errorf("%d requests in the record, %d at the service", r.Stats.Requests, got)
	}
	out := r.Output.(map[string]any)
	if got := out["customer"].(map[string]any)["organisation"]; got != "Lindqvist Holding ApS" {
		t.Errorf("output %s", show(r.Output))
	}
	if got := out["meeting"].(map[string]any)["id"]; got != r.Writes[0].ID {
		t.Errorf("output has meeting %v, written is %s", got, r.Writes[0].ID)
	}
	writing := r.Blocks[slices.IndexFunc(r.Blocks, func(b *playbook.BlockRecord) bool { return b.Name == "Book meeting" })]
	for _, q := range writing.Requests {
		if write := q.Method != "GET"; write != (q.ChangeSet == 1) {
			t.Errorf("change set %d of %s %s", q.ChangeSet, q.Method, q.Path)
		}
	}
}

// The ids derive from the event: the second run finds what the first wrote.
func TestRunAgainWritesOnce(t *testing.T) {
	b := setUp(t, "", nil)
	first := b.run(t, event(t, "booked.json"), playbook.StatusSucceeded)
	second := b.run(t, event(t, "booked.json"), playbook.StatusSucceeded)
	if diff := cmp.Diff([]string{"meeting unchanged appointment", "note unchanged annotation"}, wrote(second)); diff != "" {
		t.Errorf("writes -want +got:\n%s", diff)
	}
	for i := range first.Writes {
		if first.Writes[i].ID != second.Writes[i].ID {
			t.Errorf("another id: %s, %s", first.Writes[i].ID, second.Writes[i].ID)
		}
	}
	if n := b.count(t, "appointments"); n != 1 {
		t.Errorf("%d appointments", n)
	}
}

// Somebody deleted one of the records: nothing is written over the others.
func TestRunAgainNamesWhatIsMissing(t *testing.T) {
	b := setUp(t, "", nil)
	first := b.run(t, event(t, "booked.json"), playbook.StatusSucceeded)
	client, err := dataverse.New("http://localhost", bearer(b.AdminToken()), &dataverse.Options{HTTP: b.Transport()})
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.Apply(t.Context(), &dataverse.ChangeSet{Writes: []dataverse.Write{{
		Operation: dataverse.Delete, Table: "annotation", EntitySet: "annotations", ID: dataverse.GUID(first.Writes[1].ID),
	}}})
	if err != nil {
		t.Fatal(err)
	}
	r := b.run(t, event(t, "booked.json"), playbook.StatusFailed)
	if r.Error.Code != "partly-there" || r.Error.Part != "note" || len(r.Writes) != 0 {
		t.Errorf("error %+v, writes %v", r.Error, wrote(r))
	}
	if b.count(t, "annotations") != 0 {
		t.Error("something was written")
	}
}

type bearer string

func (b bearer) Token(context.Context) (string, error) { return string(b), nil }

func TestEventWithoutID(t *testing.T) {
	b := setUp(t, "", nil)
	ev := event(t, "booked.json")
	ev.ID = ""
	r := b.run(t, ev, playbook.StatusSucceeded)
	if len(r.Warnings) == 0 || !strings.Contains(r.Warnings[0].Message, "not repeatable") {
		t.Errorf("warnings %v", r.Warnings)
	}
	if r.Writes[0].ID == "" || r.Output.(map[string]any)["meeting"].(map[string]any)["id"] != r.Writes[0].ID {
		t.Errorf("the service's id is not in the record: %s", show(r))
	}
}

func TestFirstFailureEndsTheRun(t *testing.T) {
	b := setUp(t, "", nil)
	r := b.run(t, event(t, "unknown-customer.json"), playbook.StatusFailed)
	if r.Error.Block != "Book meeting" || len(r.Writes) != 0 {
		t.Errorf("error %+v", r.Error)
	}
	if got := statuses(r); got != "succeeded succeeded succeeded succeeded succeeded failed notRun" {
		t.Error(got)
	}
}

func TestSkippedByCondition(t *testing.T) {
	b := setUp(t, "", nil)
	r := b.run(t, event(t, "no-title.json"), playbook.StatusSkipped)
	if got := statuses(r); !strings.HasPrefix(got, "skipped notRun") || b.dataRequests() != 0 {
		t.Errorf("%s, %d requests", got, b.dataRequests())
	}
	ev := event(t, "booked.json")
	ev.Portal = "elsewhere"
	if r := b.run(t, ev, playbook.StatusSkipped); !strings.Contains(r.Reason, "private-banking") {
		t.Errorf("reason %q", r.Reason)
	}
}

func TestDataOffItsSchemaFailsBeforeAnyRequest(t *testing.T) {
	b := setUp(t, "", nil)
	ev := event(t, "booked.json")
	delete(ev.Data.(map[string]any)["Meeting"].(map[string]any), "StartDate")
	r := b.run(t, ev, playbook.StatusFailed)
	if r.Error.Block != "Portal meeting" || !strings.Contains(r.Error.Message, "StartDate") || b.dataRequests() != 0 {
		t.Errorf("%+v, %d requests", r.Error, b.dataRequests())
	}
}

func TestEventOfAnotherType(t *testing.T) {
	b := setUp(t, "", nil)
	r, err := b.engine.Run(t.Context(), b.playbook, &playbook.Event{Type: "CustomerOverview"})
	if r != nil || !errors.Is(err, playbook.ErrOtherTrigger) {
		t.Errorf("%v, %v", r, err)
	}
}

func TestActorsThatHaveNoIdentity(t *testing.T) {
	b := setUp(t, "", nil)
	ev := event(t, "booked.json")
	ev.Actor = &playbook.Actor{Kind: playbook.ActorCustomer, Email: "anna.lindqvist@lindqvist.example"}
	r := b.run(t, ev, playbook.StatusFailed)
	if r.Error.Block != "Read advisor" || r.Error.Code != "actor-without-identity" || b.dataRequests() != 0 {
		t.Errorf("%+v, %d requests", r.Error, b.dataRequests())
	}
	if got := statuses(r); got != "notRun notRun notRun failed notRun notRun notRun" {
		t.Error(got)
	}
}

const whenPlaybook = `kind: Playbook
id: when
blocks:
  - {name: Event, type: Trigger, trigger: PortalMeetings}
  - name: Read customer
    type: EntityPatternRead
    pattern: find-customer
    inputs: [{from: Event, map: [{source: "Meeting.ExternalAttendees[0].Email", destination: customer.Email}]}]
  - name: Book
    type: EntityPatternCreate
    pattern: book-meeting
    when: len(blocks["Read customer"].Results) > 0
    inputs:
      - from: Event
        map:
          - {source: Meeting.MeetingOwner.Email, destination: organiser.Email}
          - {source: "Meeting.ExternalAttendees[0].Email", destination: customer.Email}
          - {source: Meeting.Title, destination: meeting.Subject}
          - {source: Meeting.StartDate, destination: meeting.ScheduledStart}
          - {source: Meeting.EndDate, destination: meeting.ScheduledEnd}
          - {value: n, destination: note.Subject}
  - name: Done
    type: Output
    inputs:
      - {from: Book, map: [{source: "Results[0].meeting[0].Id", destination: id}]}
`

func TestWhen(t *testing.T) {
	b := setUp(t, whenPlaybook, nil)
	r := b.run(t, event(t, "booked.json"), playbook.StatusSucceeded)
	if r.Stats.RoundTrips != 3 {
		t.Errorf("%d round trips; the look-up waits for the when, so 3", r.Stats.RoundTrips)
	}
	r = b.run(t, event(t, "unknown-customer.json"), playbook.StatusSucceeded)
	if got := statuses(r); got != "succeeded succeeded skipped succeeded" {
		t.Error(got)
	}
	if diff := cmp.Diff(map[string]any{}, r.Output); diff != "" {
		t.Errorf("a path into a block that did not run finds nothing: %s", diff)
	}
}

func TestOnErrorContinue(t *testing.T) {
	text := strings.Replace(whenPlaybook, "when: len(blocks[\"Read customer\"].Results) > 0", "onError: continue", 1)
	b := setUp(t, text, nil)
	r := b.run(t, event(t, "unknown-customer.json"), playbook.StatusSucceeded)
	if got := statuses(r); got != "succeeded succeeded failed succeeded" || r.Error != nil {
		t.Errorf("%s, %+v", got, r.Error)
	}
	if len(r.Warnings) != 1 || r.Warnings[0].Block != "Book" {
		t.Errorf("warnings %+v", r.Warnings)
	}
}

const escalated = `    identity: application
    reason: Advisors cannot write each other's calendar
`

func escalatedPlaybook(verify bool) string {
	s := strings.Replace(whenPlaybook, "    when: len(blocks[\"Read customer\"].Results) > 0\n", escalated, 1)
	if verify {
		s = strings.Replace(s, escalated, escalated+"    verify: employee\n", 1)
	}
	return s
}

func TestEscalation(t *testing.T) {
	b := setUp(t, escalatedPlaybook(false), nil)
	r := b.run(t, event(t, "booked.json"), playbook.StatusFailed)
	if r.Error.Block != "Book" || r.Error.Code != "escalation-denied" || r.Blocks[2].Escalation == nil || r.Blocks[2].Escalation.Rule != "" {
		t.Errorf("denied by default: %+v, %+v", r.Error, r.Blocks[2].Escalation)
	}
	var asked playbook.Escalation
	allow := playbook.AllowRules("when/Book")
	b.engine.Allow = func(e playbook.Escalation) error { asked = e; return allow(e) }
	r = b.run(t, event(t, "booked.json"), playbook.StatusSucceeded)
	want := &playbook.EscalationRecord{Reason: "Advisors cannot write each other's calendar", Rule: "when/Book"}
	if diff := cmp.Diff(want, r.Blocks[2].Escalation); diff != "" {
		t.Error(diff)
	}
	if asked.Actor == nil || asked.Actor.Email != "mette.holm@bank.example" || r.Blocks[2].Identity != playbook.IdentityApplication {
		t.Errorf("asked %+v, identity %s", asked, r.Blocks[2].Identity)
	}
}

// Whoever cannot read a contact cannot have the application write about it.
func TestVerifyEmployee(t *testing.T) {
	b := setUp(t, escalatedPlaybook(true), nil)
	b.engine.Allow = playbook.AllowRules("when/Book")
	r := b.run(t, event(t, "booked.json"), playbook.StatusSucceeded)
	if v := r.Blocks[2].Escalation.Verified; v == nil || !*v {
		t.Errorf("verified %v", v)
	}
	roles := strings.ReplaceAll(`kind: Simulator
id: local
roles:
  - name: Advisor
    privileges: {systemuser: [Read], contact: [READ]}
users: [{email: mette.holm@bank.example, roles: [Advisor]}]
`, "[READ]", "[Append]")
	text := strings.Replace(escalatedPlaybook(true), "find-customer", "find-advisor", 1)
	text = strings.Replace(text, "\"Meeting.ExternalAttendees[0].Email\", destination: customer.Email}]}]", "Meeting.MeetingOwner.Email, destination: advisor.Email}]}]", 1)
	b = setUp(t, text, map[string]string{"simulator/local.yaml": roles})
	b.engine.Allow = playbook.AllowRules("when/Book")
	r = b.run(t, event(t, "booked.json"), playbook.StatusFailed)
	if r.Error.Code != "employee-may-not-read" || r.Error.Part != "customer" || b.count(t, "appointments") != 0 {
		t.Errorf("%+v", r.Error)
	}
}

// No failure of one identity leads to the other.
func TestIdentitiesNeverFallBack(t *testing.T) {
	for name, breakIt := range map[string]func(b *bench){
		"no employee":       func(b *bench) { b.engine.Employee = nil },
		"exchange fails":    func(b *bench) { b.engine.Employee = failing },
		"dataverse says no": func(b *bench) { b.Server.Fail(simulator.Fault{Kind: simulator.FaultError, Status: 403, Count: -1}) },
	} {
		t.Run(name, func(t *testing.T) {
			b := setUp(t, "", nil)
			b.engine.Application = func(context.Context, *playbook.Event) (dataverse.TokenSource, error) {
				t.Error("the application's token was asked for")
				return nil, errors.New("no")
			}
			breakIt(b)
			r := b.run(t, event(t, "booked.json"), playbook.StatusFailed)
			if r.Error.Block != "Read advisor" {
				t.Errorf("%+v", r.Error)
			}
		})
	}
}

func failing(context.Context, *playbook.Event) (dataverse.TokenSource, error) {
	return nil, errors.New("secret " + canary)
}

const canary = "CANARY-4711"

func TestTimeLimitAndCancel(t *testing.T) {
	b := setUp(t, "", nil)
	b.engine.Timeout = time.Nanosecond
	r, err := b.engine.Run(t.Context(), b.playbook, event(t, "booked.json"))
	if !errors.Is(err, playbook.ErrTimeLimit) || r.Status != playbook.StatusFailed || r.Error.Code != "time-limit" {
		t.Errorf("%v, %+v", err, r.Error)
	}
	b.engine.Timeout = 0
	ctx, cancel := context.WithCancel(t.Context())
	b.engine.Observe = func(p playbook.Progress) {
		if p.Kind == playbook.BlockStarted && p.Block == "Read advisor" {
			cancel()
		}
	}
	r, err = b.engine.Run(ctx, b.playbook, event(t, "booked.json"))
	if !errors.Is(err, context.Canceled) || r.Status != playbook.StatusFailed || r.Error.Code != "canceled" || b.count(t, "appointments") != 0 {
		t.Errorf("%v, %+v", err, r.Error)
	}
}

// After a cancel within the write the record says what was written: the
// service is asked.
func TestCancelWhileWritingSaysWhatWasWritten(t *testing.T) {
	b := setUp(t, "", nil)
	ctx, cancel := context.WithCancel(t.Context())
	b.Server.After("Create", "annotation", func(*simulator.HookContext) error { cancel(); return nil })
	r, err := b.engine.Run(ctx, b.playbook, event(t, "booked.json"))
	if !errors.Is(err, context.Canceled) || r.Error.Block != "Book meeting" {
		t.Fatalf("%v %+v", err, r.Error)
	}
	if n := b.count(t, "appointments"); (n == 1) != (len(r.Writes) == 2) {
		t.Errorf("%d appointments are there, the record has %v", n, wrote(r))
	}
}

func TestGoroutinesEndWithTheRun(t *testing.T) {
	b := setUp(t, "", nil)
	b.run(t, event(t, "booked.json"), playbook.StatusSucceeded)
	before := runtime.NumGoroutine()
	for range 20 {
		b.run(t, event(t, "booked.json"), playbook.StatusSucceeded)
		b.run(t, event(t, "unknown-customer.json"), playbook.StatusFailed)
	}
	// The simulator's own may still be ending.
	for until := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before && time.Now().Before(until); {
		runtime.Gosched()
	}
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("%d goroutines, %d before", after, before)
	}
}

// The record is the same however the blocks' reads overlapped.
func TestRecordIsDeterministic(t *testing.T) {
	var first string
	for range 10 {
		b := setUp(t, "", nil)
		b.engine.Now = func() time.Time { return time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC) }
		r := b.run(t, event(t, "booked.json"), playbook.StatusSucceeded)
		for _, block := range r.Blocks {
			for _, q := range block.Requests {
				q.ID = ""
			}
		}
		got := show(r)
		if first == "" {
			first = got
		}
		if diff := cmp.Diff(first, got); diff != "" {
			t.Fatal(diff)
		}
	}
}

func TestProgressIsARecordAsItGrows(t *testing.T) {
	b := setUp(t, "", nil)
	var kinds []string
	var last *playbook.Record
	b.engine.Observe = func(p playbook.Progress) {
		if p.Kind != playbook.RequestSent {
			kinds = append(kinds, string(p.Kind)+" "+p.Block)
		}
		last = p.Record
	}
	r := b.run(t, event(t, "booked.json"), playbook.StatusSucceeded)
	if kinds[0] != "runStarted " || kinds[len(kinds)-1] != "runEnded " {
		t.Errorf("%v", kinds)
	}
	i := slices.Index(kinds, "write Book meeting")
	if i < 0 || kinds[i+1] != "write Book meeting" || kinds[i+2] != "blockEnded Book meeting" {
		t.Errorf("%v", kinds)
	}
	want, _ := json.Marshal(&r.Record)
	got, _ := json.Marshal(last)
	if string(want) != string(got) {
		t.Error("the last step does not hold the record")
	}
}

// An engine a bank: they share nothing.
func TestManyTenantsInOneProcess(t *testing.T) {
	w := load(t, overlay(t, nil))
	one, two := open(t, w, "portal-meeting-booked"), open(t, w, "portal-meeting-booked")
	one.run(t, event(t, "booked.json"), playbook.StatusSucceeded)
	if one.count(t, "appointments") != 1 || two.count(t, "appointments") != 0 {
		t.Error("a run of one bank wrote to another's CRM")
	}
	two.run(t, event(t, "booked.json"), playbook.StatusSucceeded)
}

func TestRunsAreBounded(t *testing.T) {
	b := setUp(t, "", nil)
	b.engine.Runs = 1
	ctx, cancel := context.WithCancel(t.Context())
	var inner *playbook.Result
	var innerErr error
	b.engine.Observe = func(p playbook.Progress) {
		if p.Kind != playbook.RunStarted || inner != nil {
			return
		}
		cancel()
		inner, innerErr = b.engine.Run(ctx, b.playbook, event(t, "booked.json"))
	}
	b.run(t, event(t, "booked.json"), playbook.StatusSucceeded)
	if !errors.Is(innerErr, context.Canceled) || inner.Status != playbook.StatusFailed {
		t.Errorf("a second run did not wait: %v", innerErr)
	}
}
