package simulator

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	engage "github.com/andmoneyaps/engage-playbooks"
)

// SeedFile is one file of records: {"contacts": [{…}]}, bodies as a POST takes
// them (spec, section 8).
type SeedFile struct {
	// Name is what problems call the file.
	Name string
	Data []byte
}

// Seed adds the records of all files, as one unit: records may refer to each
// other in any order and across files. Besides what a POST takes, columns that
// only the service fills (createdon, statecode) are taken, and lookups as
// _x_value, so that a dump loads as a seed. A record with the id of one that
// every organisation has, such as the administrator, changes that one. Users
// without a role become system administrators. What is wrong is reported as
// engage.Problems, and then nothing is added.
func (s *Server) Seed(files ...SeedFile) error {
	l := &seedLoader{server: s, seen: map[*Table]map[guid]engage.Pos{}}
	for _, f := range files {
		if root := readSeed(f, &l.problems); root != nil {
			l.file(root)
		}
	}
	if err := l.problems.Err(); err != nil {
		return err
	}
	return s.store.write(func(tx *txn) error {
		l.call = &call{
			server: s, method: http.MethodPost, base: s.URL + "/api/data/v9.2", header: http.Header{}, now: s.now(),
			caller: &actor{user: mustGUID(AdministratorID)}, view: &tx.view, tx: tx, restore: true, inBatch: true, entry: &Request{},
		}
		for _, step := range []func(*seedRecord){l.insert, l.link, l.complete, l.parties} {
			for _, rec := range l.records {
				step(rec)
			}
			if err := l.problems.Err(); err != nil {
				return err
			}
		}
		s.touched(tx)
		return nil
	})
}

// seedLoader takes records from files into the store.
type seedLoader struct {
	server   *Server
	call     *call
	problems engage.Problems
	records  []*seedRecord
	seen     map[*Table]map[guid]engage.Pos
}

// seedRecord is a record of a seed on its way into the store.
type seedRecord struct {
	table *Table
	id    guid
	pos   engage.Pos
	draft *draft
	links []seedLink
	// people are the activity's parties, as nested in its body.
	people []*seedNode
	row    *record
	old    *record // the record that every organisation has, if it is one
}

// seedLink is a lookup or a pair to be made once all records are there.
type seedLink struct {
	pos    engage.Pos
	name   string // as the seed has it
	nav    *navigation
	column *Column
	to     *seedRecord // nested
	text   string      // an address
	table  *Table      // with id, from _x_value
	id     guid
}

// file collects the records of one file.
func (l *seedLoader) file(root *seedNode) {
	if root.kind != '{' {
		l.problems.Errorf(root.pos, "seed-shape", "a seed is an object of entity sets: {\"contacts\": [{…}]}")
		return
	}
	for _, m := range root.members {
		if strings.HasPrefix(m.name, "@") || strings.HasPrefix(m.name, "$") {
			continue
		}
		t := l.server.schema.TableBySet(m.name)
		switch {
		case t == nil:
			p := l.problems.Errorf(m.pos, "unknown-set", "the simulator has no entity set %q", m.name)
			if by := l.server.schema.Table(m.name); by != nil {
				p.Suggestion = fmt.Sprintf("did you mean %q?", by.EntitySet)
			}
			continue
		case t.LogicalName == "activitypointer":
			l.problems.Errorf(m.pos, "unknown-set", "activities stand in the set of their own table, such as \"appointments\"")
			continue
		case m.value.kind != '[':
			l.problems.Errorf(m.value.pos, "seed-shape", "the records of %q are an array", m.name)
			continue
		}
		for _, item := range m.value.items {
			l.record(t, item)
		}
	}
}

// record collects one record and those nested in it.
func (l *seedLoader) record(t *Table, n *seedNode) *seedRecord {
	if n.kind != '{' {
		l.problems.Errorf(n.pos, "seed-shape", "a record is an object")
		return nil
	}
	rec := &seedRecord{table: t, pos: n.pos, draft: newDraft(t)}
	l.identify(rec, n)
	l.records = append(l.records, rec)
	for _, m := range n.members {
		l.member(rec, n, m)
	}
	return rec
}

func (l *seedLoader) identify(rec *seedRecord, n *seedNode) {
	given := n.member(rec.table.PrimaryID)
	if given == nil && rec.table.isPrincipal() {
		given = n.member("ownerid")
	}
	if given == nil || given.kind == 'n' {
		rec.id = l.server.newID()
		return
	}
	text, _ := given.scalar.(string)
	id, ok := parseGUID(text)
	if !ok {
		l.problems.Errorf(given.pos, "bad-value", "the id of a record of %q is no GUID", rec.table.EntitySet)
	}
	rec.id = id
	if l.seen[rec.table] == nil {
		l.seen[rec.table] = map[guid]engage.Pos{}
	}
	if before, taken := l.seen[rec.table][id]; taken && ok {
		l.problems.Errorf(given.pos, "duplicate-id", "two records of %q have the id %s; the other is at %s", rec.table.EntitySet, id, before)
	}
	l.seen[rec.table][id] = given.pos
}

// member takes one member of a record's body.
func (l *seedLoader) member(rec *seedRecord, n *seedNode, m seedMember) {
	t := rec.table
	if name, ok := strings.CutSuffix(m.name, "@odata.bind"); ok {
		l.bind(rec, name, m)
		return
	}
	if strings.Contains(m.name, "@") {
		return // annotations; the one that names a lookup's table is read with it
	}
	if nav := t.navs[m.name]; nav != nil {
		l.nested(rec, nav, m)
		return
	}
	col := t.wire[m.name]
	if col == nil {
		col = t.columns[m.name]
	}
	switch {
	case col == nil || col.Type == PartyList || col.Type == Virtual:
		p := l.problems.Errorf(m.pos, "unknown-column", "table %q has no column %q", t.LogicalName, m.name)
		if col == nil {
			p.Suggestion = nearestColumn(t, m.name)
		}
	case col.Type.IsLookup() && m.name != col.Wire():
		l.problems.Errorf(m.pos, "bad-value", "%q is a lookup: link it with @odata.bind, or give its id as %q", m.name, col.Wire())
	case col.Type.IsLookup():
		l.lookup(rec, n, col, m)
	case col.system == sysPrimary || col.system == sysVersion:
	case t.isPrincipal() && col.LogicalName == "ownerid":
	default:
		v, err := convert(col, m.value.plain())
		if err != nil {
			l.problems.Errorf(m.value.pos, "bad-value", "column %q: %s", m.name, plainError(err))
			return
		}
		rec.draft.put(col, v)
	}
}

// nearestColumn suggests the column whose name differs in case only, or by a
// lookup's underscores.
func nearestColumn(t *Table, name string) string {
	low := strings.Trim(strings.ToLower(name), "_")
	for _, c := range t.Columns {
		if c.LogicalName == low || c.LogicalName == strings.TrimSuffix(low, "_value") {
			return fmt.Sprintf("did you mean %q?", c.Wire())
		}
	}
	return ""
}

// plainError is what an API error says, without the wrapping that only makes
// sense on the wire.
func plainError(err error) string {
	text := asAPIError(err).Message
	for _, mark := range []string{"ODataException: ", "A validation error occurred. "} {
		if _, after, ok := strings.Cut(text, mark); ok {
			text = after
		}
	}
	return strings.TrimSpace(text)
}

// plain is a node as encoding/json has it.
func (n *seedNode) plain() any {
	switch n.kind {
	case '{':
		o := make(map[string]any, len(n.members))
		for _, m := range n.members {
			o[m.name] = m.value.plain()
		}
		return o
	case '[':
		list := make([]any, len(n.items))
		for i, item := range n.items {
			list[i] = item.plain()
		}
		return list
	}
	return n.scalar
}

// bind takes "nav@odata.bind".
func (l *seedLoader) bind(rec *seedRecord, name string, m seedMember) {
	nav := rec.table.navs[name]
	if nav == nil {
		p := l.problems.Errorf(m.pos, "unknown-column", "table %q has no navigation property %q", rec.table.LogicalName, name)
		for _, known := range rec.table.navOrder {
			if strings.EqualFold(known, name) {
				p.Suggestion = fmt.Sprintf("did you mean %q?", known)
			}
		}
		return
	}
	add := func(v *seedNode) {
		text, ok := v.scalar.(string)
		if !ok {
			l.problems.Errorf(v.pos, "bad-value", "%q is the address of a record, such as \"/contacts(…)\"", m.name)
			return
		}
		rec.links = append(rec.links, seedLink{pos: v.pos, name: m.name, nav: nav, text: text})
	}
	switch {
	case m.value.kind == 'n' && !nav.collection:
	case m.value.kind == '[' && nav.collection:
		rec.links = append(rec.links, seedLink{pos: m.pos, name: m.name, nav: nav}) // an empty list counts, too
		for _, item := range m.value.items {
			add(item)
		}
	case nav.collection:
		l.problems.Errorf(m.value.pos, "bad-value", "%q is an array of addresses", m.name)
	default:
		add(m.value)
	}
}

// nested takes records inside a record.
func (l *seedLoader) nested(rec *seedRecord, nav *navigation, m seedMember) {
	switch {
	case m.value.kind == 'n':
	case nav.collection && m.value.kind != '[' || !nav.collection && m.value.kind != '{' || nav.target == nil:
		l.problems.Errorf(m.value.pos, "bad-value", "%q is a navigation property: it takes a record, an array of records, or \"%s@odata.bind\"", m.name, m.name)
	case nav.collection && nav.target.LogicalName == "activityparty":
		rec.people = append(rec.people, m.value.items...)
	case nav.collection:
		for _, item := range m.value.items {
			child := l.record(nav.target, item)
			if child == nil {
				continue
			}
			if nav.many != nil {
				rec.links = append(rec.links, seedLink{pos: item.pos, name: m.name, nav: nav, to: child})
			} else {
				child.links = append(child.links, seedLink{pos: item.pos, name: m.name, column: nav.rel.Column, to: rec})
			}
		}
	default:
		if child := l.record(nav.target, m.value); child != nil {
			rec.links = append(rec.links, seedLink{pos: m.value.pos, name: m.name, nav: nav, to: child})
		}
	}
}

// lookup takes "_x_value", with the annotation that names its table where
// there are several.
func (l *seedLoader) lookup(rec *seedRecord, n *seedNode, col *Column, m seedMember) {
	if m.value.kind == 'n' {
		rec.draft.put(col, nil)
		return
	}
	text, _ := m.value.scalar.(string)
	id, ok := parseGUID(text)
	if !ok {
		l.problems.Errorf(m.value.pos, "bad-value", "%q is the id of a record", m.name)
		return
	}
	link := seedLink{pos: m.value.pos, name: m.name, column: col, id: id}
	var targets []string
	for _, t := range lookupTargets(col) {
		if l.server.schema.Table(t) != nil {
			targets = append(targets, t)
		}
	}
	if a := n.member(m.name + "@" + annTable); a != nil {
		name, _ := a.scalar.(string)
		if link.table = l.server.schema.Table(name); link.table == nil || len(targets) > 0 && !slices.Contains(targets, name) && !slices.Contains(targets, "activitypointer") {
			l.problems.Errorf(a.pos, "wrong-target", "%q cannot point at table %q", m.name, name)
			return
		}
	} else if len(targets) == 1 {
		link.table = l.server.schema.Table(targets[0])
	} else if col.Type != Owner {
		l.problems.Errorf(m.pos, "ambiguous-lookup", "%q can point at %s: say which with %q, or use @odata.bind", m.name, strings.Join(targets, ", "), m.name+"@"+annTable)
		return
	}
	rec.links = append(rec.links, link)
}

// insert puts a record into the store, with its own values.
func (l *seedLoader) insert(rec *seedRecord) {
	tx := l.call.tx
	if old := tx.get(rec.table, rec.id); old != nil {
		if old.seq > l.server.security.firstSeq {
			l.problems.Errorf(rec.pos, "duplicate-id", "there is a record of %q with the id %s already", rec.table.EntitySet, rec.id)
			return
		}
		given := rec.draft
		rec.draft, rec.old, rec.row = draftOf(old), old, old
		for i, set := range given.set {
			if set {
				rec.draft.put(rec.table.Columns[i], given.vals[i])
			}
		}
		return
	}
	l.call.fillDefaults(rec.draft)
	row, err := tx.insert(rec.table, rec.id, rec.draft)
	if err != nil {
		l.fail(rec.pos, rec, err)
		return
	}
	rec.row = row
}

func (l *seedLoader) fail(pos engage.Pos, rec *seedRecord, err error) {
	code := "bad-value"
	if e := asAPIError(err); e.Code == codeDuplicateKey {
		code = "duplicate-key-values"
	}
	var ps engage.Problems
	if errors.As(err, &ps) {
		l.problems = append(l.problems, ps...)
		return
	}
	l.problems.Errorf(pos, code, "record of %q: %s", rec.table.EntitySet, plainError(err))
}

// link resolves what a record points at.
func (l *seedLoader) link(rec *seedRecord) {
	for _, link := range rec.links {
		target := l.resolve(rec, &link)
		if target == nil {
			continue
		}
		switch nav := link.nav; {
		case link.column != nil:
			rec.draft.put(link.column, ref{target.table, target.id})
		case !nav.collection:
			rec.draft.put(nav.rel.Column, ref{target.table, target.id})
		case nav.many != nil:
			l.call.linkPair(nav, rec.row, target)
		default: // the other record points here
			d := draftOf(target)
			d.put(nav.rel.Column, ref{rec.table, rec.id})
			if err := l.call.tx.update(target, d); err != nil {
				l.fail(link.pos, rec, err)
			}
			for _, other := range l.records {
				if other.row == target {
					other.draft.put(nav.rel.Column, ref{rec.table, rec.id})
				}
			}
		}
	}
}

// resolve finds the record that a link leads to; nil after a problem, or if
// there is nothing to link.
func (l *seedLoader) resolve(rec *seedRecord, link *seedLink) *record {
	view := l.call.view
	var target *record
	switch {
	case link.to != nil:
		return link.to.row
	case link.id != (guid{}) && link.table == nil: // an owner
		for _, name := range []string{"systemuser", "team"} {
			if t := l.server.schema.Table(name); t != nil && target == nil {
				target = view.get(t, link.id)
			}
		}
	case link.id != (guid{}):
		target = view.get(link.table, link.id)
	case link.text == "":
		return nil
	default:
		r, err := l.call.reference(link.text)
		if err != nil {
			l.problems.Errorf(link.pos, "dangling-link", "%q: there is no record %q", link.name, link.text)
			return nil
		}
		if !link.nav.leadsTo(r.table) {
			l.problems.Errorf(link.pos, "wrong-target", "%q cannot point at a record of %q", link.name, r.table.EntitySet)
			return nil
		}
		return r
	}
	if target == nil {
		l.problems.Errorf(link.pos, "dangling-link", "%q: there is no record with the id %s", link.name, link.id)
	}
	return target
}

// complete fills in what the service would, and writes the record.
func (l *seedLoader) complete(rec *seedRecord) {
	if err := l.call.complete(rec.draft, rec.old); err != nil {
		l.fail(rec.pos, rec, err)
		return
	}
	if err := l.call.checkRequired(rec.draft); err != nil && rec.table.LogicalName != "activityparty" {
		l.fail(rec.pos, rec, err)
		return
	}
	if err := l.call.tx.update(rec.row, rec.draft); err != nil {
		l.fail(rec.pos, rec, err)
		return
	}
	switch rec.table.LogicalName {
	case "systemuser":
		l.defaultRole(rec)
	case "roleprivileges":
		role, _ := rec.row.get(rec.table.Column("roleid")).(guid)
		privilege, _ := rec.row.get(rec.table.Column("privilegeid")).(guid)
		l.call.tx.link(l.server.schema.manyNamed("roleprivileges_association"), role, privilege)
	}
}

// defaultRole makes a user of whose roles the seed says nothing a system
// administrator.
func (l *seedLoader) defaultRole(rec *seedRecord) {
	for _, link := range rec.links {
		if link.nav != nil && link.nav.many != nil && link.nav.many.SchemaName == "systemuserroles_association" {
			return
		}
	}
	if m := l.server.schema.manyNamed("systemuserroles_association"); m != nil && len(l.call.view.linked(m, false, rec.id)) == 0 {
		l.call.tx.link(m, rec.id, mustGUID(SystemAdministratorRoleID))
	}
}

// parties adds the parties that are nested in an activity, and those that the
// service itself adds.
func (l *seedLoader) parties(rec *seedRecord) {
	for _, n := range rec.people {
		body, ok := n.plain().(map[string]any)
		if !ok {
			l.problems.Errorf(n.pos, "seed-shape", "a party is an object")
			continue
		}
		if err := l.call.createParty(rec.row, body); err != nil {
			l.fail(n.pos, &seedRecord{table: l.server.schema.Table("activityparty")}, err)
		}
	}
	if rec.table.Activity {
		if err := l.call.serverParties(rec.row); err != nil {
			l.fail(rec.pos, rec, err)
		}
	}
}
