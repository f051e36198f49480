package playbook

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/andmoneyaps/engage-playbooks/pattern"
)

// chain compiles transformations, written as YAML, behind a value of any type.
func chain(t testing.TB, yaml string) []Transformation {
	t.Helper()
	fsys := workspaceOf(t, []byte("-- p.yaml --\nkind: TriggerType\nid: Any\nschema: true\n---\nkind: Playbook\nid: p\nblocks:\n  - {name: In, type: Trigger, trigger: Any}\n  - {name: O, type: Output, inputs: [{from: In, map: [{source: x, destination: y, transformations: "+yaml+"}]}]}\n"))
	w, err := Load(fsys)
	if err != nil {
		t.Fatalf("%s:\n%s", yaml, err)
	}
	p, _ := w.Playbook("p")
	return p.Blocks[1].Inputs[0].Transformations
}

func transform(t testing.TB, yaml string, v any, required bool) (any, bool, error) {
	t.Helper()
	b := &Block{Name: "In", Type: BlockTrigger}
	m := &Mapping{From: b, Source: &Path{text: "x", steps: []pathStep{{name: "x"}}}, Destination: "y", Label: "In: x", Required: required, Transformations: chain(t, yaml)}
	s := &scope{event: &Event{}, now: testNow, outputs: []any{map[string]any{"x": v}}, status: []Status{StatusSucceeded}}
	if v == absent {
		s.outputs[0] = map[string]any{}
	}
	return m.evaluate(context.Background(), s)
}

// absent stands for a source that finds nothing.
var absent any = "\x00absent"

func TestTransformations(t *testing.T) {
	const nothing, fails = "nothing", "fails"
	for _, c := range []struct{ yaml, in, want string }{
		{`[{type: Identity}]`, `{"a": 1}`, `{"a": 1}`},
		{`[{type: Extract, path: a.b}]`, `{"a": {"b": 1}}`, `1`},
		{`[{type: Extract, path: a.b}]`, `{"a": null}`, nothing},
		{`[{type: Extract, path: a}]`, `[{"a": 1}, {}, null, {"a": null}]`, `[1, null, null, null]`},
		{`[{type: Extract, path: a}]`, `[]`, `[]`},
		{`[{type: Extract, path: "a[*]"}]`, `[{"a": [1, 2]}, {"a": [3]}]`, `[1, 2, 3]`},
		{`[{type: Extract, path: a}]`, `["x"]`, fails},
		{`[{type: Extract, path: a}]`, `"x"`, fails},
		{`[{type: Project, paths: [a, b.c]}]`, `{"a": 1, "b": {"c": 2, "d": 3}, "e": 4}`, `{"a": 1, "b": {"c": 2}}`},
		{`[{type: Project, paths: [a]}]`, `[{"a": 1, "b": 2}, {"b": 3}, null]`, `[{"a": 1}, {}, null]`},
		{`[{type: Project, paths: [a]}]`, `3`, fails},
		{`[{type: Join}]`, `["a", null, "b", ""]`, `"a, b, "`},
		{`[{type: Join}]`, `["", "b"]`, `", b"`},
		{`[{type: Join, separator: ""}]`, `["a", "b"]`, `"ab"`},
		{`[{type: Join}]`, `[]`, `""`},
		{`[{type: Join}]`, `[{"x": "a"}, {"y": "b"}, {"z": null}]`, `"a, b"`},
		{`[{type: Join}]`, `[1.50, true, "x"]`, `"1.50, true, x"`},
		{`[{type: Join}]`, `[{"x": 1, "y": 2}]`, fails},
		{`[{type: Project, paths: [Email]}, {type: Join}]`, `[{"Email": "a"}, {"Name": "x"}, {"Email": null}]`, `"a"`},
		{`[{type: Join}]`, `[["a"]]`, fails},
		{`[{type: Join}]`, `"a"`, fails},
		{`[{type: Project, paths: [Email]}, {type: Join}]`, `[{"Email": "a", "Name": "x"}, {"Email": "b"}]`, `"a, b"`},
		{`[{type: Split}]`, `" a, b ,,c"`, `["a", "b", "", "c"]`},
		{`[{type: Split, separator: "; "}]`, `"a; b"`, `["a", "b"]`},
		{`[{type: Split}]`, `""`, `[]`},
		{`[{type: Split}]`, `3`, fails},
		{`[{type: Serialize}]`, `{"b": [1.50, "<&>", null], "a": true}`, `"{\"a\":true,\"b\":[1.50,\"<&>\",null]}"`},
		{`[{type: Serialize}]`, `null`, `"null"`},
		{`[{type: Serialize}]`, `"x"`, `"\"x\""`},
		{`[{type: Base64Decode}]`, `"w6bDuA=="`, `"æø"`},
		{`[{type: Base64Decode}]`, `"w6bDuA"`, `"æø"`},
		{`[{type: Base64Decode}]`, `"/w=="`, fails},
		{`[{type: Base64Decode}]`, `"!"`, fails},
		{`[{type: Base64Decode}]`, `3`, fails},
		{`[{type: Expression, expr: value * 2}]`, `21`, `42`},
		{`[{type: Expression, expr: 'value ?? "none"'}]`, `null`, `"none"`},
		{`[{type: Expression, expr: value.b}]`, `{"a": 1}`, `null`},
		{`[{type: Expression, expr: value + 1}]`, `"x"`, fails},
		{`[{type: Expression, expr: 'blocks["In"].status + trigger.x'}]`, `"!"`, `"succeeded!"`},
		{`[{type: Extract, path: a}, {type: Join}, {type: Base64Decode}]`, `null`, `null`},
		{`[{type: Extract, path: a}, {type: Serialize}]`, `null`, `"null"`},
		{`[{type: Extract, path: a}, {type: Serialize}]`, `{}`, nothing},
		{`[{type: Extract, path: a}, {type: Join}]`, `{"a": null}`, `null`},
	} {
		v, found, err := transform(t, c.yaml, parseValue(t, c.in), false)
		switch {
		case err != nil && c.want == fails:
			if _, ok := errors.AsType[*MappingError](err); !ok {
				t.Errorf("%s on %s: %T", c.yaml, c.in, err)
			}
		case err != nil || c.want == fails:
			t.Errorf("%s on %s: %v %v", c.yaml, c.in, v, err)
		case !found:
			if c.want != nothing {
				t.Errorf("%s on %s finds nothing", c.yaml, c.in)
			}
		default:
			if diff := cmp.Diff(parseValue(t, c.want), v); diff != "" {
				t.Errorf("%s on %s: %s", c.yaml, c.in, diff)
			}
		}
	}
}

func TestMappingFinds(t *testing.T) {
	if _, found, err := transform(t, "[]", absent, false); found || err != nil {
		t.Error(found, err)
	}
	if v, found, err := transform(t, "[]", nil, false); !found || v != nil || err != nil {
		t.Error(v, found, err)
	}
	for _, v := range []any{absent, nil} {
		_, _, err := transform(t, "[]", v, true)
		e, ok := errors.AsType[*MappingError](err)
		if !ok || e.Code != "required-mapping" {
			t.Error(err)
		}
	}
	if v, found, err := transform(t, "[]", []any{}, true); !found || err != nil || len(v.([]any)) != 0 {
		t.Error("an empty list satisfies required:", v, found, err)
	}
	if _, found, err := transform(t, "[{type: Expression, expr: '1'}]", absent, false); found || err != nil {
		t.Error("a path that finds nothing does not apply:", found, err)
	}
}

func TestTransformationUnknown(t *testing.T) {
	u := pattern.Unknown{After: "X"}
	for _, yaml := range []string{
		`[{type: Identity}]`, `[{type: Extract, path: a.b}]`, `[{type: Project, paths: [a]}]`, `[{type: Join}]`, `[{type: Split}]`,
		`[{type: Serialize}]`, `[{type: Base64Decode}]`, `[{type: Expression, expr: value + 1}]`, `[{type: Split}, {type: Join}, {type: Serialize}]`,
	} {
		if v, found, err := transform(t, yaml, u, true); v != u || !found || err != nil {
			t.Errorf("%s: %v %v %v", yaml, v, found, err)
		}
	}
	list := []any{map[string]any{"a": "1"}, u, map[string]any{"a": u}}
	if v, _, err := transform(t, `[{type: Extract, path: a}]`, list, false); cmp.Diff([]any{"1", u, u}, v) != "" || err != nil {
		t.Error(v, err)
	}
	for _, yaml := range []string{`[{type: Join}]`, `[{type: Serialize}]`} {
		if v, _, err := transform(t, yaml, list, false); v != u || err != nil {
			t.Error(yaml, v, err)
		}
	}
}

func TestTransformationBounds(t *testing.T) {
	big := strings.Repeat("x", maxText)
	for yaml, v := range map[string]any{
		`[{type: Join}]`: []any{big, "y"}, `[{type: Serialize}]`: big, `[{type: Expression, expr: value + "y"}]`: big,
		`[{type: Base64Decode}]`: strings.Repeat("eHh4", maxText), `[{type: Split}]`: big + "y",
	} {
		if _, _, err := transform(t, yaml, v, false); err == nil {
			t.Errorf("%s: no error", yaml)
		}
	}
}

// TestHostileValues: values arrive unchanged, whatever syntax they hold.
func TestHostileValues(t *testing.T) {
	for _, s := range []string{
		`O'Brien "quoted" \ back`, `' or 1 eq 1 --`, `contains(fullname,'x')`, `{{ secret }}{% include 'x' %}`, `blocks["x"].y`, `$env`, `[*]`, `a.b[0]`,
		"\x01\x02\t\r\n", "\u2028\u202e", strings.Repeat("x", 1<<20-2), "GetDate(-1)", "null", "🙂", "{\"a\":1}",
	} {
		for _, yaml := range []string{`[]`, `[{type: Identity}]`, `[{type: Expression, expr: value}]`, `[{type: Serialize}, {type: Expression, expr: fromJSON(value)}]`} {
			v, found, err := transform(t, yaml, s, true)
			if err != nil && strings.Contains(yaml, "Serialize") && len(s) > 1000 {
				continue // the JSON of it is larger than the bound
			}
			if v != s || !found || err != nil {
				t.Errorf("%s on %.30q: %.60v %v", yaml, s, v, err)
			}
		}
		tpl, _ := newTemplate(t, "{{ x }}")
		if got, err := tpl.Render(context.Background(), map[string]any{"x": s}, testNow); err != nil || got.Text != s {
			t.Errorf("template on %.30q: %.60q %v", s, got.Text, err)
		}
	}
}

func FuzzDocument(f *testing.F) {
	f.Add([]byte("kind: Playbook\nid: p\nblocks:\n  - {name: In, type: Trigger, trigger: PortalMeetings, condition: Meeting.Id == ''}\n  - {name: O, type: Output, when: trigger.Meeting.Id == 'x', inputs: [{from: In, map: [{source: Meeting.Id, destination: a.b, transformations: [{type: Join}, {type: Expression, expr: value}]}]}]}"))
	f.Add([]byte("kind: Template\nid: t\ncontent: '{{ x | upcase }}{% for y in z %}{% endfor %}'"))
	f.Add([]byte("kind: TriggerType\nid: t\nschema: {type: object, properties: {a: {$ref: '#/$defs/b'}}, $defs: {b: {type: string}}}"))
	f.Add([]byte("kind: Capability\nid: c\nversions: ['1']\noutputs: [{name: a, type: String}]\nstub: {a: x}"))
	f.Add([]byte("kind: PlaybookTest\nid: c\nplaybook: p\ncases: [{name: a, event: {type: x}, expect: {}}]"))
	f.Add([]byte("kind: Simulator\nid: c\nusers: [{email: a, roles: [x]}]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		fsys := workspaceOf(t)
		fsys["d.yaml"] = workspaceFile(data)
		if _, err := Load(fsys); err != nil {
			_ = err.Error()
		}
	})
}

func FuzzTemplate(f *testing.F) {
	for _, s := range []string{"{{ x | append: y }}", "{% for a in b limit: 2 reversed %}{{ forloop.index }}{% endfor %}", "{% if a == 'b' %}{% elsif c %}{% endif %}", "{% capture x %}{% endcapture %}", "{% raw %}{{", "{{ 'now' | date: '%s' }}", "{% case x %}{% when 1, 2 %}{% endcase %}", "{%- assign a = b[c].d -%}"} {
		f.Add(s, "value")
	}
	f.Fuzz(func(t *testing.T, text, value string) {
		tpl, problems := newTemplate(t, text)
		if len(problems) > 0 {
			return
		}
		_, _ = tpl.Render(context.Background(), map[string]any{"x": value, "b": []any{value, nil, true}, "c": map[string]any{"d": value}}, testNow)
	})
}

func FuzzExpressionDocument(f *testing.F) {
	for _, s := range []string{"trigger.Meeting.Id == 'x'", "map(1..3, # * 2)", "let a = value; a ?? 3", "blocks[\"In\"].status", "value matches '^a'", "reduce([1], #acc + #)"} {
		f.Add(s)
	}
	shape := platformTypes()["PortalMeetings"].shape
	f.Fuzz(func(t *testing.T, text string) {
		var problems = newLoader(nil, &Loader{}, nil)
		c := &compiler{loader: problems, playbook: &Playbook{Trigger: &Trigger{Type: &TriggerType{shape: shape}}}}
		env := c.conditionEnv()
		env.Bool = false
		c.problems = nil
		x := tryExpression(text, env)
		if x == nil {
			return
		}
		s := &scope{event: &Event{}, now: testNow, outputs: []any{map[string]any{"Meeting": map[string]any{"Id": "x"}}}, status: []Status{StatusSucceeded}}
		_, _ = x.Eval(context.Background(), s, "v")
	})
}
