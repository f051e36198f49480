package playbook_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/andmoneyaps/engage-playbooks/dataverse/simulator"
	"github.com/andmoneyaps/engage-playbooks/pattern"
	"github.com/andmoneyaps/engage-playbooks/playbook"
)

const aiPlaybook = `kind: Playbook
id: ai
blocks:
  - {name: Event, type: Trigger, trigger: TranscriptReady}
  - name: Summarise
    type: Ai
    capability: summarise
    inputs: [{from: Event, map: [{source: Transcript, destination: transcript}]}]
  - name: Text
    type: Template
    template: text
    inputs: [{from: Summarise, map: [{source: summary, destination: summary}]}, {from: Event, map: [{source: MeetingId, destination: meeting}]}]
  - name: Out
    type: Output
    inputs:
      - {from: Summarise, map: [{source: actions, destination: todo.actions}]}
      - {from: Text, map: [{source: output, destination: todo.text}]}
`

const aiDocuments = `kind: Capability
id: summarise
versions: ["1.0", "2.0"]
inputs: [{name: transcript, type: String, required: true}]
outputs: [{name: summary, type: String}, {name: actions, type: Array}]
STUB
---
kind: Template
id: text
content: "{{ meeting }}: {{ summary }}!"
`

func aiBench(t *testing.T, stub string) *bench {
	return setUp(t, aiPlaybook, map[string]string{"capabilities/ai.yaml": strings.Replace(aiDocuments, "STUB", stub, 1)})
}

func transcript() *playbook.Event {
	return &playbook.Event{Type: "TranscriptReady", ID: "t1", Data: map[string]any{
		"MeetingId": "m1", "TranscriptId": "t1", "Transcript": "they spoke", "OnlineMeetingId": "o1", "EventId": "e1",
	}}
}

func TestAiByProvider(t *testing.T) {
	b := aiBench(t, "")
	var asked playbook.CapabilityRequest
	b.engine.Capabilities = playbook.ProviderFunc(func(_ context.Context, req playbook.CapabilityRequest) (map[string]any, error) {
		asked = req
		return map[string]any{"summary": "short", "actions": []string{"call"}}, nil
	})
	r := b.run(t, transcript(), playbook.StatusSucceeded)
	want := map[string]any{"todo": map[string]any{"actions": []any{"call"}, "text": "m1: short!"}}
	if diff := cmp.Diff(any(want), r.Output); diff != "" {
		t.Errorf("output -want +got:\n%s", diff)
	}
	if asked.Version != "2.0" || asked.Inputs["transcript"] != "they spoke" || asked.Block != "Summarise" || asked.Event != "t1" {
		t.Errorf("asked %+v", asked)
	}
	for name, out := range map[string]map[string]any{
		"an output of another type": {"summary": 5, "actions": []any{}},
		"an output that is missing": {"summary": "short"},
	} {
		b.engine.Capabilities = playbook.ProviderFunc(func(context.Context, playbook.CapabilityRequest) (map[string]any, error) { return out, nil })
		if r := b.run(t, transcript(), playbook.StatusFailed); r.Error.Code != "capability-output" || r.Error.Block != "Summarise" {
			t.Errorf("%s: %+v", name, r.Error)
		}
	}
	b.engine.Capabilities = playbook.ProviderFunc(func(context.Context, playbook.CapabilityRequest) (map[string]any, error) {
		return nil, errors.New(canary)
	})
	r, err := b.engine.Run(t.Context(), b.playbook, transcript())
	if r.Error.Code != "capability" || strings.Contains(err.Error(), canary) || !strings.Contains(r.Error.Message, "summarise") {
		t.Errorf("%+v", r.Error)
	}
}

func TestAiStubAndNobody(t *testing.T) {
	b := aiBench(t, "stub: {summary: from the stub, actions: [Send offer]}")
	if r := b.run(t, transcript(), playbook.StatusSucceeded); !strings.Contains(show(r.Output), "from the stub") {
		t.Error(show(r.Output))
	}
	b = aiBench(t, "")
	if r := b.run(t, transcript(), playbook.StatusFailed); r.Error.Code != "no-capability" || !strings.Contains(r.Error.Message, "summarise") {
		t.Errorf("%+v", r.Error)
	}
	plan, err := b.engine.DryRun(t.Context(), b.playbook, transcript())
	if err != nil || !strings.Contains(show(plan.Output), `"m1: (known after Summarise)!"`) {
		t.Errorf("the template is not rendered around what is unknown: %v %s", err, show(plan.Output))
	}
}

const attendeesPlaybook = `kind: Playbook
id: attendees
blocks:
  - {name: Event, type: Trigger, trigger: PortalMeetings}
  - name: Write
    type: EntityPatternCreate
    pattern: many
    atomic: false
    inputs:
      - from: Event
        map:
          - {source: "Meeting.ExternalAttendees[*].Name", destination: customers.LastName}
          - {source: "Meeting.ExternalAttendees[*].Email", destination: customers.Email}
  - name: Out
    type: Output
    inputs: [{from: Write, map: [{source: "Results[0].customers[*].Id", destination: ids}]}]
`

const manyPattern = `kind: EntityPattern
id: many
parts:
  - {ref: customers, entity: customer, allowsMultiple: true}
`

func attendees(n int) *playbook.Event {
	var list []any
	for i := range n {
		list = append(list, map[string]any{"Name": fmt.Sprintf("N%d", i), "Email": fmt.Sprintf("n%d@x.example", i)})
	}
	return &playbook.Event{Type: "PortalMeetings", ID: "many", Data: map[string]any{"Meeting": map[string]any{
		"Id": "m", "Title": "t", "StartDate": "2026-03-12T13:00:00Z", "EndDate": "2026-03-12T14:00:00Z", "ExternalAttendees": list,
	}}}
}

func manyBench(t *testing.T, text string) *bench {
	return setUp(t, text, map[string]string{"patterns/many.yaml": manyPattern, "simulator/local.yaml": ""})
}

// More records than a change set takes are written in bulk; a second run finds
// them; those that somebody deleted are written again.
func TestBulk(t *testing.T) {
	b := manyBench(t, attendeesPlaybook)
	before := b.count(t, "contacts")
	r := b.run(t, attendees(1200), playbook.StatusSucceeded)
	if got := b.count(t, "contacts"); got != before+1200 || len(r.Writes) != 1200 {
		t.Fatalf("%d contacts, %d writes", got-before, len(r.Writes))
	}
	if ids := r.Output.(map[string]any)["ids"].([]any); len(ids) != 1200 || ids[7] != r.Writes[7].ID {
		t.Errorf("ids %d", len(ids))
	}
	if n := len(r.Blocks[1].Requests); n != r.Stats.Requests || n > 200 {
		t.Errorf("%d entries for %d requests", n, r.Stats.Requests)
	}
	again := b.run(t, attendees(1200), playbook.StatusSucceeded)
	if again.Writes[0].Operation != playbook.Unchanged || b.count(t, "contacts") != before+1200 {
		t.Errorf("%s", again.Writes[0].Operation)
	}
}

func TestBulkRefusedRecordsDoNotStopTheOthers(t *testing.T) {
	b := manyBench(t, attendeesPlaybook)
	before := b.count(t, "contacts")
	b.Server.Before("Create", "contact", func(m *simulator.HookContext) error {
		if v, _ := m.Get("lastname").(string); v == "N3" {
			return simulator.Refuse("no " + canary)
		}
		return nil
	})
	r := b.run(t, attendees(10), playbook.StatusFailed)
	if r.Error.Part != "customers[3]" || len(r.Writes) != 9 || b.count(t, "contacts") != before+9 {
		t.Errorf("%+v, %d writes", r.Error, len(r.Writes))
	}
	if len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0].Message, "1 of 10") {
		t.Errorf("%+v", r.Warnings)
	}
}

func TestTooManyForOneChangeSet(t *testing.T) {
	b := manyBench(t, strings.Replace(attendeesPlaybook, "    atomic: false\n", "", 1))
	r := b.run(t, attendees(1001), playbook.StatusFailed)
	if r.Error.Code != "too-many-writes" || b.dataRequests() != 0 {
		t.Errorf("%+v", r.Error)
	}
}

// Refused as a whole, and the part is named.
func TestAtomicNamesThePart(t *testing.T) {
	b := manyBench(t, strings.Replace(attendeesPlaybook, "    atomic: false\n", "", 1))
	before := b.count(t, "contacts")
	b.Server.Before("Create", "contact", func(m *simulator.HookContext) error {
		if v, _ := m.Get("lastname").(string); v == "N2" {
			return simulator.Refuse("no " + canary)
		}
		return nil
	})
	r := b.run(t, attendees(5), playbook.StatusFailed)
	if r.Error.Part != "customers[2]" || r.Error.Code != "0x80040265" || r.Error.Status != 400 || len(r.Writes) != 0 || b.count(t, "contacts") != before {
		t.Errorf("%+v, %d writes", r.Error, len(r.Writes))
	}
	if strings.Contains(show(&r.Record), canary) {
		t.Error("the service's text is in the record")
	}
}

func TestRunPattern(t *testing.T) {
	b := setUp(t, "", map[string]string{"patterns/many.yaml": manyPattern, "simulator/local.yaml": ""})
	many, _ := b.Workspace.Pattern("many")
	r, err := b.engine.RunPattern(t.Context(), many, pattern.Create, map[string]any{"customers.LastName": []any{"A", "B"}, "customers.Email": "x@y.example"}, nil)
	if err != nil || len(r.Writes) != 2 || r.Blocks[0].Name != "many" || len(r.Blocks) != 1 || r.Writes[0].ID == "" {
		t.Fatalf("%v %s", err, show(r))
	}
	data, _ := json.Marshal(r)
	if !strings.HasPrefix(string(data), `{"playbook":null,"event":null,"status":"succeeded"`) {
		t.Errorf("%s", data)
	}
	find, _ := b.Workspace.Pattern("find-customer")
	r, err = b.engine.RunPattern(t.Context(), find, pattern.Read, map[string]any{"customer": map[string]any{"field": "Email", "operator": "Equals", "value": "x@y.example"}}, nil)
	if err != nil || len(r.Outputs[0].(map[string]any)["Results"].([]any)) != 2 {
		t.Errorf("%v %s", err, show(r))
	}
	if r, err := b.engine.RunPattern(t.Context(), find, pattern.Read, map[string]any{"customer.Nope": 1}, nil); r != nil || err == nil {
		t.Errorf("an unknown destination: %v", err)
	}
	plan, err := b.engine.DryRunPattern(t.Context(), many, pattern.Create, map[string]any{"customers.LastName": []any{"C"}}, nil)
	if err != nil || len(plan.Writes) != 1 || plan.Writes[0].Verdict != playbook.VerdictCreate {
		t.Errorf("%v %s", err, show(plan))
	}
}

const upsertPlaybook = `kind: Playbook
id: upsert
blocks:
  - {name: Event, type: Trigger, trigger: PortalMeetings}
  - name: Write
    type: EntityPatternUpsert
    pattern: keyed
    inputs:
      - from: Event
        map:
          - {source: Meeting.Title, destination: thing.Code}
          - {source: Meeting.Theme, destination: thing.Name}
`

const keyedDocuments = `kind: EntityDefinition
id: thing
type: new_thing
entitySet: new_things
primaryKey: new_thingid
keys: [[Code]]
fields:
  - {name: Id, mappedName: new_thingid, type: Guid, readOnly: true}
  - {name: Name, mappedName: new_name, type: String, maxLength: 100}
  - {name: Code, mappedName: new_code, type: String, maxLength: 100}
---
kind: EntityPattern
id: keyed
parts: [{ref: thing, entity: thing}]
`

// An upsert by key makes the record or changes it, whatever the key looks
// like; the plan knows which.
func TestUpsertByKey(t *testing.T) {
	for _, code := range []string{"A-1", "a/b+c:d?e&f"} {
		b := setUp(t, upsertPlaybook, map[string]string{"entities/thing.yaml": keyedDocuments, "simulator/local.yaml": ""})
		ev := attendees(0)
		meeting := ev.Data.(map[string]any)["Meeting"].(map[string]any)
		meeting["Title"], meeting["Theme"] = code, "one"
		if plan := b.plan(t, ev, playbook.StatusSucceeded); plan.Writes[0].Verdict != playbook.VerdictCreate || plan.Writes[0].Operation != "upsert" {
			t.Errorf("%s: %s", code, show(plan.Writes))
		}
		first := b.run(t, ev, playbook.StatusSucceeded)
		meeting["Theme"] = "two"
		if plan := b.plan2(t, ev); plan.Writes[0].Verdict != playbook.VerdictUpdate {
			t.Errorf("%s: %s", code, show(plan.Writes))
		}
		second := b.run(t, ev, playbook.StatusSucceeded)
		things := b.records(t, "new_things")
		if len(things) != 1 || things[0]["new_name"] != "two" || first.Writes[0].Operation != "upsert" || second.Writes[0].ID != first.Writes[0].ID || first.Writes[0].ID == "" {
			t.Errorf("%s: %v %s %s", code, things, show(first.Writes), show(second.Writes))
		}
	}
}

// Loading a workspace anew disturbs no run, and what the engine kept of the old
// one goes with it.
func TestHotReload(t *testing.T) {
	b := setUp(t, "", nil)
	ev := event(t, "booked.json")
	for i := range 20 {
		w := load(t, overlay(t, nil))
		p, _ := w.Playbook("portal-meeting-booked")
		e := *ev
		e.ID = fmt.Sprint(i)
		if _, err := b.engine.Run(t.Context(), p, &e); err != nil {
			t.Fatal(err)
		}
	}
	deadline := time.Now().Add(5 * time.Second)
	for b.engine.Bindings() > 6 && time.Now().Before(deadline) {
		runtime.GC()
		runtime.Gosched()
	}
	if n := b.engine.Bindings(); n > 6 {
		t.Errorf("%d patterns of dropped workspaces are kept", n)
	}
}
