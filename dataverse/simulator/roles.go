package simulator

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	engage "github.com/andmoneyaps/engage-playbooks"
)

// addRoles puts in the role of administrators, and gives it to the first.
func (s *Server) addRoles() {
	roles := s.schema.Table("role")
	if roles == nil {
		return
	}
	_ = s.store.write(func(tx *txn) error {
		if err := s.insertRole(tx, mustGUID(SystemAdministratorRoleID), "System Administrator"); err != nil {
			return err
		}
		s.linkNamed(tx, "systemuserroles_association", "systemuser", mustGUID(AdministratorID), mustGUID(SystemAdministratorRoleID))
		s.security.firstSeq = tx.store.seq
		return nil
	})
}

func (s *Server) insertRole(tx *txn, id guid, name string) error {
	t := s.schema.Table("role")
	d := newDraft(t)
	now := instant(s.now().Unix())
	for column, v := range map[string]any{
		"name": name, "businessunitid": ref{s.schema.Table("businessunit"), mustGUID(BusinessUnitID)}, "roleidunique": id,
		"organizationid": s.org, "createdon": now, "modifiedon": now, "isinherited": int64(1), "ismanaged": false,
	} {
		if c := t.Column(column); c != nil {
			d.put(c, v)
		}
	}
	_, err := tx.insert(t, id, d)
	return err
}

// addPrivilegeRows fills the privilege table, when it is first asked for.
func (s *Server) addPrivilegeRows() {
	t := s.schema.Table("privilege")
	if t == nil {
		return
	}
	_ = s.store.write(func(tx *txn) error {
		add := func(name string, right int, org bool) {
			id := privilegeID(name)
			if tx.get(t, id) != nil {
				return // activities share theirs
			}
			d := newDraft(t)
			for column, v := range map[string]any{"name": name, "accessright": int64(right),
				"canbebasic": !org, "canbelocal": !org, "canbedeep": !org, "canbeglobal": true} {
				if c := t.Column(column); c != nil {
					d.put(c, v)
				}
			}
			_, _ = tx.insert(t, id, d) // ids differ
		}
		for _, of := range s.schema.tables {
			for _, v := range verbs {
				if v.appliesTo(of) {
					add(v.privilege(of), v.accessRight(), of.Ownership != UserOwned)
				}
			}
		}
		for _, name := range otherPrivileges {
			add(name, 0, true)
		}
		return nil
	})
}

// setPrivilege gives a role a privilege at a depth; NoDepth takes it away.
func (s *Server) setPrivilege(tx *txn, role, privilege guid, d Depth) error {
	t := s.schema.Table("roleprivileges")
	m := s.schema.manyNamed("roleprivileges_association")
	for _, r := range slices.Clone(tx.rows(t)) {
		if id, _ := r.get(t.Column("roleid")).(guid); id != role {
			continue
		}
		if id, _ := r.get(t.Column("privilegeid")).(guid); id == privilege {
			tx.delete(r)
			tx.unlink(m, role, privilege)
		}
	}
	s.touched(tx)
	if d == NoDepth {
		return nil
	}
	row := newDraft(t)
	row.put(t.Column("roleid"), role)
	row.put(t.Column("privilegeid"), privilege)
	row.put(t.Column("privilegedepthmask"), d.mask())
	if _, err := tx.insert(t, nameGUID("roleprivilege "+role.String()+privilege.String()), row); err != nil {
		return err
	}
	tx.link(m, role, privilege)
	return nil
}

// privilegeNamed finds a privilege of the schema by id.
func (s *Server) privilegeByID(id guid) (name string, ok bool) {
	for _, t := range s.schema.tables {
		for _, v := range verbs {
			if n := v.privilege(t); v.appliesTo(t) && privilegeID(n) == id {
				return n, true
			}
		}
	}
	for _, n := range otherPrivileges {
		if privilegeID(n) == id {
			return n, true
		}
	}
	return "", false
}

// Role is a security role to set up: what it allows on the tables, by logical
// name, as far as Depth reaches. Activities share one set of privileges.
type Role struct {
	Name       string
	Privileges map[string][]Verb
	// Depth is how far all of its privileges reach. Default: Global.
	Depth Depth
	// Other are privileges that are about no table, by name, such as
	// prvActOnBehalfOfAnotherUser.
	Other []string
	// Pos is where the role is declared, for messages; may be zero.
	Pos engage.Pos
}

// User is a person or an application to set up. Email finds a systemuser that
// is there already; else a new one is made.
type User struct {
	Email string
	// Roles are names of roles: those of the setup, or "System
	// Administrator".
	Roles []string
	// ObjectID is the Entra object id, ApplicationID that of an application;
	// both may be empty.
	ObjectID, ApplicationID string
	Disabled                bool
	// Pos is where the user is declared, for messages; may be zero.
	Pos engage.Pos
}

// Setup is the access control of an organisation, as `kind: Simulator`
// documents declare it.
type Setup struct {
	Roles []Role
	Users []User
	// Closed refuses callers who have no systemuser, as the service does.
	// Default: they become system administrators.
	Closed bool
}

// Setup puts roles and users in place. What is wrong with the setup is
// reported as engage.Problems, and then nothing is changed. Apply seeds first,
// so that users are found by their e-mail.
func (s *Server) Setup(set Setup) error {
	if ps := s.checkSetup(&set); ps.HasErrors() {
		return ps.Err()
	}
	s.security.closed.Store(set.Closed)
	return s.store.write(func(tx *txn) error {
		ids := map[string]guid{"System Administrator": mustGUID(SystemAdministratorRoleID)}
		for i := range set.Roles {
			role := &set.Roles[i]
			id := nameGUID("role " + role.Name)
			ids[role.Name] = id
			if tx.get(s.schema.Table("role"), id) == nil {
				if err := s.insertRole(tx, id, role.Name); err != nil {
					return err
				}
			}
			if err := s.setRole(tx, id, role); err != nil {
				return err
			}
		}
		for i := range set.Users {
			if err := s.setUser(tx, &set.Users[i], ids); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Server) setRole(tx *txn, id guid, role *Role) error {
	depth := cmp.Or(role.Depth, Global)
	for table, list := range role.Privileges {
		t := s.schema.Table(table)
		for _, v := range list {
			if err := s.setPrivilege(tx, id, privilegeID(v.privilege(t)), depth); err != nil {
				return err
			}
		}
	}
	for _, name := range role.Other {
		if err := s.setPrivilege(tx, id, privilegeID(name), Global); err != nil {
			return err
		}
	}
	return nil
}

// setUser gives a user exactly the roles of the setup.
func (s *Server) setUser(tx *txn, u *User, roles map[string]guid) error {
	var list []guid
	for _, name := range u.Roles {
		list = append(list, roles[name])
	}
	oid, _ := parseGUID(u.ObjectID)
	app, _ := parseGUID(u.ApplicationID)
	row := s.findPerson(&tx.view, oid, u.Email)
	if row == nil {
		key := cmp.Or(u.ObjectID, u.Email, u.ApplicationID)
		return s.insertUser(tx, &newUser{id: nameGUID("systemuser " + strings.ToLower(key)), objectID: oid, applicationID: app, email: u.Email, disabled: u.Disabled}, list)
	}
	m := s.schema.manyNamed("systemuserroles_association")
	for _, id := range slices.Clone(tx.linked(m, false, row.id)) {
		tx.unlink(m, row.id, id)
	}
	for _, id := range list {
		tx.link(m, row.id, id)
	}
	s.touched(tx)
	if !u.Disabled && oid == (guid{}) && app == (guid{}) {
		return nil
	}
	d := draftOf(row)
	t := row.table
	d.put(t.Column("isdisabled"), u.Disabled)
	if oid != (guid{}) {
		d.put(t.Column("azureactivedirectoryobjectid"), oid)
	}
	if app != (guid{}) {
		d.put(t.Column("applicationid"), app)
	}
	return tx.update(row, d)
}

// checkSetup finds what is wrong with a setup, all of it.
func (s *Server) checkSetup(set *Setup) engage.Problems {
	var ps engage.Problems
	names := map[string]bool{"System Administrator": true}
	for i := range set.Roles {
		role := &set.Roles[i]
		if names[role.Name] {
			ps.Errorf(role.Pos, "duplicate-name", "there are two roles %q", role.Name)
		}
		names[role.Name] = true
		for _, table := range slices.Sorted(maps.Keys(role.Privileges)) {
			t := s.schema.Table(table)
			if t == nil {
				ps.Errorf(role.Pos, "unknown-table", "role %q: the simulator has no table %q", role.Name, table)
				continue
			}
			for _, v := range role.Privileges[table] {
				if !slices.Contains(verbs[:], v) {
					ps.Errorf(role.Pos, "unknown-privilege", "role %q: %q is no privilege on a table; there are Create, Read, Write, Delete, Append, AppendTo, Assign and Share", role.Name, string(v))
				}
			}
		}
	}
	seen := map[string]bool{}
	for i := range set.Users {
		u := &set.Users[i]
		key := strings.ToLower(cmp.Or(u.Email, u.ObjectID, u.ApplicationID))
		if seen[key] {
			ps.Errorf(u.Pos, "duplicate-id", "there are two users %q", key)
		}
		seen[key] = true
		for _, name := range u.Roles {
			if !names[name] {
				ps.Errorf(u.Pos, "unknown-role", "user %q: there is no role %q", key, name)
			}
		}
		for _, id := range []string{u.ObjectID, u.ApplicationID} {
			if _, ok := parseGUID(id); id != "" && !ok {
				ps.Errorf(u.Pos, "bad-value", "user %q: %q is no GUID", key, id)
			}
		}
	}
	return ps
}
