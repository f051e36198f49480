package playbook_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/andmoneyaps/engage-playbooks/pattern"
	"github.com/andmoneyaps/engage-playbooks/playbook"
)

// A pattern that runs alone for an event with an id is repeatable too, and its
// plan costs what the run costs.
func TestPatternAloneIsRepeatable(t *testing.T) {
	b := setUp(t, "", map[string]string{"patterns/new.yaml": newCustomer, "simulator/local.yaml": ""})
	p, _ := b.Workspace.Pattern("new-customer")
	ev := &playbook.Event{ID: "alone-1"}
	in := map[string]any{"customer.LastName": "Holm"}
	plan, err := b.engine.DryRunPattern(t.Context(), p, pattern.Create, in, ev)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, want := range []string{"create", playbook.Unchanged} {
		r, err := b.engine.RunPattern(t.Context(), p, pattern.Create, in, ev)
		if err != nil || len(r.Writes) != 1 || r.Writes[0].Operation != want {
			t.Fatalf("%v\n%s", err, show(r))
		}
		if diff := cmp.Diff(plan.Stats, r.Stats); want == "create" && diff != "" {
			t.Errorf("stats -plan +run:\n%s", diff)
		}
		ids = append(ids, r.Writes[0].ID)
	}
	if ids[0] != ids[1] || ids[0] != plan.Writes[0].ID {
		t.Errorf("ids %v, planned %s", ids, plan.Writes[0].ID)
	}
}
