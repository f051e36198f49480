package document

import (
	"strings"
	"unicode/utf8"
)

// Suggest returns `did you mean "x"?` for the candidate nearest to the word,
// or "" if none is near.
func Suggest(word string, candidates []string) string {
	best := nearest(word, candidates)
	if best == "" {
		return ""
	}
	hint := "did you mean \"" + best + "\"?"
	for _, t := range []struct{ text, which string }{{word, "the text here"}, {best, "the text there"}} {
		if i := strings.IndexFunc(t.text, isInvisible); i >= 0 {
			r, _ := utf8.DecodeRuneInString(t.text[i:])
			hint += " " + t.which + " has " + nameOf(r)
		}
	}
	return hint
}

// SuggestSpelling is Suggest for words that may well be right: it suggests a
// candidate that is two letters away at most, and one where the word is short.
func SuggestSpelling(word string, candidates []string) string {
	limit := 3
	if len(word) < 8 {
		limit = 2
	}
	for _, c := range candidates {
		if distance(strings.ToLower(word), strings.ToLower(c), limit) < limit {
			return Suggest(word, candidates)
		}
	}
	return ""
}

// nearest returns the candidate nearest to the word, or "" if none is near.
func nearest(word string, candidates []string) string {
	best, score := "", max(2, len(word)/3)+1
	for _, c := range candidates {
		if d := distance(strings.ToLower(word), strings.ToLower(c), score); d < score {
			best, score = c, d
		}
	}
	return best
}

// distance is the edit distance with neighbouring swaps, or limit if it is not
// below it.
func distance(a, b string, limit int) int {
	x, y := []rune(a), []rune(b)
	if len(x)-len(y) >= limit || len(y)-len(x) >= limit || len(x) > 64 || len(y) > 64 {
		return limit
	}
	var before []int
	prev := make([]int, len(y)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(x); i++ {
		row := make([]int, len(y)+1)
		row[0] = i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, prev = prev, row
	}
	return min(prev[len(y)], limit)
}
