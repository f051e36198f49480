package auth_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/andmoneyaps/engage-playbooks/auth"
	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/dataverse/simulator"
)

// What the client of Dataverse asks of a source; auth does not know that
// package, so it is stated here.
var (
	_ dataverse.TokenSource = (*auth.Source)(nil)
	_ dataverse.Renewer     = (*auth.Source)(nil)
	_ dataverse.Identifier  = (*auth.Source)(nil)
)

const (
	mette   = "mette.holm@bank.example"
	soren   = "soren.lund@bank.example"
	orgURL  = "https://contoso-sandbox.crm4.dynamics.com"
	elseTid = "6f0a1c1e-0000-4000-8000-000000000002"
)

// clock is a clock that a test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

// newClock starts at the machine's time: MSAL has no other.
func newClock() *clock { return &clock{now: time.Now().Truncate(time.Second)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Sleep passes the time at once.
func (c *clock) Sleep(ctx context.Context, d time.Duration) error {
	c.Add(d)
	return ctx.Err()
}

// rig is a simulated Entra on a socket, and a broker that uses it through the
// real MSAL.
type rig struct {
	*simulator.Entra
	t      *testing.T
	clock  *clock
	server *httptest.Server
	env    *auth.Environment
	broker *auth.Broker
	log    *bytes.Buffer
}

func newRig(t *testing.T, change func(env *auth.Environment, opts *auth.Options)) *rig {
	t.Helper()
	r := &rig{t: t, clock: newClock(), log: new(bytes.Buffer)}
	r.Entra = simulator.NewEntra(simulator.EntraOptions{
		Clock: r.clock.Now, Tenants: []string{simulator.DefaultTenantID, elseTid}, Resources: []string{orgURL},
	})
	r.server = httptest.NewServer(r.Entra)
	t.Cleanup(r.server.Close)
	secret := r.file("secret", simulator.DefaultClientSecret)
	r.env = &auth.Environment{
		ID: "sandbox", URL: orgURL, TenantID: simulator.DefaultTenantID, Authority: r.server.URL,
		Audience:    []string{simulator.DefaultAudience},
		OnBehalfOf:  &auth.Registration{ClientID: simulator.DefaultClientID, Secrets: []auth.Reference{{File: secret}}},
		Application: &auth.Registration{ClientID: simulator.DefaultClientID, Secrets: []auth.Reference{{File: secret}}},
	}
	opts := &auth.Options{Now: r.clock.Now, Sleep: r.clock.Sleep, Logger: logTo(r.log)}
	if change != nil {
		change(r.env, opts)
	}
	var err error
	if r.broker, err = auth.NewBroker(r.env, opts); err != nil {
		t.Fatal(err)
	}
	return r
}

// file writes a secret where a reference can find it.
func (r *rig) file(name, text string) string {
	path := filepath.Join(r.t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
		r.t.Fatal(err)
	}
	return path
}

func (r *rig) employee(user string) *auth.Source {
	r.t.Helper()
	s, err := r.broker.Employee(r.t.Context(), r.Assertion(user, simulator.AssertionOptions{}))
	if err != nil {
		r.t.Fatal(err)
	}
	return s
}

func (r *rig) token(s *auth.Source) string {
	r.t.Helper()
	tok, err := s.Token(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	return tok
}

// failure expects an *auth.Error.
func failure(t *testing.T, err error) *auth.Error {
	t.Helper()
	var e *auth.Error
	if !errors.As(err, &e) {
		t.Fatalf("want an *auth.Error, have %T: %v", err, err)
	}
	return e
}

func always(code int) simulator.TokenFault { return simulator.TokenFault{Code: code} }

func only(grant string, f simulator.TokenFault) simulator.TokenFault {
	f.Match = func(r simulator.TokenRequest) bool { return r.Grant == grant }
	return f
}

func header(k, v string) http.Header { h := http.Header{}; h.Set(k, v); return h }

func logTo(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }
