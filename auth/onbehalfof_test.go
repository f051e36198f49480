package auth_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/andmoneyaps/engage-playbooks/auth"
	"github.com/andmoneyaps/engage-playbooks/dataverse/simulator"
)

// Fifty callers, of whom the first, who started the exchange, leaves: one
// request, and no other caller notices.
func TestConcurrentCallsMakeOneExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		entra := simulator.NewEntra(simulator.EntraOptions{Resources: []string{orgURL}})
		answer := make(chan struct{})
		t.Setenv("ENGAGE_TEST_SECRET", simulator.DefaultClientSecret)
		broker, err := auth.NewBroker(&auth.Environment{
			ID: "bubble", URL: orgURL, TenantID: simulator.DefaultTenantID, Authority: "http://127.0.0.1:1",
			OnBehalfOf: &auth.Registration{ClientID: simulator.DefaultClientID, Secrets: []auth.Reference{{Env: "ENGAGE_TEST_SECRET"}}},
		}, &auth.Options{Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
			if req.Method == http.MethodPost {
				<-answer
			}
			req.Host = req.URL.Host
			w := httptest.NewRecorder()
			entra.ServeHTTP(w, req)
			return w.Result(), nil
		})})
		if err != nil {
			t.Fatal(err)
		}
		assertion := entra.Assertion(mette, simulator.AssertionOptions{})
		call := func(ctx context.Context) error {
			s, err := broker.Employee(t.Context(), assertion)
			if err == nil {
				_, err = s.Token(ctx)
			}
			return err
		}
		leaving, leave := context.WithCancel(t.Context())
		first := make(chan error, 1)
		go func() { first <- call(leaving) }()
		synctest.Wait()
		others := make(chan error, 49)
		for range cap(others) {
			go func() { others <- call(t.Context()) }()
		}
		synctest.Wait()
		leave()
		if err := <-first; !errors.Is(err, context.Canceled) {
			t.Errorf("the caller who left got %v", err)
		}
		close(answer)
		for range cap(others) {
			if err := <-others; err != nil {
				t.Error(err)
			}
		}
		if n := entra.TokenCount(simulator.GrantOnBehalfOf); n != 1 {
			t.Errorf("%d exchanges, want 1", n)
		}
	})
}

func TestEmployeesNeverShareATokenAndAnotherAssertionIsExchanged(t *testing.T) {
	r := newRig(t, nil)
	seen := map[string]string{}
	for _, user := range []string{mette, soren} {
		for range 2 { // two assertions each: a front end that refreshed
			s := r.employee(user)
			tok := r.token(s)
			who, err := r.Validate(tok)
			if err != nil || who.Email != user {
				t.Errorf("%s got a token of %q: %v", user, who.Email, err)
			}
			if other, ok := seen[tok]; ok {
				t.Errorf("%s got the token of %s", user, other)
			}
			seen[tok] = user
		}
	}
	if n := r.TokenCount(simulator.GrantOnBehalfOf); n != 4 {
		t.Errorf("%d exchanges, want 4", n)
	}
}

// MSAL answers for an expired assertion from its cache, and renews by a refresh
// token: entra-tokens.md, fact 3.
func TestExpiredAssertionIsRefusedThoughMSALCouldRefresh(t *testing.T) {
	r := newRig(t, nil)
	assertion := r.Assertion(mette, simulator.AssertionOptions{Lifetime: 30 * time.Minute})
	s, err := r.broker.Employee(t.Context(), assertion)
	if err != nil {
		t.Fatal(err)
	}
	rejected := r.token(s)
	r.clock.Add(30 * time.Minute)
	_, err = s.Token(t.Context())
	if e := failure(t, err); e.Kind != auth.SignInRequired || e.Check != "lifetime" {
		t.Error(e)
	}
	_, err = s.Renew(t.Context(), rejected, "")
	if e := failure(t, err); e.Kind != auth.SignInRequired {
		t.Error(e)
	}
	_, err = r.broker.Employee(t.Context(), assertion)
	if e := failure(t, err); e.Kind != auth.SignInRequired {
		t.Error(e)
	}
	if n := r.TokenCount(simulator.GrantRefreshToken); n != 0 {
		t.Errorf("%d refresh tokens were redeemed", n)
	}
}

func TestTokenIsRenewedEarlyByOneCallerAndKeptIfThatFails(t *testing.T) {
	r := newRig(t, nil)
	s, err := r.broker.Employee(t.Context(), r.Assertion(mette, simulator.AssertionOptions{Lifetime: 8 * time.Hour}))
	if err != nil {
		t.Fatal(err)
	}
	first := r.token(s)
	r.clock.Add(64 * time.Minute)
	if r.token(s) != first {
		t.Error("renewed although the token has 11 of 75 minutes left")
	}
	r.clock.Add(2 * time.Minute)
	r.FailToken(simulator.TokenFault{Code: 50105})
	if r.token(s) != first {
		t.Error("a failed renewal took the good token away")
	}
	asked := r.TokenCount("")
	if r.token(s) != first || r.TokenCount("") != asked {
		t.Error("a failed renewal is tried again at once")
	}
	r.ClearTokenFaults()
	r.clock.Add(time.Minute)
	second := r.token(s)
	if second == first {
		t.Error("not renewed within ten minutes of the end")
	}
	r.clock.Add(74 * time.Minute)
	r.FailToken(simulator.TokenFault{Code: 50105})
	if _, err := s.Token(t.Context()); !errors.Is(err, auth.UserRefused) {
		t.Errorf("a token past its end was used: %v", err)
	}
}

// The least recently used assertion is let go: the number kept is bounded, not
// the number seen.
func TestMemoryIsBoundedByLiveAssertions(t *testing.T) {
	r := newRig(t, func(_ *auth.Environment, o *auth.Options) { o.LiveAssertions = 4 })
	assertions := make([]string, 12)
	use := func(i int) int {
		before := r.TokenCount("")
		s, err := r.broker.Employee(t.Context(), assertions[i])
		if err != nil {
			t.Fatal(err)
		}
		r.token(s)
		return r.TokenCount("") - before
	}
	for i := range assertions {
		assertions[i] = r.Assertion(fmt.Sprintf("user%d@bank.example", i), simulator.AssertionOptions{})
		if use(i) != 1 {
			t.Errorf("assertion %d was not exchanged", i)
		}
	}
	for i := 8; i < 12; i++ {
		if use(i) != 0 {
			t.Errorf("assertion %d, one of the last four, was let go", i)
		}
	}
	if use(0) != 1 {
		t.Error("assertion 0 was kept beyond the bound")
	}
}

func TestEnvironmentsOfOneProcessShareNothing(t *testing.T) {
	r := newRig(t, nil)
	other := *r.env
	other.ID, other.URL = "production", "http://127.0.0.1:9"
	second, err := auth.NewBroker(&other, &auth.Options{Now: r.clock.Now, Sleep: r.clock.Sleep})
	if err != nil {
		t.Fatal(err)
	}
	assertion := r.Assertion(mette, simulator.AssertionOptions{})
	tokens := map[string]bool{}
	for _, b := range []*auth.Broker{r.broker, second} {
		s, err := b.Employee(t.Context(), assertion)
		if err != nil {
			t.Fatal(err)
		}
		tokens[r.token(s)] = true
		tokens[r.token(b.Application())] = true
	}
	if len(tokens) != 4 {
		t.Errorf("four identities have %d tokens", len(tokens))
	}
	for _, req := range r.TokenRequests() {
		if req.Resource != orgURL && req.Resource != other.URL {
			t.Errorf("a token was asked for %q", req.Resource)
		}
	}
}

func TestRenewAfterARejectionMakesOneExchange(t *testing.T) {
	r := newRig(t, nil)
	s := r.employee(mette)
	rejected := r.token(s)
	var wg sync.WaitGroup
	got := make([]string, 20)
	for i := range got {
		wg.Go(func() {
			tok, err := s.Renew(t.Context(), rejected, "")
			if err != nil {
				t.Error(err)
			}
			got[i] = tok
		})
	}
	wg.Wait()
	for _, tok := range got {
		if tok == rejected || tok != got[0] {
			t.Fatal("callers who were rejected together got different tokens, or the rejected one")
		}
	}
	if n := r.TokenCount(simulator.GrantOnBehalfOf); n != 2 {
		t.Errorf("%d exchanges, want 2", n)
	}
	if r.token(s) != got[0] {
		t.Error("the renewed token is not the current one")
	}
}

// A claims challenge of Dataverse reaches Entra as JSON, whatever form of
// base64 the header had; the cached token is passed over.
func TestRenewPassesAClaimsChallengeOn(t *testing.T) {
	const challenge = `{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}`
	r := newRig(t, nil)
	for _, source := range []*auth.Source{r.employee(mette), r.broker.Application()} {
		for _, form := range []string{challenge, "eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZSwidmFsdWUiOiIxNjA0MTA2NjUxIn19fQ==",
			"eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZSwidmFsdWUiOiIxNjA0MTA2NjUxIn19fQ"} {
			rejected := r.token(source)
			tok, err := source.Renew(t.Context(), rejected, form)
			if err != nil {
				t.Fatal(err)
			}
			if tok == rejected {
				t.Error("the rejected token came back")
			}
			log := r.TokenRequests()
			if last := log[len(log)-1]; last.Claims != challenge || last.Grant == simulator.GrantRefreshToken {
				t.Errorf("Entra was asked by %s with claims %q", last.Grant, last.Claims)
			}
		}
	}
}

func TestContinuousAccessIsDeclaredOnRequest(t *testing.T) {
	r := newRig(t, func(_ *auth.Environment, o *auth.Options) { o.ContinuousAccess = true })
	r.token(r.employee(mette))
	if have := r.TokenRequests()[0].Claims; !strings.Contains(have, "cp1") {
		t.Errorf("claims %q do not declare cp1", have)
	}
}

// The request to Entra ends when the last caller who waits for it has left.
func TestCancelledCallersEndTheRequest(t *testing.T) {
	started, ended := make(chan struct{}), make(chan struct{})
	r := newRig(t, func(_ *auth.Environment, o *auth.Options) {
		o.Transport = roundTrip(func(req *http.Request) (*http.Response, error) {
			if req.Method == http.MethodPost {
				close(started)
				<-req.Context().Done()
				close(ended)
				return nil, req.Context().Err()
			}
			return http.DefaultTransport.RoundTrip(req)
		})
	})
	s := r.employee(mette)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 2)
	for range 2 {
		go func() { _, err := s.Token(ctx); done <- err }()
	}
	<-started
	cancel()
	for range 2 {
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
	<-ended
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
