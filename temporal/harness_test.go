package temporal

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/log"
	sdk "go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"github.com/andmoneyaps/engage-playbooks/auth"
	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/dataverse/simulator"
	"github.com/andmoneyaps/engage-playbooks/playbook"
	"github.com/andmoneyaps/engage-playbooks/playbook/playbooktest"
)

const (
	example = "../examples/portal-meeting"
	tenant  = "contoso"
)

// testKeys are the keys of recorded histories too.
func testKeys(t testing.TB) *Keyring {
	t.Helper()
	secret := []byte("thirty-two bytes for tests only!")
	keys, err := NewKeyring(Key{"test", secret})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// site is an organisation with the example's playbook, reached as in
// production: over HTTP, with tokens that MSAL gets from the simulated Entra.
type site struct {
	*playbooktest.World
	playbook *playbook.Playbook
	engine   *playbook.Engine
	host     Host
}

func newSite(t testing.TB, w *playbook.Workspace, id string) *site {
	t.Helper()
	world, err := playbooktest.NewWorld(w, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(world.Close)
	p, ok := w.Playbook(id)
	if !ok {
		t.Fatalf("no playbook %q", id)
	}
	s := &site{World: world, playbook: p, engine: engineOf(t, world)}
	var all Workspaces
	all.Add(w)
	s.host = Host{Workspace: all.Get, Engine: func(_ context.Context, name string) (*playbook.Engine, error) {
		if name != tenant {
			return nil, errors.New("no such tenant")
		}
		return s.engine, nil
	}}
	return s
}

func engineOf(t testing.TB, world *playbooktest.World) *playbook.Engine {
	t.Helper()
	broker, err := auth.NewBroker(world.Environment(), &auth.Options{Federated: world.FederatedToken})
	if err != nil {
		t.Fatal(err)
	}
	client, err := dataverse.New(world.Server.URL, broker.Application(), nil)
	if err != nil {
		t.Fatal(err)
	}
	e := world.Engine()
	return &playbook.Engine{
		Client: client, Allow: e.Allow,
		Employee: func(ctx context.Context, ev *playbook.Event) (dataverse.TokenSource, error) {
			return broker.Employee(ctx, ev.Assertion)
		},
		Application: func(context.Context, *playbook.Event) (dataverse.TokenSource, error) {
			return broker.Application(), nil
		},
	}
}

func portalMeeting(t testing.TB) *site {
	t.Helper()
	w, err := playbook.Load(os.DirFS(example))
	if err != nil {
		t.Fatal(err)
	}
	return newSite(t, w, "portal-meeting-booked")
}

// event is the example's, with an assertion of its actor.
func (s *site) event(t testing.TB, o simulator.AssertionOptions) *playbook.Event {
	t.Helper()
	data, err := os.ReadFile(example + "/events/booked.json")
	if err != nil {
		t.Fatal(err)
	}
	ev, err := playbook.DecodeEvent(data)
	if err != nil {
		t.Fatal(err)
	}
	ev.Assertion = s.assertion(ev.Actor.Email, o)
	return ev
}

func (s *site) assertion(email string, o simulator.AssertionOptions) string {
	return s.Server.Entra.Assertion(email, o)
}

func (s *site) count(set string) int { return len(s.Server.Records(set)) }

// unconnected is a client for workflows that run in Temporal's test suite.
func unconnected(t testing.TB, change func(*Options)) *Client {
	t.Helper()
	keys := testKeys(t)
	o := Options{Keys: keys, Vault: Sealed(keys), TaskQueue: DefaultTaskQueue, Timeout: defaultTimeout, MaxPayload: defaultMaxPayload}
	o.Temporal.DataConverter = converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), keys.Codec())
	if change != nil {
		change(&o)
	}
	return &Client{options: o, converter: o.Temporal.DataConverter}
}

// trial is one run in Temporal's test suite.
type trial struct {
	*testsuite.TestWorkflowEnvironment
	client *Client
	shop   *workshop
	in     *input
}

func (s *site) trial(t testing.TB, ev *playbook.Event, change func(*Options)) *trial {
	t.Helper()
	c := unconnected(t, change)
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(quiet{})
	env := suite.NewTestWorkflowEnvironment()
	env.SetDataConverter(c.converter)
	env.SetTestTimeout(time.Minute)
	shop := newWorkshop(c, s.host)
	shop.register(env)
	in, err := c.input(t.Context(), tenant, s.playbook, ev)
	if err != nil {
		t.Fatal(err)
	}
	return &trial{env, c, shop, in}
}

// run runs it to its end, and gives the result as [Run.Result] does.
func (tr *trial) run(t testing.TB) (*playbook.Result, error) {
	t.Helper()
	tr.ExecuteWorkflow(workflowPlaybook, tr.in)
	if !tr.IsWorkflowCompleted() {
		t.Fatal("the workflow has not ended")
	}
	var res *playbook.Result
	err := tr.GetWorkflowError()
	if err == nil {
		if err := tr.GetWorkflowResult(&res); err != nil {
			t.Fatal(err)
		}
		return res, nil
	}
	if app, ok := errors.AsType[*sdk.ApplicationError](err); ok && app.Type() == TypeFailed {
		if err := app.Details(&res); err != nil {
			t.Fatal(err)
		}
		return res, err
	}
	if c, ok := errors.AsType[*sdk.CanceledError](err); ok && c.HasDetails() {
		if err := c.Details(&res); err != nil {
			t.Fatal(err)
		}
		return res, err
	}
	return nil, err
}

func (tr *trial) progress(t testing.TB) *Progress {
	t.Helper()
	v, err := tr.QueryWorkflow(queryRecord)
	if err != nil {
		t.Fatal(err)
	}
	p := new(Progress)
	if err := v.Get(p); err != nil {
		t.Fatal(err)
	}
	return p
}

func statuses(r *playbook.Record) string {
	var words []string
	for _, b := range r.Blocks {
		words = append(words, string(b.Status))
	}
	return strings.Join(words, " ")
}

func show(v any) string {
	data, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return err.Error()
	}
	return string(data)
}

// quiet is a log that nobody reads.
type quiet struct{}

func (quiet) Debug(string, ...any) {}
func (quiet) Info(string, ...any)  {}
func (quiet) Warn(string, ...any)  {}
func (quiet) Error(string, ...any) {}

var _ log.Logger = quiet{}
