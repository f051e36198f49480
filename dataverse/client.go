package dataverse

import (
	"context"
	"iter"
	"log/slog"
	"net/http"
	"time"
)

// A TokenSource gives the bearer token of one identity for the organisation.
// It caches: the client asks before every request, from several goroutines.
// An error is returned to the caller as it is and is never retried.
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
// client and object id. Clients whose sources give one name share one limiter;
// without it sources that are equal do.
type Identifier interface {
	Identity() string
}

// Options of a [Client]; nil or zero values stand for the defaults.
type Options struct {
	// HTTP sends the requests. Default: one transport, shared by all clients
	// of the process: HTTP/2, keep-alive, gzip, no cookies.
	HTTP http.RoundTripper
	// Log gets one debug record an attempt and one warning a retry: method,
	// path template, status, ids, durations; no values. Default: none.
	Log *slog.Logger
	// Tracer is told of requests, waits and token calls. Default: none.
	Tracer Tracer
	// Timeout bounds one attempt, answer included. Default: 2 minutes.
	Timeout time.Duration
	// MaxRetries bounds the attempts after the first. Default: 5; negative:
	// none.
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
	// Parallel bounds the requests under way for one identity until the
	// service hints at a number, and 52 bounds them after. Default: 4.
	Parallel int
	// UserAgent is sent with every request. Default: "engage-playbooks".
	UserAgent string
}

// Client reads and writes one organisation as one identity. It is safe for
// concurrent use and has nothing to close.
type Client struct {
	tokens TokenSource
}

// New returns a client for the organisation at orgURL, such as
// "https://contoso.crm4.dynamics.com"; a path of the service root behind it is
// accepted. The scheme is https; plain http is for loopback alone. It sends
// nothing.
func New(orgURL string, ts TokenSource, opts *Options) (*Client, error) {
	return &Client{tokens: ts}, nil
}

// As returns the client of another identity of the same organisation. It
// shares connections, metadata, and the limiter of the same identity.
func (c *Client) As(ts TokenSource) *Client { return &Client{tokens: ts} }

// Query sends q and yields its rows, page by page; memory is bounded by one
// page. It ends after the first error.
func (c *Client) Query(ctx context.Context, q *Query) iter.Seq2[Record, error] {
	panic("not yet")
}

// Rows is the answer to one of several queries.
type Rows struct {
	Records []Record
	Err     error
}

// QueryAll sends independent queries at once and collects all pages of each.
// The answers stand in the order of the queries.
func (c *Client) QueryAll(ctx context.Context, qs []*Query) []Rows { panic("not yet") }

// Get reads the one row q.ID.
func (c *Client) Get(ctx context.Context, q *Query) (Record, error) { panic("not yet") }

// Apply sends the writes as one: all happen or none.
func (c *Client) Apply(ctx context.Context, cs *ChangeSet) ([]Written, error) { panic("not yet") }

// BulkOptions of [Client.Bulk].
type BulkOptions struct {
	// ChunkSize bounds the writes of one request. Default: adapts between 10
	// and 1,000.
	ChunkSize int
	// Report is called after each request with what it settled, from several
	// goroutines at once. Default: none.
	Report func([]Written)
}

// Bulk sends the writes in chunks; refused ones do not stop the others.
func (c *Client) Bulk(ctx context.Context, cs *ChangeSet, opts *BulkOptions) ([]Written, error) {
	panic("not yet")
}

// Existing tells for each write that names a row by id whether that row is
// there.
func (c *Client) Existing(ctx context.Context, cs *ChangeSet) ([]bool, error) { panic("not yet") }

// Table gives the definition of one table, from the cache if it is fresh.
func (c *Client) Table(ctx context.Context, logicalName string) (*Table, error) { panic("not yet") }

// Tables gives the definitions of several tables in the order of the names,
// with one request for all that are not fresh.
func (c *Client) Tables(ctx context.Context, logicalNames ...string) ([]*Table, error) {
	panic("not yet")
}

// Forget drops tables from the cache of definitions; without names, all.
func (c *Client) Forget(logicalNames ...string) { panic("not yet") }

// Identity is who the service says that the caller is.
type Identity struct{ UserID, BusinessUnitID, OrganizationID GUID }

// WhoAmI asks the service who the caller is.
func (c *Client) WhoAmI(ctx context.Context) (Identity, error) { panic("not yet") }

// Row names one row of one table.
type Row struct {
	Table, EntitySet string
	// PrimaryKey is the primary key column; "": from metadata.
	PrimaryKey string
	ID         GUID
}

// CanRead tells for each row whether the caller may read it, in the fewest
// requests. Rows that do not exist cannot be read.
func (c *Client) CanRead(ctx context.Context, rows ...Row) ([]bool, error) { panic("not yet") }

// Request builds the GET that q stands for.
func (q *Query) Request() (Request, error) { panic("not yet") }

// Requests builds one request for each write, in order.
func (cs *ChangeSet) Requests() ([]Request, error) { panic("not yet") }

// Request builds the one request of the change set: its single operation, or
// the $batch with one change set.
func (cs *ChangeSet) Request() (Request, error) { panic("not yet") }

// ReadOnly returns a transport that refuses with [ErrReadOnly] whatever could
// change a record, and sends the rest through base. It looks into $batch.
func ReadOnly(base http.RoundTripper) http.RoundTripper { panic("not yet") }

// ParseGUID reads a GUID with or without braces, in any case.
func ParseGUID(s string) (GUID, error) { panic("not yet") }
