package auth_test

import (
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/andmoneyaps/engage-playbooks/auth"
	"github.com/andmoneyaps/engage-playbooks/dataverse/simulator"
)

// watcher records where requests go.
type watcher struct {
	base http.RoundTripper
	mu   sync.Mutex
	urls []string
}

func (w *watcher) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	w.urls = append(w.urls, r.URL.String())
	w.mu.Unlock()
	return w.base.RoundTrip(r)
}

// MSAL asks the public cloud about hosts that it does not know, and an
// environment variable moves its requests to another host.
func TestNothingLeavesTheAuthority(t *testing.T) {
	t.Setenv("MSAL_FORCE_REGION", "westeurope")
	w := &watcher{base: http.DefaultTransport}
	r := newRig(t, func(_ *auth.Environment, o *auth.Options) { o.Transport = w })
	r.token(r.employee(mette))
	r.token(r.employee(soren))
	r.token(r.broker.Application())
	documents := 0
	for _, u := range w.urls {
		if !strings.HasPrefix(u, r.server.URL+"/"+simulator.DefaultTenantID+"/") {
			t.Errorf("a request to %s", u)
		}
		if strings.Contains(u, "openid-configuration") {
			documents++
		}
	}
	if documents != 1 || len(w.urls) != 5 {
		t.Errorf("want one document, one key set and three tokens, have %q", w.urls)
	}
}

// A document that points elsewhere sends neither the secret nor an assertion
// there.
func TestForeignTokenEndpointAndKeysAreRefused(t *testing.T) {
	asked := false
	thief := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	defer thief.Close()
	for _, to := range []string{thief.URL + "/x", "https://login.evil.example/x"} {
		refuses(t, to, "token_endpoint")
		refuses(t, to, "jwks_uri")
	}
	if asked {
		t.Error("a foreign host was asked")
	}
}

// refuses sends one of the tenant's addresses elsewhere. Another port of this
// machine is not asked either: the request goes to the authority, which does
// not know the path.
func refuses(t *testing.T, to, key string) {
	t.Helper()
	r := newRig(t, func(_ *auth.Environment, o *auth.Options) {
		o.Transport = rewrite(func(doc map[string]any) {
			if doc[key] != nil {
				doc[key] = to
			}
		})
	})
	s, err := r.broker.Employee(t.Context(), r.Assertion(mette, simulator.AssertionOptions{}))
	if err == nil {
		_, err = s.Token(t.Context())
	}
	if e := failure(t, err); strings.HasPrefix(to, "https") && e.Kind != auth.Misconfigured {
		t.Errorf("%s: %v", key, e)
	}
}

// A proxy that names the simulator, not itself, in the Host header: the
// documents then name the simulator's port, and requests stay with the proxy.
func TestAuthorityBehindAProxy(t *testing.T) {
	r := newRig(t, nil)
	target, err := url.Parse(r.server.URL)
	if err != nil {
		t.Fatal(err)
	}
	var proxied atomic.Int32
	proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
		proxied.Add(1)
		p.SetURL(target)
	}})
	defer proxy.Close()
	r.env.Authority = proxy.URL
	if r.broker, err = auth.NewBroker(r.env, &auth.Options{Now: r.clock.Now}); err != nil {
		t.Fatal(err)
	}
	r.token(r.employee(mette))
	r.token(r.broker.Application())
	if proxied.Load() != 4 {
		t.Errorf("%d requests went through the proxy, want document, keys and two tokens", proxied.Load())
	}
}

// rewrite changes the JSON documents that pass.
type rewrite func(map[string]any)

func (f rewrite) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil || r.Method != http.MethodGet {
		return res, err
	}
	defer res.Body.Close()
	var doc map[string]any
	if err := json.NewDecoder(res.Body).Decode(&doc); err != nil {
		return nil, err
	}
	f(doc)
	b, err := json.Marshal(doc)
	res.Body, res.ContentLength = io.NopCloser(strings.NewReader(string(b))), int64(len(b))
	return res, err
}

// A key with an issuer of its own serves that one only.
func TestKeyOfAnotherIssuerIsRefused(t *testing.T) {
	r := newRig(t, func(_ *auth.Environment, o *auth.Options) {
		o.Transport = rewrite(func(doc map[string]any) {
			keys, _ := doc["keys"].([]any)
			for _, k := range keys {
				k.(map[string]any)["issuer"] = "https://login.microsoftonline.com/" + elseTid + "/v2.0"
			}
		})
	})
	_, err := r.broker.Verify(t.Context(), r.Assertion(mette, simulator.AssertionOptions{}))
	if e := failure(t, err); e.Check != "issuer" {
		t.Error(e)
	}
}

func TestEncryptionKeysAndShortKeysAreNotUsed(t *testing.T) {
	for name, change := range map[string]func(map[string]any){
		"for encryption": func(k map[string]any) { k["use"] = "enc" },
		"not RSA":        func(k map[string]any) { k["kty"] = "EC" },
		"short":          func(k map[string]any) { k["n"] = "AQAB" },
	} {
		r := newRig(t, func(_ *auth.Environment, o *auth.Options) {
			o.Transport = rewrite(func(doc map[string]any) {
				keys, _ := doc["keys"].([]any)
				for _, k := range keys {
					change(k.(map[string]any))
				}
			})
		})
		_, err := r.broker.Verify(t.Context(), r.Assertion(mette, simulator.AssertionOptions{}))
		if e := failure(t, err); e.Kind != auth.Unavailable {
			t.Errorf("%s: %v", name, e)
		}
	}
}

func TestAuthorityOverTLS(t *testing.T) {
	r := newRig(t, nil)
	server := httptest.NewUnstartedServer(r.Entra)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // the refused handshake below
	server.StartTLS()
	defer server.Close()
	r.env.Authority = server.URL
	b, err := auth.NewBroker(r.env, &auth.Options{Now: r.clock.Now, Sleep: r.clock.Sleep, Transport: server.Client().Transport})
	if err != nil {
		t.Fatal(err)
	}
	r.token(b.Application())
	// Without its certificate it is not trusted.
	if b, err = auth.NewBroker(r.env, &auth.Options{Now: r.clock.Now, Sleep: r.clock.Sleep}); err != nil {
		t.Fatal(err)
	}
	_, err = b.Application().Token(t.Context())
	if e := failure(t, err); e.Kind != auth.Misconfigured || !strings.Contains(e.Detail, "certificate") {
		t.Error(e)
	}
}

// A national cloud has other hosts: the issuer comes from the tenant's own
// documents, not from a table of ours.
func TestNationalCloud(t *testing.T) {
	const login = "https://login.microsoftonline.us"
	const issuer = login + "/" + simulator.DefaultTenantID + "/v2.0"
	r := newRig(t, nil)
	r.env.Authority = login
	// The cloud's host, answered by the simulator: its documents name the
	// cloud, its keys the cloud's issuer.
	broker, err := auth.NewBroker(r.env, &auth.Options{Now: r.clock.Now, Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
		if req.URL.Scheme+"://"+req.URL.Host != login {
			t.Errorf("a request to %s", req.URL.Host)
		}
		local := req.Clone(req.Context())
		local.URL.Scheme, local.URL.Host = "http", strings.TrimPrefix(r.server.URL, "http://")
		return rewrite(func(doc map[string]any) {
			if doc["issuer"] != nil {
				doc["issuer"] = issuer
			}
			for k, v := range doc {
				if s, ok := v.(string); ok {
					doc[k] = strings.Replace(s, "http://login.microsoftonline.us", login, 1)
				}
			}
			keys, _ := doc["keys"].([]any)
			for _, k := range keys {
				k.(map[string]any)["issuer"] = login + "/{tenantid}/v2.0"
			}
		}).RoundTrip(local)
	})})
	if err != nil {
		t.Fatal(err)
	}
	s, err := broker.Employee(t.Context(), r.Assertion(mette, simulator.AssertionOptions{Claims: claims{"iss": issuer}}))
	if err != nil {
		t.Fatal(err)
	}
	_, err = broker.Verify(t.Context(), r.Assertion(mette, simulator.AssertionOptions{}))
	if e := failure(t, err); e.Check != "issuer" {
		t.Error("a token of the global cloud:", e)
	}
	r.token(broker.Application())
	_, err = s.Token(t.Context()) // the simulator does not know the cloud's issuer; the request arrives
	if e := failure(t, err); e.Codes[0] != 50013 {
		t.Error(e)
	}
}
