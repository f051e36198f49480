package simulator

import (
	"bytes"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
)

// maxBatchOperations is the documented limit of requests in one batch; every
// operation counts, those of change sets too (FACTS.md, batch).
const maxBatchOperations = 1000

// batchItem is one top-level part of a $batch body: a single operation, or a
// change set with any number of them.
type batchItem struct {
	changeSet bool
	ops       []*batchOp
}

// batchOp is one request inside a batch, as it was written.
type batchOp struct {
	contentID string
	method    string
	target    string // the request URL, exactly as in the request line
	header    http.Header
	body      []byte
}

// batchSyntaxError says why a batch body could not be read. The service wraps
// its text in a payload error.
type batchSyntaxError struct{ msg string }

func (e *batchSyntaxError) Error() string { return e.msg }

func batchErrorf(format string, args ...any) error {
	return &batchSyntaxError{fmt.Sprintf(format, args...)}
}

var (
	// errStreamNotReadable is what the service answers to line ends other
	// than CRLF, and to a body that lacks the one after its last boundary.
	errStreamNotReadable = &batchSyntaxError{"System.ArgumentException: Stream was not readable."}
	errTooManyOperations = errors.New("too many operations in one batch")
	errGetInChangeSet    = errors.New("GET in a change set")
	errNestedBatch       = errors.New("a batch inside a batch")
)

// batchReader splits a multipart body without copying it.
type batchReader struct {
	rest []byte
	// lf says that bare LF ends lines: the documented workaround, two extra
	// line ends after the last boundary, was used.
	lf    bool
	notes []string // what was tolerated, for strict mode
	count int
	ids   map[string]bool
}

// batchBoundary takes the boundary out of a multipart/mixed content type.
func batchBoundary(contentType string) (string, error) {
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil && media == "" {
		return "", batchErrorf("Microsoft.OData.ODataException: The value '%s' is not a valid content type.", contentType)
	}
	if media != "multipart/mixed" {
		return "", batchErrorf("Microsoft.OData.ODataException: Invalid Content-Type '%s': a batch is 'multipart/mixed'.", media)
	}
	b := params["boundary"]
	if b == "" {
		return "", batchErrorf("Microsoft.OData.ODataException: The content type 'multipart/mixed' has no boundary parameter.")
	}
	if len(b) > 70 {
		return "", batchErrorf("Microsoft.OData.ODataException: The batch boundary is longer than 70 characters.")
	}
	return b, nil
}

// parseBatch reads a whole batch body. The notes say what a strict client
// would have done differently.
func parseBatch(body []byte, contentType string) (items []batchItem, notes []string, err error) {
	boundary, err := batchBoundary(contentType)
	if err != nil {
		return nil, nil, err
	}
	r := &batchReader{rest: body, ids: make(map[string]bool)}
	r.lf = bytes.HasSuffix(body, []byte("--"+boundary+"--\n\n"))
	if r.lf {
		r.notes = append(r.notes, "batch lines end with LF; the service asks for CRLF")
	}
	parts, err := r.split(boundary)
	if err != nil {
		return nil, r.notes, err
	}
	for _, part := range parts {
		item, err := r.item(part)
		if err != nil {
			return nil, r.notes, err
		}
		items = append(items, item)
	}
	return items, r.notes, nil
}

// line cuts the next line off b. ok is false when b ends before the line does
// or when the line does not end with CRLF.
func (r *batchReader) line(b []byte) (line, rest []byte, ok bool) {
	i := bytes.IndexByte(b, '\n')
	if i < 0 {
		return b, nil, false
	}
	line, rest = b[:i], b[i+1:]
	if n := len(line); n > 0 && line[n-1] == '\r' {
		return line[:n-1], rest, true
	}
	return line, rest, r.lf
}

// split returns the parts between the boundaries of r.rest, each without the
// line end that belongs to the boundary after it. What follows the last
// boundary is ignored, what precedes the first must be blank.
func (r *batchReader) split(boundary string) ([][]byte, error) {
	delimiter := []byte("--" + boundary)
	var parts [][]byte
	start := -1 // of the part under way
	for pos := 0; pos < len(r.rest); {
		line, after, ok := r.line(r.rest[pos:])
		next := len(r.rest) - len(after)
		is, last := isBoundary(line, delimiter)
		switch {
		case !is && start < 0 && len(bytes.TrimSpace(line)) > 0:
			return nil, batchErrorf("Microsoft.OData.ODataException: The batch does not begin with the boundary '--%s' of its content type.", boundary)
		case is && !ok:
			return nil, errStreamNotReadable
		case is:
			if start >= 0 {
				part, err := r.trimLineEnd(r.rest[start:pos])
				if err != nil {
					return nil, err
				}
				parts = append(parts, part)
			}
			if last {
				return parts, nil
			}
			start = next
		}
		pos = next
	}
	return nil, errStreamNotReadable
}

// isBoundary says whether a line is a boundary, and whether it is the last.
func isBoundary(line, delimiter []byte) (is, last bool) {
	tail, ok := bytes.CutPrefix(line, delimiter)
	if !ok {
		return false, false
	}
	tail, last = bytes.CutPrefix(tail, []byte("--"))
	return len(bytes.Trim(tail, " \t")) == 0, last
}

// trimLineEnd drops the line end before a boundary, which is part of the
// boundary.
func (r *batchReader) trimLineEnd(part []byte) ([]byte, error) {
	if p, ok := bytes.CutSuffix(part, []byte("\r\n")); ok {
		return p, nil
	}
	if p, ok := bytes.CutSuffix(part, []byte("\n")); ok && r.lf {
		return p, nil
	}
	if len(part) == 0 {
		return part, nil
	}
	return nil, errStreamNotReadable
}

// headers reads header lines up to the blank line, or to the end of the part.
func (r *batchReader) headers(b []byte) (http.Header, []byte, error) {
	h := make(http.Header)
	for len(b) > 0 {
		line, rest, ok := r.line(b)
		if !ok && rest != nil {
			return nil, nil, errStreamNotReadable
		}
		b = rest
		if len(line) == 0 {
			break
		}
		name, value, ok := strings.Cut(string(line), ":")
		name = strings.TrimSpace(name)
		if !ok || name == "" || strings.ContainsAny(name, " \t\r") {
			return nil, nil, batchErrorf("Microsoft.OData.ODataException: The message header '%s' is invalid. The header value must be of the format '<header name>: <header value>'.", line)
		}
		h.Add(textproto.CanonicalMIMEHeaderKey(name), strings.TrimSpace(value))
	}
	return h, b, nil
}

func (r *batchReader) item(part []byte) (batchItem, error) {
	head, rest, err := r.headers(part)
	if err != nil {
		return batchItem{}, err
	}
	contentType := head.Get("Content-Type")
	media, _, _ := mime.ParseMediaType(contentType)
	if media != "multipart/mixed" {
		op, err := r.operation(head, media, rest, false)
		return batchItem{ops: []*batchOp{op}}, err
	}
	boundary, err := batchBoundary(contentType)
	if err != nil {
		return batchItem{}, err
	}
	// The last boundary of a change set may be the last line of its part, its
	// line end then belongs to the boundary of the batch.
	inner := &batchReader{rest: append(rest[:len(rest):len(rest)], "\r\n"...), lf: r.lf, ids: r.ids, count: r.count}
	parts, err := inner.split(boundary)
	if err != nil {
		return batchItem{}, err
	}
	item := batchItem{changeSet: true}
	for _, p := range parts {
		head, rest, err := inner.headers(p)
		if err != nil {
			return batchItem{}, err
		}
		media, _, _ := mime.ParseMediaType(head.Get("Content-Type"))
		if media == "multipart/mixed" {
			return batchItem{}, batchErrorf("Microsoft.OData.ODataException: A change set cannot be nested in another change set.")
		}
		op, err := inner.operation(head, media, rest, true)
		if err != nil {
			return batchItem{}, err
		}
		item.ops = append(item.ops, op)
	}
	r.count = inner.count
	r.notes = append(r.notes, inner.notes...)
	return item, nil
}

// operation reads the request that one part carries.
func (r *batchReader) operation(mimeHeader http.Header, media string, b []byte, inSet bool) (*batchOp, error) {
	if media != "application/http" {
		return nil, batchErrorf("Microsoft.OData.ODataException: The content type '%s' of a batch part is not valid: 'application/http' or 'multipart/mixed' was expected.", mimeHeader.Get("Content-Type"))
	}
	switch enc := mimeHeader.Get("Content-Transfer-Encoding"); {
	case enc == "":
		r.notes = append(r.notes, "batch part without Content-Transfer-Encoding: binary")
	case !strings.EqualFold(enc, "binary"):
		return nil, batchErrorf("Microsoft.OData.ODataException: The 'Content-Transfer-Encoding' header of a batch part is '%s'; 'binary' was expected.", enc)
	}
	if r.count++; r.count > maxBatchOperations {
		return nil, errTooManyOperations
	}
	line, rest, ok := r.line(b)
	for ok && len(line) == 0 { // blank lines before the request line
		line, rest, ok = r.line(rest)
	}
	if !ok && rest != nil {
		return nil, errStreamNotReadable
	}
	op, err := requestLine(string(line))
	if err != nil {
		return nil, err
	}
	if op.header, rest, err = r.headers(rest); err != nil {
		return nil, err
	}
	if op.body, err = contentOf(op.header, rest); err != nil {
		return nil, err
	}
	op.contentID = mimeHeader.Get("Content-Id")
	if inner := op.header.Get("Content-Id"); inner != "" && op.contentID == "" {
		op.contentID = inner
		r.notes = append(r.notes, "Content-ID stands in the headers of the request, not of the part")
	}
	if op.contentID != "" {
		if r.ids[op.contentID] {
			return nil, batchErrorf("Microsoft.OData.ODataException: The content ID '%s' was found more than once in the same change set or same batch request. Content IDs have to be unique across all operations of a batch.", op.contentID)
		}
		r.ids[op.contentID] = true
	}
	if err := r.checkOperation(op, inSet); err != nil {
		return nil, err
	}
	return op, nil
}

func (r *batchReader) checkOperation(op *batchOp, inSet bool) error {
	path, _, _ := strings.Cut(op.target, "?")
	if strings.HasSuffix(strings.TrimSuffix(path, "/"), "$batch") {
		return errNestedBatch
	}
	switch op.method {
	case http.MethodGet, http.MethodHead:
		if inSet {
			return errGetInChangeSet
		}
	case http.MethodPost, http.MethodPatch, http.MethodPut, http.MethodDelete:
	default:
		return batchErrorf("Microsoft.OData.ODataException: The HTTP method '%s' is not valid in a batch.", op.method)
	}
	if inSet && op.contentID == "" {
		r.notes = append(r.notes, "operation of a change set without Content-ID")
	}
	if !strings.Contains(path, "/") && !strings.HasPrefix(path, "$") {
		r.notes = append(r.notes, "bare relative URL in a batch part")
	}
	return nil
}

// requestLine reads "METHOD url HTTP/1.1". As in the service's own reader the
// URL is what lies between the first and the last space.
func requestLine(line string) (*batchOp, error) {
	method, rest, ok := strings.Cut(line, " ")
	i := strings.LastIndexByte(rest, ' ')
	if !ok || i <= 0 || method == "" {
		return nil, batchErrorf("Microsoft.OData.ODataException: The request line '%s' is invalid. The request line at the start of each operation must be of the format 'HttpMethod RequestUrl HttpVersion'.", line)
	}
	target, version := strings.TrimSpace(rest[:i]), rest[i+1:]
	if version != "HTTP/1.1" {
		return nil, batchErrorf("Microsoft.OData.ODataException: The HTTP version '%s' used in a batch operation request is not valid. The value must be 'HTTP/1.1'.", version)
	}
	if target == "" {
		return nil, batchErrorf("Microsoft.OData.ODataException: The request line '%s' has no URL.", line)
	}
	return &batchOp{method: method, target: target}, nil
}

// contentOf is the body of an operation: all that is left of its part, or as
// much of it as Content-Length says.
func contentOf(h http.Header, rest []byte) ([]byte, error) {
	length := h.Get("Content-Length")
	if length == "" {
		return bytes.TrimRight(rest, "\r\n"), nil
	}
	n, err := strconv.ParseUint(length, 10, 31)
	if err != nil {
		return nil, batchErrorf("Microsoft.OData.ODataException: The Content-Length '%s' of a batch part is not valid.", length)
	}
	if int(n) > len(rest) {
		return nil, errStreamNotReadable
	}
	return rest[:n], nil
}
