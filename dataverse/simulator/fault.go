package simulator

import (
	"fmt"
	"net/http"
	"path"
	"strings"
	"sync"
)

// FaultKind names what goes wrong.
type FaultKind string

const (
	// FaultRequests, FaultTime and FaultConcurrency are the three service
	// protection answers: 429 with 0x80072322, 0x80072321 or 0x80072326 and
	// Retry-After (fact sheet, section 10).
	FaultRequests    FaultKind = "requests"
	FaultTime        FaultKind = "time"
	FaultConcurrency FaultKind = "concurrency"
	// FaultError answers with Status, Code and Message as an OData error. The
	// default is 503 with 0x80040216.
	FaultError FaultKind = "error"
	// FaultHTML answers with Status and a HTML page, as gateways in front of
	// the service do. The default is 502.
	FaultHTML FaultKind = "html"
	// FaultDelay holds the request back for DelayMS, then lets it pass.
	FaultDelay FaultKind = "delay"
	// FaultReset closes the connection before the request takes effect.
	FaultReset FaultKind = "reset"
	// FaultLost lets the request take effect and closes the connection
	// instead of answering.
	FaultLost FaultKind = "lost"
	// FaultTruncated lets the request take effect and closes the connection
	// in the middle of the answer's body.
	FaultTruncated FaultKind = "truncated"
	// FaultToken answers 401 as to an expired token, whatever token was sent.
	FaultToken FaultKind = "token"
	// FaultMetadataLag leaves Table (and only Column of it, if given) out of
	// metadata, as a stale cache does, unless the request has the header
	// Consistency: Strong.
	FaultMetadataLag FaultKind = "metadataLag"
)

// Fault is one scripted failure: which requests it hits and what happens to
// them. The zero values of the matching fields match everything. Faults are
// tried in the order in which they were given to Fail; the first that
// matches is used.
//
// A $batch request is one request: it matches by its own method and path
// (POST, /$batch), and by Table when one of its operations is on the table.
// FaultError, FaultHTML and the three 429 kinds with a Table, or with a Path
// other than that of the batch, hit the operation inside the batch instead.
type Fault struct {
	Kind FaultKind `json:"kind"`

	// Method is the HTTP method.
	Method string `json:"method,omitempty"`
	// Path is a pattern (path.Match) for the path below the service root,
	// without key and query: "contacts", "$batch", "contacts/*".
	Path string `json:"path,omitempty"`
	// Table is a table's logical name.
	Table string `json:"table,omitempty"`
	// User is an e-mail address, Entra object id, application id or
	// systemuserid of who sends the request.
	User string `json:"user,omitempty"`
	// Skip lets so many matching requests pass first.
	Skip int `json:"skip,omitempty"`
	// Count is how many matching requests are hit: 0 means one, -1 all.
	Count int `json:"count,omitempty"`

	// Status, Code and Message shape the answer; zero means the kind's own.
	Status  int    `json:"status,omitempty"`
	Code    string `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
	// RetryAfter is the header's value: seconds, or a date. Zero means 1 for
	// the 429 kinds and none for the others; "-" means none.
	RetryAfter string `json:"retryAfter,omitempty"`
	// DelayMS holds the request back for so many milliseconds of the server's
	// clock before the fault happens, for any kind.
	DelayMS int `json:"delayMs,omitempty"`
	// Column is for FaultMetadataLag.
	Column string `json:"column,omitempty"`
}

// faultRequest is what a fault is matched against.
type faultRequest struct {
	method string
	path   string // below the service root, keys and query removed
	tables []string
	users  []string // all names of the caller
	part   bool     // an operation of a batch
}

// faultScript holds the faults that are still to happen. The zero value has
// none.
type faultScript struct {
	mu     sync.Mutex
	faults []*scriptedFault
}

type scriptedFault struct {
	Fault
	skip, left int
}

// Fail adds a fault to the script of the server. It panics if the kind is not
// one of the constants or the path pattern is malformed: both are mistakes in
// the test.
func (s *Server) Fail(f Fault) {
	if err := f.Check(); err != nil {
		panic(err)
	}
	s.faults.add(f)
}

// Check says what is wrong with a fault, for those that read one from a file.
func (f *Fault) Check() error {
	switch f.Kind {
	case FaultRequests, FaultTime, FaultConcurrency, FaultError, FaultHTML, FaultDelay,
		FaultReset, FaultLost, FaultTruncated, FaultToken, FaultMetadataLag:
	default:
		return fmt.Errorf("simulator: unknown fault kind %q", f.Kind)
	}
	if _, err := path.Match(f.Path, ""); err != nil {
		return fmt.Errorf("simulator: fault path %q: %w", f.Path, err)
	}
	return nil
}

func (fs *faultScript) add(f Fault) {
	left := f.Count
	if left == 0 {
		left = 1
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.faults = append(fs.faults, &scriptedFault{Fault: f, skip: f.Skip, left: left})
}

// take returns the fault that hits a request, and counts it.
func (fs *faultScript) take(r *faultRequest) *Fault {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for i, f := range fs.faults {
		if f.Kind == FaultMetadataLag || !f.matches(r) {
			continue
		}
		if f.skip > 0 {
			f.skip--
			continue
		}
		if f.left > 0 {
			if f.left--; f.left == 0 {
				fs.faults = append(fs.faults[:i:i], fs.faults[i+1:]...)
			}
		}
		out := f.Fault
		return &out
	}
	return nil
}

// active says whether any fault is scripted, so that a server without faults
// pays nothing.
func (fs *faultScript) active() bool {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return len(fs.faults) > 0
}

// lags says whether a table, or one column of it, is missing from metadata.
// It counts nothing: lag lasts until ClearFaults.
func (fs *faultScript) lags(table, column string) bool {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for _, f := range fs.faults {
		if f.Kind == FaultMetadataLag && f.Table == table && f.Column == column {
			return true
		}
	}
	return false
}

// ClearFaults drops all faults that have not happened yet.
func (s *Server) ClearFaults() {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.faults = nil
}

func (f *Fault) matches(r *faultRequest) bool {
	if f.inBatch() != r.part && (r.part || r.path == "$batch" && f.answers()) {
		return false
	}
	if f.Method != "" && !strings.EqualFold(f.Method, r.method) {
		return false
	}
	if f.Path != "" {
		if ok, _ := path.Match(strings.Trim(f.Path, "/"), r.path); !ok {
			return false
		}
	}
	if f.Table != "" && !anyFold(r.tables, f.Table) {
		return false
	}
	return f.User == "" || anyFold(r.users, f.User)
}

// answers says that the fault is an answer, which an operation of a batch can
// get as well as a request.
func (f *Fault) answers() bool {
	switch f.Kind {
	case FaultRequests, FaultTime, FaultConcurrency, FaultError, FaultHTML:
		return true
	}
	return false
}

// inBatch says that the fault hits operations inside batches.
func (f *Fault) inBatch() bool {
	return f.answers() && (f.Table != "" || f.Path != "" && strings.Trim(f.Path, "/") != "$batch")
}

func anyFold(list []string, s string) bool {
	for _, x := range list {
		if strings.EqualFold(x, s) {
			return true
		}
	}
	return false
}

// answer is the response of an answering fault.
func (f *Fault) answer() (status int, code, message, retryAfter string) {
	status, code, message, retryAfter = f.Status, f.Code, f.Message, f.RetryAfter
	def := func(st int, c, m, ra string) {
		if status == 0 {
			status = st
		}
		if code == "" {
			code = c
		}
		if message == "" {
			message = m
		}
		if retryAfter == "" {
			retryAfter = ra
		}
	}
	switch f.Kind {
	case FaultRequests:
		def(http.StatusTooManyRequests, codeLimitRequests, limitText(codeLimitRequests), "1")
	case FaultTime:
		def(http.StatusTooManyRequests, codeLimitTime, limitText(codeLimitTime), "1")
	case FaultConcurrency:
		def(http.StatusTooManyRequests, codeLimitConcurrency, limitText(codeLimitConcurrency), "1")
	case FaultHTML:
		def(http.StatusBadGateway, "", "The service is unavailable.", "")
	default:
		def(http.StatusServiceUnavailable, "0x80040216", "An unexpected error occurred.", "")
	}
	if retryAfter == "-" {
		retryAfter = ""
	}
	return status, code, message, retryAfter
}

// faultPage is the body of FaultHTML, in the form that gateways use.
func faultPage(status int, message string) string {
	return fmt.Sprintf("<html>\r\n<head><title>%d %s</title></head>\r\n<body>\r\n<center><h1>%d %s</h1></center>\r\n<p>%s</p>\r\n</body>\r\n</html>\r\n",
		status, http.StatusText(status), status, http.StatusText(status), message)
}
