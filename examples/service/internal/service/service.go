// Package service runs the playbooks of several banks on the events that the
// platform posts.
//
// A [Bank] is a workspace and the environments that it runs in. [Open] loads
// all banks, [Service.Serve] answers requests until its context ends, and
// [Service.Reload] takes changed documents in without disturbing a run.
package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// The limits of a request, and of a stop.
const (
	maxBody       = 4 << 20
	maxHeader     = 64 << 10
	headerTimeout = 5 * time.Second
	bodyTimeout   = 30 * time.Second
	idleTimeout   = 2 * time.Minute
	// lastWords is how long the answers may take once no run is under way, or
	// after those that were have been cut off and asked what they wrote.
	lastWords = 15 * time.Second
)

// errStopped is why runs end that outlast the stop.
var errStopped = errors.New("the service is stopping")

// Options of a [Service]; zero values stand for the defaults.
type Options struct {
	Banks []Bank
	// PlatformKeys is a file with the keys of the platform, one a line: who has
	// one may post events of actors other than employees. Default: nobody may.
	PlatformKeys string
	// Timeout bounds one run. Default: one minute.
	Timeout time.Duration
	// Drain bounds how long a stop waits for the runs under way. Default: 30
	// seconds.
	Drain time.Duration
	// Runs bounds the runs of an environment that are under way at once;
	// further ones wait. Default: 256.
	Runs int
	// Log gets the audit. Default: slog.Default().
	Log *slog.Logger
}

// Service is the banks, loaded, and what has happened so far.
type Service struct {
	opts    Options
	log     *slog.Logger
	banks   []*bank
	keys    keys
	metrics *metrics
	gate    gate
	// runs is the context of all runs: no run ends because a caller went away.
	runs context.Context
	cut  context.CancelCauseFunc
}

// Open loads all banks. It sends nothing.
func Open(opts Options) (*Service, error) {
	opts.Timeout = cmp.Or(opts.Timeout, time.Minute)
	opts.Drain = cmp.Or(opts.Drain, 30*time.Second)
	opts.Runs = cmp.Or(opts.Runs, 256)
	s := &Service{opts: opts, log: cmp.Or(opts.Log, slog.Default())}
	s.runs, s.cut = context.WithCancelCause(context.Background())
	var err error
	if s.metrics, err = newMetrics(); err != nil {
		return nil, err
	}
	for _, b := range opts.Banks {
		s.banks = append(s.banks, &bank{Bank: b, service: s})
	}
	if err := s.Reload(); err != nil {
		return nil, err
	}
	return s, s.unambiguous()
}

// Reload reads all documents and keys anew. Each bank changes as a whole or
// stays as it was; events that come from now on meet the new documents, and
// runs under way go on with those that they began with.
func (s *Service) Reload() error {
	var errs []error
	if err := s.keys.load(s.opts.PlatformKeys); err != nil {
		errs = append(errs, err)
	}
	for _, b := range s.banks {
		if err := b.load(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", b.Dir, err))
		}
	}
	return errors.Join(errs...)
}

// Handler answers events, and the questions of those who watch the service.
func (s *Service) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /tenants/{tenant}/events", s.event)
	mux.Handle("GET /metrics", s.metrics.handler)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		if s.gate.isClosed() {
			http.Error(w, "stopping", http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ok\n"))
	})
	return mux
}

// Serve answers until ctx ends. Then new events are refused with 503, the runs
// under way have the time of [Options.Drain], and the error is nil if every
// event that was taken in has been answered.
func (s *Service) Serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       bodyTimeout,
		WriteTimeout:      bodyTimeout + s.opts.Timeout + lastWords,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	s.drain()
	ctx, cancel := context.WithTimeout(context.Background(), lastWords)
	defer cancel()
	return server.Shutdown(ctx)
}

// drain refuses new events and waits for the runs under way; those that take
// too long are cut off, and say so in their records.
func (s *Service) drain() {
	empty, inside := s.gate.close()
	s.log.Info("stopping", "events", inside)
	late := time.NewTimer(s.opts.Drain)
	defer late.Stop()
	select {
	case <-empty:
	case <-late.C:
		s.log.Warn("runs are cut off", "after", s.opts.Drain.String())
		s.cut(errStopped)
	}
}
