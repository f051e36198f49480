package playbook

import (
	"context"
	"errors"
	"fmt"

	"github.com/andmoneyaps/engage-playbooks"
	"github.com/andmoneyaps/engage-playbooks/internal/document"
	"github.com/andmoneyaps/engage-playbooks/internal/expression"
	"github.com/andmoneyaps/engage-playbooks/pattern"
)

// Expression is a compiled when, condition or Expression transformation. It is
// immutable.
type Expression struct {
	// Source is the text as written.
	Source string
	Pos    engage.Pos

	what    string // "when", "condition", "expr"
	text    document.String
	program *expression.Program
	// needs are the indexes of the blocks that it reads.
	needs map[string]int
	// bool wants true or false; condition sees the members of the event's data.
	bool, condition bool
}

// newExpression makes an expression of a compiled text; what names it.
func newExpression(text document.String, what string, program *expression.Program) *Expression {
	return &Expression{Source: text.Value, Pos: text.Pos, what: what, text: text, program: program, bool: what != "expr", condition: what == "condition"}
}

// ExpressionError says why an expression or a template gave nothing. It holds
// no values.
type ExpressionError struct {
	// Code is the rule's name: "expression", "template", "budget".
	Code    string
	Message string
	Pos     engage.Pos
	Err     error
}

func (e *ExpressionError) Error() string { return e.Message }

// Unwrap returns the cause.
func (e *ExpressionError) Unwrap() error { return e.Err }

// Eval gives the expression's value in the scope; value is what an Expression
// transformation is given. A condition sees the event's data alone. In a dry run the answer is a pattern.Unknown if it
// hangs on one. The error is an [*ExpressionError], or the context's.
func (e *Expression) Eval(ctx context.Context, s *scope, value any) (any, error) {
	in := expression.Input{Vars: map[string]any{"value": value}, Now: s.now, Unknown: isUnknown}
	data, _ := s.outputs[0].(map[string]any)
	for _, name := range e.program.Vars() {
		switch {
		case name == "trigger":
			in.Vars[name] = s.outputs[0]
		case e.condition:
			in.Vars[name] = data[name]
		case name == "event":
			in.Vars[name] = eventVars(s.event)
		}
	}
	if len(e.needs) > 0 {
		in.Blocks = make(map[string]any, len(e.needs))
		for name, i := range e.needs {
			in.Blocks[name] = blockVars(s.outputs[i], s.status[i])
		}
	}
	return e.run(ctx, in)
}

func (e *Expression) run(ctx context.Context, in expression.Input) (any, error) {
	v, err := e.program.Run(ctx, in)
	if err != nil {
		re, ok := errors.AsType[*expression.RunError](err)
		if !ok {
			return nil, err
		}
		x := &ExpressionError{Code: "expression", Message: fmt.Sprintf("%s: %s", e.what, re.Message), Pos: e.Pos, Err: re.Err}
		if errors.Is(re, expression.ErrBudget) {
			x.Code = "budget"
		}
		if re.Line > 0 {
			x.Pos = e.text.At(re.Line, re.Col)
		}
		return nil, x
	}
	if _, isBool := v.(bool); e.bool && !isBool && !isUnknown(v) {
		return nil, &ExpressionError{Code: "expression", Message: fmt.Sprintf("%s: it gave %s, and must give true or false", e.what, ofValue(v).describe()), Pos: e.Pos}
	}
	return v, nil
}

func isUnknown(v any) bool {
	_, ok := v.(pattern.Unknown)
	return ok
}

// blockVars is what an expression sees of a block: its output and its status.
func blockVars(output any, status Status) any {
	m, ok := output.(map[string]any)
	if !ok {
		if isUnknown(output) {
			return output
		}
		return map[string]any{"status": string(status)}
	}
	out := make(map[string]any, len(m)+1)
	for k, v := range m {
		out[k] = v
	}
	out["status"] = string(status)
	return out
}

// eventVars is what an expression sees of the event beside its data.
func eventVars(ev *Event) map[string]any {
	m := map[string]any{"type": ev.Type, "id": textOrNull(ev.ID), "portal": textOrNull(ev.Portal), "time": nil, "actor": nil}
	if !ev.Time.IsZero() {
		m["time"] = ev.Time.Format(rfc3339)
	}
	if a := ev.Actor; a != nil {
		m["actor"] = map[string]any{
			"kind": string(a.Kind), "name": textOrNull(a.Name), "email": textOrNull(a.Email), "objectId": textOrNull(a.ObjectID),
			"tenantId": textOrNull(a.TenantID), "clientId": textOrNull(a.ClientID), "id": textOrNull(a.ID),
		}
	}
	return m
}

func textOrNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// eventShape is the shape of eventVars.
var eventShape = sealed(object().add("type", textShape).add("id", textShape).add("time", dateTime).add("portal", textShape).
	add("actor", object().add("kind", textShape).add("name", textShape).add("email", textShape).add("objectId", textShape).
		add("tenantId", textShape).add("clientId", textShape).add("id", textShape)))
