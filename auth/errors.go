package auth

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Failure says what an error means for whoever has to act. Each is an error
// itself, so that errors.Is(err, auth.SignInRequired) works.
type Failure string

// The kinds of failure, and who can help.
const (
	// Unavailable: Entra could not be reached or failed; later it may work.
	Unavailable Failure = "entra-unavailable"
	// Throttled: too many requests; Error.RetryAfter says how long to wait.
	Throttled Failure = "entra-throttled"
	// SignInRequired: the employee must sign in again, with Error.Claims if
	// there are any. The assertion may just have expired.
	SignInRequired Failure = "sign-in-required"
	// ConsentRequired: the employee or an administrator must consent.
	ConsentRequired Failure = "consent-required"
	// Blocked: a policy of the tenant forbids it; an administrator decides.
	Blocked Failure = "blocked-by-policy"
	// AssertionRefused: what was given is no access token for this API. The
	// fault is in the embedding, or in the front end's scopes.
	AssertionRefused Failure = "assertion-refused"
	// WrongTenant: the token is of another tenant than the environment.
	WrongTenant Failure = "wrong-tenant"
	// AppOnly: the token speaks for an application; only people can be
	// exchanged.
	AppOnly Failure = "app-only-token"
	// UserRefused: the person is disabled, unknown or not assigned.
	UserRefused Failure = "user-refused"
	// Misconfigured: the environment, its registrations or its secrets are
	// wrong; an operator must act.
	Misconfigured Failure = "identity-misconfigured"
)

// Error is the text of a kind, for errors.Is.
func (k Failure) Error() string { return strings.ReplaceAll(string(k), "-", " ") }

// The operations that fail, as Error.Op names them.
const (
	opVerify      = "verify the employee's token"
	opOnBehalfOf  = "exchange the employee's token"
	opApplication = "get the application's token"
	opDeviceCode  = "sign in by device code"
	opDiscovery   = "read the tenant's keys"
	opConfigure   = "read the environment"
)

// Error is a failure to get or verify a token. Its text is for people; decide
// by Kind. It holds no token and no secret, and wraps nothing that does.
type Error struct {
	Kind Failure
	// Op is what was being done, Environment for which one.
	Op, Environment string
	// Check names the check that refused an assertion: "signature", "issuer",
	// "audience", "lifetime", "tenant", "delegated", and so on; "" otherwise.
	Check string
	// Detail is what was found wrong, Hint what to do about it.
	Detail, Hint string
	// Status is the HTTP status of Entra's answer, 0 without one.
	Status int
	// Code and SubError are the OAuth error and Entra's refinement of it;
	// Codes are the AADSTS numbers. They are for diagnosis.
	Code, SubError string
	Codes          []int
	// Claims is the challenge that the employee's next sign-in must meet, raw
	// JSON; "" without one.
	Claims string
	// RetryAfter is how long to wait; 0 if nothing is known.
	RetryAfter time.Duration
	// CorrelationID, TraceID and RequestID find the request in Entra's logs.
	CorrelationID, TraceID, RequestID string

	tenantID, authority string
	cause               error // context errors only
}

// Error gives one line: what failed, where, why, what to do, and the ids for a
// support case.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("auth: cannot " + e.Op)
	if e.Environment != "" {
		b.WriteString(" for environment " + strconv.Quote(e.Environment))
	}
	b.WriteString(": " + e.Kind.Error())
	if e.Check != "" {
		b.WriteString(" (" + e.Check + ")")
	}
	if e.Detail != "" {
		b.WriteString(": " + e.Detail)
	}
	if e.Hint != "" {
		b.WriteString("; " + e.Hint)
	}
	if e.RetryAfter > 0 {
		fmt.Fprintf(&b, "; try again in %s", e.RetryAfter.Round(time.Second))
	}
	var facts []string
	if e.Status != 0 {
		facts = append(facts, "HTTP "+strconv.Itoa(e.Status))
	}
	if e.Code != "" {
		facts = append(facts, e.Code)
	}
	if e.SubError != "" {
		facts = append(facts, e.SubError)
	}
	for _, c := range e.Codes {
		facts = append(facts, "AADSTS"+strconv.Itoa(c))
	}
	for _, id := range [][2]string{{"correlation", e.CorrelationID}, {"trace", e.TraceID}, {"request", e.RequestID}} {
		if id[1] != "" {
			facts = append(facts, id[0]+" "+id[1])
		}
	}
	if len(facts) > 0 {
		b.WriteString(" [" + strings.Join(facts, ", ") + "]")
	}
	return b.String()
}

// Is matches the error's kind.
func (e *Error) Is(target error) bool {
	k, ok := target.(Failure)
	return ok && k == e.Kind
}

// Unwrap gives a context's error, if that was the cause.
func (e *Error) Unwrap() error { return e.cause }

// Problem is the name of the failure in a run's record: the kind.
func (e *Error) Problem() string { return string(e.Kind) }

// WWWAuthenticate gives the header with which the embedder answers 401, so that
// the employee's front end signs them in again with what Entra demands. It is
// empty where signing in would not help.
//
// The form is that of Entra's own claims challenges: entra-tokens.md, section
// 5.
func (e *Error) WWWAuthenticate() string {
	if e.Kind != SignInRequired && (e.Kind != Blocked || e.Claims == "") {
		return ""
	}
	return wwwAuthenticate(e.tenantID, e.authority, e.Claims)
}

func wwwAuthenticate(tenantID, authority, claims string) string {
	h := fmt.Sprintf(`Bearer realm="%s", authorization_uri="%s/%s/oauth2/v2.0/authorize"`, tenantID, authority, tenantID)
	if claims == "" {
		return h + `, error="invalid_token"`
	}
	return h + `, error="insufficient_claims", claims="` + base64.StdEncoding.EncodeToString([]byte(claims)) + `"`
}
