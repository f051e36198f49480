package simulator

// segment is one piece of a path: a name and what stood in parentheses.
type segment struct {
	name string
	// key is the text between the parentheses, decoded; hasKey tells "x()"
	// from "x".
	key    string
	hasKey bool
}

// serve answers a call: it opens the view or the transaction that the call
// needs, unless tx is set already, and words errors. It never panics.
func (s *Server) serve(c *call) *response {
	return c.errorResponse(errNotModelled(c.path))
}
