package employeesync_test

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/andmoneyaps/engage-playbooks/playbook"
	"github.com/andmoneyaps/engage-playbooks/playbook/playbooktest"
)

// The whole bank at night: what is sent, written and left alone with 5,000
// employees (see norace_test.go) and 500 rooms.
const (
	newcomers = 100 // of them, whom the CRM does not know
	leavers   = 50  // of them, who are not active any more
	rooms     = 500
	newRooms  = 50 // of them, which the CRM does not have
)

func employeeID(i int) string { return fmt.Sprintf("5b1f2c7e-2f43-4d0a-8a61-%012d", i) }

func night(t *testing.T, typ, id string, data []any) *playbook.Event {
	t.Helper()
	text, err := json.Marshal(map[string]any{
		"type": typ, "id": id, "time": "2026-03-02T02:00:00Z",
		"actor": map[string]any{"kind": "platform", "name": "SCIM"}, "data": data,
	})
	if err != nil {
		t.Fatal(err)
	}
	ev, err := playbook.DecodeEvent(text)
	if err != nil {
		t.Fatal(err)
	}
	return ev
}

// world is the example's organisation with a seed of its own beside it.
func world(t *testing.T, set string, rows []any) (*playbook.Workspace, *playbooktest.World) {
	t.Helper()
	w, err := playbook.Load(os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	seed, err := json.Marshal(map[string]any{set: rows})
	if err != nil {
		t.Fatal(err)
	}
	world, err := playbooktest.NewWorld(w, &playbooktest.Options{NoListener: true, Seeds: []playbook.Seed{{Data: seed}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(world.Close)
	return w, world
}

func run(t *testing.T, w *playbook.Workspace, world *playbooktest.World, id string, ev *playbook.Event) *playbook.Result {
	t.Helper()
	p, ok := w.Playbook(id)
	if !ok {
		t.Fatalf("no playbook %s", id)
	}
	r, err := world.Engine().Run(t.Context(), p, ev)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func operations(r *playbook.Result) map[string]int {
	n := map[string]int{}
	for _, w := range r.Writes {
		n[w.Operation]++
	}
	return n
}

// requests counts those of all blocks. How many write depends on how fast the
// service is: bulk begins with few records a request, and finds its pace.
func requests(r *playbook.Result) (reads, writes int) {
	for _, b := range r.Blocks {
		for _, q := range b.Requests {
			switch {
			case q.Path == "WhoAmI": // for the parallelism, if there is much left after the first answer
			case q.Method == "GET":
				reads++
			default:
				writes++
			}
		}
	}
	return reads, writes
}

func TestFiveThousandEmployees(t *testing.T) {
	var seed, data []any
	for i := range employees {
		if i >= newcomers {
			seed = append(seed, map[string]any{
				"firstname": "Employee", "lastname": fmt.Sprint(i), "internalemailaddress": fmt.Sprintf("e%d@bank.example", i),
				"azureactivedirectoryobjectid": employeeID(i), "address1_city": "Roskilde",
			})
		}
		data = append(data, map[string]any{
			"externalId": employeeID(i), "userName": fmt.Sprintf("e%d@bank.example", i),
			"active": i < employees-leavers, "location": []string{"Aarhus", "Odense"}[i%2],
		})
	}
	w, world := world(t, "systemusers", seed)
	users := len(world.Server.Records("systemusers"))
	ev := night(t, "DirectorySnapshot", "snapshot", data)
	for _, time := range []string{"the first time", "again"} {
		r := run(t, w, world, "directory-snapshot", ev)
		if n := operations(r); n["update"] != employees-newcomers || len(n) != 1 {
			t.Errorf("%s: writes %v, want %d updates", time, n, employees-newcomers)
		}
		reads, writes := requests(r)
		if reads != employeeReads || writes > 49 || r.Stats.Retries != 0 {
			t.Errorf("%s: %d requests that read, %d that write, %+v", time, reads, writes, r.Stats)
		}
		t.Logf("%s: %v, %d requests that read and %d that write, in %s", time, operations(r), reads, writes, r.Duration)
	}
	cities, disabled := map[any]int{}, 0
	for _, u := range world.Server.Records("systemusers") {
		cities[u["address1_city"]]++
		if u["isdisabled"] == true {
			disabled++
		}
	}
	if half := (employees - newcomers) / 2; cities["Aarhus"] != half || cities["Odense"] != half || cities["Roskilde"] != 0 || disabled != leavers {
		t.Errorf("cities %v, %d disabled", cities, disabled)
	}
	// The application user is made when it is first seen.
	if n := len(world.Server.Records("systemusers")); n > users+1 {
		t.Errorf("%d users, were %d: newcomers are not made", n, users)
	}
}

func TestFiveHundredRooms(t *testing.T) {
	var seed, data []any
	mailbox := func(i int) string { return fmt.Sprintf("r%d@bank.example", i) }
	for i := range rooms {
		if i >= newRooms {
			seed = append(seed, map[string]any{"bank_name": fmt.Sprintf("Old name %d", i), "bank_mailbox": mailbox(i)})
		}
		data = append(data, map[string]any{"userName": mailbox(i), "displayName": fmt.Sprintf("Room %d", i), "location": "Aarhus", "active": i%10 != 0})
	}
	w, world := world(t, "bank_rooms", seed)
	ev := night(t, "RoomSnapshot", "rooms", data)
	for _, time := range []string{"the first time", "again"} {
		r := run(t, w, world, "room-snapshot", ev)
		if n := operations(r); n["upsert"] != rooms || len(n) != 1 {
			t.Errorf("%s: writes %v, want %d upserts", time, n, rooms)
		}
		reads, writes := requests(r)
		if reads != 1 || writes > 10 || r.Stats.Retries != 0 {
			t.Errorf("%s: %d requests that read, %d that write, %+v", time, reads, writes, r.Stats)
		}
		t.Logf("%s: %v, %d requests that read and %d that write, in %s", time, operations(r), reads, writes, r.Duration)
		named, bookable := 0, 0
		all := world.Server.Records("bank_rooms")
		for _, room := range all {
			if name, _ := room["bank_name"].(string); len(name) > 5 && name[:5] == "Room " {
				named++
			}
			if room["bank_bookable"] == true {
				bookable++
			}
		}
		if len(all) != rooms || named != rooms || bookable != rooms*9/10 {
			t.Errorf("%s: %d rooms, %d with their new name, %d bookable", time, len(all), named, bookable)
		}
	}
}
