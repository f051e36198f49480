package dataverse

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
)

// maxBatch bounds the operations of one $batch, those of change sets counted
// (fact sheet, 5.1).
const maxBatch = 1000

// Boundaries are fixed. They cannot occur within a part: headers hold no line
// break, and in JSON line breaks are escaped.
const (
	batchBoundary     = "batch_engage"
	changeSetBoundary = "changeset_engage"
)

// Request builds the one request that the change set stands for: that of its
// single write, or a $batch with one change set. It is pure.
func (cs *ChangeSet) Request() (Request, error) {
	r, _, err := cs.compose()
	return r, err
}

func composeChangeSet(parts []Request) (Request, error) {
	switch {
	case len(parts) == 0:
		return Request{}, errors.New("the change set is empty")
	case len(parts) == 1:
		return parts[0], nil
	case len(parts) > maxBatch:
		return Request{}, fmt.Errorf("%d operations: one change set takes %d", len(parts), maxBatch)
	}
	return composeBatch(parts, true, false), nil
}

// composeBatch builds a $batch of the requests: as one change set, whose
// Content-IDs count from 1, or each on its own, where goOn asks the service
// not to stop at the first failure. Every line ends with CRLF (fact sheet,
// 5.1); each part carries its own headers, and its URL is path-absolute.
func composeBatch(parts []Request, atomic, goOn bool) Request {
	size := 256
	for i := range parts {
		size += 256 + len(parts[i].Path) + len(parts[i].Body)
	}
	var b bytes.Buffer
	b.Grow(size)
	boundary := batchBoundary
	if atomic {
		b.WriteString("--" + batchBoundary + "\r\n")
		b.WriteString("Content-Type: multipart/mixed; boundary=" + changeSetBoundary + "\r\n\r\n")
		boundary = changeSetBoundary
	}
	for i := range parts {
		b.WriteString("--" + boundary + "\r\n" + partHead)
		if atomic {
			b.WriteString("Content-ID: " + strconv.Itoa(i+1) + "\r\n")
		}
		b.WriteString("\r\n")
		parts[i].writePart(&b)
	}
	b.WriteString("--" + boundary + "--\r\n")
	if atomic {
		b.WriteString("--" + batchBoundary + "--\r\n")
	}
	return batchRequest(b.Bytes(), parts, goOn)
}

const partHead = "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n"

func batchRequest(body []byte, parts []Request, goOn bool) Request {
	r := Request{
		Method: http.MethodPost, Path: "$batch", Resource: "$batch", Template: "$batch",
		Header: http.Header{"Content-Type": {"multipart/mixed; boundary=" + batchBoundary}},
		Body:   body,
		Source: commonSource(parts),
	}
	if goOn {
		r.Header["Prefer"] = []string{"odata.continue-on-error"}
	}
	return r
}

// maxAhead bounds the memory that is taken for rows which may be as long as the
// first.
const maxAhead = 4 << 20

// singles is a $batch of writes, each on its own, whose bodies are written
// once. The service is asked not to stop at the first failure.
type singles struct {
	parts []Request // without their bodies
	b     bytes.Buffer
}

// add puts a write into the batch; of those there are going to be about as
// many as left more.
func (s *singles) add(w *Write, left int) error {
	from := s.b.Len()
	s.b.WriteString("--" + batchBoundary + "\r\n" + partHead + "\r\n")
	r, err := w.writePart(&s.b)
	if err != nil {
		s.b.Truncate(from)
		return err
	}
	s.parts = append(s.parts, r)
	if from == 0 {
		s.parts = slices.Grow(s.parts, left)
		s.b.Grow(min(maxAhead, left*(s.b.Len()+s.b.Len()/8)+len(batchBoundary)+len("----\r\n")))
	}
	return nil
}

// request ends the batch.
func (s *singles) request() Request {
	s.b.WriteString("--" + batchBoundary + "--\r\n")
	return batchRequest(s.b.Bytes(), s.parts, true)
}

// writePart writes the request of the write as the content of a part, and
// gives it without its body.
func (w *Write) writePart(b *bytes.Buffer) (Request, error) {
	switch w.Operation {
	case Create, Update, Upsert:
	default:
		r, err := w.request(false)
		if err == nil {
			r.writePart(b)
			r.Body = nil
		}
		return r, err
	}
	r, err := w.head(false)
	if err != nil {
		return r, err
	}
	r.writeHead(b, "Content-Type: application/json\r\n")
	if err := w.content(b); err != nil {
		return r, err
	}
	b.WriteString("\r\n")
	return r, nil
}

// writePart writes the request as the content of a part.
func (r *Request) writePart(b *bytes.Buffer) {
	r.writeHead(b, "")
	b.Write(r.Body)
	b.WriteString("\r\n")
}

// writeHead writes all up to the body; first are header lines that stand before
// the request's own.
func (r *Request) writeHead(b *bytes.Buffer, first string) {
	b.WriteString(r.Method)
	b.WriteByte(' ')
	if r.Path == "" || r.Path[0] != '/' {
		b.WriteString(servicePath)
	}
	b.WriteString(r.Path)
	b.WriteString(" HTTP/1.1\r\nAccept: application/json\r\n")
	b.WriteString(first)
	if len(r.Header) > 0 {
		for _, name := range slices.Sorted(maps.Keys(r.Header)) {
			for _, value := range r.Header[name] {
				b.WriteString(name + ": " + value + "\r\n")
			}
		}
	}
	b.WriteString("\r\n")
}

// commonSource is the source that all parts share, or "".
func commonSource(parts []Request) string {
	for i := range parts {
		if parts[i].Source != parts[0].Source {
			return ""
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return parts[0].Source
}
