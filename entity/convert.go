package entity

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
)

// ValueError says what kind of value a field takes. It never holds the value.
type ValueError struct {
	// Code is the rule's name, such as "wrong-type".
	Code string
	// Want says what was expected, and what kind of thing came.
	Want string
}

func (e *ValueError) Error() string { return e.Want }

func bad(code, format string, args ...any) error {
	return &ValueError{Code: code, Want: fmt.Sprintf(format, args...)}
}

// Check reports whether the JSON value can be written to the field: its type
// and conversions, its length, its choices, its target. The error is a
// [*ValueError]. Null fits every field.
func (f *Field) Check(v any) error {
	_, err := f.wire(v, true)
	return err
}

// CheckLiteral reports whether the JSON value can be compared with the field.
func (f *Field) CheckLiteral(v any) error {
	_, err := f.Literal(v)
	return err
}

// Normal gives the value in the form in which it is read back: times in UTC,
// GUIDs in lower case, choices as labels, parties as a list. It is used for the
// output of writes.
func (f *Field) Normal(v any) any {
	switch f.Type {
	case TypeString, TypeBoolean, TypeDouble, TypeDecimal, TypeMoney:
		return v // as it is
	case TypePartyList:
		return f.normalParties(v)
	}
	w, err := f.wire(v, true)
	if err != nil || v == nil {
		return v
	}
	switch w := w.(type) {
	case time.Time:
		return w.Format(time.RFC3339Nano)
	case dataverse.Date:
		return string(w)
	case dataverse.GUID:
		return string(w)
	case int:
		if f.Type == TypeChoice {
			return f.label(w)
		}
		return json.Number(strconv.Itoa(w))
	case dataverse.Bind:
		return string(w.ID)
	case dataverse.Choices:
		out := make([]any, len(w))
		for i, c := range w {
			out[i] = f.label(c)
		}
		return out
	}
	return v
}

// Literal converts a JSON value for a filter on the field. A lookup is an id
// there, or {"Id", "Type"}; a PartyList and Choices have no literals.
func (f *Field) Literal(v any) (dataverse.Value, error) {
	switch f.Type {
	case TypeLookup:
		if v == nil {
			return nil, nil
		}
		if m, ok := v.(map[string]any); ok {
			v = m["Id"]
		}
		return guid(v)
	case TypePartyList, TypeChoices:
		return nil, bad("wrong-type", "a %s cannot be compared", f.Type)
	}
	return f.wire(v, false)
}

// wire converts a JSON value. Lookups become Bind, parties Parties. stored
// says that it is to be stored, so that lengths count.
func (f *Field) wire(v any, stored bool) (dataverse.Value, error) {
	if v == nil {
		return nil, nil
	}
	switch f.Type {
	case TypeString:
		s, ok := v.(string)
		if !ok {
			return nil, bad("wrong-type", "want text, have %s", kind(v))
		}
		if stored && f.MaxLength > 0 && len(s) > f.MaxLength {
			if n := len(utf16.Encode([]rune(s))); n > f.MaxLength {
				return nil, bad("too-long", "want at most %d characters, have %d", f.MaxLength, n)
			}
		}
		return v, nil
	case TypeBoolean:
		if _, ok := v.(bool); !ok {
			return nil, bad("wrong-type", "want true or false, have %s", kind(v))
		}
		return v, nil
	case TypeInt:
		i, err := integer(v)
		if err != nil {
			return nil, err
		}
		return i, nil
	case TypeDouble, TypeDecimal, TypeMoney:
		n, ok := number(v)
		if !ok {
			return nil, bad("wrong-type", "want a number, have %s", kind(v))
		}
		if x, err := strconv.ParseFloat(string(n), 64); err != nil || math.IsInf(x, 0) {
			return nil, bad("wrong-type", "want a number that a %s can hold", f.Type)
		}
		return n, nil
	case TypeDateTime:
		return dateTime(v)
	case TypeDate:
		return date(v)
	case TypeGuid:
		return guid(v)
	case TypeLookup:
		return f.bind(v)
	case TypeChoice:
		return f.choice(v)
	case TypeChoices:
		items, ok := v.([]any)
		if !ok {
			return nil, bad("wrong-type", "want a list of choices, have %s", kind(v))
		}
		if len(items) == 0 {
			return nil, nil
		}
		out := make(dataverse.Choices, 0, len(items))
		for _, item := range items {
			c, err := f.choice(item)
			if err != nil {
				return nil, err
			}
			out = append(out, c)
		}
		return out, nil
	case TypePartyList:
		return f.parties(v)
	}
	return nil, bad("wrong-type", "field has no type")
}

// kind names a JSON value for people.
func kind(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "true or false"
	case string:
		return "text"
	case json.Number, int, int64, float64:
		return "a number"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	}
	return fmt.Sprintf("a %T", v)
}

// number takes the numbers of JSON, and those that expressions make.
func number(v any) (json.Number, bool) {
	switch v := v.(type) {
	case json.Number:
		return v, true
	case int:
		return json.Number(strconv.Itoa(v)), true
	case int64:
		return json.Number(strconv.FormatInt(v, 10)), true
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return "", false
		}
		return json.Number(strconv.FormatFloat(v, 'f', -1, 64)), true
	}
	return "", false
}

// integer takes a number without fraction, of 32 bits.
func integer(v any) (int, error) {
	n, ok := number(v)
	if !ok {
		return 0, bad("wrong-type", "want a whole number, have %s", kind(v))
	}
	i, err := strconv.ParseInt(string(n), 10, 64)
	if err != nil {
		var whole bool
		if i, whole = wholeNumber(string(n)); !whole {
			return 0, bad("wrong-type", "want a whole number of 32 bits, have one with a fraction or too large")
		}
	}
	if i < math.MinInt32 || i > math.MaxInt32 {
		return 0, bad("wrong-type", "want a whole number of 32 bits, have a larger one")
	}
	return int(i), nil
}

// wholeNumber reads "5.0" and "1e3"; the bound on the exponent keeps a short
// text from becoming a long number.
func wholeNumber(s string) (int64, bool) {
	if _, exp, ok := strings.Cut(strings.ToLower(s), "e"); ok {
		if e, err := strconv.Atoi(exp); err != nil || e > 20 || e < -20 {
			return 0, false
		}
	}
	r, ok := new(big.Rat).SetString(s)
	if !ok || !r.IsInt() || !r.Num().IsInt64() {
		return 0, false
	}
	return r.Num().Int64(), true
}

func dateTime(v any) (dataverse.Value, error) {
	s, ok := v.(string)
	if !ok {
		return nil, bad("wrong-type", "want a time like 2025-03-03T09:00:00Z, have %s", kind(v))
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		if _, err := time.Parse("2006-01-02T15:04:05.999999999", s); err == nil {
			return nil, bad("wrong-type", "want a time with its zone, like 2025-03-03T09:00:00Z or ...+01:00")
		}
		return nil, bad("wrong-type", "want a time like 2025-03-03T09:00:00Z, have other text")
	}
	if t = t.UTC(); t.Year() < minYear {
		return nil, bad("wrong-type", "want a time from the year %d on", minYear)
	}
	return t, nil
}

func date(v any) (dataverse.Value, error) {
	s, ok := v.(string)
	if !ok {
		return nil, bad("wrong-type", "want a date like 1990-05-01, have %s", kind(v))
	}
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		if t, err = time.Parse(time.RFC3339Nano, s); err != nil {
			return nil, bad("wrong-type", "want a date like 1990-05-01, have other text")
		}
		if t = t.UTC(); t != t.Truncate(24*time.Hour) {
			return nil, bad("wrong-type", "want a date like 1990-05-01, have a time that is not 00:00 UTC")
		}
	}
	if t.Year() < minYear {
		return nil, bad("wrong-type", "want a date from the year %d on", minYear)
	}
	return dataverse.DateOf(t), nil
}

func guid(v any) (dataverse.Value, error) {
	if v == nil {
		return nil, nil
	}
	s, ok := v.(string)
	if !ok {
		return nil, bad("wrong-type", "want an id (a GUID), have %s", kind(v))
	}
	g, err := dataverse.ParseGUID(s)
	if err != nil {
		return nil, bad("wrong-type", "want an id (a GUID), have other text")
	}
	return g, nil
}

// reference reads the id and table of a lookup or a party: an id alone where
// there is one target, else {"Id", "Type"}.
func (f *Field) reference(v any) (table string, id dataverse.GUID, err error) {
	var idValue any
	switch v := v.(type) {
	case string:
		idValue = v
		switch {
		case len(f.Targets) == 1:
			table = f.Targets[0]
		default:
			if _, err := guid(v); err != nil {
				return "", "", err
			}
			if len(f.Targets) == 0 {
				return "", "", bad("ambiguous-lookup", `ambiguous: say which table, {"Id": ..., "Type": ...}`)
			}
			return "", "", bad("ambiguous-lookup", `ambiguous: %s; write {"Id": ..., "Type": ...}`, or(f.Targets))
		}
	case map[string]any:
		for key := range v {
			if !slices.Contains(partyKeys, key) {
				return "", "", bad("wrong-type", `want {"Id", "Type"}, have an object with other members`)
			}
		}
		idValue = v["Id"]
		switch t := v["Type"].(type) {
		case string:
			table = t
		case nil:
			if len(f.Targets) != 1 {
				return "", "", bad("ambiguous-lookup", `want {"Id", "Type"}, Type is missing: %s`, or(f.Targets))
			}
			table = f.Targets[0]
		default:
			return "", "", bad("wrong-type", `want {"Id", "Type"}, Type is %s`, kind(t))
		}
		if !f.HasTarget(table) {
			return "", "", bad("wrong-target", "want a record of %s, have one of another table", or(f.Targets))
		}
	default:
		return "", "", bad("wrong-type", "want an id (a GUID), have %s", kind(v))
	}
	g, err := guid(idValue)
	if err != nil {
		return "", "", err
	}
	if g == nil {
		return "", "", bad("wrong-type", `want {"Id", "Type"}, Id is missing`)
	}
	return table, g.(dataverse.GUID), nil
}

func (f *Field) bind(v any) (dataverse.Value, error) {
	table, id, err := f.reference(v)
	if err != nil {
		return nil, err
	}
	return dataverse.Bind{EntitySet: f.sets[table], ID: id}, nil
}

func (f *Field) choice(v any) (int, error) {
	if label, ok := v.(string); ok {
		if len(f.Choices) == 0 {
			return 0, bad("wrong-type", "want a number (the definition has no choices), have text")
		}
		for _, c := range f.Choices {
			if c.Label == label {
				return c.Value, nil
			}
		}
		return 0, bad("unknown-choice", "want one of %s, have other text", or(f.labels()))
	}
	n, err := integer(v)
	if err != nil {
		return 0, bad("wrong-type", "want a choice, have %s", kind(v))
	}
	if len(f.Choices) > 0 {
		if !slices.ContainsFunc(f.Choices, func(c Choice) bool { return c.Value == n }) {
			return 0, bad("unknown-choice", "want one of %s, have another number", or(f.labels()))
		}
	} else if len(f.options) > 0 && !slices.Contains(f.options, n) {
		return 0, bad("unknown-choice", "want one of the numbers of %s, have another", f.Column)
	}
	return n, nil
}

func (f *Field) labels() []string {
	labels := make([]string, len(f.Choices))
	for i, c := range f.Choices {
		labels[i] = c.Label
	}
	return labels
}

// label is the label of a stored number, or the number.
func (f *Field) label(n int) any {
	for _, c := range f.Choices {
		if c.Value == n {
			return c.Label
		}
	}
	return json.Number(strconv.Itoa(n))
}

func or(words []string) string {
	const most = 8
	if len(words) > most {
		words = append(slices.Clone(words[:most]), "...")
	}
	switch n := len(words); n {
	case 0:
		return "any table"
	case 1:
		return words[0]
	default:
		return strings.Join(words[:n-1], ", ") + " or " + words[n-1]
	}
}
