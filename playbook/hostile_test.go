package playbook_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/andmoneyaps/engage-playbooks/playbook"
)

const hostilePlaybook = `kind: Playbook
id: hostile
blocks:
  - {name: Event, type: Trigger, trigger: Hostile}
  - name: Find
    type: EntityPatternRead
    pattern: remarks
    when: len(trigger.text) < 400
    inputs: [{from: Event, map: [{source: text, destination: remark.Subject}]}]
  - name: Render
    type: Template
    template: echo
    inputs: [{from: Event, map: [{source: text, destination: text}]}]
  - name: Write
    type: EntityPatternCreate
    pattern: remarks
    inputs:
      - {from: Render, map: [{source: output, destination: remark.Text}]}
      - {from: Event, map: [{source: text, destination: remark.Subject, transformations: [{type: Expression, expr: 'len(value) > 400 ? "long" : value'}]}]}
  - name: Echo
    type: Output
    inputs: [{from: Event, map: [{source: any, destination: any, transformations: [{type: Serialize}]}, {source: text, destination: text}]}]
`

const hostileDocuments = `kind: TriggerType
id: Hostile
schema: {type: object, properties: {text: {type: string}, any: {}, number: {}}}
---
kind: Template
id: echo
content: "{{ text }}"
---
kind: EntityPattern
id: remarks
parts: [{ref: remark, entity: remark}]
`

func hostileBench(t *testing.T) *bench {
	return setUp(t, hostilePlaybook, map[string]string{
		"entities/loose.yaml": looseDefinitions, "hostile.yaml": hostileDocuments, "simulator/local.yaml": "",
	})
}

func nested(depth int) any {
	var v any = "x"
	for range depth {
		v = []any{v}
	}
	return v
}

// Texts that are syntax somewhere arrive as they are, by way of a filter, a
// template, an expression and a body.
func TestHostileTextsThroughARun(t *testing.T) {
	b := hostileBench(t)
	for i, text := range []string{
		"O'Neill' or 1 eq 1 or subject eq '", `$filter=x&$top=1#?%00%27`, "{{ 7 | times: 6 }}{% raw %}{% endraw %}", "#{ value } ${x} `x`",
		"value + blocks[\"Find\"] ?? nil", "\x01\x02\x1f\x7f\t\r\n", "\u0000", "\u2028\u202e\ufeff", "--batch_x\r\nContent-Type: application/http\r\n\r\nDELETE /",
		"<fetch/>]]>&amp;", "{\"@odata.type\": \"#x\"}", "𝄞🙂", strings.Repeat("(", 300), "GetDate(-1)", "(known after Find)", "NaN", "null", "1e400",
		strings.Repeat("a'", 40_000), strings.Repeat("a", 1<<20),
	} {
		ev := &playbook.Event{Type: "Hostile", ID: fmt.Sprint("h", i), Data: map[string]any{"text": text, "any": nested(50)}}
		r, err := b.engine.Run(t.Context(), b.playbook, ev)
		if r == nil {
			t.Fatal(err)
		}
		short := fmt.Sprintf("%.40q", text)
		if r.Status == playbook.StatusFailed {
			t.Logf("%s is refused: %s", short, r.Error.Code)
			if len(r.Writes) != 0 {
				t.Errorf("%s is refused, and %v written", short, wrote(r))
			}
			continue
		}
		written := b.records(t, "annotations")
		last := written[len(written)-1]
		for _, have := range written {
			if have["annotationid"] == r.Writes[0].ID {
				last = have
			}
		}
		if last["notetext"] != text {
			t.Errorf("%s arrived as %.60q", short, fmt.Sprint(last["notetext"]))
		}
		if len(text) < 400 && last["subject"] != text {
			t.Errorf("%s arrived as subject %.60q", short, fmt.Sprint(last["subject"]))
		}
		if out := r.Output.(map[string]any)["text"]; out != text {
			t.Errorf("%s came out as %.60q", short, out)
		}
	}
}

// What JSON cannot hold, or holds only changed, is refused with its path.
func TestHostileDataOfAGoEmbedder(t *testing.T) {
	b := hostileBench(t)
	for name, data := range map[string]map[string]any{
		"invalid UTF-8":       {"text": "a\xffb"},
		"invalid UTF-8 below": {"text": "x", "any": []any{map[string]any{"k": "\xc3\x28"}}},
		"not a number":        {"text": "x", "any": math.NaN()},
		"infinite":            {"text": "x", "any": []any{math.Inf(1)}},
		"no JSON":             {"text": "x", "any": func() {}},
		"nested too deep":     {"text": "x", "any": nested(5_000)},
	} {
		r, err := b.engine.Run(t.Context(), b.playbook, &playbook.Event{Type: "Hostile", ID: name, Data: data})
		if r == nil || !strings.HasPrefix(r.Error.Field, "data.") || r.Status != playbook.StatusFailed || r.Error.Code != "event-data" {
			t.Errorf("%s: %v\n%s", name, err, show(r))
		}
	}
}

// A number that no column can hold is refused before it is sent, and digits
// are not lost on the way.
func TestHostileNumbers(t *testing.T) {
	text := `kind: Playbook
id: numbers
blocks:
  - {name: Event, type: Trigger, trigger: Hostile}
  - name: Write
    type: EntityPatternCreate
    pattern: person
    inputs: [{from: Event, map: [{source: text, destination: person.LastName}, {source: number, destination: person.Income}]}]
`
	b := setUp(t, text, map[string]string{"entities/loose.yaml": looseDefinitions, "hostile.yaml": hostileDocuments, "simulator/local.yaml": ""})
	for number, want := range map[string]playbook.Status{
		"1e400": playbook.StatusFailed, "-1e400": playbook.StatusFailed, "99999999999999999999999999": playbook.StatusFailed,
		"12345678901234.12": playbook.StatusSucceeded, "0.1": playbook.StatusSucceeded,
	} {
		r, _ := b.engine.Run(t.Context(), b.playbook, &playbook.Event{
			Type: "Hostile", ID: "n" + number, Data: map[string]any{"text": "x", "number": json.Number(number)},
		})
		if r.Status != want {
			t.Errorf("%s: %s %s", number, r.Status, show(r.Error))
		}
	}
}
