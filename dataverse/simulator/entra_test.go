package simulator

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	otherTenant = "6f0a1c1e-0000-4000-8000-000000000002"
	testUser    = "mette.holm@bank.example"
	testScope   = "http://127.0.0.1:8080/.default"
)

// entraRig is an Entra with a clock that the test moves.
type entraRig struct {
	*Entra
	t   *testing.T
	now time.Time
}

func newEntraRig(t *testing.T) *entraRig {
	r := &entraRig{t: t, now: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)}
	n := 0
	r.Entra = NewEntra(EntraOptions{
		Clock:   func() time.Time { return r.now },
		NewID:   func() string { n++; return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) },
		Tenants: []string{DefaultTenantID, otherTenant},
	})
	return r
}

// do sends a form, or a GET without one, and decodes the JSON answer.
func (r *entraRig) do(path string, form url.Values, change ...func(*http.Request)) (int, map[string]any, http.Header) {
	r.t.Helper()
	req := httptest.NewRequest(http.MethodGet, "http://127.0.0.1:5000"+path, nil)
	if form != nil {
		req = httptest.NewRequest(http.MethodPost, "http://127.0.0.1:5000"+path, strings.NewReader(form.Encode()))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, f := range change {
		f(req)
	}
	w := httptest.NewRecorder()
	r.ServeHTTP(w, req)
	var body map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		r.t.Fatalf("%s: %d %q", path, w.Code, w.Body)
	}
	return w.Code, body, w.Header()
}

func (r *entraRig) ask(form url.Values) (int, map[string]any) {
	r.t.Helper()
	status, body, _ := r.do("/"+DefaultTenantID+"/oauth2/v2.0/token", form)
	return status, body
}

// mustCode expects a refusal with an AADSTS code.
func (r *entraRig) mustCode(what string, code int, form url.Values) map[string]any {
	r.t.Helper()
	status, body := r.ask(form)
	if c, _ := body["error_codes"].([]any); len(c) != 1 || c[0] != float64(code) || status != stsClasses[code].status && stsClasses[code].status != 0 {
		r.t.Errorf("%s: want AADSTS%d, have %d %v", what, code, status, body)
	}
	return body
}

func appForm() url.Values {
	return url.Values{"grant_type": {GrantClientCredentials}, "client_id": {DefaultClientID}, "client_secret": {DefaultClientSecret}, "scope": {testScope}}
}

func oboForm(assertion string) url.Values {
	f := appForm()
	f.Set("grant_type", GrantOnBehalfOf)
	f.Set("requested_token_use", "on_behalf_of")
	f.Set("assertion", assertion)
	f.Set("scope", testScope+" openid offline_access profile")
	f.Set("client_info", "1")
	return f
}

func with(f url.Values, key, value string) url.Values {
	if value == "" {
		f.Del(key)
	} else {
		f.Set(key, value)
	}
	return f
}

func TestEntraDiscovery(t *testing.T) {
	r := newEntraRig(t)
	for path, want := range map[string]string{
		"/.well-known/openid-configuration":      "https://sts.windows.net/" + DefaultTenantID + "/",
		"/v2.0/.well-known/openid-configuration": "https://login.microsoftonline.com/" + DefaultTenantID + "/v2.0",
	} {
		status, doc, _ := r.do("/"+DefaultTenantID+path, nil)
		if status != 200 || doc["issuer"] != want {
			t.Errorf("%s: %d, issuer %v", path, status, doc["issuer"])
		}
		keys := strings.TrimPrefix(doc["jwks_uri"].(string), "http://127.0.0.1:5000")
		if _, set, _ := r.do(keys, nil); len(set["keys"].([]any)) != 1 {
			t.Errorf("%s: %v", keys, set)
		}
	}
	status, body, _ := r.do("/6f0a1c1e-0000-4000-8000-0000000000ff/v2.0/.well-known/openid-configuration", nil)
	if status != 400 || body["error"] != "invalid_tenant" {
		t.Errorf("an unknown tenant: %d %v", status, body)
	}
	_, body, _ = r.do("/common/discovery/instance?api-version=1.1&authorization_endpoint=https://127.0.0.1:5000/x/oauth2/v2.0/authorize", nil)
	if body["tenant_discovery_endpoint"] != "http://127.0.0.1:5000/x/v2.0/.well-known/openid-configuration" {
		t.Errorf("instance discovery: %v", body)
	}
}

func TestEntraRefusesAsTheRealOneDoes(t *testing.T) {
	r := newEntraRig(t)
	reg, _ := r.Registration(DefaultClientID)
	reg.ExpiredSecrets = []string{"old"}
	r.Register(reg)
	r.Register(Registration{ClientID: otherTenant, Secrets: []string{"s"}, Tenants: []string{otherTenant}})
	r.Register(Registration{ClientID: DefaultTenantID, Secrets: []string{"s"}, Disabled: true})
	good := r.Assertion(testUser, AssertionOptions{})
	for _, tc := range []struct {
		what string
		code int
		form url.Values
	}{
		{"no grant", 900144, with(appForm(), "grant_type", "")},
		{"unknown grant", 70003, with(appForm(), "grant_type", "password")},
		{"no client", 900144, with(appForm(), "client_id", "")},
		{"unknown client", 700016, with(appForm(), "client_id", "6f0a1c1e-0000-4000-8000-0000000000ff")},
		{"client of another tenant", 700016, with(appForm(), "client_id", otherTenant)},
		{"disabled client", 7000112, with(appForm(), "client_id", DefaultTenantID)},
		{"no credential", 7000218, with(appForm(), "client_secret", "")},
		{"wrong secret", 7000215, with(appForm(), "client_secret", "x")},
		{"expired secret", 7000222, with(appForm(), "client_secret", "old")},
		{"no scope", 70011, with(appForm(), "scope", "")},
		{"scope without .default", 1002012, with(appForm(), "scope", "http://127.0.0.1:8080/user_impersonation")},
		{"two resources", 70011, with(appForm(), "scope", testScope+" https://graph.microsoft.com/.default")},
		{"unknown resource", 500011, with(appForm(), "scope", "https://other.crm4.dynamics.com/.default")},
		{"no assertion", 900144, with(oboForm(good), "assertion", "")},
		{"no requested_token_use", 900144, with(oboForm(good), "requested_token_use", "")},
		{"wrong requested_token_use", 90014, with(oboForm(good), "requested_token_use", "x")},
		{"no token", 50027, oboForm("hello")},
		{"bad signature", 50013, oboForm(r.Assertion(testUser, AssertionOptions{BadSignature: true}))},
		{"another tenant's", 50013, oboForm(r.Assertion(testUser, AssertionOptions{Tenant: otherTenant}))},
		{"expired", 500133, oboForm(r.Assertion(testUser, AssertionOptions{Lifetime: -time.Second}))},
		{"not yet valid", 500133, oboForm(r.Assertion(testUser, AssertionOptions{Claims: map[string]any{"nbf": r.now.Add(time.Hour).Unix()}}))},
		{"without an end", 50027, oboForm(r.Assertion(testUser, AssertionOptions{Claims: map[string]any{"exp": nil}}))},
		{"application token", 7000114, oboForm(r.Assertion(testUser, AssertionOptions{AppOnly: true}))},
		{"id token", 240002, oboForm(r.Assertion(testUser, AssertionOptions{IDToken: true}))},
		{"audience", 500131, oboForm(r.Assertion(testUser, AssertionOptions{Audience: "https://graph.microsoft.com"}))},
		{"audience in another case", 500131, oboForm(r.Assertion(testUser, AssertionOptions{V1: true, Audience: "API://engage"}))},
		{"unknown resource for a person", 500011, with(oboForm(good), "scope", "https://other.crm4.dynamics.com/.default")},
		{"no refresh token", 900144, with(appForm(), "grant_type", GrantRefreshToken)},
	} {
		r.mustCode(tc.what, tc.code, tc.form)
	}
	status, body, _ := r.do("/6f0a1c1e-0000-4000-8000-0000000000ff/oauth2/v2.0/token", appForm())
	if status != 400 || body["error"] != "invalid_request" {
		t.Errorf("an unknown tenant: %d %v", status, body)
	}
	if _, body, _ = r.do("/common/oauth2/v2.0/token", appForm()); body["error_codes"].([]any)[0] != float64(9001023) {
		t.Errorf("common: %v", body)
	}
	if status, _, _ = r.do("/"+DefaultTenantID+"/oauth2/v2.0/token", nil); status != 405 {
		t.Errorf("GET: %d", status)
	}
}

// Section 1.6 of the fact sheet, field by field.
func TestEntraErrorShape(t *testing.T) {
	r := newEntraRig(t)
	_, body, h := r.do("/"+DefaultTenantID+"/oauth2/v2.0/token", with(appForm(), "client_secret", "x"),
		func(q *http.Request) { q.Header.Set("client-request-id", "my-id") })
	text, _ := body["error_description"].(string)
	if !strings.HasPrefix(text, "AADSTS7000215: ") || !strings.Contains(text, " Trace ID: ") || !strings.Contains(text, " Correlation ID: my-id Timestamp: 2026-03-01 09:00:00Z") {
		t.Errorf("description %q", text)
	}
	if body["error"] != "invalid_client" || body["correlation_id"] != "my-id" || body["timestamp"] != "2026-03-01 09:00:00Z" ||
		body["trace_id"] != h.Get("X-Ms-Request-Id") || body["error_uri"] != "https://login.microsoftonline.com/error?code=7000215" {
		t.Errorf("%v", body)
	}
}

func TestEntraSuccessShape(t *testing.T) {
	r := newEntraRig(t)
	status, app := r.ask(appForm())
	if status != 200 || app["token_type"] != "Bearer" || app["expires_in"] != 4500.0 || len(app) != 4 {
		t.Errorf("client credentials: %d, %d members", status, len(app))
	}
	_, person := r.ask(oboForm(r.Assertion(testUser, AssertionOptions{})))
	if person["scope"] != "http://127.0.0.1:8080/.default http://127.0.0.1:8080/user_impersonation" || person["refresh_token"] == nil || person["id_token"] == nil || person["client_info"] == nil {
		t.Errorf("On-Behalf-Of: scope %v", person["scope"])
	}
	plain := oboForm(r.Assertion(testUser, AssertionOptions{V1: true}))
	plain.Set("scope", testScope)
	plain.Del("client_info")
	if _, person = r.ask(plain); person["refresh_token"] != nil || person["id_token"] != nil || person["client_info"] != nil {
		t.Error("what was not asked for came")
	}
	basic := with(with(appForm(), "client_secret", ""), "client_id", "")
	if status, _, _ := r.do("/"+DefaultTenantID+"/oauth2/v2.0/token", basic, func(q *http.Request) { q.SetBasicAuth(DefaultClientID, DefaultClientSecret) }); status != 200 {
		t.Errorf("HTTP Basic: %d", status)
	}
	v1 := with(appForm(), "scope", "")
	v1.Set("resource", "http://127.0.0.1:8080/")
	if status, _, _ := r.do("/"+DefaultTenantID+"/oauth2/token", v1); status != 200 {
		t.Errorf("the older endpoint: %d", status)
	}
}

func TestEntraRefreshToken(t *testing.T) {
	r := newEntraRig(t)
	_, first := r.ask(oboForm(r.Assertion(testUser, AssertionOptions{})))
	form := with(appForm(), "grant_type", GrantRefreshToken)
	form.Set("refresh_token", first["refresh_token"].(string))
	r.now = r.now.Add(24 * time.Hour)
	status, again := r.ask(form)
	if status != 200 {
		t.Fatal(again)
	}
	who, err := r.Validate(again["access_token"].(string))
	if err != nil || who.Email != testUser || who.ObjectID != r.ObjectID(testUser) {
		t.Errorf("%+v %v", who, err)
	}
	r.Register(Registration{ClientID: otherTenant, Secrets: []string{DefaultClientSecret}})
	other := with(with(appForm(), "grant_type", GrantRefreshToken), "client_id", otherTenant)
	other.Set("refresh_token", first["refresh_token"].(string))
	if status, _ := r.ask(other); status != 400 {
		t.Error("another client redeemed the refresh token")
	}
	r.Revoke(testUser)
	r.mustCode("revoked", 50173, form)
	r.now = r.now.Add(100 * 24 * time.Hour)
	r.mustCode("ended", 700082, form)
	form.Set("refresh_token", "0.Agarbage")
	if status, _ := r.ask(form); status != 400 {
		t.Error("garbage was redeemed")
	}
}

// clientAssertion signs as a client with a certificate does.
func clientAssertion(t *testing.T, key *rsa.PrivateKey, header map[string]any, change map[string]any) string {
	c := jwt.MapClaims{"iss": DefaultClientID, "sub": DefaultClientID, "aud": "https://127.0.0.1:5000/" + DefaultTenantID + "/oauth2/v2.0/token",
		"nbf": time.Now().Unix(), "exp": time.Now().Add(10 * time.Minute).Unix(), "jti": "1"}
	for k, v := range change {
		c[k] = v
	}
	tok := jwt.NewWithClaims(jwt.SigningMethodPS256, c)
	for k, v := range header {
		tok.Header[k] = v
	}
	s, err := tok.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestEntraCertificate(t *testing.T) {
	r := newEntraRig(t)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "engage"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(der)
	form := func(assertion string) url.Values {
		f := with(appForm(), "client_secret", "")
		f.Set("client_assertion_type", clientAssertionType)
		f.Set("client_assertion", assertion)
		return f
	}
	std := map[string]any{"x5t#S256": base64.StdEncoding.EncodeToString(sum[:])}
	r.mustCode("not registered", 700027, form(clientAssertion(t, key, std, nil)))
	reg, _ := r.Registration(DefaultClientID)
	reg.Certificates = []*x509.Certificate{cert}
	r.Register(reg)
	for name, thumb := range map[string]string{
		"base64": base64.StdEncoding.EncodeToString(sum[:]), "base64url": base64.RawURLEncoding.EncodeToString(sum[:]),
	} {
		if status, body := r.ask(form(clientAssertion(t, key, map[string]any{"x5t#S256": thumb}, nil))); status != 200 {
			t.Errorf("%s: %v", name, body)
		}
	}
	foreign, _ := rsa.GenerateKey(rand.Reader, 2048)
	r.mustCode("another key", 700027, form(clientAssertion(t, foreign, std, nil)))
	r.mustCode("stale", 700024, form(clientAssertion(t, key, std, map[string]any{"exp": time.Now().Add(-time.Hour).Unix()})))
	r.mustCode("audience", 700023, form(clientAssertion(t, key, std, map[string]any{"aud": "https://elsewhere.example/x"})))
	r.mustCode("subject", 700021, form(clientAssertion(t, key, std, map[string]any{"sub": "x"})))
	r.mustCode("not a token", 50027, form("x"))
	r.mustCode("no type", 900144, with(form("x"), "client_assertion_type", ""))
}

func TestEntraFederatedAssertion(t *testing.T) {
	r := newEntraRig(t)
	form := func(claims jwt.MapClaims) url.Values {
		all := jwt.MapClaims{"iss": FederatedIssuer, "sub": FederatedSubject, "aud": "api://AzureADTokenExchange", "exp": time.Now().Add(time.Hour).Unix()}
		for k, v := range claims {
			all[k] = v
		}
		f := with(appForm(), "client_secret", "")
		f.Set("client_assertion_type", clientAssertionType)
		f.Set("client_assertion", r.sign(all))
		return f
	}
	if status, body := r.ask(form(nil)); status != 200 {
		t.Error(body)
	}
	r.mustCode("issuer", 700211, form(jwt.MapClaims{"iss": "https://x.example"}))
	r.mustCode("subject", 700213, form(jwt.MapClaims{"sub": "x"}))
	r.mustCode("audience", 700212, form(jwt.MapClaims{"aud": "x"}))
	r.mustCode("stale", 700024, form(jwt.MapClaims{"exp": r.now.Add(-time.Hour).Unix()}))
}

func TestEntraDemandsClaimsUntilTheyCome(t *testing.T) {
	const challenge = `{"access_token":{"acrs":{"essential":true,"value":"c1"}}}`
	r := newEntraRig(t)
	if err := r.Demand(testUser, 50076, challenge); err != nil {
		t.Fatal(err)
	}
	body := r.mustCode("MFA", 50076, oboForm(r.Assertion(testUser, AssertionOptions{})))
	if body["claims"] != challenge || body["suberror"] != "basic_action" {
		t.Errorf("%v", body)
	}
	status, answer := r.ask(oboForm(r.Assertion(testUser, AssertionOptions{Claims: map[string]any{"acrs": []string{"c1"}}})))
	if status != 200 {
		t.Fatal(answer)
	}
	// The refresh token remembers how the person signed in.
	form := with(appForm(), "grant_type", GrantRefreshToken)
	form.Set("refresh_token", answer["refresh_token"].(string))
	if status, body := r.ask(form); status != 200 {
		t.Error(body)
	}
	if status, body := r.ask(oboForm(r.Assertion("other@bank.example", AssertionOptions{}))); status != 200 {
		t.Error(body)
	}
	if err := r.Demand("", 50076, "not JSON"); err == nil {
		t.Error("a challenge that is no JSON was taken")
	}
	// A token issued since: continuous access evaluation.
	r.ClearTokenFaults()
	since := r.now.Add(time.Minute).Unix()
	if err := r.Demand(testUser, 50076, fmt.Sprintf(`{"access_token":{"nbf":{"essential":true,"value":"%d"}}}`, since)); err != nil {
		t.Fatal(err)
	}
	r.mustCode("too old", 50076, oboForm(r.Assertion(testUser, AssertionOptions{})))
	r.now = r.now.Add(2 * time.Minute)
	if status, body := r.ask(oboForm(r.Assertion(testUser, AssertionOptions{}))); status != 200 {
		t.Error(body)
	}
}

func TestBearersForDataverse(t *testing.T) {
	r := newEntraRig(t)
	if first, second := r.Bearer(testUser), r.Bearer(testUser); first != second {
		t.Error("one person has several tokens")
	}
	who, err := r.Validate(r.Bearer(testUser))
	if err != nil || who.Email != testUser || who.AppOnly || who.TenantID != DefaultTenantID {
		t.Errorf("%+v %v", who, err)
	}
	if app, err := r.Validate(r.AppBearer(DefaultClientID)); err != nil || !app.AppOnly || app.AppID != DefaultClientID {
		t.Errorf("%+v %v", app, err)
	}
	// A proxy may stand between: any loopback origin will do.
	for _, origin := range []string{"http://127.0.0.1:1", "http://localhost:9999", "https://[::1]:5"} {
		_, body := r.ask(with(appForm(), "scope", origin+"/.default"))
		if _, err := r.Validate(fmt.Sprint(body["access_token"])); err != nil {
			t.Errorf("%s: %v", origin, err)
		}
	}
	for what, bad := range map[string]string{
		"an employee's assertion": r.Assertion(testUser, AssertionOptions{}),
		"garbage":                 "x.y.z",
		"nothing":                 "",
		"another audience":        r.sign(r.userClaims(DefaultTenantID, "https://graph.microsoft.com", DefaultClientID, principal{ObjectID: "1"}, time.Hour)),
		"another tenant":          r.sign(r.userClaims("6f0a1c1e-0000-4000-8000-0000000000ff", dataverseAppID, DefaultClientID, principal{ObjectID: "1"}, time.Hour)),
		"another known tenant":    r.sign(r.userClaims(otherTenant, dataverseAppID, DefaultClientID, principal{ObjectID: "1"}, time.Hour)),
		"expired":                 r.sign(r.userClaims(DefaultTenantID, dataverseAppID, DefaultClientID, principal{ObjectID: "1"}, -time.Hour)),
	} {
		if _, err := r.Validate(bad); err == nil {
			t.Errorf("%s was accepted", what)
		}
	}
	token := r.Bearer(testUser)
	r.Revoke(testUser)
	if _, err := r.Validate(token); err == nil {
		t.Error("a revoked token was accepted")
	}
	r.now = r.now.Add(2 * time.Second)
	if _, err := r.Validate(r.Bearer(testUser)); err != nil {
		t.Error("a token of after the revocation:", err)
	}
	r.now = r.now.Add(23*time.Hour + 30*time.Minute)
	if r.Bearer(testUser) == token {
		t.Error("a token that is about to end was given out")
	}
}

func TestEntraKeysRollOver(t *testing.T) {
	r := newEntraRig(t)
	old := r.Bearer(testUser)
	id := r.RotateKey()
	_, set, _ := r.do("/"+DefaultTenantID+"/discovery/v2.0/keys", nil)
	if len(set["keys"].([]any)) != 2 {
		t.Errorf("%v", set)
	}
	if _, err := r.Validate(old); err != nil {
		t.Error(err)
	}
	tok, _, err := jwt.NewParser().ParseUnverified(r.Assertion(testUser, AssertionOptions{}), jwt.MapClaims{})
	if err != nil || tok.Header["kid"] != id {
		t.Errorf("signed with %v: %v", tok.Header["kid"], err)
	}
	r.DropOldKeys()
	if _, err := r.Validate(old); err == nil {
		t.Error("a token of a withdrawn key was accepted")
	}
	if _, err := r.Validate(r.Bearer("x@bank.example")); err != nil {
		t.Error(err)
	}
}

func TestEntraDeviceCodeOverHTTP(t *testing.T) {
	r := newEntraRig(t)
	_, code, _ := r.do("/"+DefaultTenantID+"/oauth2/v2.0/devicecode", url.Values{"client_id": {DefaultClientID}, "scope": {"http://127.0.0.1:1/user_impersonation openid"}})
	poll := url.Values{"grant_type": {GrantDeviceCode}, "client_id": {DefaultClientID}, "device_code": {fmt.Sprint(code["device_code"])}}
	if _, body := r.ask(poll); body["error"] != "authorization_pending" {
		t.Errorf("%v", body)
	}
	req := httptest.NewRequest(http.MethodPost, "http://127.0.0.1:5000/common/oauth2/deviceauth",
		strings.NewReader(url.Values{"user_code": {fmt.Sprint(code["user_code"])}, "login_hint": {testUser}}.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	r.ServeHTTP(w, req)
	if w.Code != 200 {
		t.Fatal(w.Body)
	}
	_, body := r.ask(poll)
	if who, err := r.Validate(fmt.Sprint(body["access_token"])); err != nil || who.Email != testUser {
		t.Errorf("%+v %v", who, err)
	}
	if _, body = r.ask(poll); body["error"] != "bad_verification_code" {
		t.Errorf("redeemed twice: %v", body)
	}
	_, code, _ = r.do("/"+DefaultTenantID+"/oauth2/v2.0/devicecode", url.Values{"client_id": {DefaultClientID}, "scope": {"http://127.0.0.1:1/user_impersonation"}})
	poll.Set("device_code", fmt.Sprint(code["device_code"]))
	r.now = r.now.Add(16 * time.Minute)
	if _, body = r.ask(poll); body["error"] != "expired_token" {
		t.Errorf("%v", body)
	}
}

func TestTokenLogCountsAndHoldsNoSecret(t *testing.T) {
	r := newEntraRig(t)
	assertion := r.Assertion(testUser, AssertionOptions{})
	r.ask(appForm())
	r.ask(oboForm(assertion))
	r.ask(with(appForm(), "client_secret", "wrong-secret"))
	if r.TokenCount(GrantOnBehalfOf) != 1 || r.TokenCount(GrantClientCredentials) != 2 || r.TokenCount("") != 3 {
		t.Errorf("%+v", r.TokenRequests())
	}
	log := r.TokenRequests()
	if log[1].User != r.ObjectID(testUser) || log[1].Credential != "secret" || log[1].Status != 200 || log[2].Code != 7000215 || log[0].Resource != "http://127.0.0.1:8080" {
		t.Errorf("%+v", log)
	}
	text := fmt.Sprintf("%+v", log)
	for _, s := range []string{DefaultClientSecret, assertion, "wrong-secret"} {
		if strings.Contains(text, s) {
			t.Error("the log holds a secret")
		}
	}
}

func TestDisabledUserGetsNoToken(t *testing.T) {
	e := NewEntra(EntraOptions{User: func(_, key string) (EntraUser, bool) {
		return EntraUser{ObjectID: "6f0a1c1e-0000-4000-8000-0000000000aa", Email: testUser, Disabled: true}, true
	}})
	r := &entraRig{Entra: e, t: t}
	r.mustCode("disabled", 50057, oboForm(r.Assertion(testUser, AssertionOptions{})))
}
