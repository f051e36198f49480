package service

import (
	"context"
	"fmt"
	"os"
	"reflect"
	"strings"
	"sync/atomic"

	"github.com/andmoneyaps/engage-playbooks"
	"github.com/andmoneyaps/engage-playbooks/auth"
	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/playbook"
)

// Bank is a workspace and the environments that it runs in.
type Bank struct {
	// Dir is the folder of the workspace, Environments are the files of its
	// Environment documents.
	Dir          string
	Environments []string
}

// bank is a bank with the documents that hold now.
type bank struct {
	Bank
	service *Service
	now     atomic.Pointer[documents]
}

// documents are a bank's as they were read at one moment. They never change:
// a run keeps those that it began with.
type documents struct {
	workspace    *playbook.Workspace
	environments []*environment
}

// environment is one organisation, and the engine that reaches it.
type environment struct {
	*auth.Environment
	broker *auth.Broker
	client *dataverse.Client
	engine *playbook.Engine
}

// load reads the bank's documents and swaps them in, all or nothing.
func (b *bank) load() error {
	loaded, err := b.read()
	b.service.metrics.loaded(b.Dir, err)
	if err != nil {
		return err
	}
	b.now.Store(loaded)
	b.service.log.Info("workspace loaded", "dir", b.Dir, "playbooks", len(loaded.workspace.Playbooks()), "environments", len(loaded.environments))
	return nil
}

func (b *bank) read() (*documents, error) {
	// The environments that stand in the workspace are checked with it; those
	// that this process serves are named one by one.
	w, err := playbook.Load(os.DirFS(b.Dir), auth.Kind)
	if err != nil {
		return nil, err
	}
	loaded := &documents{workspace: w}
	for _, file := range b.Environments {
		doc, err := auth.ReadEnvironment(file)
		if err != nil {
			return nil, err
		}
		env, err := b.environment(doc)
		if err != nil {
			return nil, err
		}
		loaded.environments = append(loaded.environments, env)
	}
	return loaded, nil
}

// environment makes the engine of an environment. Its broker and its client,
// with their tokens and metadata, stay as long as the document says the same
// about them; the policy may change.
func (b *bank) environment(doc *auth.Environment) (*environment, error) {
	s := b.service
	env := &environment{Environment: doc}
	if old := b.connected(doc); old != nil {
		env.broker, env.client = old.broker, old.client
	} else {
		var err error
		if env.broker, err = auth.NewBroker(doc, &auth.Options{Logger: s.log}); err != nil {
			return nil, err
		}
		if env.client, err = dataverse.New(doc.URL, env.broker.Application(), &dataverse.Options{Log: s.log, Tracer: s.metrics.tracer}); err != nil {
			return nil, err
		}
	}
	env.engine = &playbook.Engine{
		Client: env.client,
		Employee: func(ctx context.Context, ev *playbook.Event) (dataverse.TokenSource, error) {
			return env.broker.Employee(ctx, ev.Assertion)
		},
		Application: func(context.Context, *playbook.Event) (dataverse.TokenSource, error) {
			return env.broker.Application(), nil
		},
		Allow: func(esc playbook.Escalation) error {
			if _, ok := doc.Allows(esc.Playbook, esc.Block); !ok {
				return playbook.ErrEscalationDenied
			}
			return nil
		},
		Runs: s.opts.Runs, Timeout: s.opts.Timeout,
		Log: s.log.With("environment", doc.ID),
	}
	return env, nil
}

// connected finds the environment that the document changes nothing about but
// the policy; nil if there is none.
func (b *bank) connected(doc *auth.Environment) *environment {
	if b.now.Load() == nil {
		return nil
	}
	for _, old := range b.now.Load().environments {
		was, is := *old.Environment, *doc
		was.Allow, is.Allow = nil, nil
		was.Pos, is.Pos = engage.Pos{}, engage.Pos{}
		if reflect.DeepEqual(was, is) {
			return old
		}
	}
	return nil
}

// place is an environment and the workspace that it runs.
type place struct {
	*environment
	workspace *playbook.Workspace
}

// find gives the tenant's environment: the one with the id, or without an id
// the only one.
func (s *Service) find(tenant, id string) (*place, *refusal) {
	var found []*place
	var ids []string
	for _, b := range s.banks {
		docs := b.now.Load()
		for _, env := range docs.environments {
			if strings.EqualFold(env.TenantID, tenant) {
				ids = append(ids, env.ID)
				if id == "" || env.ID == id {
					found = append(found, &place{env, docs.workspace})
				}
			}
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(ids) == 0:
		return nil, &refusal{status: 404, code: "unknown-tenant", message: "no environment of this tenant is served"}
	case len(found) == 0:
		return nil, &refusal{status: 404, code: "unknown-environment", message: "the tenant's environments are " + strings.Join(ids, ", ")}
	}
	return nil, &refusal{status: 400, code: "ambiguous-environment",
		message: "the tenant has several environments: name one by ?environment=, of " + strings.Join(ids, ", ")}
}

// unambiguous refuses two environments of one name in one tenant.
func (s *Service) unambiguous() error {
	seen := map[[2]string]bool{}
	for _, b := range s.banks {
		for _, env := range b.now.Load().environments {
			key := [2]string{strings.ToLower(env.TenantID), env.ID}
			if seen[key] {
				return fmt.Errorf("%s: environment %q of tenant %s is there already", b.Dir, env.ID, env.TenantID)
			}
			seen[key] = true
		}
	}
	return nil
}
