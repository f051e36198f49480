package auth

import (
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// sharedTransport carries the token requests of every broker of the process.
var sharedTransport = sync.OnceValue(func() http.RoundTripper {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	t.MaxIdleConnsPerHost = 16
	t.ResponseHeaderTimeout = attemptTimeout
	return t
})

const (
	// attemptTimeout bounds one HTTP exchange with Entra.
	attemptTimeout = 30 * time.Second
	// maxAnswer bounds an answer of Entra, in bytes; MSAL reads without limit.
	maxAnswer = 1 << 20
)

var (
	errForeignHost = errors.New("auth: refused a request to a host that is not the environment's authority")
	errAnswerSize  = errors.New("auth: the answer is larger than 1 MiB")
)

// hardened gives the one HTTP client of a broker. It talks to the authority
// alone and follows no redirect: the default client would post the client
// secret again to whatever host a 307 names (entra-tokens.md, fact 9).
func hardened(authority *url.URL, base http.RoundTripper, now func() time.Time) *http.Client {
	if base == nil {
		base = sharedTransport()
	}
	return &http.Client{
		Transport: &discoveryCache{
			base: &authorityOnly{authority: authority, base: base},
			now:  now, kept: map[string]keptDocument{},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       attemptTimeout,
	}
}

// authorityOnly lets requests through to one origin. MSAL knows https only; for
// an authority on plain http, which is on loopback, exactly that host and port
// is spoken to without TLS (entra-tokens.md, section 6.8).
//
// The documents of a loopback authority may name another port of this machine:
// a simulator behind a proxy does not know the proxy. Such requests go to the
// authority all the same.
type authorityOnly struct {
	authority *url.URL
	base      http.RoundTripper
}

func (t *authorityOnly) RoundTrip(req *http.Request) (*http.Response, error) {
	here := strings.EqualFold(req.URL.Host, t.authority.Host) ||
		isLoopback(t.authority.Hostname()) && isLoopback(req.URL.Hostname())
	if !here || req.URL.Scheme != "https" && req.URL.Scheme != t.authority.Scheme {
		if req.Body != nil {
			req.Body.Close()
		}
		return nil, errForeignHost
	}
	if req.URL.Scheme != t.authority.Scheme || req.URL.Host != t.authority.Host {
		req = req.Clone(req.Context())
		req.URL.Scheme, req.URL.Host, req.Host = t.authority.Scheme, t.authority.Host, t.authority.Host
	}
	res, err := t.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	res.Body = &boundedBody{ReadCloser: res.Body, left: maxAnswer}
	return res, nil
}

// boundedBody fails instead of growing.
type boundedBody struct {
	io.ReadCloser
	left int
}

func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= n; b.left < 0 {
		return 0, errAnswerSize
	}
	return n, err
}
