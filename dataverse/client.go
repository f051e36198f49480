package dataverse

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// A TokenSource gives the bearer token of one identity for the organisation.
// It caches: the client asks before every request, from several goroutines.
// An error is never retried, and is returned to the caller as it is, or within
// an [Error] where an earlier attempt at a write may have been done.
type TokenSource interface {
	Token(ctx context.Context) (string, error)
}

// A Renewer is a TokenSource that can do better after a 401. The client calls
// it at most once for a request, with the token that was refused and the
// claims challenge of the answer as JSON, or "".
type Renewer interface {
	Renew(ctx context.Context, rejected, claims string) (string, error)
}

// An Identifier is a TokenSource that names its identity, such as tenant,
// client and object id. Clients whose sources give one name share one limiter,
// as the service counts for the user and not for the token; without it sources
// that are equal do, so one source must then serve all runs of its identity.
type Identifier interface {
	Identity() string
}

// Options of a [Client]; nil or zero values stand for the defaults.
type Options struct {
	// HTTP sends the requests. Default: one transport, shared by all clients
	// of the process: HTTP/2, keep-alive, gzip, no cookies. The text of its
	// errors, which may quote an answer, is not repeated; errors.As finds them.
	HTTP http.RoundTripper
	// Log gets one debug record an attempt and one warning a retry: method,
	// path template, status, ids, durations; no values. Default: none.
	Log *slog.Logger
	// Tracer is told of requests, waits and token calls. Default: none.
	Tracer Tracer
	// Timeout bounds one attempt, answer included. Default: 2 minutes.
	Timeout time.Duration
	// MaxRetries bounds the attempts after the first, beside the one with a
	// renewed token after a 401. Default: 5; negative: none.
	MaxRetries int
	// MaxRetryWait bounds one wait. A Retry-After beyond it fails the request
	// at once with [ErrThrottled] and the advice in [Error.RetryAfter].
	// Default: 5 minutes.
	MaxRetryWait time.Duration
	// MaxResponseBytes bounds one answer, decompressed. Default: 128 MiB.
	MaxResponseBytes int64
	// PageSize is that of queries without their own. Default: 5,000, the
	// service's maximum.
	PageSize int
	// MetadataLifetime is how long a table's definition is kept. Default:
	// 5 minutes.
	MetadataLifetime time.Duration
	// Parallel is how many requests an identity starts with at a time, until
	// the service hints at a number. Default: 4.
	Parallel int
	// Limiters are shared with the other clients that have the same. Default:
	// those of this New alone.
	Limiters *Limiters
	// UserAgent is sent with every request. Default: "engage-playbooks".
	UserAgent string
}

// Client reads and writes one organisation as one identity. It is safe for
// concurrent use and has nothing to close. A program has one New for each
// organisation, and one As for whoever it works for.
type Client struct {
	*organization
	tokens TokenSource
	limits atomic.Pointer[limiter]
}

// organization is what the clients of all identities share.
type organization struct {
	origin url.URL // scheme and host
	opts   Options // defaults filled in
	header http.Header
	http   *http.Client // of the loop of retries
	tables tableCache
}

// New returns a client for the organisation at orgURL, such as
// "https://contoso.crm4.dynamics.com"; a path of the service root behind it is
// accepted. The scheme is https; plain http is for loopback alone. It sends
// nothing.
func New(orgURL string, ts TokenSource, opts *Options) (*Client, error) {
	u, err := url.Parse(orgURL)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("dataverse: the URL of the organisation is not of the form https://host")
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())) {
		return nil, fmt.Errorf("dataverse: %s is not https: only a loopback address may be reached in the clear", u.Host)
	}
	if p := strings.Trim(u.Path, "/"); p != "" && p != strings.Trim(servicePath, "/") {
		return nil, fmt.Errorf("dataverse: the URL of the organisation has the path %q: leave it out", u.Path)
	}
	if ts == nil {
		return nil, errors.New("dataverse: no token source")
	}
	o := &organization{origin: originOf(u)}
	if opts != nil {
		o.opts = *opts
	}
	if err := o.opts.check(); err != nil {
		return nil, err
	}
	o.opts.fill()
	o.header = standardHeader(o.opts.UserAgent)
	o.http = &http.Client{
		Transport: attempts{},
		// A redirect is an answer: following it would take the token along.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	o.tables.lifetime = o.opts.MetadataLifetime
	return o.as(ts), nil
}

// As returns the client of another identity of the same organisation. It
// shares connections and metadata, and its limiter with all clients of the
// same identity ([Identifier]), however often As was called for it.
func (c *Client) As(ts TokenSource) *Client { return c.as(ts) }

func (o *organization) as(ts TokenSource) *Client {
	c := &Client{organization: o, tokens: ts}
	c.limits.Store(o.opts.Limiters.of(o, ts))
	return c
}

// check refuses what would not mean what it says.
func (o *Options) check() error {
	for _, option := range []struct {
		name  string
		value int64
	}{
		{"Timeout", int64(o.Timeout)},
		{"MaxRetryWait", int64(o.MaxRetryWait)},
		{"MaxResponseBytes", o.MaxResponseBytes},
		{"PageSize", int64(o.PageSize)},
		{"MetadataLifetime", int64(o.MetadataLifetime)},
		{"Parallel", int64(o.Parallel)},
	} {
		if err := notNegative(option.name, option.value); err != nil {
			return fmt.Errorf("dataverse: %w", err)
		}
	}
	return nil
}

func notNegative(name string, value int64) error {
	if value < 0 {
		return fmt.Errorf("%s is negative: leave it out for the default", name)
	}
	return nil
}

func (o *Options) fill() {
	o.HTTP = cmp.Or(o.HTTP, sharedTransport)
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	o.Timeout = cmp.Or(o.Timeout, 2*time.Minute)
	o.MaxRetries = max(0, cmp.Or(o.MaxRetries, 5))
	o.MaxRetryWait = cmp.Or(o.MaxRetryWait, 5*time.Minute)
	o.MaxResponseBytes = cmp.Or(o.MaxResponseBytes, 128<<20)
	o.PageSize = cmp.Or(o.PageSize, maxPage)
	o.MetadataLifetime = cmp.Or(o.MetadataLifetime, 5*time.Minute)
	o.Parallel = cmp.Or(o.Parallel, 4)
	o.Limiters = cmp.Or(o.Limiters, new(Limiters))
	o.UserAgent = cmp.Or(o.UserAgent, "engage-playbooks")
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") || strings.HasSuffix(strings.ToLower(host), ".localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
