package auth_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/andmoneyaps/engage-playbooks/auth"
	"github.com/andmoneyaps/engage-playbooks/dataverse/simulator"
)

func TestSecretIsReadAnewForEachExchange(t *testing.T) {
	r := newRig(t, nil)
	path := r.env.Application.Secrets[0].File
	write(t, path, "wrong")
	_, err := r.broker.Application().Token(t.Context())
	if e := failure(t, err); e.Kind != auth.Misconfigured || len(e.Codes) != 1 || e.Codes[0] != 7000215 {
		t.Error(e)
	}
	write(t, path, simulator.DefaultClientSecret+"\r\n")
	r.token(r.broker.Application())
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestSecretFromTheEnvironment(t *testing.T) {
	r := newRig(t, func(env *auth.Environment, _ *auth.Options) {
		env.Application.Secrets = []auth.Reference{{Env: "ENGAGE_TEST_SECRET"}}
	})
	_, err := r.broker.Application().Token(t.Context())
	if e := failure(t, err); e.Kind != auth.Misconfigured || !strings.Contains(e.Error(), "ENGAGE_TEST_SECRET") {
		t.Error(e)
	}
	t.Setenv("ENGAGE_TEST_SECRET", simulator.DefaultClientSecret)
	r.token(r.broker.Application())
}

// While rotating, either of two secrets may be the valid one. The one that was
// refused is reported, and is not tried first again.
func TestSecondSecretIsUsedThenReported(t *testing.T) {
	for name, old := range map[string]string{"wrong": "the-old-secret", "expired": "expired-secret"} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			reg, _ := r.Registration(simulator.DefaultClientID)
			reg.ExpiredSecrets = []string{"expired-secret"}
			r.Register(reg)
			oldFile := r.file("old", old)
			r.env.OnBehalfOf.Secrets = []auth.Reference{{File: oldFile}, r.env.OnBehalfOf.Secrets[0]}
			broker, err := auth.NewBroker(r.env, &auth.Options{Now: r.clock.Now, Logger: logTo(r.log)})
			if err != nil {
				t.Fatal(err)
			}
			r.broker = broker
			r.token(r.employee(mette))
			if n := r.TokenCount(""); n != 2 {
				t.Errorf("%d requests, want 2", n)
			}
			if log := r.log.String(); !strings.Contains(log, oldFile) || !strings.Contains(log, "WARN") {
				t.Errorf("the refused secret is not reported: %q", log)
			}
			r.token(r.employee(soren))
			if n := r.TokenCount(""); n != 3 {
				t.Errorf("the refused secret was tried again")
			}
			// The new one is taken back: the other is tried again.
			reg.Secrets = []string{old}
			reg.ExpiredSecrets = nil
			r.Register(reg)
			r.token(r.employee(mette))
			if strings.Contains(r.log.String(), old) {
				t.Error("the log holds a secret")
			}
		})
	}
}

func TestBothSecretsRefusedIsOneError(t *testing.T) {
	r := newRig(t, func(env *auth.Environment, _ *auth.Options) {
		env.Application.Secrets = append(env.Application.Secrets, env.Application.Secrets[0])
	})
	r.FailToken(always(7000222))
	_, err := r.broker.Application().Token(t.Context())
	if e := failure(t, err); e.Kind != auth.Misconfigured || r.TokenCount("") != 2 {
		t.Error(e, r.TokenCount(""))
	}
}

// A secret that may not be read while rotating does not stop the other.
func TestMissingSecretOfTwo(t *testing.T) {
	r := newRig(t, func(env *auth.Environment, _ *auth.Options) {
		env.Application.Secrets = append([]auth.Reference{{Env: "ENGAGE_TEST_NOT_SET"}}, env.Application.Secrets...)
	})
	r.token(r.broker.Application())
	if !strings.Contains(r.log.String(), "ENGAGE_TEST_NOT_SET") {
		t.Errorf("log: %q", r.log)
	}
}

// keyPair makes a certificate and its PEM.
func keyPair(t *testing.T, end time.Time) (*x509.Certificate, string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "engage"}, NotBefore: end.Add(-time.Hour), NotAfter: end}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return cert, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})) +
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))
}

func TestCertificateServesBothIdentities(t *testing.T) {
	r := newRig(t, nil)
	cert, text := keyPair(t, time.Now().Add(24*time.Hour))
	ref := &auth.Reference{File: r.file("engage.pem", text)}
	r.env.OnBehalfOf = &auth.Registration{ClientID: simulator.DefaultClientID, Certificate: ref}
	r.env.Application = r.env.OnBehalfOf
	var err error
	if r.broker, err = auth.NewBroker(r.env, &auth.Options{Now: r.clock.Now}); err != nil {
		t.Fatal(err)
	}
	_, err = r.broker.Application().Token(t.Context())
	if e := failure(t, err); e.Kind != auth.Misconfigured || len(e.Codes) != 1 || e.Codes[0] != 700027 {
		t.Error("a certificate that is not registered:", e)
	}
	reg, _ := r.Registration(simulator.DefaultClientID)
	reg.Certificates = []*x509.Certificate{cert}
	r.Register(reg)
	r.token(r.broker.Application())
	r.token(r.employee(mette))
	for _, req := range r.TokenRequests() {
		if req.Credential != "certificate" {
			t.Errorf("credential %q", req.Credential)
		}
	}
}

func TestUnusableCertificateSaysWhyWithoutItsText(t *testing.T) {
	_, expired := keyPair(t, time.Now().Add(-time.Hour))
	_, one := keyPair(t, time.Now().Add(time.Hour))
	_, two := keyPair(t, time.Now().Add(time.Hour))
	key := func(s string) string { return s[strings.Index(s, "-----BEGIN PRIVATE"):] }
	certificate := func(s string) string { return s[:strings.Index(s, "-----BEGIN PRIVATE")] }
	for name, tc := range map[string]struct{ text, want string }{
		"expired":           {expired, "expired"},
		"no certificate":    {key(one), "a certificate and its RSA key"},
		"no key":            {certificate(one), "a certificate and its RSA key"},
		"another's key":     {certificate(one) + key(two), "does not belong"},
		"encrypted":         {certificate(one) + strings.Replace(key(one), "PRIVATE KEY", "ENCRYPTED PRIVATE KEY", 2), "encrypted"},
		"no PEM":            {"c2VjcmV0LWNhbmFyeQ", "a certificate and its RSA key"},
		"key of other kind": {certificate(one) + "-----BEGIN PRIVATE KEY-----\nc2VjcmV0LWNhbmFyeQ==\n-----END PRIVATE KEY-----", "no RSA key"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			r.env.Application = &auth.Registration{ClientID: simulator.DefaultClientID, Certificate: &auth.Reference{File: r.file("c.pem", tc.text)}}
			b, err := auth.NewBroker(r.env, nil)
			if err != nil {
				t.Fatal(err)
			}
			_, err = b.Application().Token(t.Context())
			e := failure(t, err)
			if e.Kind != auth.Misconfigured || !strings.Contains(e.Error(), tc.want) {
				t.Error(e)
			}
			if strings.Contains(e.Error(), "c2VjcmV0") {
				t.Error("the error quotes the file")
			}
		})
	}
}

// The token of a workload rotates in its file and is read for each request.
func TestFederatedTokenFileIsReadAnew(t *testing.T) {
	r := newRig(t, nil)
	path := r.file("token", r.FederatedToken(-time.Hour))
	r.env.OnBehalfOf = &auth.Registration{ClientID: simulator.DefaultClientID, FederatedToken: &auth.Reference{File: path}}
	r.env.Application = r.env.OnBehalfOf
	var err error
	if r.broker, err = auth.NewBroker(r.env, &auth.Options{Now: r.clock.Now}); err != nil {
		t.Fatal(err)
	}
	_, err = r.broker.Application().Token(t.Context())
	if e := failure(t, err); e.Kind != auth.Misconfigured || len(e.Codes) != 1 || e.Codes[0] != 700024 {
		t.Error("a stale token:", e)
	}
	write(t, path, r.FederatedToken(time.Hour))
	r.token(r.broker.Application())
	r.token(r.employee(mette))
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	_, err = r.employee(soren).Token(t.Context())
	if e := failure(t, err); e.Kind != auth.Misconfigured || !strings.Contains(e.Error(), path) {
		t.Error("a missing file:", e)
	}
}

func TestManagedIdentityThroughTheOption(t *testing.T) {
	fail := error(nil)
	var r *rig
	r = newRig(t, func(env *auth.Environment, o *auth.Options) {
		env.Application = &auth.Registration{ClientID: simulator.DefaultClientID, FederatedToken: &auth.Reference{File: "/not/read"}}
		o.Federated = func(_ context.Context, clientID, endpoint string) (string, error) {
			if clientID != simulator.DefaultClientID || !strings.Contains(endpoint, "/oauth2/v2.0/token") {
				t.Errorf("asked for %s at %s", clientID, endpoint)
			}
			return r.FederatedToken(time.Hour), fail
		}
	})
	r.token(r.broker.Application())
	fail = errors.New("canary-in-an-error")
	_, err := r.broker.Application().Renew(t.Context(), r.token(r.broker.Application()), "")
	if e := failure(t, err); e.Kind != auth.Unavailable || strings.Contains(e.Error(), "canary") {
		t.Error(e)
	}
}
