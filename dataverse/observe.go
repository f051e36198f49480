package dataverse

import (
	"context"
	"net/http"
	"time"
)

// An Exchange is one request for data with its answer, its retries counted in.
// It holds no value and no query string. Requests for tokens and definitions
// are none.
type Exchange struct {
	// Method and Path are those of the HTTP request; see [Request.Resource].
	Method, Path string
	// Status is the HTTP status of the last answer, 0 without one.
	Status int
	// Attempts counts the HTTP requests that were sent, retries included; it
	// is 0 if none was (no token, or the context ended).
	Attempts int
	// RequestID is the service's id of the last answer.
	RequestID string
	// Started and Duration span all attempts and waits.
	Started  time.Time
	Duration time.Duration
	// Batch says that it was a $batch.
	Batch bool
	// Operations are what the request asked for: one entry, or those of the
	// $batch in order.
	Operations []Exchanged
	// Err is the failure of the request as a whole.
	Err error
}

// Exchanged is one operation of an [Exchange].
type Exchanged struct {
	Method, Path string
	// Status is that of the operation; 0 where the service did not answer for
	// it: those of a change set that another operation failed.
	Status int
	// ChangeSet numbers the change set within the exchange from 1; 0: none.
	ChangeSet int
	// Table and Source are those of the query or write.
	Table, Source string
	// Records counts the rows of a bulk message that share the operation; 0
	// otherwise.
	Records int
}

type observerKey struct{}

// WithObserver returns a context whose requests are told to observe, after
// the answer, in the order they end. Observe may be called from several
// goroutines at once. An observer of an outer context is called too.
func WithObserver(ctx context.Context, observe func(Exchange)) context.Context {
	if outer, ok := ctx.Value(observerKey{}).(func(Exchange)); ok {
		inner := observe
		observe = func(e Exchange) { inner(e); outer(e) }
	}
	return context.WithValue(ctx, observerKey{}, observe)
}

// StepKind is what a [Tracer] is told about.
type StepKind string

// The kinds of steps.
const (
	// StepRequest is one HTTP request: each attempt is a step of its own.
	StepRequest StepKind = "request"
	// StepWait is a wait before another attempt.
	StepWait StepKind = "wait"
	// StepToken is a call of the [TokenSource] or [Renewer].
	StepToken StepKind = "token"
)

// A Step is one attempt, wait or token call. It holds no value, no id of a
// row and no query string.
type Step struct {
	Kind StepKind
	// Method and Path are the request's; Path is [Request.Template].
	Method, Path string
	Table        string
	// Attempt counts from 1.
	Attempt int
	// Wait is how long a StepWait is going to last.
	Wait time.Duration
	// ClientRequestID is sent with every attempt of one request.
	ClientRequestID string

	// Known when the step ends:

	Duration time.Duration
	// Status is the HTTP status, 0 without an answer.
	Status int
	// RequestID is the service's.
	RequestID string
	// Err has no values in its text.
	Err error
}

// A Tracer is told of each step, as the tracers of pgx are: Start returns the
// context that the step runs with, and End gets that context back. Both may
// be called from several goroutines at once.
type Tracer interface {
	Start(ctx context.Context, step Step) context.Context
	End(ctx context.Context, step Step)
}

// A Propagator is a [Tracer] that tells the service, too: Propagate is called
// before each HTTP request with the context that Start returned, and adds
// headers such as traceparent. The client's own headers stay as they are.
type Propagator interface {
	Propagate(ctx context.Context, header http.Header)
}
