package pattern_test

import (
	"testing"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/pattern"
)

// TestResultsAreBounded: each part keeps to its limit, but every pair of their
// records is a result.
func TestResultsAreBounded(t *testing.T) {
	_, patterns, problems := decodeAll("pairs.yaml", worldDefinitions+`
kind: EntityPattern
id: pairs
parts:
  - {ref: contact, entity: contact}
  - {ref: note, entity: annotation}
  - {ref: other, entity: annotation}
requirements:
  - {part: note, field: Regarding, references: {part: contact, field: Id}}
  - {part: other, field: Regarding, references: {part: contact, field: Id}}
`)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	p := patterns[0].With(bound)
	notes := func(n int) []dataverse.Record {
		var all []dataverse.Record
		for i := range n {
			all = append(all, dataverse.Record{"annotationid": id(100 + i), "_objectid_value": id(1), "_objectid_value@Microsoft.Dynamics.CRM.lookuplogicalname": "contact"})
		}
		return all
	}
	for n, want := range map[int]string{300: "", 5000: "too-many-results"} {
		plan, err := p.Read(input("contact.Id", id(1)), pattern.Options{})
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = run(plan, func(q *dataverse.Query) []dataverse.Record {
			if q.Table == "contact" {
				return []dataverse.Record{{"contactid": id(1), "Contact_Annotation": notes(n)}}
			}
			return notes(n)
		})
		if code(err) != want {
			t.Errorf("%d notes: %v, want %q", n, err, want)
		}
		if err == nil && len(plan.Results()) != n*n {
			t.Errorf("%d results", len(plan.Results()))
		}
	}
}
