package dataverse

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// Bounds of the waits between attempts where the service gives no advice.
const (
	minWait = 250 * time.Millisecond
	maxWait = 30 * time.Second
)

// send sends the request until the policy has enough. Nearly always that is
// once. The loop of the others is go-retryablehttp's, which is handed the
// first outcome; what may be repeated, and after how long, is decided here, per
// call.
func (c *call) send(req *http.Request) (*http.Response, error) {
	resp, err := c.attempt(req)
	if err != nil {
		err = &url.Error{Op: req.Method, Err: err} // as the policy expects it
	}
	if again, over := c.again(req.Context(), resp, err); over != nil || !again {
		return resp, cmp.Or(over, err)
	}
	c.first = &outcome{resp, err}
	loop := retryablehttp.Client{
		HTTPClient:   c.client.http,
		RetryMax:     c.client.opts.MaxRetries,
		CheckRetry:   c.again,
		Backoff:      c.backoff,
		PrepareRetry: c.prepare,
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
	repeated := &retryablehttp.Request{Request: req.WithContext(context.WithValue(req.Context(), callKey{}, c))}
	if len(c.request.Body) > 0 {
		if err := repeated.SetBody(c.request.Body); err != nil {
			return nil, err
		}
	}
	resp, err = loop.Do(repeated)
	c.waited(err)
	return resp, err
}

// again decides whether there is another attempt, and sets the wait before it.
// A read, or a write that carries its own id, key or ETag, is repeated after
// any transient failure; any other only where the service surely did not act:
// it was never reached, or it said 429, or 503 with Retry-After.
func (c *call) again(ctx context.Context, resp *http.Response, err error) (bool, error) {
	var transient, acted bool
	if err != nil {
		transient, acted = judge(err)
		acted = acted && c.sent
	} else {
		transient, acted = c.advice.judge()
	}
	if transient && acted && c.atomic && c.answered != nil {
		acted = false // the change set was answered for and rolled back
	}
	if ctx.Err() != nil { // the caller is told that, even if it was done
		c.unsure = c.unsure || acted || err == nil && c.advice.status < 300
		return false, ctx.Err()
	}
	c.unsure = c.unsure || acted
	if !transient || acted && !c.repeatable || c.divisible && c.tooMuch(err) || c.retries >= c.client.opts.MaxRetries {
		return false, nil
	}
	var wait bool
	c.wait, wait = c.client.waitFor(ctx, c.attempts-1, c.advice)
	return wait, nil
}

// tooMuch reports whether an attempt failed since it was asked for too much at
// once.
func (c *call) tooMuch(err error) bool {
	return errors.Is(err, errTimeout) || err == nil && c.advice.code == CodeSQLTimeout
}

// waitFor is how long to wait before another attempt, false if that is longer
// than the caller may wait.
func (o *organization) waitFor(ctx context.Context, retry int, a advice) (time.Duration, bool) {
	if a.wait > o.opts.MaxRetryWait {
		return 0, false
	}
	wait := nextWait(retry, a.wait, a.advised)
	// To wait beyond the deadline would only replace this answer by a worse one.
	deadline, ok := ctx.Deadline()
	return wait, !ok || !time.Now().Add(wait).After(deadline)
}

// judge tells whether an attempt without answer failed in a way that may pass,
// and whether the service may have acted on it.
func judge(err error) (transient, acted bool) {
	var e *Error
	switch {
	case errors.Is(err, ErrTooLarge): // the answer, of a service that acted
		return false, true
	case errors.As(err, &e), errors.Is(err, ErrForeign), errors.Is(err, ErrReadOnly):
		return false, false
	}
	// The policy looks at the text and at the type of what net/http gave.
	if lost, ok := errors.AsType[*lostError](err); ok {
		err = &url.Error{Err: lost.cause}
	}
	again, _ := retryablehttp.DefaultRetryPolicy(context.Background(), nil, err)
	var op *net.OpError
	neverSent := errors.As(err, &op) && op.Op == "dial"
	return again, !neverSent
}

// nextWait is the advice with a little spread, so that those who were refused
// together do not come back together, or else grows with full jitter.
func nextWait(retry int, advice time.Duration, advised bool) time.Duration {
	if advised {
		return advice + rand.N(minWait)
	}
	limit := maxWait
	if retry < 16 {
		limit = min(maxWait, minWait<<retry)
	}
	return rand.N(limit)
}

// backoff hands the wait to the loop and announces it.
func (c *call) backoff(_, _ time.Duration, _ int, resp *http.Response) time.Duration {
	c.retries++
	step := c.step(StepWait)
	step.Wait = c.wait
	if resp != nil {
		step.Status, step.RequestID = c.advice.status, requestID(httpHeader(resp.Header))
	}
	c.waiting, c.waitStarted = &step, time.Now()
	opts := &c.client.opts
	opts.Log.LogAttrs(context.Background(), slog.LevelWarn, "dataverse retry", step.attrs()...)
	if opts.Tracer != nil {
		c.waitContext = opts.Tracer.Start(c.context, step)
	}
	return c.wait
}

// waited ends the step of a wait.
func (c *call) waited(err error) {
	if c.waiting == nil {
		return
	}
	step := *c.waiting
	c.waiting = nil
	step.Duration, step.Err = time.Since(c.waitStarted), err
	if c.client.opts.Tracer != nil {
		c.client.opts.Tracer.End(c.waitContext, step)
	}
}

// prepare is called before another attempt: the token may have aged meanwhile.
func (c *call) prepare(req *http.Request) error {
	c.waited(nil)
	token, err := c.bearer(req.Context(), nil)
	if err == nil && token != c.token {
		c.authorize(req, token)
	}
	return err
}
