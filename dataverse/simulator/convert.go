package simulator

import (
	"encoding/json"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

// convert gives a JSON value as the store keeps values of a column, checked
// against the column's bounds.
func convert(col *Column, v any) (any, error) {
	if v == nil {
		return nil, nil
	}
	wrong := func() error {
		return errPayload(col.table, "Cannot convert the literal '%s' to the expected type '%s'.", literalText(v), col.edm())
	}
	switch col.Type {
	case String, Memo, EntityName, Image:
		s, ok := v.(string)
		if !ok {
			return nil, wrong()
		}
		if len(s) > col.MaxLength && utf16Length(s) > col.MaxLength {
			return nil, failf(http.StatusBadRequest, codeStringLength, // DV058
				"A validation error occurred.  The length of the '%s' attribute of the '%s' entity exceeded the maximum allowed length of '%d'.", col.LogicalName, col.table.LogicalName, col.MaxLength)
		}
		if s == "" {
			return nil, nil // DV032: an empty text is no text
		}
		return s, nil
	case Integer, BigInt:
		n, ok := integerOf(v)
		if !ok {
			return nil, wrong()
		}
		if float64(n) < col.Min || float64(n) > col.Max {
			return nil, failf(http.StatusBadRequest, codeIntegerRange, "A validation error occurred. An integer provided is outside of the allowed values for this attribute.")
		}
		return n, nil
	case Choice, State, Status:
		n, ok := integerOf(v)
		if !ok {
			return nil, wrong()
		}
		if col.option(n) == nil {
			return nil, errChoice(col, n)
		}
		return n, nil
	case MultiChoice:
		s, ok := v.(string)
		if !ok {
			return nil, wrong()
		}
		return convertMulti(col, s)
	case Boolean:
		if b, ok := v.(bool); ok {
			return b, nil
		}
	case Double:
		if n, ok := v.(json.Number); ok {
			f, err := strconv.ParseFloat(string(n), 64)
			if err != nil {
				return nil, wrong()
			}
			if f < col.Min || f > col.Max {
				return nil, errDecimalRange()
			}
			p := math.Pow10(col.Precision)
			return math.Round(f*p) / p, nil
		}
	case Decimal, Money:
		if n, ok := v.(json.Number); ok {
			places := col.Precision
			if col.Type == Money {
				places = 4
			}
			d, good := parseDecimal(string(n), places)
			if f, _ := strconv.ParseFloat(string(n), 64); !good || f < col.Min || f > col.Max {
				return nil, errDecimalRange()
			}
			return d, nil
		}
	case DateTime:
		if s, ok := v.(string); ok {
			t, good := parseInstant(s)
			if !good {
				return nil, wrong()
			}
			if t < minInstant || t > maxInstant {
				return nil, failf(http.StatusBadRequest, codeDateTime, "The date-time format is invalid, or value is outside the supported range.")
			}
			return t, nil
		}
	case Date:
		if s, ok := v.(string); ok && len(s) == 10 {
			if t, good := parseInstant(s); good {
				if t < minInstant {
					return nil, failf(http.StatusBadRequest, codeDateTime, "The date-time format is invalid, or value is outside the supported range.")
				}
				return day(floorDiv(int64(t), 86400)), nil
			}
		}
	case UniqueID:
		if s, ok := v.(string); ok {
			if g, good := parseGUID(s); good {
				return g, nil
			}
		}
	}
	return nil, wrong()
}

const (
	minInstant instant = -6847804800  // 1753-01-01, the first that SQL Server knows
	maxInstant instant = 253402300799 // 9999-12-31
)

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func errChoice(col *Column, n int64) error { // DV059
	accepted := make([]string, len(col.Options))
	for i, o := range col.Options {
		accepted[i] = strconv.Itoa(o.Value)
	}
	return failf(http.StatusBadRequest, codeChoiceRange, "A validation error occurred. The value %d of '%s' on record of type '%s' is outside the valid range. Accepted Values: %s",
		n, col.LogicalName, col.table.LogicalName, strings.Join(accepted, ","))
}

func errDecimalRange() error {
	return failf(http.StatusBadRequest, codeDecimalRange, "A validation error occurred. A decimal value provided is outside of the allowed values for this attribute.")
}

// convertMulti checks a list of choices such as "1,3", and puts it in order.
func convertMulti(col *Column, s string) (any, error) {
	if strings.TrimSpace(s) == "" {
		return nil, nil
	}
	var values []int64
	for item := range strings.SplitSeq(s, ",") {
		n, err := strconv.ParseInt(strings.TrimSpace(item), 10, 32)
		if err != nil {
			return nil, errPayload(col.table, "Cannot convert the literal '%s' to the expected type '%s'.", s, col.edm())
		}
		if col.option(n) == nil {
			return nil, errChoice(col, n)
		}
		if !slices.Contains(values, n) {
			values = append(values, n)
		}
	}
	slices.Sort(values)
	texts := make([]string, len(values))
	for i, n := range values {
		texts[i] = strconv.FormatInt(n, 10)
	}
	return strings.Join(texts, ","), nil
}

func integerOf(v any) (int64, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	i, err := strconv.ParseInt(string(n), 10, 64)
	return i, err == nil
}

func utf16Length(s string) int {
	n := 0
	for _, r := range s {
		n += utf16.RuneLen(r)
	}
	return n
}

// literalText shows a scalar in an error as OData does.
func literalText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return string(v)
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}
