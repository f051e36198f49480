package playbooktest_test

import (
	"os"
	"testing"

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

// Whatever request of the portal meeting fails, and however: the second run
// leaves the records of a clean one, and every record tells the truth.
func TestFailureWalkOfThePortalMeeting(t *testing.T) {
	w := load(t, "../../examples/portal-meeting")
	p, _ := w.Playbook("portal-meeting-booked")
	report, err := playbooktest.Walk(t.Context(), w, p, event(t, "../../examples/portal-meeting/events/booked.json"), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("\n%s", report)
	if err := report.Err(); err != nil {
		t.Error(err)
	}
	if len(report.Steps) < 5*len(playbooktest.WalkFaults) {
		t.Errorf("only %d steps", len(report.Steps))
	}
}
