package service

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/attribute"
	exporter "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	sdk "go.opentelemetry.io/otel/sdk/metric"

	"github.com/andmoneyaps/engage-playbooks/otel"
	"github.com/andmoneyaps/engage-playbooks/playbook"
)

// metrics counts events and runs by names of documents: environments,
// playbooks, statuses. Nothing of an event or a record is in them.
type metrics struct {
	handler http.Handler
	// tracer measures the requests to Dataverse.
	tracer         *otel.Tracer
	events, runs   metric.Float64Histogram
	active         metric.Int64UpDownCounter
	written, loads metric.Int64Counter
}

func newMetrics() (*metrics, error) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	reader, err := exporter.New(exporter.WithRegisterer(registry), exporter.WithoutScopeInfo())
	if err != nil {
		return nil, err
	}
	provider := sdk.NewMeterProvider(sdk.WithReader(reader))
	m := &metrics{handler: promhttp.HandlerFor(registry, promhttp.HandlerOpts{})}
	if m.tracer, err = otel.NewTracer(&otel.Options{MeterProvider: provider}); err != nil {
		return nil, err
	}
	return m, m.instruments(provider.Meter("github.com/andmoneyaps/engage-playbooks/examples/service"))
}

func (m *metrics) instruments(meter metric.Meter) (err error) {
	seconds := metric.WithExplicitBucketBoundaries(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
	if m.events, err = meter.Float64Histogram("engage.event.duration", metric.WithUnit("s"), seconds,
		metric.WithDescription("Duration of an event, from its headers to its answer.")); err != nil {
		return err
	}
	if m.runs, err = meter.Float64Histogram("engage.run.duration", metric.WithUnit("s"), seconds,
		metric.WithDescription("Duration of a run of a playbook.")); err != nil {
		return err
	}
	if m.active, err = meter.Int64UpDownCounter("engage.runs.active",
		metric.WithDescription("Runs that are under way.")); err != nil {
		return err
	}
	if m.written, err = meter.Int64Counter("engage.records.written",
		metric.WithDescription("Records that were written, or were there already.")); err != nil {
		return err
	}
	m.loads, err = meter.Int64Counter("engage.workspace.loads",
		metric.WithDescription("Times that a workspace was loaded, or refused."))
	return err
}

func (m *metrics) event(environment string, status int, d time.Duration) {
	m.events.Record(context.Background(), d.Seconds(), metric.WithAttributes(
		attribute.String("environment", environment), attribute.Int("status", status)))
}

// run counts a run that begins; ended takes its result.
func (m *metrics) run(environment, book string) (ended func(*playbook.Result)) {
	ctx, began := context.Background(), time.Now()
	of := []attribute.KeyValue{attribute.String("environment", environment), attribute.String("playbook", book)}
	m.active.Add(ctx, 1, metric.WithAttributes(of[0]))
	return func(r *playbook.Result) {
		m.active.Add(ctx, -1, metric.WithAttributes(of[0]))
		m.runs.Record(ctx, time.Since(began).Seconds(), metric.WithAttributes(append(of, attribute.String("status", string(r.Status)))...))
		for _, w := range r.Writes {
			m.written.Add(ctx, 1, metric.WithAttributes(of[0], of[1], attribute.String("operation", w.Operation)))
		}
	}
}

func (m *metrics) loaded(dir string, err error) {
	outcome := "loaded"
	if err != nil {
		outcome = "refused"
	}
	m.loads.Add(context.Background(), 1, metric.WithAttributes(attribute.String("workspace", dir), attribute.String("outcome", outcome)))
}
