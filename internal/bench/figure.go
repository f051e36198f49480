package bench

import (
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
)

// A Figure is one measured number and what it is to be.
type Figure struct {
	// Scenario is what `figures -run` measures it with.
	Scenario string
	// Name says what was measured, scenario first: "portal meeting: wall, 40 ms".
	Name string
	// Goal is the bound; the zero Goal is a figure for information.
	Goal Goal
	// Value is the result, in Unit ("x" for a ratio to the hand-written).
	Value float64
	Unit  string
	// Noise is half the spread between the quartiles of the rounds, as a part
	// of the median; 0 where it was measured once.
	Noise float64
	// Note has what explains the value, such as both sides' own numbers.
	Note string
}

// Goal is the bound of a figure.
type Goal struct {
	Bound float64
	// AtLeast turns the bound: the value must not be below it.
	AtLeast bool
	set     bool
}

// atMost and atLeast make goals.
func atMost(bound float64) Goal  { return Goal{Bound: bound, set: true} }
func atLeast(bound float64) Goal { return Goal{Bound: bound, AtLeast: true, set: true} }

// Met reports whether the figure is within its goal.
func (f *Figure) Met() bool {
	switch {
	case !f.Goal.set:
		return true
	case math.IsNaN(f.Value):
		return false
	case f.Goal.AtLeast:
		return f.Value >= f.Goal.Bound
	}
	return f.Value <= f.Goal.Bound
}

func (f *Figure) verdict() string {
	switch {
	case !f.Goal.set:
		return "-"
	case f.Met():
		return "met"
	}
	return "MISSED"
}

func (f *Figure) goal() string {
	switch {
	case !f.Goal.set:
		return "-"
	case f.Goal.AtLeast:
		return ">= " + amount(f.Goal.Bound, f.Unit)
	}
	return "<= " + amount(f.Goal.Bound, f.Unit)
}

// amount writes a number with three digits that count.
func amount(v float64, unit string) string {
	var text string
	switch a := math.Abs(v); {
	case a >= 100 || v == math.Trunc(v):
		text = fmt.Sprintf("%.0f", v)
	case a >= 10:
		text = fmt.Sprintf("%.1f", v)
	default:
		text = fmt.Sprintf("%.2f", v)
	}
	switch unit {
	case "":
		return text
	case "x":
		return text + unit
	}
	return text + " " + unit
}

// noise is the spread as people read it.
func (f *Figure) noise() string {
	if f.Noise > 0 {
		return fmt.Sprintf("±%.0f%%", 100*f.Noise)
	}
	return "-"
}

// Format is how a table is written.
type Format string

// The formats. Markdown is that of docs/performance.md.
const (
	Text     Format = "text"
	Markdown Format = "markdown"
)

// Report writes the figures as a table, and what could not be measured to
// errors. It gives the command's exit code: 1 where a goal is missed, 2 where
// something could not be measured.
func Report(out, errors io.Writer, figures []Figure, failed error, format Format) (code int) {
	table := textTable
	if format == Markdown {
		table = markdownTable
	}
	if err := table(out, figures); err != nil {
		failed = err
	}
	missed, goals := 0, 0
	for i := range figures {
		if figures[i].Goal.set {
			goals++
		}
		if !figures[i].Met() {
			missed++
		}
	}
	if failed != nil {
		fmt.Fprintln(errors, "figures:", failed)
		code = 2
	} else if missed > 0 {
		code = 1
	}
	if missed > 0 {
		fmt.Fprintf(out, "\n%d of %d goals missed; docs/performance.md says why\n", missed, goals)
	} else if goals > 0 {
		fmt.Fprintf(out, "\nall %d goals met\n", goals)
	}
	return code
}

func textTable(w io.Writer, figures []Figure) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "FIGURE\tGOAL\tRESULT\tNOISE\tVERDICT\tMEASURED")
	for i := range figures {
		f := &figures[i]
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", f.Name, f.goal(), amount(f.Value, f.Unit), f.noise(), f.verdict(), f.Note)
	}
	return t.Flush()
}

// markdownTable names the scenario once, in the first of its rows.
func markdownTable(w io.Writer, figures []Figure) error {
	text := "| `-run` | figure | goal | result | noise | | measured |\n|---|---|---|---|---|---|---|\n"
	last := ""
	for i := range figures {
		f := &figures[i]
		scenario := ""
		if f.Scenario != last {
			scenario, last = f.Scenario, f.Scenario
		}
		verdict := f.verdict()
		if !f.Met() {
			verdict = "**missed**"
		}
		for _, cell := range []string{scenario, f.Name, f.goal(), amount(f.Value, f.Unit), f.noise(), verdict, f.Note} {
			text += "| " + strings.ReplaceAll(cell, "|", `\|`) + " "
		}
		text += "|\n"
	}
	_, err := io.WriteString(w, text)
	return err
}
