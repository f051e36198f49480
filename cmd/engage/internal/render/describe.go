package render

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/andmoneyaps/engage-playbooks/pattern"
)

// Title gives "Name (id)", or the id alone.
func Title(id, name string) string {
	if name == "" || name == id {
		return Printable(id)
	}
	return Printable(name) + " (" + Printable(id) + ")"
}

// DescribePart writes a part and the table of its fields.
func DescribePart(w io.Writer, style Style, p pattern.PartDescription) {
	var traits []string
	for _, t := range []struct {
		is   bool
		word string
	}{{p.ReadOnly, "read only"}, {p.Optional, "optional"}, {p.AllowsMultiple, "many"}} {
		if t.is {
			traits = append(traits, t.word)
		}
	}
	line := style.Cyan(p.Ref) + "  " + p.Entity
	if traits != nil {
		line += style.Dim(" (" + strings.Join(traits, ", ") + ")")
	}
	fmt.Fprintf(w, "\n%s\n", line)
	rows := [][]string{{"  FIELD", "TYPE", "REQUIRED", "NOTES"}}
	for _, f := range p.Fields {
		required := ""
		if f.Required {
			required = "yes"
		}
		rows = append(rows, []string{"  " + f.Name, string(f.Type), required, fieldNotes(f)})
	}
	Table(w, style, rows)
}

func fieldNotes(f pattern.FieldDescription) string {
	var notes []string
	if f.ReadOnly {
		notes = append(notes, "read only")
	}
	if len(f.Bound) > 0 {
		notes = append(notes, "from "+strings.Join(f.Bound, " and "))
	}
	if f.Default != nil {
		if text, err := json.Marshal(f.Default); err == nil {
			notes = append(notes, "default "+Printable(string(text)))
		}
	}
	if len(f.Targets) > 0 {
		notes = append(notes, "points to "+strings.Join(f.Targets, " or "))
	}
	if len(f.Choices) > 0 {
		var labels []string
		for label := range f.Choices {
			labels = append(labels, label)
		}
		slices.SortFunc(labels, func(a, b string) int { return f.Choices[a] - f.Choices[b] })
		notes = append(notes, "one of "+Printable(strings.Join(labels, ", ")))
	}
	return strings.Join(notes, "; ")
}
