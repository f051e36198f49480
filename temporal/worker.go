package temporal

import (
	"context"
	"fmt"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/andmoneyaps/engage-playbooks/playbook"
)

// Host is what an embedder gives a worker.
type Host struct {
	// Workspace gives the documents of a [playbook.Workspace.Hash]; see
	// [Workspaces]. [ErrNoWorkspace]: this worker does not have them.
	Workspace func(ctx context.Context, hash string) (*playbook.Workspace, error)
	// Engine gives the engine of a tenant. Its Runs, Limit and Timeout have no
	// part: the worker's own options bound what it does at once.
	Engine func(ctx context.Context, tenant string) (*playbook.Engine, error)
	// Block bounds one attempt at a block. Default: 1 hour.
	Block time.Duration
	// Heartbeat is how long a worker may be silent about a block until it is
	// taken for lost. Default: 30 seconds.
	Heartbeat time.Duration
}

const (
	defaultBlock     = time.Hour
	defaultHeartbeat = 30 * time.Second
)

// Workspaces is a [Host.Workspace] that holds workspaces in memory. A worker
// holds the workspace that is current, and those of runs that are open.
type Workspaces struct {
	mu     sync.RWMutex
	byHash map[string]*playbook.Workspace
}

// Add takes a workspace in, beside those that are there.
func (w *Workspaces) Add(ws *playbook.Workspace) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.byHash == nil {
		w.byHash = map[string]*playbook.Workspace{}
	}
	w.byHash[ws.Hash()] = ws
}

// Drop takes one out.
func (w *Workspaces) Drop(hash string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.byHash, hash)
}

// Get gives the workspace of a hash.
func (w *Workspaces) Get(_ context.Context, hash string) (*playbook.Workspace, error) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if ws := w.byHash[hash]; ws != nil {
		return ws, nil
	}
	return nil, ErrNoWorkspace
}

// Worker makes a worker that runs playbooks; Run it, or Start and Stop it. It
// may be one of any number. Where a worker is lost, its runs go on at once on
// another if StickyScheduleToStartTimeout is short; the SDK's default is 5
// seconds.
func (c *Client) Worker(h Host, o worker.Options) worker.Worker {
	w := worker.New(c.temporal, c.options.TaskQueue, o)
	newWorkshop(c, h).register(w)
	return w
}

// workshop has what workflows and activities need.
type workshop struct {
	host   Host
	client *Client
}

func newWorkshop(c *Client, h Host) *workshop {
	if h.Block <= 0 {
		h.Block = defaultBlock
	}
	if h.Heartbeat <= 0 {
		h.Heartbeat = defaultHeartbeat
	}
	return &workshop{host: h, client: c}
}

// registry is the part of a worker, and of a test's, that takes workflows and
// activities.
type registry interface {
	RegisterWorkflowWithOptions(w any, options workflow.RegisterOptions)
	RegisterActivityWithOptions(a any, options activity.RegisterOptions)
}

func (w *workshop) register(r registry) {
	r.RegisterWorkflowWithOptions(w.run, workflow.RegisterOptions{Name: workflowPlaybook})
	for name, f := range map[string]any{activityBegin: w.begin, activityStep: w.step, activitySignIn: w.signIn, activityEnd: w.end} {
		r.RegisterActivityWithOptions(f, activity.RegisterOptions{Name: name})
	}
}

// playbook finds the playbook that the run was started with, in the documents
// of that time, and the engine of its tenant.
func (w *workshop) playbook(ctx context.Context, run *runOf) (*playbook.Playbook, *playbook.Engine, error) {
	if w.host.Workspace == nil || w.host.Engine == nil {
		return nil, nil, misconfigured("the worker's Host has no Workspace or no Engine")
	}
	ws, err := w.host.Workspace(ctx, run.Workspace)
	if err != nil {
		return nil, nil, noWorkspace(run.Workspace, err)
	}
	if ws.Hash() != run.Workspace {
		return nil, nil, noWorkspace(run.Workspace, fmt.Errorf("%w: the worker's host gave %.12s", ErrNoWorkspace, ws.Hash()))
	}
	p, ok := ws.Playbook(run.Playbook)
	if !ok {
		return nil, nil, misconfigured(fmt.Sprintf("workspace %.12s has no playbook %q", run.Workspace, run.Playbook))
	}
	e, err := w.host.Engine(ctx, run.Tenant)
	if err != nil {
		return nil, nil, again(TypeHost, fmt.Sprintf("the worker has no engine for tenant %q", run.Tenant), err)
	}
	return p, e, nil
}
