package dataverse

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// An advice is what an answer says of another attempt.
type advice struct {
	status int
	code   string // "" where the answer is a success
	// wait is how long the service asks to wait, if it is advised.
	wait    time.Duration
	advised bool
	// unreadable says that a success was not answered in the form of the Web
	// API: what became of the request is not known.
	unreadable bool
}

// adviceOf reads an answer, or a part of one to a $batch.
func adviceOf(status int, h headers, body []byte) advice {
	a := advice{status: status}
	if status < 400 {
		return a
	}
	a.code, _ = errorBody(body)
	a.wait, a.advised = retryAdvice(h, body)
	return a
}

// advised is the advice that the error had.
func (e *Error) advised() advice {
	return advice{status: e.Status, code: e.Code, wait: e.RetryAfter, advised: e.RetryAfter > 0}
}

// judge tells whether the answer is a failure that may pass, and whether the
// service may have acted all the same (fact sheet, 9.3).
func (a advice) judge() (transient, acted bool) {
	switch {
	case a.unreadable:
		return true, true
	case a.throttled():
		return true, false
	}
	switch a.status {
	case http.StatusServiceUnavailable:
		return true, !a.advised
	case http.StatusRequestTimeout:
		return true, true
	case http.StatusNotImplemented, http.StatusHTTPVersionNotSupported:
		return false, false
	}
	if a.status >= 500 { // of the service, or of a proxy that has words of its own
		return true, true
	}
	database := a.code == CodeSQLError || a.code == CodeSQLTimeout
	return database, database
}

// throttled reports whether a service protection limit was met: by the status,
// or by the code where a front end changed that.
func (a advice) throttled() bool {
	switch a.code {
	case CodeThrottleTime, CodeThrottleRequests, CodeThrottleConcurrency:
		return true
	}
	return a.status == http.StatusTooManyRequests
}

// learn reads what the answer says of another attempt, for this call and for
// the limiter. The answer to a $batch may say it in a part alone: in the only
// one of a change set that failed, and the status of the whole is not to be
// relied on (fact sheet, 5.3).
func (c *call) learn(resp *http.Response, body []byte) (throttled advice) {
	c.answered, c.advice = nil, advice{}
	if resp == nil {
		return advice{}
	}
	if c.parts != nil && isMultipart(resp.Header) {
		parts, err := parseBatch(resp.Header.Get("Content-Type"), body)
		if err == nil && c.complete(parts) {
			c.answered = parts
			return c.learnParts()
		}
		c.advice = advice{status: resp.StatusCode, unreadable: true}
		return advice{}
	}
	c.advice = adviceOf(resp.StatusCode, httpHeader(resp.Header), body)
	c.advice.unreadable = resp.StatusCode < 300 && c.request.Method != http.MethodGet && !c.isAnswer(resp, body)
	throttled = c.advice
	if c.records > 0 && resp.StatusCode >= 400 {
		if c.partly = elasticOutcomes(body); c.partly != nil {
			c.advice = advice{} // what was written must not be sent again
		}
	}
	return throttled
}

// complete reports whether the parts answer for all that was asked. A change
// set is answered by one part for each operation, in any order, or by the
// failed one alone (fact sheet, 5.3); operations that stand alone by a part
// each, in order, as nothing else tells which is which.
func (c *call) complete(parts []partResponse) bool {
	if !c.atomic {
		return len(parts) == len(c.parts)
	}
	seen := make([]bool, len(c.parts))
	for i := range parts {
		if parts[i].status >= 400 {
			return true
		}
		id := parts[i].contentID - 1
		if id < 0 || id >= len(seen) || seen[id] {
			return false
		}
		seen[id] = true
	}
	return len(parts) == len(seen)
}

// isAnswer reports whether the service itself can have answered a write so: by
// 204, or with a body in JSON. A page of a gateway or of a login is no success.
func (c *call) isAnswer(resp *http.Response, body []byte) bool {
	switch {
	case c.parts != nil: // which is not multipart
		return false
	case resp.StatusCode == http.StatusNoContent:
		return true
	case resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusCreated:
		return false
	}
	if len(body) == 0 {
		return resp.Header.Get("Odata-Version") != "" || resp.Header.Get("Odata-Entityid") != ""
	}
	return json.Valid(body)
}

// learnParts takes for the advice on the whole that of a part that failed in
// passing, where the parts go together; each of the others is the business of
// whoever asked. What throttled is in any case the longest wait of all parts.
func (c *call) learnParts() (throttled advice) {
	c.advice = advice{status: http.StatusOK}
	for i := range c.answered {
		p := &c.answered[i]
		if p.status < 400 {
			continue
		}
		a := adviceOf(p.status, p.header, p.body)
		transient, _ := a.judge()
		if passing, _ := c.advice.judge(); c.together && transient && (!passing || a.wait > c.advice.wait) {
			c.advice = a
		}
		if a.throttled() && (throttled.status == 0 || a.wait > throttled.wait) {
			throttled = a
		}
	}
	return throttled
}

func isMultipart(h http.Header) bool {
	_, ok := multipartBoundary(h.Get("Content-Type"))
	return ok
}

// retryAdvice is how long an answer asks to wait: by its header, or by the
// annotation that repeats it in the error object where error annotations are
// asked for. The name of that annotation is not documented: any that ends in
// Retry-After counts.
func retryAdvice(h headers, body []byte) (time.Duration, bool) {
	now := time.Now()
	if sent, err := http.ParseTime(h.get("Date")); err == nil {
		now = sent // a date is by the service's clock, and ours may be wrong
	}
	if wait, ok := retryAfter(h.get("Retry-After"), now); ok {
		return wait, true
	}
	var doc struct{ Error map[string]any }
	if json.Unmarshal(body, &doc) != nil {
		return 0, false
	}
	for name, value := range doc.Error {
		text, _ := value.(string)
		if !strings.HasPrefix(name, "@") || !strings.HasSuffix(strings.ToLower(name), "retry-after") {
			continue
		}
		if wait, ok := timeSpan(text); ok {
			return wait, true
		}
		return retryAfter(text, now)
	}
	return 0, false
}

// retryAfter reads seconds, whole or not, or a date in one of the three forms
// of HTTP. An advice too long for a time.Duration is the longest one: it is
// still no leave to ask at once.
func retryAfter(header string, now time.Time) (time.Duration, bool) {
	header = strings.TrimSpace(header)
	s, err := strconv.ParseFloat(header, 64)
	switch {
	case err == nil && math.IsInf(s, 0): // the word, not a number
		return 0, false
	case err == nil || errors.Is(err, strconv.ErrRange):
		if s >= math.MaxInt64/float64(time.Second) {
			return math.MaxInt64, true
		}
		return time.Duration(max(0, s) * float64(time.Second)), s >= 0
	}
	t, err := http.ParseTime(header)
	if err != nil {
		return 0, false
	}
	return max(0, t.Sub(now)), true
}

// timeSpan reads a time of .NET without days, such as 00:05:00.
func timeSpan(text string) (time.Duration, bool) {
	t, err := time.Parse("15:04:05", text)
	if err != nil {
		return 0, false
	}
	return t.Sub(time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)), true
}
