package auth

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	// maxAssertion bounds the token of an employee, in bytes.
	maxAssertion = 16 << 10
	// clockSkew is how far the clock of Entra may be ahead of ours. There is
	// none for the end of a token: Entra refuses to exchange it from then on.
	clockSkew = 5 * time.Minute
	// personalTenant issues the tokens of personal Microsoft accounts.
	personalTenant = "9188040d-6c67-4c5b-b112-36a304b66dad"
)

// Employee is what a verified token says of the person who acts. TenantID with
// ObjectID is the person; nothing else may identify or authorise them.
type Employee struct {
	TenantID, ObjectID string
	// ClientID is the front end that they signed in to.
	ClientID string
	// TokenID is Entra's id of the token (uti), good for logs.
	TokenID string
	// Scopes and Roles are those of the person in this API.
	Scopes, Roles []string
	// Guest says that their home is another tenant.
	Guest bool
	// Expires is when the token ends; no run goes on as them afterwards.
	Expires time.Time
}

// claims are those that the verifier reads. Entra writes aud as one text; a
// list with one entry is taken too.
type claims struct {
	Version  string           `json:"ver"`
	TenantID string           `json:"tid"`
	ObjectID string           `json:"oid"`
	Type     string           `json:"idtyp"`
	Scope    string           `json:"scp"`
	Roles    jwt.ClaimStrings `json:"roles"`
	AppID    string           `json:"appid"`
	Party    string           `json:"azp"`
	TokenID  string           `json:"uti"`
	Account  *int             `json:"acct"`
	jwt.RegisteredClaims
}

// frontEnd is the client that the token was issued to: azp in version 2.0,
// appid in 1.0.
func (c *claims) frontEnd() string { return cmp.Or(c.Party, c.AppID) }

// verifier checks employees' tokens: the algorithm of entra-tokens.md, 4.2.
type verifier struct {
	env       *Environment
	audiences []string
	scopes    []string
	roles     []string
	frontEnds []string
	now       func() time.Time
	v1, v2    *keySet
	parser    *jwt.Parser
}

func newVerifier(b *Broker) *verifier {
	base := b.env.Authority + "/" + b.env.TenantID
	v := &verifier{
		env: b.env, now: b.opts.Now, scopes: b.opts.Scopes, roles: b.opts.Roles, frontEnds: b.opts.FrontEnds,
		v1: &keySet{http: b.http, now: b.opts.Now, sleep: b.opts.Sleep, url: base + "/.well-known/openid-configuration"},
		v2: &keySet{http: b.http, now: b.opts.Now, sleep: b.opts.Sleep, url: base + "/v2.0/.well-known/openid-configuration"},
		// Claims are checked by hand below: each refusal has its own words, and
		// the leeway of the library would stretch the end of a token as well.
		parser: jwt.NewParser(jwt.WithValidMethods([]string{"RS256"}), jwt.WithStrictDecoding(), jwt.WithoutClaimsValidation()),
	}
	for _, a := range b.env.Audience {
		v.audiences = append(v.audiences, strings.TrimSuffix(a, "/"))
	}
	if reg := b.env.OnBehalfOf; reg != nil {
		id := strings.ToLower(reg.ClientID)
		v.audiences = append(v.audiences, id, "api://"+id)
	}
	return v
}

// verify checks everything about a token that can be known without exchanging
// it. Nothing of the token's text is in the error.
func (v *verifier) verify(ctx context.Context, assertion string) (*Employee, error) {
	if e := v.shape(assertion); e != nil {
		return nil, e
	}
	var c claims
	var failed error
	_, err := v.parser.ParseWithClaims(assertion, &c, func(t *jwt.Token) (any, error) {
		// Nothing is proven yet: what is read here only chooses the keys, and
		// spares the network for tokens that cannot pass anyway.
		key, err := v.key(ctx, t, &c)
		failed = err
		return key, err
	})
	switch {
	case failed != nil:
		return nil, failed
	case err != nil:
		return nil, v.refuseParse(err)
	}
	if e := v.lifetime(&c); e != nil {
		return nil, e
	}
	if e := v.content(&c); e != nil {
		return nil, e
	}
	return &Employee{
		TenantID: strings.ToLower(c.TenantID), ObjectID: strings.ToLower(c.ObjectID), ClientID: c.frontEnd(),
		TokenID: headerID(c.TokenID), Scopes: strings.Fields(c.Scope), Roles: c.Roles,
		Guest: c.Account != nil && *c.Account == 1, Expires: c.ExpiresAt.Time,
	}, nil
}

func (v *verifier) refuse(kind Failure, check, detail, hint string) *Error {
	e := &Error{Kind: kind, Op: opVerify, Check: check, Detail: detail, Hint: hint}
	e.place(v.env)
	return e
}

// shape refuses what cannot be a token, before anything is decoded.
func (v *verifier) shape(assertion string) *Error {
	const hint = "pass the access token alone, without \"Bearer\""
	switch {
	case assertion == "":
		return v.refuse(AssertionRefused, "form", "there is no token", "pass the access token that the employee's front end sent")
	case len(assertion) > maxAssertion:
		return v.refuse(AssertionRefused, "form", fmt.Sprintf("it has more than %d bytes", maxAssertion), hint)
	case strings.ContainsAny(assertion, " \t\r\n"):
		return v.refuse(AssertionRefused, "form", "it has blanks in it", hint)
	case strings.Count(assertion, ".") != 2:
		return v.refuse(AssertionRefused, "form", "it has not three parts with dots between", hint)
	}
	return nil
}

// key checks what decides whether keys are fetched at all, then finds the key.
func (v *verifier) key(ctx context.Context, t *jwt.Token, c *claims) (any, error) {
	if !strings.EqualFold(c.TenantID, v.env.TenantID) {
		return nil, v.foreign(c.TenantID)
	}
	if e := v.delegated(c); e != nil {
		return nil, e
	}
	set := v.v2
	switch c.Version {
	case "1.0":
		set = v.v1
	case "2.0":
	default:
		return nil, v.refuse(AssertionRefused, "version", "it is neither of version 1.0 nor 2.0", "pass a token of Microsoft Entra ID")
	}
	id, _ := t.Header["kid"].(string)
	if id == "" {
		return nil, v.refuse(AssertionRefused, "signature", "it does not say which key signed it", "pass a token of Microsoft Entra ID")
	}
	key, issuer, ok, err := set.find(ctx, id)
	if err != nil {
		if e, isOurs := err.(*Error); isOurs {
			e = clone(e)
			e.place(v.env)
			return nil, e
		}
		return nil, err
	}
	if !ok {
		return nil, v.refuse(AssertionRefused, "signature", "the tenant publishes no key with the id that it names",
			"the token is of another issuer; tokens signed with a new key are accepted within five minutes")
	}
	issuer = strings.ReplaceAll(issuer, "{tenantid}", strings.ToLower(v.env.TenantID))
	if c.Issuer != issuer {
		return nil, v.refuse(AssertionRefused, "issuer", "its issuer is not the tenant's", "pass a token of the tenant "+v.env.TenantID)
	}
	if fixed := strings.ReplaceAll(key.issuer, "{tenantid}", strings.ToLower(v.env.TenantID)); fixed != "" && fixed != issuer {
		return nil, v.refuse(AssertionRefused, "issuer", "the key that signed it serves another issuer", "")
	}
	return key.rsa, nil
}

func clone(e *Error) *Error { c := *e; return &c }

// foreign words the refusal of another tenant's token: guests of the tenant
// have its id, customers of a portal have their own.
func (v *verifier) foreign(tid string) *Error {
	switch {
	case strings.EqualFold(tid, personalTenant):
		return v.refuse(WrongTenant, "tenant", "it is of a personal Microsoft account", "only people of the environment's tenant can act in its Dataverse")
	case !guidForm.MatchString(tid):
		return v.refuse(AssertionRefused, "tenant", "it names no tenant", "pass a token of Microsoft Entra ID")
	}
	return v.refuse(WrongTenant, "tenant", "it is of tenant "+strings.ToLower(tid)+", the environment is of "+v.env.TenantID,
		"only people of the environment's tenant can act in its Dataverse; a portal user of another tenant cannot")
}

// delegated tells a person's token from an application's: 4.4. A token without
// a scope that is no application's is most likely an id token.
func (v *verifier) delegated(c *claims) *Error {
	if c.Type == "app" || c.ObjectID != "" && c.ObjectID == c.Subject {
		return v.refuse(AppOnly, "delegated", "it speaks for an application, not for a person", "application tokens cannot be exchanged; send the employee's own, or declare the block as escalation")
	}
	if strings.TrimSpace(c.Scope) == "" {
		if len(c.Roles) > 0 && c.Type != "user" {
			return v.refuse(AppOnly, "delegated", "it has application roles and no scope", "application tokens cannot be exchanged; send the employee's own, or declare the block as escalation")
		}
		return v.refuse(AssertionRefused, "delegated", "it has no scope", "an id token cannot be exchanged; the front end must ask for an access token for this API")
	}
	return nil
}

func (v *verifier) lifetime(c *claims) *Error {
	now := v.now()
	switch {
	case c.ExpiresAt == nil:
		return v.refuse(AssertionRefused, "lifetime", "it has no end", "pass a token of Microsoft Entra ID")
	case !now.Before(c.ExpiresAt.Time):
		return v.expired(c.ExpiresAt.Time)
	case c.NotBefore != nil && c.NotBefore.After(now.Add(clockSkew)):
		return v.refuse(AssertionRefused, "lifetime", "it is not valid before "+c.NotBefore.UTC().Format(time.RFC3339), "check this machine's clock")
	case c.IssuedAt != nil && c.IssuedAt.After(now.Add(clockSkew)):
		return v.refuse(AssertionRefused, "lifetime", "it was issued in the future, at "+c.IssuedAt.UTC().Format(time.RFC3339), "check this machine's clock")
	}
	return nil
}

func (v *verifier) expired(at time.Time) *Error {
	return v.refuse(SignInRequired, "lifetime", "the token expired at "+at.UTC().Format(time.RFC3339), "the front end must fetch another")
}

// content checks what the token is for and who holds it.
func (v *verifier) content(c *claims) *Error {
	if len(c.Audience) != 1 || !v.isAudience(c.Audience[0]) {
		return v.refuse(AssertionRefused, "audience", "it is for another application than this API",
			"the front end must ask for a scope of this API; accepted audiences: "+strings.Join(v.audiences, ", "))
	}
	scopes := strings.Fields(c.Scope)
	if len(v.scopes) > 0 && !slices.ContainsFunc(scopes, func(s string) bool { return slices.Contains(v.scopes, s) }) {
		return v.refuse(AssertionRefused, "scope", "it has none of the scopes "+strings.Join(v.scopes, ", "), "the front end must ask for one of them")
	}
	if !guidForm.MatchString(c.ObjectID) {
		return v.refuse(AssertionRefused, "object-id", "it has no object id", "the front end must ask for the scope profile too")
	}
	if len(v.roles) > 0 && !slices.ContainsFunc(c.Roles, func(r string) bool { return slices.Contains(v.roles, r) }) {
		return v.refuse(UserRefused, "role", "the employee has none of the roles "+strings.Join(v.roles, ", "), "the tenant's administrator must assign one of them")
	}
	if len(v.frontEnds) > 0 && !slices.ContainsFunc(v.frontEnds, func(f string) bool { return strings.EqualFold(f, c.frontEnd()) }) {
		return v.refuse(AssertionRefused, "front-end", "it was issued to a front end that is not allowed", "allow the front end's client id")
	}
	return nil
}

func (v *verifier) isAudience(a string) bool {
	a = strings.TrimSuffix(a, "/")
	return slices.Contains(v.audiences, a)
}
