package playbook

import (
	"context"
	"errors"
	"fmt"

	"github.com/andmoneyaps/engage-playbooks"
	"github.com/andmoneyaps/engage-playbooks/internal/document"
	"github.com/andmoneyaps/engage-playbooks/pattern"
)

// maxText is the most bytes that a transformation or a template may build.
const maxText = 1 << 20

// Transformation is one step on the way from a mapping's source to its
// destination.
type Transformation interface {
	// Name is the type as the document writes it, such as "Join".
	Name() string
	// check gives the shape of the result for one of the input, or says why
	// no value of that shape can be transformed.
	check(in *shape) (*shape, error)
	// takesNull: null does not skip it.
	takesNull() bool
	// apply transforms a value; found is false if it finds nothing.
	apply(ctx context.Context, s *scope, v any) (out any, found bool, err error)
}

// decodeTransformation reads one transformation; nil if it is of no use.
func (c *compiler) decodeTransformation(n document.Node, b *blockSource) Transformation {
	var scratch engage.Problems
	peek := n.Mapping(&scratch, "transformation")
	if !peek.Ok() {
		n.Mapping(c.problems, "transformation", "type")
		return nil
	}
	types := []string{"Identity", "Extract", "Project", "Join", "Split", "Serialize", "Base64Decode", "Expression"}
	options := map[string][]string{
		"Extract": {"path"}, "Project": {"paths"}, "Join": {"separator"}, "Split": {"separator"}, "Expression": {"expr"},
	}
	if !peek.Has("type") {
		peek = n.Mapping(c.problems, "transformation", "type", "path", "paths", "separator", "expr")
		peek.Require("type")
		return nil
	}
	before := len(*c.problems)
	name := n.Mapping(&scratch, "transformation").Get("type")
	t, ok := name.Text(c.problems, "type")
	if !ok {
		return nil
	}
	keys, known := options[t.Value]
	if !known && t.Value != "Identity" && t.Value != "Serialize" && t.Value != "Base64Decode" {
		p := c.problems.Errorf(t.Pos, "unknown-value", "unknown transformation %q", t.Value)
		if p.Suggestion = document.Suggest(t.Value, types); p.Suggestion == "" {
			p.Suggestion = "one of Identity, Extract, Project, Join, Split, Serialize, Base64Decode, Expression"
		}
		return nil
	}
	m := n.Mapping(c.problems, t.Value, append([]string{"type"}, keys...)...)
	switch t.Value {
	case "Extract":
		if m.Require("path") {
			if p := c.path(m.NonEmpty("path")); p != nil {
				return &extract{p}
			}
		}
		return nil
	case "Project":
		if m.Require("paths") {
			return c.decodeProject(m)
		}
		return nil
	case "Join", "Split":
		sep := map[string]string{"Join": ", ", "Split": ","}[t.Value]
		if m.Has("separator") {
			s := m.String("separator")
			sep = s.Value
			if sep == "" && t.Value == "Split" && len(*c.problems) == before {
				c.problems.Errorf(s.Pos, "wrong-type", "separator: must not be empty")
			}
		}
		if len(*c.problems) > before {
			return nil
		}
		if t.Value == "Join" {
			return &join{sep}
		}
		return &split{sep}
	case "Serialize":
		return serialize{}
	case "Base64Decode":
		return base64Decode{}
	case "Expression":
		if m.Require("expr") {
			return c.decodeExpressionTransformation(m, b)
		}
		return nil
	}
	return identity{}
}

// MappingError says why a mapping gave no value. It holds no values.
type MappingError struct {
	// Code is the rule's name, such as "required-mapping".
	Code string
	// Destination is the mapping's destination.
	Destination string
	Message     string
	Pos         engage.Pos
	Err         error
}

func (e *MappingError) Error() string { return e.Destination + ": " + e.Message }

// Unwrap returns the cause.
func (e *MappingError) Unwrap() error { return e.Err }

// evaluate gives the mapping's value. found is false if its path finds
// nothing: the mapping then does not apply. A required mapping that finds
// nothing or null is an error. The error is a [*MappingError], or the
// context's.
func (m *Mapping) evaluate(ctx context.Context, s *scope) (v any, found bool, err error) {
	v, found = m.Value, m.HasValue
	if !m.HasValue {
		v, found = m.Source.get(s.outputs[m.From.Index])
	}
	for _, t := range m.Transformations {
		if !found {
			break
		}
		if v == nil && !t.takesNull() {
			continue
		}
		if v, found, err = t.apply(ctx, s, v); err != nil {
			if ctx.Err() != nil {
				return nil, false, ctx.Err()
			}
			e := &MappingError{Code: "transformation", Destination: m.Destination, Message: fmt.Sprintf("%s: %s", t.Name(), err), Pos: m.SourcePos, Err: err}
			if x, ok := errors.AsType[*ExpressionError](err); ok {
				e.Code, e.Pos = x.Code, x.Pos
			}
			return nil, false, e
		}
	}
	if m.Required && (!found || v == nil) {
		what := "finds nothing"
		if found {
			what = "finds null"
		}
		return nil, false, &MappingError{Code: "required-mapping", Destination: m.Destination, Message: fmt.Sprintf("the mapping is required, and its source (%s) %s", m.Label, what), Pos: m.SourcePos}
	}
	return v, found, nil
}

// notKnown passes on what a dry run does not know yet.
func notKnown(v any) (any, bool) {
	if u, ok := pattern.FindUnknown(v); ok {
		return u, true
	}
	return nil, false
}

// identity leaves a value as it is.
type identity struct{}

func (identity) Name() string                    { return "Identity" }
func (identity) takesNull() bool                 { return false }
func (identity) check(in *shape) (*shape, error) { return in, nil }
func (identity) apply(_ context.Context, _ *scope, v any) (any, bool, error) {
	return v, true, nil
}
