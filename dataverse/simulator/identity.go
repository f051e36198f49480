package simulator

import (
	"bytes"
	"net/http"
	"strings"
)

// actor is who a request acts as.
type actor struct {
	// user is the systemuser whose rights and name count, after
	// impersonation.
	user guid
	// behalf is the real caller when impersonating, else zero.
	behalf guid
}

// authenticate gives the caller of a request, or a 401 or 403. It opens its
// own view of the store.
func (s *Server) authenticate(c *call) (*actor, error) {
	if mentions(c, "privilege") {
		s.security.rows.Do(s.addPrivilegeRows)
	}
	if mentions(c, "sdkmessage") {
		s.security.messages.Do(s.addMessageRows)
	}
	user, err := s.tokenUser(c)
	if err != nil {
		return nil, err
	}
	var who *actor
	err = s.store.read(func(v *view) error {
		if err := s.mayEnter(v, user); err != nil {
			return err
		}
		who, err = s.impersonate(v, c.header, user)
		return err
	})
	return who, err
}

// mentions says whether a request is about rows that are only made when
// somebody asks for them.
func mentions(c *call, word string) bool {
	return strings.Contains(c.path, word) || strings.Contains(c.rawQuery, word) || strings.HasPrefix(c.path, "$batch") && bytes.Contains(c.body, []byte(word))
}

// unauthorized is the answer to a missing or bad token (fact sheet, 9.5).
func (s *Server) unauthorized() error {
	return &apiError{Status: http.StatusUnauthorized, Header: http.Header{"WWW-Authenticate": {
		"Bearer authorization_uri=" + s.Authority + "/" + s.TenantID + "/oauth2/authorize, resource_id=" + s.URL + "/",
	}}}
}

// tokenUser finds the systemuser of a request's bearer token, and makes one
// for a caller who has none yet.
func (s *Server) tokenUser(c *call) (guid, error) {
	scheme, token, _ := strings.Cut(c.header.Get("Authorization"), " ")
	token = strings.TrimSpace(token)
	if token == "" && s.options.Anonymous {
		return mustGUID(AdministratorID), nil
	}
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return guid{}, s.unauthorized()
	}
	who, err := s.Entra.Validate(token)
	if err != nil {
		return guid{}, s.unauthorized()
	}
	key := who.ObjectID
	if who.AppOnly {
		key = "app " + who.AppID
	}
	gen := s.security.generation.Load()
	if id, ok := s.security.known(key, gen); ok {
		return id, nil
	}
	var user guid
	_ = s.store.read(func(v *view) error {
		if r := s.findUser(v, &who); r != nil {
			user = r.id
		}
		return nil
	})
	if user == (guid{}) {
		if s.security.closed.Load() {
			return guid{}, failf(http.StatusForbidden, "0x80072560", "The user is not a member of the organization.")
		}
		if user, err = s.addUser(&who); err != nil {
			return guid{}, err
		}
		gen = s.security.generation.Load()
	}
	s.security.remember(key, gen, user)
	return user, nil
}

// findUser finds the systemuser of a token: a person by Entra object id, else
// by e-mail; an application by application id, and the simulator's own
// registration else by any application id (spec, section 8).
func (s *Server) findUser(v *view, who *Caller) *record {
	t := s.schema.Table("systemuser")
	if who.AppOnly {
		app, _ := parseGUID(who.AppID)
		var other *record
		for _, r := range v.rows(t) {
			switch id, ok := r.get(t.Column("applicationid")).(guid); {
			case ok && id == app:
				return r
			case ok && other == nil:
				other = r
			}
		}
		if strings.EqualFold(who.AppID, DefaultClientID) {
			return other
		}
		return nil
	}
	oid, _ := parseGUID(who.ObjectID)
	return s.findPerson(v, oid, who.Email)
}

func (s *Server) findPerson(v *view, oid guid, email string) *record {
	t := s.schema.Table("systemuser")
	var byEmail *record
	for _, r := range v.rows(t) {
		if id, ok := r.get(t.Column("azureactivedirectoryobjectid")).(guid); ok && id == oid && oid != (guid{}) {
			return r
		}
		if email == "" || byEmail != nil {
			continue
		}
		for _, name := range []string{"internalemailaddress", "domainname"} {
			if have, _ := r.get(t.Column(name)).(string); strings.EqualFold(have, email) {
				byEmail = r
			}
		}
	}
	return byEmail
}

// addUser makes the systemuser of a caller who has none: a system
// administrator, as those who do not care about roles expect.
func (s *Server) addUser(who *Caller) (guid, error) {
	u := newUser{email: who.Email, name: who.Name}
	key := who.ObjectID
	u.objectID, _ = parseGUID(who.ObjectID)
	if who.AppOnly {
		key = who.AppID
		u.applicationID, _ = parseGUID(who.AppID)
		u.name = "# simulator application"
		u.email = "app-" + strings.ToLower(who.AppID) + "@simulator.example"
	}
	id := nameGUID("systemuser " + strings.ToLower(key))
	err := s.store.write(func(tx *txn) error {
		if tx.get(s.schema.Table("systemuser"), id) != nil {
			return nil // another request was faster
		}
		u.id = id
		return s.insertUser(tx, &u, []guid{mustGUID(SystemAdministratorRoleID)})
	})
	return id, err
}

// newUser is a systemuser to be made.
type newUser struct {
	id, objectID, applicationID guid
	email, name                 string
	disabled                    bool
}

func (s *Server) insertUser(tx *txn, u *newUser, roles []guid) error {
	t := s.schema.Table("systemuser")
	d := newDraft(t)
	for _, c := range t.Columns {
		if c.Default != nil {
			d.put(c, c.defaultValue())
		}
	}
	if u.name == "" {
		u.name, _, _ = strings.Cut(u.email, "@")
	}
	first, last, ok := strings.Cut(u.name, " ")
	if !ok {
		first, last = "", u.name
	}
	now := instant(s.now().Unix())
	values := map[string]any{
		"fullname": u.name, "lastname": last, "domainname": u.email, "internalemailaddress": u.email, "isdisabled": u.disabled,
		"createdon": now, "modifiedon": now,
		"businessunitid": ref{s.schema.Table("businessunit"), mustGUID(BusinessUnitID)}, "organizationid": s.org,
	}
	if first != "" {
		values["firstname"] = first
	}
	if u.objectID != (guid{}) {
		values["azureactivedirectoryobjectid"] = u.objectID
	}
	if u.applicationID != (guid{}) {
		values["applicationid"], values["accessmode"] = u.applicationID, int64(4)
	}
	for name, v := range values {
		if c := t.Column(name); c != nil {
			d.put(c, v)
		}
	}
	if _, err := tx.insert(t, u.id, d); err != nil {
		return err
	}
	for _, role := range roles {
		s.linkNamed(tx, "systemuserroles_association", "systemuser", u.id, role)
	}
	s.touched(tx)
	return nil
}

// linkNamed pairs two rows by a many-to-many relationship, seen from table.
func (s *Server) linkNamed(tx *txn, name, table string, id, other guid) {
	m := s.schema.manyNamed(name)
	if m == nil {
		return
	}
	if m.Table1 == table {
		tx.link(m, id, other)
	} else {
		tx.link(m, other, id)
	}
}

// mayEnter refuses users who are disabled or have no role.
func (s *Server) mayEnter(v *view, user guid) error {
	g := s.grantsOf(v, user)
	switch {
	case g.disabled:
		return failf(http.StatusForbidden, "0x80040225", "The specified user(Id = %s) is disabled. Consider enabling this user. Additional Details: {1}", user)
	case len(g.roles) == 0 && !g.admin:
		return failf(http.StatusForbidden, "0x80042F09", "The user with id %s has not been assigned any roles.", user)
	}
	return nil
}

// impersonate reads the impersonation headers (fact sheet, section 12.3).
// CallerObjectId wins if both are there.
func (s *Server) impersonate(v *view, h http.Header, user guid) (*actor, error) {
	value, byObjectID := strings.TrimSpace(h.Get("CallerObjectId")), true
	if value == "" {
		value, byObjectID = strings.TrimSpace(h.Get("MSCRMCallerID")), false
	}
	if value == "" {
		return &actor{user: user}, nil
	}
	id, ok := parseGUID(value)
	if !ok {
		return nil, failf(http.StatusBadRequest, codeArgument, "The impersonation header holds '%s', which is not a valid GUID.", value)
	}
	if byObjectID {
		r := s.findPerson(v, id, "")
		if r == nil {
			return nil, failf(http.StatusForbidden, "0x80072560", "The user is not a member of the organization.")
		}
		id = r.id
	} else if v.get(s.schema.Table("systemuser"), id) == nil {
		return nil, failf(http.StatusForbidden, "0x80072560", "The user is not a member of the organization.")
	}
	if id == user {
		return &actor{user: user}, nil
	}
	if !s.grantsOf(v, user).other[privilegeID(prvActOnBehalf)] {
		e := failf(http.StatusForbidden, "0x8004A110", "User does not have the privilege to act on behalf another user.")
		e.Name = "CannotActOnBehalfOfAnotherUser"
		return nil, e
	}
	if err := s.mayEnter(v, id); err != nil {
		return nil, err
	}
	return &actor{user: id, behalf: user}, nil
}

// adminToken gives a token of the administrator.
func (s *Server) adminToken() string { return s.Entra.Bearer(AdministratorEmail) }

// entraUser finds a person of the directory among the systemusers.
func (s *Server) entraUser(_, emailOrObjectID string) (u EntraUser, ok bool) {
	t := s.schema.Table("systemuser")
	if t == nil {
		return u, false
	}
	oid, isID := parseGUID(emailOrObjectID)
	email := emailOrObjectID
	if isID {
		email = ""
	}
	_ = s.store.read(func(v *view) error {
		r := s.findPerson(v, oid, email)
		if r == nil {
			return nil
		}
		id, has := r.get(t.Column("azureactivedirectoryobjectid")).(guid)
		if !has {
			return nil
		}
		u.ObjectID = id.String()
		u.Email, _ = r.get(t.Column("internalemailaddress")).(string)
		u.Name, _ = r.get(t.Column("fullname")).(string)
		ok = true
		return nil
	})
	return u, ok
}

// serveEntra answers everything that is not under /api/data/.
func (s *Server) serveEntra(w http.ResponseWriter, r *http.Request) { s.Entra.ServeHTTP(w, r) }

// known and remember keep the users of tokens that were seen, until a security
// table changes.
func (sec *security) known(key string, gen int64) (guid, bool) {
	sec.mu.Lock()
	defer sec.mu.Unlock()
	if sec.callersAt != gen {
		return guid{}, false
	}
	id, ok := sec.callers[key]
	return id, ok
}

func (sec *security) remember(key string, gen int64, id guid) {
	sec.mu.Lock()
	defer sec.mu.Unlock()
	if sec.callersAt != gen || sec.callers == nil {
		sec.callers, sec.callersAt = map[string]guid{}, gen
	}
	sec.callers[key] = id
}
