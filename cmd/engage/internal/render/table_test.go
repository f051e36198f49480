package render_test

import (
	"strings"
	"testing"

	"github.com/andmoneyaps/engage-playbooks/cmd/engage/internal/render"
)

// A table that is wider than the page breaks its widest columns between words;
// ids stay whole, and where they do not fit beside the rest, rows are broken.
func TestTableOnANarrowPage(t *testing.T) {
	rows := [][]string{
		{"  BLOCK", "TYPE", "STATUS", "ID"},
		{"  Summarise the opportunities", "EntityPatternRead", "succeeded", "5077ec6d-80f7"},
		{"    https://contoso.crm4.dynamics.com/main.aspx?id=5077ec6d-80f7"},
		{"  Notes", "Ai", "failed", ""},
	}
	for width, want := range map[int]string{
		0: `
  BLOCK                        TYPE               STATUS     ID
  Summarise the opportunities  EntityPatternRead  succeeded  5077ec6d-80f7
    https://contoso.crm4.dynamics.com/main.aspx?id=5077ec6d-80f7
  Notes                        Ai                 failed
`,
		64: `
  BLOCK              TYPE               STATUS     ID
  Summarise the      EntityPatternRead  succeeded  5077ec6d-80f7
  opportunities
    https://contoso.crm4.dynamics.com/main.aspx?id=5077ec6d-80f7
  Notes              Ai                 failed
`,
		40: `
  BLOCK
    TYPE  STATUS  ID
  Summarise the opportunities
    EntityPatternRead  succeeded
    5077ec6d-80f7
    https://contoso.crm4.dynamics.com/main.aspx?id=5077ec6d-80f7
  Notes
    Ai  failed
`,
	} {
		var b strings.Builder
		render.Table(&b, render.Style{Width: width}, rows)
		if got := "\n" + b.String(); got != want {
			t.Errorf("width %d:%s", width, got)
		}
	}
}
