package playbooktest_test

import (
	"io/fs"
	"os"
	"testing"
	"testing/fstest"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/dataverse/simulator"
	"github.com/andmoneyaps/engage-playbooks/playbook"
	"github.com/andmoneyaps/engage-playbooks/playbook/playbooktest"
)

func load(t testing.TB, dir string) *playbook.Workspace {
	t.Helper()
	w, err := playbook.Load(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func event(t testing.TB, file string) *playbook.Event {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	ev, err := playbook.DecodeEvent(data)
	if err != nil {
		t.Fatal(err)
	}
	return ev
}

const changes = `kind: Playbook
id: changes
blocks:
  - {name: Event, type: Trigger, trigger: PortalMeetings}
  - name: Read customer
    type: EntityPatternRead
    pattern: find-customer
    inputs: [{from: Event, map: [{source: "Meeting.ExternalAttendees[0].Email", destination: customer.Email}]}]
  - name: New customer
    type: EntityPatternCreate
    pattern: customers
    inputs: [{from: Event, map: [{source: Meeting.Theme, destination: customer.LastName}]}]
  - name: Change customer
    type: EntityPatternUpdate
    pattern: customers
    inputs:
      - {from: Read customer, map: [{source: "Results[0].customer[0].Id", destination: customer.Id}]}
      - {from: Event, map: [{source: Meeting.Title, destination: customer.Phone}]}
  - name: Note
    type: EntityPatternUpsert
    pattern: customers
    inputs:
      - {from: New customer, map: [{source: "Results[0].customer[0].Id", destination: customer.Id}]}
      - {from: Event, map: [{source: Meeting.Room, destination: customer.FirstName}, {source: Meeting.Theme, destination: customer.LastName}]}
`

// A playbook that creates, updates and upserts survives the walk too.
func TestFailureWalkOfChanges(t *testing.T) {
	files := fstest.MapFS{
		"playbooks/changes.yaml":  {Data: []byte(changes)},
		"patterns/customers.yaml": {Data: []byte("kind: EntityPattern\nid: customers\nparts: [{ref: customer, entity: customer}]\n")},
	}
	root := os.DirFS("../../examples/portal-meeting")
	for _, name := range []string{"entities/customer.yaml", "entities/customer-organisation.yaml", "patterns/find-customer.yaml", "seed/bank.json", "seed/customers.json"} {
		data, err := fs.ReadFile(root, name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: data}
	}
	w, err := playbook.Load(files)
	if err != nil {
		t.Fatal(err)
	}
	p, _ := w.Playbook("changes")
	report, err := playbooktest.Walk(t.Context(), w, p, event(t, "../../examples/portal-meeting/events/booked.json"), &playbooktest.WalkOptions{
		Faults: []simulator.Fault{
			{Kind: simulator.FaultError, Status: 503}, {Kind: simulator.FaultError, Status: 403, Code: dataverse.CodePrivilegeDenied},
			{Kind: simulator.FaultRequests}, {Kind: simulator.FaultReset}, {Kind: simulator.FaultLost}, {Kind: simulator.FaultTruncated}, {Kind: simulator.FaultToken},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("\n%s", report)
	if err := report.Err(); err != nil {
		t.Error(err)
	}
}
