package playbook

import (
	"errors"
	"fmt"
	"strings"

	"github.com/andmoneyaps/engage-playbooks/entity"
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

// destination resolves where the value goes, by type of block.
func (in *inputs) destination(mp *Mapping, d document.String, s *shape) {
	switch in.b.Type {
	case BlockRead, BlockCreate, BlockUpdate, BlockUpsert:
		in.toPattern(mp, d, s)
	case BlockFilter:
		in.toFilter(mp, d, s)
	case BlockTemplate:
		in.toTemplate(d, s)
	case BlockAi:
		in.toCapability(d, s)
	case BlockOutput:
		in.toOutput(mp, d, s)
	}
}

// once reports a destination that was given before.
func (in *inputs) once(d document.String, s *shape) bool {
	if line, twice := in.taken[d.Value]; twice {
		in.c.problems.Errorf(d.Pos, "duplicate-destination", "destination %q is already mapped in line %d", d.Value, line)
		return false
	}
	in.taken[d.Value] = d.Pos.Line
	in.given[d.Value] = s
	return true
}

func (in *inputs) toPattern(mp *Mapping, d document.String, s *shape) {
	b, c := in.b, in.c
	if b.Pattern == nil {
		return
	}
	part, field, perr := b.Pattern.Destination(b.Operation, d.Value)
	if perr != nil {
		in.sound = false
		c.problems.Errorf(d.Pos, perr.Code, "destination %q: %s", d.Value, perr.Message).Suggestion = perr.Suggestion
		return
	}
	mp.Part = part.Ref
	if field != nil {
		mp.Field = field.Name
	} else if rest, ok := strings.CutPrefix(d.Value, part.Ref+"."); ok {
		mp.Field = rest
	}
	whole := b.Operation == pattern.Read && mp.Field == ""
	if !whole && !in.once(d, s) {
		return
	}
	if b.Operation == pattern.Create && s.kind == kindNull && mp.HasValue {
		return // null is no input on Create
	}
	in.crm = append(in.crm, pattern.Given{Part: mp.Part, Field: mp.Field, Pos: d.Pos})
	switch {
	case whole:
		in.filterFits(part, mp, d, s)
	case field != nil:
		in.valueFits(part, field, mp, d, s)
	}
}

// valueFits checks a value's shape, and a literal itself, against the field.
func (in *inputs) valueFits(part *pattern.Part, f *entity.Field, mp *Mapping, d document.String, s *shape) {
	read := in.b.Operation == pattern.Read
	many := s.kind == kindList && !f.List() || s.kind == kindList && f.List() && s.item().kind == kindList
	if many && !read && !part.AllowsMultiple {
		p := in.c.problems.Errorf(mp.SourcePos, "list-for-one", "destination %q: part %q holds one record, and this is %s", d.Value, part.Ref, s.describe())
		p.Suggestion = "take one item, or Join them to a text"
		return
	}
	item := s
	if many {
		item = s.item()
	}
	if read && f.List() && item.kind != kindList {
		item = listOf(item)
	}
	if why := misfit(item, f); why != "" {
		in.c.problems.Errorf(mp.SourcePos, "type-mismatch", "destination %q: %s", d.Value, why)
		return
	}
	if !mp.HasValue || len(mp.Transformations) > 0 {
		return
	}
	values := []any{mp.Value}
	if many {
		values, _ = mp.Value.([]any)
	}
	for _, v := range values {
		if v == nil || read {
			continue
		}
		if err := f.Check(v); err != nil {
			in.c.problems.Errorf(mp.SourcePos, "type-mismatch", "destination %q: %s", d.Value, err)
			return
		}
	}
}

// filterFits checks that a filter for a whole part is one, and that its fields
// are the part's.
func (in *inputs) filterFits(part *pattern.Part, mp *Mapping, d document.String, s *shape) {
	c := in.c
	switch s.kind {
	case kindAny, kindNull, kindObject:
		return
	case kindFilter:
	default:
		p := c.problems.Errorf(mp.SourcePos, "type-mismatch", "destination %q: a part takes a filter, not %s", d.Value, s.describe())
		p.Suggestion = fmt.Sprintf("write %s.Field to compare a field, or map the output of an EntityPatternFilter", part.Ref)
		return
	}
	if s.filter == nil || s.filter.tree == nil {
		return
	}
	errs := part.CheckFilter(s.filter.tree)
	for _, e := range errs {
		pos := e.Pos
		if !pos.IsValid() {
			pos = mp.SourcePos
		}
		c.problems.Errorf(pos, e.Code, "%s", e.Message).Suggestion = e.Suggestion
	}
	if len(errs) > 0 {
		return
	}
	for _, leaf := range s.filter.tree.Leaves() {
		given, ok := s.filter.given[leaf]
		f, known := part.Entity.Field(leaf.Field)
		if !ok || !known {
			continue
		}
		if why := leafMisfit(given, f, leaf.Operator); why != "" {
			c.problems.Errorf(leaf.Pos, "type-mismatch", "filter on %s.%s: %s", part.Ref, leaf.Field, why)
		}
	}
}

// leafMisfit says why a value of the shape cannot be compared with the field.
func leafMisfit(s *shape, f *entity.Field, op pattern.Operator) string {
	list := op == pattern.In || op == pattern.NotIn
	switch {
	case list && s.kind == kindList:
		s = s.item()
	case list && s.kind != kindAny && s.kind != kindNull:
		return fmt.Sprintf("%s takes a list, not %s", op, s.describe())
	case !list && s.kind == kindList:
		return fmt.Sprintf("%s takes one value, not %s; use In", op, s.describe())
	}
	if f.List() {
		return ""
	}
	return misfit(s, f)
}

func (in *inputs) toFilter(mp *Mapping, d document.String, s *shape) {
	if in.b.Filter == nil || !in.once(d, s) {
		return
	}
	leaf, perr := in.b.Filter.Destination(d.Value)
	if perr != nil {
		in.sound = false
		in.c.problems.Errorf(d.Pos, perr.Code, "destination %q: %s", d.Value, perr.Message).Suggestion = perr.Suggestion
		return
	}
	out := in.filterOutput()
	if _, twice := out.given[leaf]; twice {
		in.c.problems.Errorf(d.Pos, "duplicate-destination", "destination %q: the leaf is already mapped by another of its names", d.Value)
		return
	}
	out.given[leaf] = s
}

// filterOutput is the shape of the block's output, made when first needed.
func (in *inputs) filterOutput() *filterOutput {
	if in.b.shape == nil {
		f := &filterOutput{tree: in.b.Filter, given: map[*pattern.Filter]*shape{}}
		in.b.shape = object().add("output", &shape{kind: kindFilter, filter: f})
	}
	return in.b.shape.members["output"].filter
}

func (in *inputs) toTemplate(d document.String, s *shape) {
	if in.b.Template == nil || !in.once(d, s) {
		return
	}
	for _, name := range in.b.Template.Variables {
		if name == d.Value {
			return
		}
	}
	p := in.c.problems.Errorf(d.Pos, "unknown-variable", "template %q has no variable %q", in.b.Template.ID, d.Value)
	if p.Suggestion = document.Suggest(d.Value, in.b.Template.Variables); p.Suggestion == "" {
		p.Suggestion = listNames(in.b.Template.Variables)
	}
}

func (in *inputs) toCapability(d document.String, s *shape) {
	capability := in.b.Capability
	if capability == nil || !in.once(d, s) {
		return
	}
	input, ok := capability.Input(d.Value)
	if !ok {
		var names []string
		for _, i := range capability.Inputs {
			names = append(names, i.Name)
		}
		p := in.c.problems.Errorf(d.Pos, "unknown-input", "capability %q has no input %q", capability.ID, d.Value)
		if p.Suggestion = document.Suggest(d.Value, names); p.Suggestion == "" {
			p.Suggestion = listNames(names)
		}
		in.sound = false
		return
	}
	if why := parameterMisfit(s, input.Type); why != "" {
		in.c.problems.Errorf(d.Pos, "type-mismatch", "input %q: %s", d.Value, why)
	}
}

// outputPath is a destination of an Output block.
type outputPath struct {
	names []string
	line  int
}

func (in *inputs) toOutput(mp *Mapping, d document.String, s *shape) {
	c := in.c
	p := c.path(d)
	if p == nil {
		return
	}
	names, ok := p.names()
	if !ok {
		c.problems.Errorf(d.Pos, "path-syntax", "destination %q: an output is named, without indexes and [*]", d.Value)
		return
	}
	for _, o := range c.outputs {
		if within(o.names, names) || within(names, o.names) {
			c.problems.Errorf(d.Pos, "duplicate-destination", "output %q is already mapped in line %d", d.Value, o.line)
			return
		}
	}
	c.outputs = append(c.outputs, outputPath{names, d.Pos.Line})
	mp.names = names
	at := in.b.shape
	for _, name := range names[:len(names)-1] {
		next := at.members[name]
		if next == nil {
			next = object()
			at.add(name, next)
		}
		at = next
	}
	at.add(names[len(names)-1], s)
}

// within reports whether a path is another, or leads through it.
func within(outer, inner []string) bool {
	if len(outer) > len(inner) {
		return false
	}
	for i := range outer {
		if outer[i] != inner[i] {
			return false
		}
	}
	return true
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

func leafName(f *pattern.Filter) string {
	if f.Name != "" {
		return f.Name
	}
	return "value"
}
