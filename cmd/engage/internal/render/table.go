package render

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// Table writes rows in columns that are as wide as they must be, two blanks
// apart; the first row is the head. Cells may be marked by the style. On a page
// that is too narrow the widest columns are broken into lines, and where that
// does not do, each row is. A row of one cell is a line under the row before.
func Table(w io.Writer, style Style, rows [][]string) {
	widths, least := columns(rows)
	fits := fit(widths, least, style.Width)
	for r, row := range rows {
		if r == 0 {
			row = slices.Clone(row)
			for i := range row {
				row[i] = style.Dim(row[i])
			}
		}
		switch {
		case len(row) == 1:
			fmt.Fprintln(w, row[0])
		case fits:
			inColumns(w, row, widths)
		default:
			inLines(w, row, style.Width)
		}
	}
}

// narrowest is the least width to which a column is broken.
const narrowest = 14

// columns gives the width of the widest cell of each column, and the least to
// which it may be narrowed: names and ids stay whole.
func columns(rows [][]string) (widths, least []int) {
	for _, row := range rows {
		if len(row) == 1 {
			continue
		}
		for i, cell := range row {
			if i == len(widths) {
				widths, least = append(widths, 0), append(least, narrowest)
			}
			widths[i] = max(widths[i], visible(cell))
			for _, word := range strings.Fields(cell) {
				least[i] = max(least[i], visible(word)+len(cell)-len(strings.TrimLeft(cell, " ")))
			}
		}
	}
	return widths, least
}

// fit narrows the widest columns until the page has room for all, and reports
// whether it has.
func fit(widths, least []int, page int) bool {
	if page <= 0 {
		return true
	}
	total := 2 * (len(widths) - 1)
	for _, n := range widths {
		total += n
	}
	for ; total > page; total-- {
		widest := -1
		for i, n := range widths {
			if n > least[i] && (widest < 0 || n > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return false
		}
		widths[widest]--
	}
	return true
}

// inColumns writes a row, its cells broken to the widths.
func inColumns(w io.Writer, row []string, widths []int) {
	cells := make([][]string, len(row))
	lines := 1
	for i, cell := range row {
		cells[i] = broken(cell, widths[i])
		lines = max(lines, len(cells[i]))
	}
	for l := range lines {
		var b strings.Builder
		for i := range row {
			part := ""
			if l < len(cells[i]) {
				part = cells[i][l]
			}
			b.WriteString(part)
			if i < len(row)-1 {
				b.WriteString(strings.Repeat(" ", widths[i]-visible(part)+2))
			}
		}
		fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
	}
}

// inLines writes a row as its first cell and, below, as many of the others in a
// line as the page has room for.
func inLines(w io.Writer, row []string, page int) {
	fmt.Fprintln(w, row[0])
	line := ""
	for _, cell := range row[1:] {
		switch {
		case cell == "":
		case line == "":
			line = "    " + cell
		case visible(line)+2+visible(cell) <= page:
			line += "  " + cell
		default:
			fmt.Fprintln(w, line)
			line = "    " + cell
		}
	}
	if line != "" {
		fmt.Fprintln(w, line)
	}
}

// broken breaks a cell between its words into lines of a width. The lines after
// the first are indented as the cell is. What is marked by the style stays
// whole: it is short.
func broken(cell string, width int) []string {
	if visible(cell) <= width || strings.Contains(cell, "\x1b") {
		return []string{cell}
	}
	indent := cell[:len(cell)-len(strings.TrimLeft(cell, " "))]
	var lines []string
	for _, word := range strings.Fields(cell) {
		if n := len(lines) - 1; n >= 0 && visible(lines[n])+1+visible(word) <= width {
			lines[n] += " " + word
		} else {
			lines = append(lines, indent+word)
		}
	}
	return lines
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
