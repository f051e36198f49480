package auth

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Options of a [Broker]; nil or zero values stand for the defaults.
type Options struct {
	// Transport carries the requests to Entra. Default: one for the process,
	// with TLS 1.2 or later. The broker adds its own rules to it: one host, no
	// redirects, bounded answers.
	Transport http.RoundTripper
	// Now is the clock of tokens and keys. Default: time.Now.
	Now func() time.Time
	// Sleep waits between tries. Default: a timer that obeys the context.
	Sleep func(ctx context.Context, d time.Duration) error
	// Logger takes warnings: a secret that Entra refused. Default:
	// slog.Default().
	Logger *slog.Logger
	// LiveAssertions bounds the employees' tokens that are kept at a time; one
	// who is pushed out is exchanged anew. Default: 10,000.
	LiveAssertions int
	// Scopes are the scopes of this API of which an employee's token must have
	// one, such as access_as_user. Default: any.
	Scopes []string
	// Roles are the app roles of this API of which an employee must have one.
	// What they may do in Dataverse is decided there. Default: none is needed.
	Roles []string
	// FrontEnds are the client ids that employees may sign in to. Default: any.
	FrontEnds []string
	// Federated gives the workload's token where a registration says
	// federatedToken, in place of the reference: for managed identities.
	Federated FederatedSource
	// ContinuousAccess tells Entra that claims challenges of Dataverse are
	// answered ("cp1"), as they are either way. Tokens then live for up to 28
	// hours and are revoked by challenge. Default: no, since Microsoft does
	// not say whether Dataverse sends any: without them a sign-in that was
	// revoked would go on for as long.
	ContinuousAccess bool
}

const defaultLiveAssertions = 10_000

// Broker gives the sources of one environment. It is safe for concurrent use
// and has nothing to close.
type Broker struct {
	env         *Environment
	opts        Options
	http        *http.Client
	verifier    *verifier
	onBehalfOf  *onBehalfOf // nil: the environment has none
	application *Source
}

// NewBroker checks the environment and makes its broker. It sends nothing and
// reads no secret: both happen when a token is needed.
func NewBroker(env *Environment, opts *Options) (*Broker, error) {
	if env == nil {
		return nil, &Error{Kind: Misconfigured, Op: opConfigure, Detail: "there is none"}
	}
	if err := env.usable(); err != nil {
		return nil, err
	}
	b := &Broker{env: env.normal()}
	if opts != nil {
		b.opts = *opts
	}
	if b.opts.Now == nil {
		b.opts.Now = time.Now
	}
	if b.opts.Sleep == nil {
		b.opts.Sleep = sleepContext
	}
	if b.opts.Logger == nil {
		b.opts.Logger = slog.Default()
	}
	if b.opts.LiveAssertions < 0 {
		return nil, &Error{Kind: Misconfigured, Op: opConfigure, Environment: env.ID,
			Detail: "Options.LiveAssertions is negative", Hint: "leave it out for the default"}
	}
	if b.opts.LiveAssertions == 0 {
		b.opts.LiveAssertions = defaultLiveAssertions
	}
	authority, err := url.Parse(b.env.Authority)
	if err != nil {
		return nil, b.env.broken("authority is not a URL")
	}
	b.http = hardened(authority, b.opts.Transport, b.opts.Now)
	b.verifier = newVerifier(b)
	if b.env.OnBehalfOf != nil {
		b.onBehalfOf = newOnBehalfOf(b)
	}
	b.application = newApplication(b)
	return b, nil
}

// usable says what is wrong with an environment that was made in Go.
func (env *Environment) usable() error {
	switch {
	case env.URL == "":
		return env.broken("url is missing")
	case env.TenantID == "":
		return env.broken("tenantId is missing")
	case env.OnBehalfOf == nil && env.Application == nil:
		return env.broken("one of onBehalfOf and application is missing")
	}
	for _, r := range env.registrations() {
		n := min(1, len(r.Secrets))
		if r.Certificate != nil {
			n++
		}
		if r.FederatedToken != nil {
			n++
		}
		if r.ClientID == "" || n != 1 || len(r.Secrets) > 2 {
			return env.broken(r.key + " needs clientId and exactly one credential, of at most two secrets")
		}
	}
	if found := env.check(); len(found) > 0 {
		var all []string
		for _, f := range found {
			all = append(all, f.message)
		}
		return env.broken(strings.Join(all, "; "))
	}
	return nil
}

func (env *Environment) broken(detail string) error {
	return &Error{Kind: Misconfigured, Op: opConfigure, Environment: env.ID, Detail: detail, Hint: "correct the environment"}
}

// Environment is the broker's environment.
func (b *Broker) Environment() *Environment { return b.env }

// Verify checks an employee's token and says who they are, without exchanging
// it: signature, issuer, audience, lifetime, tenant, and that it speaks for a
// person. The error is *Error, whose Check names what failed.
func (b *Broker) Verify(ctx context.Context, assertion string) (*Employee, error) {
	return b.verifier.verify(ctx, assertion)
}

// Employee verifies the token that the employee's front end sent, without the
// word Bearer, and gives the source that acts as them, On-Behalf-Of. It is
// called for every run: a token that was good once is checked again.
func (b *Broker) Employee(ctx context.Context, assertion string) (*Source, error) {
	if b.onBehalfOf == nil {
		return nil, &Error{Kind: Misconfigured, Op: opOnBehalfOf, Environment: b.env.ID,
			Detail: "the environment has no onBehalfOf registration", Hint: "add onBehalfOf to the environment; the application is never used in its place"}
	}
	who, err := b.verifier.verify(ctx, assertion)
	if err != nil {
		return nil, err
	}
	return b.onBehalfOf.source(assertion, who), nil
}

// Application gives the source that acts as the environment's application user,
// by client credentials. Where the environment has no application, the source
// says so when a token is asked for.
func (b *Broker) Application() *Source { return b.application }

// WWWAuthenticate gives the header with which the embedder answers 401 where
// Dataverse itself demands claims that a renewed token did not have either:
// they are the Claims of a dataverse.Error. See [Error.WWWAuthenticate].
func (b *Broker) WWWAuthenticate(claims string) string {
	return wwwAuthenticate(b.env.TenantID, b.env.Authority, claims)
}

// Format prints the environment's id, whatever the verb.
func (b *Broker) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "auth.Broker("+b.env.ID+")") }

// exchanger makes the token requests of one registration.
func (b *Broker) exchanger(op string, reg *Registration) *exchanger {
	x := &exchanger{
		op: op, env: b.env, registration: reg, http: b.http, now: b.opts.Now,
		sleep: b.opts.Sleep, log: b.opts.Logger, federated: b.opts.Federated,
	}
	if b.opts.ContinuousAccess {
		x.capabilities = []string{"cp1"}
	}
	return x
}
