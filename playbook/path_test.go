package playbook

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/andmoneyaps/engage-playbooks/pattern"
)

func parseValue(t testing.TB, s string) any {
	t.Helper()
	v, err := decodeEventJSON([]byte(s))
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return v
}

func TestPathGet(t *testing.T) {
	data := parseValue(t, `{
		"a": {"b": [{"c": 1}, {"c": null}, {}, null, {"c": [2, 3]}]}, "null": null, "empty": [],
		"nested": [{"x": [{"y": 1}, {"y": 2}]}, {"x": []}, {}, {"x": null}, null, {"x": [{}, {"y": 5}]}],
		"loan amount": {"a.b": 7, "q\"q": 8}, "lists": [[1, 2], [3], null, []]
	}`)
	const nothing = "nothing"
	for path, want := range map[string]string{
		`a.b[0].c`:                `1`,
		`a.b[1].c`:                `null`,
		`a.b[2].c`:                nothing,
		`a.b[3].c`:                nothing,
		`a.b[9]`:                  nothing,
		`a.b.c`:                   nothing,
		`a[0]`:                    nothing,
		`null`:                    `null`,
		`null.x`:                  nothing,
		`null[*]`:                 nothing,
		`absent[*]`:               nothing,
		`absent[*].x`:             nothing,
		`empty[*]`:                `[]`,
		`empty[*].x.y`:            `[]`,
		`a.b[*]`:                  `[{"c":1},{"c":null},{},null,{"c":[2,3]}]`,
		`a.b[*].c`:                `[1,null,null,null,[2,3]]`,
		`nested[*].x[*].y`:        `[1,2,null,null,null,5]`,
		`lists[*]`:                `[[1,2],[3],null,[]]`,
		`lists[*][*]`:             `[1,2,3,null]`,
		`lists[*][0]`:             `[1,3,null,null]`,
		`["loan amount"]["a.b"]`:  `7`,
		`['loan amount']["q\"q"]`: `8`,
		`["a"].b[0]["c"]`:         `1`,
	} {
		p, perr := parsePath(path)
		if perr != nil {
			t.Errorf("%s: %v", path, perr)
			continue
		}
		v, ok := p.get(data)
		got := nothing
		if ok {
			b, _ := json.Marshal(v)
			got = string(b)
		}
		if got != want {
			t.Errorf("%s = %s, want %s", path, got, want)
		}
	}
}

func TestPathUnknown(t *testing.T) {
	u := pattern.Unknown{After: "X"}
	for path, want := range map[string]any{
		"a": u, "a.b[0].c": u, "a[*]": nil, "l[*].x": []any{"1", u, u}, "l[0].x": "1",
	} {
		p, perr := parsePath(path)
		if perr != nil {
			t.Fatal(perr)
		}
		got, _ := p.get(map[string]any{"a": u, "l": []any{map[string]any{"x": "1"}, u, map[string]any{"x": u}}})
		if path == "a[*]" {
			want = u
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
	}
}

func FuzzPath(f *testing.F) {
	for _, s := range []string{"a.b[0][*]", `a["b c"].d`, "[", "a[99999999999999999999]", "æ.ø", `["\\`, "a..b", "\x00"} {
		f.Add(s)
	}
	data := map[string]any{"a": []any{map[string]any{"b": "x"}, nil}}
	f.Fuzz(func(t *testing.T, s string) {
		p, perr := parsePath(s)
		if perr != nil {
			if perr.col < 1 || perr.col > len(s)+1 {
				t.Errorf("column %d of %q", perr.col, s)
			}
			return
		}
		p.get(data)
		if _, err := p.check(ofValue(data)); err == nil {
			p.names()
		}
	})
}
