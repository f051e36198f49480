package otel_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/dataverse/simulator"
	"github.com/andmoneyaps/engage-playbooks/otel"
)

// headers keeps those that were sent.
type headers struct {
	http.RoundTripper
	mu   sync.Mutex
	sent []http.Header
}

func (h *headers) RoundTrip(r *http.Request) (*http.Response, error) {
	h.mu.Lock()
	h.sent = append(h.sent, r.Header.Clone())
	h.mu.Unlock()
	return h.RoundTripper.RoundTrip(r)
}

// TestTraceContextReachesTheService reads through a fault: each attempt carries
// its own span, and what the trace state and the baggage hold besides only if
// it was asked for.
func TestTraceContextReachesTheService(t *testing.T) {
	for name, tt := range map[string]struct {
		propagator propagation.TextMapPropagator
		sent       bool
	}{
		"W3C":     {propagation.TraceContext{}, true},
		"default": {nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := simulator.NewServer(nil, nil)
			defer s.Close()
			s.Fail(simulator.Fault{Kind: simulator.FaultError, RetryAfter: "0"})
			exporter := tracetest.NewInMemoryExporter()
			spans := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter))
			tracer, err := otel.NewTracer(&otel.Options{TracerProvider: spans, Propagator: tt.propagator})
			if err != nil {
				t.Fatal(err)
			}
			wire := &headers{RoundTripper: http.DefaultTransport}
			token := bearer(s.Entra.Bearer(simulator.AdministratorEmail))
			c, err := dataverse.New(s.URL, token, &dataverse.Options{HTTP: wire, Tracer: tracer})
			if err != nil {
				t.Fatal(err)
			}
			member, err := baggage.NewMember("customer", "MARKER")
			if err != nil {
				t.Fatal(err)
			}
			bag, err := baggage.New(member)
			if err != nil {
				t.Fatal(err)
			}
			ctx, root := spans.Tracer("test").Start(baggage.ContextWithBaggage(t.Context(), bag), "run")
			q := &dataverse.Query{
				EntitySet: "contacts", Table: "contact", Select: []string{"contactid"},
				Filter: dataverse.Compare{Column: "lastname", Op: dataverse.Eq, Value: "MARKER"},
			}
			for _, err := range c.Query(ctx, q) {
				t.Fatal(err)
			}
			root.End()

			var want []string
			for _, span := range exporter.GetSpans() {
				if span.Name == "GET contacts" {
					want = append(want, "00-"+span.SpanContext.TraceID().String()+"-"+span.SpanContext.SpanID().String()+"-01")
				}
			}
			if len(want) != 2 || len(wire.sent) != 2 || want[0] == want[1] {
				t.Fatalf("%d spans of %d attempts", len(want), len(wire.sent))
			}
			for i, h := range wire.sent {
				if got := h.Get("Traceparent"); tt.sent != (got == want[i]) || !tt.sent && got != "" {
					t.Errorf("attempt %d: traceparent %q, its span is %s", i+1, got, want[i])
				}
				if h.Get("Authorization") != "Bearer "+string(token) {
					t.Error("the token is gone")
				}
				if strings.Contains(h.Get("Baggage")+h.Get("Tracestate"), "MARKER") {
					t.Errorf("attempt %d carries values: %v", i+1, h)
				}
			}
		})
	}
}
