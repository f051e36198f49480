package dataverse

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// What went wrong, for [errors.Is]. An [*Error] is at
// most one of them, but for ErrUnreadable.
var (
	// ErrNotFound: the row, the table or the name does not exist.
	ErrNotFound = errors.New("not found")
	// ErrForbidden: the identity lacks a privilege, a role or access to the row.
	ErrForbidden = errors.New("forbidden")
	// ErrUnauthorized: the token was not accepted, even after it was renewed.
	ErrUnauthorized = errors.New("unauthorized")
	// ErrConflict: somebody changed the row since its ETag was read.
	ErrConflict = errors.New("conflict")
	// ErrDuplicate: a row with this id, alternate key or duplicate-detection
	// rule exists.
	ErrDuplicate = errors.New("duplicate")
	// ErrThrottled: a service protection limit was met for longer than the
	// client may wait.
	ErrThrottled = errors.New("throttled")
	// ErrInvalid: the service does not accept the request as it is.
	ErrInvalid = errors.New("invalid")
	// ErrUnavailable: the service did not answer, or answered that it cannot.
	// Error.MayBeDone tells whether a write may have happened all the same.
	ErrUnavailable = errors.New("unavailable")
	// ErrTooLarge: the request or the answer is over a size limit.
	ErrTooLarge = errors.New("too large")
	// ErrUnreadable: an answer of success was not in the form of the Web API; it
	// may not be the service that answered. It is ErrUnavailable as well.
	ErrUnreadable = errors.New("unreadable answer")
	// ErrForeign: the service pointed to another origin, by redirect or link.
	ErrForeign = errors.New("leads to another origin")
	// ErrReadOnly: a write met a [ReadOnly] transport.
	ErrReadOnly = errors.New("write refused: read only")
)

// Codes of the service that callers tell apart (fact sheet, 9.2).
const (
	CodeObjectDoesNotExist   = "0x80040217"
	CodeNotFoundByKey        = "0x80060891"
	CodeVersionMismatch      = "0x80060882"
	CodeDuplicateRecord      = "0x80040237"
	CodeDuplicateKey         = "0x80060892"
	CodeDuplicateDetected    = "0x80040333"
	CodeThrottleTime         = "0x80072321" // combined execution time
	CodeThrottleRequests     = "0x80072322" // number of requests
	CodeThrottleConcurrency  = "0x80072326" // concurrent requests
	CodeSQLError             = "0x80044150"
	CodeSQLTimeout           = "0x80044151"
	CodePrivilegeDenied      = "0x80040220"
	CodeAccessDenied         = "0x80048306"
	CodeResourceNotFound     = "0x8006088a"
	CodeInvalidQuery         = "0x80060888"
	CodeInvalidPayload       = "0x80048d19"
	CodeUserNotMemberOfOrg   = "0x80072560"
	CodeStringLengthTooLong  = "0x80044331"
	CodeChoiceOutOfRange     = "0x8004431a"
	CodeRequired             = "0x80040200"
	CodeIntegerOutOfRange    = "0x8004432f"
	CodeNumberOutOfRange     = "0x80044330"
	CodeNotActive            = "0x80040230"
	CodeStatusOfOtherState   = "0x80048408"
	CodeUserWithoutRoles     = "0x80042f09"
	CodeUserDisabled         = "0x80040225"
	CodeApplicationBlocked   = "0x80095ffc"
	CodeTargetLacksPrivilege = "0x80040231"
)

// An Error is a request that failed: refused by the service (Status is the
// HTTP status of the operation), or not answered (Status is 0 and Err says
// why). Match it with errors.As and with the Err values of this package. Its
// text is made from status, code and table and holds no value of a field; the
// service's own text, which quotes values, is in Message and is for the eyes
// of the caller alone.
type Error struct {
	// Status is the HTTP status of the operation, or 0 without an answer.
	Status int
	// Code is the service's, in lower case ("0x80040217"), or "".
	Code string
	// Message is the service's own text, bounded; for an answer that is no
	// JSON the beginning of its body.
	Message string
	// Method and Path are the request's, see [Request.Resource].
	Method, Path string
	// Table is the logical name of the table concerned, where it is known.
	Table string
	// RequestID is the service's id of the request, for its support.
	RequestID string
	// ClientRequestID is ours, sent as x-ms-client-request-id.
	ClientRequestID string
	// RetryAfter is how long the service asked to wait; 0: it did not.
	RetryAfter time.Duration
	// Attempts counts how often the request was sent.
	Attempts int
	// Source is that of the query or the write that failed.
	Source string
	// Write is the index in ChangeSet.Writes of the write that the service
	// refused; -1 where it is not known or there is none.
	Write int
	// MayBeDone says that an attempt at a write ended without telling whether
	// the service acted on it, so that it may be done whatever the last answer
	// was. Reading back tells.
	MayBeDone bool
	// Claims is the claims challenge of a 401, as JSON, or "".
	Claims string
	// Err is the cause where there was no answer.
	Err error
}

// Error says what was asked, what came back and what it means.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Source != "" {
		b.WriteString(e.Source + ": ")
	}
	fmt.Fprintf(&b, "%s %s: ", e.Method, e.Path)
	if e.Status == 0 {
		if e.Err == nil {
			b.WriteString("no answer")
		} else {
			b.WriteString(e.Err.Error())
		}
		return b.String()
	}
	fmt.Fprintf(&b, "%d %s", e.Status, http.StatusText(e.Status))
	if e.Code != "" {
		b.WriteString(" (" + e.Code + ")")
	}
	b.WriteString(": " + e.Reason())
	if e.MayBeDone && !errors.Is(e, ErrUnavailable) {
		b.WriteString("; an earlier attempt may have been acted on")
	}
	return b.String()
}

// Unwrap gives the cause of a request that was not answered.
func (e *Error) Unwrap() error { return e.Err }

// Is matches the Err values of this package.
func (e *Error) Is(target error) bool { return target == e.kind() }
