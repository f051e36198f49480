package playbook

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/andmoneyaps/engage-playbooks"
	"github.com/andmoneyaps/engage-playbooks/pattern"
)

var testNow = time.Date(2026, 3, 2, 9, 15, 0, 0, time.UTC)

func newTemplate(t testing.TB, text string) (*Template, engage.Problems) {
	t.Helper()
	var problems engage.Problems
	l := newLoader(fstest.MapFS{}, &Loader{}, &problems)
	tpl := &Template{ID: "t", at: func(line int) engage.Pos { return engage.Pos{File: "t", Line: line, Col: 1} }}
	l.compileTemplate(tpl, text)
	return tpl, problems
}

func TestTemplateRender(t *testing.T) {
	vars := map[string]any{
		"name": "Anna <b>{{ secret }}</b> {% raw %}", "n": json.Number("9007199254740993"), "d": json.Number("12.50"), "ds": []any{json.Number("12.50"), json.Number("5.00"), json.Number("8.00")}, "long": json.Number("0.1234567890123456789012"),
		"list": []any{"a", json.Number("2"), nil, true}, "obj": map[string]any{"b": json.Number("1"), "a": []any{"x"}},
		"people": []any{map[string]any{"Name": "Bo"}, map[string]any{"Name": "Ib"}}, "at": "2026-03-12T13:00:00+01:00", "null": nil,
	}
	for text, want := range map[string]string{
		"Dear {{ name }}!":            "Dear Anna <b>{{ secret }}</b> {% raw %}!",
		"{{ missing }}|{{ null }}|":   "||",
		"{{ missing.deeper[3] }}":     "",
		"{{ n }} {{ d }} {{ long }}":  "9007199254740993 12.50 0.1234567890123456789012",
		"{% if d > 12 %}y{% endif %}": "y",
		"{{ list | join: ', ' }}":     "a, 2, true",
		"{{ obj }}":                   `{"a":["x"],"b":1}`,
		"{{ obj | json }}":            `{"a":["x"],"b":1}`,
		"{% for kv in obj %}{{ kv[0] }}={{ kv[1] }};{% endfor %}":                                          "a=x;b=1;",
		"{% for p in people %}{{ p.Name }}{% unless forloop.last %}, {% endunless %}{% endfor %}":          "Bo, Ib",
		"{{ people | map: 'Name' | join: '-' }}":                                                           "Bo-Ib",
		"{{ at | date: '%d.%m.%Y %H:%M' }}":                                                                "12.03.2026 13:00",
		"{{ 'now' | date: '%Y-%m-%d' }}":                                                                   "2026-03-02",
		"{{ name | date: '%Y' | upcase | truncate: 4, '' }}":                                               "ANNA",
		"{% assign x = n | plus: 1 %}{{ x }}":                                                              "9007199254740994",
		"{% capture c %}<{{ d }}>{% endcapture %}{{ c }}{{ c }}":                                           "<12.50><12.50>",
		"{% case d %}{% when 12.5 %}a{% else %}b{% endcase %}":                                             "a",
		"{{ d | plus: 1 }} {{ 1 | minus: d }} {{ d | times: d }} {{ 25 | divided_by: d }} {{ d | round }}": "13.5 -11.5 156.25 2 13",
		"{{ ds | sum }} {{ ds | sort | join: ' ' }} {{ ds | first }} {{ d | append: ' EUR' }}":             "25.5 5.00 8.00 12.50 12.50 12.50 EUR",
		"{{ d | at_least: 13 }} {{ d | at_most: 13 }} {{ d | json }} {{ d | abs }}":                        "13 12.5 12.50 12.5",
		"{% raw %}{{ x }}{% endraw %}":                                                                     "{{ x }}",
		"{% comment %}{{ x }}{% endcomment %}z":                                                            "z",
		"{% for i in (1..3) %}{% cycle 'a','b' %}{% endfor %}":                                             "aba",
		"{{ people.size }} {{ people.first.Name }} {{ people[1].Name }}":                                   "2 Bo Ib",
		"{% if null  %}x{% else  %}y{% endif  %}|{% if null\n   %}x{% else\n   -%}y{% endif\n %}":          "y|y",
		"{{ missing | default: 'x' }}":                                                                     "x",
	} {
		tpl, problems := newTemplate(t, text)
		if len(problems) > 0 {
			t.Errorf("%s: %v", text, problems)
			continue
		}
		got, err := tpl.Render(context.Background(), vars, testNow)
		if err != nil || got.Text != want || got.After != "" {
			t.Errorf("%s = %q, %v, want %q", text, got.Text, err, want)
		}
	}
}

func TestTemplateVariables(t *testing.T) {
	tpl, problems := newTemplate(t, `{{ customer.Name | append: suffix }} {% for m in meetings limit: max %}{{ m.title }} {{ forloop.index }} {{ m[key] }}{% else %}{{ none }}{% endfor %}
{% assign local = total | plus: 1 %}{{ local }} {% if a == 'quoted b' and c contains "d" %}{% elsif e %}{% endif %}{% case f %}{% when g %}{% endcase %}
{% capture cap %}{{ h }}{% endcapture %}{{ cap }} {% for i in (1..n) %}{{ i }}{% endfor %} {% comment %}{{ not_this }}{% endcomment %}{% raw %}{{ nor_this }}{% endraw %}{{ x | date: "%Y" }}{{ true }}{{ empty }}`)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	want := []string{"a", "c", "customer", "e", "f", "g", "h", "key", "max", "meetings", "n", "none", "suffix", "total", "x"}
	if diff := cmp.Diff(want, tpl.Variables); diff != "" {
		t.Error(diff)
	}
}

func TestTemplateSyntax(t *testing.T) {
	for text, line := range map[string]int{
		"a\n{{ x":                               2,
		"a\nb\n{% if x":                         3,
		"{{ x }}\n{% if %}{% endif %}":          2,
		"{% if x %}":                            1,
		"a\n\n{% endif %}":                      3,
		"{{ x | }}":                             1,
		"\n{{ 'abc }}":                          2,
		"\n{% assign x %}":                      2,
		"\n{% for x %}{% endfor %}":             2,
		"\n{% frobnicate %}":                    2,
		"\n{{ x y }}":                           2,
		"\n{% __tick %}":                        2,
		"\n{% __capture x %}{% end__capture %}": 2,
	} {
		_, problems := newTemplate(t, text)
		if len(problems) != 1 || problems[0].Pos.Line != line {
			t.Errorf("%q: %v", text, problems)
		}
	}
}

// unbudgeted is longer than anything under a budget takes on a loaded machine,
// and shorter than what these tests do without one.
const unbudgeted = 20 * time.Second

func TestTemplateBudget(t *testing.T) {
	big := strings.Repeat("a", 1<<20-1)
	list := make([]any, 3000)
	for i := range list {
		list[i] = json.Number("1")
	}
	vars := map[string]any{"big": big, "list": list}
	double := "{% assign a = big %}"
	capture := "{% capture a %}xxxxxxxxxx{% endcapture %}"
	concat := "{% assign a = list %}"
	for range 30 {
		double += "{% assign a = a | append: a %}"
		capture += "{% capture a %}{{ a }}{{ a }}{% endcapture %}"
		concat += "{% assign a = a | concat: a %}"
	}
	for _, text := range []string{
		"{% for x in list %}{% for y in list %}{% endfor %}{% endfor %}",
		"{% for x in (1..2000000000) %}{% endfor %}",
		"{{ big }}{{ big }}",
		double, capture, concat,
		"{{ big | replace: 'a', big }}",
		"{% for x in list %}{{ big | upcase | size }}{% endfor %}",
		"{% for x in list %}{% assign y = list | join: big %}{% endfor %}",
		"{% for x in list %}{% assign y = list | sort | uniq | json %}{% endfor %}",
	} {
		tpl, problems := newTemplate(t, text)
		if len(problems) > 0 {
			t.Errorf("%.50s: %v", text, problems)
			continue
		}
		start := time.Now()
		_, err := tpl.Render(context.Background(), vars, testNow)
		if d := time.Since(start); d > unbudgeted {
			t.Errorf("%.50s took %s", text, d)
		}
		x, ok := errors.AsType[*ExpressionError](err)
		if !ok || x.Code != "budget" {
			t.Errorf("%.50s: %v", text, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	tpl, _ := newTemplate(t, "{{ big }}")
	if _, err := tpl.Render(ctx, vars, testNow); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestTemplateUnknown: a template is rendered around what is not known yet.
func TestTemplateUnknown(t *testing.T) {
	tpl, _ := newTemplate(t, "Dear {{ c.Name }}, {{ n }} {{ c.Known }}")
	got, err := tpl.Render(context.Background(), map[string]any{"c": map[string]any{"Name": pattern.Unknown{After: "Read customer"}, "Known": "ok"}, "n": json.Number("3")}, testNow)
	want := Rendering{Text: "Dear (known after Read customer), 3 ok", After: "Read customer"}
	if err != nil || got != want {
		t.Errorf("%+v %v", got, err)
	}
}

func TestTemplateErrorsHoldNoValues(t *testing.T) {
	for _, text := range []string{"{{ v | divided_by: 0 }}", "{{ v | plus }}", "{% for x in list limit: v %}{% endfor %}", "{{ v | divided_by: v }}", "{{ v | round: v }}", "{{ v | slice: v }}"} {
		tpl, problems := newTemplate(t, text)
		if len(problems) > 0 {
			t.Errorf("%s: %v", text, problems)
			continue
		}
		_, err := tpl.Render(context.Background(), map[string]any{"v": "MARKER", "list": []any{"x"}}, testNow)
		if err != nil && strings.Contains(err.Error(), "MARKER") {
			t.Errorf("%s: %v", text, err)
		}
		t.Log(text, err)
	}
}
