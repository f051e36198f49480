package simulator

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// AssertionOptions say what an employee's token for the Engage API looks like.
// The zero value gives a good one.
type AssertionOptions struct {
	// Tenant is the issuing tenant; "": the simulator's first.
	Tenant string
	// V1 makes a token of version 1.0, whose audience is the Application ID
	// URI; otherwise 2.0, whose audience is the client id.
	V1 bool
	// Audience replaces the audience.
	Audience string
	// Lifetime is one hour unless set; negative makes an expired token.
	Lifetime time.Duration
	// Roles are app roles of the person.
	Roles []string
	// Claims replace or add claims; a nil value removes one. This is how
	// negative tests are made.
	Claims map[string]any
	// IDToken makes an id token in place of an access token, AppOnly a token
	// that speaks for an application.
	IDToken, AppOnly bool
	// BadSignature breaks the signature.
	BadSignature bool
}

func (e *Entra) assertion(user string, o AssertionOptions) string {
	tenant := o.Tenant
	if tenant == "" {
		tenant = e.home
	}
	tenant = strings.ToLower(tenant)
	lifetime := o.Lifetime
	if lifetime == 0 {
		lifetime = time.Hour
	}
	e.mu.Lock()
	reg := e.registrations[strings.ToLower(DefaultClientID)]
	e.mu.Unlock()
	u := e.person(tenant, user)
	who := principal{ObjectID: u.ObjectID, Email: u.Email, Name: u.Name}
	var c jwt.MapClaims
	switch {
	case o.IDToken:
		c = e.idClaims(tenant, reg.ClientID, who, lifetime)
	case o.AppOnly:
		c = e.stamp(tenant, "2.0", reg.ClientID, lifetime)
		oid := derivedID("service principal", tenant, frontEndClientID)
		c["azp"], c["azpacr"], c["idtyp"], c["oid"], c["sub"], c["roles"] = frontEndClientID, "1", "app", oid, oid, []string{"Engage.Access"}
	case o.V1:
		c = e.stamp(tenant, "1.0", reg.AudienceURI, lifetime)
		c["appid"], c["appidacr"], c["scp"] = frontEndClientID, "0", "access_as_user"
		c["upn"], c["unique_name"], c["name"] = who.Email, who.Email, who.Name
	default:
		c = e.stamp(tenant, "2.0", reg.ClientID, lifetime)
		c["azp"], c["azpacr"], c["scp"] = frontEndClientID, "0", "access_as_user"
		c["preferred_username"], c["name"] = who.Email, who.Name
	}
	if !o.AppOnly {
		c["oid"], c["sub"] = who.ObjectID, pairwise(who.ObjectID, reg.ClientID)
	}
	if len(o.Roles) > 0 {
		c["roles"] = o.Roles
	}
	if o.Audience != "" {
		c["aud"] = o.Audience
	}
	if lifetime < 0 { // issued an hour before it ended
		c["iat"] = c["exp"].(int64) - 3600
		c["nbf"] = c["iat"]
	}
	for k, v := range o.Claims {
		if v == nil {
			delete(c, k)
		} else {
			c[k] = v
		}
	}
	token := e.sign(c)
	if o.BadSignature {
		// The first bytes, because the last character holds padding bits too.
		dot := strings.LastIndex(token, ".") + 1
		token = token[:dot] + strings.Map(another, token[dot:dot+8]) + token[dot+8:]
	}
	return token
}

// another maps each letter to some other one.
func another(r rune) rune {
	if r == 'A' {
		return 'B'
	}
	return 'A'
}

// checkAssertion is the On-Behalf-Of service's view of the caller's token: EN031
// to EN034.
func (e *Entra) checkAssertion(c *tokenCall) (principal, *stsError) {
	claims := jwt.MapClaims{}
	raw := c.form.Get("assertion")
	if _, _, err := jwt.NewParser().ParseUnverified(raw, claims); err != nil {
		return principal{}, sts(50027, "JWT token is invalid or malformed.")
	}
	if _, err := e.parseOwn(raw, claims); err != nil {
		return principal{}, sts(50013, "Assertion failed signature validation. [Reason - The key was not found or the signature is invalid.]")
	}
	tenant, _ := claims["tid"].(string)
	issuer, _ := claims.GetIssuer()
	if !strings.EqualFold(tenant, c.tenant) || issuer != issuerV1(tenant) && issuer != issuerV2(tenant) {
		return principal{}, sts(50013, "Assertion contains an invalid issuer. The assertion was issued by another tenant than '%s'.", c.tenant)
	}
	exp, err := claims.GetExpirationTime()
	nbf, nbfErr := claims.GetNotBefore()
	now := e.clock()
	switch {
	case errors.Join(err, nbfErr) != nil || exp == nil:
		return principal{}, sts(50027, "JWT token is invalid or malformed: it has no expiry.")
	case !now.Before(exp.Time):
		return principal{}, sts(500133, "Assertion is not within its valid time range. Ensure that the access token is not expired before using it for user assertion, or request a new token. Current time: %s, expiry time of assertion %s.",
			now.UTC().Format(time.RFC3339), exp.UTC().Format(time.RFC3339))
	case nbf != nil && now.Add(5*time.Minute).Before(nbf.Time):
		return principal{}, sts(500133, "Assertion is not within its valid time range: it is not valid yet.")
	}
	scope, _ := claims["scp"].(string)
	oid, _ := claims["oid"].(string)
	sub, _ := claims.GetSubject()
	if claims["idtyp"] == "app" || scope == "" && oid != "" && oid == sub {
		return principal{}, sts(7000114, "Application '%s' is not allowed to make application on-behalf-of calls.", c.client.ClientID)
	}
	if scope == "" {
		return principal{}, sts(240002, "Input id_token cannot be used as 'urn:ietf:params:oauth:grant-type:jwt-bearer' grant.")
	}
	audience, _ := claims.GetAudience()
	if !slices.ContainsFunc(audience, c.client.isAudience) {
		return principal{}, sts(500131, "Assertion audience does not match the Client app presenting the assertion. The audience in the assertion was '%s' and the expected audience is '%s' or one of the Application Uris of this application with App ID '%s'.",
			strings.Join(audience, " "), c.client.AudienceURI, c.client.ClientID)
	}
	if oid == "" {
		return principal{}, sts(50027, "JWT token is invalid or malformed: it has no object id.")
	}
	if iat, _ := claims.GetIssuedAt(); iat != nil && e.isRevoked(oid, iat.Time) {
		return principal{}, sts(50173, "The provided grant has expired due to it being revoked, a fresh auth token is needed.")
	}
	email := firstText(claims, "upn", "preferred_username", "email", "unique_name")
	name := firstText(claims, "name")
	return principal{ObjectID: strings.ToLower(oid), Email: email, Name: name, claims: claims}, nil
}

// isAudience: EN031.
func (r *Registration) isAudience(a string) bool {
	uri := strings.TrimSuffix(r.AudienceURI, "/")
	a = strings.TrimSuffix(a, "/")
	return a == r.ClientID || a == "api://"+r.ClientID || uri != "" && a == uri
}

func firstText(claims jwt.MapClaims, names ...string) string {
	for _, n := range names {
		if s, _ := claims[n].(string); s != "" {
			return s
		}
	}
	return ""
}

// Caller is who a bearer token speaks for, as Dataverse sees them.
type Caller struct {
	TenantID, ObjectID string
	// Email and Name are those of a person, empty for an application.
	Email, Name string
	// AppID is the client that got the token, AppOnly says that it speaks for
	// itself.
	AppID   string
	AppOnly bool

	issued, expires time.Time
}

// maxCallers bounds the memory of bearers that were checked already.
const maxCallers = 4096

// Validate turns a bearer token for Dataverse into its caller. The error says
// why it is refused, without the token.
func (e *Entra) Validate(bearer string) (Caller, error) {
	now := e.clock()
	e.mu.Lock()
	who, ok := e.callers[bearer]
	e.mu.Unlock()
	if !ok {
		var err error
		if who, err = e.parseBearer(bearer); err != nil {
			return Caller{}, err
		}
		e.mu.Lock()
		if len(e.callers) >= maxCallers {
			clear(e.callers)
		}
		e.callers[bearer] = who
		e.mu.Unlock()
	}
	if !now.Before(who.expires) {
		return Caller{}, fmt.Errorf("the token expired at %s", who.expires.UTC().Format(time.RFC3339))
	}
	if e.isRevoked(who.ObjectID, who.issued) {
		return Caller{}, errors.New("the token was revoked")
	}
	return who, nil
}

func (e *Entra) parseBearer(bearer string) (Caller, error) {
	claims := jwt.MapClaims{}
	if _, err := e.parseOwn(bearer, claims); err != nil {
		return Caller{}, errors.New("the token is not one of this simulator: malformed, or the signature is wrong")
	}
	audience, _ := claims.GetAudience()
	if !slices.ContainsFunc(audience, e.resourceKnown) {
		return Caller{}, errors.New("the token is for another audience")
	}
	exp, err1 := claims.GetExpirationTime()
	iat, err2 := claims.GetIssuedAt()
	if errors.Join(err1, err2) != nil || exp == nil || iat == nil {
		return Caller{}, errors.New("the token has no lifetime")
	}
	c := Caller{
		TenantID: firstText(claims, "tid"), ObjectID: firstText(claims, "oid"),
		Email: firstText(claims, "upn", "preferred_username"), Name: firstText(claims, "name"),
		AppID: firstText(claims, "appid", "azp"), AppOnly: claims["idtyp"] == "app",
		issued: iat.Time, expires: exp.Time,
	}
	if !strings.EqualFold(c.TenantID, e.home) {
		return Caller{}, errors.New("the token is of another tenant than the organisation")
	}
	return c, nil
}

// bearerLifetime is that of tokens handed out by Go methods and by the command
// line: a day of work.
const bearerLifetime = 24 * time.Hour

// bearer gives a token for Dataverse that speaks for a person, the same one
// until it is about to end.
func (e *Entra) bearer(user string) string {
	e.mu.Lock()
	have := e.bearers[user]
	who, ok := e.callers[have]
	e.mu.Unlock()
	if ok && e.clock().Add(time.Hour).Before(who.expires) && !e.isRevoked(who.ObjectID, who.issued) {
		return have
	}
	tenant := e.home
	u := e.person(tenant, user)
	who2 := principal{ObjectID: u.ObjectID, Email: u.Email, Name: u.Name}
	token := e.sign(e.userClaims(tenant, dataverseAppID, DefaultClientID, who2, bearerLifetime))
	e.mu.Lock()
	e.bearers[user] = token
	e.mu.Unlock()
	_, _ = e.Validate(token) // remembered from now on
	return token
}

// appBearer gives a token for Dataverse that speaks for an application.
func (e *Entra) appBearer(clientID string) string {
	return e.sign(e.appClaims(e.home, dataverseAppID, clientID, bearerLifetime))
}

// refreshSeal is what a refresh token holds: sealed rather than stored, so that
// a hundred thousand of them cost nothing.
type refreshSeal struct {
	ObjectID string         `json:"o"`
	Email    string         `json:"e,omitempty"`
	ClientID string         `json:"c"`
	Issued   int64          `json:"i"`
	Met      map[string]any `json:"m,omitempty"`
}

func sealRefreshToken(s refreshSeal) string {
	// Only what can satisfy a demand needs to live on.
	met := map[string]any{}
	for k, v := range s.Met {
		if k == "acrs" || k == "amr" || k == "capolids" || k == "iat" {
			met[k] = v
		}
	}
	s.Met = met
	body, _ := json.Marshal(s)
	return "0.A" + base64.RawURLEncoding.EncodeToString(append(sealOf(body), body...))
}

func openRefreshToken(token string) (refreshSeal, bool) {
	var s refreshSeal
	rest, ok := strings.CutPrefix(token, "0.A")
	raw, err := base64.RawURLEncoding.DecodeString(rest)
	if !ok || err != nil || len(raw) < sha256.Size {
		return s, false
	}
	body := raw[sha256.Size:]
	if !hmac.Equal(raw[:sha256.Size], sealOf(body)) {
		return s, false
	}
	return s, json.Unmarshal(body, &s) == nil
}

func sealOf(body []byte) []byte {
	m := hmac.New(sha256.New, sealKey())
	m.Write(body)
	return m.Sum(nil)
}
