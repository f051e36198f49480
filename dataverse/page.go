package dataverse

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"strings"
)

// Query sends q and yields its rows, page by page: memory is bounded by one
// page, however many there are. It ends after the first error. All pages are
// followed, each by the link that the service gave, as it is; a link to
// another origin is refused. A query that no row can satisfy sends nothing.
//
// A query whose URL would be too long is sent within a $batch. One that is too
// long for that too, for the values of an [In] that is the filter or one of
// its and-ed conditions, is sent in several, and OrderBy then holds within
// each of them.
func (c *Client) Query(ctx context.Context, q *Query) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		if q.Nothing() {
			return
		}
		left := q.Top
		take := func(r Record) bool {
			if !yield(r, nil) {
				return false
			}
			left--
			return left != 0
		}
		r, err := q.request(c.opts.PageSize)
		if err != nil {
			yield(nil, err)
			return
		}
		if r.fitsBatch() {
			if _, err := c.follow(ctx, q, r, take); err != nil {
				yield(nil, err)
			}
			return
		}
		for _, q := range q.split() {
			more, err := c.pages(ctx, q, take)
			if err != nil {
				yield(nil, err)
				return
			}
			if !more {
				return
			}
		}
	}
}

// fitsBatch reports whether the URL, its host included, may stand within a
// $batch.
func (r *Request) fitsBatch() bool { return 256+len(servicePath)+len(r.Path) <= maxBatchURL }

// Get reads the one row q.ID. It is [ErrNotFound] if the row is not there.
func (c *Client) Get(ctx context.Context, q *Query) (Record, error) {
	if q.ID == "" {
		return nil, fmt.Errorf("dataverse: get from %s: the query names no row", q.EntitySet)
	}
	for r, err := range c.Query(ctx, q) {
		return r, err
	}
	return nil, fmt.Errorf("dataverse: get from %s: no answer", q.EntitySet)
}

// pages sends one query and gives each row to yield until it returns false;
// then more is false.
func (c *Client) pages(ctx context.Context, q *Query, yield func(Record) bool) (more bool, err error) {
	r, err := q.request(c.opts.PageSize)
	if err != nil {
		return false, err
	}
	return c.follow(ctx, q, r, yield)
}

// follow gets the page of r and all that come after it.
//
// Links that lead in a circle would do so for ever: from time to time one is
// kept, which must not come again.
func (c *Client) follow(ctx context.Context, q *Query, r Request, yield func(Record) bool) (more bool, err error) {
	kept, pages, keep := r.Path, 0, 1
	for {
		p := c.reader(ctx, q, yield)
		if err := c.page(ctx, &r, &p); err != nil {
			return false, err
		}
		if p.stopped || p.next == "" {
			return !p.stopped, nil
		}
		if err := c.advance(&r, p.next); err != nil {
			return false, err
		}
		if r.Path == kept {
			return false, c.linkError(&r, errors.New("the link to the next page leads to one that was read"))
		}
		if pages++; pages == keep {
			kept, pages, keep = r.Path, 0, 2*keep
		}
	}
}

// advance makes r the request of the next page: the link as it is, with the
// headers of the first (fact sheet, 4.6).
func (c *Client) advance(r *Request, next string) error {
	if next == r.Path {
		return c.linkError(r, errors.New("the link to the next page leads to the same page"))
	}
	if !isLink(next) {
		return c.linkError(r, errors.New("the link to the next page is not absolute"))
	}
	if _, err := c.resolve(next); err != nil {
		return c.linkError(r, err)
	}
	r.Path = next
	return nil
}

// reader reads the pages of q.
func (c *Client) reader(ctx context.Context, q *Query, yield func(Record) bool) pageReader {
	return pageReader{single: q.ID != "", yield: func(r Record) (bool, error) {
		if err := c.completeExpands(ctx, q, r); err != nil {
			return false, err
		}
		return yield(r), nil
	}}
}

func (c *Client) linkError(r *Request, err error) error {
	return (&call{client: c, request: r}).failed(err)
}

// page gets and reads one page. A URL too long for a GET goes into a $batch,
// with its headers; the token is that of the $batch.
func (c *Client) page(ctx context.Context, r *Request, p *pageReader) error {
	call := &call{client: c, request: r, repeatable: true}
	if c.urlLength(r) > maxURL {
		if err := call.inBatch(); err != nil {
			return err
		}
	}
	a, err := call.do(ctx)
	defer a.release()
	if err != nil {
		return c.learn(err)
	}
	body := a.body
	if call.parts != nil {
		part := &a.parts[0]
		if part.status != http.StatusOK {
			return c.learn(call.refused(0, part))
		}
		body = part.body
	}
	return call.readPage(p, body)
}

// inBatch puts the call's GET into a $batch.
func (c *call) inBatch() error {
	r := c.request
	u, err := c.client.resolve(r.Path)
	if err != nil {
		return c.client.linkError(r, err)
	}
	link := *r
	link.Path = u.RequestURI()
	batch := composeBatch([]Request{link}, false, false)
	batch.Table = r.Table
	c.request, c.parts, c.together = &batch, []Request{*r}, true
	return nil
}

// readPage gives the rows of an answer to p.
func (c *call) readPage(p *pageReader, body []byte) error {
	err := p.read(body)
	if errors.Is(err, errPageForm) {
		return c.failed(err)
	}
	return err
}

// learn forgets the definition of a table of which the service did not know a
// name.
func (c *Client) learn(err error) error {
	var e *Error
	if errors.As(err, &e) && e.Table != "" && e.unknownName() {
		c.Forget(e.Table)
	}
	return err
}

// refused is the error of one operation of a $batch.
func (c *call) refused(i int, part *partResponse) *Error {
	e := c.failed(nil)
	r := &c.parts[i]
	e.Method, e.Path, e.Table, e.Source = r.Method, r.Resource, r.Table, r.Source
	e.refuse(part.status, part.header, part.body)
	return e
}

func (o *organization) urlLength(r *Request) int {
	if isLink(r.Path) {
		return len(r.Path)
	}
	return len(o.origin.Scheme) + len("://") + len(o.origin.Host) + len(servicePath) + len(r.Path)
}

// isLink tells a link that the service gave from a path.
func isLink(path string) bool {
	return strings.HasPrefix(path, "https://") || strings.HasPrefix(path, "http://")
}

// pageReader decodes an answer row by row.
type pageReader struct {
	single  bool
	yield   func(Record) (bool, error)
	next    string
	stopped bool
}

var errPageForm = fmt.Errorf("%w: it is not in the form of the Web API", ErrUnreadable)

// read gives the rows one by one, so that there is one of them at a time in
// memory unless who takes them keeps them.
func (p *pageReader) read(body []byte) error {
	if !json.Valid(body) {
		return errPageForm
	}
	at := skipSpace(body, 0)
	if body[at] != '{' {
		return errPageForm
	}
	if p.single {
		_, err := p.row(body, at)
		return err
	}
	found := false
	for at = skipSpace(body, at+1); body[at] != '}'; at = skipSpace(body, at) {
		if body[at] == ',' {
			at = skipSpace(body, at+1)
		}
		name := extent(body, at)
		at = skipSpace(body, skipSpace(body, name.end)+1) // beyond the colon
		value := extent(body, at)
		switch memberName(body[name.start:name.end]) {
		case `"value"`:
			found = true
			if err := p.rows(body, value); err != nil || p.stopped {
				return err
			}
		case `"@odata.nextLink"`:
			if json.Unmarshal(body[value.start:value.end], &p.next) != nil {
				return errPageForm
			}
		}
		at = value.end
	}
	if !found {
		return errPageForm
	}
	return nil
}

// memberName is the name as it stands, without escapes: a link that is not
// known for one would cut the rows short.
func memberName(quoted []byte) string {
	var name string
	if bytes.IndexByte(quoted, '\\') < 0 || json.Unmarshal(quoted, &name) != nil {
		return string(quoted)
	}
	return `"` + name + `"`
}

func (p *pageReader) rows(body []byte, list span) error {
	if body[list.start] != '[' {
		return errPageForm
	}
	for at := skipSpace(body, list.start+1); body[at] != ']'; at = skipSpace(body, at) {
		if body[at] == ',' {
			at = skipSpace(body, at+1)
		}
		if body[at] != '{' {
			return errPageForm
		}
		var err error
		if at, err = p.row(body, at); err != nil || p.stopped {
			return err
		}
	}
	return nil
}

// row gives the object at that place to yield, and the place after it.
func (p *pageReader) row(body []byte, at int) (end int, err error) {
	row := extent(body, at)
	goOn, err := p.yield(decodeRecord(string(body[row.start:row.end]), row.members))
	p.stopped = !goOn
	return row.end, err
}
