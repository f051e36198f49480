package simulator

import (
	"strings"
	"time"
)

// tokenKind is the kind of a piece of a filter or another expression.
type tokenKind uint8

const (
	tokEnd tokenKind = iota
	tokName
	tokString
	tokNumber
	tokGUID
	tokDate
	tokDateTime
	tokSymbol // one of ( ) , / : =
	tokJSON   // a JSON array or object, verbatim
	tokAlias  // @name
)

// token is a piece of an expression. text is the value: a string without
// its quotes, everything else as written.
type token struct {
	kind tokenKind
	text string
	pos  int
}

// lexer cuts an expression into tokens.
type lexer struct {
	src string
	pos int
}

func (l *lexer) next() (token, error) {
	for l.pos < len(l.src) && (l.src[l.pos] == ' ' || l.src[l.pos] == '\t') {
		l.pos++
	}
	start := l.pos
	if start == len(l.src) {
		return token{tokEnd, "", start}, nil
	}
	rest := l.src[start:]
	ch := rest[0]
	take := func(kind tokenKind, n int) (token, error) {
		l.pos = start + n
		return token{kind, rest[:n], start}, nil
	}
	switch {
	case strings.IndexByte("(),/:=", ch) >= 0:
		return take(tokSymbol, 1)
	case ch == '\'':
		return l.quoted(start)
	case ch == '[' || ch == '{':
		n := jsonEnd(rest)
		if n < 0 {
			return token{}, errQuery("There is an unterminated literal at position %d in '%s'.", start+1, l.src)
		}
		return take(tokJSON, n)
	case ch == '@':
		n := 1 + nameLength(rest[1:])
		if n == 1 {
			return token{}, l.unexpected(start)
		}
		return take(tokAlias, n)
	}
	if len(rest) >= 36 && (len(rest) == 36 || !isNameByte(rest[36]) && rest[36] != '-') {
		if _, ok := parseGUID(rest[:36]); ok {
			return take(tokGUID, 36)
		}
	}
	if ch >= '0' && ch <= '9' || ch == '-' || ch == '+' && len(rest) > 1 && rest[1] >= '0' && rest[1] <= '9' {
		kind, n := numberOrDate(rest)
		if n == 0 {
			return token{}, l.unexpected(start)
		}
		return take(kind, n)
	}
	if n := nameLength(rest); n > 0 {
		return take(tokName, n)
	}
	return token{}, l.unexpected(start)
}

func (l *lexer) unexpected(at int) error {
	return errQuery("Syntax error at position %d in '%s'.", at, l.src)
}

// quoted reads a string; two quotes in it are one.
func (l *lexer) quoted(start int) (token, error) {
	var b strings.Builder
	for i := start + 1; i < len(l.src); i++ {
		if l.src[i] != '\'' {
			b.WriteByte(l.src[i])
			continue
		}
		if i+1 < len(l.src) && l.src[i+1] == '\'' {
			b.WriteByte('\'')
			i++
			continue
		}
		l.pos = i + 1
		return token{tokString, b.String(), start}, nil
	}
	return token{}, errQuery("There is an unterminated literal at position %d in '%s'.", len(l.src), l.src) // DV060
}

func isNameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '.' || c == '$'
}

func nameLength(s string) int {
	n := 0
	for n < len(s) && isNameByte(s[n]) {
		n++
	}
	return n
}

// numberOrDate tells how long the number or date at the start of s is.
func numberOrDate(s string) (tokenKind, int) {
	if len(s) >= 10 && s[4] == '-' && s[7] == '-' {
		if _, err := time.Parse("2006-01-02", s[:10]); err == nil {
			n := 10
			if len(s) > 10 && (s[10] == 'T' || s[10] == 't') {
				n = 11
				for n < len(s) && (s[n] >= '0' && s[n] <= '9' || s[n] == ':' || s[n] == '.' || s[n] == 'Z' || s[n] == 'z' || s[n] == '+' || s[n] == '-') {
					n++
				}
				// A raw "+" in a URL arrives as a space: "…00 02:00".
				if n+5 < len(s) && s[n] == ' ' && s[n+3] == ':' {
					n += 6
				}
				return tokDateTime, n
			}
			return tokDate, n
		}
	}
	n := 0
	if s[0] == '-' || s[0] == '+' {
		n++
	}
	digits := 0
	for n < len(s) && (s[n] >= '0' && s[n] <= '9' || s[n] == '.') {
		n++
		digits++
	}
	if digits == 0 {
		return 0, 0
	}
	if n < len(s) && (s[n] == 'e' || s[n] == 'E') {
		m := n + 1
		if m < len(s) && (s[m] == '-' || s[m] == '+') {
			m++
		}
		if m < len(s) && s[m] >= '0' && s[m] <= '9' {
			for m < len(s) && s[m] >= '0' && s[m] <= '9' {
				m++
			}
			n = m
		}
	}
	return tokNumber, n
}

// jsonEnd gives the length of the JSON array or object at the start of s, or
// -1. Strings may be in single quotes, as record references have them.
func jsonEnd(s string) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"', '\'':
			quote := s[i]
			for i++; i < len(s) && s[i] != quote; i++ {
				if s[i] == '\\' && quote == '"' {
					i++
				}
			}
		case '[', '{':
			depth++
		case ']', '}':
			depth--
			if depth == 0 {
				return i + 1
			}
		}
	}
	return -1
}
