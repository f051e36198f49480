package playbook

// Path leads to a value: names, indexes, and [*] for all items.
type Path struct {
	text string
}

// String gives the path as it was written.
func (p *Path) String() string { return p.text }
