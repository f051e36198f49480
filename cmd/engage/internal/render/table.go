package render

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Table writes rows in columns that are as wide as they must be, two blanks
// apart; the first row is the head. Cells may be marked by the style.
func Table(w io.Writer, style Style, rows [][]string) {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], visible(cell))
		}
	}
	for r, row := range rows {
		var b strings.Builder
		for i, cell := range row {
			if r == 0 {
				cell = style.Dim(cell)
			}
			b.WriteString(cell)
			if i < len(row)-1 {
				b.WriteString(strings.Repeat(" ", widths[i]-visible(cell)+2))
			}
		}
		fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
	}
}

// visible counts the runes of a cell without ANSI marks.
func visible(cell string) int {
	n := utf8.RuneCountInString(cell)
	for rest := cell; ; {
		i := strings.Index(rest, "\x1b[")
		if i < 0 {
			return n
		}
		rest = rest[i:]
		end := strings.IndexByte(rest, 'm')
		if end < 0 {
			return n
		}
		n -= end + 1
		rest = rest[end+1:]
	}
}
