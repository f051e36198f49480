package simulator

import "sync/atomic"

// seams is the state of a Server that security, faults, limits, hooks and
// cookies have.
type seams struct {
	security security
	faults   faultScript
	limits   atomic.Pointer[Limits]
	limiter  limiter
	hooks    hooks
	cookies  cookieJar
}

// initSeams puts in the role of administrators, and gives it to the first.
func (s *Server) initSeams() { s.addRoles() }
