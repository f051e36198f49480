package document

// flow reads a list or a mapping in brackets, within a collection of lines in
// the column indent.
func (p *simple) flow(indent int) bool {
	n, v, closing := len(p.stack), p.here(List), byte(']')
	if p.src[p.pos] == '{' {
		v.kind, closing = Map, '}'
	}
	v.style = flowStyle
	if !p.open() {
		return false
	}
	p.pos++
	for {
		if !p.gap(indent) {
			return false
		}
		if p.src[p.pos] == closing {
			p.pos++
			return p.close(v, n)
		}
		if v.kind == Map && !p.flowKey(indent) {
			return false
		}
		switch p.src[p.pos] {
		case '{', '[':
			if !p.flow(indent) {
				return false
			}
		default:
			if !p.scalar(true) {
				return false
			}
		}
		if !p.gap(indent) {
			return false
		}
		switch p.src[p.pos] {
		case ',':
			p.pos++
		case closing:
		default:
			return false
		}
	}
}

// flowKey reads a key in brackets, and goes to its value.
func (p *simple) flowKey(indent int) bool {
	from, quoted := p.pos, p.src[p.pos] == '"' || p.src[p.pos] == '\''
	if !p.scalar(true) {
		return false
	}
	p.spaces()
	if p.pos == len(p.src) || p.src[p.pos] != ':' || p.pos-from > maxKey || !quoted && !p.blank(p.pos+1) {
		return false
	}
	p.pos++
	return p.gap(indent)
}

// gap goes to what comes next in brackets, which must be indented further than
// what they stand in.
func (p *simple) gap(indent int) bool {
	line := p.line
	p.skip()
	return p.pos < len(p.src) && (p.line == line || p.column() > indent && !p.ended())
}
