package simulator

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// beforeFaults asks the fault script and the limits. stop: the answer has been
// given (or the connection ended). after, if not nil, is called with the
// response and may answer in its stead, then it reports true.
func (s *Server) beforeFaults(w http.ResponseWriter, r *http.Request, c *call) (after func(*response) bool, stop bool) {
	leave, refused := s.enterLimits(c)
	if refused != nil {
		s.sendFault(w, r, c, refused)
		return nil, true
	}
	var f *Fault
	if s.faults.active() {
		f = s.faults.take(s.faultRequest(r, c))
	}
	if leave == nil {
		return s.applyFault(w, r, c, f)
	}
	left := false
	defer func() {
		if !left { // answered here, or the connection ended
			leave()
		}
	}()
	then, stop := s.applyFault(w, r, c, f)
	if stop {
		return nil, true
	}
	left = true
	return func(resp *response) bool {
		leave()
		s.showRemaining(c, resp)
		return then != nil && then(resp)
	}, false
}

// applyFault lets a fault happen.
func (s *Server) applyFault(w http.ResponseWriter, r *http.Request, c *call, f *Fault) (after func(*response) bool, stop bool) {
	if f == nil {
		return nil, false
	}
	if f.DelayMS > 0 && !s.hold(r, time.Duration(f.DelayMS)*time.Millisecond) {
		s.drop(c)
		return nil, true
	}
	switch f.Kind {
	case FaultDelay:
		return nil, false
	case FaultReset:
		s.drop(c)
	case FaultLost:
		return func(resp *response) bool {
			s.drop(c)
			return true
		}, false
	case FaultTruncated:
		return func(resp *response) bool {
			s.truncate(w, resp)
			return true
		}, false
	case FaultToken:
		s.sendFault(w, r, c, asAPIError(s.unauthorized()))
	default:
		s.sendFault(w, r, c, f.apiError())
	}
	return nil, true
}

// hold waits on the server's sleep; false: the client went away.
func (s *Server) hold(r *http.Request, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

// drop ends the connection without an answer.
func (s *Server) drop(c *call) {
	c.entry.finish(s, -1)
	panic(http.ErrAbortHandler)
}

// truncate promises the whole body, sends half of it and ends the connection.
func (s *Server) truncate(w http.ResponseWriter, resp *response) {
	resp.each(func(name, value string) { w.Header().Add(name, value) })
	w.Header().Set("Content-Length", strconv.Itoa(max(len(resp.body), 2)))
	w.WriteHeader(resp.status)
	_, _ = w.Write(resp.body[:len(resp.body)/2])
	if fl, ok := w.(http.Flusher); ok {
		fl.Flush()
	}
	panic(http.ErrAbortHandler)
}

func (s *Server) sendFault(w http.ResponseWriter, r *http.Request, c *call, e *apiError) {
	resp := c.errorResponse(e)
	c.entry.finish(s, resp.status)
	s.send(w, r, resp)
}

// apiError is the answer of an answering fault.
func (f *Fault) apiError() *apiError {
	status, code, message, retryAfter := f.answer()
	e := &apiError{Status: status, Code: code, Message: message}
	if retryAfter != "" {
		e.Header = http.Header{"Retry-After": {retryAfter}}
	}
	if f.Kind == FaultHTML {
		e.Body = []byte(faultPage(status, message))
	}
	return e
}

// partFault is the fault that hits an operation inside a batch, or nil.
func (s *Server) partFault(c *call) error {
	if !s.faults.active() {
		return nil
	}
	fr := s.callFaultRequest(c)
	fr.part = true
	if f := s.faults.take(fr); f != nil {
		return f.apiError()
	}
	return nil
}

// faultRequest says what a request is, for matching. The body of a batch is
// read here, and given back, to learn which tables it is about.
func (s *Server) faultRequest(r *http.Request, c *call) *faultRequest {
	fr := s.callFaultRequest(c)
	if fr.path == "$batch" && r.Body != nil {
		body, err := io.ReadAll(io.LimitReader(r.Body, s.options.MaxBody+1))
		r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), errReader{err}))
		for _, t := range s.schema.tables {
			if bytes.Contains(body, []byte("/"+t.EntitySet)) {
				fr.tables = append(fr.tables, t.LogicalName)
			}
		}
	}
	return fr
}

// errReader gives the error that ends a body.
type errReader struct{ err error }

func (e errReader) Read([]byte) (int, error) {
	if e.err == nil {
		return 0, io.EOF
	}
	return 0, e.err
}

func (s *Server) callFaultRequest(c *call) *faultRequest {
	fr := &faultRequest{method: c.method, path: withoutKeys(c.path)}
	set, _, _ := strings.Cut(fr.path, "/")
	if t := s.schema.TableBySet(set); t != nil {
		fr.tables = append(fr.tables, t.LogicalName)
	}
	who := c.caller
	if who == nil {
		if who, _ = s.authenticate(c); who == nil {
			return fr
		}
	}
	fr.users = append(fr.users, who.user.String())
	t := s.schema.Table("systemuser")
	look := func(v *view) error {
		if row := v.get(t, who.user); row != nil {
			for _, name := range []string{"internalemailaddress", "azureactivedirectoryobjectid", "applicationid"} {
				switch x := row.get(t.Column(name)).(type) {
				case string:
					fr.users = append(fr.users, x)
				case guid:
					fr.users = append(fr.users, x.String())
				}
			}
		}
		return nil
	}
	if c.view != nil { // in a change set, which holds the store already
		_ = look(c.view)
	} else {
		_ = s.store.read(look)
	}
	return fr
}

// withoutKeys drops what stands in parentheses from a path, and its escapes.
func withoutKeys(path string) string {
	if u, err := url.PathUnescape(path); err == nil {
		path = u
	}
	var b strings.Builder
	depth := 0
	for _, ch := range path {
		switch {
		case ch == '(':
			depth++
		case ch == ')':
			depth--
		case depth == 0:
			b.WriteRune(ch)
		}
	}
	return strings.Trim(b.String(), "/")
}

// enterLimits counts a request against the service protection limits. leave is
// nil if there are none.
func (s *Server) enterLimits(c *call) (leave func(), refused *apiError) {
	lim := s.limits.Load()
	if lim == nil || !lim.on() {
		return nil, nil
	}
	user, err := s.tokenUser(c)
	if err != nil {
		return nil, nil // the request fails by itself
	}
	key, start := user.String(), s.options.Now()
	if e := s.limiter.enter(key, start, lim); e != nil {
		return nil, &apiError{Status: http.StatusTooManyRequests, Code: e.code, Message: e.message,
			Header: http.Header{"Retry-After": {strconv.Itoa(int((e.retryAfter + time.Second - 1) / time.Second))}}}
	}
	return func() {
		s.limiter.leave(key, start, s.options.Now(), max(c.operations, 1), lim)
	}, nil
}

// Limit sets the service protection limits from now on; the zero value, which
// is the default, has none.
func (s *Server) Limit(l Limits) { s.limits.Store(&l) }

// Names of the headers that say what the limits leave, for debugging (fact
// sheet, section 2.5).
const (
	headerRequestsLeft = "X-Ms-Ratelimit-Burst-Remaining-Xrm-Requests"
	headerTimeLeft     = "X-Ms-Ratelimit-Time-Remaining-Xrm-Requests"
)

// What they say where nothing is limited: the service's limits less this
// request (DV017).
var (
	unlimitedRequests = []string{strconv.Itoa(ServiceLimits.Requests - 1)}
	unlimitedTime     = []string{secondsLeft(ServiceLimits.Time)}
)

// showRemaining says what the limits leave to the caller.
func (s *Server) showRemaining(c *call, resp *response) {
	lim := s.limits.Load()
	if c.caller == nil || lim == nil || !lim.on() {
		return
	}
	user := c.caller.user
	if c.caller.behalf != (guid{}) {
		user = c.caller.behalf
	}
	requests, left := s.limiter.remaining(user.String(), lim)
	if resp.header == nil {
		resp.header = http.Header{}
	}
	if lim.Requests > 0 {
		resp.header[headerRequestsLeft] = []string{strconv.Itoa(requests)}
	}
	if lim.Time > 0 {
		resp.header[headerTimeLeft] = []string{secondsLeft(left)}
	}
}

// secondsLeft writes a time as the service does: "1,199.98".
func secondsLeft(d time.Duration) string {
	hundredths := d.Milliseconds() / 10
	return fmt.Sprintf("%s.%02d", grouped(hundredths/100), hundredths%100)
}
