package document

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/andmoneyaps/engage-playbooks"
)

// invisible are characters that look like a space or like nothing. They come
// with text pasted from web pages and word processors. To YAML they are
// letters: a line that begins with one has another indentation than people see,
// and a key that has one is another key.
var invisible = map[rune]string{
	'\u00a0': "no-break space", '\u00ad': "soft hyphen", '\u1680': "ogham space", '\u2000': "en quad", '\u2001': "em quad",
	'\u2002': "en space", '\u2003': "em space", '\u2004': "three-per-em space", '\u2005': "four-per-em space",
	'\u2006': "six-per-em space", '\u2007': "figure space", '\u2008': "punctuation space", '\u2009': "thin space",
	'\u200a': "hair space", '\u200b': "zero width space", '\u200e': "left-to-right mark", '\u200f': "right-to-left mark",
	'\u202f': "narrow no-break space", '\u205f': "mathematical space", '\u2060': "word joiner",
	'\u3000': "ideographic space", '\ufeff': "byte order mark",
}

func isInvisible(r rune) bool { return r >= '\u00a0' && invisible[r] != "" }

// anyInvisible reports whether there is one; most texts are ASCII.
func anyInvisible(text []byte) bool {
	for i, c := range text {
		if c >= utf8.RuneSelf {
			return bytes.ContainsFunc(text[i:], isInvisible)
		}
	}
	return false
}

// seen is how the character looks: like a space, or not at all.
func seen(r rune) string {
	switch r {
	case '\u00ad', '\u200b', '\u200e', '\u200f', '\u2060', '\ufeff':
		return ""
	}
	return " "
}

// AsSeen gives a text as it looks, without its invisible characters.
func AsSeen(text []byte) []byte { return asSeen(text, len(text)) }

// asSeen replaces the first n invisible characters by what they look like.
func asSeen(text []byte, n int) []byte {
	var b bytes.Buffer
	for ; n > 0; n-- {
		i := bytes.IndexFunc(text, isInvisible)
		if i < 0 {
			break
		}
		r, size := utf8.DecodeRune(text[i:])
		b.Write(text[:i])
		b.WriteString(seen(r))
		text = text[i+size:]
	}
	b.Write(text)
	return b.Bytes()
}

// invisibleAt gives the offset of the nth invisible character, from 1.
func invisibleAt(data []byte, n int) int {
	for i := 0; ; {
		i += bytes.IndexFunc(data[i:], isInvisible)
		if n--; n == 0 {
			return i
		}
		_, size := utf8.DecodeRune(data[i:])
		i += size
	}
}

// guilty gives the offset of the invisible character to which an error of the
// parser is due, or -1: without it, the parser gets further.
func guilty(data []byte, err error) int {
	n := 0
	for _, r := range string(data) {
		if isInvisible(r) {
			n++
		}
	}
	first := sort.Search(n+1, func(k int) bool { return k > 0 && !sameError(parseError(asSeen(data, k)), err) })
	if first > n {
		return -1
	}
	return invisibleAt(data, first)
}

func sameError(a, b error) bool { return a != nil && a.Error() == b.Error() }

// parseError is what the parser says of a file.
func parseError(data []byte) error {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var y yaml.Node
		if err := dec.Decode(&y); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// suspect reports whether an invisible character makes of a scalar something
// else than people see: at an end of a text without quotes, after the dash of
// an item or the colon of a key that are none because of it, or in a key where
// it cannot be seen.
func suspect(y *yaml.Node, key bool) bool {
	v := y.Value
	if y.Style != 0 || strings.IndexFunc(v, isInvisible) < 0 {
		return false
	}
	first, n := utf8.DecodeRuneInString(v)
	second, _ := utf8.DecodeRuneInString(v[n:])
	last, _ := utf8.DecodeLastRuneInString(v)
	if isInvisible(first) || isInvisible(last) || first == '-' && isInvisible(second) {
		return true
	}
	if _, after, ok := strings.Cut(v, ":"); ok && !strings.ContainsAny(v[:len(v)-len(after)], " /") {
		if r, _ := utf8.DecodeRuneInString(after); isInvisible(r) {
			return true
		}
	}
	return key && strings.ContainsFunc(v, func(r rune) bool { return isInvisible(r) && seen(r) == "" })
}

// offsetOf is the inverse of LineCol; of a line that is not there it gives the
// end.
func offsetOf(data []byte, line, col int) int {
	i := 0
	for ; line > 1; line-- {
		next := bytes.IndexByte(data[i:], '\n')
		if next < 0 {
			return len(data)
		}
		i += next + 1
	}
	for ; col > 1 && i < len(data); col-- {
		_, n := utf8.DecodeRune(data[i:])
		i += n
	}
	return i
}

// reportInvisible reports the invisible character at an offset, and how many
// more there are.
func reportInvisible(problems *engage.Problems, file string, data []byte, offset int, inText bool) {
	r, n := utf8.DecodeRune(data[offset:])
	at := engage.Pos{File: file}
	at.Line, at.Col = LineCol(data, offset)
	p := invisibleProblem(problems, at, r, inText)
	if more := bytes.Count(data[offset+n:], data[offset:offset+n]); more > 0 {
		p.Suggestion += fmt.Sprintf("; %d more in this file", more)
	}
}

// reportSuspect reports the invisible character of a scalar that is suspect.
func reportSuspect(problems *engage.Problems, file string, data []byte, y *yaml.Node) {
	r, _ := utf8.DecodeRuneInString(y.Value[strings.IndexFunc(y.Value, isInvisible):])
	from := offsetOf(data, y.Line, y.Column)
	if i := bytes.IndexFunc(data[from:], isInvisible); i >= 0 && bytes.HasPrefix(data[from+i:], utf8.AppendRune(nil, r)) {
		reportInvisible(problems, file, data, from+i, true)
		return
	}
	// The parser's lines are others than ours: to it, a carriage return and
	// U+2028 break lines too.
	invisibleProblem(problems, engage.Pos{File: file, Line: y.Line, Col: y.Column}, r, true)
}

func invisibleProblem(problems *engage.Problems, at engage.Pos, r rune, inText bool) *engage.Problem {
	look, help := "which cannot be seen", "delete it"
	if seen(r) != "" {
		look, help = "which looks like a space and is none", "type a space over it"
	}
	p := problems.Errorf(at, "invisible-character", "here stands %s, %s", nameOf(r), look)
	p.Suggestion = help
	if inText {
		p.Suggestion += "; if the text needs it, put the text in quotes"
	}
	return p
}

func nameOf(r rune) string { return fmt.Sprintf("U+%04X (%s)", r, invisible[r]) }
