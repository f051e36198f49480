package playbook

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/andmoneyaps/engage-playbooks"
	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/pattern"
)

// Why a run can fail beside what its blocks meet; match with errors.Is.
var (
	// ErrTimeLimit: the run took longer than [Engine.Timeout].
	ErrTimeLimit = errors.New("the run's time limit was reached")
	// ErrEscalationDenied: the policy does not allow the block to act as the
	// application.
	ErrEscalationDenied = errors.New("the escalation policy does not allow it")
	// ErrOtherTrigger: the event is of another type than the playbook is for.
	// Nothing ran, and there is no record.
	ErrOtherTrigger = errors.New("the playbook is for another type of event")
)

// BlockError says why a block failed: which, where it stands, and what the
// matter was, without values. Its cause may say more, such as a
// [*dataverse.Error] with the service's own text, and is for the caller alone.
type BlockError struct {
	Playbook, Block string
	// Part and Field are the destination concerned, where there is one; Part
	// is "notes[2]" for the third of many.
	Part, Field string
	// Code is Dataverse's ("0x80040217") or the name of our rule.
	Code string
	// Status is the HTTP status of the operation; 0: none.
	Status int
	// Message says what went wrong, and holds no value.
	Message string
	// Pos is the mapping or the block to blame.
	Pos engage.Pos
	Err error
}

func (e *BlockError) Error() string {
	var b strings.Builder
	if e.Pos.IsValid() {
		b.WriteString(e.Pos.String() + ": ")
	}
	if e.Block != "" {
		fmt.Fprintf(&b, "block %q: ", e.Block)
	}
	at := e.Part
	if e.Field != "" {
		at = strings.TrimPrefix(at+"."+e.Field, ".")
	}
	if at != "" {
		b.WriteString(at + ": ")
	}
	b.WriteString(e.Message)
	return b.String()
}

// Unwrap gives the cause.
func (e *BlockError) Unwrap() error { return e.Err }

func (e *BlockError) failure() *Failure {
	if e == nil {
		return nil
	}
	return &Failure{Block: e.Block, Part: e.Part, Field: e.Field, Code: e.Code, Status: e.Status, Message: e.Message}
}

// ruleError is an error of a rule of ours, before it has a block.
type ruleError struct {
	code, message string
	part, field   string
	pos           engage.Pos
	err           error
}

func (e *ruleError) Error() string { return e.message }
func (e *ruleError) Unwrap() error { return e.err }

// namer is an error that knows its name in a record, and whose text may stand
// there: it holds no value and no token. Those of package auth are such.
type namer interface {
	error
	Problem() string
}

// blockError makes the error of a block of any error that arose in it. over
// says why the run has ended, nil if it has not.
func blockError(playbook string, b *Block, err, over error) *BlockError {
	e := &BlockError{Playbook: playbook, Block: b.Name, Pos: b.Pos, Err: err}
	if over != nil {
		e.Code, e.Message = endedCode(over), endedMessage(over)+" while the block ran"
		if !errors.Is(err, over) {
			e.Err = errors.Join(over, err)
		}
		return e
	}
	var (
		mapping    *MappingError
		patternErr *pattern.Error
		expression *ExpressionError
		event      *EventError
		rule       *ruleError
		remote     *dataverse.Error
		problems   engage.Problems
		named      namer
		part       *partError
	)
	if errors.As(err, &part) {
		e.Part = part.part
	}
	switch {
	case errors.As(err, &mapping):
		e.Code, e.Message = mapping.Code, mapping.Message
		e.at(mapping.Pos)
		e.Part, e.Field = destination(b, mapping.Destination)
	case errors.As(err, &patternErr):
		e.Code, e.Part, e.Field, e.Message = patternErr.Code, patternErr.Part, patternErr.Field, patternErr.Message
		if patternErr.Suggestion != "" {
			e.Message += "; " + patternErr.Suggestion
		}
		e.at(patternErr.Pos)
	case errors.As(err, &expression):
		e.Code, e.Message = expression.Code, expression.Message
		e.at(expression.Pos)
	case errors.As(err, &event):
		e.Code, e.Field, e.Message = "event-data", event.Path, event.Error()
	case errors.As(err, &rule):
		e.Code, e.Part, e.Field, e.Message = rule.code, rule.part, rule.field, rule.message
		e.at(rule.pos)
	case errors.As(err, &named):
		e.Code, e.Message = named.Problem(), named.Error()
	case errors.As(err, &remote):
		e.Code, e.Status, e.Message = remoteCode(remote), remote.Status, remoteMessage(remote)
	case errors.As(err, &problems) && len(problems) > 0:
		e.Code, e.Message = problems[0].Code, problems[0].Message
		e.at(problems[0].Pos)
		if len(problems) > 1 {
			e.Message += fmt.Sprintf(" (and %d more)", len(problems)-1)
		}
	default:
		e.Code, e.Message = "failed", "it failed for a reason that may hold values; see the error's cause"
	}
	return e
}

func (e *BlockError) at(pos engage.Pos) {
	if pos.IsValid() {
		e.Pos = pos
	}
}

func endedCode(over error) string {
	if errors.Is(over, ErrTimeLimit) {
		return "time-limit"
	}
	return "canceled"
}

func endedMessage(over error) string {
	if errors.Is(over, ErrTimeLimit) {
		return "the run's time limit was reached"
	}
	return "the run was cancelled"
}

// ended reports whether the error is that of a context.
func ended(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// destination splits a mapping's destination for the record.
func destination(b *Block, s string) (part, field string) {
	if !b.Type.CRM() {
		return "", s
	}
	part, field, _ = strings.Cut(s, ".")
	return part, field
}

func remoteCode(e *dataverse.Error) string {
	switch {
	case e.Code != "":
		return e.Code
	case errors.Is(e, dataverse.ErrForeign):
		return "foreign-link"
	case errors.Is(e, dataverse.ErrTooLarge):
		return "too-large"
	case e.Status == 0 && errors.Is(e, dataverse.ErrUnreadable):
		return "unreadable-answer"
	case e.Status == 0:
		return "no-answer"
	case errors.Is(e, dataverse.ErrThrottled):
		return "throttled"
	case errors.Is(e, dataverse.ErrUnauthorized):
		return "unauthorized"
	case errors.Is(e, dataverse.ErrForbidden):
		return "forbidden"
	case errors.Is(e, dataverse.ErrUnavailable):
		return "unavailable"
	}
	return "refused"
}

// remoteMessage says what Dataverse made of a request, in our words.
func remoteMessage(e *dataverse.Error) string {
	verb := map[string]string{"GET": "to read", "POST": "to write", "PATCH": "to write", "PUT": "to write", "DELETE": "to delete"}[e.Method]
	what := verb
	if e.Table != "" {
		what = strings.TrimSpace(verb + " " + e.Table)
	}
	if what == "" {
		what = "the request"
	}
	switch {
	case e.Status != 0:
	case errors.Is(e, dataverse.ErrForeign):
		return fmt.Sprintf("Dataverse's answer when asked %s leads to another origin, which is not followed", what)
	case errors.Is(e, dataverse.ErrTooLarge):
		return fmt.Sprintf("the request or the answer was over the size limit when Dataverse was asked %s", what)
	case errors.Is(e, dataverse.ErrUnreadable):
		return fmt.Sprintf("what answered when Dataverse was asked %s is not its Web API: see whether the environment's url is right", what)
	default:
		return fmt.Sprintf("Dataverse did not answer when asked %s", what)
	}
	status := fmt.Sprint(e.Status)
	if e.Code != "" {
		status += ", " + e.Code
	}
	s := fmt.Sprintf("Dataverse refused %s (%s)", what, status)
	if reason := e.Reason(); reason != "" {
		s += ": " + reason
	}
	return s
}
