package dataverse

import (
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// decodeRecord decodes a JSON object that encoding/json has found valid, as
// encoding/json does with UseNumber, but with its objects as Records and its
// lists of objects as []Record. Rows are most of what the client decodes: here
// the values of a row share the memory of its text. Members sizes the map.
func decodeRecord(text string, members int) Record {
	r := recordReader{text: text}
	return r.object(members)
}

// recordReader walks valid JSON: it has nothing to refuse.
type recordReader struct {
	text string
	at   int
}

// next skips white space and gives the byte after it, which stays.
func (r *recordReader) next() byte {
	for {
		switch c := r.text[r.at]; c {
		case ' ', '\t', '\r', '\n':
			r.at++
		default:
			return c
		}
	}
}

// more passes the comma, or the end of a list or object.
func (r *recordReader) more() bool {
	c := r.next()
	r.at++
	return c == ','
}

func (r *recordReader) object(members int) Record {
	out := make(Record, members)
	r.next()
	r.at++
	if r.next() == '}' {
		r.at++
		return out
	}
	for {
		r.next()
		name := r.string()
		r.next() // the colon
		r.at++
		out[name] = r.value()
		if !r.more() {
			return out
		}
	}
}

func (r *recordReader) value() any {
	switch r.next() {
	case '{':
		return r.object(0)
	case '[':
		return r.list()
	case '"':
		return r.string()
	case 't':
		r.at += len("true")
		return true
	case 'f':
		r.at += len("false")
		return false
	case 'n':
		r.at += len("null")
		return nil
	}
	start := r.at
	for ; r.at < len(r.text); r.at++ {
		if c := r.text[r.at]; c == ',' || c == '}' || c == ']' || c <= ' ' {
			break
		}
	}
	return json.Number(r.text[start:r.at])
}

// list is a []Record if it has nothing but objects.
func (r *recordReader) list() any {
	r.at++
	rows := []Record{}
	if r.next() == ']' {
		r.at++
		return rows
	}
	for r.next() == '{' {
		rows = append(rows, r.object(0))
		if !r.more() {
			return rows
		}
	}
	values := make([]any, len(rows), len(rows)+1)
	for i, row := range rows {
		values[i] = row
	}
	for {
		values = append(values, r.value())
		if !r.more() {
			return values
		}
	}
}

func (r *recordReader) string() string {
	start := r.at
	plain := true
	for r.at++; r.text[r.at] != '"'; r.at++ {
		if r.text[r.at] == '\\' {
			plain = false
			r.at++
		}
	}
	r.at++
	text := r.text[start+1 : r.at-1]
	if utf8.ValidString(text) {
		if plain {
			return text
		}
		if s, ok := unescapeText(text); ok {
			return s
		}
	}
	var s string
	_ = json.Unmarshal([]byte(r.text[start:r.at]), &s) // it is valid
	return s
}

// unescapeText reads the escapes of one letter.
func unescapeText(text string) (_ string, ok bool) {
	if strings.Contains(text, `\u`) {
		return "", false
	}
	var b strings.Builder
	b.Grow(len(text))
	for {
		i := strings.IndexByte(text, '\\')
		if i < 0 {
			b.WriteString(text)
			return b.String(), true
		}
		b.WriteString(text[:i])
		b.WriteByte("\"\\/\b\f\n\r\t"[strings.IndexByte(`"\/bfnrt`, text[i+1])])
		text = text[i+2:]
	}
}

// span is a value within JSON, and how many members it has as an object.
type span struct{ start, end, members int }

// extent finds the end of the value that starts at that place of valid JSON.
func extent(data []byte, start int) span {
	out := span{start: start}
	depth := 0
	for at := start; at < len(data); at++ {
		switch data[at] {
		case '"':
			for at++; data[at] != '"'; at++ {
				if data[at] == '\\' {
					at++
				}
			}
			if depth == 0 {
				out.end = at + 1
				return out
			}
		case ':':
			if depth == 1 {
				out.members++
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth <= 0 {
				out.end = at + 1 + depth // a number or word ends before what is around it
				return out
			}
		case ',', ' ', '\t', '\r', '\n':
			if depth == 0 {
				out.end = at
				return out
			}
		}
	}
	out.end = len(data)
	return out
}

// skipSpace gives the place of the first byte at or after that place which is
// no white space.
func skipSpace(data []byte, at int) int {
	for data[at] == ' ' || data[at] == '\t' || data[at] == '\r' || data[at] == '\n' {
		at++
	}
	return at
}
