package simulator

import (
	"net/http"
	"slices"
)

// Request is a line of the log of requests. It holds no body and no token.
type Request struct {
	// Method, Path and Query are as received; Path begins with a slash and is
	// still escaped.
	Method, Path, Query string
	// Header has the headers that say something about the client: OData
	// versions, Prefer, conditions, impersonation, MSCRM options, ids.
	Header http.Header
	// User is the systemuserid of the caller, after impersonation; empty if
	// it was refused.
	User string
	// Status is the answer's; 0 while it is being worked on.
	Status int
	// Parts are the parts of a batch, in order, those of change sets
	// included.
	Parts []Request

	parts []*Request
}

var loggedHeaders = []string{
	"Accept", "Consistency", "Content-Type", "If-Match", "If-None-Match", "Odata-Maxversion", "Odata-Version", "Prefer",
	"Callerobjectid", "Mscrmcallerid", "User-Agent", "X-Ms-Client-Request-Id",
}

func logEntry(c *call, path string) *Request {
	h := http.Header{}
	for name, values := range c.header {
		if slices.Contains(loggedHeaders, name) || len(name) > 6 && name[:6] == "Mscrm." {
			h[name] = values
		}
	}
	return &Request{Method: c.method, Path: path, Query: c.rawQuery, Header: h}
}

// record adds a request to the log.
func (s *Server) record(c *call, path string) *Request {
	e := logEntry(c, path)
	s.mu.Lock()
	if len(s.log) == maxLog {
		s.log = append(s.log[:0], s.log[maxLog/10:]...) // the oldest tenth goes
	}
	s.log = append(s.log, e)
	s.mu.Unlock()
	return e
}

// maxLog bounds the memory of the log.
const maxLog = 100000

// recordPart adds a part to a batch's entry; the part becomes part.entry.
func (s *Server) recordPart(batch, part *call, path string) {
	part.entry = logEntry(part, path)
	s.mu.Lock()
	batch.entry.parts = append(batch.entry.parts, part.entry)
	s.mu.Unlock()
	part.entry.setUser(s, part.caller)
}

func (e *Request) finish(s *Server, status int) {
	s.mu.Lock()
	e.Status = status
	s.mu.Unlock()
}

func (e *Request) setUser(s *Server, c *actor) {
	if c == nil {
		return
	}
	s.mu.Lock()
	e.User = c.user.String()
	s.mu.Unlock()
}

// Requests gives the log of requests to the Web API, oldest first. Of more than
// 100,000 the oldest are forgotten.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return snapshot(s.log)
}

func snapshot(entries []*Request) []Request {
	all := make([]Request, 0, len(entries))
	for _, e := range entries {
		r := *e
		r.Parts, r.parts = nil, nil
		if len(e.parts) > 0 {
			r.Parts = snapshot(e.parts)
		}
		all = append(all, r)
	}
	return all
}
