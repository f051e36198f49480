package playbooktest_test

import (
	"context"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/andmoneyaps/engage-playbooks/auth"
	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/playbook"
	"github.com/andmoneyaps/engage-playbooks/playbook/playbooktest"
)

// Through MSAL and the simulated Entra: the meeting is written by the employee,
// whose token was exchanged on their behalf.
func TestRunThroughOnBehalfOf(t *testing.T) {
	w := load(t, "../../examples/portal-meeting")
	p, _ := w.Playbook("portal-meeting-booked")
	const mette = "0f2c1b8a-7d44-4c1e-9c52-3a0000000011"
	for name, actor := range map[string]*playbook.Actor{
		"by object id":              {Kind: playbook.ActorEmployee, ObjectID: "5b1f2c7e-2f43-4d0a-8a60-0d1c6f0e7a01"},
		"by e-mail":                 {Kind: playbook.ActorEmployee, Email: "mette.holm@bank.example"},
		"by e-mail, other objectId": {Kind: playbook.ActorEmployee, Email: "Mette.Holm@bank.example", ObjectID: "5b1f2c7e-2f43-4d0a-8a60-0d1c6f0e7aff"},
	} {
		t.Run(name, func(t *testing.T) {
			world, err := playbooktest.NewWorld(w, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer world.Close()
			broker, err := auth.NewBroker(world.Environment(), &auth.Options{Federated: world.FederatedToken})
			if err != nil {
				t.Fatal(err)
			}
			client, err := dataverse.New(world.Server.URL, broker.Application(), nil)
			if err != nil {
				t.Fatal(err)
			}
			engine := &playbook.Engine{
				Client: client,
				Employee: func(ctx context.Context, ev *playbook.Event) (dataverse.TokenSource, error) {
					return broker.Employee(ctx, ev.Assertion)
				},
			}
			ev := event(t, "../../examples/portal-meeting/events/booked.json")
			ev.Actor = actor
			if ev.Assertion, err = world.Assertion(actor); err != nil {
				t.Fatal(err)
			}
			r, err := engine.Run(t.Context(), p, ev)
			if err != nil {
				t.Fatal(err)
			}
			meetings := world.Server.Records("appointments")
			if len(meetings) != 1 || meetings[0]["_createdby_value"] != mette || len(r.Writes) != 2 {
				t.Errorf("%v", meetings)
			}
			obo := 0
			for _, q := range world.Server.Entra.TokenRequests() {
				if strings.Contains(q.Grant, "jwt-bearer") {
					obo++
				}
			}
			if obo == 0 {
				t.Error("no token was asked for on behalf of the employee")
			}
		})
	}
}

func TestActorsOfTheSimulator(t *testing.T) {
	world, err := playbooktest.NewWorld(nil, &playbooktest.Options{NoListener: true})
	if err != nil {
		t.Fatal(err)
	}
	defer world.Close()
	for _, a := range []*playbook.Actor{nil, {Kind: playbook.ActorEmployee, Name: "Some Body"}} {
		if s, err := world.Assertion(a); err != nil || s == "" {
			t.Errorf("%+v: no assertion: %v", a, err)
		}
	}
	if s, _ := world.Assertion(&playbook.Actor{Kind: playbook.ActorCitizen}); s != "" {
		t.Error("a citizen has an assertion")
	}
}

const definition = `kind: EntityDefinition
id: thing
type: new_thing
fields:
  - {name: Name, mappedName: new_name, type: String}
  - {name: Owner, mappedName: new_customerid, type: Lookup, targets: [contact]}
`

// The simulator needs what metadata would tell it; what is missing is reported
// at the definition.
func TestSchemaSaysWhatTheSimulatorNeeds(t *testing.T) {
	files := fstest.MapFS{"entities/thing.yaml": {Data: []byte(definition)}}
	w, err := playbook.Load(files)
	if err != nil {
		t.Fatal(err)
	}
	_, problems := playbooktest.Schema(w)
	if len(problems) != 3 || problems[0].Code != "simulator-needs" || problems[0].Pos.File != "entities/thing.yaml" {
		t.Errorf("%v", problems)
	}
	if _, err := playbooktest.NewWorld(w, nil); err == nil {
		t.Error("a world of it")
	}
	files["entities/thing.yaml"].Data = []byte(strings.Replace(definition, "fields:", "entitySet: new_things\nprimaryKey: new_thingid\nfields:", 1))
	if w, err = playbook.Load(files); err != nil {
		t.Fatal(err)
	}
	if _, problems = playbooktest.Schema(w); len(problems) != 1 || !strings.Contains(problems[0].Message, "navigation") {
		t.Errorf("%v", problems)
	}
}

func TestMisspeltColumns(t *testing.T) {
	w, err := playbook.Load(fstest.MapFS{"contact.yaml": {Data: []byte(`kind: EntityDefinition
id: contact
type: contact
fields:
  - {name: Email, mappedName: emailadress1, type: String}
  - {name: First, mappedName: firstname, type: String}
  - {name: Own, mappedName: new_segment, type: String}
`)}})
	if err != nil {
		t.Fatal(err)
	}
	problems := playbooktest.Misspelt(w.Definitions())
	if len(problems) != 1 || problems.HasErrors() || problems[0].Pos.Line != 5 || problems[0].Suggestion != `did you mean "emailaddress1"?` {
		t.Errorf("%v", problems)
	}
}
