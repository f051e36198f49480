package simulator

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
)

// retrievePrincipalAccess says what a user or team may do with a row.
func retrievePrincipalAccess(c *call, _ *Table, r *record) (*response, error) {
	target, err := c.rowReference(c.params["Target"])
	if err != nil {
		return nil, err
	}
	as := *c
	as.caller = &actor{user: r.id}
	if r.table.LogicalName == "organization" {
		as.caller = c.caller
	}
	var rights []string
	// In the order in which the service lists the flags.
	for _, v := range []Verb{Read, Write, Append, AppendTo, Create, Delete, Share, Assign} {
		var allowed bool
		if r.table.LogicalName == "team" {
			allowed = c.server.teamMay(c.view, r.id, target, v)
		} else {
			d := as.reach(target.table, v)
			allowed = as.reaches(target, v, d)
		}
		if allowed && v.appliesTo(target.table) {
			rights = append(rights, string(v)+"Access")
		}
	}
	return c.complexResponse("RetrievePrincipalAccessResponse", appendMember(nil, "AccessRights", cmp.Or(strings.Join(rights, ", "), "None"))), nil
}

// teamMay says what the roles, ownership and shares of a team itself allow.
func (s *Server) teamMay(v *view, team guid, r *record, verb Verb) bool {
	g := &grants{depth: make([][8]Depth, len(s.schema.tables))}
	held := map[guid]Depth{}
	for _, role := range s.linkedBy(v, "teamroles_association", "team", team) {
		s.addRole(v, role, g, held)
	}
	d := held[privilegeID(verb.privilege(r.table))]
	if g.admin || d == Global {
		return true
	}
	for _, sh := range s.sharesOf(v, r.id) {
		if sh.principal == team && sh.mask&verb.accessRight() != 0 {
			return d > NoDepth
		}
	}
	if c := r.table.Column("ownerid"); c != nil && d > NoDepth {
		owner, _ := r.ref(c)
		return owner.id == team
	}
	return d > NoDepth && r.table.Ownership != UserOwned
}

// retrieveUserPrivileges lists what the roles of a user allow.
func retrieveUserPrivileges(c *call, _ *Table, r *record) (*response, error) {
	g := c.server.grantsOf(c.view, r.id)
	depths := map[string]Depth{}
	for _, t := range c.server.schema.tables {
		for _, v := range verbs {
			if d := g.depthOn(t, v); d > NoDepth && v.appliesTo(t) {
				depths[v.privilege(t)] = d
			}
		}
	}
	for _, name := range otherPrivileges {
		if g.other[privilegeID(name)] {
			depths[name] = Global
		}
	}
	names := make([]string, 0, len(depths))
	for name := range depths {
		names = append(names, name)
	}
	slices.Sort(names)
	b := []byte(`"RolePrivileges":[`)
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '{')
		m := appendMember(nil, "Depth", depths[name].String())
		m = appendMember(m, "PrivilegeId", privilegeID(name).String())
		m = appendMember(m, "BusinessUnitId", g.unit.String())
		m = appendMember(m, "PrivilegeName", name)
		m = append(m, `,"RecordFilterId":"00000000-0000-0000-0000-000000000000","RecordFilterUniqueName":""`...)
		b = append(append(b, m...), '}')
	}
	return c.complexResponse("RetrieveUserPrivilegesResponse", append(b, ']')), nil
}

// accessMask reads "ReadAccess,WriteAccess".
func accessMask(s string) (int64, bool) {
	var mask int64
	for _, name := range strings.Split(s, ",") {
		name = strings.TrimSpace(name)
		if name == "None" || name == "" {
			continue
		}
		v := Verb(strings.TrimSuffix(name, "Access"))
		if !slices.Contains(verbs[:], v) || !strings.HasSuffix(name, "Access") {
			return 0, false
		}
		mask |= int64(v.accessRight())
	}
	return mask, true
}

// grantAccess shares a row: the row of principalobjectaccess is what is
// enforced. ModifyAccess replaces what was shared, GrantAccess adds to it.
func grantAccess(c *call, _ *Table, _ *record) (*response, error) {
	var in struct {
		Target          map[string]any
		PrincipalAccess struct {
			AccessMask string
			Principal  map[string]any
		}
	}
	if err := c.parameters(&in); err != nil {
		return nil, err
	}
	mask, ok := accessMask(in.PrincipalAccess.AccessMask)
	if !ok {
		return nil, failf(http.StatusBadRequest, codeArgument, "The AccessMask '%s' is not valid.", in.PrincipalAccess.AccessMask)
	}
	target, principal, err := c.shareOf(in.Target, in.PrincipalAccess.Principal)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(c.path, "GrantAccess") {
		for _, s := range c.server.sharesOf(c.view, target.id) {
			if s.principal == principal.id {
				mask |= int64(s.mask)
			}
		}
	}
	return noContent(), c.putShare(target, principal, mask)
}

func revokeAccess(c *call, _ *Table, _ *record) (*response, error) {
	var in struct{ Target, Revokee map[string]any }
	if err := c.parameters(&in); err != nil {
		return nil, err
	}
	target, principal, err := c.shareOf(in.Target, in.Revokee)
	if err != nil {
		return nil, err
	}
	return noContent(), c.putShare(target, principal, 0)
}

// shareOf finds the two rows, and checks that the caller may share the target.
func (c *call) shareOf(target, principal map[string]any) (*record, *record, error) {
	what, err := c.rowOf(target)
	if err != nil {
		return nil, nil, err
	}
	who, err := c.rowOf(principal)
	if err != nil {
		return nil, nil, err
	}
	if !who.table.isPrincipal() {
		return nil, nil, failf(http.StatusBadRequest, codeArgument, "A principal is a user or a team, not a record of '%s'.", who.table.LogicalName)
	}
	if what.table.Ownership != UserOwned {
		return nil, nil, failf(http.StatusBadRequest, codeArgument, "Records of '%s' have no owner and cannot be shared.", what.table.LogicalName)
	}
	if err := c.privilege(what.table, Share); err != nil {
		return nil, nil, err
	}
	return what, who, c.access(what, Share)
}

func (c *call) putShare(target, principal *record, mask int64) error {
	t := c.server.schema.Table("principalobjectaccess")
	id := nameGUID("share " + target.id.String() + principal.id.String())
	c.server.touched(c.tx)
	if old := c.tx.get(t, id); old != nil {
		if mask == 0 {
			c.tx.delete(old)
			return nil
		}
		d := draftOf(old)
		d.put(t.Column("accessrightsmask"), mask)
		return c.tx.update(old, d)
	}
	if mask == 0 {
		return nil
	}
	d := newDraft(t)
	for name, v := range map[string]any{
		"principalid": principal.id, "principaltypecode": principal.table.LogicalName,
		"objectid": target.id, "objecttypecode": target.table.LogicalName, "accessrightsmask": mask,
	} {
		d.put(t.Column(name), v)
	}
	_, err := c.tx.insert(t, id, d)
	return err
}

// rolePrivilege is a member of the Privileges of AddPrivilegesRole.
type rolePrivilege struct {
	Depth         string
	PrivilegeId   string //nolint:revive // the service's spelling
	PrivilegeName string
}

func (c *call) rolePrivileges(role *record) error {
	if err := c.privilege(role.table, Write); err != nil {
		return err
	}
	var in struct{ Privileges []rolePrivilege }
	if err := c.parameters(&in); err != nil {
		return err
	}
	for _, p := range in.Privileges {
		id, ok := parseGUID(p.PrivilegeId)
		if p.PrivilegeId == "" && p.PrivilegeName != "" {
			id, ok = privilegeID(p.PrivilegeName), true
		}
		if _, known := c.server.privilegeByID(id); !ok || !known {
			return failf(http.StatusNotFound, codeNotFound, "Privilege With Id = %s Does Not Exist", p.PrivilegeId)
		}
		d, ok := parseDepth(p.Depth)
		if !ok {
			return failf(http.StatusBadRequest, codeArgument, "The privilege depth '%s' is not valid.", p.Depth)
		}
		if err := c.server.setPrivilege(c.tx, role.id, id, d); err != nil {
			return err
		}
	}
	return nil
}

func addPrivilegesRole(c *call, _ *Table, role *record) (*response, error) {
	return noContent(), c.rolePrivileges(role)
}

func replacePrivilegesRole(c *call, _ *Table, role *record) (*response, error) {
	t := c.server.schema.Table("roleprivileges")
	for _, r := range slices.Clone(c.tx.rows(t)) {
		if id, _ := r.get(t.Column("roleid")).(guid); id == role.id {
			privilege, _ := r.get(t.Column("privilegeid")).(guid)
			if err := c.server.setPrivilege(c.tx, role.id, privilege, NoDepth); err != nil {
				return nil, err
			}
		}
	}
	return noContent(), c.rolePrivileges(role)
}

func removePrivilegeRole(c *call, _ *Table, role *record) (*response, error) {
	if err := c.privilege(role.table, Write); err != nil {
		return nil, err
	}
	var in struct {
		PrivilegeId string //nolint:revive // the service's spelling
	}
	if err := c.parameters(&in); err != nil {
		return nil, err
	}
	id, ok := parseGUID(in.PrivilegeId)
	if !ok {
		return nil, failf(http.StatusBadRequest, codeArgument, "The privilege id '%s' is not valid.", in.PrivilegeId)
	}
	return noContent(), c.server.setPrivilege(c.tx, role.id, id, NoDepth)
}
