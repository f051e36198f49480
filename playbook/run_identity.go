package playbook

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
)

// identityClient is the client of one identity within a run, made when the
// first block needs it.
type identityClient struct {
	mu     sync.Mutex
	client *dataverse.Client
}

// client gives the client of the block's identity, and no other: where the
// identity is denied or cannot be had, the block fails.
func (s *step) client(ctx context.Context) (*dataverse.Client, error) {
	if s.b.Identity == IdentityApplication {
		if err := s.escalate(); err != nil {
			return nil, err
		}
		return s.as(ctx, IdentityApplication)
	}
	return s.as(ctx, IdentityEmployee)
}

// escalate asks the policy, and records the question with its answer.
func (s *step) escalate() error {
	if s.b.rec.Escalation != nil && s.b.rec.Escalation.Rule != "" {
		return nil // the look-up has asked
	}
	esc := Escalation{
		Playbook: s.playbook.ID, Block: s.b.Name, Reason: s.b.Reason,
		Rule: s.playbook.ID + "/" + s.b.Name, Actor: s.event.Actor,
	}
	s.b.rec.Escalation = &EscalationRecord{Reason: esc.Reason}
	err := ErrEscalationDenied
	if s.engine.Allow != nil {
		err = s.engine.Allow(esc)
	}
	if err != nil {
		return &ruleError{code: "escalation-denied", err: err, message: fmt.Sprintf(
			"the escalation policy does not allow it to act as the application: `escalation: {allow: [%q]}` would", esc.Rule)}
	}
	s.b.rec.Escalation.Rule = esc.Rule
	return nil
}

// as gives the client of one identity.
func (s *step) as(ctx context.Context, id Identity) (*dataverse.Client, error) {
	source, c := s.engine.Employee, &s.identities[0]
	if id == IdentityApplication {
		source, c = s.engine.Application, &s.identities[1]
	}
	if source == nil || s.engine.Client == nil {
		return nil, &ruleError{code: "no-identity", message: fmt.Sprintf("no %s identity is at hand in this environment", id)}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.client != nil {
		return c.client, nil
	}
	tokens, err := source(ctx, s.event)
	if err != nil {
		return nil, identityError(id, err)
	}
	c.client = s.engine.client(s.dry).As(tokens)
	return c.client, nil
}

// identityError keeps what may be recorded of why an identity cannot be had.
func identityError(id Identity, err error) error {
	var named namer
	if errors.As(err, &named) || ended(err) {
		return err
	}
	return &ruleError{code: "identity-refused", message: fmt.Sprintf("the %s identity could not be had; see the error's cause", id), err: err}
}
