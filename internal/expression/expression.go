// Package expression compiles and runs the expressions of documents: a when, a
// condition, an Expression transformation. They are expr-lang, checked against
// what is known of the values that they see, and run with a budget.
//
// An expression is compiled twice. The first time against the types that are
// known, which finds its mistakes. The second time against values of any type,
// rewritten so that running it is safe: null has null members, a comparison
// with null is false, numbers compare as numbers, every loop and every call
// spends from a budget, and what a dry run does not know yet makes the result
// unknown. There is no clock but the run's, no randomness, no I/O.
package expression

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/checker"
	"github.com/expr-lang/expr/compiler"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/types"
	"github.com/expr-lang/expr/vm"
)

// Bounds of one expression's text.
const (
	maxSource = 16 << 10
	maxNodes  = 1000
	// maxNesting bounds brackets, which the parser follows by recursion.
	maxNesting = 100
)

// Env is what an expression may see.
type Env struct {
	// Vars are the names and their types.
	Vars map[string]Type
	// Open says that there may be further names, of values of any type.
	Open bool
	// Blocks is the type of each member of the name "blocks"; nil: there is
	// no such name. Its members are only reached by literal names, and only
	// the types of those that are reached are asked for.
	Blocks map[string]func() Type
	// NoBlock says why there is no such member of blocks.
	NoBlock func(name string) Error
	// Bool wants true or false.
	Bool bool
}

// Error is a mistake in an expression, at a place in its text.
type Error struct {
	// Line and Col count from 1.
	Line, Col int
	Message   string
	// Unknown says that the mistake is a name that does not exist: Name, where
	// Candidates do.
	Unknown    bool
	Name       string
	Candidates []string
}

func (e *Error) Error() string { return e.Message }

// Program is a compiled expression. It may be run by many goroutines at once.
type Program struct {
	program *vm.Program
	vars    []string
	blocks  []string
	kind    Kind
	// functions are the names among the program's constants that may be those
	// of functions: all that it can call.
	functions []string
}

// Vars lists the names that the expression uses, sorted.
func (p *Program) Vars() []string { return p.vars }

// Blocks lists the members of blocks that the expression uses, sorted.
func (p *Program) Blocks() []string { return p.blocks }

// Kind is what the value is known to be.
func (p *Program) Kind() Kind { return p.kind }

// allowed are the builtins of expr that have neither clock nor randomness.
// Those whose work or result is not bounded by the loops' budget are replaced,
// see functions.go.
var allowed = []string{
	"all", "none", "any", "one", "filter", "map", "find", "findIndex", "findLast", "findLastIndex",
	"count", "sum", "groupBy", "sortBy", "reduce", "len", "type", "abs", "ceil", "floor", "round",
	"int", "float", "string", "trim", "trimPrefix", "trimSuffix", "upper", "lower", "split",
	"replace", "repeat", "join", "indexOf", "lastIndexOf", "hasPrefix", "hasSuffix", "max", "min",
	"mean", "median", "toJSON", "fromJSON", "toBase64", "fromBase64", "first", "last", "get", "take",
	"keys", "values", "toPairs", "fromPairs", "reverse", "uniq", "concat", "flatten", "sort",
}

// base is the configuration that every compilation starts from; it is copied,
// and what it points to is only read.
var base = func() conf.Config {
	c := conf.CreateNew()
	for _, option := range []expr.Option{expr.DisableAllBuiltins(), expr.Optimize(false), expr.MaxNodes(maxNodes)} {
		option(c)
	}
	for _, name := range allowed {
		expr.EnableBuiltin(name)(c)
	}
	for name := range c.Disabled {
		delete(c.Builtins, name)
	}
	return *c
}()

// typedBase declares GetDate to the type check; rewritten expressions have
// their own.
var typedBase = func() conf.Config {
	c := base
	c.Functions = conf.FunctionsTable{}
	expr.Function("GetDate", func(...any) (any, error) { return nil, nil }, new(func(int) string))(&c)
	return c
}()

// Compile checks and compiles an expression. The error is an [*Error].
func Compile(source string, env *Env) (p *Program, err error) {
	defer func() {
		// A malformed text must never end the process.
		if r := recover(); r != nil {
			p, err = nil, &Error{Line: 1, Col: 1, Message: "this expression cannot be compiled"}
		}
	}()
	if strings.TrimSpace(source) == "" {
		return nil, &Error{Line: 1, Col: 1, Message: "the expression is empty"}
	}
	if len(source) > maxSource {
		return nil, &Error{Line: 1, Col: 1, Message: fmt.Sprintf("the expression is longer than %d bytes", maxSource)}
	}
	if nesting(source) > maxNesting {
		return nil, &Error{Line: 1, Col: 1, Message: fmt.Sprintf("brackets are nested more than %d deep", maxNesting)}
	}
	typed := typedBase
	tree, err := parser.ParseWithConfig(source, &typed)
	if err != nil {
		return nil, explain(err, env)
	}
	refs := &references{
		env: env, vars: map[string]bool{}, blocks: map[string]bool{}, others: map[string]bool{}, named: map[ast.Node]bool{}, src: tree.Source,
	}
	ast.Walk(&tree.Node, refs)
	if e := refs.done(); e != nil {
		return nil, e
	}
	typed.WithEnv(refs.known())
	if env.Bool {
		expr.AsBool()(&typed)
	}
	if _, err := checker.Check(tree, &typed); err != nil {
		e := explain(err, env)
		if names := members(&tree.Node, e); names != nil {
			e.Candidates = names
		}
		return nil, e
	}
	p = &Program{
		vars:   slices.Sorted(maps.Keys(refs.vars)),
		blocks: slices.Sorted(maps.Keys(refs.blocks)),
		kind:   result(tree.Node.Nature()),
	}
	ast.Walk(&tree.Node, &rewrite{vars: refs.vars})
	safe := base
	safe.Env = safeEnv(p.vars)
	safe.Strict = true
	if _, err := checker.Check(tree, &safe); err != nil {
		return nil, explain(err, env)
	}
	if p.program, err = compiler.Compile(tree, &safe); err != nil {
		return nil, explain(err, env)
	}
	for _, c := range p.program.Constants {
		if name, ok := c.(string); ok && functions[name] != nil {
			p.functions = append(p.functions, name)
		}
	}
	return p, nil
}

// nesting is the depth of a text's brackets; those in its literals count too.
func nesting(source string) int {
	depth, deepest := 0, 0
	for _, c := range []byte(source) {
		switch c {
		case '(', '[', '{':
			depth++
			deepest = max(deepest, depth)
		case ')', ']', '}':
			depth = max(0, depth-1)
		}
	}
	return deepest
}

// references notes which names an expression uses, and finds what the type
// check lets pass.
type references struct {
	env          *Env
	vars, blocks map[string]bool
	// others are the names that are neither declared by the environment nor,
	// as false, by the expression.
	others map[string]bool
	// bare are the identifiers "blocks", of which each must be followed by a
	// literal name.
	bare  []*ast.IdentifierNode
	named map[ast.Node]bool
	err   *Error
	src   file.Source
}

func (r *references) fail(n ast.Node, e Error) {
	if r.err == nil {
		f := (&file.Error{Location: n.Location()}).Bind(r.src)
		e.Line, e.Col = f.Line, f.Column+1
		r.err = &e
	}
}

// Visit implements [ast.Visitor].
func (r *references) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		if n.Value == "$env" || strings.HasPrefix(n.Value, "__") {
			r.fail(n, Error{Message: fmt.Sprintf("unknown name %q", n.Value), Unknown: true})
		}
		if _, ok := r.env.Vars[n.Value]; ok {
			r.vars[n.Value] = true
		} else if _, declared := r.others[n.Value]; !declared {
			r.others[n.Value] = true
		}
		if n.Value == "blocks" && r.env.Blocks != nil {
			r.bare = append(r.bare, n)
			r.vars[n.Value] = true
		}
	case *ast.VariableDeclaratorNode:
		r.others[n.Name] = false
	case *ast.CallNode:
		if id, ok := n.Callee.(*ast.IdentifierNode); ok {
			r.others[id.Value] = false
		}
	case *ast.MemberNode:
		id, ok := n.Node.(*ast.IdentifierNode)
		if !ok || id.Value != "blocks" || r.env.Blocks == nil {
			return
		}
		name, ok := n.Property.(*ast.StringNode)
		if !ok {
			return
		}
		r.named[id] = true
		r.blocks[name.Value] = true
		if _, ok := r.env.Blocks[name.Value]; !ok {
			r.fail(name, r.env.NoBlock(name.Value))
		}
	}
}

// known are the types of the names that the expression uses.
func (r *references) known() types.Map {
	m := types.Map{}
	for name := range r.vars {
		m[name] = r.env.Vars[name].t
	}
	if r.env.Open {
		for name, other := range r.others {
			if other {
				m[name], r.vars[name] = types.Any, true
			}
		}
	}
	if r.vars["blocks"] && r.env.Blocks != nil {
		blocks := types.Map{}
		for name := range r.blocks {
			blocks[name] = r.env.Blocks[name]().t
		}
		m["blocks"] = blocks
	}
	return m
}

// done reports what is wrong once the whole expression has been seen.
func (r *references) done() *Error {
	for _, id := range r.bare {
		if !r.named[id] {
			r.fail(id, Error{Message: `blocks is only read by a literal name: blocks["Name of the block"]`})
		}
	}
	return r.err
}

// members are the names that the object has in which the error found none; nil
// if that is not the mistake, or the object has none.
func members(root *ast.Node, e *Error) []string {
	if !e.Unknown {
		return nil
	}
	v := &memberNames{name: e.Name}
	ast.Walk(root, v)
	slices.Sort(v.names)
	return v.names
}

// memberNames collects the members of the objects of which the expression
// wants one of that name that they do not have.
type memberNames struct {
	name  string
	names []string
}

// Visit implements [ast.Visitor].
func (v *memberNames) Visit(node *ast.Node) {
	n, ok := (*node).(*ast.MemberNode)
	if !ok {
		return
	}
	if p, ok := n.Property.(*ast.StringNode); !ok || p.Value != v.name {
		return
	}
	for name := range n.Node.Nature().Fields {
		v.names = append(v.names, name)
	}
}

var (
	unknownName  = regexp.MustCompile(`^unknown name (\S+)$`)
	unknownField = regexp.MustCompile(`^(?:unknown field (\S+)|type .* has no field (\S+))$`)
	nonBool      = regexp.MustCompile(`^expected bool, but got (.*)$`)
)

// explain turns an error of the compiler into ours.
func explain(err error, env *Env) *Error {
	fe, ok := errors.AsType[*file.Error](err)
	if !ok {
		if m := nonBool.FindStringSubmatch(err.Error()); m != nil {
			return &Error{Line: 1, Col: 1, Message: "this must be true or false, but it gives " + goType(m[1])}
		}
		return &Error{Line: 1, Col: 1, Message: firstLine(err.Error())}
	}
	e := &Error{Line: max(fe.Line, 1), Col: fe.Column + 1, Message: firstLine(fe.Message)}
	switch {
	case unknownName.MatchString(e.Message):
		e.Unknown, e.Name = true, unknownName.FindStringSubmatch(e.Message)[1]
		e.Message = fmt.Sprintf("unknown name %q", e.Name)
		e.Candidates = append(slices.Sorted(maps.Keys(env.Vars)), allowed...)
		e.Candidates = append(e.Candidates, "GetDate")
		if env.Blocks != nil {
			e.Candidates = append(e.Candidates, "blocks")
		}
	case unknownField.MatchString(e.Message):
		m := unknownField.FindStringSubmatch(e.Message)
		e.Unknown, e.Name = true, m[1]+m[2]
		e.Message = fmt.Sprintf("there is no member %q here", e.Name)
		for _, t := range env.Vars {
			e.Candidates = append(e.Candidates, t.names...)
		}
		for _, t := range env.Blocks {
			e.Candidates = append(e.Candidates, t().names...)
		}
		slices.Sort(e.Candidates)
	case e.Message == "unexpected token EOF", e.Message == "unexpected end of expression":
		e.Message = "the expression ends too early: a value or a closing bracket is missing"
	case e.Message == "unexpected token String":
		e.Message = "expected an operator before this text"
	case unexpected.MatchString(e.Message):
		m := unexpected.FindStringSubmatch(e.Message)
		e.Message = unexpectedToken(m[1], m[2])
	case e.Message == "literal not terminated":
		e.Message = "a text has no closing quote"
	default:
		e.Message = goType(e.Message)
	}
	return e
}

// unexpected is how the parser names a token that it did not expect.
var unexpected = regexp.MustCompile(`^unexpected token (\w+)\((".*")\)$`)

// unexpectedToken says what a token that was not expected means to people.
func unexpectedToken(kind, quoted string) string {
	text, err := strconv.Unquote(quoted)
	switch {
	case err != nil:
		return "this was not expected here"
	case kind == "Operator" && text == "=":
		return "= is no operator: write == to compare"
	case kind == "Operator":
		return "expected a value before " + text
	case kind == "Bracket" && strings.Contains(")]}", text):
		return "expected a value, or an opening bracket, before " + text
	case kind == "String":
		return "expected an operator before the text " + quoted
	}
	return "expected an operator before " + text
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}

// goTypes are the names of Go's types and of ours.
var goTypes = strings.NewReplacer(
	"map[string]interface {}", "object", "map[string]any", "object", "[]interface {}", "list", "[]any", "list",
	"interface {}", "unknown", "<nil>", "null",
)

var goWords = regexp.MustCompile(`\b(float64|int|string|bool|map|any)\b`)

// goType puts the names of our kinds in the place of those of Go.
func goType(s string) string {
	return goWords.ReplaceAllStringFunc(goTypes.Replace(s), func(w string) string {
		switch w {
		case "float64":
			return "number"
		case "int":
			return "whole number"
		case "string":
			return "text"
		case "bool":
			return "true or false"
		}
		return w
	})
}
