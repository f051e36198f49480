package document_test

import (
	"strings"
	"testing"

	"github.com/andmoneyaps/engage-playbooks"
	"github.com/andmoneyaps/engage-playbooks/internal/document"
)

// What people write that is no JSON, and what they are told.
func TestJSONErrorsNameTheRemedy(t *testing.T) {
	for _, tt := range []struct {
		json      string
		line, col int
		help      string
	}{
		{"{\"kind\": \"T\",\n \"id\": \"x\",\n}", 3, 1, "delete the comma"},
		{"{\"kind\": \"T\"\n \"id\": \"x\"}", 2, 2, "a comma or a colon is missing"},
		{"{\"kind\" \"T\"}", 1, 9, "a comma or a colon is missing"},
		{"{'kind': \"T\"}", 1, 2, "double quotes"},
		{"{kind: \"T\"}", 1, 2, "double quotes"},
		{"{\"kind\": T}", 1, 10, "double quotes"},
		{"{\"kind\": “T”}", 1, 10, "typographic"},
		{"{\"kind\": \"T\", // the kind\n \"id\": \"x\"}", 1, 15, "no comments"},
		{"{\"kind\": \"T\",\n \"text\": \"one\ntwo\"}", 2, 10, `write \n`},
		{"{\"kind\": \"T\",\n \"text\": \"one\ttwo\"}", 2, 10, `write \t`},
		{"{\"kind\": \"T\",\n \"text\": \"C:\\Users\"}", 2, 10, "written twice"},
		{"{\"kind\": \"T\",\n \"list\": [1 2]}", 2, 13, "a comma or a colon is missing"},
		{"{\"kind\": \"T\",\n \"list\": [1}", 2, 12, "bracket"},
		{"{\"kind\": \"T\"", 1, 13, "a closing bracket"},
		{"kind: T", 1, 1, "begins with {"},
	} {
		var problems engage.Problems
		document.ParseNodes("a.json", []byte(tt.json), &problems)
		if len(problems) != 1 || problems[0].Pos.Line != tt.line || problems[0].Pos.Col != tt.col || !strings.Contains(problems[0].Suggestion, tt.help) {
			t.Errorf("%s: %v", tt.json, problems)
		}
	}
}
