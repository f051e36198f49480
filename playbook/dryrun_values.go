package playbook

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf16"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/pattern"
)

// foreseeValues finds out which values do not fit their columns. Definitions
// need not state lengths, options and bounds: metadata knows them.
func (s *step) foreseeValues(ctx context.Context, c *dataverse.Client, plan *pattern.WritePlan, state []presence) (map[string]*dataverse.Table, error) {
	var names []string
	for i := range plan.ChangeSet.Writes {
		if name := plan.ChangeSet.Writes[i].Table; !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	list, err := c.Tables(ctx, names...)
	if err != nil {
		s.warn("", "whether the values fit their columns could not be asked")
		return nil, nil
	}
	tables := map[string]*dataverse.Table{}
	for i, name := range names {
		tables[name] = list[i]
	}
	for i := range plan.ChangeSet.Writes {
		w := &plan.ChangeSet.Writes[i]
		for _, p := range w.Body {
			col, ok := tables[w.Table].Column(logical(p))
			if !ok || !takes(w, state[i], col) {
				continue // parties, and what the service passes over
			}
			code, why := unfit(col, p.Value)
			if code == "" {
				continue
			}
			return nil, &ruleError{code: code, part: plan.Writes[i].Part, field: field(&plan.Writes[i], col.LogicalName),
				message: fmt.Sprintf("column %s of table %s %s", col.LogicalName, w.Table, why)}
		}
	}
	return tables, nil
}

// takes reports whether the service looks at the column's value in any case: of
// an upsert it is not always known whether it makes a record or changes one.
func takes(w *dataverse.Write, p presence, col *dataverse.Column) bool {
	switch {
	case creates(w, p):
		return col.Creatable
	case w.Operation == dataverse.Upsert && p.verdict == VerdictUnknown:
		return col.Creatable && col.Updatable
	}
	return col.Updatable
}

// creates reports whether the write makes a record that is not there.
func creates(w *dataverse.Write, p presence) bool {
	return w.Operation == dataverse.Create || w.Operation == dataverse.Upsert && p.verdict == VerdictCreate
}

// field names the field behind a column of the write.
func field(w *pattern.PlannedWrite, column string) string {
	for _, c := range w.Columns {
		if c.Column == column {
			return c.Field
		}
	}
	return ""
}

// unfit says why the column does not take the value; "" if it may.
func unfit(col *dataverse.Column, v dataverse.Value) (code, why string) {
	switch v := v.(type) {
	case nil:
		if col.Required == "SystemRequired" {
			return dataverse.CodeRequired, "cannot be empty"
		}
	case string:
		if most := col.MaxLength; most > 0 && len(v) > most && len(utf16.Encode([]rune(v))) > most {
			return dataverse.CodeStringLengthTooLong, fmt.Sprintf("takes at most %d characters", most)
		}
	case int:
		if len(col.Choices) > 0 {
			return unknownChoice(col, v)
		}
		return outOfRange(col, float64(v), dataverse.CodeIntegerOutOfRange)
	case json.Number:
		if n, err := strconv.ParseFloat(string(v), 64); err == nil {
			return outOfRange(col, n, dataverse.CodeNumberOutOfRange)
		}
	case dataverse.Choices:
		for _, n := range v {
			if code, why := unknownChoice(col, n); code != "" {
				return code, why
			}
		}
	}
	return "", ""
}

func unknownChoice(col *dataverse.Column, n int) (code, why string) {
	if len(col.Choices) == 0 || slices.ContainsFunc(col.Choices, func(c dataverse.Choice) bool { return c.Value == n }) {
		return "", ""
	}
	return dataverse.CodeChoiceOutOfRange, "has no such option"
}

func outOfRange(col *dataverse.Column, n float64, code string) (string, string) {
	switch {
	case col.Min != nil && n < *col.Min:
		return code, fmt.Sprintf("takes nothing below %v", *col.Min)
	case col.Max != nil && n > *col.Max:
		return code, fmt.Sprintf("takes nothing above %v", *col.Max)
	}
	return "", ""
}
