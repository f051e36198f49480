package playbook_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/andmoneyaps/engage-playbooks/playbook"
	"github.com/andmoneyaps/engage-playbooks/playbook/playbooktest"
)

// Load a workspace, take an event, run every playbook that it fits. Here the
// engine reaches a simulator; package auth shows how one reaches Dataverse.
func Example() {
	w, err := playbook.Load(os.DirFS("../examples/portal-meeting"))
	if err != nil {
		log.Fatal(err) // every problem, as file:line:col
	}
	world, err := playbooktest.NewWorld(w, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer world.Close()
	engine := world.Engine()

	data, err := os.ReadFile("../examples/portal-meeting/events/booked.json")
	if err != nil {
		log.Fatal(err)
	}
	event, err := playbook.DecodeEvent(data)
	if err != nil {
		log.Fatal(err)
	}
	playbooks, _ := w.Match(event)
	for _, p := range playbooks {
		result, err := engine.Run(context.Background(), p, event)
		if err != nil {
			log.Print(err) // which block, which part, where it stands, and why
		}
		fmt.Println(p.ID, result.Status)
		for _, write := range result.Writes {
			fmt.Println(write.Operation, write.Table, len(write.Columns), "columns")
		}
	}
	// Output:
	// portal-meeting-booked succeeded
	// create appointment 7 columns
	// create annotation 3 columns
}

// A provider answers Ai blocks; capabilities that it does not have fall back to
// their stubs.
func ExampleProviderFunc() {
	engine := &playbook.Engine{
		Capabilities: playbook.ProviderFunc(func(ctx context.Context, req playbook.CapabilityRequest) (map[string]any, error) {
			if req.Capability != "summarise" {
				return nil, playbook.ErrNoCapability
			}
			return map[string]any{"summary": "in short"}, nil
		}),
	}
	out, err := engine.Capabilities.Call(context.Background(), playbook.CapabilityRequest{Capability: "summarise", Version: "2.0"})
	fmt.Println(out["summary"], err)
	// Output: in short <nil>
}
