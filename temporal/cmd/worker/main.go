// Command worker is an example of a worker: it runs the playbooks of one
// workspace, for one tenant, against a simulator of its own or the organisation
// of an Environment document. An embedder's worker holds many of each.
//
//	worker --temporal 127.0.0.1:7233 examples/portal-meeting
//	worker --temporal 127.0.0.1:7233 --environment sandbox.yaml my-workspace
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"github.com/andmoneyaps/engage-playbooks/auth"
	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/playbook"
	"github.com/andmoneyaps/engage-playbooks/playbook/playbooktest"
	"github.com/andmoneyaps/engage-playbooks/temporal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("worker", flag.ContinueOnError)
	address := flags.String("temporal", client.DefaultHostPort, "the Temporal server, as host:port or host:port/namespace")
	environment := flags.String("environment", "", "the Environment document of an organisation; without it, a simulator in this program")
	tenant := flags.String("tenant", temporal.DefaultTenant, "the tenant that runs are started for")
	heartbeat := flags.Duration("heartbeat", 0, "how long the worker may be silent until it is taken for lost (default 30s)")
	sticky := flags.Duration("sticky", 5*time.Second, "how long Temporal waits for this worker before another one goes on with its runs")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return errors.New("want one argument: the workspace's folder")
	}
	root, err := os.OpenRoot(flags.Arg(0))
	if err != nil {
		return err
	}
	defer root.Close()
	w, err := playbook.Load(root.FS(), auth.Kind)
	if err != nil {
		return err
	}
	engine, err := newEngine(w, *environment)
	if err != nil {
		return err
	}
	c, err := temporal.DialAddress(ctx, *address, os.Getenv, true, temporal.Options{})
	if err != nil {
		return err
	}
	defer c.Close()

	var workspaces temporal.Workspaces
	workspaces.Add(w)
	host := temporal.Host{
		Workspace: workspaces.Get, Heartbeat: *heartbeat,
		Engine: func(_ context.Context, of string) (*playbook.Engine, error) {
			if of != *tenant {
				return nil, fmt.Errorf("this worker is for tenant %q", *tenant)
			}
			return engine, nil
		},
	}
	work := c.Worker(host, worker.Options{StickyScheduleToStartTimeout: *sticky})
	if err := work.Start(); err != nil {
		return err
	}
	defer work.Stop()
	fmt.Printf("worker: workspace %.12s, tenant %s, task queue %s on %s\n", w.Hash(), *tenant, temporal.DefaultTaskQueue, *address)
	<-ctx.Done()
	return nil
}

// newEngine reaches the organisation of the file, or a simulator that ends
// with this program.
func newEngine(w *playbook.Workspace, file string) (*playbook.Engine, error) {
	if file == "" {
		world, err := playbooktest.NewWorld(w, &playbooktest.Options{NoListener: true})
		if err != nil {
			return nil, err
		}
		return world.Engine(), nil
	}
	env, err := auth.ReadEnvironment(file)
	if err != nil {
		return nil, err
	}
	broker, err := auth.NewBroker(env, nil)
	if err != nil {
		return nil, err
	}
	c, err := dataverse.New(env.URL, broker.Application(), nil)
	if err != nil {
		return nil, err
	}
	var rules []string
	for _, r := range env.Allow {
		rules = append(rules, r.String())
	}
	return &playbook.Engine{
		Client: c,
		Employee: func(ctx context.Context, ev *playbook.Event) (dataverse.TokenSource, error) {
			return broker.Employee(ctx, ev.Assertion)
		},
		Application: func(context.Context, *playbook.Event) (dataverse.TokenSource, error) {
			return broker.Application(), nil
		},
		Allow: playbook.AllowRules(rules...),
	}, nil
}
