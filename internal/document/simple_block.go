package document

import "strings"

// maxKey is how far from its beginning a key's colon may stand: yaml.v3 takes
// 1,024 characters.
const maxKey = 1000

// block reads what begins here, within a collection in the column indent.
func (p *simple) block(indent int) bool {
	column := p.column()
	switch c := p.src[p.pos]; {
	case p.dash():
		return p.sequence(column)
	case c == '{' || c == '[':
		return p.flow(indent) && p.lineEnds()
	case c == '|' || c == '>':
		return p.text(indent)
	}
	from := p.pos
	if !p.scalar(false) {
		return false
	}
	if p.colon(from) {
		return p.mapping(column)
	}
	return p.lineEnds()
}

// colon goes to the colon after a key that begins at from.
func (p *simple) colon(from int) bool {
	p.spaces()
	return p.pos < len(p.src) && p.src[p.pos] == ':' && p.blank(p.pos+1) && p.pos-from <= maxKey
}

// mapping reads a mapping of lines from its first colon on; the first key has
// been read.
func (p *simple) mapping(column int) bool {
	n := len(p.stack) - 1
	v := value{kind: Map, line: p.stack[n].line, col: p.stack[n].col}
	if !p.open() {
		return false
	}
	for {
		p.pos++ // the colon
		if !p.member(column) {
			return false
		}
		if p.skip(); p.ended() || p.column() < column {
			return p.close(v, n)
		}
		if from := p.pos; p.column() > column || !p.scalar(false) || !p.colon(from) {
			return false
		}
	}
}

// member reads the value after a colon.
func (p *simple) member(column int) bool {
	null := p.here(Null)
	null.style = plainStyle
	if p.lineEnds() {
		p.skip()
		switch {
		case p.ended(), p.column() < column, p.column() == column && !p.dash():
			return p.push(null)
		case p.column() == column:
			return p.sequence(column)
		}
		return p.block(column)
	}
	switch p.src[p.pos] {
	case '{', '[':
		return p.flow(column) && p.lineEnds()
	case '|', '>':
		return p.text(column)
	}
	return p.scalar(false) && p.lineEnds()
}

// sequence reads a list of lines from its first dash on.
func (p *simple) sequence(column int) bool {
	n, v := len(p.stack), p.here(List)
	if !p.open() {
		return false
	}
	for {
		p.pos++ // the dash
		null := p.here(Null)
		null.style = plainStyle
		p.spaces()
		if !p.lineEnds() {
			if !p.block(column) {
				return false
			}
		} else if p.skip(); p.ended() || p.column() <= column {
			if !p.push(null) {
				return false
			}
		} else if !p.block(column) {
			return false
		}
		if p.skip(); p.ended() || p.column() < column || p.column() == column && !p.dash() {
			return p.close(v, n)
		}
		if p.column() > column {
			return false
		}
	}
}

// text reads a block of text, from its | or > on.
func (p *simple) text(indent int) bool {
	v, literal := p.here(Text), p.src[p.pos] == '|'
	if literal {
		v.style = literalStyle
	}
	p.pos++
	chomp := byte(0)
	if p.pos < len(p.src) && (p.src[p.pos] == '-' || p.src[p.pos] == '+') {
		chomp = p.src[p.pos]
		p.pos++
	}
	if !p.lineEnds() || p.pos == len(p.src) {
		return false
	}
	p.newline()
	width, ok := p.textWidth()
	if !ok || width <= indent {
		return false
	}
	var (
		b            strings.Builder
		breaks       int  // line ends that are not written yet, but for the last line's
		more         bool // the last line was indented further
		first, ended = true, true
	)
	for p.pos < len(p.src) {
		for p.pos < len(p.src) && p.src[p.pos] == ' ' && p.column() < width {
			p.pos++
		}
		end := p.lineEnd()
		if end == p.pos && end < len(p.src) {
			breaks++
			p.newline()
			continue
		}
		if p.column() < width || end == p.pos {
			break
		}
		line := p.src[p.pos:end]
		switch {
		case first:
		case literal || more || line[0] == ' ':
			b.WriteByte('\n')
		case breaks == 0:
			b.WriteByte(' ')
		}
		writeBreaks(&b, breaks)
		b.WriteString(line)
		first, more, breaks = false, line[0] == ' ', 0
		if p.pos = end; end == len(p.src) {
			ended = false
			break
		}
		p.newline()
	}
	if chomp != '-' && ended {
		b.WriteByte('\n')
	}
	if chomp == '+' {
		writeBreaks(&b, breaks)
	}
	v.text = b.String()
	return p.push(v)
}

func writeBreaks(b *strings.Builder, n int) {
	for range n {
		b.WriteByte('\n')
	}
}

// textWidth is how far a block of text is indented: as its first line that is
// not blank, if none of the blank ones before it is longer.
func (p *simple) textWidth() (width int, ok bool) {
	longest := 0
	for i := p.pos; i < len(p.src); i++ {
		switch p.src[i] {
		case ' ':
			width++
		case '\n':
			longest, width = max(longest, width), 0
		default:
			return width, width > 0 && longest <= width
		}
	}
	return 0, false
}
