package service

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/andmoneyaps/engage-playbooks/auth"
	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/playbook"
)

// refusal is why an event is not answered with 200.
type refusal struct {
	status        int
	code, message string
	// challenge is the WWW-Authenticate header: what the employee's next
	// sign-in must meet.
	challenge  string
	retryAfter time.Duration
}

func (r *refusal) header(h http.Header) {
	if r.status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", cmp.Or(r.challenge, `Bearer error="invalid_token"`))
	}
	if r.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int((r.retryAfter+time.Second-1)/time.Second)))
	}
}

// worst gives the refusal of the runs of one event: the first in order of
// playbook ids, but one that a sign-in mends goes before all others.
func (p *place) worst(errs []error) (worst *refusal) {
	for _, err := range errs {
		if err == nil {
			continue
		}
		if r := p.refuse(err); worst == nil || r.challenge != "" && worst.challenge == "" {
			worst = r
		}
	}
	return worst
}

// refuse says how an error is answered. The text of the error of a block is the
// record's, and errors of package auth hold no token.
func (p *place) refuse(err error) *refusal {
	var (
		block  *playbook.BlockError
		event  *playbook.EventError
		entra  *auth.Error
		remote *dataverse.Error
	)
	r := &refusal{status: http.StatusInternalServerError, code: "failed", message: "the run failed; see the log"}
	if errors.As(err, &block) {
		r.code, r.message = block.Code, block.Message
	}
	switch {
	case errors.Is(err, playbook.ErrTimeLimit):
		r.status = http.StatusGatewayTimeout
	case errors.Is(err, context.Canceled):
		r.status, r.retryAfter = http.StatusServiceUnavailable, time.Second
	case errors.As(err, &entra):
		r.code, r.message = entra.Problem(), entra.Error()
		r.challenge, r.retryAfter = entra.WWWAuthenticate(), entra.RetryAfter
		r.status = entraStatus[entra.Kind]
		if r.challenge != "" {
			r.status = http.StatusUnauthorized
		}
	case errors.As(err, &remote) && remote.Claims != "":
		// Dataverse asks for more than Entra did, twice: only the employee can
		// give it.
		r.status, r.challenge = http.StatusUnauthorized, p.challenge(remote.Claims)
	case errors.As(err, &remote):
		r.status, r.retryAfter = remoteStatus(remote), remote.RetryAfter
	case errors.Is(err, playbook.ErrEscalationDenied):
		r.status = http.StatusForbidden
	case errors.As(err, &event):
		r.status, r.code, r.message = http.StatusUnprocessableEntity, "event-data", event.Error()
	case block != nil:
		r.status = cmp.Or(blockStatus[block.Code], http.StatusUnprocessableEntity)
	}
	return r
}

// entraStatus says who can help: the employee (401), an administrator or
// nobody (403), the operator (500), time (503).
var entraStatus = map[auth.Failure]int{
	auth.SignInRequired:   http.StatusUnauthorized,
	auth.AssertionRefused: http.StatusUnauthorized,
	auth.ConsentRequired:  http.StatusForbidden,
	auth.Blocked:          http.StatusForbidden,
	auth.UserRefused:      http.StatusForbidden,
	auth.WrongTenant:      http.StatusForbidden,
	auth.AppOnly:          http.StatusForbidden,
	auth.Misconfigured:    http.StatusInternalServerError,
	auth.Throttled:        http.StatusServiceUnavailable,
	auth.Unavailable:      http.StatusServiceUnavailable,
}

// blockStatus are the failures of blocks that are not the event's fault.
var blockStatus = map[string]int{
	"actor-not-named":        http.StatusForbidden,
	"actor-without-identity": http.StatusForbidden,
	"employee-may-not-read":  http.StatusForbidden,
	"no-identity":            http.StatusInternalServerError,
	"identity-refused":       http.StatusInternalServerError,
	"no-capability":          http.StatusInternalServerError,
	"failed":                 http.StatusInternalServerError,
	"capability":             http.StatusBadGateway,
	"capability-output":      http.StatusBadGateway,
	"partly-there":           http.StatusConflict,
}

func remoteStatus(e *dataverse.Error) int {
	for _, m := range []struct {
		err    error
		status int
	}{
		{dataverse.ErrForbidden, http.StatusForbidden},
		{dataverse.ErrConflict, http.StatusConflict},
		{dataverse.ErrDuplicate, http.StatusConflict},
		{dataverse.ErrNotFound, http.StatusUnprocessableEntity},
		{dataverse.ErrInvalid, http.StatusUnprocessableEntity},
		{dataverse.ErrThrottled, http.StatusServiceUnavailable},
		{dataverse.ErrUnreadable, http.StatusBadGateway},
		{dataverse.ErrUnavailable, http.StatusServiceUnavailable},
	} {
		if errors.Is(e, m.err) {
			return m.status
		}
	}
	return http.StatusBadGateway
}

// challenge relays claims in the form of Entra's own challenges.
func (p *place) challenge(claims string) string {
	return fmt.Sprintf(`Bearer realm="%s", authorization_uri="%s/%[1]s/oauth2/v2.0/authorize", error="insufficient_claims", claims="%[3]s"`,
		p.TenantID, cmp.Or(p.Authority, auth.DefaultAuthority), base64.StdEncoding.EncodeToString([]byte(claims)))
}
