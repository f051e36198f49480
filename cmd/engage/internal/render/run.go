package render

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/andmoneyaps/engage-playbooks/playbook"
)

// Run writes what a run did, block by block: as whom, in how many requests,
// and which records it wrote. link gives the address at which people see a
// record, or ""; nil gives none.
func Run(w io.Writer, style Style, title string, r *playbook.Record, link func(table, id string) string) {
	heading(w, style, title, r)
	rows := [][]string{{"  BLOCK", "TYPE", "STATUS", "IDENTITY", "REQUESTS", "TIME"}}
	for _, b := range r.Blocks {
		identity := string(b.Identity)
		if b.Identity == playbook.IdentityApplication {
			identity = style.Red("! " + identity)
		}
		requests := ""
		if n := len(b.Requests); n > 0 {
			requests = itoa(n)
			if b.Retries > 0 {
				requests += " (" + count(b.Retries, "retry") + ")"
			}
		}
		elapsed := ""
		if !b.StartedAt.IsZero() {
			elapsed = milliseconds(b.Duration)
		}
		rows = append(rows, []string{"  " + Printable(b.Name), string(b.Type), style.Status(string(b.Status)), identity, requests, elapsed})
	}
	Table(w, style, rows)
	notes(w, style, r.Blocks)
	written(w, style, r, link)
	warnings(w, style, r)
	fmt.Fprintf(w, "\n%s\n", RunSummary(style, r))
}

// RunSummary is the last line: the status and what the run cost.
func RunSummary(style Style, r *playbook.Record) string {
	var made, unchanged int
	for _, x := range r.Writes {
		if x.Operation == playbook.Unchanged {
			unchanged++
		} else {
			made++
		}
	}
	line := style.Status(string(r.Status)) + ": " + count(made, "record") + " written"
	if unchanged > 0 {
		line += ", " + itoa(unchanged) + " there already"
	}
	line += ", " + count(r.Stats.Requests, "request") + " in " + count(r.Stats.RoundTrips, "round trip")
	if r.Stats.Retries > 0 {
		line += ", " + count(r.Stats.Retries, "retry")
	}
	if !r.StartedAt.IsZero() {
		line += ", " + milliseconds(r.Duration)
	}
	return line
}

func heading(w io.Writer, style Style, title string, r *playbook.Record) {
	fmt.Fprintln(w, style.Bold(title))
	event := "an event without an id, so not repeatable"
	switch {
	case r.Playbook == "":
		event = "no event: the service chooses ids"
	case r.Event != "":
		event = "event " + Printable(r.Event)
	}
	fmt.Fprintf(w, "%s%s\n", event, style.Dim(", "+Actor(r.Actor)))
	if r.Reason != "" {
		fmt.Fprintf(w, "%s\n", Printable(r.Reason))
	}
	fmt.Fprintln(w)
}

// Actor names who caused an event.
func Actor(a *playbook.Actor) string {
	if a == nil {
		return "nobody named as the actor"
	}
	name := cmp.Or(a.Name, a.Email, a.ObjectID, a.ID, a.ClientID)
	return strings.TrimSpace("caused by " + string(a.Kind) + " " + Printable(name))
}

// notes say why blocks are what they are; those that did not run for one reason
// have one line.
func notes(w io.Writer, style Style, blocks []*playbook.BlockRecord) {
	same := map[string]int{}
	for _, b := range blocks {
		if b.Status == playbook.StatusNotRun {
			same[b.Reason]++
		}
	}
	for _, b := range blocks {
		n := 0
		if b.Status == playbook.StatusNotRun {
			n, same[b.Reason] = same[b.Reason], 0
		}
		switch {
		case b.Reason == "", b.Status == playbook.StatusNotRun && n == 0:
		case n > 1:
			fmt.Fprintf(w, "  %s did not run: %s\n", count(n, "block"), Printable(b.Reason))
		default:
			fmt.Fprintf(w, "  %s: %s\n", Printable(b.Name), Printable(b.Reason))
		}
		escalation(w, style, b)
	}
}

func escalation(w io.Writer, style Style, b *playbook.BlockRecord) {
	if e := b.Escalation; e != nil {
		rule := "denied by the policy"
		if e.Rule != "" {
			rule = "allowed by " + Printable(e.Rule)
		}
		fmt.Fprintf(w, "  %s %s runs as the application: %s (%s)\n", style.Red("!"), Printable(b.Name), Printable(e.Reason), rule)
	}
}

func written(w io.Writer, style Style, r *playbook.Record, link func(table, id string) string) {
	if len(r.Writes) == 0 {
		return
	}
	fmt.Fprintln(w)
	rows := [][]string{{"  WRITTEN", "OPERATION", "TABLE", "ID", "COLUMNS"}}
	for _, x := range r.Writes {
		rows = append(rows, []string{
			"  " + Printable(x.Block+": "+x.Part), x.Operation, x.Table, cmp.Or(x.ID, "-"), strings.Join(x.Columns, " "),
		})
		if link == nil {
			continue
		}
		if address := link(x.Table, x.ID); address != "" {
			rows = append(rows, []string{"    " + address})
		}
	}
	Table(w, style, rows)
}

func warnings(w io.Writer, style Style, r *playbook.Record) {
	if len(r.Warnings) > 0 {
		fmt.Fprintln(w)
	}
	for _, x := range r.Warnings {
		at := x.Block
		if x.Part != "" {
			at += ": " + x.Part
		}
		if at != "" {
			at = Printable(at) + ": "
		}
		fmt.Fprintf(w, "%s %s%s\n", style.Yellow("warning:"), at, Printable(x.Message))
	}
}

func milliseconds(d time.Duration) string {
	return itoa(int(d.Round(time.Millisecond)/time.Millisecond)) + " ms"
}

// Output writes what the Output blocks of a run made.
func Output(w io.Writer, style Style, output any) {
	if output == nil {
		return
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("  ", "  ")
	if enc.Encode(output) == nil {
		fmt.Fprintf(w, "\n%s\n  %s", style.Dim("  OUTPUT"), b.String())
	}
}
