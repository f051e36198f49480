package playbook

import (
	"fmt"
	"strings"

	"github.com/andmoneyaps/engage-playbooks/entity"
	"github.com/andmoneyaps/engage-playbooks/internal/document"
	"github.com/andmoneyaps/engage-playbooks/pattern"
)

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

func leafName(f *pattern.Filter) string {
	if f.Name != "" {
		return f.Name
	}
	return "value"
}
