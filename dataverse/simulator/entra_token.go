package simulator

import (
	"encoding/base64"
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// The grants that the token endpoint knows.
const (
	GrantClientCredentials = "client_credentials"
	GrantOnBehalfOf        = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	GrantRefreshToken      = "refresh_token"
	GrantDeviceCode        = "urn:ietf:params:oauth:grant-type:device_code"
)

const maxTokenForm = 256 << 10

// tokenCall is one request to the token endpoint while it is worked on.
type tokenCall struct {
	http.ResponseWriter
	r      *http.Request
	form   url.Values
	tenant string
	client *Registration
	note   TokenRequest // what the log will say
}

// token answers a POST to the token endpoint.
func (e *Entra) token(w http.ResponseWriter, r *http.Request, tenant string) {
	r.Body = http.MaxBytesReader(w, r.Body, maxTokenForm)
	if err := r.ParseForm(); err != nil {
		e.refuse(w, r, sts(900144, "The request body is not a form."))
		return
	}
	c := &tokenCall{ResponseWriter: w, r: r, form: r.PostForm, tenant: strings.ToLower(tenant)}
	if c.form.Get("grant_type") == "device_code" { // EN041
		c.form.Set("grant_type", GrantDeviceCode)
	}
	c.note = TokenRequest{
		Time: e.clock(), Tenant: c.tenant, Grant: c.form.Get("grant_type"), TokenUse: c.form.Get("requested_token_use"), ClientID: c.form.Get("client_id"),
		Resource: resourceOf(c.form), Claims: c.form.Get("claims"), CorrelationID: r.Header.Get("Client-Request-Id"),
	}
	c.note.User = e.userOf(c.form)
	if f := e.nextFault(c.note); f != nil {
		c.note.Status, c.note.Code = f.status(), f.Code
		e.log.add(c.note)
		f.answer(e, w, r)
		return
	}
	answer, refusal := e.grant(c)
	if refusal != nil {
		c.note.Status, c.note.Code = refusal.status, refusal.code
		e.log.add(c.note)
		e.refuse(w, r, refusal)
		return
	}
	c.note.Status = http.StatusOK
	e.log.add(c.note)
	w.Header().Set("X-Ms-Request-Id", e.newID())
	writeEntraJSON(w, http.StatusOK, answer)
}

// grant checks the request: EN010.
func (e *Entra) grant(c *tokenCall) (map[string]any, *stsError) {
	grant := c.form.Get("grant_type")
	if grant == "" {
		return nil, sts(900144, "The request body must contain the following parameter: 'grant_type'.")
	}
	if isSharedTenant(c.tenant) {
		if grant == GrantClientCredentials || grant == GrantOnBehalfOf {
			return nil, sts(9001023, "The grant type is not supported over the /%s endpoint. Please use the tenant-specific endpoint.", c.tenant)
		}
		c.tenant = e.home
	}
	if !e.tenantKnown(c.tenant) {
		return nil, sts(90002, "Tenant '%s' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.", c.tenant)
	}
	if f := e.findClient(c); f != nil {
		return nil, f
	}
	if grant != GrantDeviceCode && !(grant == GrantRefreshToken && publicRequest(c)) {
		if f := e.authenticate(c); f != nil {
			return nil, f
		}
	}
	switch grant {
	case GrantClientCredentials:
		return e.clientCredentials(c)
	case GrantOnBehalfOf:
		return e.onBehalfOf(c)
	case GrantRefreshToken:
		return e.refresh(c)
	case GrantDeviceCode:
		return e.redeemDevice(c)
	}
	return nil, sts(70003, "The app requested an unsupported grant type '%s'.", grant)
}

func (e *Entra) findClient(c *tokenCall) *stsError {
	id := c.form.Get("client_id")
	if user, _, ok := c.r.BasicAuth(); ok && id == "" {
		id, _ = url.QueryUnescape(user)
	}
	if id == "" {
		return sts(900144, "The request body must contain the following parameter: 'client_id'.")
	}
	c.note.ClientID = id
	e.mu.Lock()
	reg := e.registrations[strings.ToLower(id)]
	e.mu.Unlock()
	if reg == nil || reg.Tenants != nil && !slices.ContainsFunc(reg.Tenants, func(t string) bool { return strings.EqualFold(t, c.tenant) }) {
		return sts(700016, "Application with identifier '%s' was not found in the directory '%s'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant.", id, c.tenant)
	}
	if reg.Disabled {
		return sts(7000112, "Application '%s' is disabled.", id)
	}
	c.client = reg
	return nil
}

// publicRequest reports whether a request carries no credential at all.
func publicRequest(c *tokenCall) bool {
	_, _, basic := c.r.BasicAuth()
	return !basic && c.form.Get("client_secret") == "" && c.form.Get("client_assertion") == ""
}

// requestedScopes splits the scope parameter into the resource and the rest;
// v1 requests name the resource by itself.
func requestedScopes(form url.Values) (resource string, scopes []string, oidc map[string]bool, ok bool) {
	oidc = map[string]bool{}
	ok = true
	for _, s := range strings.Fields(form.Get("scope")) {
		switch s {
		case "openid", "profile", "email", "offline_access":
			oidc[s] = true
			continue
		}
		i := strings.LastIndex(s, "/")
		if i <= 0 {
			return "", nil, oidc, false
		}
		if res := s[:i]; resource == "" {
			resource = res
		} else if !strings.EqualFold(resource, res) {
			return "", nil, oidc, false // one resource a request
		}
		scopes = append(scopes, s)
	}
	if resource == "" {
		if res := form.Get("resource"); res != "" {
			return res, []string{strings.TrimSuffix(res, "/") + "/.default"}, oidc, true
		}
	}
	return resource, scopes, oidc, ok
}

func resourceOf(form url.Values) string {
	resource, _, _, _ := requestedScopes(form)
	return resource
}

// checkResource says whether tokens for the resource can be had here.
func (e *Entra) checkResource(c *tokenCall) (resource string, scopes []string, oidc map[string]bool, refusal *stsError) {
	resource, scopes, oidc, ok := requestedScopes(c.form)
	if !ok || resource == "" {
		return "", nil, nil, sts(70011, "The provided request must include a 'scope' input parameter. The provided value for the input parameter 'scope' is not valid. The scope %s is not valid.", c.form.Get("scope"))
	}
	if !e.resourceKnown(resource) {
		return "", nil, nil, sts(500011, "The resource principal named %s was not found in the tenant named %s. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You might have sent your authentication request to the wrong tenant.", resource, c.tenant)
	}
	return resource, scopes, oidc, nil
}

func (e *Entra) resourceKnown(resource string) bool {
	r := strings.TrimSuffix(resource, "/")
	return r == dataverseAppID || isLoopbackOrigin(r) || slices.ContainsFunc(e.resources, func(known string) bool {
		return strings.EqualFold(strings.TrimSuffix(known, "/"), r)
	})
}

// isLoopbackOrigin accepts any port of this machine: EN016, EN052.
func isLoopbackOrigin(s string) bool {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return false
	}
	h := u.Hostname()
	if strings.EqualFold(h, "localhost") {
		return true
	}
	ip := net.ParseIP(h)
	return ip != nil && ip.IsLoopback()
}

func (e *Entra) clientCredentials(c *tokenCall) (map[string]any, *stsError) {
	resource, scopes, _, refusal := e.checkResource(c)
	if refusal != nil {
		return nil, refusal
	}
	for _, s := range scopes {
		if !strings.HasSuffix(s, "/.default") {
			return nil, sts(1002012, "The provided value for scope %s is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).", s)
		}
	}
	if refusal := e.unmet("", c.client.ClientID, nil); refusal != nil {
		return nil, refusal
	}
	lifetime := e.tokenLifetime()
	return map[string]any{
		"token_type": "Bearer", "expires_in": int(lifetime.Seconds()), "ext_expires_in": int(lifetime.Seconds()),
		"access_token": e.sign(e.appClaims(c.tenant, resource, c.client.ClientID, lifetime)),
	}, nil
}

func (e *Entra) onBehalfOf(c *tokenCall) (map[string]any, *stsError) {
	for _, p := range []string{"assertion", "requested_token_use", "scope"} {
		if c.form.Get(p) == "" && !(p == "scope" && c.form.Get("resource") != "") {
			return nil, sts(900144, "The request body must contain the following parameter: '%s'.", p)
		}
	}
	if use := c.form.Get("requested_token_use"); use != "on_behalf_of" {
		return nil, sts(90014, "The value '%s' of the field 'requested_token_use' is not supported.", use)
	}
	who, refusal := e.checkAssertion(c)
	if refusal != nil {
		return nil, refusal
	}
	return e.userAnswer(c, who)
}

func (e *Entra) refresh(c *tokenCall) (map[string]any, *stsError) {
	if c.form.Get("refresh_token") == "" {
		return nil, sts(900144, "The request body must contain the following parameter: 'refresh_token'.")
	}
	seal, ok := openRefreshToken(c.form.Get("refresh_token"))
	switch {
	case !ok || !strings.EqualFold(seal.ClientID, c.client.ClientID):
		return nil, sts(9002313, "Invalid request. Request is malformed or invalid.")
	case e.clock().After(time.Unix(seal.Issued, 0).Add(90 * 24 * time.Hour)):
		return nil, sts(700082, "The refresh token has expired due to inactivity.")
	case e.isRevoked(seal.ObjectID, time.Unix(seal.Issued, 0)):
		return nil, sts(50173, "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have changed or reset their password.")
	}
	who := principal{ObjectID: seal.ObjectID, Email: seal.Email, Name: seal.Email, claims: seal.Met}
	return e.userAnswer(c, who)
}

// userAnswer is the success of every flow with a person in it: EN017, EN018.
func (e *Entra) userAnswer(c *tokenCall, who principal) (map[string]any, *stsError) {
	c.note.User = who.ObjectID
	if u := e.person(c.tenant, who.ObjectID); u.Disabled {
		return nil, sts(50057, "The user account is disabled.")
	}
	resource, scopes, oidc, refusal := e.checkResource(c)
	if refusal != nil {
		return nil, refusal
	}
	if refusal := e.unmet(who.ObjectID, c.client.ClientID, who.claims); refusal != nil {
		return nil, refusal
	}
	lifetime := e.tokenLifetime()
	granted := append([]string{strings.TrimSuffix(resource, "/") + "/user_impersonation"}, scopes...)
	slices.Sort(granted)
	answer := map[string]any{
		"token_type": "Bearer", "scope": strings.Join(slices.Compact(granted), " "),
		"expires_in": int(lifetime.Seconds()), "ext_expires_in": int(lifetime.Seconds()),
		"access_token": e.sign(e.userClaims(c.tenant, resource, c.client.ClientID, who, lifetime)),
	}
	if oidc["offline_access"] {
		answer["refresh_token"] = sealRefreshToken(refreshSeal{
			ObjectID: who.ObjectID, Email: who.Email, ClientID: c.client.ClientID, Issued: e.clock().Unix(), Met: who.claims,
		})
	}
	if oidc["openid"] {
		answer["id_token"] = e.sign(e.idClaims(c.tenant, c.client.ClientID, who, lifetime))
	}
	if c.form.Get("client_info") != "" {
		info, _ := json.Marshal(map[string]string{"uid": who.ObjectID, "utid": c.tenant})
		answer["client_info"] = base64.RawURLEncoding.EncodeToString(info)
	}
	return answer, nil
}

func (e *Entra) tokenLifetime() time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.lifetime
}

// principal is a person in a flow, with the claims that may satisfy a demand.
type principal struct {
	ObjectID, Email, Name string
	claims                map[string]any
}

// stamp gives the claims that every token has. ver decides the issuer.
func (e *Entra) stamp(tenant, ver, audience string, lifetime time.Duration) jwt.MapClaims {
	now := e.clock()
	issuer := issuerV1(tenant)
	if ver == "2.0" {
		issuer = issuerV2(tenant)
	}
	return jwt.MapClaims{
		"aud": audience, "iss": issuer, "tid": tenant, "ver": ver,
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(lifetime).Unix(), "uti": e.newID(),
	}
}

// userClaims are those of a token for Dataverse that speaks for a person: EN051.
func (e *Entra) userClaims(tenant, resource, clientID string, who principal, lifetime time.Duration) jwt.MapClaims {
	c := e.stamp(tenant, "1.0", resource, lifetime)
	c["appid"], c["appidacr"], c["scp"] = clientID, "1", "user_impersonation"
	c["oid"], c["sub"], c["idp"] = who.ObjectID, pairwise(who.ObjectID, resource), issuerV1(tenant)
	if who.Email != "" {
		c["upn"], c["unique_name"], c["name"] = who.Email, who.Email, who.Name
	}
	return c
}

// appClaims are those of a token for Dataverse that speaks for an application:
// EN051.
func (e *Entra) appClaims(tenant, resource, clientID string, lifetime time.Duration) jwt.MapClaims {
	c := e.stamp(tenant, "1.0", resource, lifetime)
	oid := derivedID("service principal", tenant, strings.ToLower(clientID))
	c["appid"], c["appidacr"], c["idtyp"], c["oid"], c["sub"] = clientID, "1", "app", oid, oid
	return c
}

func (e *Entra) idClaims(tenant, clientID string, who principal, lifetime time.Duration) jwt.MapClaims {
	c := e.stamp(tenant, "2.0", clientID, lifetime)
	c["oid"], c["sub"], c["preferred_username"], c["name"] = who.ObjectID, pairwise(who.ObjectID, clientID), who.Email, who.Name
	return c
}

// pairwise makes the sub claim: another one for each application.
func pairwise(objectID, audience string) string {
	return strings.ReplaceAll(derivedID("subject", objectID, audience), "-", "")
}
