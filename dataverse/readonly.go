package dataverse

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// ReadOnly returns a transport that refuses with [ErrReadOnly] whatever could
// change a record, and sends the rest through base; nil stands for the
// transport that clients have by default. Only GET and HEAD pass, and a $batch
// of nothing else: it is read part by part, and refused if it cannot be.
// Functions are GET; every action is taken for a write.
func ReadOnly(base http.RoundTripper) http.RoundTripper {
	if base == nil {
		base = sharedTransport
	}
	return readOnly{base}
}

// ReadOnly returns a client of the same organisation whose transport is
// [ReadOnly], over the client's own.
func (c *Client) ReadOnly() *Client {
	opts := c.opts
	opts.HTTP = ReadOnly(opts.HTTP)
	if opts.MaxRetries == 0 {
		opts.MaxRetries = -1 // 0 would stand for the default
	}
	d, err := New(c.origin.String(), c.tokens, &opts)
	if err != nil {
		panic("dataverse: " + err.Error()) // the origin was accepted before
	}
	return d
}

type readOnly struct{ base http.RoundTripper }

// RoundTrip refuses writes.
func (t readOnly) RoundTrip(req *http.Request) (*http.Response, error) {
	pass, err := t.check(req)
	if err != nil {
		if req.Body != nil {
			req.Body.Close()
		}
		return nil, err
	}
	return t.base.RoundTrip(pass)
}

func (t readOnly) check(req *http.Request) (*http.Request, error) {
	for name := range req.Header {
		if strings.HasPrefix(strings.ToLower(name), "x-http-method") { // asks for another method
			return nil, fmt.Errorf("%w: header %s", ErrReadOnly, name)
		}
	}
	switch {
	case isRead(req.Method):
		return req, nil
	case req.Method != http.MethodPost || !strings.HasSuffix(req.URL.Path, "/$batch") || req.Body == nil:
		return nil, fmt.Errorf("%w: %s", ErrReadOnly, req.Method)
	}
	body, err := io.ReadAll(req.Body)
	req.Body.Close()
	if err != nil {
		return nil, err
	}
	if err := checkBatch(req.Header.Get("Content-Type"), body); err != nil {
		return nil, err
	}
	pass := req.Clone(req.Context())
	pass.Body = io.NopCloser(bytes.NewReader(body))
	return pass, nil
}

func isRead(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == ""
}

// checkBatch refuses a $batch with a part that is no read. A change set has
// only writes.
func checkBatch(contentType string, body []byte) error {
	boundary, ok := multipartBoundary(contentType)
	if !ok {
		return fmt.Errorf("%w: a $batch that cannot be read", ErrReadOnly)
	}
	parts, err := splitParts(boundary, body)
	if err != nil {
		return fmt.Errorf("%w: a $batch that cannot be read", ErrReadOnly)
	}
	for _, part := range parts {
		header, content := cutHeader(part)
		if _, set := multipartBoundary(header.get("Content-Type")); set {
			return fmt.Errorf("%w: a change set", ErrReadOnly)
		}
		line, rest, _ := bytes.Cut(bytes.TrimLeft(content, "\r\n"), []byte("\n"))
		method, _, ok := strings.Cut(string(line), " ")
		inner, _ := cutHeader(rest)
		if !ok || !isRead(method) || method == "" || strings.Contains(strings.ToLower(string(inner)), "x-http-method") {
			return fmt.Errorf("%w: a part of a $batch", ErrReadOnly)
		}
	}
	return nil
}
