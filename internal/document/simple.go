package document

import (
	"strings"
	"unicode/utf8"
)

// simpleYAML reads the YAML that documents are mostly written in, in a fraction
// of the time that yaml.v3 takes: mappings and lists, in lines or in brackets,
// texts of one line, quoted or not, and blocks of text. It reads a file as
// yaml.v3 does, to the column, or not at all: ok is false for whatever else
// there is (anchors, tags, directives, texts over several lines, tabs), and for
// all that is wrong, which is yaml.v3's to read, and to say.
func simpleYAML(src string) (docs []value, ok bool) {
	ascii, ok := simpleCharacters(src)
	if !ok {
		return nil, false
	}
	p := &simple{src: src, ascii: ascii, stack: make([]value, 0, 64)}
	for {
		p.skip()
		if p.pos == len(src) {
			return docs, true
		}
		if p.ended() { // by a marker, that is
			if src[p.pos] == '.' {
				return nil, false
			}
			p.pos += len("---")
			if !p.lineEnds() {
				return nil, false
			}
			if p.skip(); p.ended() {
				continue // an empty document
			}
		}
		p.values = 0
		if !p.block(-1) {
			return nil, false
		}
		if p.skip(); !p.ended() {
			return nil, false
		}
		docs = append(docs, p.stack[0])
		p.stack = p.stack[:0]
	}
}

// simpleCharacters reports whether a text has no characters but those that may
// stand anywhere and are what they look like.
func simpleCharacters(src string) (ascii, ok bool) {
	if strings.IndexByte(src, '\t') >= 0 || strings.IndexByte(src, '\r') >= 0 {
		return false, false
	}
	i := 0
	for i < len(src) && src[i] < utf8.RuneSelf {
		i++
	}
	for _, r := range src[i:] {
		switch {
		case r < 0x80:
		case r < 0xa0, r == '\u2028', r == '\u2029', r == '\ufffe', r == '\uffff', isInvisible(r):
			return false, false
		}
	}
	return i == len(src), true
}

// simple is the reading of one file. Its methods read what begins at pos, put
// it on the stack, and report whether they could.
type simple struct {
	src string
	pos int
	// line counts from 0, and begins at start.
	line, start int
	ascii       bool
	// depth is how many collections are open, values how many the document has.
	depth, values int
	// stack holds the items of the collections that are open; room is where
	// those that have ended are kept.
	stack, room []value
}

// skip goes over spaces, line ends and comments.
func (p *simple) skip() {
	for p.pos < len(p.src) {
		switch p.src[p.pos] {
		case ' ':
			p.pos++
		case '\n':
			p.newline()
		case '#':
			if !p.comment() {
				return
			}
		default:
			return
		}
	}
}

func (p *simple) newline() {
	p.pos++
	p.line, p.start = p.line+1, p.pos
}

// comment goes over a comment, to the end of its line. What does not follow a
// space is none.
func (p *simple) comment() bool {
	if p.pos > p.start && p.src[p.pos-1] != ' ' {
		return false
	}
	p.pos = p.lineEnd()
	return true
}

// lineEnd is where the line ends.
func (p *simple) lineEnd() int {
	if i := strings.IndexByte(p.src[p.pos:], '\n'); i >= 0 {
		return p.pos + i
	}
	return len(p.src)
}

func (p *simple) spaces() {
	for p.pos < len(p.src) && p.src[p.pos] == ' ' {
		p.pos++
	}
}

// lineEnds goes to the end of the line, if nothing but a comment stands before
// it.
func (p *simple) lineEnds() bool {
	p.spaces()
	if p.pos < len(p.src) && p.src[p.pos] == '#' {
		return p.comment()
	}
	return p.pos == len(p.src) || p.src[p.pos] == '\n'
}

// blank reports whether a space, a line end or the end of the file stands at i.
func (p *simple) blank(i int) bool {
	return i >= len(p.src) || p.src[i] == ' ' || p.src[i] == '\n'
}

// dash reports whether this is the - of a list's item.
func (p *simple) dash() bool { return p.src[p.pos] == '-' && p.blank(p.pos+1) }

// ended reports whether the document ends here, with the file or at a marker.
func (p *simple) ended() bool {
	if p.pos == len(p.src) {
		return true
	}
	rest := p.src[p.pos:]
	return p.pos == p.start && (strings.HasPrefix(rest, "---") || strings.HasPrefix(rest, "...")) && p.blank(p.pos+3)
}

// column is the column from 0 of what has nothing before it in its line but
// spaces and dashes.
func (p *simple) column() int { return p.pos - p.start }

// here is a value of no text at this place.
func (p *simple) here(kind Type) value {
	v := value{kind: kind, line: int32(p.line + 1), col: int32(p.pos - p.start + 1)}
	if !p.ascii {
		v.col = int32(utf8.RuneCountInString(p.src[p.start:p.pos]) + 1)
	}
	return v
}

func (p *simple) push(v value) bool {
	p.values++
	p.stack = append(p.stack, v)
	return p.values <= maxNodes
}

// open enters a collection.
func (p *simple) open() bool {
	p.depth++
	return p.depth <= maxDepth
}

// close makes a collection of what was pushed since the stack had n values.
func (p *simple) close(v value, n int) bool {
	p.depth--
	items := p.stack[n:]
	if len(p.room) < len(items) {
		p.room = make([]value, max(len(items), 16+(len(p.src)-p.pos)/8))
	}
	v.items = p.room[:len(items):len(items)]
	p.room = p.room[len(items):]
	copy(v.items, items)
	p.stack = p.stack[:n]
	return p.push(v)
}
