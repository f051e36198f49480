package document_test

import (
	"strings"
	"testing"

	"github.com/andmoneyaps/engage-playbooks"
	"github.com/andmoneyaps/engage-playbooks/internal/document"
)

// Where and why a text without quotes, or one that is indented otherwise than
// it looks, breaks a file, as an author meets it.
func TestYAMLErrorsNameTheirPlaceAndTheRemedy(t *testing.T) {
	for _, tt := range []struct {
		yaml      string
		line, col int
		help      string
	}{
		{"kind: T\nid: x\nname: a: b\n", 3, 1, "colon"},
		{"kind: T\nid: x\nexpr: {e: a ?? b}\n", 3, 1, "braces"},
		{"kind: T\nid: x\nname: \"a\" b\n", 3, 1, "closing quote"},
		{"kind: T\nid: x\nlist:\n\t- a\n", 4, 1, "indent with spaces"},
		{"kind: T\nid: x\nlist:\n\t- a", 4, 1, "indent with spaces"},
		{"kind: T\nid: x\nlist:\n  - name: a\n  \ttype: b\n", 5, 3, "indent with spaces"},
		{"kind: T\nid: x\nlist:\n  -\ta\n", 4, 4, "indent with spaces"},
		{"kind: T\nid: @x\n", 2, 1, "begins with @"},
		{"kind: T\nid: *x\n", 2, 5, "begins with *"},
		{"kind: T\nid:x\nname: y\n", 2, 1, "a space after the colon"},
		{"kind: T\nid: x\nname: 'y\nlist: []\n", 3, 1, "close it"},
		{"kind: T\nid: x\nname: |y\n", 3, 1, "next line"},
		{"kind: T\nid: x\nname: - y\n", 3, 1, "next line"},
		{"kind: T\nid: x\nlist:\n  - name: a\n    type: b\n  # more\n  - name: c\n   type: d\n  - name: e\n", 8, 1, "same column"},
		{"kind: T\nid: x\nname: caf\xe9\n", 3, 10, "UTF-8"},
		{"\xff\xfek\x00i\x00", 1, 1, "UTF-8"},
	} {
		var problems engage.Problems
		document.ParseNodes("a.yaml", []byte(tt.yaml), &problems)
		if len(problems) != 1 || problems[0].Pos.Line != tt.line || problems[0].Pos.Col != tt.col || !strings.Contains(problems[0].Suggestion, tt.help) {
			t.Errorf("%q: %v", tt.yaml, problems)
		}
	}
}

func TestUTF16IsCalledByItsName(t *testing.T) {
	var problems engage.Problems
	document.ParseNodes("a.yaml", []byte("\xff\xfek\x00i\x00"), &problems)
	if !strings.Contains(problems.Error(), "UTF-16") {
		t.Error(problems)
	}
}
