package service

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/andmoneyaps/engage-playbooks/playbook"
)

// answer is the body of every answer to an event.
type answer struct {
	Environment string `json:"environment"`
	Event       string `json:"event"`
	// Runs has one record a playbook, in order of their ids, with what its
	// Output blocks made; what its other blocks read is left out.
	Runs  []*playbook.Result `json:"runs"`
	Error *answerError       `json:"error"`
}

type answerError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// event runs the playbooks that an event fits. The same event may come again
// whatever the answer was: what is written already is not written twice.
func (s *Service) event(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	a := &answer{Runs: []*playbook.Result{}}
	var refused *refusal
	if s.gate.enter() {
		refused = s.run(r, http.MaxBytesReader(w, r.Body, maxBody), a)
		defer s.gate.leave()
	} else {
		refused = &refusal{status: http.StatusServiceUnavailable, code: "stopping", message: "this service is stopping; another takes the event", retryAfter: time.Second}
		w.Header().Set("Connection", "close")
	}
	status := http.StatusOK
	if refused != nil {
		status = refused.status
		refused.header(w.Header())
		a.Error = &answerError{refused.code, refused.message}
	}
	s.metrics.event(a.Environment, status, time.Since(began))
	s.log.Info("event answered", "environment", a.Environment, "event", a.Event, "status", status, "code", a.code(),
		"runs", len(a.Runs), "duration", time.Since(began))
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(a)
}

func (a *answer) code() string {
	if a.Error == nil {
		return ""
	}
	return a.Error.Code
}

// run fills the answer, and gives the reason why it is not 200.
func (s *Service) run(r *http.Request, body io.Reader, a *answer) *refusal {
	p, refused := s.find(r.PathValue("tenant"), r.URL.Query().Get("environment"))
	if refused != nil {
		return refused
	}
	a.Environment = p.ID
	ev, refused := decode(body)
	if refused != nil {
		return refused
	}
	if refused := s.identify(r, p, ev); refused != nil {
		return refused
	}
	a.Event = ev.ID
	if err := p.workspace.CheckEvent(ev); err != nil {
		return p.refuse(err)
	}
	fits, _ := p.workspace.Match(ev)
	errs := make([]error, len(fits))
	a.Runs = make([]*playbook.Result, len(fits))
	var all sync.WaitGroup
	for i, book := range fits {
		all.Go(func() {
			result, err := s.one(p, book, ev)
			a.Runs[i], errs[i] = &playbook.Result{Record: result.Record, Output: result.Output}, err
		})
	}
	all.Wait()
	return p.worst(errs)
}

// one runs one playbook; the others of the event know nothing of it.
func (s *Service) one(p *place, book *playbook.Playbook, ev *playbook.Event) (*playbook.Result, error) {
	ended := s.metrics.run(p.ID, book.ID)
	result, err := p.engine.Run(s.runs, book, ev)
	ended(result)
	return result, err
}

// decode reads the event. One without an id is refused: the platform sends an
// event again when it has no answer, and only the id keeps it from being
// written twice.
func decode(body io.Reader) (*playbook.Event, *refusal) {
	data, err := io.ReadAll(body)
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
		return nil, &refusal{status: http.StatusRequestEntityTooLarge, code: "too-large", message: "the event has more than 4 MiB"}
	}
	if err != nil {
		return nil, &refusal{status: http.StatusBadRequest, code: "unreadable", message: "the event did not arrive whole"}
	}
	ev, err := playbook.DecodeEvent(data)
	switch {
	case err != nil:
		return nil, &refusal{status: http.StatusBadRequest, code: "no-event", message: err.Error()}
	case ev.ID == "":
		return nil, &refusal{status: http.StatusBadRequest, code: "no-event-id", message: "the event has no id, so it could not be repeated"}
	}
	return ev, nil
}

// identify decides who acts: by what the caller can prove, never by what the
// event says. An employee's event needs the employee's token, any other the
// platform's key.
func (s *Service) identify(r *http.Request, p *place, ev *playbook.Event) *refusal {
	if ev.Actor == nil {
		ev.Actor = &playbook.Actor{}
	}
	if ev.Actor.Kind != "" && ev.Actor.Kind != playbook.ActorEmployee {
		if !s.keys.has(r.Header.Get("Engage-Platform-Key")) {
			return &refusal{status: http.StatusUnauthorized, code: "no-platform-key",
				message: "an event of an actor who is no employee needs the platform's key in Engage-Platform-Key"}
		}
		return nil
	}
	ev.Assertion, _ = strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	who, err := p.broker.Verify(r.Context(), ev.Assertion)
	if err != nil {
		return p.refuse(err)
	}
	if ev.Actor.ObjectID != "" && !strings.EqualFold(ev.Actor.ObjectID, who.ObjectID) {
		return &refusal{status: http.StatusForbidden, code: "other-actor", message: "the token is not that of the event's actor"}
	}
	*ev.Actor = playbook.Actor{
		Kind: playbook.ActorEmployee, Name: ev.Actor.Name, Email: ev.Actor.Email,
		ObjectID: who.ObjectID, TenantID: who.TenantID, ClientID: who.ClientID,
	}
	s.log.LogAttrs(context.Background(), slog.LevelDebug, "assertion verified", slog.String("environment", p.ID),
		slog.String("objectId", who.ObjectID), slog.String("tokenId", who.TokenID))
	return nil
}
