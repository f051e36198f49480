package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/andmoneyaps/engage-playbooks/auth"
	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/playbook"
	"github.com/andmoneyaps/engage-playbooks/playbook/playbooktest"
)

// targetFlags say where a command runs playbooks and as whom.
type targetFlags struct {
	environment   string
	assertionFile string
	signIn        bool
	timeout       time.Duration
	dump          string
	json          bool
}

func (f *targetFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.environment, "environment", "", "the Environment document of a real organisation; without it, the simulator in this program")
	flags.StringVar(&f.assertionFile, "assertion-file", "", "a file with the employee's token; else the variable ENGAGE_ASSERTION")
	flags.BoolVar(&f.signIn, "sign-in", false, "sign in as the employee with a device code, in place of a token (with --environment)")
	flags.DurationVar(&f.timeout, "timeout", 5*time.Minute, "the time limit of one run")
	flags.StringVar(&f.dump, "dump", "", "write the simulator's records into this file afterwards")
	flags.BoolVar(&f.json, "json", false, "one JSON document on stdout")
}

func (f *targetFlags) check() error {
	if f.dump != "" && f.environment != "" {
		return usagef("--dump writes the simulator's records; it does not go with --environment")
	}
	if f.signIn && (f.environment == "" || f.assertionFile != "") {
		return usagef("--sign-in goes with --environment, and in place of --assertion-file")
	}
	if f.timeout <= 0 {
		return usagef("--timeout must be longer than nothing, such as 30s")
	}
	return nil
}

// target is an organisation and the engine that runs playbooks in it.
type target struct {
	engine *playbook.Engine
	// world is the simulator; nil for a real organisation.
	world *playbooktest.World
	// url is the organisation's origin.
	url string
	// progress shows what the engine does.
	progress *progress
}

// Close stops the simulator, if there is one.
func (t *target) Close() {
	if t.world != nil {
		t.world.Close()
	}
}

// organisation names where the target's records are, for saved plans.
func (t *target) organisation() string {
	if t.world != nil {
		return "simulator"
	}
	return t.url
}

// link gives the address of a record's page, for organisations that have one.
func (t *target) link(table, id string) string {
	if t.world != nil || t.url == "" || id == "" {
		return ""
	}
	return fmt.Sprintf("%s/main.aspx?pagetype=entityrecord&etn=%s&id=%s", t.url, table, id)
}

// open makes the engine: against the environment of the file, or against a
// simulator of its own. Both go the same way: real HTTP, and tokens that MSAL
// gets from Entra, the simulated one on loopback for the simulator.
func (c *Command) open(w *playbook.Workspace, f *targetFlags, wrap func(http.RoundTripper) http.RoundTripper) (*target, error) {
	if f.environment == "" {
		return c.openSimulator(w, f, wrap)
	}
	env, err := readEnvironment(f.environment)
	if err != nil {
		return nil, err
	}
	shown := c.progress()
	engine, broker, err := newEngine(env, nil, dataverse.Options{HTTP: sender(wrap), Tracer: shown.tracer()})
	if err != nil {
		return nil, err
	}
	if f.signIn {
		engine.Employee = c.signedIn(broker, shown)
	}
	engine.Timeout, engine.Observe = f.timeout, shown.tell
	return &target{engine: engine, url: strings.TrimSuffix(env.URL, "/"), progress: shown}, nil
}

func (c *Command) openSimulator(w *playbook.Workspace, f *targetFlags, wrap func(http.RoundTripper) http.RoundTripper) (*target, error) {
	world, err := playbooktest.NewWorld(w, nil) // a nil workspace: the baseline alone
	if err != nil {
		return nil, err
	}
	shown := c.progress()
	engine, _, err := newEngine(world.Environment(), &auth.Options{Federated: world.FederatedToken}, dataverse.Options{HTTP: sender(wrap), Tracer: shown.tracer()})
	if err != nil {
		world.Close()
		return nil, err
	}
	engine.Timeout, engine.Observe = f.timeout, shown.tell
	return &target{engine: engine, world: world, url: world.Server.URL, progress: shown}, nil
}

// sender is what sends the requests; nil is the client's own.
func sender(wrap func(http.RoundTripper) http.RoundTripper) http.RoundTripper {
	if wrap == nil {
		return nil
	}
	return wrap(http.DefaultTransport)
}

// newEngine joins client, broker and policy of an environment.
func newEngine(env *auth.Environment, o *auth.Options, options dataverse.Options) (*playbook.Engine, *auth.Broker, error) {
	broker, err := auth.NewBroker(env, o)
	if err != nil {
		return nil, nil, usageOr(err)
	}
	client, err := dataverse.New(env.URL, broker.Application(), &options)
	if err != nil {
		return nil, nil, usagef("the environment's url cannot be used: %v", err)
	}
	return &playbook.Engine{
		Client: client,
		Employee: func(ctx context.Context, ev *playbook.Event) (dataverse.TokenSource, error) {
			if ev.Assertion == "" {
				return nil, errNoAssertion
			}
			return broker.Employee(ctx, ev.Assertion)
		},
		Application: func(context.Context, *playbook.Event) (dataverse.TokenSource, error) {
			return broker.Application(), nil
		},
		Allow: policy(env),
	}, broker, nil
}

// signedIn asks the employee to sign in when their identity is needed: once,
// however many blocks wait for it, and whatever comes of it.
func (c *Command) signedIn(broker *auth.Broker, shown *progress) func(context.Context, *playbook.Event) (dataverse.TokenSource, error) {
	var mu sync.Mutex
	var source *auth.Source
	var failed error
	return func(ctx context.Context, _ *playbook.Event) (dataverse.TokenSource, error) {
		mu.Lock()
		defer mu.Unlock()
		if failed != nil {
			return nil, failed
		}
		if source != nil {
			return source, nil
		}
		s, err := broker.SignIn(ctx, func(code auth.DeviceCode) {
			shown.say(c.Stderr, fmt.Sprintf("engage: sign in as the employee: open %s and enter %s", code.VerificationURL, code.UserCode))
		})
		if err != nil {
			failed = err
			return nil, err
		}
		source = s
		return source, nil
	}
}

// policy is the escalation policy of an environment.
func policy(env *auth.Environment) func(playbook.Escalation) error {
	rules := make([]string, len(env.Allow))
	for i, r := range env.Allow {
		rules[i] = r.String()
	}
	return playbook.AllowRules(rules...)
}

// missingAssertion is the failure of a block that needs an employee where
// nobody's token was given. Its name stands in the record.
type missingAssertion struct{}

var errNoAssertion error = missingAssertion{}

func (missingAssertion) Error() string {
	return "the employee's token is missing: give it with --assertion-file, or in the variable ENGAGE_ASSERTION"
}

func (missingAssertion) Problem() string { return "no-assertion" }

// readEnvironment reads the file of --environment.
func readEnvironment(file string) (*auth.Environment, error) {
	env, err := auth.ReadEnvironment(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, usagef("--environment: there is no file %s", file)
	}
	if err != nil {
		return nil, usageOr(err)
	}
	return env, nil
}

// usageOr keeps problems of documents and makes wrong usage of other errors.
func usageOr(err error) error {
	if _, ok := problemsOf(err); ok {
		return err
	}
	return usagef("%v", err)
}

// assert puts the employee's token beside the event: the one that the caller
// gave, or on the simulator one that it issues for the actor.
func (c *Command) assert(t *target, f *targetFlags, ev *playbook.Event) error {
	if f.assertionFile != "" {
		data, err := c.readInput("assertion-file", f.assertionFile, 1<<20)
		if err != nil {
			return err
		}
		ev.Assertion = strings.TrimSpace(string(data))
		return nil
	}
	if t.world == nil {
		ev.Assertion = strings.TrimSpace(c.Getenv("ENGAGE_ASSERTION"))
		return nil
	}
	assertion, err := t.world.Assertion(ev.Actor)
	ev.Assertion = assertion
	return err
}

// employee gives the token source of the employee whose assertion was given,
// verified.
func (c *Command) employee(ctx context.Context, t *target, f *targetFlags) (dataverse.TokenSource, error) {
	ev := &playbook.Event{}
	if err := c.assert(t, f, ev); err != nil {
		return nil, err
	}
	return t.engine.Employee(ctx, ev)
}

// dump writes the simulator's records into a file that loads as a seed.
func (t *target) dump(file string) error {
	if file == "" || t.world == nil {
		return nil
	}
	return writeFile(file, os.FileMode(0o644), func(o *output) error { return t.world.Dump(o) })
}
