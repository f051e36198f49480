package playbook

import (
	"context"

	"github.com/andmoneyaps/engage-playbooks"
)

// Expression is a compiled when, condition or Expression transformation.
type Expression struct {
	// Source is the text as written.
	Source string
	Pos    engage.Pos
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
// transformation is given. In a dry run the answer is a pattern.Unknown if it
// hangs on one. The error is an [*ExpressionError].
func (e *Expression) Eval(ctx context.Context, s *scope, value any) (any, error) {
	return nil, nil
}
