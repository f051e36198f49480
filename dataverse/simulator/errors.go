package simulator

import (
	"errors"
	"fmt"
	"net/http"
)

// apiError is a refusal as the Web API words it (fact sheet section 9.2).
type apiError struct {
	// Status is the HTTP status.
	Status int
	// Code is the error's code: "0x" and eight hex digits, "0x0" or empty.
	Code    string
	Message string
	// Name is what the annotation ApiExceptionMessageName says, such as
	// "PrivilegeDenied"; may be empty.
	Name string
	// Header holds further response headers, such as Retry-After; may be nil.
	Header http.Header
	// Body, if set, is sent instead of the JSON envelope, as text/html.
	Body []byte
}

func (e *apiError) Error() string {
	return fmt.Sprintf("%d %s %s", e.Status, e.Code, e.Message)
}

func failf(status int, code, format string, args ...any) *apiError {
	return &apiError{Status: status, Code: code, Message: fmt.Sprintf(format, args...)}
}

// asAPIError gives err as the wire knows it; what is not an apiError is the
// service's own failure.
func asAPIError(err error) *apiError {
	var e *apiError
	if errors.As(err, &e) {
		return e
	}
	return failf(http.StatusInternalServerError, "0x80040216", "An unexpected error occurred.")
}

// The codes that more than one place uses; names as in the fact sheet,
// section 9.2.
const (
	codeNone            = "0x0"
	codeSegment         = "0x8006088a"
	codeQuery           = "0x80060888"
	codePayload         = "0x80048d19"
	codeNotFound        = "0x80040217"
	codeNotFoundByKey   = "0x80060891"
	codeVersionMismatch = "0x80060882"
	codeDuplicate       = "0x80040237"
	codeDuplicateKey    = "0x80060892"
	codeAssociated      = "0x80040227"
	codeStringLength    = "0x80044331"
	codeChoiceRange     = "0x8004431A"
	codeIntegerRange    = "0x8004432F"
	codeDecimalRange    = "0x80044330"
	codeDateTime        = "0x80040239"
	codeRequired        = "0x80040200"
	codeArgument        = "0x80040203"
	codeStatus          = "0x80048408"
	codeInactive        = "0x80040230"
	codeNotImplemented  = "0x80060888"
)

// errNotModelled is the answer to what a real service can do and the simulator
// does not: it names the option, and FACTS.md lists it (DV002).
func errNotModelled(what string) *apiError {
	return failf(http.StatusNotImplemented, codeNotImplemented, "The simulator does not model %s.", what)
}

// errSegment is the answer to an unknown resource (DV010).
func errSegment(segment string) *apiError {
	return failf(http.StatusNotFound, codeSegment, "Resource not found for the segment '%s'.", segment)
}

// errNoResource is the answer to a function or action called by the wrong
// verb (DV011).
func errNoResource(uri string) *apiError {
	return failf(http.StatusNotFound, "", "No HTTP resource was found that matches the request URI '%s'.", uri)
}

// errMethod is the answer to a verb that a resource does not have (DV012).
func errMethod(method string) *apiError {
	return failf(http.StatusMethodNotAllowed, codeNone, "The requested resource does not support http method '%s'.", method)
}

// errProperty is the answer to an unknown column in a query option (DV013).
func errProperty(name string, t *Table) *apiError {
	return failf(http.StatusBadRequest, codeNone, "Could not find a property named '%s' on type 'Microsoft.Dynamics.CRM.%s'.", name, t.LogicalName)
}

// errQuery is the answer to a query option that is wrong in itself.
func errQuery(format string, args ...any) *apiError {
	return failf(http.StatusBadRequest, codeQuery, format, args...)
}

// errNotFound is the answer to an id that no row has (DV014).
func errNotFound(t *Table, id guid) *apiError {
	return failf(http.StatusNotFound, codeNotFound, "Entity '%s' With Id = %s Does Not Exist", t.SchemaName, id)
}

// errPayload is the answer to a body that OData cannot read (DV015).
func errPayload(t *Table, format string, args ...any) *apiError {
	return failf(http.StatusBadRequest, codePayload,
		"Error identified in Payload provided by the user for Entity :'%s', For more information on this error please follow this help link https://go.microsoft.com/fwlink/?linkid=2195293  ---->  InnerException : Microsoft.OData.ODataException: %s",
		t.EntitySet, fmt.Sprintf(format, args...))
}
