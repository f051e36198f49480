package dataverse

import (
	"bytes"
	"errors"
	"fmt"
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
		b.WriteString("--" + boundary + "\r\n")
		b.WriteString("Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n")
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
	r := Request{
		Method: http.MethodPost, Path: "$batch", Resource: "$batch", Template: "$batch",
		Header: http.Header{"Content-Type": {"multipart/mixed; boundary=" + batchBoundary}},
		Body:   b.Bytes(),
		Source: commonSource(parts),
	}
	if goOn {
		r.Header["Prefer"] = []string{"odata.continue-on-error"}
	}
	return r
}

// writePart writes the request as the content of a part.
func (r *Request) writePart(b *bytes.Buffer) {
	b.WriteString(r.Method + " ")
	if r.Path == "" || r.Path[0] != '/' {
		b.WriteString(servicePath)
	}
	b.WriteString(r.Path + " HTTP/1.1\r\nAccept: application/json\r\n")
	names := make([]string, 0, 4)
	for name := range r.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, value := range r.Header[name] {
			b.WriteString(name + ": " + value + "\r\n")
		}
	}
	b.WriteString("\r\n")
	b.Write(r.Body)
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
