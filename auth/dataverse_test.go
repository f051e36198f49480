package auth_test

import (
	"errors"
	"net/http"
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
