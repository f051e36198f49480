package dataverse

import "strings"

// constant is a condition that does not depend on the row.
type constant bool

func (constant) filter() {}

// normalize rewrites f, or its opposite, into what the service accepts and
// keeps its meaning under the three-valued logic of SQL: constants are folded,
// Not stands only before a leaf, never before In or Null (which have their own
// opposite), and a text with wildcard characters is compared by In, which has
// none, where that can stand: direct says that the columns are the row's own,
// not behind a lambda.
func normalize(filter Filter, not, direct bool) Filter {
	switch f := filter.(type) {
	case nil:
		return constant(!not)
	case constant:
		return constant(bool(f) != not)
	case Not:
		return normalize(f.Filter, !not, direct)
	case And:
		return join(f, not, not, direct)
	case Or:
		return join(f, !not, not, direct)
	case In:
		if not {
			f.Not = !f.Not
			filter = f
		}
		if len(f.Values) == 0 {
			return constant(f.Not)
		}
		return filter
	case Null:
		f.Not = f.Not != not
		return f
	case Compare:
		if f.Value == nil && (f.Op == Eq || f.Op == Ne) {
			return Null{Column: f.Column, Not: (f.Op == Ne) != not}
		}
		text, ok := f.Value.(string)
		if ok && hasWildcard(text) && (f.Op == Eq || f.Op == Ne) {
			if direct && !strings.Contains(f.Column, "/") {
				return In{Column: f.Column, Values: []Value{text}, Not: (f.Op == Ne) != not}
			}
			f.Value = escapeLike(text)
			filter = f
		}
		return inverted(filter, not)
	case Lambda:
		inner := normalize(f.Filter, false, false)
		c, fixed := inner.(constant)
		any := Lambda{Property: f.Property}
		switch {
		case fixed && f.All && bool(c):
			return constant(!not)
		case fixed && f.All: // holds only where there is no row
			return inverted(any, !not)
		case fixed && bool(c):
			return inverted(any, not)
		case fixed:
			return constant(not)
		}
		f.Filter = inner
		return inverted(f, not)
	default:
		return inverted(filter, not)
	}
}

// join normalizes the conditions of an And or, with either, an Or.
func join(fs []Filter, either, not, direct bool) Filter {
	out := make([]Filter, 0, len(fs))
	for _, f := range fs {
		switch f := normalize(f, not, direct).(type) {
		case constant:
			if bool(f) == either {
				return f
			}
		case And:
			if !either {
				out = append(out, f...)
				continue
			}
			out = append(out, f)
		case Or:
			if either {
				out = append(out, f...)
				continue
			}
			out = append(out, f)
		default:
			out = append(out, f)
		}
	}
	switch {
	case len(out) == 0:
		return constant(!either)
	case len(out) == 1:
		return out[0]
	case either:
		return Or(out)
	default:
		return And(out)
	}
}

func inverted(f Filter, not bool) Filter {
	if not {
		return Not{f}
	}
	return f
}

// Nothing reports whether no row can match, such as with an empty In. The
// client then sends nothing and finds nothing.
func (q *Query) Nothing() bool {
	c, ok := normalize(q.Filter, false, true).(constant)
	return ok && !bool(c)
}
