package expression

import (
	"maps"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/checker/nature"
	"github.com/expr-lang/expr/types"
)

// The names that rewritten expressions call; no document can write them.
const (
	fnTick  = "__tick"  // spends one step
	fnGet   = "__get"   // a member, ready to be worked with
	fnRaw   = "__raw"   // a member on the way to another
	fnValue = "__value" // a name, ready to be worked with
	fnOp    = "__op"    // an operator
	fnDate  = "__date"  // GetDate
)

// replaced are the builtins whose work or result is not bounded by the loops'
// budget, and len, which must know what is not known yet.
var replaced = map[string]bool{
	"len":    true,
	"string": true, "toJSON": true, "fromJSON": true, "toBase64": true, "fromBase64": true,
	"upper": true, "lower": true, "join": true, "replace": true, "repeat": true, "split": true, "concat": true, "flatten": true, "uniq": true,
	"max": true, "min": true, "mean": true, "median": true,
}

// operators are those that must know null, or whose result must be bounded.
var operators = map[string]bool{
	"==": true, "!=": true, "<": true, "<=": true, ">": true, ">=": true, "in": true,
	"+": true, "-": true, "*": true,
	"matches": true, "contains": true, "startsWith": true, "endsWith": true,
}

// safeNames are the functions that rewritten expressions call.
var safeNames = func() map[string]nature.Nature {
	fast := types.TypeOf(func(...any) any { return nil }).Nature()
	m := map[string]nature.Nature{}
	for _, name := range []string{fnTick, fnGet, fnRaw, fnValue, fnOp, fnDate} {
		m[name] = fast
	}
	for name := range replaced {
		m["__"+name] = fast
	}
	return m
}()

// safeEnv declares the names of a rewritten expression: any value is of any
// type.
func safeEnv(vars []string) nature.Nature {
	n := types.Map{}.Nature()
	n.Fields = maps.Clone(safeNames)
	for _, name := range vars {
		n.Fields[name] = types.Any.Nature()
	}
	return n
}

// rewrite makes an expression safe to run; see the package comment.
type rewrite struct{ vars map[string]bool }

// Visit implements [ast.Visitor]: children before their parents.
func (r *rewrite) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		if r.vars[n.Value] {
			ast.Patch(node, call(n, fnValue, n, &ast.StringNode{Value: n.Value}))
		}
	case *ast.CallNode:
		if id, ok := n.Callee.(*ast.IdentifierNode); ok && id.Value == "GetDate" {
			ast.Patch(node, call(n, fnDate, n.Arguments...))
		}
	case *ast.MemberNode:
		if n.Method {
			return
		}
		ast.Patch(node, call(n, fnGet, raw(n.Node), n.Property))
	case *ast.BinaryNode:
		if operators[n.Operator] {
			ast.Patch(node, call(n, fnOp, &ast.StringNode{Value: n.Operator}, n.Left, n.Right))
		}
	case *ast.BuiltinNode:
		if n.Name == "len" && len(n.Arguments) == 1 {
			n.Arguments[0] = raw(n.Arguments[0])
		}
		if replaced[n.Name] {
			ast.Patch(node, call(n, "__"+n.Name, n.Arguments...))
			return
		}
		ast.Patch(node, tick(n))
	case *ast.PredicateNode:
		n.Node = tick(n.Node)
	}
}

// raw takes back the conversion of a value that is only passed through.
func raw(n ast.Node) ast.Node {
	c, ok := n.(*ast.CallNode)
	if !ok {
		return n
	}
	switch id, _ := c.Callee.(*ast.IdentifierNode); {
	case id == nil:
	case id.Value == fnGet:
		id.Value = fnRaw
	case id.Value == fnValue:
		return c.Arguments[0]
	}
	return n
}

func call(at ast.Node, name string, args ...ast.Node) ast.Node {
	callee := &ast.IdentifierNode{Value: name}
	callee.SetLocation(at.Location())
	c := &ast.CallNode{Callee: callee, Arguments: args}
	c.SetLocation(at.Location())
	return c
}

func tick(n ast.Node) ast.Node {
	s := &ast.SequenceNode{Nodes: []ast.Node{call(n, fnTick), n}}
	s.SetLocation(n.Location())
	return s
}
