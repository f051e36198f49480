package playbook_test

import (
	"context"
	"fmt"
	"io/fs"
	"log"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing/fstest"

	"github.com/andmoneyaps/engage-playbooks/playbook"
	"github.com/andmoneyaps/engage-playbooks/playbook/playbooktest"
)

// A service keeps the current workspace in an atomic pointer. A changed folder
// is loaded beside it, and taken if it has no mistake; a run keeps the
// workspace that its playbook came from.
func ExampleEngine_hotReload() {
	var current atomic.Pointer[playbook.Workspace]
	reload := func(fsys fs.FS) {
		w, err := playbook.Load(fsys)
		if err != nil {
			fmt.Println("the workspace stays as it was: the changed one has mistakes")
			return
		}
		current.Store(w)
	}
	folder := func(greeting string) fs.FS {
		return fstest.MapFS{"greet.yaml": {Data: []byte(`
kind: TriggerType
id: Called
schema: {type: object}
---
kind: Playbook
id: greet
blocks:
  - {name: Call, type: Trigger, trigger: Called}
  - {name: Greet, type: Output, inputs: [{map: [{value: ` + greeting + `, destination: greeting}]}]}
`)}}
	}
	engine := &playbook.Engine{} // no block of it talks to Dataverse
	greet := func(p *playbook.Playbook) {
		r, err := engine.Run(context.Background(), p, &playbook.Event{Type: "Called", ID: "1", Data: map[string]any{}})
		fmt.Println(r.Output, err)
	}

	reload(folder("hello"))
	before, _ := current.Load().Playbook("greet")
	reload(folder("{")) // a mistake
	reload(folder("goodbye"))
	after, _ := current.Load().Playbook("greet")
	greet(before)
	greet(after)
	// Output:
	// the workspace stays as it was: the changed one has mistakes
	// map[greeting:hello] <nil>
	// map[greeting:goodbye] <nil>
}

// One process serves many tenants with an engine for each: they share nothing.
// The tenant is that of the verified assertion, never one that the event names.
func ExampleEngine_manyTenants() {
	w, err := playbook.Load(os.DirFS("../examples/portal-meeting"))
	if err != nil {
		log.Fatal(err)
	}
	engines, worlds := map[string]*playbook.Engine{}, map[string]*playbooktest.World{}
	for _, tenant := range []string{"north", "south"} {
		world, err := playbooktest.NewWorld(w, &playbooktest.Options{NoListener: true})
		if err != nil {
			log.Fatal(err)
		}
		defer world.Close()
		engines[tenant], worlds[tenant] = world.Engine(), world
	}
	data, err := os.ReadFile("../examples/portal-meeting/events/booked.json")
	if err != nil {
		log.Fatal(err)
	}
	event, err := playbook.DecodeEvent(data)
	if err != nil {
		log.Fatal(err)
	}
	p, _ := w.Playbook("portal-meeting-booked")
	r, err := engines["north"].Run(context.Background(), p, event)
	fmt.Println(r.Status, err)
	for _, tenant := range []string{"north", "south"} {
		fmt.Println(tenant, len(worlds[tenant].Server.Records("appointments")), "appointments")
	}
	// Output:
	// succeeded <nil>
	// north 1 appointments
	// south 0 appointments
}

// However many events arrive at once, Runs bounds the runs under way, and
// Limit the blocks of each: the others wait, and end with their context.
func ExampleEngine_manyRuns() {
	w, err := playbook.Load(fstest.MapFS{"count.yaml": {Data: []byte(strings.TrimSpace(`
kind: TriggerType
id: Called
schema: {type: object}
---
kind: Playbook
id: count
blocks:
  - {name: Call, type: Trigger, trigger: Called}
  - {name: Heard, type: Output, inputs: [{map: [{value: true, destination: heard}]}]}
`))}})
	if err != nil {
		log.Fatal(err)
	}
	var under, most, ended atomic.Int32
	engine := &playbook.Engine{Runs: 8, Observe: func(p playbook.Progress) {
		switch p.Kind {
		case playbook.RunStarted:
			most.Store(max(most.Load(), under.Add(1)))
		case playbook.RunEnded:
			under.Add(-1)
			ended.Add(1)
		}
	}}
	p, _ := w.Playbook("count")
	var wg sync.WaitGroup
	for i := range 10_000 {
		wg.Go(func() {
			if _, err := engine.Run(context.Background(), p, &playbook.Event{Type: "Called", ID: fmt.Sprint(i), Data: map[string]any{}}); err != nil {
				log.Fatal(err)
			}
		})
	}
	wg.Wait()
	fmt.Println(ended.Load(), "runs, more than 8 at once:", most.Load() > 8)
	// Output: 10000 runs, more than 8 at once: false
}
