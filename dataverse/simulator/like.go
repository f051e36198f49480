package simulator

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Texts are compared without case, and the wildcards of T-SQL's LIKE work in
// contains, startswith, endswith and eq (DV067): "%" any text, "_" one
// character, "[a-c]" one of these, "[^a]" none of these.

func hasWildcard(pattern string) bool { return strings.ContainsAny(pattern, "%_[") }

// newMatcher gives a test for texts. kind is eq, contains, startswith or
// endswith.
func newMatcher(kind, pattern string) func(string) bool {
	if !hasWildcard(pattern) {
		return plainMatcher(kind, pattern)
	}
	like := compileLike(pattern)
	switch kind {
	case "contains":
		like = append(append(likePattern{{any: true}}, like...), likeItem{any: true})
	case "startswith":
		like = append(like, likeItem{any: true})
	case "endswith":
		like = append(likePattern{{any: true}}, like...)
	}
	return like.match
}

func plainMatcher(kind, pattern string) func(string) bool {
	ascii := isASCII(pattern)
	low := strings.ToLower(pattern)
	switch kind {
	case "eq":
		return func(s string) bool { return strings.EqualFold(s, pattern) }
	case "startswith":
		return func(s string) bool {
			if ascii && len(s) >= len(pattern) && isASCII(s[:len(pattern)]) {
				return strings.EqualFold(s[:len(pattern)], pattern)
			}
			return strings.HasPrefix(strings.ToLower(s), low)
		}
	case "endswith":
		return func(s string) bool {
			if ascii && len(s) >= len(pattern) && isASCII(s[len(s)-len(pattern):]) {
				return strings.EqualFold(s[len(s)-len(pattern):], pattern)
			}
			return strings.HasSuffix(strings.ToLower(s), low)
		}
	}
	return func(s string) bool {
		if ascii {
			return containsFold(s, low)
		}
		return strings.Contains(strings.ToLower(s), low)
	}
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// containsFold looks for an ASCII text, in lower case already.
func containsFold(s, low string) bool {
	if low == "" {
		return true
	}
	first, up := low[0], low[0]
	if first >= 'a' && first <= 'z' {
		up = first - 32
	}
next:
	for i := 0; i+len(low) <= len(s); i++ {
		if s[i] != first && s[i] != up {
			continue
		}
		for j := 1; j < len(low); j++ {
			if lower(s[i+j]) != low[j] {
				continue next
			}
		}
		return true
	}
	return false
}

// likeItem is one element of a pattern: any text, any character, one of a set,
// or a given character.
type likeItem struct {
	any, one bool
	set      []runeRange
	not      bool
	char     rune
}

type runeRange struct{ lo, hi rune }

type likePattern []likeItem

func compileLike(pattern string) likePattern {
	rs := []rune(pattern)
	var items likePattern
	for i := 0; i < len(rs); i++ {
		switch r := rs[i]; r {
		case '%':
			if n := len(items); n == 0 || !items[n-1].any {
				items = append(items, likeItem{any: true})
			}
		case '_':
			items = append(items, likeItem{one: true})
		case '[':
			item, n := compileSet(rs[i+1:])
			if n == 0 {
				items = append(items, likeItem{char: '['})
				continue
			}
			items = append(items, item)
			i += n
		default:
			items = append(items, likeItem{char: unicode.ToLower(r)})
		}
	}
	return items
}

// compileSet reads a set after its bracket; n is its length with the closing
// one, or 0 if there is none.
func compileSet(rs []rune) (item likeItem, n int) {
	i := 0
	if i < len(rs) && rs[i] == '^' {
		item.not = true
		i++
	}
	for start := i; i < len(rs); i++ {
		if rs[i] == ']' && i > start {
			return item, i + 1
		}
		if i+2 < len(rs) && rs[i+1] == '-' && rs[i+2] != ']' {
			item.set = append(item.set, runeRange{unicode.ToLower(rs[i]), unicode.ToLower(rs[i+2])})
			i += 2
			continue
		}
		item.set = append(item.set, runeRange{unicode.ToLower(rs[i]), unicode.ToLower(rs[i])})
	}
	return item, 0
}

func (it *likeItem) matches(r rune) bool {
	if it.one {
		return true
	}
	r = unicode.ToLower(r)
	if it.set == nil {
		return r == it.char
	}
	for _, s := range it.set {
		if r >= s.lo && r <= s.hi {
			return !it.not
		}
	}
	return it.not
}

// match tests a whole text. It goes back only to the last "any text", so its
// cost is bounded by the product of the lengths.
func (p likePattern) match(s string) bool {
	i, k := 0, 0
	back, backTo := -1, 0
	for i < len(s) {
		if k < len(p) && p[k].any {
			back, backTo = k, i
			k++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if k < len(p) && p[k].matches(r) {
			i += n
			k++
			continue
		}
		if back < 0 {
			return false
		}
		_, n = utf8.DecodeRuneInString(s[backTo:])
		backTo += n
		i, k = backTo, back+1
	}
	for k < len(p) && p[k].any {
		k++
	}
	return k == len(p)
}

// textFunction reads the arguments of contains, startswith or endswith.
func (p *filterParser) textFunction(name string) (condition, error) {
	if err := p.expect("("); err != nil {
		return nil, err
	}
	left, cond, err := p.operand()
	if err != nil {
		return nil, err
	}
	if cond != nil || left.path == nil {
		return nil, p.syntax()
	}
	if err := p.expect(","); err != nil {
		return nil, err
	}
	right, cond, err := p.operand()
	if err != nil {
		return nil, err
	}
	if cond != nil {
		return nil, p.syntax()
	}
	if err := p.expect(")"); err != nil {
		return nil, err
	}
	// "contains(name,'x') eq true" is the same as without.
	want := true
	if p.isWord("eq") || p.isWord("ne") {
		want = p.isWord("eq")
		if err := p.advance(); err != nil {
			return nil, err
		}
		if !p.isWord("true") && !p.isWord("false") {
			return nil, p.syntax()
		}
		want = want == p.isWord("true")
		if err := p.advance(); err != nil {
			return nil, err
		}
	}
	at := left.path
	if group(at.column) != "Edm.String" || at.column.Type == MultiChoice || right.edm() != "Edm.String" && right.edm() != "<null>" {
		return nil, errQuery("No function signature for the function with name '%s' matches the specified arguments. The function signatures considered are: %s(Edm.String Nullable=true, Edm.String Nullable=true).", name, name)
	}
	if right.path != nil {
		other := right.path
		return func(e *env) truth {
			s, ok := at.value(e).(string)
			o, ok2 := other.value(e).(string)
			if !ok || !ok2 {
				return unknown
			}
			return truthOf(plainMatcher(name, o)(s) == want)
		}, nil
	}
	if right.lit.kind != tokString {
		return func(*env) truth { return unknown }, nil
	}
	match := newMatcher(name, right.lit.text)
	return func(e *env) truth {
		s, ok := at.value(e).(string)
		if !ok {
			return truthOf(!want)
		}
		return truthOf(match(s) == want)
	}, nil
}
