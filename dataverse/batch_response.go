package dataverse

import (
	"bytes"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// A partResponse is the answer to one operation of a $batch.
type partResponse struct {
	status    int
	header    partHeader
	body      []byte
	changeSet int // counted from 1; 0: the part stands alone
	contentID int // 0: none
}

// errBatchForm says that the service's multipart document is broken.
var errBatchForm = fmt.Errorf("%w: the answer to a $batch is not in the form of one", ErrUnreadable)

// parseBatch reads the multipart answer to a $batch (fact sheet, 5.2). It
// works on the bytes as they lie there; the parts alias body. It accepts LF
// for CRLF and header lines without space after the colon.
func parseBatch(contentType string, body []byte) ([]partResponse, error) {
	boundary, ok := multipartBoundary(contentType)
	if !ok {
		return nil, errBatchForm
	}
	parts, err := splitParts(boundary, body)
	if err != nil {
		return nil, err
	}
	out := make([]partResponse, 0, len(parts))
	changeSets := 0
	for _, part := range parts {
		header, content := cutHeader(part)
		inner, ok := "", false
		if kind := header.get("Content-Type"); kind != "application/http" {
			inner, ok = multipartBoundary(kind)
		}
		if !ok {
			p, err := parsePart(header, content)
			if err != nil {
				return nil, err
			}
			out = append(out, p)
			continue
		}
		changeSets++
		members, err := splitParts(inner, content)
		if err != nil {
			return nil, err
		}
		for _, member := range members {
			p, err := parsePart(cutHeader(member))
			if err != nil {
				return nil, err
			}
			p.changeSet = changeSets
			out = append(out, p)
		}
	}
	return out, nil
}

// multipartBoundary gives the boundary of a multipart/mixed content type.
func multipartBoundary(contentType string) (string, bool) {
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil || media != "multipart/mixed" || params["boundary"] == "" {
		return "", false
	}
	return params["boundary"], true
}

// splitParts cuts a multipart body at its boundary lines.
func splitParts(boundary string, body []byte) ([][]byte, error) {
	parts := make([][]byte, 0, min(bytes.Count(body, []byte(boundary)), maxBatch))
	start := -1
	for at := 0; at < len(body); {
		line, next := body[at:], len(body)
		if i := bytes.IndexByte(line, '\n'); i >= 0 {
			line, next = line[:i], at+i+1
		}
		if rest, ok := bytes.CutPrefix(line, []byte("--")); ok {
			if rest, ok = bytes.CutPrefix(rest, []byte(boundary)); ok {
				rest = bytes.TrimRight(rest, " \t\r")
				last := string(rest) == "--"
				if last || len(rest) == 0 {
					if start >= 0 {
						parts = append(parts, body[start:at])
					}
					if last {
						return parts, nil
					}
					start = next
				}
			}
		}
		at = next
	}
	return nil, errBatchForm
}

// parsePart reads the HTTP message within a part.
func parsePart(outer partHeader, content []byte) (partResponse, error) {
	p := partResponse{contentID: outer.number("Content-ID")}
	content = bytes.TrimLeft(content, "\r\n")
	line, rest, _ := bytes.Cut(content, []byte("\n"))
	version, status, _ := strings.Cut(strings.TrimSpace(string(line)), " ")
	code, _, _ := strings.Cut(status, " ")
	n, err := strconv.Atoi(code)
	if !strings.HasPrefix(version, "HTTP/") || err != nil || n < 100 || n > 999 {
		return p, errBatchForm
	}
	p.status = n
	p.header, p.body = cutHeader(rest)
	p.body = bytes.TrimRight(p.body, "\r\n")
	if p.contentID == 0 {
		p.contentID = p.header.number("Content-ID")
	}
	return p, nil
}

// cutHeader cuts the header lines off a message.
func cutHeader(message []byte) (partHeader, []byte) {
	rest := message
	for len(rest) > 0 {
		line, after, _ := bytes.Cut(rest, []byte("\n"))
		if len(bytes.TrimRight(line, "\r")) == 0 {
			return partHeader(message[:len(message)-len(rest)]), after
		}
		rest = after
	}
	return partHeader(message), nil
}

// partHeader is the header lines of a part; few are ever looked at.
type partHeader []byte

func (h partHeader) get(name string) string {
	for rest := []byte(h); len(rest) > 0; {
		var line []byte
		line, rest, _ = bytes.Cut(rest, []byte("\n"))
		if len(line) > len(name) && line[len(name)] == ':' && strings.EqualFold(string(line[:len(name)]), name) {
			value := bytes.TrimSpace(line[len(name)+1:])
			if string(value) == "application/http" { // most parts are
				return "application/http"
			}
			return string(value)
		}
	}
	return ""
}

func (h partHeader) number(name string) int {
	text := h.get(name)
	if text == "" {
		return 0
	}
	n, _ := strconv.Atoi(text)
	return n
}

// headers are what an answer's header is asked for, of an HTTP response or of
// a part, by the canonical name of net/http.
type headers interface{ get(name string) string }

type httpHeader http.Header

func (h httpHeader) get(name string) string { return http.Header(h).Get(name) }

// requestID is the service's id of a request (fact sheet, 2.5).
func requestID(h headers) string {
	for _, name := range [...]string{"X-Ms-Service-Request-Id", "Req_id", "X-Ms-Request-Id"} {
		if id := h.get(name); id != "" {
			return id
		}
	}
	return ""
}

// entityID is the id of the row that a write answers for, or "": after an
// upsert by key the header repeats the key (fact sheet, 13.1).
func entityID(h headers) GUID {
	uri := h.get("Odata-Entityid")
	if uri == "" {
		uri = h.get("Location")
	}
	open, end := strings.LastIndexByte(uri, '('), strings.LastIndexByte(uri, ')')
	if open < 0 || end < open {
		return ""
	}
	id, err := ParseGUID(uri[open+1 : end])
	if err != nil {
		return ""
	}
	return id
}
