package playbooktest

import (
	"cmp"
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/andmoneyaps/engage-playbooks/auth"
	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/dataverse/simulator"
	"github.com/andmoneyaps/engage-playbooks/playbook"
)

// Options of [NewWorld]; nil or zero values stand for the defaults.
type Options struct {
	// Addr is the address to listen on. Default: a free port of loopback.
	Addr string
	// NoListener starts no socket: only [World.Engine] reaches the simulator.
	NoListener bool
	// TenantID is the Entra tenant. Default: simulator.DefaultTenantID.
	TenantID string
	// Now is the simulator's clock. Default: time.Now.
	Now func() time.Time
	// Schema is what [Schema] gave for the workspace, where the caller has it.
	Schema *simulator.Schema
	// Seeds are loaded beside the workspace's own.
	Seeds []playbook.Seed
	// Client changes the options of the client that [World.Engine] uses.
	Client dataverse.Options
}

// World is a simulated organisation for a workspace: its tables, its records,
// its users, and the Entra tenant that they are of.
type World struct {
	Server *simulator.Server
	// Workspace is what the world was made of; nil without.
	Workspace *playbook.Workspace

	options Options
	// known remembers which object ids users have.
	known sync.Map
}

// NewWorld makes the simulator of a workspace, with the workspace's seed in
// it; a nil workspace gives the baseline. What keeps the simulator from taking
// the workspace is an engage.Problems: definitions that do not state what it
// must know, seeds that do not fit. Close the world.
func NewWorld(w *playbook.Workspace, o *Options) (*World, error) {
	if o == nil {
		o = &Options{}
	}
	schema := o.Schema
	if schema == nil {
		made, problems := Schema(w)
		if err := problems.Err(); err != nil {
			return nil, err
		}
		schema = made
	}
	world := &World{Workspace: w, options: *o}
	world.Server = simulator.NewServer(schema, &simulator.Options{Addr: o.Addr, NoListener: o.NoListener, TenantID: o.TenantID, Now: o.Now})
	if err := world.fill(); err != nil {
		world.Close()
		return nil, err
	}
	return world, nil
}

// fill loads the seeds, and puts roles and users in place.
func (w *World) fill() error {
	seeds := slices.Clone(w.options.Seeds)
	if w.Workspace == nil {
		return w.seed(seeds)
	}
	own, err := workspaceSeeds(w.Workspace.FS())
	if err != nil {
		return err
	}
	if err := w.seed(append(own, seeds...)); err != nil {
		return err
	}
	doc := w.Workspace.Simulator()
	if doc == nil {
		return nil
	}
	return w.Server.Setup(setup(doc))
}

// setup is the access control that the document declares.
func setup(doc *playbook.SimulatorDocument) simulator.Setup {
	var set simulator.Setup
	for _, r := range doc.Roles {
		role := simulator.Role{Name: r.Name, Privileges: map[string][]simulator.Verb{}, Pos: r.Pos}
		for table, verbs := range r.Privileges {
			for _, v := range verbs {
				role.Privileges[table] = append(role.Privileges[table], simulator.Verb(v))
			}
		}
		set.Roles = append(set.Roles, role)
	}
	for _, u := range doc.Users {
		set.Users = append(set.Users, simulator.User{Email: u.Email, Roles: u.Roles, Pos: u.Pos})
	}
	return set
}

// Close stops the simulator.
func (w *World) Close() { w.Server.Close() }

// Engine runs playbooks in the world. Its tokens are issued by the simulated
// Entra, without the exchange that auth makes; see [World.Environment] for
// that. The escalation policy is the Simulator document's.
func (w *World) Engine() *playbook.Engine { return w.EngineOver(w.Transport()) }

// EngineOver is Engine with a transport of the caller's, around
// [World.Transport]: one that counts, delays, or breaks.
func (w *World) EngineOver(transport http.RoundTripper) *playbook.Engine {
	options := w.options.Client
	options.HTTP = transport
	client, err := dataverse.New(w.Server.URL, token(w.AdminToken), &options)
	if err != nil {
		panic("playbooktest: " + err.Error()) // the simulator's own URL
	}
	e := &playbook.Engine{
		Client: client,
		Employee: func(_ context.Context, ev *playbook.Event) (dataverse.TokenSource, error) {
			user := w.user(ev.Actor)
			return token(func() string { return w.Server.Entra.Bearer(user) }), nil
		},
		Application: func(context.Context, *playbook.Event) (dataverse.TokenSource, error) {
			return token(func() string { return w.Server.Entra.AppBearer(simulator.DefaultClientID) }), nil
		},
		Now: w.options.Now,
	}
	if doc := w.simulatorDocument(); doc != nil {
		e.Allow = playbook.AllowRules(doc.Allow...)
	}
	return e
}

func (w *World) simulatorDocument() *playbook.SimulatorDocument {
	if w.Workspace == nil {
		return nil
	}
	return w.Workspace.Simulator()
}

// token is a TokenSource made of a func.
type token func() string

func (t token) Token(context.Context) (string, error) { return t(), nil }

// AdminToken is a bearer token of the system administrator.
func (w *World) AdminToken() string { return w.Server.Entra.Bearer(simulator.AdministratorEmail) }

// user is the name by which the simulated Entra knows an employee: the object
// id of a user who is there, else the e-mail; nobody is the administrator. An
// actor who has neither is somebody new.
func (w *World) user(a *playbook.Actor) string {
	switch {
	case a == nil:
		return simulator.AdministratorEmail
	case a.ObjectID != "" && (a.Email == "" || w.knows(a.ObjectID)):
		return a.ObjectID
	case a.Email != "":
		return a.Email
	}
	return strings.Join(strings.Fields(strings.ToLower(cmp.Or(a.ID, a.Name, "somebody"))), ".") + "@simulator.example"
}

// knows reports whether a user of the organisation has the object id.
func (w *World) knows(objectID string) bool {
	if known, ok := w.known.Load(objectID); ok {
		return known.(bool)
	}
	known := slices.ContainsFunc(w.Server.Records("systemusers"), func(r map[string]any) bool {
		id, _ := r["azureactivedirectoryobjectid"].(string)
		return strings.EqualFold(id, objectID)
	})
	w.known.Store(objectID, known)
	return known
}

// Assertion is a token of the acting employee, as the platform would pass it
// on: what On-Behalf-Of exchanges. It is empty for actors who have none, and a
// nil actor is an employee who is a system administrator.
func (w *World) Assertion(a *playbook.Actor) (string, error) {
	if a != nil && a.Kind != playbook.ActorEmployee && a.Kind != "" {
		return "", nil
	}
	return w.Server.Entra.Assertion(w.user(a), simulator.AssertionOptions{}), nil
}

// Environment describes the world as an environment, for [auth.NewBroker]:
// with [World.FederatedToken] in auth.Options.Federated, tokens come through
// On-Behalf-Of and client credentials from the simulated Entra, and no secret
// is written anywhere.
func (w *World) Environment() *auth.Environment {
	registration := &auth.Registration{ClientID: simulator.DefaultClientID, FederatedToken: &auth.Reference{Env: "ENGAGE_SIMULATOR_TOKEN"}}
	env := &auth.Environment{
		ID: "simulator", URL: w.Server.URL, TenantID: w.Server.TenantID, Authority: w.Server.Authority,
		Audience: []string{simulator.DefaultAudience}, OnBehalfOf: registration, Application: registration,
	}
	if doc := w.simulatorDocument(); doc != nil {
		for _, rule := range doc.Allow {
			pb, block, _ := strings.Cut(rule, "/")
			env.Allow = append(env.Allow, auth.Rule{Playbook: pb, Block: block})
		}
	}
	return env
}

// FederatedToken is the workload token that the world's registration trusts;
// it is an [auth.FederatedSource].
func (w *World) FederatedToken(context.Context, string, string) (string, error) {
	return w.Server.Entra.FederatedToken(time.Hour), nil
}

// Transport reaches the simulator, with or without a socket.
func (w *World) Transport() http.RoundTripper { return w.Server.Client().Transport }

// Dump writes all records as a seed: the same records, when loaded.
func (w *World) Dump(out io.Writer) error { return w.Server.Dump(out) }
