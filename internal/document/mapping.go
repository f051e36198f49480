package document

import (
	"slices"
	"strings"

	"github.com/andmoneyaps/engage-playbooks"
)

// Mapping reads the members of a mapping and reports what is wrong with them.
// Its methods return zero values for members that are missing or wrong; a
// member that is wrong has been reported once.
type Mapping struct {
	node     Node
	what     string
	problems *engage.Problems
	ok       bool
	// refused are the places of keys that were reported and do not count.
	refused map[int]bool
	// index has the places of the keys of a mapping with many.
	index map[string]int
	// meant are the keys that a misspelt one was probably meant to be.
	meant []string
}

// manyKeys is from how many keys on a mapping gets an index.
const manyKeys = 24

// Mapping opens the node as a mapping. Keys outside the allowed ones, keys
// given twice, and a node that is no mapping are problems; what names the
// thing in messages ("field", "part"). Without allowed keys any key is taken.
func (n Node) Mapping(problems *engage.Problems, what string, allowed ...string) Mapping {
	m := Mapping{node: n, what: what, problems: problems}
	if !n.want(problems, what, Map) {
		return m
	}
	m.ok = true
	items := n.v.items
	if len(items) > 2*manyKeys {
		m.index = make(map[string]int, len(items)/2)
	}
	for i := 0; i+1 < len(items); i += 2 {
		key := &items[i]
		name := key.text
		switch first := m.find(name, i); {
		case key.kind == None || key.kind == List || key.kind == Map:
			problems.Errorf(n.item(i).Pos(), "wrong-type", "%s: a key must be text", what)
		case first >= 0:
			problems.Errorf(n.item(i).Pos(), "duplicate-key", "%s: key %q is given twice, first in line %d", what, name, items[first].line)
		case len(allowed) > 0 && !slices.Contains(allowed, name):
			p := problems.Errorf(n.item(i).Pos(), "unknown-key", "%s: unknown key %q", what, name)
			p.Suggestion = Suggest(name, allowed)
			if p.Suggestion == "" {
				p.Suggestion = "allowed: " + strings.Join(allowed, ", ")
			} else {
				m.meant = append(m.meant, nearest(name, allowed))
			}
		default:
			if m.index != nil {
				m.index[name] = i
			}
			continue
		}
		if m.refused == nil {
			m.refused = map[int]bool{}
		}
		m.refused[i] = true
	}
	return m
}

// find gives the place of a key among the items before end, or -1.
func (m *Mapping) find(key string, end int) int {
	if m.index != nil {
		if i, ok := m.index[key]; ok {
			return i
		}
		return -1
	}
	for i := 0; i+1 < end; i += 2 {
		if m.node.v.items[i].text == key && !m.refused[i] {
			return i
		}
	}
	return -1
}

// place is where a key is among the items, or -1.
func (m *Mapping) place(key string) int {
	if !m.ok {
		return -1
	}
	return m.find(key, len(m.node.v.items))
}

// Ok reports whether the node was a mapping.
func (m Mapping) Ok() bool { return m.ok }

// Pos is where the mapping begins.
func (m Mapping) Pos() engage.Pos { return m.node.Pos() }

// Keys returns the accepted keys in the order of the document.
func (m Mapping) Keys() []string {
	if !m.ok {
		return nil
	}
	keys := make([]string, 0, len(m.node.v.items)/2)
	for i := 0; i+1 < len(m.node.v.items); i += 2 {
		if !m.refused[i] {
			keys = append(keys, m.node.v.items[i].text)
		}
	}
	return keys
}

// Get returns a member's value; the zero Node if it is not there.
func (m Mapping) Get(key string) Node {
	if i := m.place(key); i >= 0 {
		return m.node.item(i + 1)
	}
	return Node{file: m.node.file}
}

// Has reports whether a member is there.
func (m Mapping) Has(key string) bool { return m.place(key) >= 0 }

// KeyPos is where a member's key stands, or where the mapping begins.
func (m Mapping) KeyPos(key string) engage.Pos {
	if i := m.place(key); i >= 0 {
		return m.node.item(i).Pos()
	}
	return m.Pos()
}

// Require reports each of the keys that is missing, at the mapping; a key that
// was misspelt has been reported.
func (m Mapping) Require(keys ...string) bool {
	ok := m.Ok()
	for _, k := range keys {
		if !m.Ok() || m.Has(k) {
			continue
		}
		ok = false
		if !m.Misspelt(k) {
			m.problems.Errorf(m.Pos(), "missing-key", "%s: key %q is missing", m.what, k)
		}
	}
	return ok
}

// Misspelt reports whether a key is missing and one that is not allowed was
// probably meant to be it: the mistake has been reported.
func (m Mapping) Misspelt(keys ...string) bool {
	return slices.ContainsFunc(keys, func(k string) bool { return !m.Has(k) && slices.Contains(m.meant, k) })
}

// RequireOne reports if none of the keys is there, at the mapping.
func (m Mapping) RequireOne(keys ...string) bool {
	if !m.Ok() || slices.ContainsFunc(keys, m.Has) {
		return m.Ok()
	}
	if !m.Misspelt(keys...) {
		m.problems.Errorf(m.Pos(), "missing-key", "%s: key %s is missing", m.what, `"`+strings.Join(keys, `" or "`)+`"`)
	}
	return false
}

// String reads a text member.
func (m Mapping) String(key string) String {
	n := m.Get(key)
	if n.IsZero() {
		return String{Pos: m.Pos()}
	}
	s, _ := n.Text(m.problems, key)
	return s
}

// NonEmpty reads a text member that must not be empty.
func (m Mapping) NonEmpty(key string) String {
	n := m.Get(key)
	if n.IsZero() {
		return String{Pos: m.Pos()}
	}
	s, ok := n.Text(m.problems, key)
	if ok && s.Value == "" {
		m.problems.Errorf(s.Pos, "wrong-type", "%s: must not be empty", key)
	}
	return s
}

// Bool reads a true-or-false member.
func (m Mapping) Bool(key string) bool {
	n := m.Get(key)
	if n.IsZero() {
		return false
	}
	b, _ := n.Bool(m.problems, key)
	return b
}

// Int reads a whole-number member; ok is false if it is missing or wrong.
func (m Mapping) Int(key string) (i int, ok bool) {
	n := m.Get(key)
	if n.IsZero() {
		return 0, false
	}
	return n.Int(m.problems, key)
}

// List reads a list member.
func (m Mapping) List(key string) []Node {
	n := m.Get(key)
	if n.IsZero() || !n.want(m.problems, key, List) {
		return nil
	}
	return n.Items()
}

// Strings reads a member that is a list of texts.
func (m Mapping) Strings(key string) []String {
	var out []String
	for _, n := range m.List(key) {
		if s, ok := n.Text(m.problems, key); ok {
			out = append(out, s)
		}
	}
	return out
}

// OneOf reads a text member that must be one of the given words; "" if it is
// missing or wrong.
func (m Mapping) OneOf(key string, words ...string) string {
	if !m.Has(key) {
		return ""
	}
	s, ok := m.Get(key).Text(m.problems, key)
	if !ok || slices.Contains(words, s.Value) {
		return s.Value
	}
	p := m.problems.Errorf(s.Pos, "unknown-value", "%s: unknown value %q", key, s.Value)
	p.Suggestion = Suggest(s.Value, words)
	if p.Suggestion == "" {
		p.Suggestion = "one of " + strings.Join(words, ", ")
	}
	return ""
}
