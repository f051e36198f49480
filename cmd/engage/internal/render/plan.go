package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/andmoneyaps/engage-playbooks/pattern"
	"github.com/andmoneyaps/engage-playbooks/playbook"
)

// PlanOptions say how much of a plan is shown.
type PlanOptions struct {
	Style Style
	// Requests shows method, path and body of each request.
	Requests bool
}

// Plan writes what a run would do, block by block: a sign (+ create, ~ update,
// = no change, < read, ! as the application), each column with its value and
// where that comes from, what the other blocks give, and a counted last line.
func Plan(w io.Writer, title string, r *playbook.Result, o PlanOptions) {
	heading(w, o.Style, title, &r.Record)
	for i, b := range r.Blocks {
		planBlock(w, &r.Record, b, o)
		if i < len(r.Outputs) {
			planGiven(w, b, r.Outputs[i], o.Style)
		}
		fmt.Fprintln(w)
	}
	warnings(w, o.Style, &r.Record)
	fmt.Fprintf(w, "\n%s\n", PlanSummary(&r.Record))
}

// Changes counts the writes of a plan that would change something.
func Changes(r *playbook.Record) int {
	n := 0
	for _, x := range r.Writes {
		if x.Verdict != playbook.VerdictUnchanged {
			n++
		}
	}
	return n
}

// PlanSummary is the counted last line of a plan.
func PlanSummary(r *playbook.Record) string {
	verdicts := map[playbook.Verdict]int{}
	for _, x := range r.Writes {
		verdicts[x.Verdict]++
	}
	parts := []string{
		itoa(verdicts[playbook.VerdictCreate]) + " to create",
		itoa(verdicts[playbook.VerdictUpdate]) + " to update",
		itoa(verdicts[playbook.VerdictUnchanged]) + " unchanged",
	}
	if n := verdicts[playbook.VerdictUnknown]; n > 0 {
		parts = append(parts, itoa(n)+" to create or update")
	}
	if n := escalations(r); n > 0 {
		parts = append(parts, count(n, "block")+" as the application")
	}
	lead := "Plan: "
	switch r.Status {
	case playbook.StatusFailed:
		lead = "Plan, as far as it got: "
	case playbook.StatusSkipped:
		lead = "Nothing would run: "
	}
	return lead + strings.Join(parts, ", ") + "; " + count(r.Stats.Requests, "request") + " in " + count(r.Stats.RoundTrips, "round trip") + "."
}

func escalations(r *playbook.Record) int {
	n := 0
	for _, b := range r.Blocks {
		if b.Escalation != nil {
			n++
		}
	}
	return n
}

func planBlock(w io.Writer, r *playbook.Record, b *playbook.BlockRecord, o PlanOptions) {
	style := o.Style
	sign := blockSign(r, b)
	line := colourSign(style, sign) + " " + style.Bold(Printable(b.Name)) + "  " + style.Dim(string(b.Type))
	if b.Identity != "" {
		as := "as the " + string(b.Identity)
		if b.Identity == playbook.IdentityApplication {
			as = style.Red("! " + as)
		}
		line += "  " + as
	}
	if b.Status != playbook.StatusSucceeded {
		line += "  " + style.Status(string(b.Status))
	}
	fmt.Fprintln(w, line)
	if b.Escalation != nil {
		rule := "denied by the policy"
		if b.Escalation.Rule != "" {
			rule = "allowed by " + Printable(b.Escalation.Rule)
		}
		fmt.Fprintf(w, "    reason: %s (%s)\n", Printable(b.Escalation.Reason), rule)
	}
	if b.Reason != "" {
		fmt.Fprintf(w, "    %s\n", Printable(b.Reason))
	}
	if b.Error != nil {
		fmt.Fprintf(w, "    %s %s\n", style.Red("would fail:"), Printable(b.Error.Message))
	}
	if o.Requests {
		for _, q := range b.Requests {
			planRequest(w, style, q)
		}
		for _, q := range b.Questions {
			fmt.Fprintf(w, "    ? %s %s  %s\n", q.Method, Printable(q.Path), style.Dim("(asked by the plan alone)"))
		}
	}
	planWrites(w, r, b, style)
}

// planGiven shows what a block that writes nothing gives to those after it.
func planGiven(w io.Writer, b *playbook.BlockRecord, output any, style Style) {
	given, _ := output.(map[string]any)
	if b.Status != playbook.StatusSucceeded || given == nil {
		return
	}
	switch b.Type {
	case playbook.BlockRead:
		if results, ok := given["Results"].([]any); ok {
			fmt.Fprintf(w, "    %s\n", count(len(results), "result"))
		}
	case playbook.BlockFilter, playbook.BlockTemplate:
		fmt.Fprintf(w, "    %s\n", limit(Value(playbook.Shown(given["output"])), style.Width))
	case playbook.BlockAi, playbook.BlockOutput:
		for _, name := range slices.Sorted(maps.Keys(given)) {
			fmt.Fprintf(w, "    %s  %s\n", Printable(name), limit(Value(playbook.Shown(given[name])), style.Width))
		}
	}
}

// blockSign is the strongest sign of what a block would do.
func blockSign(r *playbook.Record, b *playbook.BlockRecord) string {
	switch {
	case b.Type == playbook.BlockRead && b.Identity != "":
		return "<"
	case !b.Type.Writes():
		return " "
	}
	sign := " "
	for _, x := range r.Writes {
		if x.Block != b.Name {
			continue
		}
		switch s := writeSign(x); {
		case sign == " ", sign == "=":
			sign = s
		case s != sign && s != "=":
			return "~"
		}
	}
	return sign
}

func writeSign(x *playbook.WriteRecord) string {
	switch x.Verdict {
	case playbook.VerdictUnchanged:
		return "="
	case playbook.VerdictCreate:
		return "+"
	}
	return "~"
}

func colourSign(style Style, sign string) string {
	switch sign {
	case "+":
		return style.Green(sign)
	case "~":
		return style.Yellow(sign)
	case "<":
		return style.Cyan(sign)
	}
	return sign
}

func planRequest(w io.Writer, style Style, q *playbook.RequestRecord) {
	set := ""
	if q.ChangeSet != 0 {
		set = style.Dim(fmt.Sprintf("  (change set %d)", q.ChangeSet))
	}
	fmt.Fprintf(w, "    %s %s%s\n", q.Method, Printable(q.Path), set)
	if q.Body == nil {
		return
	}
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	enc.SetIndent("      ", "  ")
	if enc.Encode(q.Body) == nil {
		fmt.Fprintf(w, "      %s", body.String())
	}
}

// planWrites shows the records of a block; those of one change set stand
// under one line.
func planWrites(w io.Writer, r *playbook.Record, b *playbook.BlockRecord, style Style) {
	var mine []*playbook.WriteRecord
	for _, x := range r.Writes {
		if x.Block == b.Name {
			mine = append(mine, x)
		}
	}
	if len(mine) > 1 {
		together := "in bulk: refused records do not stop the others"
		for _, q := range b.Requests {
			if q.ChangeSet != 0 {
				together = "one change set: all or nothing"
			}
		}
		fmt.Fprintf(w, "    %s\n", style.Dim(together))
	}
	for _, x := range mine {
		id := ""
		if x.ID != "" {
			id = " " + style.Dim(x.ID)
		}
		fmt.Fprintf(w, "    %s %s  %s%s\n", colourSign(style, writeSign(x)), Printable(x.Part), x.Table, id)
		planColumns(w, x, style)
	}
}

func planColumns(w io.Writer, x *playbook.WriteRecord, style Style) {
	width := 0
	for _, v := range x.Values {
		width = max(width, utf8.RuneCountInString(v.Column))
	}
	for _, v := range x.Values {
		lines := valueLines(v.Value)
		if x.Verdict == playbook.VerdictUpdate || x.Verdict == playbook.VerdictUnknown && v.Old != nil {
			if old, now := Value(v.Old), Value(v.Value); old != now {
				lines = []string{old + " -> " + now}
			}
		}
		for i, line := range lines {
			name, source := "", ""
			if i == 0 {
				name = v.Column
			}
			if i == len(lines)-1 {
				source = style.Dim("  from " + sourceOf(v))
			}
			fmt.Fprintf(w, "        %-*s  %s%s\n", width, name, limit(line, style.Width), source)
		}
	}
}

// sourceOf names where a value came from; a literal would only be said twice.
func sourceOf(v playbook.WrittenValue) string {
	if v.Source == Value(v.Value) {
		return "the playbook"
	}
	return Printable(v.Source)
}

// valueLines gives a value as a plan shows it: a list of links to records a
// line each, all else in one.
func valueLines(v any) []string {
	items, ok := v.([]any)
	if !ok || len(items) == 0 {
		return []string{Value(v)}
	}
	var lines []string
	for _, item := range items {
		link, ok := item.(map[string]any)
		if !ok || len(link) != 2 || link["Id"] == nil || link["Type"] == nil {
			return []string{Value(v)}
		}
		lines = append(lines, Printable(fmt.Sprintf("%v %v", link["Type"], link["Id"])))
	}
	return lines
}

func limit(value string, width int) string {
	most := 160
	if width > 0 {
		most = max(width-40, 24)
	}
	r := []rune(value)
	if len(r) <= most {
		return value
	}
	return string(r[:most-1]) + "…"
}

// Value gives a value as a plan shows it: JSON, and in words what is not known
// yet.
func Value(v any) string {
	if s, ok := v.(string); ok && strings.HasPrefix(s, "(known after ") {
		return Printable(s)
	}
	if u, ok := v.(pattern.Unknown); ok {
		return Printable(u.String())
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(v) != nil {
		return "?"
	}
	return Printable(strings.TrimSuffix(b.String(), "\n"))
}
