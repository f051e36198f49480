package temporal

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/temporalproto"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/andmoneyaps/engage-playbooks/dataverse/simulator"
)

var update = flag.Bool("update", false, "record the histories anew; needs "+ServerVariable)

const histories = "testdata/histories"

// fetch gives a run's history as JSON.
func fetch(t testing.TB, c *Client, r *Run) []byte {
	t.Helper()
	var h history.History
	events := c.Temporal().GetWorkflowHistory(t.Context(), r.ID, r.RunID, false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		e, err := events.Next()
		if err != nil {
			t.Fatal(err)
		}
		h.Events = append(h.Events, e)
	}
	data, err := temporalproto.CustomJSONMarshalOptions{Indent: " "}.Marshal(&h)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func countRequest(playbook string) *workflowservice.CountWorkflowExecutionsRequest {
	return &workflowservice.CountWorkflowExecutionsRequest{
		Query: AttributeTenant + " = '" + tenant + "' AND " + AttributePlaybook + " = '" + playbook + "' AND " + AttributeTrigger + " = 'PortalMeetings'",
	}
}

// Runs that were recorded go on with the workflow of today: a change of its
// code that asks Temporal for other things, or in another order, breaks the
// runs that are open, and needs workflow.GetVersion.
func TestRecordedHistories(t *testing.T) {
	files, err := filepath.Glob(histories + "/*.json")
	if err != nil || len(files) < 4 {
		t.Fatalf("%d histories, %v", len(files), err)
	}
	c := unconnected(t, nil)
	replayer, err := worker.NewWorkflowReplayerWithOptions(worker.WorkflowReplayerOptions{DataConverter: c.converter})
	if err != nil {
		t.Fatal(err)
	}
	replayer.RegisterWorkflowWithOptions(newWorkshop(c, Host{}).run, workflow.RegisterOptions{Name: workflowPlaybook})
	for _, file := range files {
		if err := replayer.ReplayWorkflowHistoryFromJSONFile(quiet{}, file); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// Of a workflow that asks for something else, a history says so: the test above
// would not pass whatever is replayed.
func TestReplayIsStrict(t *testing.T) {
	c := unconnected(t, nil)
	replayer, err := worker.NewWorkflowReplayerWithOptions(worker.WorkflowReplayerOptions{DataConverter: c.converter})
	if err != nil {
		t.Fatal(err)
	}
	replayer.RegisterWorkflowWithOptions(func(ctx workflow.Context, in *input) error {
		return workflow.Sleep(ctx, time.Hour)
	}, workflow.RegisterOptions{Name: workflowPlaybook})
	if err := replayer.ReplayWorkflowHistoryFromJSONFile(quiet{}, histories+"/succeeded.json"); err == nil {
		t.Error("another workflow replays")
	}
}

func TestRecordHistories(t *testing.T) {
	if !*update {
		t.Skip("records only with -update")
	}
	address := startServer(t)
	s := portalMeeting(t)
	s.host.Heartbeat = 3 * time.Second
	c := dial(t, address, nil)
	work(t, c, s.host)
	if err := os.MkdirAll(histories, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"succeeded", "failed", "sign-in", "cancelled", "skipped"} {
		o := simulator.AssertionOptions{}
		if name == "sign-in" || name == "cancelled" {
			o.Lifetime = -time.Minute
		}
		ev := s.event(t, o)
		ev.ID = name
		meeting := ev.Data.(map[string]any)["Meeting"].(map[string]any)
		switch name {
		case "failed":
			meeting["MeetingOwner"].(map[string]any)["Email"] = "nobody@bank.example"
		case "skipped":
			ev.Portal = "another"
		}
		run, err := c.Start(t.Context(), tenant, s.playbook, ev)
		if err != nil {
			t.Fatal(err)
		}
		waits := func() bool {
			p, err := run.Progress(t.Context())
			return err == nil && p.Phase == PhaseSignIn
		}
		switch name {
		case "sign-in":
			eventually(t, "the run to wait", waits)
			if err := run.SignIn(t.Context(), s.assertion(ev.Actor.Email, simulator.AssertionOptions{})); err != nil {
				t.Fatal(err)
			}
		case "cancelled":
			eventually(t, "the run to wait", waits)
			if err := run.Cancel(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		_, _ = run.Result(t.Context()) // some are to fail
		if err := os.WriteFile(filepath.Join(histories, name+".json"), fetch(t, c, run), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
