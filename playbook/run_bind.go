package playbook

import (
	"context"
	"runtime"
	"sync"
	"weak"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/entity"
	"github.com/andmoneyaps/engage-playbooks/pattern"
)

// bindings keeps patterns whose definitions were completed from the metadata
// of the engine's organisation. Entries live as long as the workspace that
// the pattern is of.
type bindings struct {
	mu      sync.Mutex
	entries map[weak.Pointer[pattern.Pattern]]*binding
}

type binding struct {
	// asking is held by the one that binds.
	asking chan struct{}
	bound  *pattern.Pattern
}

func (s *bindings) entry(p *pattern.Pattern) *binding {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := weak.Make(p)
	b := s.entries[key]
	if b == nil {
		if s.entries == nil {
			s.entries = map[weak.Pointer[pattern.Pattern]]*binding{}
		}
		b = &binding{asking: make(chan struct{}, 1)}
		s.entries[key] = b
		runtime.AddCleanup(p, s.drop, key)
	}
	return b
}

func (s *bindings) drop(key weak.Pointer[pattern.Pattern]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.entries, key)
}

// bind gives the pattern with its definitions completed. Metadata is asked
// once for an engine and a workspace, and only for what the documents do not
// state.
func (s *step) bind(ctx context.Context, c *dataverse.Client) (*pattern.Pattern, error) {
	p := s.b.Pattern
	for _, part := range p.Parts {
		if err := part.Entity.Runnable(); err != nil {
			return nil, &ruleError{code: "crm-system", part: part.Ref, pos: part.Entity.Pos, message: err.Error()}
		}
	}
	b := s.engine.bindings.entry(p)
	select {
	case b.asking <- struct{}{}:
		defer func() { <-b.asking }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if b.bound != nil {
		return b.bound, nil
	}
	others := make([]*entity.Definition, 0, len(p.Parts))
	if w := s.playbook.Workspace; w != nil {
		others = append(others, w.Definitions()...)
	} else {
		for _, part := range p.Parts {
			others = append(others, part.Entity)
		}
	}
	done := map[*entity.Definition]*entity.Definition{}
	for _, part := range p.Parts {
		if done[part.Entity] != nil {
			continue
		}
		d, err := part.Entity.Bind(ctx, c, others...)
		if err != nil {
			return nil, err
		}
		done[part.Entity] = d
	}
	b.bound = p.With(func(d *entity.Definition) *entity.Definition { return done[d] })
	return b.bound, nil
}
