package auth_test

import (
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/andmoneyaps/engage-playbooks/auth"
	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/dataverse/simulator"
)

// organisation is a simulated Dataverse with its Entra, and a broker for both
// identities. The clock is Entra's and Dataverse's; the broker has the
// machine's.
func organisation(t *testing.T) (*simulator.Server, *auth.Broker, *clock) {
	t.Helper()
	c := newClock()
	server := simulator.NewServer(nil, &simulator.Options{Now: c.Now})
	t.Cleanup(server.Close)
	t.Setenv("ENGAGE_TEST_SECRET", simulator.DefaultClientSecret)
	reg := &auth.Registration{ClientID: simulator.DefaultClientID, Secrets: []auth.Reference{{Env: "ENGAGE_TEST_SECRET"}}}
	broker, err := auth.NewBroker(&auth.Environment{
		ID: "local", URL: server.URL, TenantID: server.TenantID, Authority: server.Authority, OnBehalfOf: reg, Application: reg,
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return server, broker, c
}

func TestClientReachesDataverseAsBothIdentities(t *testing.T) {
	server, broker, _ := organisation(t)
	employee, err := broker.Employee(t.Context(), server.Entra.Assertion(mette, simulator.AssertionOptions{}))
	if err != nil {
		t.Fatal(err)
	}
	client, err := dataverse.New(server.URL, employee, nil)
	if err != nil {
		t.Fatal(err)
	}
	person, err := client.WhoAmI(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	application, err := client.As(broker.Application()).WhoAmI(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if person == application || person.UserID == "" {
		t.Errorf("the employee is %v, the application %v", person, application)
	}
}

// Dataverse answers 401 to a token that has ended there: one renewal, one
// repeated request.
func TestRejectedTokenIsRenewedOnce(t *testing.T) {
	server, broker, clock := organisation(t)
	employee, err := broker.Employee(t.Context(), server.Entra.Assertion(mette, simulator.AssertionOptions{Lifetime: 8 * time.Hour}))
	if err != nil {
		t.Fatal(err)
	}
	client, err := dataverse.New(server.URL, employee, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.WhoAmI(t.Context()); err != nil {
		t.Fatal(err)
	}
	clock.Add(2 * time.Hour)
	if _, err := client.WhoAmI(t.Context()); err != nil {
		t.Error(err)
	}
	if n := server.Entra.TokenCount(simulator.GrantOnBehalfOf); n != 2 {
		t.Errorf("%d exchanges, want 2", n)
	}
	// The sign-in is revoked: the renewal is refused, and says what to do.
	server.Entra.Revoke(mette)
	_, err = client.WhoAmI(t.Context())
	if !errors.Is(err, auth.SignInRequired) {
		t.Errorf("after a password reset: %v", err)
	}
	if e := failure(t, err); e.Status != http.StatusBadRequest || e.WWWAuthenticate() == "" {
		t.Error(e)
	}
	if n := server.Entra.TokenCount(simulator.GrantClientCredentials); n != 0 {
		t.Error("the application was asked")
	}
}

// The service counts for the user: two sessions of one employee, each with an
// assertion and a client of its own, wait together, and nobody else does.
func TestSessionsOfAnEmployeeShareTheirLimiter(t *testing.T) {
	server, broker, _ := organisation(t)
	session := func(email string, o simulator.AssertionOptions) *auth.Source {
		source, err := broker.Employee(t.Context(), server.Entra.Assertion(email, o))
		if err != nil {
			t.Fatal(err)
		}
		return source
	}
	first, second := session(mette, simulator.AssertionOptions{}), session(mette, simulator.AssertionOptions{Lifetime: 50 * time.Minute})
	client, err := dataverse.New(server.URL, first, nil)
	if err != nil {
		t.Fatal(err)
	}
	server.Fail(simulator.Fault{Kind: simulator.FaultRequests, RetryAfter: "3600"})
	if _, err := client.WhoAmI(t.Context()); !errors.Is(err, dataverse.ErrThrottled) {
		t.Fatal(err)
	}
	sent := len(server.Requests())
	if _, err := client.As(second).WhoAmI(t.Context()); !errors.Is(err, dataverse.ErrThrottled) || len(server.Requests()) != sent {
		t.Errorf("the second session: %v after %d requests", err, len(server.Requests())-sent)
	}
	if _, err := client.As(broker.Application()).WhoAmI(t.Context()); err != nil {
		t.Errorf("the application: %v", err)
	}
}

// demanding is a service that demands claims, so many times, and then answers.
type demanding struct {
	header string
	times  atomic.Int32
}

func (d *demanding) RoundTrip(r *http.Request) (*http.Response, error) {
	if d.times.Add(-1) < 0 {
		return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader("{}")), Request: r}, nil
	}
	return &http.Response{StatusCode: http.StatusUnauthorized, Header: http.Header{"Www-Authenticate": {d.header}}, Body: http.NoBody, Request: r}, nil
}

// A claims challenge of Dataverse is met by one renewal, or is a typed error
// with the claims, whether or not cp1 was declared.
func TestClaimsChallengeOfDataverse(t *testing.T) {
	const challenge = `{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}`
	for _, declared := range []bool{false, true} {
		for _, times := range []int32{1, 2} {
			r := newRig(t, func(_ *auth.Environment, o *auth.Options) { o.ContinuousAccess = declared })
			d := &demanding{}
			d.header = `Bearer realm="", error="insufficient_claims", claims="` + base64.StdEncoding.EncodeToString([]byte(challenge)) + `"`
			d.times.Store(times)
			client, err := dataverse.New(r.server.URL, r.employee(mette), &dataverse.Options{HTTP: d})
			if err != nil {
				t.Fatal(err)
			}
			_, err = client.WhoAmI(t.Context())
			log := r.TokenRequests()
			if last := log[len(log)-1].Claims; len(log) != 2 || !strings.Contains(last, "1604106651") || strings.Contains(last, "cp1") != declared {
				t.Errorf("cp1 %v: %d token requests, the last with claims %q", declared, len(log), last)
			}
			if times == 1 {
				if err != nil {
					t.Errorf("cp1 %v: %v", declared, err)
				}
				continue
			}
			var e *dataverse.Error
			if !errors.Is(err, dataverse.ErrUnauthorized) || !errors.As(err, &e) || e.Claims != challenge || e.Attempts != 2 {
				t.Fatalf("cp1 %v: %v", declared, err)
			}
			if have := r.broker.WWWAuthenticate(e.Claims); !strings.HasSuffix(have, d.header[strings.Index(d.header, "error="):]) {
				t.Errorf("cp1 %v: header %s", declared, have)
			}
		}
	}
	// Entra cannot meet it without the employee: its error says so, with what
	// Entra demands.
	r := newRig(t, nil)
	employee := r.employee(mette)
	r.token(employee)
	r.FailToken(simulator.TokenFault{Code: 50076, Claims: acrs})
	d := &demanding{header: `Bearer error="insufficient_claims", claims="` + base64.StdEncoding.EncodeToString([]byte(challenge)) + `"`}
	d.times.Store(1)
	client, err := dataverse.New(r.server.URL, employee, &dataverse.Options{HTTP: d})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = client.WhoAmI(t.Context()); !errors.Is(err, auth.SignInRequired) || failure(t, err).Claims != acrs {
		t.Errorf("got %v", err)
	}
}
