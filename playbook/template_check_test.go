package playbook

import (
	"strings"
	"testing"
	"testing/fstest"
)

// What people write that is no Liquid: the tag at its place, what is wrong, and
// what to write.
func TestTemplateMistakesNameTheirRemedy(t *testing.T) {
	for template, want := range map[string]string{
		"{% cycle %}":                               "5:8: error: {% cycle %} misses something (write {% cycle 'odd', 'even' %})",
		"{% cycle a b %}":                           "5:8: error: {% cycle a b %} is not understood (write {% cycle 'odd', 'even' %})",
		"{% if %}x{% endif %}":                      "5:8: error: {% if %} misses something (write {% if name == 'text' %})",
		"{% if  %}x{% endif %}":                     "5:8: error: {% if  %} misses something (write {% if name == 'text' %})",
		"{% if a = 1 %}x{% endif %}":                "5:8: error: {% if a = 1 %} is not understood (write == to compare)",
		"{% if a && b %}x{% endif %}":               "5:8: error: {% if a && b %} is not understood (write and)",
		"{% if not a %}x{% endif %}":                "5:8: error: {% if not a %} is not understood (there is no not: take {% unless %}, or compare with == false)",
		"{% if a %}":                                "5:8: error: {% if a %} is never closed (write {% endif %} where it ends)",
		"{% endif %}":                               "5:8: error: {% endif %} closes nothing: no if is open",
		"{% if a %}{% endfor %}":                    "5:18: error: {% endfor %} stands where {% if a %} is still open (write {% endif %} first)",
		"{% if a %}{% elseif b %}{% endif %}":       `5:18: error: there is no tag "elseif" (did you mean "elsif"?)`,
		"{% if a %}{% else if b %}{% endif %}":      "5:18: error: {% else if b %}: else takes no condition (write {% elsif b %})",
		"{% case a %}{% when %}{% endcase %}":       "5:20: error: {% when %} misses something (write {% when 'text', 'other' %})",
		"{% else %}":                                "5:8: error: {% else %} stands in no if, unless, case, for",
		"{% if a %}{% break %}{% endif %}":          "5:18: error: {% break %} stands in no for",
		"{% for x of y %}{% endfor %}":              "5:8: error: {% for x of y %} is not understood (write {% for item in list %})",
		"{% for x in y limit 3 %}{% endfor %}":      "5:8: error: {% for x in y limit 3 %} is not understood (write {% for item in list %}; behind the list may stand limit:3, offset:1 and reversed)",
		"{% include 'x' %}":                         `5:8: error: there is no tag "include" (a template takes in no other: write its text here)`,
		"{% comment %}{% endfor %}":                 "5:8: error: {% comment %} is never closed (write {% endcomment %} where it ends)",
		"{% raw %}x":                                "5:8: error: {% raw %} is never closed (write {% endraw %} where it ends)",
		"{% # note %}":                              "5:8: error: {% # note %} has no tag in it (there are assign, break, ",
		"{{ a }} {{ }}":                             "5:16: error: {{ }} is not understood (write a name in it, such as {{ name }})",
		"{{ a } {{ b }}":                            "5:8: error: {{ a } {{ b }} is not understood (the brackets before the next ones are not closed)",
		"{{ a":                                      "5:8: error: {{ is never closed (write }} where it ends)",
		"{{ a + 1 }}":                               "5:8: error: {{ a + 1 }} is not understood (there is no arithmetic: take the filters plus, minus, times, divided_by)",
		"{{ a | date: \"%Y }}":                      "5:8: error: {{ a | date: \"%Y }} is not understood (a quote is not closed, or closed by one of the other sort)",
		"{{ 'a + b' | upcase | }}":                  "5:8: error: {{ 'a + b' | upcase | }} is not understood (a filter is missing after |)",
		"{{ a b }}":                                 "5:8: error: {{ a b }} is not understood (write {{ name }}, {{ name.member }} or {{ name | filter: 'text' }})",
		"{{ a | upcas }}":                           `5:8: error: there is no filter "upcas" (did you mean "upcase"?)`,
		"{% raw %}{% if %}{% endraw %}{% endfor %}": "5:37: error: {% endfor %} closes nothing: no for is open",
		"{% for x in y %}{% if x %}{% break %}{% endif %}{% endfor %}{% comment %}{% if %}{% endcomment %}": "",
	} {
		_, err := Load(fstest.MapFS{"t.yaml": {Data: []byte("kind: Template\nid: x\ncontent: |\n  a\n    æz " + template + "\n")}})
		switch {
		case want == "" && err != nil, want != "" && (err == nil || !strings.HasPrefix(err.Error(), "t.yaml:"+want) || strings.Contains(err.Error(), "\n")):
			t.Errorf("%s:\n got %v\nwant %s", template, err, want)
		}
	}
}

// The column is that of the file, however the text stands in it.
func TestTemplateMistakesHaveTheirColumn(t *testing.T) {
	for name, tt := range map[string]struct {
		files map[string]string
		want  string
	}{
		"in quotes":     {map[string]string{"t.yaml": "kind: Template\nid: x\ncontent: \"Dear {{ a b }}\"\n"}, "t.yaml:3:16: "},
		"folded":        {map[string]string{"t.yaml": "kind: Template\nid: x\ncontent: >\n  Dear\n  you {{ a b }}\n"}, "t.yaml:5:7: "},
		"several lines": {map[string]string{"t.yaml": "kind: Template\nid: x\ncontent: |\n  Dear\n  {{ a\n     b }}\n"}, "t.yaml:5:3: "},
		"a file":        {map[string]string{"t.yaml": "kind: Template\nid: x\ncontentFile: t.liquid\n", "t.liquid": "Dear\n  you {% cycle %}"}, "t.liquid:2:7: "},
	} {
		fsys := fstest.MapFS{}
		for file, text := range tt.files {
			fsys[file] = &fstest.MapFile{Data: []byte(text)}
		}
		if _, err := Load(fsys); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %s", name, err, tt.want)
		}
	}
}
