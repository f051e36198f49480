package auth_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/andmoneyaps/engage-playbooks/auth"
	"github.com/andmoneyaps/engage-playbooks/dataverse/simulator"
)

type claims = map[string]any

func TestGoodAssertionsAreAccepted(t *testing.T) {
	for name, o := range map[string]simulator.AssertionOptions{
		"version 2.0":                      {},
		"version 2.0, api:// and client":   {Audience: "api://" + simulator.DefaultClientID},
		"version 1.0":                      {V1: true},
		"version 1.0, URI and slash":       {V1: true, Audience: simulator.DefaultAudience + "/"},
		"version 1.0, client id":           {V1: true, Audience: simulator.DefaultClientID},
		"audience in a list of one":        {Claims: claims{"aud": []string{simulator.DefaultClientID}}},
		"idtyp user":                       {Claims: claims{"idtyp": "user"}},
		"a guest of the tenant":            {Claims: claims{"acct": 1, "idp": "https://sts.windows.net/" + elseTid + "/"}},
		"roles of the person":              {Roles: []string{"Advisor"}},
		"a minute left":                    {Lifetime: time.Minute},
		"the clock of Entra a little fast": {Claims: claims{"nbf": time.Now().Add(2 * time.Minute).Unix()}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			who, err := r.broker.Verify(t.Context(), r.Assertion(mette, o))
			if err != nil {
				t.Fatal(err)
			}
			if who.ObjectID != r.ObjectID(mette) || who.TenantID != simulator.DefaultTenantID || who.ClientID == "" || who.Expires.IsZero() {
				t.Errorf("the token says %+v", who)
			}
			if want := name == "a guest of the tenant"; who.Guest != want {
				t.Errorf("guest is %v", who.Guest)
			}
		})
	}
}

func TestEachRefusalOfAnAssertionSaysWhichCheckFailed(t *testing.T) {
	foreign, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	// resign replaces method and signature of a good token.
	resign := func(method jwt.SigningMethod, key any) func(string) string {
		return func(good string) string {
			c := jwt.MapClaims{}
			tok, _, err := jwt.NewParser().ParseUnverified(good, c)
			if err != nil {
				t.Fatal(err)
			}
			forged := jwt.NewWithClaims(method, c)
			forged.Header["kid"] = tok.Header["kid"]
			s, err := forged.SignedString(key)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
	}
	type opts = simulator.AssertionOptions
	for _, tc := range []struct {
		name   string
		opts   opts
		change func(string) string
		kind   auth.Failure
		check  string
	}{
		{name: "empty", change: func(string) string { return "" }, kind: auth.AssertionRefused, check: "form"},
		{name: "with Bearer before it", change: func(s string) string { return "Bearer " + s }, kind: auth.AssertionRefused, check: "form"},
		{name: "no token at all", change: func(string) string { return "hello" }, kind: auth.AssertionRefused, check: "form"},
		{name: "three parts of nothing", change: func(string) string { return "a.b.c" }, kind: auth.AssertionRefused, check: "form"},
		{name: "huge", change: func(s string) string { return s + strings.Repeat("A", 20<<10) }, kind: auth.AssertionRefused, check: "form"},
		{name: "payload changed", change: tamper, kind: auth.AssertionRefused, check: "signature"},
		{name: "signature broken", opts: opts{BadSignature: true}, kind: auth.AssertionRefused, check: "signature"},
		{name: "alg none", change: resign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType), kind: auth.AssertionRefused, check: "signature"},
		{name: "HS256 with the public key", change: resign(jwt.SigningMethodHS256, []byte("the public key")), kind: auth.AssertionRefused, check: "signature"},
		{name: "PS256", change: resign(jwt.SigningMethodPS256, foreign), kind: auth.AssertionRefused, check: "signature"},
		{name: "RS256 by a foreign key", change: resign(jwt.SigningMethodRS256, foreign), kind: auth.AssertionRefused, check: "signature"},
		{name: "another audience", opts: opts{Audience: "https://graph.microsoft.com"}, kind: auth.AssertionRefused, check: "audience"},
		{name: "several audiences", opts: opts{Claims: claims{"aud": []string{simulator.DefaultClientID, "x"}}}, kind: auth.AssertionRefused, check: "audience"},
		{name: "no audience", opts: opts{Claims: claims{"aud": nil}}, kind: auth.AssertionRefused, check: "audience"},
		{name: "expired", opts: opts{Lifetime: -time.Second}, kind: auth.SignInRequired, check: "lifetime"},
		{name: "without an end", opts: opts{Claims: claims{"exp": nil}}, kind: auth.AssertionRefused, check: "lifetime"},
		{name: "end as text", opts: opts{Claims: claims{"exp": "tomorrow"}}, kind: auth.AssertionRefused, check: "form"},
		{name: "not valid yet", opts: opts{Claims: claims{"nbf": time.Now().Add(time.Hour).Unix()}}, kind: auth.AssertionRefused, check: "lifetime"},
		{name: "issued in the future", opts: opts{Claims: claims{"iat": time.Now().Add(time.Hour).Unix()}}, kind: auth.AssertionRefused, check: "lifetime"},
		{name: "another tenant", opts: opts{Tenant: elseTid}, kind: auth.WrongTenant, check: "tenant"},
		{name: "personal account", opts: opts{Claims: claims{"tid": "9188040d-6c67-4c5b-b112-36a304b66dad"}}, kind: auth.WrongTenant, check: "tenant"},
		{name: "no tenant", opts: opts{Claims: claims{"tid": nil}}, kind: auth.AssertionRefused, check: "tenant"},
		{name: "our tenant by the word, another issuer", opts: opts{Claims: claims{"iss": "https://sts.windows.net/" + elseTid + "/"}}, kind: auth.AssertionRefused, check: "issuer"},
		{name: "issuer of version 1.0 in 2.0", opts: opts{Claims: claims{"iss": "https://sts.windows.net/" + simulator.DefaultTenantID + "/"}}, kind: auth.AssertionRefused, check: "issuer"},
		{name: "issuer without its slash", opts: opts{V1: true, Claims: claims{"iss": "https://sts.windows.net/" + simulator.DefaultTenantID}}, kind: auth.AssertionRefused, check: "issuer"},
		{name: "no version", opts: opts{Claims: claims{"ver": nil}}, kind: auth.AssertionRefused, check: "version"},
		{name: "application token", opts: opts{AppOnly: true}, kind: auth.AppOnly, check: "delegated"},
		{name: "application token without idtyp", opts: opts{AppOnly: true, Claims: claims{"idtyp": nil}}, kind: auth.AppOnly, check: "delegated"},
		{name: "application token by its roles", opts: opts{Roles: []string{"All"}, Claims: claims{"scp": nil}}, kind: auth.AppOnly, check: "delegated"},
		{name: "id token", opts: opts{IDToken: true}, kind: auth.AssertionRefused, check: "delegated"},
		{name: "no object id", opts: opts{Claims: claims{"oid": nil}}, kind: auth.AssertionRefused, check: "object-id"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t, nil)
			token := r.Assertion(mette, tc.opts)
			if tc.change != nil {
				token = tc.change(token)
			}
			_, err := r.broker.Employee(t.Context(), token)
			e := failure(t, err)
			if e.Kind != tc.kind || e.Check != tc.check || !errors.Is(err, tc.kind) {
				t.Errorf("refused as %s (%s), want %s (%s): %v", e.Kind, e.Check, tc.kind, tc.check, e)
			}
			if token != "" && strings.Contains(e.Error(), token) {
				t.Error("the error quotes the token")
			}
			if r.TokenCount("") != 0 {
				t.Error("a refused token was sent to Entra")
			}
		})
	}
}

// tamper makes another person of the payload and keeps the signature.
func tamper(token string) string {
	parts := strings.Split(token, ".")
	body, _ := base64.RawURLEncoding.DecodeString(parts[1])
	parts[1] = base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(body), `"name":"m`, `"name":"n`, 1)))
	return strings.Join(parts, ".")
}

func TestScopesRolesAndFrontEndsCanBeNarrowed(t *testing.T) {
	narrow := func(scopes, frontEnds []string) func(*auth.Environment, *auth.Options) {
		return func(_ *auth.Environment, o *auth.Options) { o.Scopes, o.FrontEnds = scopes, frontEnds }
	}
	r := newRig(t, narrow([]string{"access_as_user"}, nil))
	if _, err := r.broker.Verify(t.Context(), r.Assertion(mette, simulator.AssertionOptions{})); err != nil {
		t.Error(err)
	}
	_, err := r.broker.Verify(t.Context(), r.Assertion(mette, simulator.AssertionOptions{Claims: claims{"scp": "other"}}))
	if e := failure(t, err); e.Check != "scope" {
		t.Error(e)
	}
	r = newRig(t, func(_ *auth.Environment, o *auth.Options) { o.Roles = []string{"Advisor", "Manager"} })
	if _, err := r.broker.Verify(t.Context(), r.Assertion(mette, simulator.AssertionOptions{Roles: []string{"Manager"}})); err != nil {
		t.Error(err)
	}
	for _, roles := range [][]string{nil, {"Reader"}} {
		_, err = r.broker.Verify(t.Context(), r.Assertion(mette, simulator.AssertionOptions{Roles: roles}))
		if e := failure(t, err); e.Check != "role" || e.Kind != auth.UserRefused {
			t.Error(e)
		}
	}
	r = newRig(t, narrow(nil, []string{"6f0a1c1e-0000-4000-8000-0000000000ff"}))
	for _, v1 := range []bool{false, true} {
		_, err = r.broker.Verify(t.Context(), r.Assertion(mette, simulator.AssertionOptions{V1: v1}))
		if e := failure(t, err); e.Check != "front-end" {
			t.Error(e)
		}
	}
}

// A foreign tenant and an application cost no request at all; an unknown key
// id costs one in five minutes.
func TestUnknownKeyIDsAreBraked(t *testing.T) {
	r := newRig(t, nil)
	keys := "/" + simulator.DefaultTenantID + "/discovery/v2.0/keys"
	fetches := func() int { return r.DocumentCounts()[keys] }

	_, _ = r.broker.Verify(t.Context(), r.Assertion(mette, simulator.AssertionOptions{Tenant: elseTid}))
	_, _ = r.broker.Verify(t.Context(), r.Assertion(mette, simulator.AssertionOptions{AppOnly: true}))
	if n := len(r.DocumentCounts()); n != 0 {
		t.Fatalf("tokens that cannot pass caused %d requests", n)
	}
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	flood := func() {
		for i := range 20 {
			c := jwt.MapClaims{"tid": simulator.DefaultTenantID, "ver": "2.0", "scp": "x", "oid": "1", "sub": "2"}
			forged := jwt.NewWithClaims(jwt.SigningMethodRS256, c)
			forged.Header["kid"] = string(rune('a' + i))
			s, err := forged.SignedString(other)
			if err != nil {
				t.Fatal(err)
			}
			_, err = r.broker.Verify(t.Context(), s)
			if e := failure(t, err); e.Check != "signature" {
				t.Fatal(e)
			}
		}
	}
	flood()
	if n := fetches(); n != 1 {
		t.Errorf("%d fetches of the keys, want 1", n)
	}
	r.clock.Add(5 * time.Minute)
	flood()
	if n := fetches(); n != 2 {
		t.Errorf("%d fetches of the keys after five minutes, want 2", n)
	}
}

func TestKeysRollOver(t *testing.T) {
	r := newRig(t, nil)
	old := r.Assertion(mette, simulator.AssertionOptions{Lifetime: 48 * time.Hour})
	verify := func(token string) error { _, err := r.broker.Verify(t.Context(), token); return err }
	if err := verify(old); err != nil {
		t.Fatal(err)
	}
	r.clock.Add(6 * time.Minute)
	r.RotateKey()
	if err := verify(r.Assertion(mette, simulator.AssertionOptions{})); err != nil {
		t.Error("the first token after a rollover:", err)
	}
	if err := verify(old); err != nil {
		t.Error("the old key while it is published:", err)
	}
	r.DropOldKeys()
	r.clock.Add(2 * time.Hour)
	if e := failure(t, verify(old)); e.Check != "signature" {
		t.Error("a withdrawn key:", e)
	}
}

func TestLastKnownKeysServeWhileEntraIsDown(t *testing.T) {
	r := newRig(t, nil)
	token := r.Assertion(mette, simulator.AssertionOptions{Lifetime: 48 * time.Hour})
	if _, err := r.broker.Verify(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	r.server.Close()
	r.clock.Add(25 * time.Hour)
	if _, err := r.broker.Verify(t.Context(), token); err != nil {
		t.Error(err)
	}
}

func TestNoKeysYetIsUnavailable(t *testing.T) {
	r := newRig(t, nil)
	token := r.Assertion(mette, simulator.AssertionOptions{})
	r.server.Close()
	_, err := r.broker.Employee(t.Context(), token)
	if e := failure(t, err); e.Kind != auth.Unavailable || e.Environment != "sandbox" {
		t.Error(e)
	}
}

// The first fetch of the keys is tried again like a token request.
func TestKeysAreFetchedAgainAfterATransientFailure(t *testing.T) {
	failed := 0
	r := newRig(t, func(_ *auth.Environment, o *auth.Options) {
		o.Transport = roundTrip(func(req *http.Request) (*http.Response, error) {
			if strings.HasSuffix(req.URL.Path, "/keys") && failed < 2 {
				failed++
				return &http.Response{StatusCode: 503, Header: http.Header{}, Body: http.NoBody, Request: req}, nil
			}
			return http.DefaultTransport.RoundTrip(req)
		})
	})
	if _, err := r.broker.Verify(t.Context(), r.Assertion(mette, simulator.AssertionOptions{})); err != nil || failed != 2 {
		t.Errorf("after %d failures: %v", failed, err)
	}
}
