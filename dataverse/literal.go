package dataverse

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// dateTime is how a DateTime is sent: UTC, milliseconds where there are any.
// It depends on no locale and no time zone.
const dateTime = "2006-01-02T15:04:05.999Z"

// ParseGUID reads a GUID with or without braces, in any case.
func ParseGUID(s string) (GUID, error) {
	s = strings.TrimSuffix(strings.TrimPrefix(s, "{"), "}")
	g := GUID(strings.ToLower(s))
	if !g.valid() {
		return "", fmt.Errorf("not a GUID: want the form 00000000-0000-0000-0000-000000000000")
	}
	return g, nil
}

func (g GUID) valid() bool {
	if len(g) != 36 {
		return false
	}
	for i := range len(g) {
		c := g[i]
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return false
			}
		} else if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// writeLiteral writes v as an OData literal, not yet percent-encoded (fact
// sheet, 1.6).
func writeLiteral(b *bytes.Buffer, v Value) error {
	s, ok := v.(string)
	if !ok {
		return writeBare(b, v)
	}
	if !utf8.ValidString(s) {
		return errNotText
	}
	b.WriteByte('\'')
	for {
		before, after, found := strings.Cut(s, "'")
		b.WriteString(before)
		if !found {
			break
		}
		b.WriteString("''")
		s = after
	}
	b.WriteByte('\'')
	return nil
}

func writeBare(b *bytes.Buffer, v Value) error {
	text, err := bare(v)
	b.WriteString(text)
	return err
}

// bare gives a scalar that is no text as it stands in a filter, in the values
// of a query function and, between quotes where JSON needs them, in a body.
func bare(v Value) (string, error) {
	switch v := v.(type) {
	case nil:
		return "null", nil
	case bool:
		return strconv.FormatBool(v), nil
	case int:
		return strconv.Itoa(v), nil
	case json.Number:
		if !isNumber(string(v)) {
			return "", fmt.Errorf("not a number in JSON's form")
		}
		return string(v), nil
	case GUID:
		g, err := ParseGUID(string(v))
		return string(g), err
	case Date:
		if _, err := time.Parse(time.DateOnly, string(v)); err != nil {
			return "", fmt.Errorf("not a date: want the form 2006-01-02")
		}
		return string(v), nil
	case time.Time:
		return v.UTC().Format(dateTime), nil
	default:
		return "", fmt.Errorf("a %T cannot stand here", v)
	}
}

// isNumber reports whether s is a number as JSON and OData spell it.
func isNumber(s string) bool {
	return s != "" && (s[0] == '-' || s[0] >= '0' && s[0] <= '9') && json.Valid([]byte(s))
}

// writeQuoted writes v as a JSON string, as the values of In and NotIn are
// sent.
func writeQuoted(b *bytes.Buffer, v Value) error {
	s, ok := v.(string)
	if !ok {
		if v == nil {
			return fmt.Errorf("null cannot stand in a list: use Null")
		}
		var err error
		if s, err = bare(v); err != nil {
			return err
		}
	}
	return writeText(b, s)
}

// errNotText: in JSON such a text would become another one.
var errNotText = errors.New("the text is not valid UTF-8: decode it from its encoding, or send bytes as base64")

// writeText writes a value as a JSON string.
func writeText(b *bytes.Buffer, s string) error {
	if !utf8.ValidString(s) {
		return errNotText
	}
	writeString(b, s)
	return nil
}

// writeString writes s as a JSON string; < > & stay as they are.
func writeString(b *bytes.Buffer, s string) {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			e := json.NewEncoder(b)
			e.SetEscapeHTML(false)
			_ = e.Encode(s) // a string always encodes
			b.Truncate(b.Len() - 1)
			return
		}
	}
	b.WriteByte('"')
	b.WriteString(s)
	b.WriteByte('"')
}

// escapeLike makes the wildcards of LIKE literal (fact sheet, 1.6).
var escapeLike = strings.NewReplacer("%", "[%]", "_", "[_]", "[", "[[]").Replace

func hasWildcard(s string) bool { return strings.ContainsAny(s, "%_[") }

// checkName refuses what is no name of a table, a set, a column or a
// navigation property, so that a name can never bring syntax of its own.
func checkName(kind, name string) error {
	if name == "" {
		return fmt.Errorf("no %s given", kind)
	}
	for i := range len(name) {
		c := name[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return fmt.Errorf("%q is no name of a %s", name, kind)
		}
	}
	return nil
}

// checkPath is checkName for a column behind navigation properties.
func checkPath(path string) error {
	for segment := range strings.SplitSeq(path, "/") {
		if err := checkName("column", segment); err != nil {
			return err
		}
	}
	return nil
}

// querySyntax are the characters that need no percent-encoding in a query
// beside the unreserved ones, so that it stays readable.
const querySyntax = "$,()'/:!*@="

// escapeQuery percent-encodes the text of one query option. What separates
// options (& and #), what servers read as something else (+ and ;) and all
// beyond ASCII is encoded.
func escapeQuery(s string) string {
	var b bytes.Buffer
	b.WriteString(s)
	escapeQueryFrom(&b, 0)
	return b.String()
}

// escapeQueryFrom does so with what b has from that place on.
func escapeQueryFrom(b *bytes.Buffer, start int) { percentEncode(b, start, &inQuery) }

// writeSegment writes the text of a literal in a path, percent-encoded.
func writeSegment(b *bytes.Buffer, s string) {
	start := b.Len()
	b.WriteString(s)
	percentEncode(b, start, &inSegment)
}

var inQuery, inSegment = unencoded(querySyntax), unencoded("'")

// unencoded are the characters that stay: the unreserved ones, and more.
func unencoded(more string) (keep [256]bool) {
	for c := range keep {
		keep[c] = c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
	}
	for _, c := range "-._~" + more {
		keep[c] = true
	}
	return keep
}

func percentEncode(b *bytes.Buffer, start int, keep *[256]bool) {
	const hex = "0123456789ABCDEF"
	text := b.Bytes()[start:]
	for len(text) > 0 && keep[text[0]] {
		text = text[1:]
	}
	if len(text) == 0 {
		return
	}
	s := string(text)
	b.Truncate(b.Len() - len(s))
	for i := range len(s) {
		if c := s[i]; keep[c] {
			b.WriteByte(c)
		} else {
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
}
