package auth

import (
	"context"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Lifetimes of the key cache: Microsoft's own recipe, entra-tokens.md, 4.3.
const (
	// keysFresh is how long keys are used without asking whether they changed.
	keysFresh = time.Hour
	// unknownBrake is how long after a fetch an unknown key id causes no other:
	// whoever sends tokens with invented ids must not make us flood Entra.
	unknownBrake = 5 * time.Minute
	// failureBrake is the same after a fetch that failed while keys are held.
	failureBrake = 30 * time.Second
)

// publicKey is one key of a tenant. A key with an issuer serves only that one.
type publicKey struct {
	rsa    *rsa.PublicKey
	issuer string
}

// keySet is the keys and the issuer of one tenant for one version of tokens.
type keySet struct {
	http  *http.Client
	now   func() time.Time
	sleep func(ctx context.Context, d time.Duration) error
	url   string // of the OpenID configuration

	flight    flight[struct{}]
	mu        sync.Mutex
	issuer    string
	keys      map[string]publicKey
	fetched   time.Time // last success
	attempted time.Time
}

// find gives the key of an id and the tenant's issuer. ok is false for an id
// that the tenant does not publish. The error says that the tenant's documents
// cannot be had at all.
func (s *keySet) find(ctx context.Context, id string) (key publicKey, issuer string, ok bool, err error) {
	key, issuer, ok, due := s.look(id)
	if !due {
		return key, issuer, ok, nil
	}
	_, err = s.flight.do(ctx, "", func(ctx context.Context) (struct{}, error) {
		ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
		defer cancel()
		return struct{}{}, s.refreshSurely(ctx)
	})
	if ctx.Err() != nil {
		return key, issuer, ok, ctx.Err()
	}
	key, issuer, ok, _ = s.look(id)
	if issuer != "" {
		err = nil // the last known good keys serve on
	}
	return key, issuer, ok, err
}

// look reads the cache; due says that it is time to ask Entra.
func (s *keySet) look(id string) (key publicKey, issuer string, ok, due bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key, ok = s.keys[id]
	now := s.now()
	age := now.Sub(s.attempted)
	switch {
	case s.fetched.IsZero():
		due = true
	case s.fetched.Before(s.attempted): // the last attempt failed
		due = age >= failureBrake && (!ok || now.Sub(s.fetched) >= keysFresh)
	case !ok:
		due = age >= unknownBrake
	default:
		due = age >= keysFresh
	}
	return key, s.issuer, ok, due
}

// refreshSurely tries again what may pass, as long as there are no keys at all:
// with keys at hand those serve on.
func (s *keySet) refreshSurely(ctx context.Context) error {
	for try := 1; ; try++ {
		err := s.refresh(ctx)
		e, ok := err.(*Error)
		if !ok || s.any() {
			return err
		}
		wait, again := backoff(e, try)
		if !again || !deadlineAllows(ctx, wait) || s.sleep(ctx, wait) != nil {
			return err
		}
	}
}

// any reports whether keys are at hand.
func (s *keySet) any() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.keys) > 0
}

// refresh replaces the keys by the published ones.
func (s *keySet) refresh(ctx context.Context) error {
	s.mu.Lock()
	s.attempted = s.now()
	at := s.attempted
	s.mu.Unlock()
	var conf configuration
	if err := s.getJSON(ctx, s.url, &conf); err != nil {
		return err
	}
	if conf.Issuer == "" || conf.KeysURL == "" {
		return &Error{Kind: Unavailable, Op: opDiscovery, Detail: "the tenant's OpenID configuration is incomplete", Hint: "check authority"}
	}
	var set struct {
		Keys []webKey `json:"keys"`
	}
	if err := s.getJSON(ctx, conf.KeysURL, &set); err != nil {
		return err
	}
	keys := map[string]publicKey{}
	for _, k := range set.Keys {
		if key, ok := k.public(); ok {
			keys[k.ID] = key
		}
	}
	if len(keys) == 0 {
		return &Error{Kind: Unavailable, Op: opDiscovery, Detail: "the tenant publishes no usable key", Hint: "check authority"}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.issuer, s.keys, s.fetched = conf.Issuer, keys, at
	return nil
}

// webKey is one entry of a JWKS, as far as we read it.
type webKey struct {
	Type   string `json:"kty"`
	Use    string `json:"use"`
	ID     string `json:"kid"`
	N      string `json:"n"`
	E      string `json:"e"`
	Issuer string `json:"issuer"`
}

// public gives an RSA key that is for signatures; others are passed over.
func (k webKey) public() (publicKey, bool) {
	if k.Type != "RSA" || k.ID == "" || k.Use != "" && k.Use != "sig" {
		return publicKey{}, false
	}
	n, err1 := base64.RawURLEncoding.DecodeString(strings.TrimRight(k.N, "="))
	e, err2 := base64.RawURLEncoding.DecodeString(strings.TrimRight(k.E, "="))
	if err1 != nil || err2 != nil || len(n) < 256 || len(e) == 0 || len(e) > 4 {
		return publicKey{}, false // RSA of at least 2048 bits
	}
	exponent := int(new(big.Int).SetBytes(e).Int64())
	return publicKey{&rsa.PublicKey{N: new(big.Int).SetBytes(n), E: exponent}, k.Issuer}, true
}

// getJSON reads one of the tenant's documents.
func (s *keySet) getJSON(ctx context.Context, url string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return &Error{Kind: Misconfigured, Op: opDiscovery, Detail: "the tenant's documents have no usable address", Hint: "check authority"}
	}
	res, err := s.http.Do(req)
	if err != nil {
		return fromMSAL(ctx, opDiscovery, err, s.now())
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		e := &Error{Op: opDiscovery}
		e.fill(res, s.now())
		return e
	}
	body, err := io.ReadAll(res.Body)
	if err == nil {
		err = json.Unmarshal(body, into)
	}
	if err != nil {
		return &Error{Kind: Unavailable, Op: opDiscovery, Detail: fmt.Sprintf("%s did not answer with JSON", req.URL.Host), Hint: "a proxy may stand between; try again"}
	}
	return nil
}
