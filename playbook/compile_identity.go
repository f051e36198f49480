package playbook

import (
	"slices"
)

// checkIdentities: who acts is said in full, and a trigger that is not an
// employee's has no block that needs one.
func (c *compiler) checkIdentities() {
	why := c.noEmployee()
	for _, b := range c.blocks {
		if !b.Type.CRM() {
			continue
		}
		b.Identity = IdentityEmployee
		if id := b.m.OneOf("identity", string(IdentityEmployee), string(IdentityApplication)); id != "" {
			b.Identity = Identity(id)
		} else if b.m.Has("identity") {
			continue // reported
		}
		if b.m.Misspelt("identity", "reason") {
			continue
		}
		reason := b.m.NonEmpty("reason")
		b.Reason = reason.Value
		verify := b.m.OneOf("verify", string(IdentityEmployee))
		b.Verify = verify != ""
		if b.Identity == IdentityApplication {
			if !b.m.Has("reason") {
				c.problems.Errorf(b.m.KeyPos("identity"), "identity", "block %q: identity application needs a reason", b.Name).Suggestion = "say with reason why the employee cannot do it"
			}
			continue
		}
		if b.m.Has("reason") {
			c.problems.Errorf(b.m.KeyPos("reason"), "identity", "block %q: a reason goes only with identity: application", b.Name)
			continue
		}
		if b.m.Has("verify") {
			c.problems.Errorf(b.m.KeyPos("verify"), "identity", "block %q: verify goes only with identity: application", b.Name)
			continue
		}
		if why != "" {
			p := c.problems.Errorf(b.Pos, "no-employee", "block %q: %s, so there is no employee to act as", b.Name, why)
			p.Suggestion = "declare the block as an escalation: identity: application, with a reason"
		}
	}
}

// noEmployee says why an event of the trigger may have no employee behind it;
// "" if it has one, or if only the run can tell.
func (c *compiler) noEmployee() string {
	t := c.playbook.Trigger
	if t == nil {
		return ""
	}
	if slices.ContainsFunc(t.Actors, func(k ActorKind) bool { return k != ActorEmployee }) {
		var others []string
		for _, k := range t.Actors {
			if k != ActorEmployee {
				others = append(others, string(k))
			}
		}
		return "the trigger names the actors " + joined(others)
	}
	if t.Type != nil && t.Type.Platform {
		return "events of type " + t.Type.ID + " come from the platform"
	}
	return ""
}
