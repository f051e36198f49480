package auth_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/andmoneyaps/engage-playbooks/auth"
	"github.com/andmoneyaps/engage-playbooks/dataverse/simulator"
)

func TestEmployeeAndApplicationGetTheirOwnTokens(t *testing.T) {
	r := newRig(t, nil)
	source := r.employee(mette)
	who, err := r.Validate(r.token(source))
	if err != nil {
		t.Fatal(err)
	}
	if who.AppOnly || who.ObjectID != r.ObjectID(mette) || who.Email != mette || who.AppID != simulator.DefaultClientID {
		t.Errorf("the employee's token speaks for %+v", who)
	}
	app, err := r.Validate(r.token(r.broker.Application()))
	if err != nil {
		t.Fatal(err)
	}
	if !app.AppOnly || app.AppID != simulator.DefaultClientID || app.Email != "" {
		t.Errorf("the application's token speaks for %+v", app)
	}
	if have := r.TokenCount(""); have != 2 {
		t.Errorf("%d token requests, want 2", have)
	}
}

func TestSecondCallMakesNoRequest(t *testing.T) {
	r := newRig(t, nil)
	assertion := r.Assertion(mette, simulator.AssertionOptions{})
	var tokens []string
	for range 3 {
		s, err := r.broker.Employee(t.Context(), assertion)
		if err != nil {
			t.Fatal(err)
		}
		tokens = append(tokens, r.token(s), r.token(s))
	}
	for _, tok := range tokens {
		if tok != tokens[0] {
			t.Fatal("one assertion gave several tokens")
		}
	}
	if n := r.TokenCount(simulator.GrantOnBehalfOf); n != 1 {
		t.Errorf("%d exchanges, want 1", n)
	}
}

func TestNegativeOptionIsRefused(t *testing.T) {
	env := &auth.Environment{ID: "sandbox", URL: "https://contoso.crm4.dynamics.com", TenantID: "6f0a1c1e-0000-4000-8000-000000000001",
		Application: &auth.Registration{ClientID: "6f0a1c1e-0000-4000-8000-000000000002", Secrets: []auth.Reference{{Env: "SECRET"}}}}
	if _, err := auth.NewBroker(env, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := auth.NewBroker(env, &auth.Options{LiveAssertions: -1}); !errors.Is(err, auth.Misconfigured) || !strings.Contains(err.Error(), "LiveAssertions") {
		t.Errorf("%v", err)
	}
}
