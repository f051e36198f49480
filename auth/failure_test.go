package auth_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/andmoneyaps/engage-playbooks/auth"
	"github.com/andmoneyaps/engage-playbooks/dataverse/simulator"
)

// failures are the ways in which a token request fails, and what each means.
var failures = []struct {
	name  string
	fault simulator.TokenFault
	kind  auth.Failure // for an employee
	app   auth.Failure // for the application, where it differs
	tries int
}{
	{name: "MFA required", fault: simulator.TokenFault{Code: 50076, Claims: acrs}, kind: auth.SignInRequired, app: auth.Blocked},
	{name: "MFA required, the other error", fault: simulator.TokenFault{Code: 50076, Kind: "interaction_required"}, kind: auth.SignInRequired, app: auth.Blocked},
	{name: "must enrol", fault: always(50079), kind: auth.SignInRequired, app: auth.Blocked},
	{name: "assertion expired at Entra", fault: always(500133), kind: auth.SignInRequired, app: auth.Blocked},
	{name: "grant revoked", fault: always(50173), kind: auth.SignInRequired, app: auth.Blocked},
	{name: "sign-in frequency", fault: always(70043), kind: auth.SignInRequired, app: auth.Blocked},
	{name: "an unknown invalid_grant", fault: always(999999), kind: auth.SignInRequired, app: auth.Blocked},
	{name: "consent missing", fault: always(65001), kind: auth.ConsentRequired},
	{name: "Conditional Access", fault: always(53003), kind: auth.Blocked},
	{name: "device not compliant", fault: always(53000), kind: auth.SignInRequired, app: auth.Blocked},
	{name: "cross-tenant policy", fault: always(500212), kind: auth.Blocked},
	{name: "audience at Entra", fault: always(500131), kind: auth.AssertionRefused},
	{name: "signature at Entra", fault: always(50013), kind: auth.AssertionRefused},
	{name: "id token at Entra", fault: always(240002), kind: auth.AssertionRefused},
	{name: "malformed at Entra", fault: always(50027), kind: auth.AssertionRefused},
	{name: "application token at Entra", fault: always(7000114), kind: auth.AppOnly},
	{name: "wrong secret", fault: always(7000215), kind: auth.Misconfigured},
	{name: "expired secret", fault: always(7000222), kind: auth.Misconfigured},
	{name: "unknown application", fault: always(700016), kind: auth.Misconfigured},
	{name: "application disabled", fault: always(7000112), kind: auth.Misconfigured},
	{name: "unknown organisation", fault: always(500011), kind: auth.Misconfigured},
	{name: "tenant unknown", fault: always(90002), kind: auth.Misconfigured},
	{name: "permission missing", fault: always(650057), kind: auth.Misconfigured},
	{name: "assignment required", fault: always(501051), kind: auth.Misconfigured},
	{name: "user disabled", fault: always(50057), kind: auth.UserRefused},
	{name: "user of another tenant", fault: always(50020), kind: auth.UserRefused},
	{name: "temporarily unavailable with 400", fault: always(90033), kind: auth.Unavailable, tries: 3},
	{name: "500", fault: simulator.TokenFault{HTTPStatus: 500, Body: "oops"}, kind: auth.Unavailable, tries: 3},
	{name: "502 in HTML", fault: simulator.TokenFault{HTTPStatus: 502, Body: "<html>Bad Gateway</html>", ContentType: "text/html"}, kind: auth.Unavailable, tries: 3},
	{name: "503", fault: simulator.TokenFault{HTTPStatus: 503}, kind: auth.Unavailable, tries: 3},
	{name: "200 in HTML", fault: simulator.TokenFault{HTTPStatus: 200, Body: "<html>sign in to the Wi-Fi</html>", ContentType: "text/html"}, kind: auth.Unavailable, tries: 3},
	{name: "truncated JSON", fault: simulator.TokenFault{HTTPStatus: 200, Body: `{"token_type":"Bearer","access_tok`, Truncate: true}, kind: auth.Unavailable, tries: 3},
	{name: "connection dropped", fault: simulator.TokenFault{Drop: true}, kind: auth.Unavailable, tries: 3},
	{name: "answer without end", fault: simulator.TokenFault{HTTPStatus: 200, Body: strings.Repeat(" ", 2<<20)}, kind: auth.Unavailable, tries: 3},
	{name: "redirect", fault: simulator.TokenFault{HTTPStatus: 307, Header: header("Location", "http://127.0.0.1:1/steal")}, kind: auth.Misconfigured},
	{name: "throttled, seconds", fault: simulator.TokenFault{HTTPStatus: 429, Body: "Too Many Requests", Header: header("Retry-After", "20")}, kind: auth.Throttled, tries: 3},
	{name: "throttled, hours", fault: simulator.TokenFault{HTTPStatus: 429, Header: header("Retry-After", "7200")}, kind: auth.Throttled},
	{name: "loop seen", fault: always(50196), kind: auth.Throttled},
}

const acrs = `{"access_token":{"acrs":{"essential":true,"value":"c1"}}}`

// The matrix: whatever fails, the failure is typed, the other identity is not
// asked, and nothing is tried again that cannot get better.
func TestIdentitiesNeverFallBack(t *testing.T) {
	for _, tc := range failures {
		for _, grant := range []string{simulator.GrantOnBehalfOf, simulator.GrantClientCredentials} {
			t.Run(tc.name+"/"+grant[:6], func(t *testing.T) {
				t.Parallel()
				r := newRig(t, nil)
				employee, application := r.employee(mette), r.broker.Application()
				r.FailToken(only(grant, tc.fault))
				failing, kind := employee, tc.kind
				if grant == simulator.GrantClientCredentials {
					failing = application
					if tc.app != "" {
						kind = tc.app
					}
				}
				tok, err := failing.Token(t.Context())
				e := failure(t, err)
				if tok != "" || e.Kind != kind {
					t.Errorf("%q, kind %s, want %s: %v", tok, e.Kind, kind, e)
				}
				if e.Hint == "" || e.Environment != "sandbox" || e.Op == "" {
					t.Errorf("the error does not say where it is or what to do: %v", e)
				}
				for _, req := range r.TokenRequests() {
					if req.Grant != grant {
						t.Errorf("the other identity was asked: %s", req.Grant)
					}
				}
				if n := r.TokenCount(""); n != max(1, tc.tries) {
					t.Errorf("%d tries, want %d", n, max(1, tc.tries))
				}
				// The other identity goes on as if nothing had happened.
				other := application
				if failing == application {
					other = employee
				}
				r.token(other)
			})
		}
	}
}

func TestVerificationFailureNeverReachesTheApplication(t *testing.T) {
	r := newRig(t, nil)
	for _, o := range []simulator.AssertionOptions{{AppOnly: true}, {IDToken: true}, {Tenant: elseTid}, {BadSignature: true}, {Lifetime: -time.Hour}} {
		if s, err := r.broker.Employee(t.Context(), r.Assertion(mette, o)); err == nil || s != nil {
			t.Errorf("%+v gave a source", o)
		}
	}
	if n := r.TokenCount(""); n != 0 {
		t.Errorf("%d token requests", n)
	}
}

func TestEnvironmentWithOneIdentityHasOnlyThat(t *testing.T) {
	r := newRig(t, func(env *auth.Environment, _ *auth.Options) { env.Application = nil })
	_, err := r.broker.Application().Token(t.Context())
	if e := failure(t, err); e.Kind != auth.Misconfigured || !strings.Contains(e.Error(), "application") {
		t.Error(e)
	}
	r = newRig(t, func(env *auth.Environment, _ *auth.Options) { env.OnBehalfOf = nil })
	_, err = r.broker.Employee(t.Context(), r.Assertion(mette, simulator.AssertionOptions{}))
	if e := failure(t, err); e.Kind != auth.Misconfigured {
		t.Error(e)
	}
	if n := r.TokenCount(""); n != 0 {
		t.Errorf("%d token requests", n)
	}
}

// A claims challenge goes to the embedder, who sends it to the front end, whose
// next token meets it.
func TestClaimsChallengeIsRelayedAndThenMet(t *testing.T) {
	r := newRig(t, nil)
	if err := r.Demand(mette, 50076, acrs); err != nil {
		t.Fatal(err)
	}
	_, err := r.employee(mette).Token(t.Context())
	e := failure(t, err)
	if e.Kind != auth.SignInRequired || e.Claims != acrs {
		t.Fatalf("%s with claims %q", e.Kind, e.Claims)
	}
	want := fmt.Sprintf(`Bearer realm="%s", authorization_uri="%s/%[1]s/oauth2/v2.0/authorize", error="insufficient_claims", claims="%[3]s"`,
		simulator.DefaultTenantID, r.server.URL, base64.StdEncoding.EncodeToString([]byte(acrs)))
	if have := e.WWWAuthenticate(); have != want {
		t.Errorf("have %s\nwant %s", have, want)
	}
	s, err := r.broker.Employee(t.Context(), r.Assertion(mette, simulator.AssertionOptions{Claims: claims{"acrs": []string{"c1"}}}))
	if err != nil {
		t.Fatal(err)
	}
	r.token(s)
	r.token(r.employee(soren)) // nobody else is asked
}

func TestWWWAuthenticateOnlyWhereSigningInHelps(t *testing.T) {
	for _, tc := range failures {
		r := newRig(t, nil)
		r.FailToken(tc.fault)
		_, err := r.employee(mette).Token(t.Context())
		e := failure(t, err)
		if have := e.WWWAuthenticate() != ""; have != (e.Kind == auth.SignInRequired) {
			t.Errorf("%s: header %q", tc.name, e.WWWAuthenticate())
		}
	}
}

// Entra says that we ask in a loop: the user is left alone for a minute, other
// users are not.
func TestThrottledUserIsLeftAlone(t *testing.T) {
	r := newRig(t, nil)
	id := r.ObjectID(mette)
	r.FailToken(simulator.TokenFault{Code: 50196, Match: func(q simulator.TokenRequest) bool { return q.User == id }})
	for range 3 { // each with another assertion
		_, err := r.employee(mette).Token(t.Context())
		if e := failure(t, err); e.Kind != auth.Throttled || e.RetryAfter != time.Minute {
			t.Error(e, e.RetryAfter)
		}
	}
	if n := r.TokenCount(""); n != 1 {
		t.Errorf("%d requests, want 1", n)
	}
	r.token(r.employee(soren))
	r.token(r.broker.Application())
	r.ClearTokenFaults()
	r.clock.Add(time.Minute)
	r.token(r.employee(mette))
}

func TestTransientFailureIsRetriedAfterWhatEntraAsks(t *testing.T) {
	date := func(r *rig) string { return r.clock.Now().Add(20 * time.Second).UTC().Format(http.TimeFormat) }
	for name, after := range map[string]func(*rig) string{"seconds": func(*rig) string { return "20" }, "a date": date} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			r.FailToken(simulator.TokenFault{HTTPStatus: 429, Times: 1, Header: header("Retry-After", after(r))})
			began := r.clock.Now()
			r.token(r.employee(mette))
			if waited := r.clock.Now().Sub(began); waited < 20*time.Second || waited > 21*time.Second {
				t.Errorf("waited %s", waited)
			}
		})
	}
	r := newRig(t, nil)
	r.FailToken(simulator.TokenFault{Drop: true, Times: 2})
	r.token(r.broker.Application())
	if n := r.TokenCount(""); n != 3 {
		t.Errorf("%d requests, want 3", n)
	}
}

// A 307 makes Go's default client post the secret again to whatever host it
// names.
func TestRedirectIsNotFollowed(t *testing.T) {
	stolen := false
	thief := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { stolen = true }))
	defer thief.Close()
	for _, status := range []int{302, 307, 308} {
		r := newRig(t, nil)
		r.FailToken(simulator.TokenFault{HTTPStatus: status, Header: header("Location", thief.URL+"/token")})
		_, err := r.employee(mette).Token(t.Context())
		if e := failure(t, err); e.Kind != auth.Misconfigured || e.Status != status {
			t.Error(e)
		}
	}
	if stolen {
		t.Error("a redirect was followed")
	}
}

func TestUnknownTenantFailsAtDiscovery(t *testing.T) {
	r := newRig(t, func(env *auth.Environment, _ *auth.Options) { env.TenantID = "6f0a1c1e-0000-4000-8000-0000000000ee" })
	_, err := r.broker.Application().Token(t.Context())
	if e := failure(t, err); e.Kind != auth.Misconfigured || len(e.Codes) != 1 || e.Codes[0] != 90002 {
		t.Error(e)
	}
}

func TestErrorIsMatchedByKindAndWrapsNothing(t *testing.T) {
	r := newRig(t, nil)
	r.FailToken(always(7000215))
	_, err := r.broker.Application().Token(t.Context())
	if !errors.Is(err, auth.Misconfigured) || errors.Is(err, auth.Unavailable) {
		t.Error("errors.Is does not tell the kinds apart")
	}
	e := failure(t, err)
	if e.Code != "invalid_client" || e.Status != 401 || e.CorrelationID == "" || e.TraceID == "" || e.RequestID == "" {
		t.Errorf("facts are missing: %+v", e)
	}
	if errors.Unwrap(err) != nil {
		t.Errorf("it wraps %v", errors.Unwrap(err))
	}
}
