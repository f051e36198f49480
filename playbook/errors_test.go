package playbook

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/andmoneyaps/engage-playbooks"
	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/pattern"
)

const canary = "CANARY-4711"

type namedError struct{}

func (namedError) Error() string   { return "sign in again" }
func (namedError) Problem() string { return "sign-in-required" }

func TestBlockErrors(t *testing.T) {
	b := &Block{Name: "Create", Type: BlockCreate, Pos: engage.Pos{File: "p.yaml", Line: 3, Col: 5}}
	remote := &dataverse.Error{Status: 403, Code: dataverse.CodePrivilegeDenied, Message: "no right on " + canary, Method: "POST", Path: "contacts", Table: "contact", Write: -1}
	for name, c := range map[string]struct {
		err    error
		over   error
		code   string
		part   string
		field  string
		status int
		is     error
	}{
		"dataverse":     {err: &partError{part: "customer", err: remote}, code: dataverse.CodePrivilegeDenied, part: "customer", status: 403, is: dataverse.ErrForbidden},
		"no answer":     {err: &dataverse.Error{Method: "GET", Table: "contact", Err: errors.New("dial " + canary)}, code: "no-answer", is: dataverse.ErrUnavailable},
		"foreign link":  {err: &dataverse.Error{Method: "GET", Err: fmt.Errorf("%w: https://%s.example", dataverse.ErrForeign, canary), Write: -1}, code: "foreign-link", is: dataverse.ErrForeign},
		"no Web API":    {err: &dataverse.Error{Method: "GET", Err: dataverse.ErrUnreadable, Message: canary, Write: -1}, code: "unreadable-answer", is: dataverse.ErrUnavailable},
		"mapping":       {err: &MappingError{Code: "required-mapping", Destination: "meeting.Subject", Message: "no value"}, code: "required-mapping", part: "meeting", field: "Subject"},
		"pattern":       {err: &pattern.Error{Code: "required-field", Part: "notes[2]", Field: "Text", Message: "no value"}, code: "required-field", part: "notes[2]", field: "Text"},
		"expression":    {err: &ExpressionError{Code: "budget", Message: "too long", Err: errors.New(canary)}, code: "budget"},
		"problems":      {err: engage.Problems{{Code: "unknown-column", Message: "no column"}, {Code: "x", Message: "y"}}, code: "unknown-column"},
		"identity":      {err: fmt.Errorf("wrapped: %w", namedError{}), code: "sign-in-required"},
		"anything else": {err: errors.New(canary), code: "failed"},
		"time limit":    {err: context.DeadlineExceeded, over: ErrTimeLimit, code: "time-limit", is: ErrTimeLimit},
		"cancelled":     {err: context.Canceled, over: context.Canceled, code: "canceled", is: context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			e := blockError("p", b, c.err, c.over)
			if e.Code != c.code || e.Part != c.part || e.Field != c.field || e.Status != c.status || e.Message == "" {
				t.Errorf("%+v", e)
			}
			if strings.Contains(e.Error(), canary) || strings.Contains(e.Message, canary) {
				t.Errorf("a value is in the error: %v", e)
			}
			if c.is != nil && !errors.Is(e, c.is) {
				t.Errorf("%v is not %v", e, c.is)
			}
		})
	}
	if got := blockError("p", b, remote, nil).Error(); !strings.HasPrefix(got, `p.yaml:3:5: block "Create": `) {
		t.Errorf("no place in %q", got)
	}
}
