package simulator

func (p *filterParser) queryFunction(short, name string, base int, hops []*navigation, t *Table) (condition, error) {
	return nil, errNotModelled(name)
}
