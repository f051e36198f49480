package pattern_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/pattern"
)

const moreWrites = `
---
kind: EntityPattern
id: fan
parts:
  - {ref: customers, entity: contact, readOnly: true, allowsMultiple: true}
  - {ref: notes, entity: note, allowsMultiple: true}
requirements:
  - {part: notes, field: ObjectReference, references: {part: customers, field: Id}}
---
kind: EntityPattern
id: copy
parts:
  - {ref: customer, entity: contact, readOnly: true}
  - {ref: note, entity: note}
requirements:
  - {part: note, field: ObjectReference, references: {part: customer, field: Id}}
  - {part: note, field: Title, references: {part: customer, field: LastName}}
---
kind: EntityPattern
id: people
parts:
  - {ref: people, entity: contact, allowsMultiple: true}
---
kind: EntityPattern
id: customer
parts:
  - {ref: customer, entity: contact}
`

// TestRefusalsComeBeforeTheFirstRequest lists inputs that must not be written:
// the rule, and the part and field that the error names.
func TestRefusalsComeBeforeTheFirstRequest(t *testing.T) {
	w := people(t, moreWrites)
	meeting := func(pairs ...any) pattern.Input {
		in := append(pattern.Input{}, booking[1:5]...)
		return append(in, input(append([]any{"customer.Id", id(2)}, pairs...)...)...)
	}
	long := strings.Repeat("x", 201)
	for name, c := range map[string]struct {
		pattern  string
		op       pattern.Operation
		in       pattern.Input
		code, at string
	}{
		"required":            {"book-meeting", pattern.Create, input("customer.Id", id(2), "organiser.Id", id(9), "meeting.Start", "2026-03-03T09:00:00Z"), "required-field", "meeting.Subject"},
		"required null":       {"customer", pattern.Create, input("customer.LastName", nil), "required-field", "customer.LastName"},
		"too long":            {"book-meeting", pattern.Create, input("customer.Id", id(2), "organiser.Id", id(9), "meeting.Subject", long, "meeting.Start", "2026-03-03T09:00:00Z", "meeting.End", "2026-03-03T09:00:00Z"), "too-long", "meeting.Subject"},
		"wrong type":          {"customer", pattern.Create, input("customer.LastName", json.Number("5")), "wrong-type", "customer.LastName"},
		"unknown choice":      {"customer", pattern.Create, input("customer.LastName", "L", "customer.Family", "Divorced"), "unknown-choice", "customer.Family"},
		"wrong target":        {"customer", pattern.Create, input("customer.LastName", "L", "customer.ParentAccount", map[string]any{"Id": id(1), "Type": "lead"}), "wrong-target", "customer.ParentAccount"},
		"ambiguous lookup":    {"customer", pattern.Create, input("customer.LastName", "L", "customer.ParentAccount", id(1)), "ambiguous-lookup", "customer.ParentAccount"},
		"list for one":        {"customer", pattern.Create, input("customer.LastName", []any{"L"}), "list-for-one", "customer.LastName"},
		"different lengths":   {"people", pattern.Create, input("people.LastName", []any{"A", "B"}, "people.FirstName", []any{"A"}), "list-length", "people.FirstName"},
		"bound field":         {"book-meeting", pattern.Create, meeting("meeting.Regarding", id(2)), "bound-field", "meeting.Regarding"},
		"id on create":        {"customer", pattern.Create, input("customer.Id", id(7), "customer.LastName", "L"), "id-on-create", "customer.Id"},
		"read-only field":     {"fan", pattern.Create, input("customers.Id", id(2), "notes.CreatedOn", "2026-03-03T09:00:00Z"), "read-only-field", "notes.CreatedOn"},
		"unknown field":       {"customer", pattern.Create, input("customer.Lastname", "L"), "unknown-field", "customer.Lastname"},
		"unknown part":        {"customer", pattern.Create, input("custmer.LastName", "L"), "unknown-part", ""},
		"all inputs null":     {"book-meeting", pattern.Create, append(meeting()[:4], input("customer.Email", nil)...), "no-value", "customer"},
		"update without id":   {"customer", pattern.Update, input("customer.LastName", "L"), "update-without-id", "customer.Id"},
		"update id null":      {"customer", pattern.Update, input("customer.Id", nil, "customer.LastName", "L"), "update-without-id", "customer.Id"},
		"upsert without key":  {"customer", pattern.Upsert, input("customer.LastName", "L"), "upsert-without-key", "customer"},
		"upsert key null":     {"customer", pattern.Upsert, input("customer.Email", nil, "customer.LastName", "L"), "upsert-without-key", "customer"},
		"upsert required":     {"customer", pattern.Upsert, input("customer.Email", "a@b.example"), "required-field", "customer.LastName"},
		"no field":            {"customer", pattern.Create, input("customer", "L"), "unknown-destination", "customer"},
		"party list to find":  {"book-meeting", pattern.Read, input("meeting.Organiser", "a@b.example"), "wrong-operator", "meeting.Organiser"},
		"number instead of a": {"book-meeting", pattern.Create, meeting("notes.Text", []any{"a", json.Number("5")}), "wrong-type", "notes[1].Text"},
	} {
		t.Run(name, func(t *testing.T) {
			err := w.patterns[c.pattern].Check(c.op, c.in, pattern.Options{})
			if c.op == pattern.Read {
				_, err = w.patterns[c.pattern].Read(c.in, pattern.Options{})
			}
			var e *pattern.Error
			if !errors.As(err, &e) {
				t.Fatalf("accepted: %v", err)
			}
			at := strings.TrimSuffix(e.Part+"."+e.Field, ".")
			if e.Code != c.code || at != c.at {
				t.Errorf("have %s at %s: %v", e.Code, at, e)
			}
		})
	}
}

func TestLookupsThatFindTooLittleOrTooMuch(t *testing.T) {
	w := people(t, moreWrites)
	for name, c := range map[string]struct {
		pattern  string
		in       pattern.Input
		code     string
		warnings int
		writes   int
	}{
		"none":            {"copy", input("customer.Email", "nobody@x.example", "note.Text", "t"), "not-found", 0, 0},
		"several":         {"copy", input("customer.ParentAccount", id(1), "note.Text", "t"), "ambiguous", 0, 0},
		"some of a list":  {"fan", input("customers.Email", []any{"bo@x.example", "nobody@x.example", nil, "IDA@x.example"}, "notes.Text", "t"), "", 1, 2},
		"value reference": {"copy", input("customer.Id", id(2), "note.Text", "t"), "", 0, 1},
		"lengths":         {"fan", input("customers.Email", []any{"bo@x.example", "ida@x.example"}, "notes.Text", []any{"a"}), "list-length", 0, 0},
		"empty list":      {"fan", input("customers.Email", []any{}, "notes.Text", "a"), "no-value", 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			plan, _, err := w.write(c.pattern, pattern.Create, c.in, newIDs())
			if code(err) != c.code {
				t.Fatal(err)
			}
			if err != nil {
				return
			}
			if len(plan.Warnings) != c.warnings || len(plan.Writes) != c.writes {
				t.Errorf("%v, %d writes", plan.Warnings, len(plan.Writes))
			}
			switch name {
			case "some of a list":
				if got := plan.ChangeSet.Writes[0].Body[1].Value.(dataverse.Bind).ID; got != dataverse.GUID(id(3)) {
					t.Errorf("the first note is on %s: the order is that of the list", got)
				}
			case "value reference":
				rec := plan.Result()["note"].([]any)[0].(map[string]any)
				if rec["Title"] != "Lund" {
					t.Errorf("note: %v", rec)
				}
			}
		})
	}
}

func TestUnknownValuesGoThrough(t *testing.T) {
	w := people(t, moreWrites)
	u := pattern.Unknown{After: "Read advisor"}
	in := append(input("customer.Email", u, "organiser.Id", u, "attendees.Email", []any{u, "x@y.example"}, "meeting.RequiredAttendees", u)[:3],
		input("meeting.Subject", u, "meeting.Start", u, "meeting.End", "2026-03-03T09:00:00Z", "notes.Text", []any{"a", u})...)
	p := w.patterns["book-meeting"]
	if err := p.Check(pattern.Create, in); err != nil {
		t.Fatal(err)
	}
	l, err := p.Lookup(pattern.Create, in, pattern.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if rounds, _, err := run(l, w.ask); err != nil || rounds != 0 {
		t.Fatal(rounds, err)
	}
	plan, err := p.Write(pattern.Create, in, l, newIDs())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range plan.Writes[0].Columns {
		_, unknown := pattern.FindUnknown(c.Value)
		if want := c.Field != "End" && c.Field != "Description"; unknown != want {
			t.Errorf("%s: %v", c.Field, c.Value)
		}
	}
	if len(plan.Writes) != 3 || plan.Result()["meeting"] == nil {
		t.Errorf("%d writes", len(plan.Writes))
	}
	for op, in := range map[pattern.Operation]pattern.Input{
		pattern.Update: input("customer.Id", u, "customer.LastName", "L"),
		pattern.Upsert: input("customer.Email", u, "customer.LastName", "L"),
	} {
		p := w.patterns["customer"]
		l, err := p.Lookup(op, in, pattern.Options{})
		if err != nil {
			t.Fatal(op, err)
		}
		if _, _, err := run(l, w.ask); err != nil {
			t.Fatal(op, err)
		}
		if plan, err := p.Write(op, in, l, pattern.Options{}); err != nil || len(plan.Writes) != 1 {
			t.Error(op, err)
		}
	}
	if _, err := w.patterns["overview"].Read(input("account.Name", u, "contacts", u), pattern.Options{}); err != nil {
		t.Error(err)
	}
}

func TestMoreThanOneChangeSetHolds(t *testing.T) {
	w := people(t, moreWrites)
	names := make([]any, 1001)
	for i := range names {
		names[i] = "N"
	}
	in := input("people.LastName", names)
	if err := w.patterns["people"].Check(pattern.Create, in, pattern.Options{}); code(err) != "too-many-writes" {
		t.Error(err)
	}
	l, _ := w.patterns["people"].Lookup(pattern.Create, in, pattern.Options{})
	plan, err := w.patterns["people"].Write(pattern.Create, in, l, pattern.Options{Bulk: true})
	if err != nil || plan.Atomic || plan.Why == "" || len(plan.Writes) != 1001 {
		t.Error(err, plan.Why)
	}
}

func TestAReadThatBringsTooMuchFails(t *testing.T) {
	w := people(t, moreWrites)
	if _, _, err := w.read("people", nil, pattern.Options{Limit: 1}); code(err) != "too-many-records" {
		t.Error(err)
	}
	if _, _, err := w.read("people", nil, pattern.Options{}); code(err) != "read-without-input" {
		t.Error(err)
	}
	if r, trips, err := w.read("people", input("people.Email", []any{}), pattern.Options{}); err != nil || trips != 0 || len(r) != 0 {
		t.Errorf("an empty list: %v, %d trips, %v", r, trips, err)
	}
	if _, _, err := w.read("people", input("people.Email", nil), pattern.Options{}); code(err) != "no-value" {
		t.Error(err)
	}
}

// TestAPartThatMayBeLeftOutDecidesNoLength: whether the contacts are there is
// known after the look-up of their account, so what is zipped with them is
// not refused before.
func TestAPartThatMayBeLeftOutDecidesNoLength(t *testing.T) {
	const staff = `
---
kind: EntityPattern
id: staff
parts:
  - {ref: firm, entity: account, optional: true, readOnly: true}
  - {ref: staff, entity: contact, allowsMultiple: true, optional: true}
  - {ref: notes, entity: note, allowsMultiple: true, optional: true}
requirements:
  - {part: staff, field: ParentAccount, references: {part: firm, field: Id}}
  - {part: notes, field: ObjectReference, references: {part: staff, field: Id}, optional: true}
`
	for name, c := range map[string]struct {
		firm         string
		code         string
		notes, staff []any
		writes       int
	}{
		"there, and as many": {"Contoso", "", []any{"a", "b"}, []any{"A", "B"}, 4},
		"there, and fewer":   {"Contoso", "list-length", []any{"a"}, []any{"A", "B"}, 0},
		"absent":             {"Nobody", "", []any{"a"}, []any{"A", "B"}, 1},
		"own lists differ":   {"Nobody", "list-length", []any{"a"}, []any{"A", "B", "C"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := people(t, staff)
			in := input("firm.Name", c.firm, "staff.LastName", c.staff, "staff.FirstName", []any{"X", "Y"}, "notes.Text", c.notes)
			plan, _, err := w.write("staff", pattern.Create, in, newIDs())
			if code(err) != c.code {
				t.Fatalf("%q: %v", code(err), err)
			}
			if err == nil && len(plan.Writes) != c.writes {
				t.Errorf("%d writes", len(plan.Writes))
			}
		})
	}
}

// TestAsManyAsALookUpFinds: how many contacts are made is known after the
// look-up of the accounts they belong to, so what is zipped with them is not
// refused before.
func TestAsManyAsALookUpFinds(t *testing.T) {
	const branches = `
---
kind: EntityPattern
id: branches
parts:
  - {ref: firms, entity: account, allowsMultiple: true, readOnly: true}
  - {ref: staff, entity: contact, allowsMultiple: true}
  - {ref: notes, entity: note, allowsMultiple: true}
requirements:
  - {part: staff, field: ParentAccount, references: {part: firms, field: Id}}
  - {part: notes, field: ObjectReference, references: {part: staff, field: Id}}
`
	for notes, want := range map[int]string{1: "list-length", 2: ""} {
		w := people(t, branches)
		w.seed(w.entity("overview", "account"), 8, map[string]any{"Name": "Contoso"})
		in := input("firms.Name", "contoso", "staff.LastName", "A", "notes.Text", []any{"a", "b"}[:notes])
		if _, _, err := w.write("branches", pattern.Create, in, newIDs()); code(err) != want {
			t.Errorf("%d notes: %v, want %q", notes, err, want)
		}
	}
}

// TestKeysAreAskedForInFullRounds: those that do not fit into the queries of
// one round go into longer ones, as many as leave no round half empty.
func TestKeysAreAskedForInFullRounds(t *testing.T) {
	w := people(t, moreWrites)
	for n, queries := range map[int]int{1: 1, 500: 1, 2000: 4, 3000: 4, 6000: 8, 20000: 16} {
		keys := make([]any, n)
		for i := range keys {
			keys[i] = fmt.Sprintf("person%d@bank.example", i)
		}
		l, err := w.patterns["people"].Lookup(pattern.Upsert, input("people.Email", keys), pattern.Options{})
		if err != nil {
			t.Fatal(err)
		}
		fetches, err := l.Next(nil)
		if err != nil {
			t.Fatal(err)
		}
		asked := map[dataverse.Value]bool{}
		for _, f := range fetches {
			switch c := f.Query.Filter.(type) {
			case dataverse.In:
				for _, v := range c.Values {
					asked[v] = true
				}
			case dataverse.Compare:
				asked[c.Value] = true
			}
			if r, err := f.Query.Request(); err != nil || len(r.Path) > 60_000 {
				t.Errorf("%d keys: %v, a path of %d", n, err, len(r.Path))
			}
		}
		if len(fetches) != queries || len(asked) != n {
			t.Errorf("%d keys: %d queries for %d, want %d", n, len(fetches), len(asked), queries)
		}
	}
}
