package playbook

import (
	"github.com/andmoneyaps/engage-playbooks/entity"
	"github.com/andmoneyaps/engage-playbooks/internal/document"
)

// parameterTypes are the types of inputs and outputs.
var parameterTypes = func() []string {
	var names []string
	for _, t := range entity.Types {
		names = append(names, string(t))
	}
	return append(names, string(TypeObject), string(TypeArray))
}()

// decodeCapability reads a Capability document; nil if it is of no use.
func (l *loader) decodeCapability(d *document.Document) *Capability {
	before := len(*l.problems)
	m := d.Mapping(l.problems, "versions", "inputs", "outputs", "stub")
	m.Require("versions", "outputs")
	c := &Capability{ID: d.ID, Name: d.Name, Description: d.Description, Pos: d.Pos}
	seen := map[string]int{}
	for _, v := range m.Strings("versions") {
		if line, twice := seen[v.Value]; twice {
			l.problems.Errorf(v.Pos, "duplicate-name", "version %q is already listed in line %d", v.Value, line)
			continue
		}
		seen[v.Value] = v.Pos.Line
		c.Versions = append(c.Versions, v.Value)
	}
	if n := m.Get("versions"); n.Type() == document.List && len(n.Items()) == 0 {
		l.problems.Errorf(n.Pos(), "wrong-type", "versions: must not be empty")
	}
	c.Inputs = l.parameters(m, "inputs", "input")
	c.Outputs = l.parameters(m, "outputs", "output")
	sound := len(*l.problems) == before
	if m.Has("stub") && sound {
		l.decodeStub(c, m.Get("stub"))
	}
	if !sound {
		return nil
	}
	return c
}

func (l *loader) parameters(m document.Mapping, key, what string) []*Parameter {
	var list []*Parameter
	for _, n := range m.List(key) {
		keys := []string{"name", "type", "description"}
		if key == "inputs" {
			keys = append(keys, "required")
		}
		pm := n.Mapping(l.problems, what, keys...)
		if !pm.Require("name", "type") {
			continue
		}
		p := &Parameter{Pos: pm.Pos(), Name: pm.NonEmpty("name").Value, Description: pm.String("description").Value}
		p.Type = entity.Type(pm.OneOf("type", parameterTypes...))
		if key == "inputs" {
			p.Required = pm.Bool("required")
		}
		if first, twice := parameter(list, p.Name); twice {
			l.problems.Errorf(pm.Get("name").Pos(), "duplicate-name", "%s %q is already declared in line %d", what, p.Name, first.Pos.Line)
			continue
		}
		list = append(list, p)
	}
	return list
}

// decodeStub reads the outputs that answer where no provider is at hand: all
// of them, and no others.
func (l *loader) decodeStub(c *Capability, n document.Node) {
	m := n.Mapping(l.problems, "stub")
	if !m.Ok() {
		return
	}
	c.Stub = l.outputs(c, m, "stub")
	for _, o := range c.Outputs {
		if !m.Has(o.Name) {
			l.problems.Errorf(m.Pos(), "stub", "the stub does not give the output %q", o.Name)
		}
	}
}

// outputs reads values for outputs of a capability.
func (l *loader) outputs(c *Capability, m document.Mapping, what string) map[string]any {
	out := map[string]any{}
	for _, name := range m.Keys() {
		o, ok := c.Output(name)
		if !ok {
			var names []string
			for _, o := range c.Outputs {
				names = append(names, o.Name)
			}
			p := l.problems.Errorf(m.KeyPos(name), "unknown-output", "capability %q has no output %q", c.ID, name)
			if p.Suggestion = document.Suggest(name, names); p.Suggestion == "" {
				p.Suggestion = listNames(names)
			}
			continue
		}
		out[name] = m.Get(name).Value(l.problems)
		if !o.fits(out[name]) {
			l.problems.Errorf(m.Get(name).Pos(), "type-mismatch", "%s: output %q takes %s, not %s", what, name, ofParameter(o.Type).describe(), ofValue(out[name]).describe())
		}
	}
	return out
}
