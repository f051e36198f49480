package pattern_test

import (
	"testing"

	"github.com/andmoneyaps/engage-playbooks/pattern"
)

// A completed activity takes no more changes, so parties are replaced between
// the change of the other columns (which compares the version) and that of the
// state; what re-opens an activity comes first. All of it is one change set.
func TestAnActivityIsCompletedAfterItsPartiesAreReplaced(t *testing.T) {
	w := people(t, `
---
kind: EntityDefinition
id: held
type: appointment
fields:
  - {name: Subject, mappedName: subject, type: String}
  - {name: Attendees, mappedName: requiredattendees, type: PartyList, targets: [contact]}
  - {name: State, mappedName: statecode, type: Choice, choices: {Open: 0, Completed: 1}}
  - {name: Status, mappedName: statuscode, type: Choice, choices: {Free: 1, Completed: 3}}
---
kind: EntityPattern
id: hold
parts: [{ref: meeting, entity: held}]
`)
	w.seed(w.entity("hold", "meeting"), 7, map[string]any{"Subject": "Advice"})
	read := func() map[string]any {
		t.Helper()
		results, _, err := w.read("hold", input("meeting.Id", id(7)), pattern.Options{})
		if err != nil || len(results) != 1 {
			t.Fatalf("%v %v", results, err)
		}
		return results[0].(map[string]any)["meeting"].([]any)[0].(map[string]any)
	}
	party := []any{map[string]any{"Id": id(2), "Type": "contact"}}
	etag := read()["_etag"]
	change := input("meeting.Id", id(7), "meeting._etag", etag, "meeting.Subject", "Held",
		"meeting.State", "Completed", "meeting.Status", "Completed", "meeting.Attendees", party)
	plan, _, err := w.write("hold", pattern.Update, change, pattern.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(plan.ChangeSet.Writes); n != 3 {
		t.Errorf("%d operations", n)
	}
	m := read()
	if m["Subject"] != "Held" || m["State"] != "Completed" || m["Status"] != "Completed" || len(m["Attendees"].([]any)) != 1 {
		t.Errorf("completed: %v", m)
	}
	if _, _, err := w.write("hold", pattern.Update, change, pattern.Options{}); err == nil {
		t.Error("an old _etag was accepted")
	}
	reopen := input("meeting.Id", id(7), "meeting.State", "Open", "meeting.Status", "Free", "meeting.Attendees", []any{})
	if _, _, err := w.write("hold", pattern.Update, reopen, pattern.Options{}); err != nil {
		t.Fatal(err)
	}
	if m := read(); m["State"] != "Open" || len(m["Attendees"].([]any)) != 0 {
		t.Errorf("opened again: %v", m)
	}
}
