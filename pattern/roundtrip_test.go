package pattern_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/entity"
	"github.com/andmoneyaps/engage-playbooks/pattern"
)

// crmWorld is a simulator with a few people, and the bound patterns of crm.
type crmWorld struct {
	t        *testing.T
	client   *dataverse.Client
	patterns map[string]*pattern.Pattern
}

func id(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012x", n) }

func newCRM(t *testing.T, more string) *crmWorld {
	_, c := newServer(t)
	w := &crmWorld{t: t, client: c, patterns: load(t, crm+more)}
	for name, p := range w.patterns {
		w.patterns[name] = bind(t, c, p)
	}
	return w
}

// seed creates rows: entity set, then wire columns.
func (w *crmWorld) seed(def *entity.Definition, n int, fields map[string]any) {
	w.t.Helper()
	write := dataverse.Write{
		Operation: dataverse.Create, Table: def.Table, EntitySet: def.EntitySet, PrimaryKey: def.PrimaryKey, ID: dataverse.GUID(id(n)),
	}
	for _, f := range def.Fields {
		v, ok := fields[f.Name]
		if !ok {
			continue
		}
		if f.Type == entity.TypePartyList {
			parties, err := f.Parties(v)
			if err != nil {
				w.t.Fatal(err)
			}
			write.Body = append(write.Body, dataverse.Property{Name: f.PartiesLink(), Value: parties})
			continue
		}
		p, err := f.Property(v)
		if err != nil {
			w.t.Fatal(err)
		}
		write.Body = append(write.Body, p)
	}
	if _, err := w.client.Apply(w.t.Context(), &dataverse.ChangeSet{Writes: []dataverse.Write{write}}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *crmWorld) entity(p, ref string) *entity.Definition {
	part, ok := w.patterns[p].Part(ref)
	if !ok {
		w.t.Fatalf("no part %s", ref)
	}
	return part.Entity
}

// ask sends a query through the client.
func (w *crmWorld) ask(q *dataverse.Query) []dataverse.Record {
	w.t.Helper()
	rows := w.client.QueryAll(w.t.Context(), []*dataverse.Query{q})[0]
	if rows.Err != nil {
		r, _ := q.Request()
		w.t.Fatalf("%v\n%s", rows.Err, r)
	}
	return rows.Records
}

// write runs look-up and write, and counts the round trips.
func (w *crmWorld) write(name string, op pattern.Operation, in pattern.Input, o pattern.Options) (*pattern.WritePlan, int, error) {
	w.t.Helper()
	p := w.patterns[name]
	if err := p.Check(op, in, o); err != nil {
		return nil, 0, err
	}
	l, err := p.Lookup(op, in, o)
	if err != nil {
		return nil, 0, err
	}
	rounds, _, err := run(l, w.ask)
	if err != nil {
		return nil, rounds, err
	}
	plan, err := p.Write(op, in, l, o)
	if err != nil || len(plan.ChangeSet.Writes) == 0 {
		return plan, rounds, err
	}
	written, err := w.client.Apply(w.t.Context(), plan.ChangeSet)
	for i := range written {
		plan.Writes[i].ID = written[i].ID
	}
	return plan, rounds + 1, err
}

// read runs a read and counts its round trips.
func (w *crmWorld) read(name string, in pattern.Input, o pattern.Options) ([]any, int, error) {
	w.t.Helper()
	plan, err := w.patterns[name].Read(in, o)
	if err != nil {
		return nil, 0, err
	}
	rounds, _, err := run(plan, w.ask)
	return plan.Results(), rounds, err
}

// input makes an Input of "part.Field" and value pairs.
func input(pairs ...any) pattern.Input {
	var in pattern.Input
	for i := 0; i < len(pairs); i += 2 {
		part, field, _ := strings.Cut(pairs[i].(string), ".")
		in = append(in, pattern.Value{Part: part, Field: field, Data: pairs[i+1], Source: "test"})
	}
	return in
}

// people seeds a customer and two employees, and books nothing yet.
func people(t *testing.T, more string) *crmWorld {
	w := newCRM(t, more)
	w.seed(w.entity("overview", "account"), 1, map[string]any{"Name": "Contoso"})
	contact := w.entity("overview", "contacts")
	w.seed(contact, 2, map[string]any{"LastName": "Lund", "Email": "ida@x.example", "ParentAccount": map[string]any{"Id": id(1), "Type": "account"}})
	w.seed(contact, 3, map[string]any{"LastName": "Holm", "Email": "bo@x.example", "ParentAccount": map[string]any{"Id": id(1), "Type": "account"}})
	return w
}

var booking = input(
	"customer.Email", "ida@x.example",
	"organiser.Id", "2f6e1c52-7a0d-4a53-9a3e-77f0c2b4e001",
	"meeting.Subject", "Advice",
	"meeting.Start", "2026-03-03T09:00:00+01:00",
	"meeting.End", "2026-03-03T10:00:00+01:00",
	"notes.Text", []any{"one", "two"},
)

func newIDs() pattern.Options {
	return pattern.Options{NewID: func(part string, i int) dataverse.GUID {
		return dataverse.GUID(fmt.Sprintf("11111111-0000-4000-8000-%06x%06x", len(part), i))
	}}
}

func TestBookMeetingTakesTwoRoundTripsOneWhenIDsAreGiven(t *testing.T) {
	w := people(t, "")
	plan, trips, err := w.write("book-meeting", pattern.Create, booking, newIDs())
	if err != nil || trips != 2 {
		t.Fatalf("%d round trips, %v", trips, err)
	}
	if n := len(plan.Writes); n != 3 {
		t.Fatalf("%d writes", n)
	}
	given := append(input("customer.Id", id(3)), booking[1:]...)
	if _, trips, err = w.write("book-meeting", pattern.Create, given, pattern.Options{}); err != nil || trips != 1 {
		t.Fatalf("with ids: %d round trips, %v", trips, err)
	}
	results, trips, err := w.read("overview", input("account.Name", "contoso"), pattern.Options{})
	if err != nil || trips != 1 {
		t.Fatalf("account -> contacts -> appointments: %d round trips, %v", trips, err)
	}
	r := results[0].(map[string]any)
	if len(results) != 1 || len(r["contacts"].([]any)) != 2 || len(r["appointments"].([]any)) != 2 {
		t.Fatalf("results: %v", results)
	}
	results, _, err = w.read("book-meeting", input("customer.Email", "ida@x.example"), pattern.Options{})
	if err != nil || len(results) != 1 {
		t.Fatalf("read the booking: %v %v", results, err)
	}
	meeting := results[0].(map[string]any)["meeting"].([]any)[0].(map[string]any)
	want := []any{map[string]any{"Id": "2f6e1c52-7a0d-4a53-9a3e-77f0c2b4e001", "Type": "systemuser",
		"Name": meeting["Organiser"].([]any)[0].(map[string]any)["Name"], "Address": "admin@simulator.example"}}
	if d := cmp.Diff(want, meeting["Organiser"]); d != "" {
		t.Error(d)
	}
	if meeting["Start"] != "2026-03-03T08:00:00Z" || meeting["Description"] != "Booked by Engage" {
		t.Errorf("meeting: %v", meeting)
	}
}

func TestAnUpdateNeverCreatesAndReplacesPartyListsAlone(t *testing.T) {
	w := people(t, "")
	plan, _, err := w.write("book-meeting", pattern.Create, booking, newIDs())
	if err != nil {
		t.Fatal(err)
	}
	meeting := string(plan.Writes[0].ID)
	party := func(n int) map[string]any { return map[string]any{"Id": id(n), "Type": "contact"} }
	up := `
---
kind: EntityPattern
id: change
parts:
  - {ref: meeting, entity: meeting}
  - {ref: contacts, entity: contact, allowsMultiple: true, optional: true}
`
	w = &crmWorld{t: t, client: w.client, patterns: w.patterns}
	w.patterns["change"] = bind(t, w.client, load(t, crm+up)["change"])
	_, trips, err := w.write("change", pattern.Update, input("meeting.Id", meeting, "meeting.Subject", "Later", "meeting.RequiredAttendees", []any{party(2), "guest@x.example"}), pattern.Options{})
	if err != nil || trips != 2 {
		t.Fatalf("%d round trips, %v", trips, err)
	}
	_, _, err = w.read("change", input("meeting.Id", meeting), pattern.Options{})
	if code(err) != "not-connected" {
		t.Fatalf("reading parts that nothing connects: %v", err)
	}
	results, _, err := w.read("book-meeting", input("meeting.Id", meeting), pattern.Options{})
	if err != nil || len(results) != 1 {
		t.Fatalf("%v %v", results, err)
	}
	m := results[0].(map[string]any)["meeting"].([]any)[0].(map[string]any)
	if m["Subject"] != "Later" || len(m["Organiser"].([]any)) != 1 || len(m["RequiredAttendees"].([]any)) != 2 {
		t.Errorf("meeting: %v", m)
	}
	etag := m["_etag"]
	if _, _, err := w.write("change", pattern.Update, input("meeting.Id", meeting, "meeting._etag", etag, "meeting.Subject", "Again"), pattern.Options{}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.write("change", pattern.Update, input("meeting.Id", meeting, "meeting._etag", etag, "meeting.Subject", "Twice"), pattern.Options{}); err == nil {
		t.Error("an old _etag was accepted")
	}
	if _, _, err := w.write("change", pattern.Update, input("contacts.Id", []any{id(2), id(99)}, "contacts.FirstName", "Ida"), pattern.Options{}); err == nil {
		t.Error("an update made a record")
	}
	plan, trips, err = w.write("change", pattern.Update, input("meeting.Id", meeting), pattern.Options{})
	if err != nil || trips != 0 || len(plan.Writes) != 0 {
		t.Errorf("only an Id: %d trips, %v", trips, err)
	}
}

func TestAnUpsertKeepsTheIDOfWhatItFindsByKey(t *testing.T) {
	more := `
---
kind: EntityPattern
id: customers
parts:
  - {ref: customers, entity: contact, allowsMultiple: true}
  - {ref: notes, entity: note, allowsMultiple: true, optional: true}
requirements:
  - {part: notes, field: ObjectReference, references: {part: customers, field: Id}}
`
	w := people(t, more)
	in := input("customers.Email", []any{"IDA@x.example", "new/one@x.example"}, "customers.LastName", []any{"Lund", "New"}, "customers.Birthday", "1990-05-01")
	plan, trips, err := w.write("customers", pattern.Upsert, in, newIDs())
	if err != nil || trips != 2 {
		t.Fatalf("%d round trips, %v", trips, err)
	}
	if got := []dataverse.GUID{plan.Writes[0].ID, plan.Writes[1].ID}; got[0] != dataverse.GUID(id(2)) || got[1] != "11111111-0000-4000-8000-000009000001" {
		t.Errorf("ids: %v", got)
	}
	again, _, err := w.write("customers", pattern.Upsert, in, pattern.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range again.Writes {
		if again.Writes[i].ID != plan.Writes[i].ID {
			t.Errorf("the second upsert wrote %v", again.Writes[i].ID)
		}
	}
}

// TestRoundsOfPlans is the table of rounds: how many dependent requests a read
// takes, with metadata and with definitions that state all.
func TestRoundsOfPlans(t *testing.T) {
	chain := `
kind: EntityPattern
id: chain
parts:
  - {ref: account, entity: account}
  - {ref: contacts, entity: contact, allowsMultiple: true, optional: true}
  - {ref: appointments, entity: appointment, allowsMultiple: true, optional: true}
  - {ref: notes, entity: annotation, allowsMultiple: true, optional: true}
  - {ref: primary, entity: contact, optional: true}
requirements:
  - {part: contacts, field: Parent, references: {part: account, field: Id}}
  - {part: appointments, field: Regarding, references: {part: contacts, field: Id}}
  - {part: notes, field: Regarding, references: {part: appointments, field: Id}}
  - {part: account, field: Primary, references: {part: primary, field: Id}}
`
	_, patterns, problems := decodeAll("chain.yaml", worldDefinitions+chain)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for name, c := range map[string]struct {
		bound  func(*entity.Definition) *entity.Definition
		in     pattern.Input
		rounds int
	}{
		"expanded, by name": {bound, input("account.Name", "A"), 1},
		"expanded, by id":   {bound, input("account.Id", id(1)), 1},
		"stated, by name":   {func(d *entity.Definition) *entity.Definition { return stated()[d.ID] }, input("account.Name", "A"), 1},
		"stated, by id":     {func(d *entity.Definition) *entity.Definition { return stated()[d.ID] }, input("account.Id", id(1)), 1},
		"from far away":     {bound, input("appointments.Name", "A", "account.Name", "A"), 1},
	} {
		plan, err := patterns[0].With(c.bound).Read(c.in, pattern.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if n := len(plan.Rounds()); n != c.rounds {
			t.Errorf("%s: %d rounds, want %d:\n%s", name, n, c.rounds, strings.Join(plan.Rounds(), "\n"))
		}
	}
}
