package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"testing/fstest"

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
		hand: func(int) error { return large.Parse(fsys) },
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
	made, err := planCreate(p, in)
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
		ours: func(int) error { _, err := planCreate(p, in); return err },
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

// planCreate is what the engine does of a create before its change set is sent.
func planCreate(p *pattern.Pattern, in pattern.Input) (*pattern.WritePlan, error) {
	o := pattern.Options{NewID: func(_ string, i int) dataverse.GUID {
		return dataverse.GUID(fmt.Sprintf("00000000-0000-4000-8000-%012d", i))
	}}
	l, err := p.Lookup(pattern.Create, in, o)
	if err != nil {
		return nil, err
	}
	if _, err := l.Next(nil); err != nil {
		return nil, err
	}
	return p.Write(pattern.Create, in, l, o)
}

// chain is a workspace with one pattern of n parts, each of which references
// the one before.
func chain(n int) fstest.MapFS {
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
