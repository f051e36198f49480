package simulator

import (
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Options are the settings of a server. The zero value, and nil, give the
// defaults.
type Options struct {
	// Now is the clock. Default: time.Now.
	Now func() time.Time
	// NewID gives the ids of new rows. Default: random ones.
	NewID func() string
	// Addr is the listener's address. Default: "127.0.0.1:0".
	Addr string
	// NoListener starts no socket: requests reach the server through
	// ServeHTTP and Client only, which suits fake clocks. URL is then
	// "http://localhost:0": loopback, as clients demand of plain http, and a
	// port that nobody can listen on.
	NoListener bool
	// TenantID is the Entra tenant. Default: DefaultTenantID.
	TenantID string
	// OrganizationID is the organisation. Default: DefaultOrganizationID.
	OrganizationID string
	// MaxBody is the longest request body in bytes. Default: 128 MB, as the
	// service has it (fact sheet section 10).
	MaxBody int64
	// Strict is told what a real service would tolerate but what shows a
	// defect of the client: a missing OData-Version, a write of a column that
	// cannot be written. Default: nothing is reported.
	Strict func(Finding)
	// Anonymous lets requests without a token in, as the administrator.
	// Default: they are refused with 401.
	Anonymous bool
}

// The ids of what every server starts with.
const (
	DefaultOrganizationID = "4b2f0a66-93a1-4c31-8d04-6d3c54a10f01"
	// BusinessUnitID is the root business unit.
	BusinessUnitID = "0d4c1f7a-2b63-4e7f-8c55-5f1a9be3d001"
	// AdministratorID is the systemuser who is there from the start, a system
	// administrator.
	AdministratorID = "2f6e1c52-7a0d-4a53-9a3e-77f0c2b4e001"
	// CurrencyID is the organisation's currency.
	CurrencyID = "5a3b8e9c-1d2f-4c6a-b7e8-90f1a2b3c001"
)

// Server is a Dataverse organisation and an Entra tenant in process.
type Server struct {
	// URL is the origin, such as "http://127.0.0.1:53211": the organisation's
	// URL without a trailing slash. The service root is URL + "/api/data/v9.2/".
	URL string
	// Authority is the origin that Entra answers on, the same one: its paths
	// begin with the tenant.
	Authority string
	// TenantID is the Entra tenant.
	TenantID string
	// Entra is the simulated directory: tokens, registrations, their faults.
	Entra *Entra

	options Options
	schema  *Schema
	store   *store
	org     guid

	listener net.Listener
	http     *http.Server
	client   *http.Client
	done     chan struct{}
	close    sync.Once

	mu     sync.Mutex // guards log
	log    []*Request
	panics []string // defects that serve caught

	seams
}

// NewServer starts a server. A nil schema is the baseline; nil options are the
// defaults. It panics if it cannot listen, as httptest does. Close it.
func NewServer(schema *Schema, opts *Options) *Server {
	if schema == nil {
		schema = baseline()
	}
	s := &Server{schema: schema, store: newStore(schema), done: make(chan struct{})}
	if opts != nil {
		s.options = *opts
	}
	o := &s.options
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Addr == "" {
		o.Addr = "127.0.0.1:0"
	}
	if o.TenantID == "" {
		o.TenantID = DefaultTenantID
	}
	if o.OrganizationID == "" {
		o.OrganizationID = DefaultOrganizationID
	}
	if o.MaxBody == 0 {
		o.MaxBody = 128 << 20
	}
	s.TenantID = o.TenantID
	s.org = mustGUID(o.OrganizationID)
	s.Entra = NewEntra(EntraOptions{Clock: o.Now, Tenants: []string{o.TenantID}, User: s.entraUser})
	s.addFirstRows()
	s.initSeams()
	if o.NoListener {
		s.URL = "http://localhost:0"
		s.client = &http.Client{Transport: &transport{server: s, base: direct{s}}}
		close(s.done)
	} else {
		s.listen()
	}
	s.Authority = s.URL
	return s
}

func (s *Server) listen() {
	ln, err := net.Listen("tcp", s.options.Addr)
	if err != nil {
		panic("simulator: cannot listen on " + s.options.Addr + ": " + err.Error())
	}
	s.listener = ln
	s.URL = "http://" + ln.Addr().String()
	base := &http.Transport{MaxIdleConnsPerHost: 64}
	s.http = &http.Server{Handler: s, ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0), MaxHeaderBytes: 1 << 20}
	s.client = &http.Client{Transport: &transport{server: s, base: base}}
	go func() {
		defer close(s.done)
		_ = s.http.Serve(ln)
	}()
}

// Client gives a client that reaches the server, with or without a socket.
// Requests without an Authorization header are sent as the administrator.
func (s *Server) Client() *http.Client { return s.client }

// Schema gives the schema that the server was started with.
func (s *Server) Schema() *Schema { return s.schema }

// Close stops the server and its connections.
func (s *Server) Close() {
	s.close.Do(func() {
		s.client.CloseIdleConnections()
		if s.http != nil {
			_ = s.http.Close()
		}
	})
	<-s.done
}

// now is the time in whole seconds, which is what the service keeps (DV030).
func (s *Server) now() time.Time { return s.options.Now().UTC().Truncate(time.Second) }

// newID gives the id of a new row.
func (s *Server) newID() guid {
	if s.options.NewID == nil {
		return newGUID()
	}
	text := s.options.NewID()
	g, ok := parseGUID(text)
	if !ok {
		panic("simulator: Options.NewID gave " + strconv.Quote(text) + ", which is no id")
	}
	return g
}

// ServeHTTP answers one request: the door without a socket.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rest, ok := strings.CutPrefix(r.URL.EscapedPath(), "/api/data/v9.")
	if !ok && strings.HasPrefix(r.URL.Path, "/api/") {
		c := &call{server: s, header: r.Header, prefer: parsePrefer(r.Header)}
		s.send(w, r, c.errorResponse(errNoResource("http://"+r.Host+r.URL.EscapedPath())))
		return
	}
	if !ok {
		s.serveEntra(w, r)
		return
	}
	version, path, _ := strings.Cut(rest, "/")
	s.serveData(w, r, version, path)
}

// serveData answers a request to the Web API.
func (s *Server) serveData(w http.ResponseWriter, r *http.Request, version, path string) {
	scheme := "http://"
	if r.TLS != nil {
		scheme = "https://"
	}
	host := r.Host
	if host == "" {
		host = strings.TrimPrefix(strings.TrimPrefix(s.URL, "https://"), "http://")
	}
	c := &call{
		server: s, method: r.Method, base: scheme + host + "/api/data/v9." + version,
		path: path, rawQuery: r.URL.RawQuery, header: r.Header,
		now: s.now(), prefer: parsePrefer(r.Header),
	}
	c.entry = s.record(c, r.URL.EscapedPath())
	after, stop := s.beforeFaults(w, r, c)
	if stop {
		return
	}
	resp := s.receive(w, r, c, version)
	c.entry.finish(s, resp.status)
	if after != nil {
		if after(resp) {
			return
		}
	}
	s.send(w, r, resp)
}

// receive reads the body, asks who calls, and serves.
func (s *Server) receive(w http.ResponseWriter, r *http.Request, c *call, version string) *response {
	if len(version) != 1 || version[0] < '0' || version[0] > '2' {
		return c.errorResponse(errSegment("v9." + version))
	}
	// DV019: a URL of more than 32,768 characters is refused.
	if len(r.RequestURI) > 32768 || len(c.path)+len(c.rawQuery) > 32768 {
		return c.errorResponse(errQuery("Invalid URI: The Uri string is too long."))
	}
	if r.Body != nil && r.Body != http.NoBody {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, s.options.MaxBody))
		if tooLarge := (*http.MaxBytesError)(nil); err != nil && !errors.As(err, &tooLarge) {
			return c.errorResponse(failf(http.StatusBadRequest, codePayload, "The body of the request could not be read."))
		}
		if err != nil {
			return c.errorResponse(failf(http.StatusRequestEntityTooLarge, "0x8004418A", "Request message length is too large."))
		}
		c.body = body
	}
	var err error
	if c.caller, err = s.authenticate(c); err != nil {
		return c.errorResponse(err)
	}
	c.entry.setUser(s, c.caller)
	c.strictHeaders()
	return s.serve(c)
}

// send writes a response and the headers that every response has.
func (s *Server) send(w http.ResponseWriter, r *http.Request, resp *response) {
	h := w.Header()
	resp.each(func(name, value string) {
		if name == "OData-EntityId" || name == "OData-Version" || name == "REQ_ID" {
			h[name] = append(h[name], value) // spelled as the service does
			return
		}
		h.Add(name, value)
	})
	id := newGUID().String()
	h["x-ms-service-request-id"] = []string{id}
	h["REQ_ID"] = []string{id}
	if lim := s.limits.Load(); (lim == nil || !lim.on()) && resp.status < http.StatusInternalServerError &&
		resp.status != http.StatusTooManyRequests && resp.status != http.StatusUnauthorized {
		h[headerRequestsLeft], h[headerTimeLeft] = unlimitedRequests, unlimitedTime
	}
	w.WriteHeader(resp.status)
	if len(resp.body) > 0 && r.Method != http.MethodHead {
		_, _ = w.Write(resp.body)
	}
}

// transport adds the administrator's token where the caller gave none.
type transport struct {
	server *Server
	base   http.RoundTripper
}

func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Header.Get("Authorization") == "" && strings.HasPrefix(r.URL.Path, "/api/data/") {
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", "Bearer "+t.server.adminToken())
	}
	return t.base.RoundTrip(r)
}
