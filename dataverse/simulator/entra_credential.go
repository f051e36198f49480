package simulator

import (
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const clientAssertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// authenticate checks the credential of a confidential client: a secret (EN011)
// or a client assertion.
func (e *Entra) authenticate(c *tokenCall) *stsError {
	if c.form.Get("client_assertion") != "" {
		return e.checkClientAssertion(c)
	}
	secret := c.form.Get("client_secret")
	if _, pw, ok := c.r.BasicAuth(); ok && secret == "" {
		secret, _ = url.QueryUnescape(pw)
	}
	c.note.Credential = "secret"
	switch {
	case secret == "":
		c.note.Credential = ""
		return sts(7000218, "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.")
	case slices.Contains(c.client.Secrets, secret):
		return nil
	case slices.Contains(c.client.ExpiredSecrets, secret):
		return sts(7000222, "The provided client secret keys for app '%s' are expired.", c.client.ClientID)
	}
	return sts(7000215, "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '%s'.", c.client.ClientID)
}

// checkClientAssertion tells a signature by a registered certificate from a
// token of a trusted other issuer by the issuer.
func (e *Entra) checkClientAssertion(c *tokenCall) *stsError {
	if c.form.Get("client_assertion_type") != clientAssertionType {
		return sts(900144, "The request body must contain the following parameter: 'client_assertion_type'.")
	}
	raw := c.form.Get("client_assertion")
	claims := jwt.MapClaims{}
	token, _, err := jwt.NewParser().ParseUnverified(raw, claims)
	if err != nil {
		return sts(50027, "JWT token is invalid or malformed.")
	}
	issuer, _ := claims.GetIssuer()
	if strings.EqualFold(issuer, c.client.ClientID) {
		c.note.Credential = "certificate"
		return e.checkCertificate(c, raw, token)
	}
	c.note.Credential = "federated"
	return e.checkFederated(c, raw, issuer)
}

func (e *Entra) checkCertificate(c *tokenCall, raw string, unverified *jwt.Token) *stsError {
	i := slices.IndexFunc(c.client.Certificates, func(cert *x509.Certificate) bool { return headerNames(unverified.Header, cert) })
	if i < 0 {
		return sts(700027, "The certificate with identifier used to sign the client assertion is not registered on application. [Reason - The key was not found.]")
	}
	pub, ok := c.client.Certificates[i].PublicKey.(*rsa.PublicKey)
	if !ok {
		return sts(700027, "The certificate with identifier used to sign the client assertion has no RSA key.")
	}
	claims := jwt.MapClaims{}
	_, err := jwt.NewParser(jwt.WithValidMethods([]string{"PS256", "RS256"}), jwt.WithoutClaimsValidation()).
		ParseWithClaims(raw, claims, func(*jwt.Token) (any, error) { return pub, nil })
	if err != nil {
		return sts(700027, "Client assertion failed signature validation. [Reason - The key used is not the registered one.]")
	}
	if sub, _ := claims.GetSubject(); !strings.EqualFold(sub, c.client.ClientID) {
		return sts(700021, "Client assertion application identifier doesn't match 'client_id' parameter.")
	}
	if f := e.checkClientAssertionTime(claims); f != nil {
		return f
	}
	if aud, _ := claims.GetAudience(); !slices.ContainsFunc(aud, func(a string) bool { return e.isTokenEndpoint(c, a) }) {
		return sts(700023, "Client assertion audience claim does not match Realm issuer.")
	}
	return nil
}

// headerNames compares the thumbprints that a client may send: EN012.
func headerNames(header map[string]any, cert *x509.Certificate) bool {
	if s, ok := header["x5t#S256"].(string); ok {
		sum := sha256.Sum256(cert.Raw)
		return sameThumbprint(s, sum[:])
	}
	s, _ := header["x5t"].(string)
	sum := sha1.Sum(cert.Raw)
	return sameThumbprint(s, sum[:])
}

func sameThumbprint(s string, sum []byte) bool {
	s = strings.NewReplacer("+", "-", "/", "_").Replace(strings.TrimRight(s, "="))
	return s == base64.RawURLEncoding.EncodeToString(sum)
}

// checkClientAssertionTime holds the assertion against the simulator's clock,
// or the machine's: EN014.
func (e *Entra) checkClientAssertionTime(claims jwt.MapClaims) *stsError {
	const skew = 5 * time.Minute
	exp, err1 := claims.GetExpirationTime()
	nbf, err2 := claims.GetNotBefore()
	if err := errors.Join(err1, err2); err != nil || exp == nil {
		return sts(700024, "Client assertion is not within its valid time range: it has no expiry.")
	}
	for _, now := range []time.Time{e.clock(), time.Now()} {
		if now.Before(exp.Add(skew)) && (nbf == nil || now.After(nbf.Add(-skew))) {
			return nil
		}
	}
	return sts(700024, "Client assertion is not within its valid time range. Current time: %s, expiry time of assertion %s.",
		e.clock().UTC().Format(time.RFC3339), exp.UTC().Format(time.RFC3339))
}

// isTokenEndpoint accepts the audiences that Entra documents: the token
// endpoint or the issuer of the tenant, on this host or the public one.
func (e *Entra) isTokenEndpoint(c *tokenCall, audience string) bool {
	u, err := url.Parse(audience)
	if err != nil || u.Host != c.r.Host && u.Host != "login.microsoftonline.com" && !isLoopbackOrigin(audience) {
		return false
	}
	base := "/" + strings.ToLower(c.tenant)
	return slices.Contains([]string{base + "/oauth2/v2.0/token", base + "/oauth2/token", base + "/v2.0", base + "/v2.0/", base, base + "/"}, strings.ToLower(u.Path))
}

// checkFederated: EN013.
func (e *Entra) checkFederated(c *tokenCall, raw, issuer string) *stsError {
	known := slices.DeleteFunc(slices.Clone(c.client.Federated), func(f FederatedCredential) bool { return f.Issuer != issuer })
	if len(known) == 0 {
		return sts(700211, "No matching federated identity record found for presented assertion issuer '%s'.", issuer)
	}
	claims := jwt.MapClaims{}
	if _, err := e.parseOwn(raw, claims); err != nil {
		return sts(700027, "Client assertion failed signature validation.")
	}
	sub, _ := claims.GetSubject()
	if !slices.ContainsFunc(known, func(f FederatedCredential) bool { return f.Subject == sub }) {
		return sts(700213, "No matching federated identity record found for presented assertion subject '%s'.", sub)
	}
	if aud, _ := claims.GetAudience(); !slices.Contains(aud, "api://AzureADTokenExchange") {
		return sts(700212, "No matching federated identity record found for presented assertion audience.")
	}
	return e.checkClientAssertionTime(claims)
}

// federatedToken is what the trusted other issuer would put into a workload's
// token file. It lives by the machine's clock.
func (e *Entra) federatedToken(lifetime time.Duration) string {
	now := time.Now()
	return e.sign(jwt.MapClaims{
		"iss": FederatedIssuer, "sub": FederatedSubject, "aud": "api://AzureADTokenExchange",
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(lifetime).Unix(),
	})
}

// parseOwn checks a signature by one of the published keys, and nothing else.
func (e *Entra) parseOwn(raw string, claims jwt.MapClaims) (*jwt.Token, error) {
	return jwt.NewParser(jwt.WithValidMethods([]string{"RS256"}), jwt.WithoutClaimsValidation(), jwt.WithStrictDecoding()).
		ParseWithClaims(raw, claims, func(t *jwt.Token) (any, error) {
			kid, _ := t.Header["kid"].(string)
			k, ok := e.keys.find(kid)
			if !ok {
				return nil, jwt.ErrTokenUnverifiable
			}
			return &k.private().PublicKey, nil
		})
}
