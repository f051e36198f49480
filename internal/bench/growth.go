package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing/fstest"
	"time"

	"github.com/andmoneyaps/engage-playbooks"
	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/entity"
	"github.com/andmoneyaps/engage-playbooks/internal/bench/large"
	"github.com/andmoneyaps/engage-playbooks/internal/document"
	"github.com/andmoneyaps/engage-playbooks/pattern"
	"github.com/andmoneyaps/engage-playbooks/playbook"
)

// A growing thing is measured at 1, 10, 100 and so on.
type growing struct {
	what string
	most int
	// setUp gives the work at size n, and what ends it, if anything.
	setUp func(n int) (work func() error, done func(), err error)
}

// growth measures how costs grow with what they are for.
func (r *Runner) growth(ctx context.Context) ([]Figure, error) {
	all := []growing{
		{"definitions in a workspace: loading", r.pick(1000, 10_000), func(n int) (func() error, func(), error) {
			fsys := large.Workspace(n, 0, 0)
			return func() error { return load(fsys) }, nil, nil
		}},
		{"playbooks in a workspace: loading", r.pick(1000, 10_000), func(n int) (func() error, func(), error) {
			fsys := large.Workspace(10, 10, n)
			return func() error { return load(fsys) }, nil, nil
		}},
		{"parts and requirements of a pattern: compiling", 10_000, compiling},
		{"parts of a pattern: planning a create", 1000, planningParts},
		{"parts of a pattern: planning a read", 1000, planningRead},
		{"records joined to a tenth as many", 10_000, func(n int) (func() error, func(), error) { return joining(n, max(1, n/10)) }},
		{"records joined on both sides, a result for each", 10_000, joiningResults},
		{"playbooks matched with one event", r.pick(1000, 10_000), matching},
		{"items of an event: decoding, check, a run", 10_000, r.eventSize},
		{"rows read", 10_000, func(n int) (func() error, func(), error) {
			s, err := r.start(ctx, "rows", fmt.Sprint(n))
			if err != nil {
				return nil, nil, err
			}
			c, h, err := newClient(s, 0)
			if err != nil {
				return nil, s.stop, err
			}
			both := readRows(ctx, c, h, n)
			return func() error { return both.ours(0) }, s.stop, nil
		}},
	}
	for _, many := range []struct {
		what string
		bulk *bulk
	}{{"records created in a run", imports}, {"records upserted in a run", syncs}, {"values of a filter, and a read by it", searches}} {
		b := many.bulk
		p, err := r.newPlay(ctx, bank, b.playbook, b.event)
		if err != nil {
			return nil, err
		}
		defer p.service.stop()
		engine, err := p.engine(newRoad(0))
		if err != nil {
			return nil, err
		}
		work := p.run(ctx, engine)
		all = append(all, growing{many.what, 10_000, func(n int) (func() error, func(), error) {
			b.fill(p, n)
			return func() error { return work(0) }, nil, nil
		}})
	}
	runs, err := r.newPlay(ctx, portalMeetings, "portal-meeting-booked", "events/booked.json")
	if err != nil {
		return nil, err
	}
	defer runs.service.stop()
	s, _, _, err := runs.pair(ctx, 0, bookByHand)
	if err != nil {
		return nil, err
	}
	all = append(all, growing{"runs at once", 1000, func(n int) (func() error, func(), error) {
		work := s.atOnce(n).ours
		return func() error { return work(0) }, nil, nil
	}})
	var figures []Figure
	for _, g := range all {
		f, err := r.grow(g)
		if err != nil {
			return figures, fmt.Errorf("%s: %w", g.what, err)
		}
		figures = append(figures, f)
	}
	return figures, nil
}

// searches is a filter over a list of values, and a read by it.
var searches = &bulk{"employee search", "employee-search", "events/employees.json", "Employees", employee, nil}

// compiling decodes and links a pattern; its YAML is parsed before.
func compiling(n int) (func() error, func(), error) {
	var problems engage.Problems
	fsys := chain(n)
	read := func(name string) *document.Document {
		data, err := fsys.ReadFile(name)
		if err != nil {
			return &document.Document{}
		}
		return document.Parse(name, data, &problems)[0]
	}
	d := entity.Kind.Decode(read("entities/d0.yaml"), &problems).(*entity.Definition)
	source := read("patterns/chain.yaml")
	if err := problems.Err(); err != nil {
		return nil, nil, err
	}
	return func() error {
		if pattern.Decode(source, &problems).Link(one{d}, &problems) == nil {
			return problems.Err()
		}
		return nil
	}, nil, nil
}

// one is the definition of all parts.
type one struct{ definition *entity.Definition }

func (o one) Definition(string) (*entity.Definition, bool) { return o.definition, true }
func (o one) DefinitionIDs() []string                      { return []string{o.definition.ID} }

// planningParts plans a create of n parts, each of which references the one
// before.
func planningParts(n int) (func() error, func(), error) {
	w, err := playbook.Load(chain(n))
	if err != nil {
		return nil, nil, err
	}
	p, _ := w.Pattern("chain")
	var in pattern.Input
	for i := range n {
		in = append(in, pattern.Value{Part: fmt.Sprintf("p%d", i), Field: "Field0", Data: "The text of a field"})
	}
	return func() error {
		_, err := planCreate(p, in)
		return err
	}, nil, nil
}

// planningRead plans a read of a part and n others that reference it.
func planningRead(n int) (func() error, func(), error) {
	fsys := large.Workspace(1, 0, 0)
	var text strings.Builder
	text.WriteString("kind: EntityPattern\nid: star\nname: Star\nparts:\n  - {ref: p0, entity: d0}\n")
	for i := range n {
		fmt.Fprintf(&text, "  - {ref: p%d, entity: d0}\n", i+1)
	}
	text.WriteString("requirements:\n")
	for i := range n {
		fmt.Fprintf(&text, "  - {part: p%d, field: Parent, references: {part: p0, field: Id}}\n", i+1)
	}
	fsys["patterns/star.yaml"] = &fstest.MapFile{Data: []byte(text.String())}
	w, err := playbook.Load(fsys)
	if err != nil {
		return nil, nil, err
	}
	p, _ := w.Pattern("star")
	in := pattern.Input{{Part: "p0", Field: "Email", Data: "a@b.example"}}
	return func() error {
		plan, err := p.Read(in, pattern.Options{})
		if err == nil {
			_, err = plan.Next(nil)
		}
		return err
	}, nil, nil
}

// joining joins n records of one part to those of another, in memory.
func joining(n, of int) (func() error, func(), error) {
	p, err := readPattern(`
parts:
  - {ref: one, entity: d1}
  - {ref: many, entity: d0, allowsMultiple: true}
requirements:
  - {part: many, field: Parent, references: {part: one, field: Id}}
`)
	if err != nil {
		return nil, nil, err
	}
	parents, children := make([]dataverse.Record, of), make([]dataverse.Record, n)
	for i := range parents {
		parents[i] = dataverse.Record{"table1id": number(i), "emailaddress1": "a@b.example"}
	}
	for i := range children {
		children[i] = dataverse.Record{"table0id": number(of + i), "_parentid_value": number(i % of)}
	}
	return reading(p, of, map[string][]dataverse.Record{"table0": children, "table1": parents}), nil, nil
}

// joiningResults joins one record to n of a part that has many, and each of
// these to one of a third: n results.
func joiningResults(n int) (func() error, func(), error) {
	p, err := readPattern(`
parts:
  - {ref: one, entity: d1}
  - {ref: many, entity: d0, allowsMultiple: true}
  - {ref: each, entity: d2}
requirements:
  - {part: many, field: Parent, references: {part: one, field: Id}}
  - {part: many, field: Field0, references: {part: each, field: Field0}}
`)
	if err != nil {
		return nil, nil, err
	}
	many, each := make([]dataverse.Record, n), make([]dataverse.Record, n)
	for i := range n {
		many[i] = dataverse.Record{"table0id": number(1 + i), "_parentid_value": number(0), "column0": number(i)}
		each[i] = dataverse.Record{"table2id": number(1 + n + i), "column0": number(i)}
	}
	one := []dataverse.Record{{"table1id": number(0), "emailaddress1": "a@b.example"}}
	return reading(p, n, map[string][]dataverse.Record{"table0": many, "table1": one, "table2": each}), nil, nil
}

func number(i int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", i) }

// readPattern is a pattern over three definitions; the Parent of d0 is a d1.
func readPattern(text string) (*pattern.Pattern, error) {
	fsys := large.Workspace(3, 0, 0)
	fsys["patterns/join.yaml"] = &fstest.MapFile{Data: []byte("kind: EntityPattern\nid: join\nname: Join" + text)}
	w, err := playbook.Load(fsys)
	if err != nil {
		return nil, err
	}
	p, _ := w.Pattern("join")
	return p, nil
}

// reading plans a read and joins the records of the tables, as if the service
// had answered with them.
func reading(p *pattern.Pattern, results int, tables map[string][]dataverse.Record) func() error {
	in := pattern.Input{{Part: "one", Field: "Email", Data: "a@b.example"}}
	return func() error {
		plan, err := p.Read(in, pattern.Options{Limit: 1 << 20})
		if err != nil {
			return err
		}
		var answers [][]dataverse.Record
		for {
			fetches, err := plan.Next(answers)
			if err != nil {
				return err
			}
			if len(fetches) == 0 {
				return counted(len(plan.Results()), results)
			}
			answers = make([][]dataverse.Record, len(fetches))
			last := ""
			for i, f := range fetches {
				if f.Query.Table != last { // else more of the values that did not fit into one URL
					last = f.Query.Table
					answers[i] = tables[last]
				}
			}
		}
	}
}

// matching asks which of n playbooks an event is for; each has a condition.
func matching(n int) (func() error, func(), error) {
	fsys := large.Workspace(10, 10, n)
	w, err := playbook.Load(fsys)
	if err != nil {
		return nil, nil, err
	}
	ev, err := playbook.DecodeEvent([]byte(meetingEvent))
	if err != nil {
		return nil, nil, err
	}
	return func() error {
		fits, _ := w.Match(ev)
		return counted(len(fits), n)
	}, nil, nil
}

const meetingEvent = `{"type": "PortalMeetings", "id": "growth", "time": "2026-01-20T10:02:00Z", "portal": "private-banking", "data": {"Meeting": {"Title": "Advice"}}}`

// eventSize decodes an event with a list of n items, and runs a playbook that
// reads from the list and writes nothing.
func (r *Runner) eventSize(n int) (func() error, func(), error) {
	p, err := r.loadPlay(bank, "employee-names", "events/employees.json")
	if err != nil {
		return nil, nil, err
	}
	items := make([]any, n)
	for i := range items {
		items[i] = employee(i)
	}
	var text bytes.Buffer
	err = json.NewEncoder(&text).Encode(row{"type": p.event.Type, "id": p.event.ID, "time": p.event.Time, "data": row{"Employees": items}})
	if err != nil {
		return nil, nil, err
	}
	engine := &playbook.Engine{}
	return func() error {
		ev, err := playbook.DecodeEvent(text.Bytes())
		if err != nil {
			return err
		}
		result, err := engine.Run(context.Background(), p.playbook, ev)
		if err != nil {
			return err
		}
		out, _ := result.Output.(map[string]any)
		if names, _ := out["names"].(string); strings.Count(names, ",") != n-1 {
			return errors.New("the output does not have all names")
		}
		return nil
	}, nil, nil
}

// grow measures processor time and allocations at 1, 10, 100 and so on, and
// gives the exponent over the sizes from 100.
func (r *Runner) grow(g growing) (Figure, error) {
	f := Figure{Name: "growth with " + g.what + ": exponent", Goal: atMost(1.2)}
	var sizes, costs, allocs []float64
	for n := 1; n <= g.most; n *= 10 {
		cost, made, err := r.costAt(g, n)
		if err != nil {
			return f, fmt.Errorf("at %d: %w", n, err)
		}
		f.Note += fmt.Sprintf("%d: %s  ", n, duration(cost))
		if n >= 100 {
			sizes, costs, allocs = append(sizes, float64(n)), append(costs, cost), append(allocs, made)
		}
		runtime.GC()
	}
	f.Value = exponent(sizes, costs)
	f.Note += fmt.Sprintf("exponent of allocations %s", amount(exponent(sizes, allocs), ""))
	return f, nil
}

// duration writes seconds with three digits that count.
func duration(seconds float64) string {
	switch {
	case seconds < 1e-3:
		return amount(seconds*1e6, "µs")
	case seconds < 1:
		return amount(seconds*1e3, "ms")
	}
	return amount(seconds, "s")
}

// costAt is the processor time, in seconds, and the allocations at one size.
func (r *Runner) costAt(g growing, n int) (cost, allocs float64, err error) {
	work, done, err := g.setUp(n)
	if done != nil {
		defer done()
	}
	if err != nil {
		return 0, 0, err
	}
	once, err := spend(work)
	if err != nil {
		return 0, 0, err
	}
	// Long enough to be told apart from what the runtime does meanwhile.
	const enough = 20 * time.Millisecond
	times := int(max(1, enough/max(once.cpu, time.Microsecond)))
	rounds := r.pick(5, 7)
	if once.cpu > time.Second {
		rounds = 3
	}
	var took []float64
	for range rounds {
		c, err := spend(func() error {
			for range times {
				if err := work(); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return 0, 0, err
		}
		took, allocs = append(took, c.cpu.Seconds()/float64(times)), float64(c.allocs)/float64(times)
	}
	// The least is what it costs: noise only adds.
	return slices.Min(took), allocs, nil
}
