package dataverse

import "net/http"

// kind tells which of the Err values the error is (fact sheet, 9.2 and 9.3).
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
	switch {
	case e.Status == 0:
		if e.Err != nil {
			return ErrUnavailable
		}
		return nil
	case e.Status == http.StatusUnauthorized:
		return ErrUnauthorized
	case e.Status == http.StatusForbidden:
		return ErrForbidden
	case e.Status == http.StatusNotFound:
		return ErrNotFound
	case e.Status == http.StatusPreconditionFailed:
		return ErrConflict
	case e.Status == http.StatusTooManyRequests:
		return ErrThrottled
	case e.Status == http.StatusRequestEntityTooLarge:
		return ErrTooLarge
	case e.Status >= 500 && e.Status != http.StatusNotImplemented, e.Status == http.StatusRequestTimeout:
		return ErrUnavailable
	case e.Status >= 300 && e.Status < 400:
		return ErrForeign
	default:
		return ErrInvalid
	}
}

// Reason says in words what the code or status means, without values.
func (e *Error) Reason() string { return "" }
