package render

import "strings"

// Style marks text for a terminal; the zero Style leaves it plain.
type Style struct {
	// Color switches ANSI colours on.
	Color bool
	// Width is the page's width in columns; 0 means unlimited.
	Width int
}

func (s Style) code(code, text string) string {
	if !s.Color || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// Bold, Dim and the colours mark a text if the style has colours.
func (s Style) Bold(t string) string   { return s.code("1", t) }
func (s Style) Dim(t string) string    { return s.code("2", t) }
func (s Style) Red(t string) string    { return s.code("31", t) }
func (s Style) Green(t string) string  { return s.code("32", t) }
func (s Style) Yellow(t string) string { return s.code("33", t) }
func (s Style) Cyan(t string) string   { return s.code("36", t) }

// Status colours the status of a run, block or check.
func (s Style) Status(status string) string {
	switch status {
	case "succeeded", "ok":
		return s.Green(status)
	case "failed":
		return s.Red(status)
	case "skipped", "notRun", "warning":
		return s.Yellow(status)
	}
	return status
}

// Printable replaces control characters, so that a value from outside cannot
// move the cursor or forge a line.
func Printable(t string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029' {
			return '\ufffd'
		}
		return r
	}, t)
}

// count gives "1 error", "2 errors".
func count(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	many := one + "s"
	if strings.HasSuffix(one, "y") {
		many = strings.TrimSuffix(one, "y") + "ies"
	}
	return itoa(n) + " " + many
}
