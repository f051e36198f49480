package playbook

import (
	"fmt"
	"slices"

	"github.com/andmoneyaps/engage-playbooks"
	"github.com/andmoneyaps/engage-playbooks/internal/document"
	"github.com/andmoneyaps/engage-playbooks/internal/expression"
	"github.com/andmoneyaps/engage-playbooks/pattern"
)

// compiler turns one Playbook document into a [Playbook], in passes: the
// blocks and what they refer to, the identities, the mappings, the conditions.
// It never stops at the first problem.
type compiler struct {
	*loader
	doc      *document.Document
	playbook *Playbook
	blocks   []*blockSource
	// outputs are the destinations of Output blocks so far.
	outputs []outputPath
}

// blockSource is a block on its way.
type blockSource struct {
	*Block
	node document.Node
	m    document.Mapping
	// broken blocks are not blamed for more, and what reads from them is not
	// blamed for them.
	broken   bool
	exprType *expression.Type
}

// output is the shape of the block's output.
func (b *blockSource) output() *shape {
	if b.shape == nil {
		return dynamic
	}
	return b.shape
}

func (b *blockSource) need(i int) {
	if at, found := slices.BinarySearch(b.Needs, i); !found {
		b.Needs = slices.Insert(b.Needs, at, i)
	}
}

// commonKeys are allowed in every block but the trigger.
var commonKeys = []string{"name", "type", "description", "when", "onError", "inputs"}

// blockKeys are the further keys of each type.
var blockKeys = map[BlockType][]string{
	BlockRead:     {"pattern", "limit", "identity", "reason"},
	BlockFilter:   {"filter"},
	BlockCreate:   {"pattern", "atomic", "identity", "reason", "verify"},
	BlockUpdate:   {"pattern", "atomic", "identity", "reason", "verify"},
	BlockUpsert:   {"pattern", "atomic", "identity", "reason", "verify"},
	BlockTemplate: {"template"},
	BlockAi:       {"capability", "version"},
	BlockOutput:   nil,
}

// triggerKeys are all keys of a Trigger. Its failure always ends the run.
var triggerKeys = []string{"name", "type", "description", "onError", "trigger", "portals", "actors", "condition"}

// compilePlaybook compiles a document; nil if a problem was found.
func (l *loader) compilePlaybook(d *document.Document) *Playbook {
	before := len(*l.problems)
	c := &compiler{loader: l, doc: d}
	c.playbook = &Playbook{ID: d.ID, Name: d.Name, Description: d.Description, Pos: d.Pos, Workspace: l.workspace}
	m := d.Mapping(l.problems, "blocks")
	if !m.Require("blocks") {
		return nil
	}
	nodes := m.List("blocks")
	for i, n := range nodes {
		c.decodeBlock(i, n)
	}
	if m.Get("blocks").Type() == document.List {
		c.checkTrigger(m.Get("blocks"))
	}
	c.checkIdentities()
	c.compileMappings()
	c.compileConditions()
	for _, b := range c.blocks {
		c.playbook.Blocks = append(c.playbook.Blocks, b.Block)
	}
	for _, p := range (*l.problems)[before:] {
		if p.Severity == engage.Error {
			return nil
		}
	}
	return c.playbook
}

// decodeBlock reads what stands in a block itself, and follows what it refers
// to in other documents.
func (c *compiler) decodeBlock(i int, n document.Node) {
	b := &blockSource{Block: &Block{Index: i, Pos: n.Pos(), Atomic: true, OnError: OnErrorStop}, node: n}
	c.blocks = append(c.blocks, b)
	var scratch engage.Problems
	peek := n.Mapping(&scratch, "block")
	if !peek.Ok() {
		n.Mapping(c.problems, fmt.Sprintf("block %d", i+1), "name")
		b.broken = true
		return
	}
	if name, ok := peek.Get("name").Text(&scratch, "name"); ok {
		b.Name = name.Value
	}
	what := fmt.Sprintf("block %d", i+1)
	if b.Name != "" {
		what = fmt.Sprintf("block %q", b.Name)
	}
	typeName := ""
	if t, ok := peek.Get("type").Text(&scratch, "type"); ok {
		typeName = t.Value
	}
	b.Type = BlockType(typeName)
	keys, known := blockKeys[b.Type]
	keys = append(slices.Clip(commonKeys), keys...)
	if b.Type == BlockTrigger {
		keys, known = triggerKeys, true
	}
	if !known {
		b.broken = true
		b.Type = ""
		c.unknownType(peek, what)
		c.uniqueName(b, peek)
		return
	}
	b.m = n.Mapping(c.problems, what, keys...)
	b.m.Require("name", "type")
	b.Description = b.m.String("description").Value
	b.m.NonEmpty("name")
	c.uniqueName(b, b.m)
	reactions := []string{string(OnErrorStop), string(OnErrorContinue)}
	if b.Type == BlockTrigger {
		reactions = reactions[:1]
	}
	if on := b.m.OneOf("onError", reactions...); on != "" {
		b.OnError = OnError(on)
	}
	c.decodeReferences(b)
}

func (c *compiler) unknownType(m document.Mapping, what string) {
	if !m.Has("type") {
		c.problems.Errorf(m.Pos(), "missing-key", "%s: key \"type\" is missing", what)
		return
	}
	t, ok := m.Get("type").Text(c.problems, "type")
	if !ok {
		return
	}
	var names []string
	for _, t := range BlockTypes {
		names = append(names, string(t))
	}
	p := c.problems.Errorf(t.Pos, "unknown-value", "%s: unknown type %q", what, t.Value)
	if p.Suggestion = document.Suggest(t.Value, names); p.Suggestion == "" {
		p.Suggestion = "one of " + joined(names)
	}
}

func (c *compiler) uniqueName(b *blockSource, m document.Mapping) {
	if b.Name == "" {
		return
	}
	for _, other := range c.blocks[:b.Index] {
		if other.Name == b.Name {
			c.problems.Errorf(m.Get("name").Pos(), "duplicate-name", "block %q: the name is already used in line %d", b.Name, other.Pos.Line)
			return
		}
	}
}

// checkTrigger: exactly one Trigger, first.
func (c *compiler) checkTrigger(list document.Node) {
	if len(c.blocks) == 0 {
		c.problems.Errorf(list.Pos(), "trigger-first", "a playbook has a Trigger block, and it comes first")
		return
	}
	var first *blockSource
	for _, b := range c.blocks {
		switch {
		case b.Type != BlockTrigger:
		case first != nil:
			c.problems.Errorf(b.Pos, "trigger-first", "block %q: a playbook has one Trigger block, and there is one in line %d", b.Name, first.Pos.Line)
		default:
			first = b
			if b.Index > 0 {
				c.problems.Errorf(b.Pos, "trigger-first", "block %q: the Trigger comes first", b.Name)
			}
		}
	}
	if first == nil && !c.blocks[0].broken {
		c.problems.Errorf(c.blocks[0].Pos, "trigger-first", "the first block of a playbook is its Trigger")
	}
}

func (c *compiler) decodeReferences(b *blockSource) {
	switch b.Type {
	case BlockTrigger:
		c.decodeTrigger(b)
	case BlockRead, BlockCreate, BlockUpdate, BlockUpsert:
		c.decodeCRM(b)
	case BlockFilter:
		b.m.Require("filter")
		if n := b.m.Get("filter"); !n.IsZero() {
			b.Filter = pattern.DecodeFilter(n, c.problems)
		}
		b.broken = b.Filter == nil
	case BlockTemplate:
		b.Template = reference(c, b, "template", "Template", c.templates)
		b.shape = object().add("output", textShape)
	case BlockAi:
		c.decodeAi(b)
	case BlockOutput:
		b.shape = object()
	}
}

// reference follows a required reference of a block; nil and broken if it
// leads nowhere.
func reference[T any](c *compiler, b *blockSource, key, kind string, x *index[T]) *T {
	if !b.m.Require(key) {
		b.broken = true
		return nil
	}
	s, ok := b.m.Get(key).Text(c.problems, key)
	if !ok {
		b.broken = true
		return nil
	}
	v := find(c.loader, s, kind, x)
	b.broken = v == nil
	return v
}

func (c *compiler) decodeTrigger(b *blockSource) {
	if b.Index > 0 && c.playbook.Trigger != nil {
		b.broken = true
		return
	}
	t := &Trigger{}
	for _, s := range b.m.Strings("portals") {
		t.Portals = append(t.Portals, s.Value)
	}
	if n := b.m.Get("portals"); n.Type() == document.List && len(n.Items()) == 0 {
		c.problems.Errorf(n.Pos(), "wrong-type", "portals: must not be empty").Suggestion = "leave it out for every portal"
	}
	for _, s := range b.m.Strings("actors") {
		if !slices.Contains(ActorKinds, ActorKind(s.Value)) {
			var names []string
			for _, k := range ActorKinds {
				names = append(names, string(k))
			}
			p := c.problems.Errorf(s.Pos, "unknown-value", "actors: unknown value %q", s.Value)
			if p.Suggestion = document.Suggest(s.Value, names); p.Suggestion == "" {
				p.Suggestion = "one of " + joined(names)
			}
			continue
		}
		t.Actors = append(t.Actors, ActorKind(s.Value))
	}
	if n := b.m.Get("actors"); n.Type() == document.List && len(n.Items()) == 0 {
		c.problems.Errorf(n.Pos(), "wrong-type", "actors: must not be empty").Suggestion = "leave it out for everybody"
	}
	c.playbook.Trigger = t
	t.Type = reference(c, b, "trigger", "TriggerType", c.triggers)
	if t.Type != nil {
		b.shape = t.Type.shape
	}
}

// triggerShape is the shape of the event's data.
func (c *compiler) triggerShape() *shape {
	if t := c.playbook.Trigger; t != nil && t.Type != nil {
		return t.Type.shape
	}
	return dynamic
}

func (c *compiler) decodeCRM(b *blockSource) {
	b.Operation = b.Type.Operation()
	b.Pattern = reference(c, b, "pattern", "EntityPattern", c.patterns)
	if b.m.Has("atomic") {
		if v, ok := b.m.Get("atomic").Bool(c.problems, "atomic"); ok {
			b.Atomic = v
		}
	}
	if b.m.Has("limit") {
		n, ok := b.m.Int("limit")
		if ok && n < 1 {
			c.problems.Errorf(b.m.Get("limit").Pos(), "wrong-type", "limit: want a number above 0")
		}
		b.Limit = max(n, 1) // a wrong limit is a mistake of its own, not a missing one
	}
	if b.Pattern != nil {
		b.shape = c.shapes.ofPattern(b.Pattern, b.Operation == pattern.Read)
	} else {
		b.shape = object().add("Results", anyList)
	}
}

func (c *compiler) decodeAi(b *blockSource) {
	b.Capability = reference(c, b, "capability", "Capability", c.capabilities)
	version := b.m.String("version")
	if b.Capability == nil {
		return
	}
	b.Version = b.Capability.Versions[len(b.Capability.Versions)-1]
	if b.m.Has("version") && version.Value != "" {
		b.Version = version.Value
		if !slices.Contains(b.Capability.Versions, version.Value) {
			p := c.problems.Errorf(version.Pos, "unknown-version", "capability %q has no version %q", b.Capability.ID, version.Value)
			p.Suggestion = "there is " + joined(b.Capability.Versions)
		}
	}
	b.shape = object()
	for _, o := range b.Capability.Outputs {
		b.shape.add(o.Name, ofParameter(o.Type))
	}
}

func joined(names []string) string {
	out := ""
	for i, n := range names {
		if i > 0 {
			out += ", "
		}
		out += n
	}
	return out
}
