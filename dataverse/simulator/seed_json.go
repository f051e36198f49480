package simulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	engage "github.com/andmoneyaps/engage-playbooks"
)

// seedNode is a JSON value that knows where it stands.
type seedNode struct {
	pos     engage.Pos
	members []seedMember // of an object
	items   []*seedNode  // of an array
	kind    byte         // '{', '[', '"', '0' (number), 't' (boolean) or 'n' (null)
	scalar  any          // string, json.Number or bool
}

type seedMember struct {
	name  string
	pos   engage.Pos // of the name
	value *seedNode
}

// maxSeedDepth bounds the nesting of a seed.
const maxSeedDepth = 64

// seedReader reads JSON with positions.
type seedReader struct {
	file    string
	data    []byte
	dec     *json.Decoder
	ps      *engage.Problems
	lineEnd []int // offsets of line feeds
	// counted is the last place whose column was counted: the next one counts
	// on from there, so that a file of one line takes no longer than others.
	counted struct{ offset, col int }
}

// readSeed reads one file; what is wrong with it goes to ps, and nil is
// returned.
func readSeed(f SeedFile, ps *engage.Problems) *seedNode {
	data := bytes.TrimPrefix(f.Data, []byte("\ufeff"))
	r := &seedReader{file: f.Name, data: data, dec: json.NewDecoder(bytes.NewReader(data)), ps: ps}
	r.dec.UseNumber()
	for i, b := range data {
		if b == '\n' {
			r.lineEnd = append(r.lineEnd, i)
		}
	}
	if !utf8.Valid(data) {
		ps.Errorf(engage.Pos{File: f.Name, Line: 1, Col: 1}, "json", "the file is not UTF-8")
		return nil
	}
	n, err := r.value(0)
	if err == nil {
		if at := r.start(); at < len(data) {
			err = fmt.Errorf("there is something after the end of the JSON document")
		}
	}
	if err != nil {
		var syntax *json.SyntaxError
		pos := r.pos(r.start())
		if errors.As(err, &syntax) {
			pos = r.pos(max(int(syntax.Offset)-1, 0))
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = errors.New("the JSON document is not complete")
			pos = r.pos(len(data))
		}
		ps.Errorf(pos, "json", "%s", err)
		return nil
	}
	return n
}

// start is where the next token begins.
func (r *seedReader) start() int {
	i := int(r.dec.InputOffset())
	for i < len(r.data) {
		switch r.data[i] {
		case ' ', '\t', '\r', '\n', ',', ':':
			i++
		default:
			return i
		}
	}
	return i
}

func (r *seedReader) pos(offset int) engage.Pos {
	lo, hi := 0, len(r.lineEnd)
	for lo < hi { // the number of line feeds before offset
		if mid := (lo + hi) / 2; r.lineEnd[mid] < offset {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	begin := 0
	if lo > 0 {
		begin = r.lineEnd[lo-1] + 1
	}
	offset = max(begin, min(offset, len(r.data)))
	col := 1
	if c := r.counted; c.offset >= begin && c.offset <= offset && c.col > 0 {
		begin, col = c.offset, c.col
	}
	r.counted.offset, r.counted.col = offset, col+utf8.RuneCount(r.data[begin:offset])
	return engage.Pos{File: r.file, Line: lo + 1, Col: r.counted.col}
}

func (r *seedReader) value(depth int) (*seedNode, error) {
	if depth > maxSeedDepth {
		return nil, errors.New("the JSON document is nested too deeply")
	}
	n := &seedNode{pos: r.pos(r.start())}
	tok, err := r.dec.Token()
	if err != nil {
		return nil, err
	}
	switch t := tok.(type) {
	case json.Delim:
		n.kind = byte(t)
		if t == '{' {
			return n, r.object(n, depth)
		}
		for r.dec.More() {
			item, err := r.value(depth + 1)
			if err != nil {
				return nil, err
			}
			n.items = append(n.items, item)
		}
		_, err = r.dec.Token()
		return n, err
	case string:
		n.kind, n.scalar = '"', t
	case json.Number:
		n.kind, n.scalar = '0', t
	case bool:
		n.kind, n.scalar = 't', t
	case nil:
		n.kind = 'n'
	}
	return n, nil
}

func (r *seedReader) object(n *seedNode, depth int) error {
	seen := map[string]bool{}
	for r.dec.More() {
		m := seedMember{pos: r.pos(r.start())}
		tok, err := r.dec.Token()
		if err != nil {
			return err
		}
		m.name, _ = tok.(string)
		if seen[m.name] {
			r.ps.Errorf(m.pos, "duplicate-key", "the key %q is there twice", m.name)
		}
		seen[m.name] = true
		if m.value, err = r.value(depth + 1); err != nil {
			return err
		}
		n.members = append(n.members, m)
	}
	_, err := r.dec.Token()
	return err
}

// member gives a member's value, or nil.
func (n *seedNode) member(name string) *seedNode {
	for i := range n.members {
		if n.members[i].name == name {
			return n.members[i].value
		}
	}
	return nil
}
