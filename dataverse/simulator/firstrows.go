package simulator

// addFirstRows puts in what every organisation has: the organisation, its root
// business unit, its currency and an administrator.
func (s *Server) addFirstRows() {}
