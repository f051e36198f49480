package playbook

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/andmoneyaps/engage-playbooks/internal/document"
	"github.com/andmoneyaps/engage-playbooks/internal/expression"
)

func workspaceFile(data []byte) *fstest.MapFile { return &fstest.MapFile{Data: data} }

func tryExpression(text string, env *expression.Env) *Expression {
	p, err := expression.Compile(text, env)
	if err != nil {
		return nil
	}
	return &Expression{Source: text, what: "condition", text: document.String{Value: text}, program: p, condition: true}
}

func TestDecodeEvent(t *testing.T) {
	ev, err := DecodeEvent([]byte(`{"type": "PortalMeetings", "id": "e1", "time": "2026-03-02T10:15:00+01:00", "portal": "p",
		"actor": {"kind": "employee", "name": "n", "email": "e", "objectId": "o", "tenantId": "t", "clientId": "c", "id": "i"},
		"data": {"n": 12345678901234567890.10, "x": [1e2, "\ud83d\ude42"]}}`))
	if err != nil {
		t.Fatal(err)
	}
	want := &Actor{Kind: ActorEmployee, Name: "n", Email: "e", ObjectID: "o", TenantID: "t", ClientID: "c", ID: "i"}
	if diff := cmp.Diff(want, ev.Actor); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]any{"n": json.Number("12345678901234567890.10"), "x": []any{json.Number("1e2"), "🙂"}}, ev.Data); diff != "" {
		t.Error(diff)
	}
	if ev.ID != "e1" || ev.Portal != "p" || ev.Time.IsZero() {
		t.Errorf("%q %q %v", ev.ID, ev.Portal, ev.Time)
	}
	back, err := json.Marshal(ev)
	if err != nil || strings.Contains(string(back), "ssertion") {
		t.Error(string(back), err)
	}
}

func TestDecodeEventErrors(t *testing.T) {
	deep := strings.Repeat("[", 300) + strings.Repeat("]", 300)
	for in, want := range map[string]string{
		``:                                  "event: line 1, column 1: this is not valid JSON: it ends too early (there is nothing in it)",
		`[]`:                                "event: line 1, column 1: want an object with type and data, have a list",
		`{}`:                                "event: type: is missing",
		`{"type": 3}`:                       "event: type: want text, have a number",
		`{"type": "x", "tpye": 1}`:          `event: tpye: unknown key (did you mean "type"?)`,
		`{"type": "x", "assertion": "eyJ"}`: "event: assertion: unknown key (the employee's assertion travels beside the event)",
		`{"type": "x", "type": "y"}`:        "event: type: the key is given twice: remove one",
		`{"type": "x", "data": {"a": [{"b": 1, "b": 2}]}}`:           "event: data.a[0].b: the key is given twice: remove one",
		`{"type": "x", "time": "2026-03-02T10:15:00"}`:               "event: time: want a date and time with its offset, such as 2026-03-12T13:00:00+01:00",
		`{"type": "x", "actor": "me"}`:                               "event: actor: want an object, have text",
		`{"type": "x", "actor": {"kind": "ceo"}}`:                    "event: actor.kind: want one of employee, customer, citizen, system, platform",
		`{"type": "x", "actor": {"kind": "employee", "token": "x"}}`: "event: actor.token: unknown key (allowed: kind, name, email, objectId, tenantId, clientId, id)",
		`{"type": "x"} {}`:                                           "event: line 1, column 15: more follows after the event",
		"{\"type\": \"\xff\"}":                                       "event: line 1, column 11: this is no text in UTF-8: the byte 0xFF is no character; save the file with the encoding UTF-8",
		`{"type": "x", "data": "\ud800"}`:                            `event: line 1, column 24: half of a surrogate pair (\ud800 to \udfff) is no character`,
		`{"type": "x", "data": "\udc00\ud800"}`:                      `event: line 1, column 24: half of a surrogate pair (\ud800 to \udfff) is no character`,
		`{"type": "x", "data": NaN}`:                                 "event: line 1, column 23: this is not valid JSON (texts and keys stand in double quotes; without them there are true, false, null and numbers)",
		`{"type": "x", "data": 1e999999999}`:                         "event: data: the number is too large or too long; what is no number to count with is written as text",
		`{"type": "x", "data": ` + deep + `}`:                        "event: line 1, column 223: values are nested more than 200 deep",
		`{"type": "x", "data": {"a": 1`:                              "event: line 1, column 30: this is not valid JSON: it ends too early (a closing bracket or quote is missing)",
		"{\n  \"type\": \"x\",\n  \"id\" \"7\"\n}":                   "event: line 3, column 8: this is not valid JSON (a comma or a colon is missing before it)",
	} {
		_, err := DecodeEvent([]byte(in))
		if err == nil || err.Error() != want {
			t.Errorf("%.60s:\n got %v\nwant %s", in, err, want)
		}
		if _, ok := errors.AsType[*EventError](err); !ok {
			t.Errorf("%.60s: %T", in, err)
		}
	}
}

// Every mistake has its place, also where a path leads to it.
func TestDecodeEventErrorsHavePlaces(t *testing.T) {
	for in, want := range map[string]string{
		"{\n  \"type\": \"x\",\n  \"data\": {\n    \"a\": 1,\n    \"a\": 2\n  }\n}":   "5:5 data.a",
		"{\n  \"type\": \"x\",\n  \"data\": {\"a\": 1e9999}\n}":                       "3:17 data.a",
		"{\n  \"type\": \"x\",\n  \"tpye\": 1\n}":                                     "3:3 tpye",
		"{\n  \"id\": \"type\",\n  \"data\": {\"type\": 1}\n}":                        "1:1 type",
		"{\"type\": \"x\",\n \"actor\": {\"name\": \"kind\",\n  \"kind\": \"ceo\"}}":  "3:3 actor.kind",
		"{\"type\": \"x\",\n \"actor\": {}}":                                          "2:11 actor.kind",
		"{\"type\": \"x\",\n \"actor\": 7}":                                           "2:2 actor",
		"\xef\xbb\xbf{\"type\": 3}":                                                   "1:2 type",
		"\xff\xfe{\x00\"\x00":                                                         "1:1 ",
		"{\"type\": \"x\"}\n,":                                                        "2:1 ",
		"{\"type\": \"x\"}\n\n  {\"type\": \"y\"}":                                    "3:3 ",
		"{\"type\": \"x\",\n \"data\": \"\\ud800\"}":                                  "2:11 ",
		"{\"type\": \"x\",\n\u00a0\"data\": 1}":                                       "2:1 ",
		"{\"type\": \"x\", \"data\": {\"path\": \"C:\\Users\"}}":                      "1:32 ",
		"{\"type\": \"x\",\n \"time\": \"2026-03-02T10:15:00\", \"data\": [[1], {}]}": "2:2 time",
	} {
		_, err := DecodeEvent([]byte(in))
		e, ok := errors.AsType[*EventError](err)
		if !ok {
			t.Errorf("%q: %v", in, err)
			continue
		}
		if got := fmt.Sprintf("%d:%d %s", e.Line, e.Col, e.Path); got != want {
			t.Errorf("%q: at %s, want %s: %v", in, got, want, err)
		}
	}
}

func TestEventShowsNothing(t *testing.T) {
	ev := &Event{Type: "x", ID: "1", Assertion: "MARKER", Data: map[string]any{"a": "MARKER"}, Actor: &Actor{Email: "MARKER"}}
	var b strings.Builder
	slog.New(slog.NewTextHandler(&b, nil)).Info("event", "event", ev)
	fmt.Fprintf(&b, "%v %+v %#v %s %q", ev, ev, ev, ev, ev)
	if strings.Contains(b.String(), "MARKER") {
		t.Error(b.String())
	}
}

const matchWorkspace = `
-- p.yaml --
kind: TriggerType
id: Own
schema:
  type: object
  required: [n]
  additionalProperties: false
  properties:
    n: {type: integer, minimum: 1}
    s: {type: string, maxLength: 3, enum: [a, b]}
    at: {type: string, format: date-time}
    l: {type: array, items: {type: object, properties: {x: {type: string}}}}
---
kind: Playbook
id: b
blocks:
  - {name: In, type: Trigger, trigger: PortalMeetings, portals: [one, two], condition: Meeting.Title != ''}
---
kind: Playbook
id: a
blocks:
  - {name: In, type: Trigger, trigger: PortalMeetings}
---
kind: Playbook
id: c
blocks:
  - {name: In, type: Trigger, trigger: CustomerOverview}
---
kind: Playbook
id: d
blocks:
  - {name: In, type: Trigger, trigger: PortalMeetings, condition: trigger.Meeting.CustomFields.flag}
`

func TestMatch(t *testing.T) {
	w, err := Load(workspaceOf(t, []byte(matchWorkspace)))
	if err != nil {
		t.Fatalf("\n%s", err)
	}
	event := func(portal, title, flag string) *Event {
		ev, err := DecodeEvent([]byte(`{"type": "PortalMeetings", "portal": "` + portal + `", "data": {"Meeting": {"Id": "1", "Title": "` + title + `", "StartDate": "2026-03-12T13:00:00+01:00", "EndDate": "2026-03-12T13:00:00Z", "CustomFields": {"flag": ` + flag + `}, "Extra": 1}}}`))
		if err != nil {
			t.Fatal(err)
		}
		return ev
	}
	match := func(ev *Event) (fits, reasons []string) {
		f, others := w.Match(ev)
		for _, p := range f {
			fits = append(fits, p.ID)
		}
		for _, m := range others {
			reasons = append(reasons, m.Playbook.ID+": "+m.Reason)
		}
		return fits, reasons
	}
	want := func(ev *Event, ids ...string) []string {
		t.Helper()
		fits, reasons := match(ev)
		if diff := cmp.Diff(ids, fits); diff != "" {
			t.Error(diff)
		}
		return reasons
	}
	reasons := want(event("two", "x", "true"), "a", "b", "d")
	if len(reasons) != 1 || reasons[0] != "c: its trigger is CustomerOverview, and the event's type is PortalMeetings" {
		t.Error(reasons)
	}
	reasons = want(event("three", "x", "false"), "a")
	if diff := cmp.Diff([]string{
		"b: it is for events of portals one, two",
		"c: its trigger is CustomerOverview, and the event's type is PortalMeetings",
		"d: its condition is false: trigger.Meeting.CustomFields.flag",
	}, reasons); diff != "" {
		t.Error(diff)
	}
	want(event("one", "", "false"), "a")
	want(event("one", "x", "3"), "a", "b", "d")                        // a condition that fails: the run says so
	want(&Event{Type: "PortalMeetings", Portal: "one"}, "a", "b", "d") // data off its schema: no condition is asked
	want(&Event{Type: "PortalMeetings"}, "a", "d")
	want(&Event{Type: "Nope"})
}

// Members that a schema does not name, and allows, are names of a condition.
func TestConditionOnAnOpenSchema(t *testing.T) {
	for _, schema := range []string{"{}", "{type: object, additionalProperties: true}", "{type: object, properties: {Other: {}}, additionalProperties: true}"} {
		w, err := Load(fstest.MapFS{"a.yaml": {Data: []byte("kind: TriggerType\nid: LoanApplied\nschema: " + schema + "\n---\n" +
			"kind: Playbook\nid: p\nblocks: [{name: In, type: Trigger, trigger: LoanApplied, condition: Amount > 1000}]\n")}})
		if err != nil {
			t.Fatalf("%s\n%s", schema, err)
		}
		for amount, want := range map[string]int{"1500": 1, "500": 0, "null": 0} {
			ev, err := DecodeEvent([]byte(`{"type": "LoanApplied", "data": {"Amount": ` + amount + `}}`))
			if err != nil {
				t.Fatal(err)
			}
			if fits, _ := w.Match(ev); len(fits) != want {
				t.Errorf("%s, %s: %d playbooks fit, want %d", schema, amount, len(fits), want)
			}
		}
	}
}

func TestCheckEvent(t *testing.T) {
	w, err := Load(workspaceOf(t, []byte(matchWorkspace)))
	if err != nil {
		t.Fatalf("\n%s", err)
	}
	for in, want := range map[string]string{
		`{"type": "Own", "data": {"n": 1, "s": "a", "at": "2026-03-12T13:00:00Z", "l": [{"x": "MARKER"}]}}`: "",
		`{"type": "Own"}`:                                                                              "event: data: want an object, have null",
		`{"type": "Own", "data": {}}`:                                                                  "event: data: n is missing",
		`{"type": "Own", "data": {"n": 1.5}}`:                                                          "event: data.n: want a whole number, have a number",
		`{"type": "Own", "data": {"n": 0}}`:                                                            `event: data.n: does not satisfy "minimum" of the schema`,
		`{"type": "Own", "data": {"n": 1, "s": "MARKER"}}`:                                             "",
		`{"type": "Own", "data": {"n": 1, "at": "MARKER"}}`:                                            "event: data.at: want a date and time with its offset, such as 2026-03-12T13:00:00+01:00",
		`{"type": "Own", "data": {"n": 1, "l": [{}, {"x": 3}]}}`:                                       "event: data.l[1].x: want text, have a number",
		`{"type": "Own", "data": {"n": 1, "MARKER": 3}}`:                                               "event: data: has members that are not allowed",
		`{"type": "Onw", "data": {"n": 1}}`:                                                            `event: type: no such type of events (did you mean "Own"?)`,
		`{"type": "CustomerOverview", "data": {"AccountId": "1", "More": {}}}`:                         "",
		`{"type": "CustomerOverview", "data": {"AccountId": null}}`:                                    "event: data.AccountId: want text, have null",
		`{"type": "MeetMeetingEnded", "data": {"MeetingId": "1", "StartedAt": "2026-03-12T13:00:00"}}`: "event: data.StartedAt: want a date and time with its offset, such as 2026-03-12T13:00:00+01:00",
		`{"type": "MeetMeetingEnded", "data": {"MeetingId": "1", "StartedAt": null, "Attendance": [{"Name": null, "JoinedAt": "2026-03-12T13:00:00Z"}]}}`:                                         "",
		`{"type": "EmployeeProvisioned", "data": {"userName": "x", "kind": "robot"}}`:                                                                                                             "event: data.kind: is none of the values that are allowed",
		`{"type": "EmployeeProvisioned", "data": {"userName": "x", "kind": "room", "name": {"givenName": "a"}, "active": true}}`:                                                                  "",
		`{"type": "PortalMeetings", "data": {"Meeting": {"Id": "1", "Title": null, "StartDate": "2026-03-12T13:00:00Z", "EndDate": "2026-03-12T13:00:00Z"}}}`:                                     "event: data.Meeting.Title: want text, have null",
		`{"type": "PortalMeetings", "data": {"Meeting": {"Id": "1", "Title": "t", "StartDate": "2026-03-12T13:00:00Z"}}}`:                                                                         "event: data.Meeting: EndDate is missing",
		`{"type": "PortalMeetings", "data": {"Meeting": {"Id": "1", "Title": "t", "StartDate": "2026-03-12T13:00:00Z", "EndDate": "2026-03-12T13:00:00Z", "ExternalAttendees": [{"Email": 3}]}}}`: "event: data.Meeting.ExternalAttendees[0].Email: want text, have a number",
		`{"type": "TranscriptReady", "data": {"MeetingId": "1", "TranscriptId": "2"}}`:                                                                                                            "",
	} {
		ev, err := DecodeEvent([]byte(in))
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		got := ""
		if err := w.CheckEvent(ev); err != nil {
			got = err.Error()
		}
		if strings.Contains(got, "MARKER") {
			t.Errorf("%s: a value in %s", in, got)
		}
		if want != "" && got != want || want == "" && got != "" && !strings.Contains(in, "MARKER") {
			t.Errorf("%s:\n got %s\nwant %s", in, got, want)
		}
	}
}

func FuzzEvent(f *testing.F) {
	f.Add([]byte(`{"type": "PortalMeetings", "id": "e1", "time": "2026-03-02T10:15:00+01:00", "actor": {"kind": "employee"}, "data": {"a": [1e5, "\ud83d\ude42", null]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		ev, err := DecodeEvent(data)
		if err != nil {
			return
		}
		// What was taken is written back the same.
		out, err := json.Marshal(ev)
		if err != nil {
			t.Fatal(err)
		}
		again, err := DecodeEvent(out)
		if err != nil {
			t.Fatalf("%s: %v", out, err)
		}
		if diff := cmp.Diff(ev.Data, again.Data); diff != "" {
			t.Error(diff)
		}
	})
}
