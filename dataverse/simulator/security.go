package simulator

import (
	"net/http"
	"sync"
	"sync/atomic"
)

// grants is what one user may do, computed from the role tables.
type grants struct {
	user, unit guid
	name       string // for messages
	objectID   string
	teams      map[guid]bool
	units      map[guid]bool // the user's unit and those below
	roles      []guid
	admin      bool
	disabled   bool
	depth      [][8]Depth // by ordinal of the table, and verb
	other      map[guid]bool
	columns    map[*Column]columnGrant
}

// security is the state of access control. The tables are the truth; what is
// here is computed from them and dropped as soon as one of them changes.
type security struct {
	generation atomic.Int64
	mu         sync.Mutex
	computed   int64
	users      map[guid]*grants
	shares     map[guid][]share // by the row shared
	privileges [][8]guid        // ids by ordinal of the table, and verb
	closed     atomic.Bool      // callers who are not there are refused
	callers    map[string]guid  // users by token's object or application id
	callersAt  int64
	firstSeq   int64     // of the last record that every organisation has
	rows       sync.Once // of the privilege table
	messages   sync.Once // rows of sdkmessage and sdkmessagefilter
}

// share is a row of principalobjectaccess.
type share struct {
	principal guid
	mask      int
}

// securityTables are those from which rights are computed.
var securityTableNames = map[string]bool{
	"systemuser": true, "team": true, "businessunit": true, "role": true, "roleprivileges": true,
	"principalobjectaccess": true, "fieldsecurityprofile": true, "fieldpermission": true,
}

// touched drops what was computed from the security tables, now and, should
// the transaction fail, again when it is undone.
func (s *Server) touched(tx *txn) {
	s.security.generation.Add(1)
	if tx != nil {
		tx.undo = append(tx.undo, func() { s.security.generation.Add(1) })
	}
}

// changedSecurity is told of every row that a message changed.
func (s *Server) changedSecurity(tx *txn, t *Table) {
	if t != nil && securityTableNames[t.LogicalName] {
		s.touched(tx)
	}
}

// grantsOf gives what a user may do.
func (s *Server) grantsOf(v *view, user guid) *grants {
	sec := &s.security
	sec.mu.Lock()
	defer sec.mu.Unlock()
	s.refresh()
	g := sec.users[user]
	if g == nil {
		g = s.computeGrants(v, user)
		sec.users[user] = g
	}
	return g
}

// sharesOf gives with whom a row is shared.
func (s *Server) sharesOf(v *view, id guid) []share {
	sec := &s.security
	sec.mu.Lock()
	defer sec.mu.Unlock()
	s.refresh()
	if sec.shares == nil {
		sec.shares = map[guid][]share{}
		if t := s.schema.Table("principalobjectaccess"); t != nil {
			for _, r := range v.rows(t) {
				object, _ := r.get(t.Column("objectid")).(guid)
				who, _ := r.get(t.Column("principalid")).(guid)
				mask, _ := r.get(t.Column("accessrightsmask")).(int64)
				sec.shares[object] = append(sec.shares[object], share{who, int(mask)})
			}
		}
	}
	return sec.shares[id]
}

// refresh drops what is out of date; sec.mu is held.
func (s *Server) refresh() {
	sec := &s.security
	if gen := sec.generation.Load(); sec.users == nil || sec.computed != gen {
		sec.users, sec.shares, sec.computed = map[guid]*grants{}, nil, gen
	}
	if sec.privileges == nil {
		sec.privileges = make([][8]guid, len(s.schema.tables))
		for i, t := range s.schema.tables {
			for n, verb := range verbs {
				sec.privileges[i][n] = privilegeID(verb.privilege(t))
			}
		}
	}
}

// many finds a many-to-many relationship by name.
func (s *Schema) manyNamed(name string) *ManyToMany {
	for _, m := range s.many {
		if m.SchemaName == name {
			return m
		}
	}
	return nil
}

// linkedBy gives the ids that a many-to-many relationship pairs with a row of
// the table.
func (s *Server) linkedBy(v *view, name, table string, id guid) []guid {
	m := s.schema.manyNamed(name)
	if m == nil {
		return nil
	}
	return v.linked(m, m.Table1 != table, id)
}

func (s *Server) computeGrants(v *view, user guid) *grants {
	g := &grants{user: user, teams: map[guid]bool{}, units: map[guid]bool{}, other: map[guid]bool{}, depth: make([][8]Depth, len(s.schema.tables))}
	users := s.schema.Table("systemuser")
	if users == nil {
		g.admin = true
		return g
	}
	row := v.get(users, user)
	if row == nil {
		return g
	}
	g.name, _ = row.get(users.Column("fullname")).(string)
	g.disabled, _ = row.get(users.Column("isdisabled")).(bool)
	if oid, ok := row.get(users.Column("azureactivedirectoryobjectid")).(guid); ok {
		g.objectID = oid.String()
	}
	if unit, ok := row.ref(users.Column("businessunitid")); ok {
		g.unit = unit.id
		s.addUnits(v, unit.id, g.units)
	}
	g.roles = append(g.roles, s.linkedBy(v, "systemuserroles_association", "systemuser", user)...)
	for _, team := range s.linkedBy(v, "teammembership_association", "systemuser", user) {
		g.teams[team] = true
		g.roles = append(g.roles, s.linkedBy(v, "teamroles_association", "team", team)...)
	}
	held := map[guid]Depth{}
	for _, id := range g.roles {
		s.addRole(v, id, g, held)
	}
	for i, ids := range s.security.privileges {
		for n, id := range ids {
			g.depth[i][n] = held[id]
			if g.admin {
				g.depth[i][n] = Global
			}
		}
	}
	for _, name := range otherPrivileges {
		g.other[privilegeID(name)] = g.admin || held[privilegeID(name)] > NoDepth
	}
	s.addColumnGrants(v, g)
	return g
}

// addUnits collects a business unit and all below it.
func (s *Server) addUnits(v *view, unit guid, into map[guid]bool) {
	if into[unit] {
		return
	}
	into[unit] = true
	t := s.schema.Table("businessunit")
	if t == nil || t.Column("parentbusinessunitid") == nil {
		return
	}
	for _, r := range v.referencing(t.Column("parentbusinessunitid"), unit) {
		s.addUnits(v, r.id, into)
	}
}

// addRole adds the privileges of a role.
func (s *Server) addRole(v *view, id guid, g *grants, held map[guid]Depth) {
	if v.get(s.schema.Table("role"), id) == nil {
		return
	}
	g.admin = g.admin || id.String() == SystemAdministratorRoleID
	t := s.schema.Table("roleprivileges")
	for _, r := range v.rows(t) {
		if role, _ := r.get(t.Column("roleid")).(guid); role != id {
			continue
		}
		privilege, _ := r.get(t.Column("privilegeid")).(guid)
		mask, _ := r.get(t.Column("privilegedepthmask")).(int64)
		held[privilege] = max(held[privilege], depthOfMask(mask))
	}
}

// rights gives the grants of the caller, and of who really calls when
// impersonating (else nil).
func (c *call) rights() (who, behalf *grants) {
	who = c.server.grantsOf(c.view, c.caller.user)
	if c.caller.behalf != (guid{}) {
		behalf = c.server.grantsOf(c.view, c.caller.behalf)
	}
	return who, behalf
}

// reach is how far the caller's privilege reaches: under impersonation the
// smaller of the two (fact sheet, section 12.3).
func (c *call) reach(t *Table, verb Verb) Depth {
	who, behalf := c.rights()
	d := who.depthOn(t, verb)
	if behalf != nil {
		d = min(d, behalf.depthOn(t, verb))
	}
	return d
}

func (g *grants) depthOn(t *Table, verb Verb) Depth {
	if g.admin {
		return Global
	}
	return g.depth[t.ordinal][verb.index()]
}

// privilege refuses (403 0x80040220) what no role of the caller allows on any
// row of the table. Everybody may read their own user.
func (c *call) privilege(t *Table, verb Verb) error {
	if c.reach(t, verb) > NoDepth || verb == Read && t.LogicalName == "systemuser" {
		return nil
	}
	who, behalf := c.rights()
	if behalf != nil && who.depthOn(t, verb) > NoDepth {
		who = behalf
	}
	name := verb.privilege(t)
	count := 0
	for _, row := range who.depth {
		for _, d := range row {
			count += oneIf(d > NoDepth)
		}
	}
	e := failf(http.StatusForbidden, "0x80040220",
		"Principal user (Id=%s, type=8, roleCount=%d, privilegeCount=%d, accessMode='0 Read-Write', AADObjectId='%s', MetadataCachePrivilegesCount=%d, businessUnitId=%s), is missing %s privilege (Id=%s) on OTC=%d for entity '%s' (LocalizedName='%s'). context.Caller=%s. Consider adding missed privilege to one of the principal (user/team) roles.",
		who.user, len(who.roles), count, who.objectID, len(c.server.schema.tables)*len(verbs), who.unit, name, privilegeID(name),
		t.ObjectTypeCode, t.LogicalName, t.DisplayName, who.user)
	e.Name = "PrivilegeDenied"
	return e
}

// access refuses (403 0x80048306) what the caller's roles, ownership and
// shares do not allow on this row.
func (c *call) access(r *record, verb Verb) error {
	if c.reaches(r, verb, c.reach(r.table, verb)) {
		return nil
	}
	e := failf(http.StatusForbidden, "0x80048306",
		"Principal with id %s does not have %sAccess right(s) for record with id %s of entity %s", c.caller.user, verb, r.id, r.table.LogicalName)
	e.Name = "AccessDenied"
	return e
}

// visible gives a test for the rows of a table that the caller may read; nil
// if that is all of them.
func (c *call) visible(t *Table) func(*record) bool {
	d := c.reach(t, Read)
	if d == Global {
		return nil
	}
	return func(r *record) bool { return c.reaches(r, Read, d) }
}

// reaches is the access check of one row.
func (c *call) reaches(r *record, verb Verb, d Depth) bool {
	if d == Global {
		return true
	}
	who, _ := c.rights()
	if r.table.LogicalName == "systemuser" && r.id == who.user && verb == Read {
		return true
	}
	if d == NoDepth {
		return false
	}
	return c.reachesAsOwner(r, who, d) || c.shared(r, who, verb)
}

func (c *call) reachesAsOwner(r *record, who *grants, d Depth) bool {
	t := r.table
	switch {
	case t.LogicalName == "activityparty":
		// A party is as visible as its activity.
		if parent, ok := r.ref(t.Column("activityid")); ok {
			if a := c.view.target(parent); a != nil {
				return c.reaches(a, Read, d)
			}
		}
		return true
	case t.Ownership == UserOwned:
		owner, _ := r.ref(t.Column("ownerid"))
		if owner.id == who.user || who.teams[owner.id] {
			return true
		}
		unit, _ := r.ref(t.Column("owningbusinessunit"))
		return d >= Local && unit.id == who.unit || d >= Deep && who.units[unit.id]
	case t.Ownership == BusinessOwned:
		unit := r.id
		if col := t.Column("businessunitid"); col != t.pk && col != nil {
			u, _ := r.ref(col)
			unit = u.id
		}
		if r.id == who.user || who.teams[r.id] {
			return true
		}
		return d >= Local && unit == who.unit || d >= Deep && who.units[unit]
	}
	return true // of the organisation: any depth reaches all
}

// shared says whether the row is shared with the user or one of the user's
// teams.
func (c *call) shared(r *record, who *grants, verb Verb) bool {
	for _, s := range c.server.sharesOf(c.view, r.id) {
		if (s.principal == who.user || who.teams[s.principal]) && s.mask&verb.accessRight() != 0 {
			return true
		}
	}
	return false
}
