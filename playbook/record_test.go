package playbook

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Every key of the contract is there, null or empty where there is nothing,
// and always in the same place.
func TestResultJSONHasEveryKey(t *testing.T) {
	r := &Result{Record: Record{Status: StatusSucceeded, Blocks: []*BlockRecord{{Name: "Portal meeting", Type: BlockTrigger, Status: StatusSucceeded}}}}
	got, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"playbook":null,"event":null,"status":"succeeded",` +
		`"blocks":[{"name":"Portal meeting","type":"Trigger","status":"succeeded","identity":null,"requests":[],"output":null,` +
		`"error":null,"reason":null,"startedAt":null,"ms":null,"retries":0,"escalation":null}],` +
		`"writes":[],"output":null,"warnings":[],"error":null,"stats":{"requests":0,"roundTrips":0,"retries":0},` +
		`"actor":null,"reason":null,"startedAt":null,"ms":null,"dryRun":false}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestResultJSONOfARun(t *testing.T) {
	started := time.Date(2026, 3, 2, 10, 15, 0, 123456789, time.FixedZone("CET", 3600))
	r := &Result{
		Record: Record{
			Playbook: "p", Event: "e", Actor: &Actor{Kind: ActorEmployee, Email: "m@bank.example"}, Status: StatusFailed, StartedAt: started, Duration: 1500 * time.Millisecond,
			Blocks: []*BlockRecord{{
				Name: "Create", Type: BlockCreate, Status: StatusFailed, Identity: IdentityApplication, StartedAt: started, Duration: 7 * time.Millisecond, Retries: 2,
				Escalation: &EscalationRecord{Reason: "why", Rule: "p/Create"},
				Requests:   []*RequestRecord{{Method: "POST", Path: "contacts", Status: 403, ChangeSet: 1, ID: "req-1"}},
				Error:      &Failure{Block: "Create", Part: "notes[2]", Field: "Text", Code: "0x80040220", Status: 403, Message: "m"},
			}},
			Writes:   []*WriteRecord{{Block: "Create", Part: "meeting", Operation: "create", Table: "appointment", ID: "id", Columns: []string{"subject"}}},
			Warnings: []Warning{{Message: "w"}},
			Error:    &Failure{Block: "Create", Part: "notes[2]", Field: "Text", Code: "0x80040220", Status: 403, Message: "m"},
			Stats:    Stats{Requests: 3, RoundTrips: 2, Retries: 1},
		},
		Output: map[string]any{"b": json.Number("1.50"), "a": nil}, Outputs: []any{map[string]any{"Results": []any{}}},
	}
	got, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	failure := `{"block":"Create","part":"notes[2]","field":"Text","code":"0x80040220","status":403,"message":"m"}`
	want := `{"playbook":"p","event":"e","status":"failed",` +
		`"blocks":[{"name":"Create","type":"EntityPatternCreate","status":"failed","identity":"application",` +
		`"requests":[{"method":"POST","path":"contacts","status":403,"changeSet":1,"body":null,"old":null,"requestId":"req-1"}],` +
		`"output":{"Results":[]},"error":` + failure + `,"reason":null,"startedAt":"2026-03-02T09:15:00.123Z","ms":7,"retries":2,` +
		`"escalation":{"reason":"why","rule":"p/Create","verified":null}}],` +
		`"writes":[{"block":"Create","part":"meeting","operation":"create","table":"appointment","id":"id","columns":["subject"]}],` +
		`"output":{"a":null,"b":1.50},"warnings":[{"block":null,"part":null,"message":"w"}],"error":` + failure + `,` +
		`"stats":{"requests":3,"roundTrips":2,"retries":1},"actor":{"kind":"employee","email":"m@bank.example"},` +
		`"reason":null,"startedAt":"2026-03-02T09:15:00.123Z","ms":1500,"dryRun":false}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	record, err := json.Marshal(&r.Record)
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Output any
		Blocks []struct{ Output any }
	}
	if err := json.Unmarshal(record, &doc); err != nil || doc.Output != nil || doc.Blocks[0].Output != nil {
		t.Errorf("the record holds outputs: %s", record)
	}
}
