package otel_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/dataverse/simulator"
	"github.com/andmoneyaps/engage-playbooks/otel"
)

type bearer string

func (b bearer) Token(context.Context) (string, error) { return string(b), nil }

// TestSpansAndMetrics reads once through a fault, and looks at what was
// recorded: each step, and no value.
func TestSpansAndMetrics(t *testing.T) {
	const marker = "MARKER@example.com"
	s := simulator.NewServer(nil, nil)
	defer s.Close()
	s.Fail(simulator.Fault{Kind: simulator.FaultError, RetryAfter: "0"})

	exporter := tracetest.NewInMemoryExporter()
	spans := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter))
	reader := sdkmetric.NewManualReader()
	tracer, err := otel.NewTracer(&otel.Options{TracerProvider: spans, MeterProvider: sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))})
	if err != nil {
		t.Fatal(err)
	}
	token := s.Entra.Bearer(simulator.AdministratorEmail)
	c, err := dataverse.New(s.URL, bearer(token), &dataverse.Options{Tracer: tracer})
	if err != nil {
		t.Fatal(err)
	}
	ctx, root := spans.Tracer("test").Start(t.Context(), "run")
	q := &dataverse.Query{
		EntitySet: "contacts", Table: "contact", Select: []string{"contactid"},
		Filter: dataverse.Compare{Column: "emailaddress1", Op: dataverse.Eq, Value: marker},
	}
	for _, err := range c.Query(ctx, q) {
		t.Fatal(err)
	}
	root.End()

	var names []string
	for _, span := range exporter.GetSpans() {
		names = append(names, span.Name)
		if span.Name != "run" && span.Parent.TraceID() != root.SpanContext().TraceID() {
			t.Errorf("%s is not below the caller's span", span.Name)
		}
		text := fmt.Sprintf("%+v", span)
		if strings.Contains(text, "MARKER") || strings.Contains(text, token) || strings.Contains(text, "$filter") {
			t.Errorf("a value leaked: %s", text)
		}
	}
	if got := strings.Join(names, ", "); got != "dataverse token, GET contacts, dataverse wait, dataverse token, GET contacts, run" {
		t.Errorf("spans %s", got)
	}
	var data metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &data); err != nil {
		t.Fatal(err)
	}
	got := map[string]uint64{}
	for _, m := range data.ScopeMetrics[0].Metrics {
		for _, p := range m.Data.(metricdata.Histogram[float64]).DataPoints {
			got[m.Name] += p.Count
		}
	}
	if got["dataverse.client.request.duration"] != 2 || got["dataverse.client.wait.duration"] != 1 || got["dataverse.client.token.duration"] != 2 {
		t.Errorf("metrics %v", got)
	}
}
