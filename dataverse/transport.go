package dataverse

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// sharedTransport serves all clients of the process. Its connections belong to
// hosts, not to identities: the token is in each request. Without a cookie jar
// the affinity cookie is not kept, so that load spreads over the web servers
// of an organisation (fact sheet, 2.5).
var sharedTransport http.RoundTripper = &http.Transport{
	Proxy: http.ProxyFromEnvironment,
	DialContext: (&net.Dialer{
		Timeout:   15 * time.Second,
		KeepAlive: 30 * time.Second,
	}).DialContext,
	ForceAttemptHTTP2:     true,
	TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12},
	MaxIdleConns:          256,
	MaxIdleConnsPerHost:   64,
	IdleConnTimeout:       90 * time.Second,
	TLSHandshakeTimeout:   10 * time.Second,
	ExpectContinueTimeout: time.Second,
}

// attempts is the transport below the loop of retries.
type attempts struct{}

type callKey struct{}

// RoundTrip is an attempt of the call in the context. The first one was made.
func (attempts) RoundTrip(req *http.Request) (*http.Response, error) {
	c := req.Context().Value(callKey{}).(*call)
	if first := c.first; first != nil {
		c.first = nil
		return first.resp, errors.Unwrap(first.err)
	}
	return c.attempt(req)
}

// attempt waits for the limiter, then sends, and reads the answer, so that a
// connection that breaks within an answer is an attempt that failed like any
// other. It refuses any origin but the organisation's own: no token ever leaves
// for another.
func (c *call) attempt(req *http.Request) (*http.Response, error) {
	a := c.client.organization
	if !a.own(req.URL) {
		return nil, ErrForeign
	}
	limiter := c.client.limiter()
	c.sent = false
	if err := limiter.acquire(req.Context(), a.opts.MaxRetryWait); err != nil {
		return nil, err
	}
	if len(req.Header) == 0 {
		req.Header = c.header()
	}
	return c.once(req, limiter)
}

// once is one attempt whose turn has come.
func (c *call) once(req *http.Request, limiter *limiter) (*http.Response, error) {
	a := c.client.organization
	c.attempts++
	c.sent = true
	held := true
	defer func() {
		if held { // the transport, or the tracer, panics
			limiter.release(time.Time{}, nil, advice{})
		}
	}()
	started := time.Now()
	ctx, cancel := context.WithTimeoutCause(req.Context(), a.opts.Timeout, errTimeout)
	defer cancel()
	step := c.step(StepRequest)
	if a.opts.Tracer != nil {
		ctx = a.opts.Tracer.Start(ctx, step)
	}
	resp, err := a.roundTrip(a.propagated(req.WithContext(ctx)))
	if err != nil && req.Context().Err() == nil && errors.Is(context.Cause(ctx), errTimeout) {
		err = errTimeout
	}
	var body []byte
	if resp != nil {
		body = resp.Body.(*buffered).Bytes()
	}
	throttled := c.learn(resp, body)
	held = false
	limiter.release(started, resp, throttled)
	c.took = time.Since(started)
	step.Duration, step.Err = c.took, err
	if resp != nil {
		step.Status, step.RequestID = resp.StatusCode, requestID(httpHeader(resp.Header))
	}
	if a.opts.Tracer != nil {
		a.opts.Tracer.End(ctx, step)
	}
	if a.opts.Log.Enabled(ctx, slog.LevelDebug) {
		a.opts.Log.LogAttrs(ctx, slog.LevelDebug, "dataverse request", step.attrs()...)
	}
	return resp, err
}

// propagated adds what the tracer has for the service. It can add headers, and
// change none: an attempt that was abandoned may still be reading them.
func (o *organization) propagated(req *http.Request) *http.Request {
	p, ok := o.opts.Tracer.(Propagator)
	if !ok {
		return req
	}
	added := http.Header{}
	p.Propagate(req.Context(), added)
	if len(added) == 0 {
		return req
	}
	header := maps.Clone(req.Header)
	for name, values := range added {
		name = http.CanonicalHeaderKey(name)
		if _, taken := header[name]; !taken {
			header[name] = values
		}
	}
	req.Header = header
	return req
}

// errTimeout ends an attempt, not the call.
var errTimeout = errors.New("the service took longer than the time limit of one attempt")

// roundTrip sends and reads the whole answer, up to the limit.
func (o *organization) roundTrip(req *http.Request) (*http.Response, error) {
	if req.GetBody != nil {
		req.Body, _ = req.GetBody() // it is in memory
	}
	resp, err := o.opts.HTTP.RoundTrip(req)
	if err != nil {
		return nil, lost(err)
	}
	defer resp.Body.Close()
	limit := o.opts.MaxResponseBytes
	if resp.ContentLength > limit {
		return nil, o.tooLarge()
	}
	body := buffers.Get().(*bytes.Buffer)
	body.Reset()
	if n := resp.ContentLength; n > 0 {
		body.Grow(int(n) + bytes.MinRead)
	}
	if _, err := body.ReadFrom(io.LimitReader(resp.Body, limit+1)); err != nil {
		keep(body)
		return nil, fmt.Errorf("the answer broke off: %w", lost(err))
	}
	if int64(body.Len()) > limit {
		keep(body)
		return nil, o.tooLarge()
	}
	resp.Body = &buffered{body}
	return resp, nil
}

func (o *organization) tooLarge() error {
	return fmt.Errorf("%w: the answer has more than %d bytes", ErrTooLarge, o.opts.MaxResponseBytes)
}

// own reports whether u is within the organisation's service.
func (o *organization) own(u *url.URL) bool {
	return u.User == nil && originOf(u) == o.origin
}

// originOf gives scheme and host in one spelling: in lower case, and without
// the port that the scheme has anyway.
func originOf(u *url.URL) url.URL {
	origin := url.URL{Scheme: u.Scheme, Host: strings.ToLower(u.Host)}
	switch {
	case origin.Scheme == "https":
		origin.Host = strings.TrimSuffix(origin.Host, ":443")
	case origin.Scheme == "http":
		origin.Host = strings.TrimSuffix(origin.Host, ":80")
	}
	return origin
}

// buffers are reused from answer to answer: a page of 5,000 rows has
// megabytes.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// keep gives a buffer back for reuse, unless one rare answer has made it so
// large that it would be memory held for nothing.
func keep(b *bytes.Buffer) {
	if b.Cap() <= 16<<20 {
		buffers.Put(b)
	}
}

// buffered is an answer that has been read. Close gives the buffer back.
type buffered struct{ *bytes.Buffer }

func (b *buffered) Close() error {
	if b.Buffer != nil {
		keep(b.Buffer)
		b.Buffer = nil
	}
	return nil
}

// Read reads nothing after Close.
func (b *buffered) Read(p []byte) (int, error) {
	if b.Buffer == nil {
		return 0, io.EOF
	}
	return b.Buffer.Read(p)
}

func (s *Step) attrs() []slog.Attr {
	attrs := []slog.Attr{
		slog.String("method", s.Method),
		slog.String("path", s.Path),
		slog.Int("attempt", s.Attempt),
		slog.String("clientRequestId", s.ClientRequestID),
	}
	if s.Kind == StepWait {
		return append(attrs, slog.Int("status", s.Status), slog.Duration("wait", s.Wait))
	}
	attrs = append(attrs, slog.Int("status", s.Status), slog.String("requestId", s.RequestID), slog.Duration("duration", s.Duration))
	if s.Err != nil {
		attrs = append(attrs, slog.String("error", s.Err.Error()))
	}
	return attrs
}
