package simulator

import (
	"strconv"
	"strings"
	"time"
)

// fetchValue reads the text of a FetchXML value as the store keeps values of a
// column. ok is false if the column cannot hold it.
func fetchValue(col *Column, text string) (v any, ok bool) {
	if col.Type.IsText() {
		return text, true
	}
	text = strings.TrimSpace(text)
	switch col.Type {
	case Integer, BigInt, Choice, State, Status:
		n, err := strconv.ParseInt(text, 10, 64)
		return n, err == nil
	case Boolean:
		switch strings.ToLower(text) {
		case "1", "true":
			return true, true
		case "0", "false":
			return false, true
		}
		return nil, false
	case Double:
		f, err := strconv.ParseFloat(text, 64)
		return f, err == nil
	case Decimal, Money:
		return parseDecimal(text, 10)
	case UniqueID, Lookup, Customer, Owner:
		id, ok := parseGUID(strings.Trim(text, "{}"))
		return id, ok
	case DateTime:
		t, ok := fetchTime(text)
		return instant(t.Unix()), ok
	case Date:
		t, ok := fetchTime(text)
		return dayOf(t), ok
	}
	return nil, false
}

func fetchTime(text string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// sameValue compares two values of the store that join tables: a lookup equals
// the id that it holds.
func joinKey(v any) any {
	switch v := v.(type) {
	case ref:
		return v.id
	case string:
		return strings.ToLower(v)
	}
	return v
}
