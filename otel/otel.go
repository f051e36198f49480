// Package otel makes OpenTelemetry spans and metrics of the hooks of package
// dataverse. It is a module of its own, so that embedders without
// OpenTelemetry do not carry it.
//
//	client, err := dataverse.New(url, tokens, &dataverse.Options{Tracer: tracer}) // of NewTracer(nil)
//
// Each attempt of a request, each wait and each token call is a span below the
// one in the caller's context. Spans and metrics name methods, tables and path
// templates; no query string, no id of a record and no value of a field ever
// reaches them. With Options.Propagator each attempt carries its span to the
// service.
package otel

import (
	"context"
	"errors"
	"net/http"

	global "go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
)

// Scope is the instrumentation scope of all spans and metrics.
const Scope = "github.com/andmoneyaps/engage-playbooks/otel"

// Options of a [Tracer]; nil fields stand for the defaults.
type Options struct {
	// TracerProvider gives the tracer. Default: the global one.
	TracerProvider trace.TracerProvider
	// MeterProvider gives the meter. Default: the global one.
	MeterProvider metric.MeterProvider
	// Propagator writes the span into the headers of each request, so that
	// what stands between here and the service can go on with the trace:
	// propagation.TraceContext{} for W3C's traceparent and tracestate. Baggage
	// would reach the service with its values. Default: nothing is sent.
	Propagator propagation.TextMapPropagator
}

// Tracer is a [dataverse.Tracer]. Its instruments are
// dataverse.client.request.duration (s), dataverse.client.wait.duration (s)
// and dataverse.client.token.duration (s), with the attributes of the spans.
type Tracer struct {
	tracer               trace.Tracer
	propagator           propagation.TextMapPropagator
	request, wait, token metric.Float64Histogram
}

var (
	_ dataverse.Tracer     = (*Tracer)(nil)
	_ dataverse.Propagator = (*Tracer)(nil)
)

// bounds are those that OpenTelemetry advises for durations of HTTP requests,
// and longer ones for waits: the default of an SDK is for milliseconds.
var bounds = []float64{0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60, 300}

// NewTracer returns a tracer; nil options are the defaults. The error is that
// of a meter that refuses an instrument.
func NewTracer(opts *Options) (*Tracer, error) {
	var o Options
	if opts != nil {
		o = *opts
	}
	if o.TracerProvider == nil {
		o.TracerProvider = global.GetTracerProvider()
	}
	if o.MeterProvider == nil {
		o.MeterProvider = global.GetMeterProvider()
	}
	meter, seconds := o.MeterProvider.Meter(Scope), metric.WithExplicitBucketBoundaries(bounds...)
	t := &Tracer{tracer: o.TracerProvider.Tracer(Scope), propagator: o.Propagator}
	var errs [3]error
	t.request, errs[0] = meter.Float64Histogram("dataverse.client.request.duration", metric.WithUnit("s"), seconds,
		metric.WithDescription("Duration of one attempt of a request, answer included."))
	t.wait, errs[1] = meter.Float64Histogram("dataverse.client.wait.duration", metric.WithUnit("s"), seconds,
		metric.WithDescription("Duration of a wait before another attempt."))
	t.token, errs[2] = meter.Float64Histogram("dataverse.client.token.duration", metric.WithUnit("s"), seconds,
		metric.WithDescription("Duration of a call of the token source."))
	return t, errors.Join(errs[:]...)
}

// Start begins the span of a step.
func (t *Tracer) Start(ctx context.Context, step dataverse.Step) context.Context {
	kind, name := trace.SpanKindInternal, "dataverse "+string(step.Kind)
	if step.Kind == dataverse.StepRequest {
		kind, name = trace.SpanKindClient, step.Method+" "+step.Path
	}
	ctx, span := t.tracer.Start(ctx, name, trace.WithSpanKind(kind))
	if span.IsRecording() {
		span.SetAttributes(attributes(step)...)
		span.SetAttributes(
			attribute.Int("http.request.resend_count", step.Attempt-1),
			attribute.String("dataverse.client_request_id", step.ClientRequestID),
		)
		if step.Kind == dataverse.StepWait {
			span.SetAttributes(attribute.Float64("dataverse.wait", step.Wait.Seconds()))
		}
	}
	return ctx
}

// End ends the span and records the duration.
func (t *Tracer) End(ctx context.Context, step dataverse.Step) {
	span := trace.SpanFromContext(ctx)
	attrs := attributes(step)
	if step.Status != 0 {
		attrs = append(attrs, attribute.Int("http.response.status_code", step.Status))
	}
	if span.IsRecording() {
		span.SetAttributes(attrs...)
		span.SetAttributes(attribute.String("dataverse.request_id", step.RequestID))
		switch {
		case step.Err != nil:
			span.SetStatus(codes.Error, step.Err.Error())
		case step.Kind == dataverse.StepRequest && step.Status >= 400:
			span.SetStatus(codes.Error, "")
		}
	}
	span.End()
	instrument := t.request
	switch step.Kind {
	case dataverse.StepWait:
		instrument = t.wait
	case dataverse.StepToken:
		instrument = t.token
	}
	instrument.Record(ctx, step.Duration.Seconds(), metric.WithAttributes(attrs...))
}

// Propagate writes the span of the attempt into the headers of its request, if
// Options.Propagator says how.
func (t *Tracer) Propagate(ctx context.Context, header http.Header) {
	if t.propagator != nil {
		t.propagator.Inject(ctx, propagation.HeaderCarrier(header))
	}
}

// attributes are what spans and metrics share: few values each.
func attributes(step dataverse.Step) []attribute.KeyValue {
	return []attribute.KeyValue{
		attribute.String("http.request.method", step.Method),
		attribute.String("url.template", step.Path),
		attribute.String("db.collection.name", step.Table),
	}
}
