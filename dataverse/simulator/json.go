package simulator

import (
	"math"
	"strconv"
	"unicode/utf8"
)

// appendString writes a JSON string.
func appendString(b []byte, s string) []byte {
	const hexDigits = "0123456789abcdef"
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				b = append(b, s[start:i]...)
				b = append(b, "\ufffd"...)
				i++
				start = i
				continue
			}
			i += n
			continue
		}
		b = append(b, s[start:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		start = i
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}

// appendJSON writes a value of the store as column c has it on the wire; c
// may be nil.
func appendJSON(b []byte, v any, c *Column) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...)
	case string:
		return appendString(b, v)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case bool:
		return strconv.AppendBool(b, v)
	case float64:
		return appendFloat(b, v)
	case decimal:
		// DV031: money has a fraction of four digits, decimals their precision.
		places := 0
		if c != nil {
			places = c.Precision
			if c.Type == Money {
				places = 4
			}
		}
		return v.append(b, places)
	case instant:
		return v.time().AppendFormat(b, `"2006-01-02T15:04:05Z"`)
	case day:
		return v.time().AppendFormat(b, `"2006-01-02"`)
	case guid:
		b = append(b, '"')
		b = v.append(b)
		return append(b, '"')
	case ref:
		b = append(b, '"')
		b = v.id.append(b)
		return append(b, '"')
	}
	panic("simulator: a value of unknown type")
}

func appendFloat(b []byte, f float64) []byte {
	if f == math.Trunc(f) && math.Abs(f) < 1e15 {
		return append(strconv.AppendInt(b, int64(f), 10), ".0"...)
	}
	return strconv.AppendFloat(b, f, 'f', -1, 64)
}
