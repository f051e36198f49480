package document_test

import (
	"strings"
	"testing"

	"github.com/andmoneyaps/engage-playbooks/internal/document"
)

// A character that cannot be told from a space is named at its place, and is
// the one problem of the file.
func TestInvisibleCharactersAreNamed(t *testing.T) {
	for name, tt := range map[string]struct{ text, at string }{
		"indentation":           {"kind: T\nid: x\nmap:\n  a: 1\n\u00a0 b: 2\n", "5:1: error: here stands U+00A0 (no-break space)"},
		"every indentation":     {"kind: T\nid: x\nlist:\n\u00a0- a\n\u00a0- b: 2\n   c: 3\n", "4:1: error: here stands U+00A0"},
		"after a dash":          {"kind: T\nid: x\nlist:\n  -\u00a0name: a\n    text: b\n", "4:4: error: here stands U+00A0"},
		"after every dash":      {"kind: T\nid: x\nlist:\n  -\u00a0a\n  -\u00a0b\n", "4:4: error: here stands U+00A0"},
		"after a colon":         {"kind: T\nid:\u00a0x\ntext: a\n", "2:4: error: here stands U+00A0"},
		"after the last colon":  {"kind: T\nid: x\nmap: {a:\u20091}\n", "3:9: error: here stands U+2009 (thin space)"},
		"before a colon":        {"kind: T\nid: x\ntext\u00a0: a\n", "3:5: error: here stands U+00A0"},
		"in a key":              {"kind: T\nid: x\nte\u200bxt: a\n", "3:3: error: here stands U+200B (zero width space), which cannot be seen"},
		"before a key":          {"kind: T\nid: x\nmap:\n  \ufeffa: 1\n", "4:3: error: here stands U+FEFF (byte order mark)"},
		"after a text":          {"kind: T\nid: x\u00a0\n", "2:6: error: here stands U+00A0"},
		"among harmless ones":   {"kind: T\nid: x\nname: a\u00a0b\nmap:\n  a: 1\n\u00a0 b: 2\nlist: [\"\u00a0c\"]\n", "6:1: error: here stands U+00A0"},
		"two files made one":    {"kind: T\nid: x\n\ufeff---\nkind: T\nid: y\n", "3:1: error: here stands U+FEFF"},
		"not the cause":         {"kind: T\nid: x\nname: a\u00a0b\ntext: a: b\n", "4:1: error: this is not valid YAML"},
		"behind other breaks":   {"kind: T\nid: x\nlist: [a,\u2028 b,\u2028 \u2003c]\n", "5:2: error: here stands U+2003 (em space)"},
		"before a harmless one": {"kind: T\nid: x\rmap:\r  a:\u2003b\r\ntext: \"\u00a0\"\n", "4:3: error: here stands U+2003 (em space)"},
		"in quotes":             {"kind: T\nid: x\ntext: \"\u00a0a\"\nmap: {\"a\u200b\": 1}\n", ""},
		"in the middle":         {"kind: T\nid: x\ntext: Prix\u00a0: 10\u00a0000\n", "3:1: error: this is not valid YAML"},
		"in the middle, no key": {"kind: T\nid: x\ntext: 10\u00a0000 kr.\nmap: {10\u00a0000: 1}\n", ""},
		"in a literal block":    {"kind: T\nid: x\ntext: |\n  \u00a0a\n  b\u00a0\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, got := parse(t, "a.yaml", tt.text)
			want := ""
			if tt.at != "" {
				want = "a.yaml:" + tt.at
			}
			if !strings.HasPrefix(got, want) || want == "" && got != "" || strings.Contains(got, "\n") {
				t.Errorf("got %s\nwant %s", got, tt.at)
			}
		})
	}
	if _, got := parse(t, "a.json", "{\"kind\": \"T\",\n\u00a0\"id\": \"x\"}"); !strings.HasPrefix(got, "a.json:2:1: error: here stands U+00A0") {
		t.Error(got)
	}
}

func TestASuggestionNamesWhatCannotBeSeen(t *testing.T) {
	for _, tt := range [][2]string{{"a\u00a0b", "a b"}, {"a b", "a\u00a0b"}} {
		got := document.Suggest(tt[0], []string{"other", tt[1]})
		if !strings.HasPrefix(got, `did you mean "`+tt[1]+`"? the text `) || !strings.HasSuffix(got, " has U+00A0 (no-break space)") {
			t.Error(got)
		}
	}
}
