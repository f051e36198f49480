package engage_test

import (
	"context"
	"log"
	"os"

	"github.com/andmoneyaps/engage-playbooks/auth"
	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/playbook"
)

// A service runs the playbooks of a bank on each event of the platform. The
// employee's assertion travels beside the event, never in its JSON.
func Example() {
	w, err := playbook.Load(os.DirFS("bank"))
	if err != nil {
		log.Fatal(err) // every problem of every document, with its position
	}
	env, err := auth.ReadEnvironment("bank/environments/sandbox.yaml")
	if err != nil {
		log.Fatal(err)
	}
	broker, err := auth.NewBroker(env, nil)
	if err != nil {
		log.Fatal(err)
	}
	client, err := dataverse.New(env.URL, broker.Application(), nil)
	if err != nil {
		log.Fatal(err)
	}
	engine := &playbook.Engine{
		Client: client,
		Employee: func(ctx context.Context, ev *playbook.Event) (dataverse.TokenSource, error) {
			return broker.Employee(ctx, ev.Assertion) // verified, then On-Behalf-Of
		},
		Application: func(context.Context, *playbook.Event) (dataverse.TokenSource, error) {
			return broker.Application(), nil // where a playbook declares it and Allow agrees
		},
	}
	handle := func(ctx context.Context, body []byte, bearer string) {
		ev, err := playbook.DecodeEvent(body)
		if err != nil {
			log.Print(err)
			return
		}
		ev.Assertion = bearer
		fits, _ := w.Match(ev)
		for _, p := range fits {
			result, err := engine.Run(ctx, p, ev)
			log.Print(result.Playbook, " ", result.Status, " ", err)
		}
	}
	_ = handle
}
