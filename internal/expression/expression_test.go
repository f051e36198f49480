package expression

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
)

var now = time.Date(2026, 3, 2, 9, 15, 0, 0, time.UTC)

func always(t Type) func() Type { return func() Type { return t } }

func testEnv() *Env {
	return &Env{
		Vars: map[string]Type{
			"value": Scalar(Any),
			"trigger": ObjectOf(map[string]Type{
				"Meeting": ObjectOf(map[string]Type{
					"Title": Scalar(Text), "Count": Scalar(Int), "Price": Scalar(Number), "Start": Scalar(Text),
					"Owner":  ObjectOf(map[string]Type{"Email": Scalar(Text)}, false),
					"Tags":   ListOf(Scalar(Text)),
					"Custom": Scalar(Object),
				}, false),
			}, false),
		},
		Blocks: map[string]func() Type{
			"Read advisor": always(ObjectOf(map[string]Type{
				"status":  Scalar(Text),
				"Results": ListOf(ObjectOf(map[string]Type{"advisor": ListOf(ObjectOf(map[string]Type{"Id": Scalar(Text), "Age": Scalar(Int)}, false))}, false)),
			}, false)),
		},
		NoBlock: func(name string) Error { return Error{Message: "no block " + name, Unknown: true} },
	}
}

func parse(t *testing.T, s string) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func testInput(t *testing.T) Input {
	return Input{
		Now: now,
		Vars: map[string]any{
			"trigger": parse(t, `{"Meeting": {"Title": "Loan", "Count": 3, "Price": 2.5, "Start": "2026-03-12T13:00:00+01:00", "Tags": ["a", "b", null], "Custom": {"n": 9007199254740993}}}`),
			"value":   parse(t, `["x", "y"]`),
		},
		Blocks: map[string]any{
			"Read advisor": parse(t, `{"status": "succeeded", "Results": [{"advisor": [{"Id": "1", "Age": 40}, {"Id": "2", "Age": null}]}]}`),
		},
	}
}

func TestRun(t *testing.T) {
	for src, want := range map[string]string{
		`trigger.Meeting.Title`:                                                `"Loan"`,
		`trigger.Meeting.Title + "!"`:                                          `"Loan!"`,
		`trigger.Meeting.Count == 3`:                                           `true`,
		`trigger.Meeting.Count + 1`:                                            `4`,
		`trigger.Meeting.Count / 2`:                                            `1.5`,
		`10 / 2`:                                                               `5`,
		`trigger.Meeting.Price * 2`:                                            `5`,
		`trigger.Meeting.Owner.Email == nil`:                                   `true`,
		`trigger.Meeting.Owner.Email == "x"`:                                   `false`,
		`trigger.Meeting.Owner?.Email ?? "none"`:                               `"none"`,
		`len(blocks["Read advisor"].Results) > 0`:                              `true`,
		`blocks["Read advisor"].status == "succeeded"`:                         `true`,
		`blocks["Read advisor"].Results[0].advisor[0].Id`:                      `"1"`,
		`blocks["Read advisor"].Results[7].advisor[0].Id`:                      `null`,
		`blocks["Read advisor"].Results[0].advisor[1].Age > 3`:                 `false`,
		`count(blocks["Read advisor"].Results[0].advisor, .Age > 30)`:          `1`,
		`map(blocks["Read advisor"].Results[0].advisor, .Id)`:                  `["1","2"]`,
		`trigger.Meeting.Custom.n`:                                             `9007199254740993`,
		`trigger.Meeting.Custom["n"] == 9007199254740993`:                      `true`,
		`trigger.Meeting.Custom.n == 9007199254740992`:                         `false`,
		`"a" in trigger.Meeting.Tags`:                                          `true`,
		`"z" not in trigger.Meeting.Tags`:                                      `true`,
		`filter(trigger.Meeting.Tags, # != nil)`:                               `["a","b"]`,
		`join(value, "-")`:                                                     `"x-y"`,
		`value[0] contains "x"`:                                                `true`,
		`GetDate(-30)`:                                                         `"2026-01-31T09:15:00Z"`,
		`GetDate(7) < trigger.Meeting.Start`:                                   `true`,
		`GetDate(11) < trigger.Meeting.Start`:                                  `false`,
		`let x = trigger.Meeting.Count; x * x`:                                 `9`,
		`trigger.Meeting.Count > 2 ? "many" : "few"`:                           `"many"`,
		`{"a": trigger.Meeting.Count, "b": [1, 2.5]}`:                          `{"a":3,"b":[1,2.5]}`,
		`max([1, 5, 3])`:                                                       `5`,
		`mean([1, 2])`:                                                         `1.5`,
		`uniq([1, 1, 2])`:                                                      `[1,2]`,
		`1..3`:                                                                 `[1,2,3]`,
		`toJSON({"a": 1})`:                                                     `"{\"a\":1}"`,
		`fromJSON("{\"a\": 1.50}").a`:                                          `1.5`,
		`split("a, b", ",")`:                                                   `["a"," b"]`,
		`upper(trigger.Meeting.Title)[0:2]`:                                    `"LO"`,
		`reduce(1..4, #acc + #)`:                                               `10`,
		`sum(map(blocks["Read advisor"].Results[0].advisor, .Age ?? 0))`:       `40`,
		`groupBy(blocks["Read advisor"].Results[0].advisor, .Id)["1"][0].Age`:  `40`,
		`sortBy(blocks["Read advisor"].Results[0].advisor, .Id, "desc")[0].Id`: `"2"`,
		`trigger.Meeting.Title matches "^L.*n$"`:                               `true`,
	} {
		p, err := Compile(src, testEnv())
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		got, err := p.Run(context.Background(), testInput(t))
		if err != nil {
			t.Errorf("%s: %v (%v)", src, err, errors.Unwrap(err))
			continue
		}
		if s := marshal(t, got); s != want {
			t.Errorf("%s = %s, want %s", src, s, want)
		}
	}
}

func TestCompileErrors(t *testing.T) {
	for src, want := range map[string]string{
		`trigger.Meting.Title`:              `1:9: there is no member "Meting" here`,
		`trigger.Meeting.Count + "x"`:       `1:23: invalid operation: + (mismatched types whole number and text)`,
		`trigger.Meeting.Title == 3`:        `1:23: invalid operation: == (mismatched types text and whole number)`,
		`now()`:                             `1:1: unknown name "now"`,
		`date("2024-01-01")`:                `1:1: unknown name "date"`,
		`$env["trigger"]`:                   `1:1: unknown name "$env"`,
		`__tick()`:                          `1:1: unknown name "__tick"`,
		`blocks["Nope"].Results`:            `1:8: no block Nope`,
		`blocks[value]`:                     `1:1: blocks is only read by a literal name: blocks["Name of the block"]`,
		`len(blocks)`:                       `1:5: blocks is only read by a literal name: blocks["Name of the block"]`,
		`1 +`:                               `1:3: the expression ends too early: a value or a closing bracket is missing`,
		`trigger.Meeting.Count customer`:    `1:23: expected an operator before customer`,
		`trigger.Meeting.Title "x"`:         `1:23: expected an operator before the text "x"`,
		`trigger.Meeting.Count = 3`:         `1:23: = is no operator: write == to compare`,
		`1 + * 2`:                           `1:5: expected a value before *`,
		`(1 + 2))`:                          `1:8: expected a value, or an opening bracket, before )`,
		`"x`:                                `1:3: a text has no closing quote`,
		``:                                  `1:1: the expression is empty`,
		"true\n  && nope":                   `2:6: unknown name "nope"`,
		`GetDate("x")`:                      `1:9: cannot use text as argument (type whole number) to call GetDate `,
		`trigger.Meeting.Title matches "("`: "1:23: error parsing regexp: missing closing ): `(`",
	} {
		_, err := Compile(src, testEnv())
		e, ok := errors.AsType[*Error](err)
		if !ok {
			t.Errorf("%s: %v", src, err)
			continue
		}
		if got := strings.TrimPrefix(strings.Join([]string{itoa(e.Line), itoa(e.Col), " " + e.Message}, ":"), ""); got != want {
			t.Errorf("%s:\n got %s\nwant %s", src, got, want)
		}
	}
}

func itoa(i int) string { return strconv.Itoa(i) }

func marshal(t *testing.T, v any) string {
	t.Helper()
	s, err := Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestWantBool(t *testing.T) {
	env := testEnv()
	env.Bool = true
	if _, err := Compile(`trigger.Meeting.Title`, env); err == nil {
		t.Error("text taken for true or false")
	} else {
		t.Log(err)
	}
	if _, err := Compile(`trigger.Meeting.Custom.flag`, env); err != nil {
		t.Error(err)
	}
}

// unbudgeted is longer than anything under a budget takes on a loaded machine,
// and shorter than what these tests do without one.
const unbudgeted = 20 * time.Second

func TestBudget(t *testing.T) {
	big := strings.Repeat("a", 1<<20)
	list := make([]any, 5000)
	for i := range list {
		list[i] = json.Number("1")
	}
	in := Input{Now: now, Vars: map[string]any{"value": map[string]any{"big": big, "list": list}}}
	double := "let a0 = [1, 2]; "
	for i := 1; i < 40; i++ {
		double += "let a" + itoa(i) + " = [a" + itoa(i-1) + ", a" + itoa(i-1) + "]; "
	}
	concat := "let a0 = value.big; "
	for i := 1; i < 22; i++ {
		concat += "let a" + itoa(i) + " = a" + itoa(i-1) + " + a" + itoa(i-1) + "; "
	}
	for _, src := range []string{
		`count(value.list, {count(value.list, {count(value.list, {# > 0}) > 0}) > 0})`,
		concat + "len(a21)",
		`repeat(value.big, 1000)`,
		`repeat("a", 100000000)`,
		`replace(value.big, "a", value.big)`,
		`replace(value.big, "", value.big)`,
		`join(map(1..1000, value.big), "")`,
		`value.big + value.big`,
		`map(1..150000, upper(value.big))`,
		`1..100000000`,
		double + "a39",
		double + "toJSON(a39)",
		double + "flatten(a39)",
		double + "a39 == a39",
		double + "max(a39)",
		double + "uniq(a39)",
		double + "string(a39)",
		`reduce(1..60, [#acc, #acc])`,
		`uniq(map(1..40000, #))`,
		`value.big matches "(a{1,50}){1,20}b"`,
		`map(1..1000, value.list)`,
		`filter(value.list, # - 1 in value.list)`,
	} {
		p, err := Compile(src, testEnv())
		if err != nil {
			t.Errorf("%.60s: %v", src, err)
			continue
		}
		start := time.Now()
		_, err = p.Run(context.Background(), in)
		if d := time.Since(start); d > unbudgeted {
			t.Errorf("%.60s took %s", src, d)
		} else {
			t.Logf("%.60s: %s", src, d)
		}
		if !errors.Is(err, ErrBudget) {
			t.Errorf("%.60s: %v", src, err)
		}
	}
}

func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	p, err := Compile(`len(value)`, testEnv())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Run(ctx, testInput(t)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

type known string

func TestUnknown(t *testing.T) {
	in := testInput(t)
	in.Unknown = func(v any) bool { _, ok := v.(known); return ok }
	in.Vars["value"] = known("later")
	in.Vars["trigger"].(map[string]any)["Meeting"].(map[string]any)["Tags"] = []any{"a", known("later")}
	for src, want := range map[string]any{
		`value`:                                 known("later"),
		`value == 1`:                            known("later"),
		`value.a.b`:                             known("later"),
		`len(value) > 0`:                        known("later"),
		`len(value.a) > 0`:                      known("later"),
		`len(trigger.Meeting.Tags[1])`:          known("later"),
		`[value]`:                               known("later"),
		`trigger.Meeting.Title`:                 "Loan",
		`len(trigger.Meeting.Tags)`:             json.Number("2"),
		`"b" in trigger.Meeting.Tags`:           known("later"),
		`trigger.Meeting.Title == "x" && value`: false,
		`map(trigger.Meeting.Tags, # + "!")`:    known("later"),
	} {
		p, err := Compile(src, testEnv())
		if err != nil {
			t.Fatal(src, err)
		}
		got, err := p.Run(context.Background(), in)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s = %v, %v, want %v", src, got, err, want)
		}
	}
}

func TestErrorsHoldNoValues(t *testing.T) {
	in := Input{Now: now, Vars: map[string]any{"value": "SECRET"}}
	for _, src := range []string{`int(value)`, `value + 1`, `value < 1`, `value.x`, `1 / 0`, `-value`, `abs(value)`, `value ** 2`, `1 % 0`, `sort([value, 1])`, `fromJSON(value)`,
		`fromPairs(value)`, `value[0:"a"]`, `!value`, `value and true`, `lower(1 ?? value)`, `value()`, `value.foo()`, `9223372036854775807 + 1`} {
		p, err := Compile(src, testEnv())
		if err != nil {
			t.Log(src, err)
			continue
		}
		v, err := p.Run(context.Background(), in)
		if err == nil {
			t.Errorf("%s gave %v", src, v)
			continue
		}
		if strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: %v", src, err)
		}
		t.Log(src, err)
	}
}

// Where names may stand that nobody has declared, they are values of any type;
// functions and what the expression itself names are not taken for them.
func TestOpen(t *testing.T) {
	env := &Env{Vars: map[string]Type{"known": Scalar(Int)}, Open: true}
	in := Input{Now: now, Vars: map[string]any{"known": json.Number("1"), "Amount": json.Number("1500"), "x": json.Number("7")}}
	for src, want := range map[string]any{
		`Amount > 1000 && known == 1`: true,
		`Amount.More.x == nil`:        nil,
		`nope == nil`:                 true,
		`let x = 2; x + Amount`:       json.Number("1502"),
		`len([Amount, x])`:            json.Number("2"),
	} {
		p, err := Compile(src, env)
		if err != nil {
			t.Fatal(src, err)
		}
		got, err := p.Run(context.Background(), in)
		if want == nil {
			if err == nil {
				t.Errorf("%s = %v, want an error: a number has no members", src, got)
			}
			continue
		}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s = %v, %v, want %v", src, got, err, want)
		}
	}
	for _, src := range []string{`now()`, `$env`, `__tick()`, `Amount(1)`, `known + "x"`} {
		if _, err := Compile(src, env); err == nil {
			t.Errorf("%s compiles", src)
		}
	}
}

// What is suggested for a member are those that its object has.
func TestCandidatesAreThoseOfTheObject(t *testing.T) {
	_, err := Compile(`trigger.Meeting.Owner.Titel == "x"`, testEnv())
	e, ok := errors.AsType[*Error](err)
	if !ok || !reflect.DeepEqual(e.Candidates, []string{"Email"}) {
		t.Errorf("%+v", e)
	}
}
