package expression

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

// Marshal gives a JSON value as text, without escaping for HTML; names are
// sorted.
func Marshal(v any) (string, error) {
	room := rooms.Get().(*[]byte)
	b, ok := appendJSON((*room)[:0], v)
	text := string(b)
	if cap(b) <= maxRoom {
		*room = b
	}
	rooms.Put(room)
	if ok {
		return text, nil
	}
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return "", errors.New("the value cannot be written as JSON")
	}
	return strings.TrimSuffix(buf.String(), "\n"), nil
}

// rooms are where texts are built, to be used again.
var rooms = sync.Pool{New: func() any { return &[]byte{} }}

// maxRoom is the most that is kept of one.
const maxRoom = 64 << 10

// appendJSON writes what JSON values are made of as encoding/json does, without
// reflection; ok is false where it cannot.
func appendJSON(b []byte, v any) (_ []byte, ok bool) {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...), true
	case bool:
		if v {
			return append(b, "true"...), true
		}
		return append(b, "false"...), true
	case string:
		return appendText(b, v)
	case json.Number:
		if !plainNumber(string(v)) {
			return b, false
		}
		return append(b, v...), true
	case []any:
		if v == nil {
			return append(b, "null"...), true
		}
		b = append(b, '[')
		for i, item := range v {
			if i > 0 {
				b = append(b, ',')
			}
			if b, ok = appendJSON(b, item); !ok {
				return b, false
			}
		}
		return append(b, ']'), true
	case map[string]any:
		if v == nil {
			return append(b, "null"...), true
		}
		return appendObject(b, v)
	}
	return b, false
}

func appendObject(b []byte, v map[string]any) (_ []byte, ok bool) {
	var some [16]string
	names := some[:0]
	for name := range v {
		names = append(names, name)
	}
	slices.Sort(names)
	b = append(b, '{')
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		if b, ok = appendText(b, name); !ok {
			return b, false
		}
		if b, ok = appendJSON(append(b, ':'), v[name]); !ok {
			return b, false
		}
	}
	return append(b, '}'), true
}

// appendText writes text whose characters need no more than the usual escapes.
func appendText(b []byte, s string) (_ []byte, ok bool) {
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c < utf8.RuneSelf && c != '"' && c != '\\' {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError || r == '\u2028' || r == '\u2029' {
				return b, false
			}
			i += n
			continue
		}
		escape := strings.IndexByte(escaped, c)
		if escape < 0 {
			return b, false
		}
		b = append(append(b, s[from:i]...), '\\', escapes[escape])
		i++
		from = i
	}
	return append(append(b, s[from:]...), '"'), true
}

// The characters that are escaped, and the letters of the escapes.
const (
	escaped = "\"\\\n\r\t"
	escapes = "\"\\nrt"
)

// plainNumber reports whether the text is a JSON number without an exponent.
func plainNumber(s string) bool {
	s = strings.TrimPrefix(s, "-")
	whole, decimals, point := strings.Cut(s, ".")
	return digits(whole) && (len(whole) == 1 || whole[0] != '0') && (!point || digits(decimals))
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
