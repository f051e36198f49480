package document

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"
)

// JSONHelp says what is mostly behind a JSON text that ends to be one at an
// offset, or "" if that cannot be told.
func JSONHelp(data []byte, offset int) string {
	if len(bytes.TrimSpace(data)) == 0 {
		return "there is nothing in it"
	}
	if offset >= len(data) {
		return "a closing bracket or quote is missing"
	}
	before := bytes.TrimRight(data[:offset], " \t\r\n")
	r, _ := utf8.DecodeRune(data[offset:])
	switch {
	case isInvisible(r):
		return "here stands " + nameOf(r) + ": type a space over it"
	case len(before) == 0 && r != '"':
		return "want an object, which begins with {"
	case r == '}' || r == ']':
		if before[len(before)-1] == ',' {
			return "delete the comma before it"
		}
		return "this bracket closes nothing, or something is missing before it"
	case r == '\'':
		return "texts and keys stand in double quotes"
	case strings.ContainsRune("“”„‘’«»", r):
		return `these quotes are typographic: type straight ones, "`
	case r == '/' || r == '#':
		return "JSON has no comments: delete it"
	case r == '"':
		return textHelp(data[offset+1:])
	case unicode.IsLetter(r) || r == '_':
		return "texts and keys stand in double quotes; without them there are true, false, null and numbers"
	case unicode.IsDigit(r) || strings.ContainsRune("{[-", r):
		return "a comma or a colon is missing before it"
	}
	return ""
}

// textHelp looks into a text for what JSON does not take there.
func textHelp(text []byte) string {
	for i := 0; i < len(text) && text[i] != '"'; i++ {
		switch c := text[i]; {
		case c == '\n' || c == '\r':
			return `a text ends in its line: close its quote, or write \n for a new line`
		case c < ' ':
			return `the text has a tab or another control character in it: write \t`
		case c == '\\':
			if i++; i < len(text) && !bytes.ContainsRune([]byte(`"\/bfnrtu`), rune(text[i])) {
				return `a backslash in a text is written twice: \\`
			}
		}
	}
	return "a comma or a colon is missing before it"
}
