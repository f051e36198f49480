package simulator

import (
	"strconv"
	"strings"
	"time"
)

// edm is the column's type in OData.
func (c *Column) edm() string {
	switch c.Type {
	case Integer, Choice, State, Status:
		return "Edm.Int32"
	case BigInt:
		return "Edm.Int64"
	case Double:
		return "Edm.Double"
	case Decimal, Money:
		return "Edm.Decimal"
	case Boolean:
		return "Edm.Boolean"
	case DateTime:
		return "Edm.DateTimeOffset"
	case Date:
		return "Edm.Date"
	case UniqueID, Lookup, Customer, Owner:
		return "Edm.Guid"
	case Image:
		return "Edm.Binary"
	}
	return "Edm.String"
}

// literal gives a literal as the store keeps values of column c; it fails if
// the types do not go together (DV066).
func literal(c *Column, tok token) (any, bool) {
	if tok.kind == tokName && tok.text == "null" {
		return nil, true
	}
	switch c.edm() {
	case "Edm.String":
		if tok.kind == tokString {
			return tok.text, true
		}
	case "Edm.Int32", "Edm.Int64":
		if tok.kind == tokNumber {
			if n, err := strconv.ParseInt(tok.text, 10, 64); err == nil {
				return n, true
			}
			if f, err := strconv.ParseFloat(tok.text, 64); err == nil {
				return f, true
			}
		}
	case "Edm.Double":
		if tok.kind == tokNumber {
			f, err := strconv.ParseFloat(tok.text, 64)
			return f, err == nil
		}
	case "Edm.Decimal":
		if tok.kind == tokNumber {
			if d, ok := parseDecimal(strings.TrimPrefix(tok.text, "+"), 10); ok {
				return d, true
			}
			f, err := strconv.ParseFloat(tok.text, 64)
			return f, err == nil
		}
	case "Edm.Boolean":
		if tok.kind == tokName {
			return tok.text == "true", true
		}
	case "Edm.DateTimeOffset":
		switch tok.kind {
		case tokDate, tokDateTime:
			t, ok := parseInstant(tok.text)
			return t, ok
		}
	case "Edm.Date":
		if tok.kind == tokDate {
			t, err := time.Parse("2006-01-02", tok.text)
			return dayOf(t), err == nil
		}
	case "Edm.Guid":
		if tok.kind == tokGUID || tok.kind == tokString {
			return parseGUIDValue(tok.text)
		}
	}
	return nil, false
}

func parseGUIDValue(s string) (any, bool) {
	g, ok := parseGUID(s)
	return g, ok
}

// parseInstant reads a date and time as the service does: without an offset it
// is UTC (fact sheet section 4.9); a date alone is its midnight.
func parseInstant(s string) (instant, bool) {
	s = strings.Replace(s, " ", "+", 1)
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04Z07:00", "2006-01-02T15:04", "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil {
			return instant(t.Unix()), true
		}
	}
	return 0, false
}
