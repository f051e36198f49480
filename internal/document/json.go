package document

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"unicode/utf8"
)

// jsonError is what is wrong with a JSON file, and where.
type jsonError struct {
	offset  int
	message string
	// malformed: it is no JSON, and not JSON that is refused.
	malformed bool
}

// parseJSON reads a JSON text into the values that YAML gives, so that both
// load the same way, positions included.
func parseJSON(data []byte) (*value, *jsonError) {
	p := &jsonParser{data: data, dec: json.NewDecoder(bytes.NewReader(data)), line: 1}
	p.dec.UseNumber()
	root, err := p.value(0)
	if err != nil {
		return nil, err
	}
	if _, tokErr := p.dec.Token(); !errors.Is(tokErr, io.EOF) {
		return nil, &jsonError{offset: p.begin(), message: "a JSON file holds one value; more follows"}
	}
	return &root, nil
}

type jsonParser struct {
	data []byte
	dec  *json.Decoder
	// line and start of the line that offset at stands in; they only move on.
	at, line, start int
	nodes           int
}

// begin is where the next token begins.
func (p *jsonParser) begin() int { return TokenAt(p.data, int(p.dec.InputOffset())) }

// TokenAt passes over what stands between the tokens of a JSON text.
func TokenAt(data []byte, offset int) int {
	for offset < len(data) && bytes.IndexByte([]byte(" \t\r\n,:"), data[offset]) >= 0 {
		offset++
	}
	return offset
}

// next reads a token and gives a value positioned where it begins.
func (p *jsonParser) next() (json.Token, value, *jsonError) {
	from := p.begin()
	tok, err := p.dec.Token()
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, value{}, &jsonError{len(p.data), "this is not valid JSON: the file ends too early", true}
	}
	if err != nil {
		return nil, value{}, &jsonError{from, "this is not valid JSON", true}
	}
	for ; p.at < from; p.at++ {
		if p.data[p.at] == '\n' {
			p.line, p.start = p.line+1, p.at+1
		}
	}
	if p.nodes++; p.nodes > maxNodes {
		return nil, value{}, &jsonError{offset: from, message: "the document holds more than " + strconv.Itoa(maxNodes) + " values"}
	}
	return tok, value{line: int32(p.line), col: int32(utf8.RuneCount(p.data[p.start:from]) + 1)}, nil
}

func (p *jsonParser) value(depth int) (value, *jsonError) {
	tok, v, err := p.next()
	if err != nil {
		return v, err
	}
	if depth > maxDepth {
		return v, &jsonError{offset: p.at, message: "values are nested more than " + strconv.Itoa(maxDepth) + " deep"}
	}
	switch t := tok.(type) {
	case json.Delim:
		v.kind = List
		if t == '{' {
			v.kind = Map
		}
		for p.dec.More() {
			c, err := p.value(depth + 1)
			if err != nil {
				return v, err
			}
			v.items = append(v.items, c)
		}
		_, _, err := p.next()
		return v, err
	case string:
		v.text, v.kind = t, Text
	case json.Number:
		v.text, v.kind = t.String(), Number
	case bool:
		v.text, v.kind = strconv.FormatBool(t), Bool
	case nil:
		v.text, v.kind = "null", Null
	}
	return v, nil
}
