package pattern_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/pattern"
)

// comparePieces holds a write that is planned in pieces, in windows of any size,
// to the one that is planned at once.
func comparePieces(t *rapid.T, op pattern.Operation, plan *pattern.WritePlan, pieces *pattern.Pieces) {
	var writes []dataverse.Write
	planned := 0
	for _, piece := range pieces.Parts {
		made := make([]dataverse.Write, piece.Len)
		for first := 0; first < piece.Len; {
			window := make([]dataverse.Write, rapid.IntRange(1, piece.Len-first).Draw(t, "window"))
			for k := range window { // as left by another window
				window[k].IfMatch, window[k].Body = "old", []dataverse.Property{{Name: "old"}}
			}
			piece.Fill(window, first)
			first += copy(made[first:], window)
		}
		var columns []string
		for i, name := range piece.Names() {
			w := plan.Writes[planned]
			var want []string
			for _, c := range w.Columns {
				want = append(want, c.Column)
			}
			columns = piece.Columns(i, columns)
			if name != w.Part || piece.Table != w.Table || piece.Operation != w.Operation || piece.ID(i) != string(w.ID) ||
				len(columns) != len(want) || len(want) > 0 && !cmp.Equal(columns, want) {
				t.Fatalf("record %d: %s of %s, %s, %s, %v; at once %+v", i, name, piece.Table, piece.Operation, piece.ID(i), columns, w)
			}
			planned++
		}
		writes = append(writes, made...)
	}
	if d := cmp.Diff(plan.ChangeSet.Writes, append([]dataverse.Write{}, writes...)); d != "" {
		t.Fatalf("the writes of a %s (-at once):\n%s", op, d)
	}
	if d := cmp.Diff(plan.Warnings, pieces.Warnings) + cmp.Diff(plan.Linked, pieces.Linked); d != "" {
		t.Fatalf("warnings and links of a %s (-at once):\n%s", op, d)
	}
	if d := cmp.Diff(plan.Result(), pieces.Result()); d != "" {
		t.Fatalf("the result of a %s (-at once):\n%s", op, d)
	}
}

// TestWhatIsNotWrittenInPieces: the order of such writes counts, or more is to
// be known of them than their own record.
func TestWhatIsNotWrittenInPieces(t *testing.T) {
	w := people(t, moreWrites)
	ids := func(part string, i int) dataverse.GUID { return dataverse.GUID(id(500 + i)) }
	names := []any{"A", "B"}
	link := func(table string) []any {
		return []any{nil, map[string]any{"Id": id(1), "Type": table}}
	}
	for name, c := range map[string]struct {
		pattern string
		op      pattern.Operation
		in      pattern.Input
		newID   func(string, int) dataverse.GUID
		pieces  bool
	}{
		"creates":                  {"people", pattern.Create, input("people.LastName", names), ids, true},
		"creates without ids":      {"people", pattern.Create, input("people.LastName", names), nil, false},
		"creates with links":       {"people", pattern.Create, input("people.LastName", names, "people.ParentAccount", link("account")), ids, true},
		"links to their own table": {"people", pattern.Create, input("people.LastName", names, "people.ParentAccount", link("contact")), ids, false},
		"updates":                  {"people", pattern.Update, input("people.Id", []any{id(2), id(3)}, "people.LastName", names), nil, true},
		"updates of one row":       {"people", pattern.Update, input("people.Id", []any{id(2), id(2)}, "people.LastName", names), nil, false},
		"nothing to write":         {"people", pattern.Update, input("people.Id", []any{id(2), id(2)}), nil, true},
		"upserts":                  {"people", pattern.Upsert, input("people.Id", []any{id(2), id(3)}, "people.LastName", names), ids, true},
		"upserts of one row":       {"people", pattern.Upsert, input("people.Id", []any{id(2), id(2)}, "people.LastName", names), ids, false},
		"parties of an update":     {"book-meeting", pattern.Update, input("customer.Id", id(2), "organiser.Id", id(9), "meeting.Id", id(4), "meeting.Subject", "S", "attendees.Id", []any{id(9)}), nil, false},
	} {
		p, o := w.patterns[c.pattern], pattern.Options{Bulk: true, NewID: c.newID}
		l, err := p.Lookup(c.op, c.in, o)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if pieces, err := p.Pieces(c.op, c.in, l, o, false); err != nil || (pieces != nil) != c.pieces {
			t.Errorf("%s: %v, %v", name, pieces, err)
		}
	}
}
