package checklist

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/entity"
	"github.com/andmoneyaps/engage-playbooks/pattern"
	"github.com/andmoneyaps/engage-playbooks/playbook"
)

// verb is one of the things that a role allows on a table.
type verb string

const (
	create   verb = "Create"
	read     verb = "Read"
	write    verb = "Write"
	remove   verb = "Delete"
	attach   verb = "Append"
	attachTo verb = "AppendTo"
	assign   verb = "Assign"
	share    verb = "Share"
)

// verbs in the order in which they are shown; a longer name stands before one
// that it begins with.
var verbs = []verb{create, read, write, remove, attachTo, attach, assign, share}

// privileges are verbs by logical name of a table.
type privileges map[string]map[verb]bool

func (p privileges) add(table string, vs ...verb) {
	if p[table] == nil {
		p[table] = map[verb]bool{}
	}
	for _, v := range vs {
		p[table][v] = true
	}
}

func (p privileges) tables() []string { return slices.Sorted(maps.Keys(p)) }

// minus gives what p has and q has not, with the same set for all activities.
func (p privileges) minus(q privileges) privileges {
	out := privileges{}
	for table, vs := range p {
		for v := range vs {
			if !q[subject(table)][v] && !q[table][v] {
				out.add(table, v)
			}
		}
	}
	return out
}

// merged joins the tables that share a set of privileges.
func (p privileges) merged() privileges {
	out := privileges{}
	for table, vs := range p {
		out.add(subject(table), slices.Collect(maps.Keys(vs))...)
	}
	return out
}

func (p privileges) String() string {
	var parts []string
	for _, table := range p.tables() {
		parts = append(parts, table+": "+strings.Join(p.verbs(table), " "))
	}
	return strings.Join(parts, "; ")
}

// verbs of a table, in order.
func (p privileges) verbs(table string) []string {
	var names []string
	for _, v := range verbs {
		if p[table][v] {
			names = append(names, string(v))
		}
	}
	return names
}

// activities share the privileges of the activity (fact sheet, section 12).
var activities = []string{"activitypointer", "appointment", "email", "task", "phonecall", "letter", "fax", "recurringappointmentmaster", "serviceappointment", "socialactivity", "activityparty"}

func subject(table string) string {
	if slices.Contains(activities, table) {
		return "activity"
	}
	return table
}

// needed are the privileges that the playbooks need of an identity.
func needed(w *playbook.Workspace, id playbook.Identity) privileges {
	need := privileges{}
	for _, p := range w.Playbooks() {
		for _, b := range p.Blocks {
			if b.Type.CRM() && b.Identity == id {
				block(b, need)
			}
		}
	}
	return need
}

func block(b *playbook.Block, need privileges) {
	given := map[string]bool{} // parts with an input other than Id
	for _, m := range b.Inputs {
		if m.Field != entity.IDField {
			given[m.Part] = true
		}
	}
	for _, part := range b.Pattern.Parts {
		table := part.Entity.Table
		switch {
		case b.Operation == pattern.Read, part.ReadOnly && given[part.Ref]:
			need.add(table, read)
		case part.ReadOnly:
		case b.Operation == pattern.Create:
			need.add(table, create, read) // whether a lost answer was a success is read
		case b.Operation == pattern.Upsert:
			need.add(table, create, read, write)
		case given[part.Ref]:
			need.add(table, read, write)
		}
	}
	if b.Operation != pattern.Read {
		links(b, need)
	}
}

// links adds what it takes to connect records: Append on the one that gets the
// lookup, AppendTo on the one that it points to.
func links(b *playbook.Block, need privileges) {
	for _, r := range b.Pattern.Requirements {
		from, okFrom := b.Pattern.Part(r.Part)
		to, okTo := b.Pattern.Part(r.Reference)
		if okFrom && okTo && !from.ReadOnly {
			need.add(from.Entity.Table, attach)
			need.add(to.Entity.Table, attachTo)
		}
	}
	for _, m := range b.Inputs {
		part, ok := b.Pattern.Part(m.Part)
		if !ok || part.ReadOnly {
			continue
		}
		if f, ok := part.Entity.Field(m.Field); ok && (f.Type == entity.TypeLookup || f.Type == entity.TypePartyList) {
			need.add(part.Entity.Table, attach)
			for _, target := range f.Targets {
				need.add(target, attachTo)
			}
		}
	}
}

func definitionOf(w *playbook.Workspace, table string) *entity.Definition {
	for _, d := range w.Definitions() {
		if d.Table == table {
			return d
		}
	}
	return nil
}

// privileges compares what the application user may do with what the playbooks
// need of it: too little fails them, too much is a risk.
func (l *List) privileges(ctx context.Context) {
	if l.application == nil {
		return
	}
	need := needed(l.Workspace, playbook.IdentityApplication)
	have, roles, err := l.granted(ctx)
	if err != nil {
		l.add(Warning, "application privileges", "its roles cannot be read: %s", said(err))
		return
	}
	if missing := need.minus(have); len(missing) > 0 && !strings.Contains(roles, systemAdministrator) {
		l.add(Failed, "application privileges", "missing: %s; its roles are %s", missing, cmp.Or(roles, "none"))
	} else {
		l.add(OK, "application privileges", "all that the playbooks need of it, by %s", cmp.Or(roles, "no role"))
	}
	excess := have.minus(need.merged())
	delete(excess, "user") // everybody may read their own
	switch {
	case strings.Contains(roles, systemAdministrator):
		l.add(Warning, "application excess", "it is a %s and may do everything: engage check --role-out writes the role that is enough", systemAdministrator)
	case len(excess) > 20:
		l.add(Warning, "application excess", "%s allows far more than the playbooks need: privileges on %d tables; engage check --role-out writes the role that is enough", roles, len(excess))
	case len(excess) > 0:
		l.add(Warning, "application excess", "more than the playbooks need: %s; engage check --role-out writes the role that is enough", excess)
	}
}

// systemAdministrator is the role that needs no privileges of its own.
const systemAdministrator = "System Administrator"

// granted reads the privileges of the application user's roles, by the name
// after the verb in lower case, and the names of the roles.
func (l *List) granted(ctx context.Context) (privileges, string, error) {
	user, err := l.application.Get(ctx, &dataverse.Query{
		EntitySet: "systemusers", Table: "systemuser", ID: l.applicationUser, Select: []string{"systemuserid"},
		Expand: []dataverse.Expand{{Property: "systemuserroles_association", Collection: true, Table: "role", Select: []string{"roleid", "name"}}},
	})
	if err != nil {
		return nil, "", err
	}
	var names []string
	roles, _ := user["systemuserroles_association"].([]dataverse.Record)
	for _, role := range roles {
		names = append(names, role.Text("name"))
	}
	granted, err := l.application.Granted(ctx)
	if err != nil {
		return nil, "", err
	}
	have := privileges{}
	for name := range granted {
		if table, v, ok := parsePrivilege(name); ok {
			have.add(table, v)
		}
	}
	slices.Sort(names)
	return have, strings.Join(names, ", "), nil
}

// special are the tables whose privileges have another name.
var special = map[string]string{"user": "systemuser", "note": "annotation"}

// parsePrivilege takes prvCreateContact apart.
func parsePrivilege(name string) (table string, v verb, ok bool) {
	rest, ok := strings.CutPrefix(name, "prv")
	if !ok {
		return "", "", false
	}
	for _, v := range verbs {
		if after, found := strings.CutPrefix(rest, string(v)); found && after != "" {
			table := strings.ToLower(after)
			return cmp.Or(special[table], table), v, true
		}
	}
	return "", "", false
}

// Role gives the least role for an identity as a member of a Simulator
// document's roles: by logical name of a table, the verbs.
func Role(w *playbook.Workspace, id playbook.Identity) string {
	need := needed(w, id)
	if len(need) == 0 {
		return fmt.Sprintf("roles:\n  - {name: Playbooks (%s), privileges: {}}\n", id)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "roles:\n  - name: Playbooks (%s)\n    privileges:\n", id)
	for _, table := range need.tables() {
		fmt.Fprintf(&b, "      %s: [%s]\n", table, strings.Join(need.verbs(table), ", "))
	}
	return b.String()
}

func sameID(a, b string) bool { return a != "" && strings.EqualFold(a, b) }
