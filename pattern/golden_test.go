package pattern_test

import (
	"strings"
	"testing"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/pattern"
)

// TestRequestsOfPlans holds the requests that plans stand for, as text, in
// testdata/request/pattern.
func TestRequestsOfPlans(t *testing.T) {
	w := people(t, moreWrites)
	reads := map[string]struct {
		pattern string
		in      pattern.Input
	}{
		"read-overview":        {"overview", input("account.Name", "Contoso & Søn")},
		"read-overview-by-id":  {"overview", input("account.Id", id(1))},
		"read-booking":         {"book-meeting", input("customer.Email", "ida@x.example")},
		"read-booking-by-note": {"book-meeting", input("customer.Email", "ida@x.example", "notes", map[string]any{"field": "Text", "operator": "Contains", "value": "100%"})},
	}
	for name, c := range reads {
		t.Run(name, func(t *testing.T) {
			plan, err := w.patterns[c.pattern].Read(c.in, pattern.Options{})
			if err != nil {
				t.Fatal(err)
			}
			var text strings.Builder
			for _, line := range plan.Rounds() {
				text.WriteString("# " + line + "\n")
			}
			// Every round is shown, so each query finds one row of its own.
			if _, _, err := run(plan, func(q *dataverse.Query) []dataverse.Record {
				r, err := q.Request()
				if err != nil {
					t.Fatal(err)
				}
				text.WriteString("\n" + r.String())
				return w.ask(q)
			}); err != nil {
				t.Fatal(err)
			}
			golden(t, "../testdata/request/pattern/"+name+".txt", text.String())
		})
	}
	writes := map[string]struct {
		pattern string
		op      pattern.Operation
		in      pattern.Input
	}{
		"create-booking": {"book-meeting", pattern.Create, booking},
		"create-fan-out": {"fan", pattern.Create, input("customers.Email", []any{"bo@x.example", "ida@x.example"}, "notes.Text", []any{"for Bo", "for Ida"})},
		"update-null":    {"customer", pattern.Update, input("customer.Id", id(2), "customer._etag", `W/"5"`, "customer.ParentAccount", nil, "customer.Email", nil)},
		"upsert-by-key":  {"customer", pattern.Upsert, input("customer.Email", "new/one@x.example", "customer.LastName", "New", "customer.Family", "Married")},
	}
	for name, c := range writes {
		t.Run(name, func(t *testing.T) {
			p := w.patterns[c.pattern]
			l, err := p.Lookup(c.op, c.in, newIDs())
			if err != nil {
				t.Fatal(err)
			}
			var text strings.Builder
			if _, _, err := run(l, func(q *dataverse.Query) []dataverse.Record {
				r, err := q.Request()
				if err != nil {
					t.Fatal(err)
				}
				text.WriteString(r.String() + "\n")
				return w.ask(q)
			}); err != nil {
				t.Fatal(err)
			}
			plan, err := p.Write(c.op, c.in, l, newIDs())
			if err != nil {
				t.Fatal(err)
			}
			requests, err := plan.ChangeSet.Requests()
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range requests {
				text.WriteString(r.String())
			}
			golden(t, "../testdata/request/pattern/"+name+".txt", text.String())
		})
	}
}
