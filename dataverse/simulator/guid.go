package simulator

import (
	"crypto/rand"
	"encoding/hex"
	"strings"
)

// guid is a row id. Two guids are equal whatever case they were written in.
type guid [16]byte

// newGUID gives a random (version 4) id.
func newGUID() guid {
	var g guid
	_, _ = rand.Read(g[:]) // never fails, see crypto/rand
	g[6] = g[6]&0x0f | 0x40
	g[8] = g[8]&0x3f | 0x80
	return g
}

// parseGUID reads the form xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx, in any case.
func parseGUID(s string) (g guid, ok bool) {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return g, false
	}
	var digits [32]byte
	n := 0
	for i := range len(s) {
		if s[i] == '-' {
			if i != 8 && i != 13 && i != 18 && i != 23 {
				return guid{}, false
			}
			continue
		}
		digits[n] = s[i]
		n++
	}
	if _, err := hex.Decode(g[:], digits[:]); err != nil {
		return guid{}, false
	}
	return g, true
}

// mustGUID is for constants.
func mustGUID(s string) guid {
	g, ok := parseGUID(s)
	if !ok {
		panic("simulator: bad id " + s)
	}
	return g
}

// append adds the lower-case text form to b.
func (g guid) append(b []byte) []byte {
	b = hex.AppendEncode(b, g[0:4])
	b = append(b, '-')
	b = hex.AppendEncode(b, g[4:6])
	b = append(b, '-')
	b = hex.AppendEncode(b, g[6:8])
	b = append(b, '-')
	b = hex.AppendEncode(b, g[8:10])
	b = append(b, '-')
	return hex.AppendEncode(b, g[10:16])
}

// String gives the lower-case text form.
func (g guid) String() string { return string(g.append(make([]byte, 0, 36))) }

// braced gives the form that paging cookies use: {UPPER-CASE}.
func (g guid) braced() string { return "{" + strings.ToUpper(g.String()) + "}" }
