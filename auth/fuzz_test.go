package auth_test

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/andmoneyaps/engage-playbooks/auth"
	"github.com/andmoneyaps/engage-playbooks/dataverse/simulator"
)

// No text but a token of the tenant passes, none makes the verifier panic, and
// each refusal is typed.
func FuzzVerify(f *testing.F) {
	entra := simulator.NewEntra(simulator.EntraOptions{})
	server := httptest.NewServer(entra)
	f.Cleanup(server.Close)
	reg := &auth.Registration{ClientID: simulator.DefaultClientID, Secrets: []auth.Reference{{Env: "X"}}}
	broker, err := auth.NewBroker(&auth.Environment{
		ID: "fuzz", URL: orgURL, TenantID: simulator.DefaultTenantID, Authority: server.URL, OnBehalfOf: reg,
	}, nil)
	if err != nil {
		f.Fatal(err)
	}
	good := entra.Assertion(mette, simulator.AssertionOptions{})
	for _, seed := range []string{"", "a.b.c", "Bearer x", good[:len(good)-4], strings.ToUpper(good),
		"eyJhbGciOiJub25lIn0.e30.", entra.Assertion(mette, simulator.AssertionOptions{V1: true, BadSignature: true})} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		if token == good {
			return
		}
		who, err := broker.Verify(t.Context(), token)
		if e := new(auth.Error); err == nil || who != nil || !errors.As(err, &e) || e.Check == "" {
			t.Errorf("%q: %+v, %v", token, who, err)
		}
	})
}
