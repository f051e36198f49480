package playbook_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/andmoneyaps/engage-playbooks/dataverse/simulator"
	"github.com/andmoneyaps/engage-playbooks/playbook"
)

// mark puts the canary into every text of the data, but for those that lead
// to records or must have a form.
func mark(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, item := range v {
			switch name {
			case "StartDate", "EndDate", "Email":
			default:
				v[name] = mark(item)
			}
		}
	case []any:
		for i := range v {
			v[i] = mark(v[i])
		}
	case string:
		return v + " " + canary
	}
	return v
}

// No value of the event appears in what may be logged or kept: record, error,
// progress, audit. Whatever fails.
func TestNoValueInRecordsErrorsProgressAndLogs(t *testing.T) {
	faults := map[string]*simulator.Fault{
		"clean":     nil,
		"refused":   {Kind: simulator.FaultError, Status: 400, Code: "0x80048d19", Message: "the value '" + canary + "' is no good", Path: "$batch", Count: -1},
		"forbidden": {Kind: simulator.FaultError, Status: 403, Message: canary, Count: -1, Path: "contacts"},
		"html":      {Kind: simulator.FaultHTML, Message: canary, Count: -1, Path: "systemusers"},
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			b := setUp(t, "", nil)
			var out bytes.Buffer
			b.engine.Log = slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
			b.engine.Observe = func(p playbook.Progress) {
				data, err := json.Marshal(p)
				if err != nil {
					t.Error(err)
				}
				out.Write(data)
				fmt.Fprintf(&out, "%+v %#v", p, p)
			}
			if fault != nil {
				b.Server.Fail(*fault)
			}
			ev := event(t, "booked.json")
			ev.Data = mark(ev.Data)
			ev.Assertion = "secret-" + canary
			r, err := b.engine.Run(t.Context(), b.playbook, ev)
			if (r.Status == playbook.StatusSucceeded) != (fault == nil) {
				t.Fatalf("%s: %v", r.Status, err)
			}
			record, _ := json.Marshal(&r.Record)
			out.Write(record)
			fmt.Fprintf(&out, "%v %+v %v", err, r.Record, ev)
			for _, w := range []string{canary, "anna.lindqvist@lindqvist.example"} {
				if i := strings.Index(out.String(), w); i >= 0 {
					t.Errorf("%s in …%s…", w, out.String()[max(0, i-200):min(out.Len(), i+80)])
				}
			}
			if data, _ := json.Marshal(r); fault == nil && !strings.Contains(string(data), canary) {
				t.Error("the test marks nothing: the result has no canary")
			}
		})
	}
}

// Values that look like syntax arrive as they are.
func TestHostileValuesArriveUnchanged(t *testing.T) {
	for _, text := range []string{
		`O'Neill' or 1 eq 1`, `{{ 7 | times: 6 }} {% raw %}`, `"); drop--`, "tab\tline\nend", `{"Id": "x"}`, "%27 or %2527", `$1 $batch --batch`,
		"𝄞 ñ 漢字", `value + blocks["x"]`, strings.Repeat("'", 100),
	} {
		b := setUp(t, "", nil)
		ev := event(t, "booked.json")
		meeting := ev.Data.(map[string]any)["Meeting"].(map[string]any)
		meeting["Title"] = text
		meeting["ExternalAttendees"].([]any)[0].(map[string]any)["Name"] = text
		b.run(t, ev, playbook.StatusSucceeded)
		if got := b.records(t, "appointments")[0]["subject"]; got != text {
			t.Errorf("%q arrived as %q", text, got)
		}
		if got := fmt.Sprint(b.records(t, "annotations")[0]["notetext"]); !strings.Contains(got, text) {
			t.Errorf("%q arrived as %q", text, got)
		}
	}
}

// A hostile e-mail is looked for as it is, and finds nobody.
func TestHostileFiltersFindNothing(t *testing.T) {
	for _, text := range []string{`x' or contactid ne null or emailaddress1 eq '`, "%", "_", `*`, `'`, ""} {
		b := setUp(t, whenPlaybook, nil)
		ev := event(t, "booked.json")
		ev.Data.(map[string]any)["Meeting"].(map[string]any)["ExternalAttendees"].([]any)[0].(map[string]any)["Email"] = text
		if r := b.run(t, ev, playbook.StatusSucceeded); r.Blocks[2].Status != playbook.StatusSkipped {
			t.Errorf("%q found somebody: %s", text, statuses(r))
		}
	}
}
