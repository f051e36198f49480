package dataverse

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"unicode/utf8"
)

// maxMessage bounds what is kept of the service's own text.
const maxMessage = 4096

// refuse fills in what the service answered. Header and body are those of the
// response, or of a part of a $batch.
func (e *Error) refuse(status int, h headers, body []byte) {
	e.Status = status
	e.RequestID = requestID(h)
	e.RetryAfter, _ = retryAdvice(h, body)
	e.Code, e.Message = errorBody(body)
}

// errorBody reads the error object of the Web API (fact sheet, 9.1). Gateways
// and front ends answer with HTML, plain text or nothing: that has no code,
// and its beginning is the message.
func errorBody(body []byte) (code, message string) {
	var doc struct {
		Error *struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &doc) == nil && doc.Error != nil {
		return strings.ToLower(doc.Error.Code), bounded(doc.Error.Message)
	}
	text := bytes.TrimSpace(body)
	return "", bounded(string(text[:min(len(text), maxMessage+1)]))
}

// bounded cuts a text at maxMessage bytes, between characters.
func bounded(s string) string {
	if len(s) <= maxMessage {
		return strings.ToValidUTF8(s, "�")
	}
	cut := maxMessage
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return strings.ToValidUTF8(s[:cut], "�")
}

// kind tells which of the Err values the error is. The code is looked at
// before the status, which one code does not always share: a 412 may be a
// stale ETag or a duplicate (fact sheet, 9.2 and 9.3).
func (e *Error) kind() error {
	switch e.Code {
	case CodeObjectDoesNotExist, CodeNotFoundByKey, CodeResourceNotFound:
		return ErrNotFound
	case CodeVersionMismatch:
		return ErrConflict
	case CodeDuplicateRecord, CodeDuplicateKey, CodeDuplicateDetected:
		return ErrDuplicate
	case CodeThrottleTime, CodeThrottleRequests, CodeThrottleConcurrency:
		return ErrThrottled
	}
	switch s := e.Status; {
	case s == 0:
		switch {
		case e.Err == nil, errors.Is(e.Err, ErrForeign), errors.Is(e.Err, ErrReadOnly), errors.Is(e.Err, ErrTooLarge),
			errors.Is(e.Err, ErrNotWritten), errors.Is(e.Err, context.Canceled), errors.Is(e.Err, context.DeadlineExceeded):
			return nil // Unwrap says it
		}
		return ErrUnavailable
	case s == http.StatusUnauthorized:
		return ErrUnauthorized
	case s == http.StatusForbidden:
		return ErrForbidden
	case s == http.StatusNotFound:
		return ErrNotFound
	case s == http.StatusPreconditionFailed:
		if isDuplicateText(e.Message) {
			return ErrDuplicate
		}
		return ErrConflict
	case s == http.StatusTooManyRequests:
		return ErrThrottled
	case s == http.StatusRequestEntityTooLarge:
		return ErrTooLarge
	case s >= 500 && s != http.StatusNotImplemented, s == http.StatusRequestTimeout:
		return ErrUnavailable
	case s >= 300 && s < 400:
		return ErrForeign
	default:
		return ErrInvalid
	}
}

// isDuplicateText knows the 412 that older services answer without code (fact
// sheet, 3.7).
func isDuplicateText(message string) bool {
	return strings.HasPrefix(message, "A record with matching key values already exists")
}

// unknownName reports whether the service did not know a table, a column or a
// navigation property: the definition that the name came from is out of date.
func (e *Error) unknownName() bool {
	switch {
	case e.Code == CodeResourceNotFound, e.Code == CodeInvalidPayload:
		return true
	case e.Status != http.StatusBadRequest:
		return false
	default:
		return strings.Contains(e.Message, "Could not find a property named") ||
			strings.Contains(e.Message, "Invalid property ")
	}
}

var reasonByCode = map[string]string{
	CodeObjectDoesNotExist:   "the record, or one that it links to, does not exist",
	CodeNotFoundByKey:        "no record has this key",
	CodeResourceNotFound:     "the service does not know the table: compare the entity set with its metadata",
	CodeVersionMismatch:      "somebody changed the record since it was read: read it again",
	CodeDuplicateRecord:      "a record with this id or key exists already",
	CodeDuplicateKey:         "a record with this key exists already",
	CodeDuplicateDetected:    "a duplicate detection rule found a record like it",
	CodeThrottleTime:         "the service bears no more execution time of this user for now",
	CodeThrottleRequests:     "the service takes no more requests of this user for now",
	CodeThrottleConcurrency:  "too many requests of this user at a time",
	CodeSQLError:             "the database refused, possibly for a deadlock",
	CodeSQLTimeout:           "the database took too long: send less at a time",
	CodePrivilegeDenied:      "the user's security roles lack a privilege on the table",
	CodeAccessDenied:         "the user has the privilege, but no access to this record",
	CodeTargetLacksPrivilege: "the new owner lacks a privilege on the table",
	CodeInvalidQuery:         "the service does not accept the query: a name or a combination is wrong",
	CodeInvalidPayload:       "the service does not accept the columns sent: a name is unknown, is spelled in other case, or has a value of another type",
	CodeStringLengthTooLong:  "a text is longer than its column",
	CodeChoiceOutOfRange:     "a choice is none of the column's options",
	CodeRequired:             "a column that every record must have is empty",
	CodeUserNotMemberOfOrg:   "no enabled user of this organisation belongs to the token: register the application user, or check the URL",
	CodeUserWithoutRoles:     "the user has no security role",
	CodeUserDisabled:         "the user is disabled or belongs to no business unit",
	CodeApplicationBlocked:   "an administrator has blocked the application",
	"0x8004f502":             "the user may not create a secured column",
	"0x8004f504":             "the user may not read a secured column",
	"0x8004f506":             "the query filters on a column that is secured from the user",
	"0x8004f507":             "the user may not update a secured column",
	"0x8004a110":             "the user may not act on behalf of others",
	"0x80040227":             "other records depend on the record",
	CodeNotActive:            "the record is not active",
	CodeStatusOfOtherState:   "state and status do not go together",
	"0x8006088d":             "the table has no optimistic concurrency: write without ETag",
	"0x80060890":             "the table has no such alternate key",
	"0x80040265":             "a plug-in of the organisation refused",
	CodeIntegerOutOfRange:    "a number is out of its column's range",
	CodeNumberOutOfRange:     "a number is out of its column's range",
	"0x80040239":             "a date or time is out of range",
}

// Reason says in words what code and status mean, without the service's text.
func (e *Error) Reason() string {
	if reason, ok := reasonByCode[e.Code]; ok {
		return reason
	}
	switch kind := e.kind(); kind {
	case nil:
		return "no answer"
	case ErrUnauthorized:
		if e.Claims != "" {
			return "the token was not accepted: the service demands further claims"
		}
		return "the token was not accepted"
	case ErrForbidden:
		return "the user may not do this"
	case ErrNotFound:
		return "not found"
	case ErrConflict:
		return "a condition of the request does not hold: the record has changed"
	case ErrDuplicate:
		return "a record with this key exists already"
	case ErrThrottled:
		return "the service asks to wait longer than the request may"
	case ErrUnavailable:
		return "the service failed"
	case ErrTooLarge:
		return "the request is larger than the service takes"
	case ErrForeign:
		return "a redirect, which is not followed"
	default:
		return "the service does not accept the request"
	}
}
