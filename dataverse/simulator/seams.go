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
