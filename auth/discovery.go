package auth

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// discoveryLifetime is how long a tenant's OpenID configuration is kept.
const discoveryLifetime = 24 * time.Hour

// configuration is what we read of a tenant's OpenID configuration.
type configuration struct {
	Issuer        string `json:"issuer"`
	TokenEndpoint string `json:"token_endpoint"`
	KeysURL       string `json:"jwks_uri"`
}

// discoveryCache answers the GETs of OpenID configurations from memory. Each
// exchange has an MSAL client of its own, which asks for the tenant's document
// first; the verifier needs the same one. Only complete documents are kept.
type discoveryCache struct {
	base http.RoundTripper
	now  func() time.Time

	flight flight[*fetched]
	mu     sync.Mutex
	kept   map[string]keptDocument // by path: one of each version
}

type keptDocument struct {
	body    []byte
	fetched time.Time
}

func (c *discoveryCache) RoundTrip(req *http.Request) (*http.Response, error) {
	path := req.URL.Path
	if req.Method != http.MethodGet || !strings.HasSuffix(path, "/.well-known/openid-configuration") {
		return c.base.RoundTrip(req)
	}
	c.mu.Lock()
	kept, ok := c.kept[path]
	c.mu.Unlock()
	if ok && c.now().Sub(kept.fetched) < discoveryLifetime {
		return documentResponse(req, http.StatusOK, http.Header{}, kept.body), nil
	}
	// The fetch is everybody's: it must not end with the first caller's context.
	f, err := c.flight.do(req.Context(), path, func(ctx context.Context) (*fetched, error) {
		ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
		defer cancel()
		return c.fetch(req.Clone(ctx), path)
	})
	if err != nil {
		return nil, err
	}
	return documentResponse(req, f.status, f.header, f.body), nil
}

type fetched struct {
	status int
	header http.Header
	body   []byte
}

func (c *discoveryCache) fetch(req *http.Request, path string) (*fetched, error) {
	res, err := c.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	var doc configuration
	if res.StatusCode == http.StatusOK && json.Unmarshal(body, &doc) == nil && doc.Issuer != "" && doc.TokenEndpoint != "" {
		c.mu.Lock()
		c.kept[path] = keptDocument{body, c.now()}
		c.mu.Unlock()
	}
	return &fetched{res.StatusCode, res.Header, body}, nil
}

func documentResponse(req *http.Request, status int, header http.Header, body []byte) *http.Response {
	h := header.Clone()
	h.Del("Content-Length")
	h.Del("Content-Encoding")
	return &http.Response{
		Status: http.StatusText(status), StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: h, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)), Request: req,
	}
}
