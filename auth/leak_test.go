package auth_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/andmoneyaps/engage-playbooks/auth"
	"github.com/andmoneyaps/engage-playbooks/dataverse/simulator"
)

// printed gives a value in every form in which one leaks.
func printed(v any) string {
	var b bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&b, verb+"\n", v)
	}
	if err, ok := v.(error); ok {
		for e := err; e != nil; e = errors.Unwrap(e) {
			fmt.Fprintf(&b, "%v %+v %#v\n", e, e, e)
		}
	}
	if j, err := json.Marshal(v); err == nil {
		b.Write(j)
	}
	slog.New(slog.NewTextHandler(&b, nil)).Info("x", "v", v)
	slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "v", v)
	return b.String()
}

// mustNotHold looks for each canary, as it is and in hexadecimal.
func mustNotHold(t *testing.T, where, text string, canaries []string) {
	t.Helper()
	for _, c := range canaries {
		if strings.Contains(text, c) || strings.Contains(text, fmt.Sprintf("%x", c)) {
			t.Errorf("%s holds a canary", where)
		}
	}
}

// Every failure there is, with a secret, an assertion and a token planted; none
// may come out in an error, a log or a printed value.
func TestNoTokenSecretOrAssertionLeaks(t *testing.T) {
	// A malformed answer with a token in it: MSAL's own error quotes all of it.
	faults := append(failures[:len(failures):len(failures)], struct {
		name  string
		fault simulator.TokenFault
		kind  auth.Failure
		app   auth.Failure
		tries int
	}{name: "malformed with a token", fault: simulator.TokenFault{HTTPStatus: 200, Body: `{"access_token":"canary-token","expires_in":{}}`}})
	for _, tc := range faults {
		r := newRig(t, nil)
		assertion := r.Assertion(mette, simulator.AssertionOptions{})
		canaries := []string{simulator.DefaultClientSecret, assertion, assertion[strings.LastIndex(assertion, ".")+1:], "canary-token"}
		employee, err := r.broker.Employee(t.Context(), assertion)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range []*auth.Source{employee, r.broker.Application()} {
			canaries = append(canaries, r.token(s))
			r.FailToken(tc.fault)
			_, err := s.Renew(t.Context(), r.token(s), "")
			if err == nil {
				t.Fatalf("%s: no error", tc.name)
			}
			mustNotHold(t, tc.name+": the error", printed(err), canaries)
			r.ClearTokenFaults()
		}
		who, _ := employee.Employee()
		for where, v := range map[string]any{
			"the source": employee, "the application": r.broker.Application(), "the broker": r.broker,
			"the employee": who, "the environment": r.env,
			"a struct with the source": struct{ S *auth.Source }{employee},
			"a list of sources":        []*auth.Source{employee},
		} {
			mustNotHold(t, where, printed(v), canaries)
		}
		mustNotHold(t, "the log", r.log.String(), canaries)
		mustNotHold(t, "Entra's log", printed(r.TokenRequests()), canaries)
	}
}

func TestRefusedAssertionDoesNotLeak(t *testing.T) {
	for _, tc := range []simulator.AssertionOptions{
		{BadSignature: true}, {Audience: "canary-audience"}, {Lifetime: -1}, {Tenant: elseTid}, {AppOnly: true}, {IDToken: true},
		{Claims: map[string]any{"exp": "canary-exp"}}, {Claims: map[string]any{"iss": "canary-issuer"}},
		{Claims: map[string]any{"tid": "canary-tenant"}}, {Claims: map[string]any{"oid": "canary-oid"}}, {Claims: map[string]any{"ver": "canary-ver"}},
	} {
		r := newRig(t, nil)
		token := r.Assertion(mette, tc)
		_, err := r.broker.Employee(t.Context(), token)
		if err == nil {
			t.Fatalf("%+v was accepted", tc)
		}
		parts := strings.Split(token, ".")
		mustNotHold(t, fmt.Sprintf("%+v: the error", tc), printed(err), []string{token, parts[1], parts[2], "canary", mette})
	}
}

func TestSourceOfACancelledContext(t *testing.T) {
	r := newRig(t, nil)
	s := r.employee(mette)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Token(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := s.Renew(ctx, "", ""); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
