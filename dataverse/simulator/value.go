package simulator

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// The store keeps a column's value as one of these Go types; null is nil.
//
//	String, Memo, EntityName, Image, MultiChoice   string
//	Integer, BigInt, Choice, State, Status         int64
//	Boolean                                        bool
//	Double                                         float64
//	Decimal, Money                                 decimal
//	DateTime                                       instant
//	Date                                           day
//	UniqueID                                       guid
//	Lookup, Customer, Owner                        ref

// ref is the value of a lookup: a row of a table.
type ref struct {
	table *Table
	id    guid
}

// instant is a point in time in seconds since 1970, which is as fine as the
// service keeps it (DV030).
type instant int64

func (t instant) time() time.Time { return time.Unix(int64(t), 0).UTC() }

func (t instant) String() string { return t.time().Format("2006-01-02T15:04:05Z") }

// day is a calendar date, in days since 1970-01-01.
type day int64

func (d day) time() time.Time { return time.Unix(int64(d)*86400, 0).UTC() }

func (d day) String() string { return d.time().Format("2006-01-02") }

func dayOf(t time.Time) day {
	y, m, n := t.Date()
	return day(time.Date(y, m, n, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

// decimal is an exact number: unscaled times ten to the power of minus scale.
// Eighteen digits suffice for money (fact sheet section 11: 0 to 1e14 with
// four places) and for decimals up to their range with seven places.
type decimal struct {
	unscaled int64
	scale    uint8
}

var pow10 = [19]int64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18}

// parseDecimal reads a JSON number and rounds it, half away from zero, to at
// most places digits after the point.
func parseDecimal(s string, places int) (decimal, bool) {
	if strings.ContainsAny(s, "eE") {
		f, err := strconv.ParseFloat(s, 64)
		if err != nil || math.Abs(f) >= 1e18 {
			return decimal{}, false
		}
		s = strconv.FormatFloat(f, 'f', -1, 64)
	}
	neg := strings.HasPrefix(s, "-")
	whole, frac, _ := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	whole = strings.TrimLeft(whole, "0")
	if len(whole) > 18 {
		return decimal{}, false
	}
	if places > 18-len(whole) {
		places = 18 - len(whole)
	}
	up := len(frac) > places && frac[places] >= '5'
	if len(frac) > places {
		frac = frac[:places]
	}
	frac = strings.TrimRight(frac, "0")
	if up {
		frac += strings.Repeat("0", places-len(frac))
	}
	var n int64
	for _, c := range []byte(whole + frac) {
		if c < '0' || c > '9' {
			return decimal{}, false
		}
		n = n*10 + int64(c-'0')
	}
	if up {
		n++
	}
	if neg {
		n = -n
	}
	return decimal{n, uint8(len(frac))}.trim(), true
}

// trim drops trailing zeros after the point, so that equal numbers are equal
// values.
func (d decimal) trim() decimal {
	for d.scale > 0 && d.unscaled%10 == 0 {
		d.unscaled /= 10
		d.scale--
	}
	return d
}

func (d decimal) float() float64 { return float64(d.unscaled) / float64(pow10[d.scale]) }

func (d decimal) compare(e decimal) int {
	if d.scale == e.scale {
		return compareInt(d.unscaled, e.unscaled)
	}
	// Split into whole and fraction, so that nothing overflows.
	if c := compareInt(d.unscaled/pow10[d.scale], e.unscaled/pow10[e.scale]); c != 0 {
		return c
	}
	df := d.unscaled % pow10[d.scale] * pow10[18-d.scale]
	ef := e.unscaled % pow10[e.scale] * pow10[18-e.scale]
	return compareInt(df, ef)
}

// append writes the number with at least min digits after the point.
func (d decimal) append(b []byte, min int) []byte {
	n := d.unscaled
	if n < 0 {
		b = append(b, '-')
		n = -n
	}
	p := pow10[d.scale]
	b = strconv.AppendInt(b, n/p, 10)
	if d.scale == 0 && min == 0 {
		return b
	}
	b = append(b, '.')
	if d.scale > 0 {
		frac := strconv.FormatInt(n%p+p, 10)[1:]
		b = append(b, frac...)
	}
	for i := int(d.scale); i < min; i++ {
		b = append(b, '0')
	}
	return b
}

func (d decimal) String() string { return string(d.append(nil, 0)) }

func compareInt(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
