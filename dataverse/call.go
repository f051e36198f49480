package dataverse

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// maxURL bounds the URL of a GET, maxBatchURL that within a $batch (fact
// sheet, 1.4).
const (
	maxURL      = 32768
	maxBatchURL = 65536
)

// A call is one request on its way, with what its attempts taught.
type call struct {
	client  *Client
	request *Request
	// parts are the operations of a $batch, nil for any other request.
	parts []Request
	// atomic says that the parts are one change set.
	atomic bool
	// together says that the parts are of use only together: one that failed
	// in a way that may pass has all of them sent again. Those of a change set
	// are rolled back together.
	together bool
	// repeatable says that sending it twice does what sending it once does.
	repeatable bool
	// divisible says that who asks sends what took too long in smaller pieces:
	// all of it is not sent again.
	divisible bool
	// records counts the rows of a bulk message, and partly says what became of
	// each where some were written all the same.
	records int
	partly  []elasticOutcome

	context  context.Context // of the waits' steps
	clientID string
	attempts int
	sent     bool          // the last attempt had its turn
	retries  int           // before and after a 401
	took     time.Duration // the last attempt
	// unsure says that an attempt ended without telling whether it was acted
	// on: the service may have done it.
	unsure bool
	token  string
	// tokenErr is the error of the token source, once it gave one.
	tokenErr error
	// answered are the parts, and advice what is to be done, by the last
	// answer.
	answered []partResponse
	advice   advice
	// first is the outcome of the first attempt until the loop of retries has
	// seen it.
	first *outcome
	wait  time.Duration
	// waiting is the step of the wait, while it lasts.
	waiting     *Step
	waitContext context.Context
	waitStarted time.Time
	started     time.Time
}

// An outcome is what an attempt ended with.
type outcome struct {
	resp *http.Response
	err  error
}

// An answer is the last response of a call.
type answer struct {
	status int
	header http.Header
	body   []byte
	// parts are the answers within a $batch.
	parts []partResponse
	read  *buffered
}

// release gives the body's memory back; nothing may alias it any more.
func (a *answer) release() {
	if a != nil && a.read != nil {
		a.read.Close()
	}
}

// do sends the request, with retries, and tells the observer. The error is an
// [*Error], or that of the token source, or the context's. A $batch that was
// answered in its own form is no error here: its parts say what happened.
func (c *call) do(ctx context.Context) (*answer, error) {
	c.context, c.started = ctx, time.Now()
	c.clientID = newRequestID()
	a, err := c.exchange(ctx)
	if observe, ok := ctx.Value(observerKey{}).(func(Exchange)); ok {
		observe(c.observed(a, err))
	}
	return a, err
}

func (c *call) exchange(ctx context.Context) (*answer, error) {
	req, err := c.newRequest(ctx)
	if err != nil {
		return nil, err
	}
	resp, err := c.send(req)
	if err == nil && resp.StatusCode == http.StatusUnauthorized {
		resp, err = c.renewed(ctx, req, resp)
	}
	if err != nil {
		return nil, c.unanswered(ctx, err)
	}
	return c.read(resp)
}

// newRequest builds the HTTP request, but for its header, and gets its token.
func (c *call) newRequest(ctx context.Context) (*http.Request, error) {
	target, err := c.client.resolve(c.request.Path)
	if err != nil {
		return nil, c.failed(err)
	}
	if c.token, err = c.bearer(ctx, nil); err != nil {
		return nil, err
	}
	req := (&http.Request{
		Method: c.request.Method, URL: target, Host: target.Host,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		ContentLength: int64(len(c.request.Body)),
	}).WithContext(ctx)
	if len(c.request.Body) > 0 {
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(c.request.Body)), nil }
	}
	return req, nil
}

// header is made when the request's turn has come: many may be waiting for it.
func (c *call) header() http.Header {
	own := []string{c.clientID, "Bearer " + c.token}
	header := make(http.Header, len(c.client.header)+len(c.request.Header)+len(own))
	maps.Copy(header, c.request.Header)
	maps.Copy(header, c.client.header)
	header["X-Ms-Client-Request-Id"] = own[0:1:1]
	header["Authorization"] = own[1:2:2]
	return header
}

// standardHeader goes with every request (fact sheet, 2.1).
func standardHeader(userAgent string) http.Header {
	return http.Header{
		"Accept":           {"application/json"},
		"Odata-Maxversion": {"4.0"},
		"Odata-Version":    {"4.0"},
		"If-None-Match":    {"null"},
		"User-Agent":       {userAgent},
	}
}

// resolve gives the URL of a path relative to the service root, or of a link
// that the service gave, byte for byte. It refuses other origins.
func (o *organization) resolve(path string) (*url.URL, error) {
	// What has a scheme or a host has its colon or slashes first.
	if i := strings.IndexAny(path, ":/?#("); i > 0 && path[i] == ':' || strings.HasPrefix(path, "//") {
		link, err := url.Parse(path)
		switch {
		case err != nil && isLink(path): // nobody knows where it leads
			return nil, ErrForeign
		case err != nil || !link.IsAbs() && link.Host == "": // a path after all
		case !o.own(link):
			return nil, ErrForeign
		default:
			return link, nil
		}
	}
	if path == "" || path[0] != '/' {
		path = servicePath + path
	}
	u, err := url.Parse(o.origin.Scheme + "://" + o.origin.Host + path)
	if err != nil {
		return nil, errors.New("the path of the request is broken")
	}
	return u, nil
}

// bearer asks the token source, or renews what was rejected.
func (c *call) bearer(ctx context.Context, renew func(context.Context) (string, error)) (string, error) {
	if renew == nil {
		renew = c.client.tokens.Token
	}
	step, started, tracer := c.step(StepToken), time.Now(), c.client.opts.Tracer
	if tracer != nil {
		ctx = tracer.Start(ctx, step)
	}
	token, err := renew(ctx)
	if tracer != nil {
		step.Duration, step.Err = time.Since(started), err
		tracer.End(ctx, step)
	}
	c.tokenErr = err
	return token, err
}

// renewed sends the request once more after a 401, which says that nothing
// was done: with a token renewed for it, or with another one of the source.
func (c *call) renewed(ctx context.Context, req *http.Request, refused *http.Response) (*http.Response, error) {
	rejected := c.token
	renew := c.client.tokens.Token
	r, renews := c.client.tokens.(Renewer)
	if renews {
		claims := claimsChallenge(refused.Header)
		renew = func(ctx context.Context) (string, error) { return r.Renew(ctx, rejected, claims) }
	}
	token, err := c.bearer(ctx, renew)
	if err != nil {
		refused.Body.Close()
		return nil, err
	}
	if token == rejected && !renews {
		return refused, nil
	}
	refused.Body.Close()
	c.authorize(req, token)
	return c.send(req)
}

// authorize gives the request another token. The header is copied: an attempt
// that was abandoned may still be reading it.
func (c *call) authorize(req *http.Request, token string) {
	c.token = token
	header := req.Header.Clone()
	header["Authorization"] = []string{"Bearer " + token}
	req.Header = header
}

var claimsParameter = regexp.MustCompile(`(?i)\bclaims="?([A-Za-z0-9+/_=-]+)"?`)

// claimsChallenge gives the claims of a WWW-Authenticate as JSON, or "" (fact
// sheet, 9.5).
func claimsChallenge(h http.Header) string {
	for _, challenge := range h.Values("WWW-Authenticate") {
		m := claimsParameter.FindStringSubmatch(challenge)
		if m == nil {
			continue
		}
		for _, encoding := range []*base64.Encoding{
			base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding,
		} {
			if claims, err := encoding.DecodeString(m[1]); err == nil {
				return string(claims)
			}
		}
	}
	return ""
}

// read turns the response into an answer or the error that it is.
func (c *call) read(resp *http.Response) (*answer, error) {
	a := &answer{status: resp.StatusCode, header: resp.Header}
	if b, ok := resp.Body.(*buffered); ok {
		a.read, a.body = b, b.Bytes()
	} else { // an empty answer
		a.read = &buffered{}
		io.Copy(io.Discard, resp.Body)
	}
	switch {
	case c.advice.unreadable && c.parts != nil:
		return a, c.failed(errBatchForm)
	case c.advice.unreadable:
		return a, c.failed(errPageForm)
	case c.answered != nil:
		a.parts = c.answered
		return a, nil
	}
	if a.status < 200 || a.status > 299 {
		e := c.failed(nil)
		e.refuse(a.status, httpHeader(resp.Header), a.body)
		if a.status == http.StatusUnauthorized {
			e.Claims = claimsChallenge(resp.Header)
		}
		return a, e
	}
	return a, nil
}

// unanswered is the error of a call without a response. The text of net/http
// has the URL, and with it values: only the cause is kept.
func (c *call) unanswered(ctx context.Context, err error) error {
	if c.tokenErr != nil {
		if !c.mayBeDone() {
			return c.tokenErr
		}
		return c.failed(fmt.Errorf("no token for another attempt, and an earlier one may have been acted on: %w", c.tokenErr))
	}
	var gate *Error
	if errors.As(err, &gate) { // the limiter's, which does not know the request
		e := c.failed(nil)
		e.Status, e.Code, e.RetryAfter = gate.Status, gate.Code, gate.RetryAfter
		return e
	}
	var outer *url.Error
	if errors.As(err, &outer) {
		err = outer.Err
	}
	if cause := context.Cause(ctx); ctx.Err() != nil && cause != nil && !errors.Is(err, cause) {
		err = fmt.Errorf("%w: %w", ctx.Err(), cause)
	}
	return c.failed(err)
}

// failed is the error that this call ends with.
func (c *call) failed(cause error) *Error {
	return &Error{
		Method: c.request.Method, Path: c.request.Resource, Table: c.request.Table,
		Source: c.request.Source, Attempts: c.attempts, ClientRequestID: c.clientID,
		Write: -1, Err: cause, MayBeDone: c.mayBeDone(),
	}
}

// mayBeDone reports whether the service may have written what the call is for.
func (c *call) mayBeDone() bool {
	first := c.request
	if len(c.parts) > 0 {
		first = &c.parts[0]
	}
	return c.unsure && first.Method != http.MethodGet
}

func (c *call) step(kind StepKind) Step {
	return Step{
		Kind: kind, Method: c.request.Method, Path: c.request.Template, Table: c.request.Table,
		Attempt: max(1, c.attempts), ClientRequestID: c.clientID,
	}
}

// observed is the call as an observer sees it.
func (c *call) observed(a *answer, err error) Exchange {
	x := Exchange{
		Method: c.request.Method, Path: c.request.Resource, Attempts: c.attempts,
		Started: c.started, Duration: time.Since(c.started), Batch: c.parts != nil, Err: err,
	}
	if a != nil {
		x.Status, x.RequestID = a.status, requestID(httpHeader(a.header))
	}
	if c.parts == nil {
		x.Operations = []Exchanged{{
			Method: x.Method, Path: x.Path, Status: x.Status,
			Table: c.request.Table, Source: c.request.Source, Records: c.records,
		}}
		return x
	}
	x.Operations = make([]Exchanged, len(c.parts))
	for i := range c.parts {
		p := &c.parts[i]
		o := Exchanged{Method: p.Method, Path: p.Resource, Table: p.Table, Source: p.Source}
		if c.atomic {
			o.ChangeSet = 1
		}
		if r := a.partOf(i, c.atomic); r != nil {
			o.Status = r.status
		}
		x.Operations[i] = o
	}
	return x
}

// partOf finds the answer to the operation with that index: by Content-ID
// within a change set, by position otherwise.
func (a *answer) partOf(i int, atomic bool) *partResponse {
	if a == nil {
		return nil
	}
	if !atomic {
		if i < len(a.parts) {
			return &a.parts[i]
		}
		return nil
	}
	for k := range a.parts {
		if a.parts[k].contentID == i+1 {
			return &a.parts[k]
		}
	}
	return nil
}

// newRequestID makes a random GUID.
func newRequestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	var s [36]byte
	hex.Encode(s[0:8], b[0:4])
	hex.Encode(s[9:13], b[4:6])
	hex.Encode(s[14:18], b[6:8])
	hex.Encode(s[19:23], b[8:10])
	hex.Encode(s[24:36], b[10:16])
	s[8], s[13], s[18], s[23] = '-', '-', '-', '-'
	return string(s[:])
}
