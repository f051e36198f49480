package playbook

import (
	"slices"
	"strings"

	"github.com/andmoneyaps/engage-playbooks/internal/document"
)

// Privileges are the words of a role's privileges.
var Privileges = []string{"Create", "Read", "Write", "Delete", "Append", "AppendTo", "Assign", "Share"}

// decodeSimulator reads the Simulator document; nil if it is of no use.
func (l *loader) decodeSimulator(d *document.Document) *SimulatorDocument {
	m := d.Mapping(l.problems, "escalation", "roles", "users")
	s := &SimulatorDocument{ID: d.ID, Name: d.Name, Description: d.Description, Pos: d.Pos}
	if m.Has("escalation") {
		em := m.Get("escalation").Mapping(l.problems, "escalation", "allow")
		em.Require("allow")
		for _, a := range em.Strings("allow") {
			s.Allow = append(s.Allow, a.Value)
			s.allow = append(s.allow, a)
		}
	}
	var names []string
	for _, n := range m.List("roles") {
		rm := n.Mapping(l.problems, "role", "name", "description", "privileges")
		if !rm.Require("name", "privileges") {
			continue
		}
		r := SimulatorRole{Name: rm.NonEmpty("name").Value, Pos: rm.Pos(), Privileges: map[string][]string{}}
		if slices.Contains(names, r.Name) {
			l.problems.Errorf(rm.Get("name").Pos(), "duplicate-name", "role %q is declared twice", r.Name)
		}
		names = append(names, r.Name)
		pm := rm.Get("privileges").Mapping(l.problems, "privileges")
		for _, table := range pm.Keys() {
			for _, p := range pm.Strings(table) {
				if !slices.Contains(Privileges, p.Value) {
					problem := l.problems.Errorf(p.Pos, "unknown-value", "unknown privilege %q", p.Value)
					if problem.Suggestion = document.Suggest(p.Value, Privileges); problem.Suggestion == "" {
						problem.Suggestion = "one of " + joined(Privileges)
					}
					continue
				}
				r.Privileges[table] = append(r.Privileges[table], p.Value)
			}
		}
		s.Roles = append(s.Roles, r)
	}
	for _, n := range m.List("users") {
		um := n.Mapping(l.problems, "user", "email", "roles", "description")
		if !um.Require("email", "roles") {
			continue
		}
		u := SimulatorUser{Email: um.NonEmpty("email").Value, Pos: um.Pos()}
		for _, r := range um.Strings("roles") {
			if !slices.Contains(names, r.Value) {
				p := l.problems.Errorf(r.Pos, "dangling-reference", "there is no role %q", r.Value)
				p.Suggestion = document.Suggest(r.Value, names)
				continue
			}
			u.Roles = append(u.Roles, r.Value)
		}
		s.Users = append(s.Users, u)
	}
	return s
}

// checkPolicy warns of entries of an escalation policy that name no block.
func (l *loader) checkPolicy(entries []document.String) {
	for _, e := range entries {
		id, name, ok := strings.Cut(e.Value, "/")
		if !ok {
			l.problems.Warnf(e.Pos, "policy-entry", "%q names no block", e.Value).Suggestion = `write "playbook-id/Block name"`
			continue
		}
		p, known := l.playbooks.values[id]
		if !known && !l.broken.has("Playbook", id) {
			l.problems.Warnf(e.Pos, "policy-entry", "%q names no block: there is no playbook %q", e.Value, id).Suggestion = document.Suggest(id, l.playbooks.ids)
			continue
		}
		if p == nil {
			continue // broken, and not blamed
		}
		b, found := p.Block(name)
		if !found {
			var names []string
			for _, b := range p.Blocks {
				if b.Type.CRM() {
					names = append(names, b.Name)
				}
			}
			l.problems.Warnf(e.Pos, "policy-entry", "%q names no block of the playbook", e.Value).Suggestion = document.Suggest(name, names)
			continue
		}
		if b.Identity != IdentityApplication {
			l.problems.Warnf(e.Pos, "policy-entry", "%q names a block that is no escalation", e.Value)
		}
	}
}
