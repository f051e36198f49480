package simulator

import "sync/atomic"

// seams is the state of a Server that security, faults, limits and hooks have.
type seams struct {
	security security
	faults   faultScript
	limits   atomic.Pointer[Limits]
	limiter  limiter
	hooks    hooks
}

// initSeams puts in the role of administrators, and gives it to the first.
func (s *Server) initSeams() { s.addRoles() }

// fetchXML answers GET set?fetchXml=….
func (c *call) fetchXML(t *Table, query string) (*response, error) {
	return nil, errNotModelled("fetchXml")
}

// operation is a function or an action.
type operation struct {
	// action is called by POST with parameters in the body; a function by GET
	// with parameters in the path (call.params).
	action bool
	// bound says what stands before the name: "" nothing, "row" a row, "set"
	// an entity set.
	bound string
	// tables are the logical names that a bound operation is for; nil: all.
	tables []string
	// run answers. t is nil for unbound operations, r is set for "row".
	run func(c *call, t *Table, r *record) (*response, error)
}

// operations are the functions and actions by short name.
var operations = map[string]*operation{}
