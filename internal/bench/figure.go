package bench

import (
	"fmt"
	"io"
	"math"
	"text/tabwriter"
)

// A Figure is one measured number and what it is to be.
type Figure struct {
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

// Print writes the figures as a table and reports how many goals are missed.
func Print(w io.Writer, figures []Figure) (missed int, err error) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "FIGURE\tGOAL\tRESULT\tNOISE\tVERDICT\tMEASURED")
	for i := range figures {
		f := &figures[i]
		noise := "-"
		if f.Noise > 0 {
			noise = fmt.Sprintf("±%.0f%%", 100*f.Noise)
		}
		if !f.Met() {
			missed++
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", f.Name, f.goal(), amount(f.Value, f.Unit), noise, f.verdict(), f.Note)
	}
	return missed, t.Flush()
}
