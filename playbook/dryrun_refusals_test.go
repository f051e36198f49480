package playbook_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/playbook"
)

// advisorWith is the example's simulator whose advisor has other privileges.
func advisorWith(privileges string) map[string]string {
	return map[string]string{"simulator/local.yaml": `kind: Simulator
id: local
roles: [{name: Advisor, privileges: {` + privileges + `}}]
users:
  - {email: mette.holm@bank.example, roles: [Advisor]}
`}
}

const linkPlaybook = `kind: Playbook
id: link
blocks:
  - {name: Event, type: Trigger, trigger: PortalMeetings}
  - name: Book
    type: EntityPatternCreate
    pattern: book-meeting
    inputs:
      - map:
          - {value: 0f2c1b8a-7d44-4c1e-9c52-3affffffffff, destination: customer.Id}
      - from: Event
        map:
          - {source: Meeting.MeetingOwner.Email, destination: organiser.Email}
          - {source: Meeting.Title, destination: meeting.Subject}
          - {source: Meeting.StartDate, destination: meeting.ScheduledStart}
          - {source: Meeting.EndDate, destination: meeting.ScheduledEnd}
          - {source: Meeting.Title, destination: note.Subject}
`

func TestDryRunMissesARecordThatIsLinkedTo(t *testing.T) {
	b := setUp(t, linkPlaybook, nil)
	plan := b.plan(t, event(t, "booked.json"), playbook.StatusFailed)
	if plan.Error.Code != dataverse.CodeObjectDoesNotExist || plan.Error.Part != "customer" || len(plan.Writes) != 0 {
		t.Errorf("%s", show(plan.Error))
	}
	b.run(t, event(t, "booked.json"), playbook.StatusFailed)
}

// Who may write a record need not be allowed to read what it holds: the run
// does not ask, so the plan does not fail for it.
func TestDryRunOfAnUpdateByOneWhoMayNotRead(t *testing.T) {
	text := strings.Replace(linkPlaybook, "EntityPatternCreate\n    pattern: book-meeting", "EntityPatternUpdate\n    pattern: new-customer", 1)
	head, _, _ := strings.Cut(text, "      - from: Event")
	files := advisorWith("contact: [Write]")
	files["patterns/new.yaml"] = newCustomer
	b := setUp(t, strings.Replace(head, "customer.Id}", "customer.Id}\n          - {value: X, destination: customer.Phone}", 1), files)
	plan := b.plan(t, event(t, "booked.json"), playbook.StatusSucceeded)
	if len(plan.Writes) != 1 || plan.Writes[0].Verdict != playbook.VerdictUnknown || len(plan.Warnings) != 1 {
		t.Errorf("%s", show(plan))
	}
}

// A new record has no state to be set: the service passes it over. Where it is
// not known whether an upsert makes one, a state that no record can have is no
// failure yet.
func TestDryRunOfAnUpsertByOneWhoMayNotRead(t *testing.T) {
	const text = `kind: Playbook
id: upsert
blocks:
  - {name: Event, type: Trigger, trigger: PortalMeetings}
  - name: Put
    type: EntityPatternUpsert
    pattern: visit
    inputs: [{map: [{value: 0f2c1b8a-7d44-4c1e-9c52-3affffffffff, destination: visit.Id}, {value: 99, destination: visit.State}]}]
`
	files := advisorWith("appointment: [Create, Write]")
	files["patterns/visit.yaml"] = `kind: EntityDefinition
id: visit
type: appointment
entitySet: appointments
primaryKey: activityid
fields: [{name: State, mappedName: statecode, type: Choice}]
---
kind: EntityPattern
id: visit
parts: [{ref: visit, entity: visit}]
`
	b := setUp(t, text, files)
	plan := b.plan(t, event(t, "booked.json"), playbook.StatusSucceeded)
	if len(plan.Writes) != 1 || plan.Writes[0].Verdict != playbook.VerdictUnknown || len(plan.Warnings) != 1 {
		t.Errorf("%s", show(plan))
	}
	b.run(t, event(t, "booked.json"), playbook.StatusSucceeded)
}

// Whichever privilege the employee lacks: a plan that succeeds without a doubt
// is one whose run succeeds.
func TestDryRunForeseesMissingPrivileges(t *testing.T) {
	all := []string{
		"account Read", "contact Read", "contact AppendTo", "systemuser Read", "systemuser AppendTo",
		"appointment Create", "appointment Read", "appointment Append", "appointment AppendTo",
		"annotation Create", "annotation Read", "annotation Append",
	}
	foreseen := 0
	for _, lacking := range append(all, "") {
		granted := map[string][]string{}
		for _, p := range all {
			if table, verb, _ := strings.Cut(p, " "); p != lacking {
				granted[table] = append(granted[table], verb)
			}
		}
		var privileges []string
		for _, table := range slices.Sorted(maps.Keys(granted)) {
			privileges = append(privileges, fmt.Sprintf("%s: [%s]", table, strings.Join(granted[table], ", ")))
		}
		b := setUp(t, "", advisorWith(strings.Join(privileges, ", ")))
		plan, err := b.engine.DryRun(t.Context(), b.playbook, event(t, "booked.json"))
		if plan == nil {
			t.Fatal(err)
		}
		run, _ := b.engine.Run(t.Context(), b.playbook, event(t, "booked.json"))
		if run.Status == playbook.StatusFailed && plan.Status == playbook.StatusFailed {
			foreseen++
		}
		if plan.Status != run.Status && (len(plan.Warnings) == 0 || plan.Status == playbook.StatusFailed) {
			t.Errorf("without %q\nplan %s %s\nrun %s %s", lacking, plan.Status, show(plan.Error), run.Status, show(run.Error))
		}
	}
	if foreseen < 8 {
		t.Errorf("only %d refusals were met", foreseen)
	}
}

// A record that an Update names by its id alone is linked to all the same: the
// employee must be allowed to read it, and it must be there.
func TestVerifyAsksForPartsThatAreOnlyNamed(t *testing.T) {
	for _, id := range []string{company, nobody} {
		text := `kind: Playbook
id: named
blocks:
  - {name: Event, type: Trigger, trigger: PortalMeetings}
  - name: Move
    type: EntityPatternUpdate
    pattern: staff
    identity: application
    reason: advisors cannot move customers
    verify: employee
    inputs: [{map: [{value: ` + id + `, destination: company.Id}, {value: ` + anna + `, destination: person.Id}, {value: Anna, destination: person.FirstName}]}]
`
		files := advisorWith("contact: [Read]")
		files["simulator/local.yaml"] += "escalation: {allow: [named/Move]}\n"
		files["entities/loose.yaml"] = looseDefinitions
		b := setUp(t, text, files)
		if r := b.run(t, event(t, "booked.json"), playbook.StatusFailed); r.Error.Code != "employee-may-not-read" || r.Error.Part != "company" {
			t.Errorf("%s", show(r.Error))
		}
	}
}
