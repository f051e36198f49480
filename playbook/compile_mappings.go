package playbook

import (
	"errors"
	"strings"

	"github.com/andmoneyaps/engage-playbooks/internal/document"
	"github.com/andmoneyaps/engage-playbooks/internal/expression"
	"github.com/andmoneyaps/engage-playbooks/pattern"
)

// compileMappings types every mapping from its source through its
// transformations to its destination.
func (c *compiler) compileMappings() {
	for _, b := range c.blocks {
		if b.Type == BlockTrigger || !b.m.Ok() {
			continue
		}
		in := &inputs{c: c, b: b, taken: map[string]int{}, given: map[string]*shape{}, sound: true}
		if b.m.Has("inputs") {
			for _, n := range b.m.List("inputs") {
				in.input(n)
			}
		}
		in.finish()
	}
}

// inputs are the mappings of one block on their way.
type inputs struct {
	c *compiler
	b *blockSource
	// taken are the destinations so far, with their lines.
	taken map[string]int
	// given are the shapes that arrive at the destinations.
	given map[string]*shape
	crm   []pattern.Given
	// sound is false if a destination could not be made out: what is missing
	// is then not reported, it may be just that.
	sound bool
}

// input reads {from, map}.
func (in *inputs) input(n document.Node) {
	c := in.c
	m := n.Mapping(c.problems, "input", "from", "map", "description")
	if !m.Ok() || !m.Require("map") {
		in.sound = false
		return
	}
	var from *blockSource
	fromOk := false
	if m.Has("from") {
		if s, ok := m.Get("from").Text(c.problems, "from"); ok {
			from = in.from(s)
			fromOk = true
		}
	}
	list := m.List("map")
	if m.Get("map").Type() != document.List {
		in.sound = false
	}
	for _, n := range list {
		in.mapping(n, m, from, fromOk)
	}
}

// from finds the block that an input reads from; nil if it cannot be read.
func (in *inputs) from(s document.String) *blockSource {
	for _, before := range in.c.blocks[:in.b.Index] {
		if before.Name == s.Value {
			return before
		}
	}
	message, near := in.c.notBefore(in.b, s.Value)
	if message == "" {
		return nil
	}
	in.c.problems.Errorf(s.Pos, "unknown-block", "from: %s", message).Suggestion = document.Suggest(s.Value, near)
	return nil
}

func (in *inputs) mapping(n document.Node, input document.Mapping, from *blockSource, hasFrom bool) {
	c := in.c
	m := n.Mapping(c.problems, "mapping", "source", "value", "destination", "required", "transformations")
	if !m.Ok() {
		in.sound = false
		return
	}
	mp := &Mapping{Pos: m.Pos(), Required: m.Bool("required")}
	s := dynamic
	switch {
	case m.Has("source") && m.Has("value"):
		c.problems.Errorf(m.KeyPos("value"), "conflicting-keys", "mapping: give source or value, not both")
	case m.Has("value"):
		mp.Value, mp.HasValue, mp.SourcePos = m.Get("value").Value(c.problems), true, m.Get("value").Pos()
		s = ofValue(mp.Value)
	case m.Has("source"):
		s = in.source(mp, m, input, from, hasFrom)
	default:
		m.RequireOne("source", "value")
	}
	s = in.transformations(mp, m, s)
	mp.Label = label(mp, from)
	if !m.Require("destination") {
		in.sound = false
		return
	}
	d, ok := m.Get("destination").Text(c.problems, "destination")
	if !ok {
		in.sound = false
		return
	}
	mp.Destination, mp.DestinationPos = d.Value, d.Pos
	in.destination(mp, d, s)
	in.b.Inputs = append(in.b.Inputs, mp)
}

// source reads the path and follows it through what is known of the block.
func (in *inputs) source(mp *Mapping, m, input document.Mapping, from *blockSource, hasFrom bool) *shape {
	c := in.c
	if !hasFrom && !input.Has("from") {
		input.Require("from")
	}
	text, ok := m.Get("source").Text(c.problems, "source")
	if !ok {
		return dynamic
	}
	mp.SourcePos = text.Pos
	p := c.path(text)
	mp.Source = p
	if from == nil {
		return dynamic
	}
	mp.From = from.Block
	in.b.need(from.Index)
	if p == nil {
		return dynamic
	}
	s, err := p.check(from.output())
	if err != nil {
		c.pathProblem(text, err)
		return dynamic
	}
	return s
}

// path reads a path; nil if it is none.
func (l *loader) path(s document.String) *Path {
	p, err := parsePath(s.Value)
	if err != nil {
		l.pathProblem(s, err)
		return nil
	}
	return p
}

func (l *loader) pathProblem(s document.String, e *pathError) {
	l.problems.Errorf(s.At(1, e.col), e.code, "%s", e.message).Suggestion = e.suggestion
}

// transformations reads the chain and gives the shape that leaves it.
func (in *inputs) transformations(mp *Mapping, m document.Mapping, s *shape) *shape {
	c := in.c
	for _, n := range m.List("transformations") {
		t := c.decodeTransformation(n, in.b)
		if t == nil {
			s = dynamic
			continue
		}
		mp.Transformations = append(mp.Transformations, t)
		out, err := t.check(s)
		if err == nil {
			s = out
			continue
		}
		s = dynamic
		if pe, ok := errors.AsType[*pathError](err); ok {
			c.problems.Errorf(n.Pos(), pe.code, "%s: %s", t.Name(), pe.message).Suggestion = pe.suggestion
		} else if !errors.Is(err, errReported) {
			c.problems.Errorf(n.Pos(), "transformation-type", "%s", err)
		}
	}
	return s
}

// label says where a mapping's value comes from, for people.
func label(mp *Mapping, from *blockSource) string {
	var b strings.Builder
	switch {
	case mp.HasValue:
		text, err := expression.Marshal(mp.Value)
		if err != nil {
			text = "value"
		}
		b.WriteString(text)
	case mp.Source != nil && from != nil:
		b.WriteString(from.Name + ": " + mp.Source.String())
	}
	for _, t := range mp.Transformations {
		b.WriteString(" | " + t.Name())
	}
	return b.String()
}

// finish reports what the block lacks once all its mappings are known.
func (in *inputs) finish() {
	b, c := in.b, in.c
	switch b.Type {
	case BlockRead, BlockCreate, BlockUpdate, BlockUpsert:
		if b.Pattern == nil || !in.sound || b.m.Misspelt("inputs", "limit") {
			return
		}
		for _, e := range b.Pattern.CheckInputs(b.Operation, in.crm, b.Limit > 0) {
			pos := e.Pos
			if !pos.IsValid() {
				pos = b.Pos
			}
			c.problems.Errorf(pos, e.Code, "block %q: %s", b.Name, e.Error())
		}
	case BlockFilter:
		if b.Filter == nil {
			b.shape = object().add("output", dynamic)
			return
		}
		out := in.filterOutput()
		if !in.sound || b.m.Misspelt("inputs") {
			return
		}
		for _, leaf := range b.Filter.Leaves() {
			needs := leaf.Operator != pattern.IsNull && leaf.Operator != pattern.IsNotNull
			if _, given := out.given[leaf]; needs && !given && !leaf.HasValue {
				p := c.problems.Errorf(leaf.Pos, "filter-value", "the filter on %s has neither a value nor a mapping", leaf.Field)
				p.Suggestion = "give it a value, or map an input to " + leafName(leaf)
			}
		}
	case BlockAi:
		if b.Capability == nil || !in.sound || b.m.Misspelt("inputs") {
			return
		}
		for _, i := range b.Capability.Inputs {
			if _, ok := in.given[i.Name]; i.Required && !ok {
				c.problems.Errorf(b.Pos, "missing-input", "block %q: the required input %q of capability %q is not mapped", b.Name, i.Name, b.Capability.ID)
			}
		}
	}
}
