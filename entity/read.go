package entity

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
)

// Members that a read adds to a record beside its fields.
const (
	ETag        = "_etag"
	Labels      = "_labels"
	LookupTypes = "_types"
)

// WireColumn is the property under which the field is selected, sorted and
// filtered on; "" for a PartyList, which is a collection.
func (f *Field) WireColumn() string {
	switch f.Type {
	case TypeLookup:
		return LookupColumn(f.Column)
	case TypePartyList:
		return ""
	}
	return f.Column
}

// Columns lists the properties to select for all fields of the definition, the
// primary key first.
func (d *Definition) Columns() []string {
	columns := make([]string, 0, len(d.Fields))
	columns = append(columns, d.PrimaryKey)
	for _, f := range d.Fields {
		if c := f.WireColumn(); c != "" && !f.IsID() {
			columns = append(columns, c)
		}
	}
	return columns
}

// IDOf is the record's primary key in lower case.
func (d *Definition) IDOf(r dataverse.Record) string { return strings.ToLower(r.Text(d.PrimaryKey)) }

// Read gives the record as playbooks see it: one member a field, and _etag,
// _labels and _types. A column that the record does not have is null.
func (d *Definition) Read(r dataverse.Record) map[string]any {
	out := make(map[string]any, len(d.Fields)+3)
	labels, types := map[string]any{}, map[string]any{}
	for _, f := range d.Fields {
		out[f.Name] = f.Read(r)
		switch f.Type {
		case TypeLookup, TypeChoice, TypeChoices:
			c := f.WireColumn()
			if label := r.Formatted(c); label != "" {
				labels[f.Name] = label
			}
			if t := r.LookupType(c); t != "" {
				types[f.Name] = t
			}
		}
	}
	out[ETag], out[Labels], out[LookupTypes] = textOrNil(r.ETag()), labels, types
	return out
}

// Read gives the field's value in the record.
func (f *Field) Read(r dataverse.Record) any {
	if f.Type == TypePartyList {
		return f.readParties(r)
	}
	v := r[f.WireColumn()]
	if v == nil {
		return nil
	}
	switch f.Type {
	case TypeGuid, TypeLookup:
		if s, ok := v.(string); ok {
			return strings.ToLower(s)
		}
	case TypeDate:
		if s, ok := v.(string); ok {
			day, _, _ := strings.Cut(s, "T")
			return day
		}
	case TypeChoice:
		if n, ok := v.(json.Number); ok {
			return f.labelOf(n.String())
		}
	case TypeChoices:
		if s, ok := v.(string); ok {
			out := []any{}
			for part := range strings.SplitSeq(s, ",") {
				out = append(out, f.labelOf(strings.TrimSpace(part)))
			}
			return out
		}
	}
	return v
}

func (f *Field) labelOf(number string) any {
	n, err := strconv.Atoi(number)
	if err != nil {
		return json.Number(number)
	}
	return f.label(n)
}

func roleText(role int) string { return strconv.Itoa(role) }

func textOrNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// SortValue is the value that the service sorts the field by: a lookup's by the
// name behind it, a choice by its number (fact sheet, section 4.4).
func (f *Field) SortValue(r dataverse.Record) any {
	c := f.WireColumn()
	if f.Type == TypeLookup {
		return textOrNil(r.Formatted(c))
	}
	return r[c]
}
