package playbook

import (
	"fmt"
	"slices"
	"strings"
)

// identities is the table of who may act through the employee's identity, and
// why the others may not. Everybody may act through the application's, where
// the escalation policy allows it.
var identities = map[ActorKind]struct {
	employee bool
	reason   string
}{
	ActorEmployee: {true, "an employee's delegated token can be exchanged for one of Dataverse"},
	ActorCustomer: {false, "a customer of the portal belongs to another tenant and is no user of the bank's CRM"},
	ActorCitizen:  {false, "a citizen who signed in with MitID has no tenant and no token that could be exchanged"},
	ActorSystem:   {false, "a system integration has an app-only token, and those cannot be exchanged on behalf of anybody"},
	ActorPlatform: {false, "the platform acts for nobody: there is no token to exchange"},
}

// MayActAs reports whether an actor of the kind may act through the identity,
// and why, in words.
func (k ActorKind) MayActAs(id Identity) (ok bool, reason string) {
	if id == IdentityApplication {
		return true, "the escalation policy decides"
	}
	entry, known := identities[k]
	if !known {
		return false, fmt.Sprintf("%q is no kind of actor", string(k))
	}
	return entry.employee, entry.reason
}

// kind is the actor's; an event that names nobody is an employee's: only the
// simulator, and an assertion that is verified, serve one.
func (ev *Event) kind() ActorKind {
	if ev == nil || ev.Actor == nil || ev.Actor.Kind == "" {
		return ActorEmployee
	}
	return ev.Actor.Kind
}

// refuse decides before the first request whether the actor can have the
// playbook run at all. The error names the block that cannot be served.
func (p *Playbook) refuse(ev *Event) *BlockError {
	kind := ev.kind()
	if named := p.Trigger.Actors; len(named) > 0 && !slices.Contains(named, kind) {
		words := make([]string, len(named))
		for i, k := range named {
			words[i] = string(k)
		}
		return &BlockError{
			Block: p.Blocks[0].Name, Code: "actor-not-named", Pos: p.Blocks[0].Pos,
			Message: fmt.Sprintf("an actor of kind %q may not trigger this playbook: it is for %s", kind, strings.Join(words, ", ")),
		}
	}
	for _, b := range p.Blocks {
		if !b.Type.CRM() {
			continue
		}
		if ok, reason := kind.MayActAs(b.Identity); !ok {
			return &BlockError{
				Block: b.Name, Code: "actor-without-identity", Pos: b.Pos,
				Message: fmt.Sprintf("an actor of kind %q has no employee identity: %s; only `identity: application` can serve it", kind, reason),
			}
		}
	}
	return nil
}

// Escalation is a block that asks to act as the application.
type Escalation struct {
	Playbook, Block string
	// Reason is the block's own words.
	Reason string
	// Rule is the entry that a policy must have: "playbook/Block".
	Rule string
	// Actor caused the event; nil if nobody is named.
	Actor *Actor
}

// AllowRules gives a policy for [Engine.Allow]: what is listed, as
// "playbook-id/Block name" in exact case and without wildcards, is allowed,
// and nothing else.
func AllowRules(rules ...string) func(Escalation) error {
	rules = slices.Clone(rules)
	return func(e Escalation) error {
		if slices.Contains(rules, e.Rule) {
			return nil
		}
		return ErrEscalationDenied
	}
}
