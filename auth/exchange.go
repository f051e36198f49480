package auth

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/confidential"
)

// exchanger makes the token requests of one registration of an environment.
// A broker has one for employees and one for the application; nothing passes
// from one to the other.
type exchanger struct {
	op           string
	env          *Environment
	registration *Registration
	http         *http.Client
	now          func() time.Time
	sleep        func(ctx context.Context, d time.Duration) error
	log          *slog.Logger
	capabilities []string
	federated    FederatedSource

	certificate certificateCache
	second      atomic.Bool // the second secret is the one that worked last
	holds       holds
}

const (
	// exchangeTimeout bounds an exchange with its retries.
	exchangeTimeout = 2 * time.Minute
	// maxTries bounds the requests for one token.
	maxTries = 3
	// maxWait is the longest Retry-After that an exchange waits for.
	maxWait = time.Minute
)

// msalCall is one token request through MSAL.
type msalCall func(ctx context.Context, c confidential.Client, o options) (confidential.AuthResult, error)

// options are what a call passes on to MSAL.
type options struct {
	scopes []string
	claims string
}

// acquire gets a token: with the environment's credential, tried again when
// the failure may pass. holder is whose throttling is remembered: an object id
// or a client id.
func (x *exchanger) acquire(ctx context.Context, holder, claims string, do msalCall) (*token, error) {
	if err := x.holds.check(holder, x.now()); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, exchangeTimeout)
	defer cancel()
	o := options{scopes: []string{x.env.URL + "/.default"}, claims: claims}
	for try := 1; ; try++ {
		t, err := x.tryCredentials(ctx, o, do)
		if err == nil {
			return t, nil
		}
		e, ok := err.(*Error)
		if !ok {
			return nil, err
		}
		wait, again := backoff(e, try)
		if again && deadlineAllows(ctx, wait) && x.sleep(ctx, wait) == nil {
			continue
		}
		if e.Kind == Throttled {
			x.holds.remember(holder, e, x.now())
		}
		return nil, e
	}
}

// backoff says whether and when a failed request may be repeated. A token
// request changes nothing, so repeating is always safe; but a loop that Entra
// has seen (50196) gets worse by it.
func backoff(e *Error, try int) (time.Duration, bool) {
	if try >= maxTries {
		return 0, false
	}
	jitter := time.Duration(rand.Int64N(int64(500 * time.Millisecond)))
	switch e.Kind {
	case Unavailable:
		return max(e.RetryAfter, time.Duration(try)*500*time.Millisecond+jitter), e.RetryAfter <= maxWait
	case Throttled:
		loop := slices.Contains(e.Codes, 50196)
		return max(e.RetryAfter, time.Second) + jitter, !loop && e.RetryAfter <= maxWait
	}
	return 0, false
}

func deadlineAllows(ctx context.Context, wait time.Duration) bool {
	end, ok := ctx.Deadline()
	return !ok || time.Until(end) > wait
}

// tryCredentials asks with the credential that worked last, and once with the
// other of two where Entra refuses the first: the order of a rotation. Both are
// of the same registration; this is no change of identity.
func (x *exchanger) tryCredentials(ctx context.Context, o options, do msalCall) (*token, error) {
	creds, unread := x.credentials()
	for _, err := range unread {
		if len(creds) > 0 {
			x.log.Warn("auth: one of two client secrets cannot be read", "environment", x.env.ID, "client", x.registration.ClientID, "reason", err.Error())
		}
	}
	if len(creds) == 0 {
		return nil, x.misconfigured(unread[0].Error(), "put the credential where the environment says it is")
	}
	swapped := x.second.Load() && len(creds) == 2
	if swapped {
		creds[0], creds[1] = creds[1], creds[0]
	}
	t, err := x.ask(ctx, creds[0], o, do)
	e, ok := err.(*Error)
	if !ok || e.Code != "invalid_client" || len(creds) < 2 {
		return t, err
	}
	t, err2 := x.ask(ctx, creds[1], o, do)
	if err2 != nil {
		return nil, err
	}
	x.second.Store(!swapped)
	x.log.Warn("auth: Entra refused a client secret and took the other; take the old one out of the environment",
		"environment", x.env.ID, "client", x.registration.ClientID, "refused", creds[0].place, "codes", e.Codes)
	return t, nil
}

// ask makes one request with a client of its own. MSAL keeps each assertion,
// its token and a refresh token for as long as the client lives, and answers
// from there even when the assertion has ended (entra-tokens.md, facts 1 and
// 3); a client that lives for one request keeps nothing. Building one takes
// microseconds, the tenant's document comes from discoveryCache.
func (x *exchanger) ask(ctx context.Context, cred credential, o options, do msalCall) (*token, error) {
	opts := []confidential.Option{
		confidential.WithHTTPClient(x.http),
		// Otherwise MSAL asks the public cloud about a host it does not know.
		confidential.WithInstanceDiscovery(false),
		// Otherwise the environment variable MSAL_FORCE_REGION moves requests
		// to another host.
		confidential.WithAzureRegion("DisableMsalForceRegion"),
	}
	if len(x.capabilities) > 0 {
		opts = append(opts, confidential.WithClientCapabilities(x.capabilities))
	}
	client, err := confidential.New(msalAuthority(x.env), x.registration.ClientID, cred.msal, opts...)
	if err != nil {
		return nil, x.misconfigured("the sign-in library refused authority, client id or credential", "check the environment")
	}
	res, err := do(ctx, client, o)
	if err != nil {
		return nil, x.own(fromMSAL(ctx, x.op, err, x.now()))
	}
	return x.issued(res, o.claims)
}

// msalAuthority is the tenant's authority as MSAL takes it: always https.
// authorityOnly speaks plain http to a loopback authority.
func msalAuthority(env *Environment) string {
	return "https://" + strings.TrimPrefix(strings.TrimPrefix(env.Authority, "https://"), "http://") + "/" + env.TenantID
}

// own completes an error with the environment.
func (x *exchanger) own(err error) error {
	e, ok := err.(*Error)
	if !ok {
		return err
	}
	e.place(x.env)
	if e.Hint == "" {
		e.advise()
	}
	return e
}

func (x *exchanger) misconfigured(detail, hint string) *Error {
	e := &Error{Kind: Misconfigured, Op: x.op, Detail: detail, Hint: hint}
	e.place(x.env)
	return e
}

func (e *Error) place(env *Environment) {
	e.Environment, e.tenantID, e.authority = env.ID, env.TenantID, env.Authority
}

// sleepContext is the default of Options.Sleep.
func sleepContext(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
