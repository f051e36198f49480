package pattern

import (
	"encoding/json"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/entity"
)

// edge is a requirement as a join: field of the holder equals field of the
// referenced part.
type edge struct {
	holder, referenced     *Part
	field, referencedField *entity.Field
}

func (p *Pattern) edges() []*edge {
	edges := make([]*edge, 0, len(p.Requirements))
	for _, r := range p.Requirements {
		e := &edge{holder: p.byRef[r.Part], referenced: p.byRef[r.Reference]}
		e.field, _ = e.holder.Entity.Field(r.Field)
		e.referencedField, _ = e.referenced.Entity.Field(r.ReferenceField)
		edges = append(edges, e)
	}
	return edges
}

// other is the part at the other end.
func (e *edge) other(p *Part) *Part {
	if e.holder == p {
		return e.referenced
	}
	return e.holder
}

// byID reports whether the edge is a lookup, a party or a GUID that points to
// the referenced part's Id.
func (e *edge) byID() bool { return e.referencedField.IsID() }

// side is the field that the edge reads of the part.
func (e *edge) side(p *Part) *entity.Field {
	if e.holder == p {
		return e.field
	}
	return e.referencedField
}

// keys gives the values by which the record takes part in the join, in the
// form in which they can be compared: as the service does, so without case.
func (e *edge) keys(p *Part, r dataverse.Record) []string {
	f := e.side(p)
	if f.Type == entity.TypePartyList {
		return f.PartyIDs(r)
	}
	if f.Type == entity.TypeLookup {
		if t := r.LookupType(f.WireColumn()); t != "" && e.byID() && t != e.referenced.Entity.Table {
			return nil
		}
	}
	if k := joinKey(r[f.WireColumn()]); k != "" {
		return []string{k}
	}
	return nil
}

// literal is the value of a key for a query; the record is one that has it.
func (e *edge) literal(p *Part, r dataverse.Record, key string) dataverse.Value {
	f := e.side(p)
	switch f.Type {
	case entity.TypePartyList, entity.TypeLookup, entity.TypeGuid:
		return dataverse.GUID(key)
	}
	switch v := r[f.WireColumn()].(type) {
	case string:
		if f.Type == entity.TypeDate {
			return dataverse.Date(v)
		}
		if f.Type == entity.TypeDateTime {
			if t, err := time.Parse(time.RFC3339Nano, v); err == nil {
				return t.UTC()
			}
		}
		return v
	default:
		return v
	}
}

// joinKey is a column's value in a form that is equal where the service calls
// the values equal; "" for null.
func joinKey(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		if len(v) >= len("2006-01-02T15:04:05Z") && v[10] == 'T' {
			if t, err := time.Parse(time.RFC3339Nano, v); err == nil {
				return "t" + strconv.FormatInt(t.UnixNano(), 10)
			}
		}
		return strings.ToLower(v)
	case json.Number:
		return numberKey(string(v))
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

// numberKey makes 5, 5.0 and 5.0000 equal.
func numberKey(s string) string {
	if _, err := strconv.ParseInt(s, 10, 64); err == nil {
		return s
	}
	if strings.ContainsAny(s, "eE") {
		if f, err := strconv.ParseFloat(s, 64); err == nil {
			return strconv.FormatFloat(f, 'f', -1, 64)
		}
		return s
	}
	if strings.Contains(s, ".") {
		s = strings.TrimRight(s, "0")
		s = strings.TrimSuffix(s, ".")
	}
	return s
}

// compareValues orders two values of a column as the service does: null
// first, text without case.
func compareValues(a, b any) int {
	if a == nil || b == nil {
		switch {
		case a == nil && b == nil:
			return 0
		case a == nil:
			return -1
		}
		return 1
	}
	switch x := a.(type) {
	case json.Number:
		if y, ok := b.(json.Number); ok {
			return compareNumbers(string(x), string(y))
		}
	case bool:
		if y, ok := b.(bool); ok {
			switch {
			case x == y:
				return 0
			case y:
				return -1
			}
			return 1
		}
	case string:
		if y, ok := b.(string); ok {
			return strings.Compare(strings.ToLower(x), strings.ToLower(y))
		}
	}
	return 0
}

func compareNumbers(a, b string) int {
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	if errX == nil && errY == nil && x != y {
		if x < y {
			return -1
		}
		return 1
	}
	r, okR := new(big.Rat).SetString(a)
	s, okS := new(big.Rat).SetString(b)
	if okR && okS {
		return r.Cmp(s)
	}
	return strings.Compare(a, b)
}

// wireKey is the join key of a value on its way to the service.
func wireKey(v dataverse.Value) string {
	switch v := v.(type) {
	case dataverse.GUID:
		return strings.ToLower(string(v))
	case dataverse.Date:
		return string(v)
	case int:
		return strconv.Itoa(v)
	case time.Time:
		return "t" + strconv.FormatInt(v.UnixNano(), 10)
	default:
		return joinKey(v)
	}
}
