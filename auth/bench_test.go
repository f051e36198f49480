package auth

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// cannedLogin answers every token request with a token of the usual size. The
// simulated Entra signs what it issues, which would be most of what is measured
// here.
func cannedLogin(tb testing.TB) *Broker {
	tb.Helper()
	const tenant = "6f0a1c1e-0000-4000-8000-000000000001"
	body := []byte(`{"token_type":"Bearer","expires_in":4500,"access_token":"` + strings.Repeat("t", 2000) +
		`","refresh_token":"` + strings.Repeat("r", 1200) + `"}`)
	var server *httptest.Server
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.Method == http.MethodGet {
			fmt.Fprintf(w, `{"issuer":"https://sts.windows.net/x/","authorization_endpoint":"%s/a","token_endpoint":"%[1]s/t","jwks_uri":"%[1]s/k"}`, server.URL)
			return
		}
		_, _ = w.Write(body)
	}))
	tb.Cleanup(server.Close)
	secret := filepath.Join(tb.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("s"), 0o600); err != nil {
		tb.Fatal(err)
	}
	reg := &Registration{ClientID: tenant, Secrets: []Reference{{File: secret}}}
	b, err := NewBroker(&Environment{ID: "bench", URL: "https://contoso.crm4.dynamics.com", TenantID: tenant, Authority: server.URL, OnBehalfOf: reg, Application: reg}, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func (b *Broker) benchEmployee(i int) *Source {
	who := &Employee{TenantID: b.env.TenantID, ObjectID: fmt.Sprintf("%08d-0000-4000-8000-000000000001", i), Expires: time.Now().Add(time.Hour)}
	return b.onBehalfOf.source(fmt.Sprintf("%d.%s", i, strings.Repeat("a", 1500)), who)
}

// A warm call makes no request and at most two allocations; it makes none.
func TestWarmTokenDoesNotAllocate(t *testing.T) {
	b := cannedLogin(t)
	for _, s := range []*Source{b.benchEmployee(1), b.Application()} {
		ctx := t.Context()
		if _, err := s.Token(ctx); err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(100, func() { _, _ = s.Token(ctx) }); n > 0 {
			t.Errorf("%s: %v allocations", s, n)
		}
	}
}

func BenchmarkWarmToken(b *testing.B) {
	s := cannedLogin(b).benchEmployee(1)
	ctx := context.Background()
	if _, err := s.Token(ctx); err != nil {
		b.Fatal(err)
	}
	b.Run("1", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = s.Token(ctx)
		}
	})
	// Nanoseconds for one call per core: at most twice those of one goroutine.
	b.Run("64", func(b *testing.B) {
		b.ReportAllocs()
		b.SetParallelism(64 / runtime.GOMAXPROCS(0))
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				_, _ = s.Token(ctx)
			}
		})
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())*float64(runtime.GOMAXPROCS(0))/float64(b.N), "ns/op/core")
	})
}

// A source for an assertion that was seen before, token included: what each run
// pays beside the verification.
func BenchmarkKnownAssertion(b *testing.B) {
	broker := cannedLogin(b)
	ctx := context.Background()
	if _, err := broker.benchEmployee(1).Token(ctx); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		_, _ = broker.benchEmployee(1).Token(ctx)
	}
}

// One exchange over a socket, with the MSAL client that is made for it.
func BenchmarkExchange(b *testing.B) {
	broker := cannedLogin(b)
	ctx := context.Background()
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		i++
		if _, err := broker.benchEmployee(i).Token(ctx); err != nil {
			b.Fatal(err)
		}
	}
}

// The memory held after 20,000 and after 100,000 distinct employees, of whom
// 10,000 are kept: the two are equal.
func BenchmarkEmployees100000(b *testing.B) {
	if testing.Short() {
		b.Skip("takes half a minute")
	}
	ctx := context.Background()
	heap := func() float64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc) / (1 << 20)
	}
	for b.Loop() {
		broker := cannedLogin(b)
		start := heap()
		for i := range 100_000 {
			if _, err := broker.benchEmployee(i).Token(ctx); err != nil {
				b.Fatal(err)
			}
			switch i + 1 {
			case 20_000:
				b.ReportMetric(heap()-start, "MiB@20000")
			case 100_000:
				b.ReportMetric(heap()-start, "MiB@100000")
			}
		}
		if n := len(broker.onBehalfOf.kept); n != defaultLiveAssertions {
			b.Errorf("%d assertions are kept", n)
		}
		runtime.KeepAlive(broker)
	}
}
