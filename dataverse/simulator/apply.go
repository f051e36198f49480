package simulator

// apply answers $apply.
func (c *call) apply(src source) (*response, error) { return nil, errNotModelled("$apply") }
