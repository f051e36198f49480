package temporal_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"github.com/andmoneyaps/engage-playbooks/auth"
	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/playbook"
	"github.com/andmoneyaps/engage-playbooks/temporal"
)

// Where events arrive: the run is started, or found if the event was delivered
// before, and goes on without this process.
func ExampleClient_Start() {
	ctx := context.Background()
	keys, err := temporal.ParseKeyring(os.Getenv(temporal.KeysVariable))
	if err != nil {
		log.Fatal(err)
	}
	c, err := temporal.Dial(ctx, temporal.Options{Keys: keys, Temporal: client.Options{HostPort: "temporal.internal:7233"}})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	w, err := playbook.Load(os.DirFS("playbooks"))
	if err != nil {
		log.Fatal(err)
	}
	data, err := os.ReadFile("booked.json")
	if err != nil {
		log.Fatal(err)
	}
	event, err := playbook.DecodeEvent(data)
	if err != nil {
		log.Fatal(err)
	}
	event.Assertion = "the employee's token, as the front end sent it"
	fits, _ := w.Match(event)
	for _, p := range fits {
		run, err := c.Start(ctx, "contoso", p, event)
		if err != nil {
			log.Fatal(err)
		}
		result, err := run.Result(ctx) // or later, from anywhere: c.Find
		fmt.Println(result.Status, err)
	}
}

// Where blocks run: any number of processes like this one.
func ExampleClient_Worker() {
	ctx := context.Background()
	w, err := playbook.Load(os.DirFS("playbooks"), auth.Kind)
	if err != nil {
		log.Fatal(err)
	}
	environment, err := auth.ReadEnvironment("contoso.yaml")
	if err != nil {
		log.Fatal(err)
	}
	broker, err := auth.NewBroker(environment, nil)
	if err != nil {
		log.Fatal(err)
	}
	dv, err := dataverse.New(environment.URL, broker.Application(), nil)
	if err != nil {
		log.Fatal(err)
	}
	engine := &playbook.Engine{
		Client: dv,
		Allow:  playbook.AllowRules("book-room/Book room"),
		Employee: func(ctx context.Context, ev *playbook.Event) (dataverse.TokenSource, error) {
			return broker.Employee(ctx, ev.Assertion)
		},
		Application: func(context.Context, *playbook.Event) (dataverse.TokenSource, error) {
			return broker.Application(), nil
		},
	}

	keys, err := temporal.ParseKeyring(os.Getenv(temporal.KeysVariable))
	if err != nil {
		log.Fatal(err)
	}
	c, err := temporal.Dial(ctx, temporal.Options{Keys: keys})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	var workspaces temporal.Workspaces
	workspaces.Add(w) // and those that open runs started with
	host := temporal.Host{
		Workspace: workspaces.Get,
		Engine:    func(context.Context, string) (*playbook.Engine, error) { return engine, nil },
	}
	if err := c.Worker(host, worker.Options{}).Run(worker.InterruptCh()); err != nil {
		log.Fatal(err)
	}
}

// The id of a run's workflow follows from tenant, playbook and event, so that
// an event which is delivered twice runs once.
func ExampleWorkflowID() {
	fmt.Println(temporal.WorkflowID("contoso", "portal-meeting-booked", "PM 2026/42"))
	// Output: engage/contoso/portal-meeting-booked/PM%202026%2F42
}
