package simulator

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// metaQuery is the query options of a metadata request: a small part of
// OData, over metadata's own property names (fact sheet, section 8.1).
type metaQuery struct {
	selected []string // nil: all
	filter   func(*metaObject) bool
	expand   []metaExpand
	// typed asks for @odata.type, and for the common properties only.
	typed bool
	// whole asks for the properties of derived types too.
	whole bool
	count bool
	// projection is $select and $expand as the context says them.
	projection string
}

type metaExpand struct {
	nav     string
	query   *metaQuery
	context string
}

// wants says whether field i of an object is asked for. MetadataId always is.
func (q *metaQuery) wants(o *metaObject, i int, name string) bool {
	if q.typed && !q.whole && o.common > 0 && i >= o.common {
		return false
	}
	return q.selected == nil || name == "MetadataId" || slices.Contains(q.selected, name)
}

func (q *metaQuery) filterList(list []*metaObject) []*metaObject {
	if q.filter == nil {
		return list
	}
	out := []*metaObject{}
	for _, o := range list {
		if q.filter(o) {
			out = append(out, o)
		}
	}
	return out
}

// metaType is what a query may name: the properties and navigation properties
// of a type.
type metaType struct {
	name string
	has  func(property string) bool
	navs []string
	next map[string]*metaType // of navs
}

// metaTypeOf takes the type from an example of it.
func metaTypeOf(name string, o *metaObject, common bool) *metaType {
	t := &metaType{name: name, has: func(p string) bool {
		for i, f := range o.fields {
			if f.name == p {
				return !common || o.common == 0 || i < o.common
			}
		}
		return false
	}}
	if !common || o.common == 0 {
		for nav := range o.nav {
			t.navs = append(t.navs, nav)
		}
		slices.Sort(t.navs)
	}
	return t
}

// parseMetaQuery reads the options of a request on a metadata type.
func (c *call) parseMetaQuery(t *metaType) (*metaQuery, error) {
	options := map[string]string{}
	for name, values := range c.options {
		if strings.HasPrefix(name, "@") {
			continue
		}
		if len(values) != 1 {
			return nil, errQuery("Query option '%s' was specified more than once, but it must be specified at most once.", name)
		}
		options[name] = values[0]
	}
	return c.metaQueryOf(t, options, false)
}

func (c *call) metaQueryOf(t *metaType, options map[string]string, nested bool) (*metaQuery, error) {
	q := &metaQuery{}
	var parts []string
	for name, text := range options {
		switch name {
		case "$select", "$expand":
		case "$filter":
			f, err := parseMetaFilter(text, t, c.alias)
			if err != nil {
				return nil, err
			}
			q.filter = f
		case "$count":
			q.count = text == "true"
		case "LabelLanguages", "annotations":
		case "$orderby", "$top", "$skip", "$search", "$apply", "$format", "$compute":
			return nil, errQuery("The query parameter %s is not supported", name)
		default:
			if strings.HasPrefix(name, "$") {
				return nil, errQuery("The query parameter %s is not supported", name)
			}
		}
	}
	if text, ok := options["$select"]; ok {
		for _, name := range splitTop(text, ',') {
			name = strings.TrimSpace(name)
			if name == "*" {
				q.selected = nil
				break
			}
			if !t.has(name) {
				return nil, errMetaProperty(name, t)
			}
			q.selected = append(q.selected, name)
			parts = append(parts, name)
		}
	}
	if text, ok := options["$expand"]; ok {
		if nested {
			return nil, errQuery("Only one level of $expand is supported on metadata.")
		}
		for _, item := range splitTop(text, ',') {
			e, part, err := c.metaExpandOf(t, strings.TrimSpace(item))
			if err != nil {
				return nil, err
			}
			q.expand = append(q.expand, e)
			parts = append(parts, part)
		}
	}
	if len(parts) > 0 {
		q.projection = "(" + strings.Join(parts, ",") + ")"
	}
	return q, nil
}

// metaExpandOf reads "OptionSet($select=Options)".
func (c *call) metaExpandOf(t *metaType, item string) (metaExpand, string, error) {
	name, rest, nested := strings.Cut(item, "(")
	name = strings.TrimSpace(name)
	if !slices.Contains(t.navs, name) {
		return metaExpand{}, "", errMetaProperty(name, t)
	}
	options := map[string]string{}
	if nested {
		rest, ok := strings.CutSuffix(rest, ")")
		if !ok {
			return metaExpand{}, "", errQuery("Syntax error: ')' expected in '%s'.", item)
		}
		for _, o := range splitTop(rest, ';') {
			key, value, ok := strings.Cut(o, "=")
			if !ok {
				return metaExpand{}, "", errQuery("Syntax error in '%s'.", item)
			}
			options[strings.TrimSpace(key)] = value
		}
	}
	next := t.next[name]
	if next == nil {
		next = &metaType{name: name, has: func(string) bool { return true }}
	}
	q, err := c.metaQueryOf(next, options, true)
	if err != nil {
		return metaExpand{}, "", err
	}
	q.typed = name == "Attributes"
	return metaExpand{nav: name, query: q}, name + cmp.Or(q.projection, "()"), nil
}

func errMetaProperty(name string, t *metaType) error {
	return failf(http.StatusBadRequest, codeNone, "Could not find a property named '%s' on type '%s%s'.", name, crmPrefix, t.name)
}

// metaValueAt gives the value of "Prop" or "Prop/Value".
func metaValueAt(o *metaObject, path []string) any {
	var v any = o
	for _, name := range path {
		next, ok := v.(*metaObject)
		if !ok || next == nil {
			return nil
		}
		v, _ = next.get(name)
	}
	return v
}

// compareMeta compares two values of metadata; ok is false if they have no
// order.
func compareMeta(a, b any) (n int, ok bool) {
	number := func(v any) (float64, bool) {
		switch v := v.(type) {
		case int:
			return float64(v), true
		case float64:
			return v, true
		}
		return 0, false
	}
	if x, isNumber := number(a); isNumber {
		y, isNumber := number(b)
		switch {
		case !isNumber:
			return 0, false
		case x < y:
			return -1, true
		case x > y:
			return 1, true
		}
		return 0, true
	}
	switch a := a.(type) {
	case string:
		b, ok := b.(string)
		return strings.Compare(strings.ToLower(a), strings.ToLower(b)), ok
	case bool:
		b, ok := b.(bool)
		return oneIf(a) - oneIf(b), ok
	}
	return 0, a == nil && b == nil
}

func metaFilterError(text string, at int, format string, args ...any) error {
	return errQuery("Syntax error at position %d in '%s': %s", at, text, fmt.Sprintf(format, args...))
}
