package playbook

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/andmoneyaps/engage-playbooks/internal/document"
	"github.com/andmoneyaps/engage-playbooks/pattern"
)

// Path leads to a value: names, indexes, and [*] for all items, such as
// Meeting.ExternalAttendees[*].Email or CustomFields["loan amount"].
type Path struct {
	text  string
	steps []pathStep
}

// pathStep is a name, an index, or all items.
type pathStep struct {
	name  string
	index int
	kind  stepKind
	// col is where the step begins in the text, in characters from 1.
	col int
}

type stepKind uint8

const (
	stepName stepKind = iota
	stepIndex
	stepAll
)

// String gives the path as it was written.
func (p *Path) String() string { return p.text }

// pathError is a mistake in a path's text or in where it leads.
type pathError struct {
	col                       int
	code, message, suggestion string
}

func (e *pathError) Error() string { return e.message }

// maxPathSteps bounds a path; documents are not deeper.
const maxPathSteps = 64

// parsePath reads a path.
func parsePath(text string) (*Path, *pathError) {
	p := &pathParser{text: text}
	path := &Path{text: text}
	for p.pos < len(text) || len(path.steps) == 0 {
		s, err := p.step(len(path.steps) == 0)
		if err != nil {
			return nil, err
		}
		if path.steps = append(path.steps, s); len(path.steps) > maxPathSteps {
			return nil, p.fail(0, "the path has more than %d steps", maxPathSteps)
		}
	}
	return path, nil
}

type pathParser struct {
	text string
	pos  int
}

func (p *pathParser) fail(pos int, format string, args ...any) *pathError {
	return &pathError{col: p.col(pos), code: "path-syntax", message: fmt.Sprintf("path %q: ", p.text) + fmt.Sprintf(format, args...)}
}

func (p *pathParser) col(pos int) int { return utf8.RuneCountInString(p.text[:pos]) + 1 }

func (p *pathParser) step(first bool) (pathStep, *pathError) {
	if p.pos >= len(p.text) {
		return pathStep{}, p.fail(p.pos, "it is empty")
	}
	switch c := p.text[p.pos]; {
	case c == '[':
		return p.bracket()
	case c == '.' && !first:
		p.pos++
	case !first:
		return pathStep{}, p.fail(p.pos, "expected . or [ here")
	}
	start := p.pos
	for p.pos < len(p.text) {
		r, n := utf8.DecodeRuneInString(p.text[p.pos:])
		if !nameRune(r) {
			break
		}
		p.pos += n
	}
	name := p.text[start:p.pos]
	if name == "" || p.pos < len(p.text) && p.text[p.pos] != '.' && p.text[p.pos] != '[' {
		err := p.fail(p.pos, "a name of letters, digits, _ and - is expected here")
		if p.pos < len(p.text) && p.text[p.pos] != ']' {
			err.suggestion = `quote odd names: ["loan amount"]`
		}
		return pathStep{}, err
	}
	return pathStep{name: name, col: p.col(start)}, nil
}

func nameRune(r rune) bool {
	return r == '_' || r == '-' || r == '@' || r == '$' || unicode.IsLetter(r) || unicode.IsDigit(r)
}

// bracket reads [0], [*] or ["name"].
func (p *pathParser) bracket() (pathStep, *pathError) {
	start := p.pos
	p.pos++
	s := pathStep{col: p.col(start)}
	rest := p.text[p.pos:]
	switch {
	case strings.HasPrefix(rest, "*"):
		s.kind = stepAll
		p.pos++
	case strings.HasPrefix(rest, `"`) || strings.HasPrefix(rest, "'"):
		name, n, ok := unquote(rest)
		if !ok {
			return s, p.fail(p.pos, "the quoted name does not end")
		}
		s.name = name
		p.pos += n
	default:
		n := 0
		for n < len(rest) && rest[n] >= '0' && rest[n] <= '9' {
			n++
		}
		index, err := strconv.Atoi(rest[:n])
		if err != nil || index > 1<<31 {
			return s, p.fail(p.pos, `an index, * or a quoted name is expected in the brackets`)
		}
		s.kind, s.index = stepIndex, index
		p.pos += n
	}
	if p.pos >= len(p.text) || p.text[p.pos] != ']' {
		return s, p.fail(min(p.pos, len(p.text)), "a ] is expected here")
	}
	p.pos++
	return s, nil
}

// unquote reads a quoted name; a backslash takes the next character as it is.
func unquote(s string) (name string, length int, ok bool) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == s[0]:
			return b.String(), i + 1, true
		case s[i] == '\\' && i+1 < len(s):
			i++
			fallthrough
		default:
			b.WriteByte(s[i])
		}
	}
	return "", 0, false
}

// names gives the path as names alone; ok is false if it has indexes.
func (p *Path) names() (names []string, ok bool) {
	for _, s := range p.steps {
		if s.kind != stepName {
			return nil, false
		}
		names = append(names, s.name)
	}
	return names, true
}

// prefix is the text of the path before a step, for messages.
func (p *Path) prefix(i int) string {
	if i >= len(p.steps) {
		return p.text
	}
	cut := p.steps[i].col - 1
	for at := range p.text {
		if cut == 0 {
			return strings.TrimSuffix(p.text[:at], ".")
		}
		cut--
	}
	return p.text
}

// get follows the path; found is false where it finds nothing. A value that a
// dry run does not know yet is what it finds on its way.
func (p *Path) get(v any) (found any, ok bool) { return follow(v, p.steps) }

func follow(v any, steps []pathStep) (any, bool) {
	for i, s := range steps {
		if u, ok := v.(pattern.Unknown); ok {
			return u, true
		}
		switch s.kind {
		case stepName:
			m, ok := v.(map[string]any)
			if !ok {
				return nil, false
			}
			if v, ok = m[s.name]; !ok {
				return nil, false
			}
		case stepIndex:
			l, ok := v.([]any)
			if !ok || s.index >= len(l) {
				return nil, false
			}
			v = l[s.index]
		case stepAll:
			l, ok := v.([]any)
			if !ok {
				return nil, false
			}
			return collect(make([]any, 0, len(l)), l, steps[i+1:]), true
		}
	}
	return v, true
}

// collect follows the rest of a path from each item of a list. An item that
// is null, or from which the rest finds nothing, keeps its place as null, so
// that lists from one source stay side by side. Lists under a further [*]
// flatten; where such a list is absent there is nothing to flatten.
func collect(out, list []any, rest []pathStep) []any {
	next := slices.IndexFunc(rest, func(s pathStep) bool { return s.kind == stepAll })
	for _, item := range list {
		if next < 0 {
			v, _ := follow(item, rest)
			out = append(out, v)
			continue
		}
		v, ok := follow(item, rest[:next])
		switch l := v.(type) {
		case []any:
			out = collect(out, l, rest[next+1:])
		case pattern.Unknown:
			out = append(out, l)
		case nil:
			if ok || item == nil {
				out = append(out, nil)
			}
		}
	}
	return out
}

// check follows the path through a shape.
func (p *Path) check(s *shape) (*shape, *pathError) {
	all := false
	for i, st := range p.steps {
		if s.kind == kindAny || s.kind == kindNull || s.kind == kindFilter {
			return wrapAll(dynamic, all || slices.ContainsFunc(p.steps[i:], func(s pathStep) bool { return s.kind == stepAll })), nil
		}
		switch {
		case st.kind == stepName && s.kind == kindObject:
			m, ok := s.members[st.name]
			if !ok {
				if !s.open {
					return nil, p.unknown(i, s)
				}
				m = dynamic
			}
			s = m
		case st.kind == stepName && s.kind == kindList:
			e := &pathError{col: st.col, code: "path-type", message: fmt.Sprintf("%s is a list and has no member %q", p.where(i), st.name)}
			e.suggestion = fmt.Sprintf("write %s[0] for the first item or %s[*] for all", p.prefix(i), p.prefix(i))
			return nil, e
		case st.kind == stepName:
			return nil, &pathError{col: st.col, code: "path-type", message: fmt.Sprintf("%s is %s and has no member %q", p.where(i), s.describe(), st.name)}
		case s.kind != kindList:
			return nil, &pathError{col: st.col, code: "path-type", message: fmt.Sprintf("%s is %s, not a list", p.where(i), s.describe())}
		default:
			all = all || st.kind == stepAll
			s = s.item()
		}
	}
	return wrapAll(s, all), nil
}

// wrapAll: a path with [*] gives one flat list.
func wrapAll(s *shape, all bool) *shape {
	if all {
		return listOf(s)
	}
	return s
}

func (p *Path) where(i int) string {
	if i == 0 {
		return "the source"
	}
	return p.prefix(i)
}

func (p *Path) unknown(i int, s *shape) *pathError {
	name := p.steps[i].name
	e := &pathError{col: p.steps[i].col, code: "unknown-path"}
	if why, ok := s.absent[name]; ok {
		e.message = fmt.Sprintf("path %q: %s", p.text, why)
		return e
	}
	e.message = fmt.Sprintf("path %q: there is no %q", p.text, name)
	if i > 0 {
		e.message += fmt.Sprintf(" in %s", p.prefix(i))
	}
	if e.suggestion = document.Suggest(name, s.names); e.suggestion == "" {
		e.suggestion = listNames(s.names)
	}
	return e
}

// listNames tells which names there are, unless they are too many to read.
func listNames(names []string) string {
	switch {
	case len(names) == 0:
		return "it has no members"
	case len(names) <= 12:
		return "there is " + strings.Join(names, ", ")
	}
	return fmt.Sprintf("there is %s and %d more", strings.Join(names[:12], ", "), len(names)-12)
}
