package playbook_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/dataverse/simulator"
	"github.com/andmoneyaps/engage-playbooks/playbook"
	"github.com/andmoneyaps/engage-playbooks/playbook/playbooktest"
)

const settled = `kind: Playbook
id: settled
blocks:
  - {name: Event, type: Trigger, trigger: PortalMeetings}
  - name: Read customer
    type: EntityPatternRead
    pattern: find-customer
    inputs: [{from: Event, map: [{source: "Meeting.ExternalAttendees[0].Email", destination: customer.Email}]}]
  - name: Change
    type: OPERATION
    pattern: customers
    inputs:
      - {from: Read customer, map: [{source: "Results[0].customer[0].Id", destination: customer.Id}]}
      - {from: Event, map: [{source: Meeting.Title, destination: customer.Phone}, {value: Holm, destination: customer.LastName}]}
`

// After a lost answer to a change the records are read back: what was sent is
// there, or is not, and the run says which.
func TestLostAnswerToAChange(t *testing.T) {
	for _, test := range []struct {
		operation string
		fault     simulator.Fault
		want      playbook.Status
	}{
		{"EntityPatternUpdate", simulator.Fault{Kind: simulator.FaultLost}, playbook.StatusSucceeded},
		{"EntityPatternUpdate", simulator.Fault{Kind: simulator.FaultTruncated}, playbook.StatusSucceeded},
		{"EntityPatternUpdate", simulator.Fault{Kind: simulator.FaultError, Status: 504}, playbook.StatusFailed},
		{"EntityPatternUpdate", simulator.Fault{Kind: simulator.FaultError, Status: 524}, playbook.StatusFailed}, // a proxy's own
		{"EntityPatternUpsert", simulator.Fault{Kind: simulator.FaultLost}, playbook.StatusSucceeded},
		{"EntityPatternUpsert", simulator.Fault{Kind: simulator.FaultReset}, playbook.StatusFailed},
	} {
		t.Run(test.operation+" "+string(test.fault.Kind), func(t *testing.T) {
			w := load(t, overlay(t, map[string]string{
				"playbooks/portal-meeting-booked.yaml": strings.Replace(settled, "OPERATION", test.operation, 1),
				"simulator/local.yaml":                 "",
				"patterns/customers.yaml":              "kind: EntityPattern\nid: customers\nparts: [{ref: customer, entity: customer}]\n",
			}))
			world, err := playbooktest.NewWorld(w, &playbooktest.Options{NoListener: true, Client: dataverse.Options{MaxRetries: -1}})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(world.Close)
			p, _ := w.Playbook("settled")
			b := &bench{World: world, engine: world.Engine(), playbook: p}
			test.fault.Method = "PATCH"
			world.Server.Fail(test.fault)
			r := b.run(t, event(t, "booked.json"), test.want)
			said := len(r.Writes) == 1
			if said != (test.want == playbook.StatusSucceeded) {
				t.Errorf("writes %v", wrote(r))
			}
			unsure := strings.Contains(show(r.Warnings), "is not known")
			if unsure != (test.want == playbook.StatusFailed) {
				t.Errorf("warnings %s", show(r.Warnings))
			}
			if r.Blocks[2].Unsettled != unsure {
				t.Errorf("unsettled: %v, warnings %s", r.Blocks[2].Unsettled, show(r.Warnings))
			}
		})
	}
}

// A bulk change whose answer was lost is not said to be undone, nor is what was
// under way when the run was cancelled.
func TestLostAnswerInBulk(t *testing.T) {
	for _, cancelled := range []bool{false, true} {
		w := load(t, overlay(t, map[string]string{
			"playbooks/portal-meeting-booked.yaml": strings.Replace(settled, "OPERATION", "EntityPatternUpdate\n    atomic: false", 1),
			"simulator/local.yaml":                 "",
			"patterns/customers.yaml":              "kind: EntityPattern\nid: customers\nparts: [{ref: customer, entity: customer}]\n",
		}))
		world, err := playbooktest.NewWorld(w, &playbooktest.Options{NoListener: true, Client: dataverse.Options{MaxRetries: -1}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(world.Close)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		if cancelled {
			world.Server.After("Update", "contact", func(*simulator.HookContext) error { cancel(); return nil })
		} else {
			world.Server.Fail(simulator.Fault{Kind: simulator.FaultLost, Method: "POST", Skip: 1}) // after the batch of metadata
		}
		p, _ := w.Playbook("settled")
		r, err := world.Engine().Run(ctx, p, event(t, "booked.json"))
		if err == nil || len(r.Writes) != 0 || !r.Blocks[2].Unsettled {
			t.Errorf("cancelled %v: %v, writes %v, unsettled %v", cancelled, err, wrote(r), r.Blocks[2].Unsettled)
		}
		if len(r.Warnings) != 1 || !strings.HasPrefix(r.Warnings[0].Message, "whether 1 of 1 records were written is not known") {
			t.Errorf("cancelled %v: %s", cancelled, show(r.Warnings))
		}
	}
}

// A change that may have been written is not said to be undone since what came
// after it failed in another way.
func TestLostAnswerHiddenByTheNext(t *testing.T) {
	for _, test := range []struct{ name, operation string }{
		{"one by one", "EntityPatternUpdate"},
		{"in bulk", "EntityPatternUpdate\n    atomic: false"},
	} {
		for _, next := range []string{"no token", "throttled"} {
			t.Run(test.name+", "+next, func(t *testing.T) {
				w := load(t, overlay(t, map[string]string{
					"playbooks/portal-meeting-booked.yaml": strings.Replace(settled, "OPERATION", test.operation, 1),
					"simulator/local.yaml":                 "",
					"patterns/customers.yaml":              "kind: EntityPattern\nid: customers\nparts: [{ref: customer, entity: customer}]\n",
				}))
				world, err := playbooktest.NewWorld(w, &playbooktest.Options{NoListener: true})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(world.Close)
				source := &mortal{token: world.AdminToken()}
				engine := world.Engine()
				engine.Employee = func(context.Context, *playbook.Event) (dataverse.TokenSource, error) { return source, nil }
				world.Server.Fail(simulator.Fault{Kind: simulator.FaultLost, Table: "contact", Skip: 1}) // after the read
				world.Server.After("Update", "contact", func(*simulator.HookContext) error {
					if next == "no token" {
						source.expired.Store(true)
					} else {
						world.Server.Fail(simulator.Fault{Kind: simulator.FaultRequests, RetryAfter: "86400", Count: -1})
					}
					return nil
				})
				p, _ := w.Playbook("settled")
				r, err := engine.Run(t.Context(), p, event(t, "booked.json"))
				if err == nil || len(r.Writes) != 0 || !r.Blocks[2].Unsettled || !strings.Contains(show(r.Warnings), "is not known") {
					t.Errorf("%v, writes %v, unsettled %v, warnings %s", err, wrote(r), r.Blocks[2].Unsettled, show(r.Warnings))
				}
				if next == "no token" && !errors.Is(err, errSignIn) {
					t.Errorf("%v", err)
				}
			})
		}
	}
}

// mortal is a source that has no token once it has expired.
type mortal struct {
	token   string
	expired atomic.Bool
}

var errSignIn = errors.New("sign in again")

func (m *mortal) Token(context.Context) (string, error) {
	if m.expired.Load() {
		return "", errSignIn
	}
	return m.token, nil
}

// A run that ends between two parts of a bulk write has not succeeded.
func TestBulkThatIsCancelledBetweenItsParts(t *testing.T) {
	text := strings.Replace(attendeesPlaybook, "customers.Email}\n", `customers.Email}
          - {source: "Meeting.ExternalAttendees[*].Name", destination: friends.LastName}
`, 1)
	b := setUp(t, text, map[string]string{"patterns/many.yaml": manyPattern + "  - {ref: friends, entity: customer, allowsMultiple: true}\n", "simulator/local.yaml": ""})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	b.engine.Observe = func(p playbook.Progress) {
		if p.Kind == playbook.RecordWritten {
			cancel()
		}
	}
	r, err := b.engine.Run(ctx, b.playbook, attendees(3))
	if !errors.Is(err, context.Canceled) || r.Blocks[1].Status != playbook.StatusFailed || len(r.Writes) != 3 || r.Blocks[1].Unsettled {
		t.Errorf("%v\n%s", err, show(r))
	}
	if len(r.Warnings) != 1 || r.Warnings[0].Message != "3 of 6 records were not written" {
		t.Errorf("%s", show(r.Warnings))
	}
}

// The id of a new record follows from its place in the list. Where the event is
// run again with another list, that of a record which is there is not taken.
func TestUpsertOfAListThatHasChanged(t *testing.T) {
	for _, atomic := range []string{"true", "false"} {
		text := strings.NewReplacer("EntityPatternCreate", "EntityPatternUpsert", "atomic: false", "atomic: "+atomic).Replace(attendeesPlaybook)
		b := setUp(t, text, map[string]string{
			"simulator/local.yaml": "",
			"patterns/many.yaml": strings.Replace(manyPattern, "entity: customer,", "entity: keyed,", 1) + `---
kind: EntityDefinition
id: keyed
type: contact
keys: [[Email]]
fields: [{name: LastName, mappedName: lastname, type: String}, {name: Email, mappedName: emailaddress1, type: String}]
`,
		})
		before := b.count(t, "contacts")
		ev := attendees(4)
		meeting := ev.Data.(map[string]any)["Meeting"].(map[string]any)
		all := meeting["ExternalAttendees"].([]any)
		meeting["ExternalAttendees"] = all[1:3]
		b.run(t, ev, playbook.StatusSucceeded)
		meeting["ExternalAttendees"] = all[:3]
		r := b.run(t, ev, playbook.StatusFailed)
		if r.Error.Code != "id-taken" || r.Error.Part != "customers[0]" || b.count(t, "contacts") != before+2 {
			t.Errorf("atomic: %s: %s", atomic, show(r.Error))
		}
		meeting["ExternalAttendees"] = all[1:]
		b.run(t, ev, playbook.StatusSucceeded)
		if n := b.count(t, "contacts"); n != before+3 {
			t.Errorf("atomic: %s: %d records", atomic, n-before)
		}
	}
}
