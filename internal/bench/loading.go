package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"slices"
	"testing/fstest"

	"gopkg.in/yaml.v3"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/internal/bench/large"
	"github.com/andmoneyaps/engage-playbooks/pattern"
	"github.com/andmoneyaps/engage-playbooks/playbook"
)

// loading compares loading and checking with the parsing of the YAML alone.
func (r *Runner) loading(context.Context) ([]Figure, error) {
	fsys := large.Workspace(1000, 300, 200)
	c, err := compare(sides{
		ours: func(int) error { return load(fsys) },
		hand: func(int) error { return parse(fsys) },
	}, r.pick(5, 9), 1)
	if err != nil {
		return nil, err
	}
	const name = "loading 1,000 definitions, 300 patterns, 200 playbooks, against parsing"
	return []Figure{c.figure(name, atMost(2), "wall"), c.figure(name, atMost(2), "CPU"), c.figure(name, Goal{}, "allocations")}, nil
}

func load(fsys fs.FS) error {
	_, err := playbook.Load(fsys)
	return err
}

// parse reads all documents into YAML nodes.
func parse(fsys fs.FS) error {
	return fs.WalkDir(fsys, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		for d := yaml.NewDecoder(bytes.NewReader(data)); ; {
			var node yaml.Node
			switch err := d.Decode(&node); {
			case errors.Is(err, io.EOF):
				return nil
			case err != nil:
				return err
			}
		}
	})
}

// planning compares planning a create of ten parts with json.Marshal of the
// bodies that it makes.
func (r *Runner) planning(context.Context) ([]Figure, error) {
	w, err := playbook.Load(chain(10))
	if err != nil {
		return nil, err
	}
	p, _ := w.Pattern("chain")
	var in pattern.Input
	for i := range 10 {
		for f := range 5 {
			in = append(in, pattern.Value{Part: fmt.Sprintf("p%d", i), Field: fmt.Sprintf("Field%d", f), Data: "The text of a field"})
		}
	}
	o := pattern.Options{NewID: func(_ string, i int) dataverse.GUID {
		return dataverse.GUID(fmt.Sprintf("00000000-0000-4000-8000-%012d", i))
	}}
	plan := func() (*pattern.WritePlan, error) {
		l, err := p.Lookup(pattern.Create, in, o)
		if err != nil {
			return nil, err
		}
		if _, err := l.Next(nil); err != nil {
			return nil, err
		}
		return p.Write(pattern.Create, in, l, o)
	}
	made, err := plan()
	if err != nil {
		return nil, err
	}
	var bodies []row
	for _, write := range made.ChangeSet.Writes {
		body := row{write.PrimaryKey: string(write.ID)}
		for _, p := range write.Body {
			if b, ok := p.Value.(dataverse.Bind); ok {
				body[p.Name+"@odata.bind"] = "/" + b.EntitySet + "(" + string(b.ID) + ")"
				continue
			}
			body[p.Name] = p.Value
		}
		bodies = append(bodies, body)
	}
	c, err := compare(sides{
		ours: func(int) error { _, err := plan(); return err },
		hand: func(int) error {
			for _, b := range bodies {
				if _, err := json.Marshal(b); err != nil {
					return err
				}
			}
			return nil
		},
	}, r.pick(7, 15), 2000)
	if err != nil {
		return nil, err
	}
	const name = "planning a create of ten parts, against json.Marshal of its bodies"
	return []Figure{c.figure(name, atMost(3), "wall"), c.figure(name, Goal{}, "allocations")}, nil
}

// chain is a workspace with one pattern of n parts, each of which references
// the one before.
func chain(n int) fs.FS {
	fsys := large.Workspace(1, 0, 0)
	var text bytes.Buffer
	text.WriteString("kind: EntityPattern\nid: chain\nname: Chain\nparts:\n")
	for i := range n {
		fmt.Fprintf(&text, "  - {ref: p%d, entity: d0, defaults: {Email: a@b.example}}\n", i)
	}
	if n > 1 {
		text.WriteString("requirements:\n")
	}
	for i := 1; i < n; i++ {
		fmt.Fprintf(&text, "  - {part: p%d, field: Parent, references: {part: p%d, field: Id}}\n", i, i-1)
	}
	fsys["patterns/chain.yaml"] = &fstest.MapFile{Data: text.Bytes()}
	return fsys
}

// growth measures how costs grow with what they are for.
func (r *Runner) growth(ctx context.Context) ([]Figure, error) {
	p, err := r.newPlay(ctx, bank, "note-import", "events/notes.json")
	if err != nil {
		return nil, err
	}
	defer p.service.stop()
	runs, _, _, err := p.pair(ctx, 0, notesByHand)
	if err != nil {
		return nil, err
	}
	known, err := r.newPlay(ctx, bank, "employee-sync", "events/employees.json")
	if err != nil {
		return nil, err
	}
	defer known.service.stop()
	upserts, _, _, err := known.pair(ctx, 0, employeesByHand)
	if err != nil {
		return nil, err
	}
	up := r.pick(1000, 10_000)
	var figures []Figure
	for _, g := range []struct {
		what  string
		most  int
		setUp func(n int) (work func() error, done func(), err error)
	}{
		{"definitions in a workspace", min(up, 10_000), func(n int) (func() error, func(), error) {
			fsys := large.Workspace(n, 0, 0)
			return func() error { return load(fsys) }, nil, nil
		}},
		{"parts and requirements of a pattern", 1000, func(n int) (func() error, func(), error) {
			fsys := chain(n)
			return func() error { return load(fsys) }, nil, nil
		}},
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
		{"records upserted in a run", 10_000, func(n int) (func() error, func(), error) {
			items := make([]any, n)
			for i := range items {
				items[i] = employee(i)
			}
			known.event.Data.(map[string]any)["Employees"] = items
			return func() error { return upserts.ours(0) }, nil, nil
		}},
		{"records created in a run", 10_000, func(n int) (func() error, func(), error) {
			items := make([]any, n)
			for i := range items {
				items[i] = row{"Subject": "Note", "Text": "Text"}
			}
			p.event.Data.(map[string]any)["Notes"] = items
			return func() error { return runs.ours(0) }, nil, nil
		}},
	} {
		f, err := r.grow(g.what, g.most, g.setUp)
		if err != nil {
			return figures, fmt.Errorf("%s: %w", g.what, err)
		}
		figures = append(figures, f)
	}
	return figures, nil
}

// grow measures the processor time at 1, 10, 100 and so on, and gives the
// exponent over the sizes from 100.
func (r *Runner) grow(what string, most int, setUp func(n int) (func() error, func(), error)) (Figure, error) {
	f := Figure{Name: "growth with " + what + ": exponent", Goal: atMost(1.2)}
	var sizes, costs []float64
	for n := 1; n <= most; n *= 10 {
		work, done, err := setUp(n)
		if done != nil {
			defer done()
		}
		if err != nil {
			return f, err
		}
		if err := work(); err != nil {
			return f, err
		}
		var took []float64
		for range r.pick(5, 7) {
			times := max(1, 1000/n)
			c, err := spend(func() error {
				for range times {
					if err := work(); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				return f, err
			}
			took = append(took, c.cpu.Seconds()/float64(times))
		}
		// The least is what it costs: noise only adds.
		cost := slices.Min(took)
		f.Note += fmt.Sprintf("%d: %.2f ms  ", n, 1000*cost)
		if n >= 100 {
			sizes, costs = append(sizes, float64(n)), append(costs, cost)
		}
		runtime.GC()
	}
	f.Value = exponent(sizes, costs)
	return f, nil
}
