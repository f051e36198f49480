package playbook

import (
	"errors"
	"fmt"
	"slices"

	"github.com/andmoneyaps/engage-playbooks/internal/document"
	"github.com/andmoneyaps/engage-playbooks/internal/expression"
)

// compileConditions compiles the trigger's condition and every when.
func (c *compiler) compileConditions() {
	for _, b := range c.blocks {
		if !b.m.Ok() {
			continue
		}
		if s := b.m.Get("condition"); b.Type == BlockTrigger && !s.IsZero() && c.playbook.Trigger != nil {
			if text, ok := s.Text(c.problems, "condition"); ok && c.playbook.Trigger.Type != nil {
				c.playbook.Trigger.Condition = c.condition(text)
			}
		}
		if s := b.m.Get("when"); b.Type != BlockTrigger && !s.IsZero() {
			if text, ok := s.Text(c.problems, "when"); ok {
				env := c.blockEnv(b, nil)
				env.Bool = true
				b.When = c.expression(text, "when", env, b)
			}
		}
	}
}

// conditionOf is a condition's text, and the shape of the data that it is asked
// of: they decide on its program.
type conditionOf struct {
	text string
	data *shape
}

// condition compiles a condition; those that are alike share a program.
func (c *compiler) condition(text document.String) *Expression {
	key := conditionOf{text.Value, c.triggerShape()}
	if known := c.conditions[key]; known != nil {
		return newExpression(text, "condition", known)
	}
	x := c.expression(text, "condition", c.conditionEnv(), nil)
	if x != nil {
		c.conditions[key] = x.program
	}
	return x
}

// conditionEnv is what a condition sees: the members of the event's data, and
// all of it as trigger.
func (c *compiler) conditionEnv() *expression.Env {
	data := c.triggerShape()
	env := &expression.Env{Bool: true, Vars: map[string]expression.Type{}, Open: data.open || data.kind == kindAny}
	for name, m := range data.members {
		env.Vars[name] = m.expr()
	}
	env.Vars["trigger"] = data.expr()
	return env
}

// blockEnv is what an expression of a block sees.
func (c *compiler) blockEnv(b *blockSource, value *shape) *expression.Env {
	env := &expression.Env{
		Vars:   map[string]expression.Type{"trigger": c.triggerShape().expr(), "event": eventShape.expr()},
		Blocks: make(map[string]func() expression.Type, b.Index),
		NoBlock: func(name string) expression.Error {
			message, near := c.notBefore(b, name)
			return expression.Error{Message: message, Unknown: true, Name: name, Candidates: near}
		},
	}
	for _, before := range c.blocks[:b.Index] {
		env.Blocks[before.Name] = before.withStatus
	}
	if value != nil {
		env.Vars["value"] = value.expr()
	}
	return env
}

// withStatus is the type of blocks[name].
func (b *blockSource) withStatus() expression.Type {
	if b.exprType == nil {
		members := map[string]expression.Type{}
		open := true
		if s := b.output(); s.kind == kindObject {
			open = s.open
			for name, m := range s.members {
				members[name] = m.expr()
			}
		}
		members["status"] = expression.Scalar(expression.Text)
		t := expression.ObjectOf(members, open)
		b.exprType = &t
	}
	return *b.exprType
}

// expression compiles a text; nil if it is wrong.
func (c *compiler) expression(text document.String, what string, env *expression.Env, b *blockSource) *Expression {
	program, err := expression.Compile(text.Value, env)
	if err != nil {
		e, ok := errors.AsType[*expression.Error](err)
		if !ok {
			e = &expression.Error{Line: 1, Col: 1, Message: err.Error()}
		}
		if e.Message == "" {
			return nil // the mistake is that a block has no name
		}
		code := "expression"
		if e.Unknown {
			code = "unknown-name"
		}
		p := c.problems.Errorf(text.At(e.Line, e.Col), code, "%s: %s", what, e.Message)
		if e.Name != "" {
			p.Suggestion = document.Suggest(e.Name, e.Candidates)
		}
		return nil
	}
	x := newExpression(text, what, program)
	if b == nil {
		return x
	}
	need := func(i int) {
		b.need(i)
		if what == "when" {
			b.whenNeeds = append(b.whenNeeds, i)
		}
	}
	if slices.Contains(program.Vars(), "trigger") {
		need(0)
	}
	if len(program.Blocks()) > 0 {
		x.needs = map[string]int{}
	}
	for _, name := range program.Blocks() {
		for _, before := range c.blocks[:b.Index] {
			if before.Name == name {
				x.needs[name] = before.Index
				need(before.Index)
			}
		}
	}
	return x
}

// expressionStep is the transformation Expression.
type expressionStep struct {
	text document.String
	x    *Expression
	c    *compiler
	b    *blockSource
}

func (c *compiler) decodeExpressionTransformation(m document.Mapping, b *blockSource) Transformation {
	text, ok := m.Get("expr").Text(c.problems, "expr")
	if !ok {
		return nil
	}
	return &expressionStep{text: text, c: c, b: b}
}

func (*expressionStep) Name() string    { return "Expression" }
func (*expressionStep) takesNull() bool { return true }

// errReported says that the problem has been reported at its place.
var errReported = errors.New("reported")

// check compiles the expression for the shape that reaches it.
func (t *expressionStep) check(in *shape) (*shape, error) {
	t.x = t.c.expression(t.text, "expr", t.c.blockEnv(t.b, in), t.b)
	t.c, t.b = nil, nil
	if t.x == nil {
		return nil, errReported
	}
	return ofExpression(t.x.program.Kind()), nil
}

// notBefore says why a name is no block before this one, and which names are;
// the message is empty if it may be the name of a block that has none.
func (c *compiler) notBefore(b *blockSource, name string) (message string, candidates []string) {
	for _, other := range c.blocks {
		if other.Name != name {
			continue
		}
		if other == b {
			return fmt.Sprintf("block %q cannot read from itself", name), nil
		}
		return fmt.Sprintf("block %q stands after this one; a block takes input only from blocks before it", name), nil
	}
	for _, before := range c.blocks[:b.Index] {
		if before.Name == "" {
			return "", nil
		}
		candidates = append(candidates, before.Name)
	}
	return fmt.Sprintf("there is no block %q before this one", name), candidates
}
