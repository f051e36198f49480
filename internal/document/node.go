package document

import (
	"bytes"
	"encoding/json"
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/andmoneyaps/engage-playbooks"
)

// Node is a value of a document that knows its position. The zero Node stands
// for a value that is not there.
type Node struct {
	v    *value
	file string
}

// Type is what a node holds.
type Type uint8

// The types of nodes.
const (
	None Type = iota
	Null
	Bool
	Number
	Text
	List
	Map
)

func (t Type) String() string {
	return [...]string{"nothing", "null", "true or false", "a number", "text", "a list", "a mapping"}[t]
}

// IsZero reports whether the node is not there.
func (n Node) IsZero() bool { return n.v == nil }

// Pos is where the value begins.
func (n Node) Pos() engage.Pos {
	if n.v == nil {
		return engage.Pos{File: n.file}
	}
	return engage.Pos{File: n.file, Line: int(n.v.line), Col: int(n.v.col)}
}

// items are those of a list, or the keys and values of a mapping in turns.
func (n Node) items() []value {
	if n.v == nil {
		return nil
	}
	return n.v.items
}

// item is the node of one of the items.
func (n Node) item(i int) Node { return Node{&n.v.items[i], n.file} }

// Type returns what the node holds.
func (n Node) Type() Type {
	if n.v == nil {
		return None
	}
	return n.v.kind
}

// raw is the scalar as written, without quotes.
func (n Node) raw() string {
	if n.v == nil {
		return ""
	}
	return n.v.text
}

// Items returns the items of a list; nil for anything else.
func (n Node) Items() []Node {
	if n.Type() != List {
		return nil
	}
	items := make([]Node, len(n.v.items))
	for i := range items {
		items[i] = n.item(i)
	}
	return items
}

// String is a text of a document with its position.
type String struct {
	Value string
	Pos   engage.Pos
	// Plain says that the text stands in one line without quotes, so that a
	// place in the text is a place in the file.
	Plain bool
	// literal marks a literal block, whose lines are lines of the file.
	literal bool
}

// At gives the file position of a line and column within the text, both from
// 1: exact for plain texts, the line for literal blocks, the start of the text
// otherwise.
func (s String) At(line, col int) engage.Pos {
	p := s.Pos
	switch {
	case s.Plain && line == 1:
		p.Col += col - 1
	case s.literal:
		p.Line += line
		p.Col = 1
	}
	return p
}

func (n Node) text() String {
	return String{
		Value:   n.v.text,
		Pos:     n.Pos(),
		Plain:   n.v.style == plainStyle && !strings.Contains(n.v.text, "\n"),
		literal: n.v.style == literalStyle,
	}
}

// Text reads the node as text; anything but text is a problem.
func (n Node) Text(problems *engage.Problems, what string) (String, bool) {
	if !n.want(problems, what, Text) {
		return String{Pos: n.Pos()}, false
	}
	return n.text(), true
}

// Bool reads true or false.
func (n Node) Bool(problems *engage.Problems, what string) (bool, bool) {
	if !n.want(problems, what, Bool) {
		return false, false
	}
	return strings.EqualFold(n.raw(), "true"), true
}

// Int reads a whole number of 64 bits.
func (n Node) Int(problems *engage.Problems, what string) (int, bool) {
	if !n.want(problems, what, Number) {
		return 0, false
	}
	i, err := strconv.ParseInt(strings.ReplaceAll(n.raw(), "_", ""), 0, 0)
	if err != nil {
		problems.Errorf(n.Pos(), "wrong-type", "%s: want a whole number, have %s", what, n.raw())
		return 0, false
	}
	return int(i), true
}

func (n Node) want(problems *engage.Problems, what string, t Type) bool {
	have := n.Type()
	if have == t {
		return true
	}
	p := problems.Errorf(n.Pos(), "wrong-type", "%s: want %s, have %s", what, t, have)
	if t == Text && (have == Number || have == Bool) {
		p.Suggestion = "quote it: " + strconv.Quote(n.raw())
	}
	switch word := strings.ToLower(n.raw()); {
	case t == Text && have == Map && n.v.style == flowStyle:
		p.Suggestion = "a text that begins with { needs quotes"
	case t == Bool && have == Text && (word == "yes" || word == "on"):
		p.Suggestion = "write true"
	case t == Bool && have == Text && (word == "no" || word == "off"):
		p.Suggestion = "write false"
	}
	return false
}

// Value reads the node as a JSON value: map[string]any, []any, string, bool,
// nil, and json.Number with all digits as written. A date is text.
func (n Node) Value(problems *engage.Problems) any {
	switch n.Type() {
	case Map:
		m := make(map[string]any, len(n.v.items)/2)
		for i := 0; i+1 < len(n.v.items); i += 2 {
			k := n.v.items[i].text
			if _, twice := m[k]; twice {
				problems.Errorf(n.item(i).Pos(), "duplicate-key", "key %q is given twice", k)
				continue
			}
			m[k] = n.item(i + 1).Value(problems)
		}
		return m
	case List:
		l := make([]any, len(n.v.items))
		for i := range l {
			l[i] = n.item(i).Value(problems)
		}
		return l
	case Bool:
		return strings.EqualFold(n.v.text, "true")
	case Number:
		num, ok := number(n.v.text)
		if !ok {
			problems.Errorf(n.Pos(), "wrong-type", "%s is not a number that can be used here; quote it if it is text", n.v.text)
			return nil
		}
		return num
	case Text:
		return n.v.text
	}
	return nil
}

// number turns a YAML number into JSON's form without losing a digit.
func number(s string) (json.Number, bool) {
	plain := strings.ReplaceAll(strings.TrimPrefix(s, "+"), "_", "")
	if isJSONNumber(plain) {
		return json.Number(plain), true
	}
	if d := strings.TrimLeft(plain, "-"); len(d) > 1 && d[0] == '0' && d[1] >= '0' && d[1] <= '9' {
		return "", false // an octal number to YAML 1.1, a decimal one to people
	}
	if i, ok := new(big.Int).SetString(plain, 0); ok {
		return json.Number(i.String()), true
	}
	f, err := strconv.ParseFloat(plain, 64)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return "", false
	}
	return json.Number(strconv.FormatFloat(f, 'g', -1, 64)), true
}

func isJSONNumber(s string) bool {
	if s == "" || s[0] != '-' && (s[0] < '0' || s[0] > '9') {
		return false
	}
	return json.Valid([]byte(s))
}

// JSON gives the node as JSON text, with keys in the order of the document.
func (n Node) JSON(problems *engage.Problems) []byte {
	var b bytes.Buffer
	n.writeJSON(&b, problems)
	return b.Bytes()
}

func (n Node) writeJSON(b *bytes.Buffer, problems *engage.Problems) {
	switch n.Type() {
	case Map:
		b.WriteByte('{')
		for i := 0; i+1 < len(n.v.items); i += 2 {
			if i > 0 {
				b.WriteByte(',')
			}
			writeScalar(b, n.v.items[i].text)
			b.WriteByte(':')
			n.item(i+1).writeJSON(b, problems)
		}
		b.WriteByte('}')
	case List:
		b.WriteByte('[')
		for i := range n.v.items {
			if i > 0 {
				b.WriteByte(',')
			}
			n.item(i).writeJSON(b, problems)
		}
		b.WriteByte(']')
	default:
		writeScalar(b, n.Value(problems))
	}
}

func writeScalar(b *bytes.Buffer, v any) {
	// A string, bool, nil or checked number always marshals.
	t, _ := json.Marshal(v)
	b.Write(t)
}
