package expression

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"strconv"
	"sync"
	"time"

	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"
)

// Budget of one evaluation.
const (
	// MaxOutput is the most bytes of text that one value may hold.
	MaxOutput = 1 << 20
	// MaxTime is how long one evaluation may take.
	MaxTime = 100 * time.Millisecond
	// freeSteps are taken whatever the clock says: an evaluation of so few
	// takes a quarter of the time, and only a machine that does too much at once
	// makes it late. Joining 5,000 employees with a list takes 80,000.
	freeSteps = 1 << 17
	// maxItems is how many items of lists and objects it may build.
	maxItems = 200_000
	// maxText is how many bytes of text it may build on its way.
	maxText = 16 << 20
)

// ErrBudget is the reason of an evaluation that took too long or built too
// much.
var ErrBudget = errors.New("the budget of the expression is spent (100 ms, 1 MiB of output)")

// Input is what one evaluation sees.
type Input struct {
	// Vars are JSON values by name: nil, bool, string, json.Number, []any,
	// map[string]any, or, where Unknown says so, values that are not known.
	Vars map[string]any
	// Blocks are the members of blocks.
	Blocks map[string]any
	// Now is the run's instant, for GetDate.
	Now time.Time
	// Unknown reports whether a value stands for one that is not known yet;
	// nil: none does.
	Unknown func(v any) bool
}

// RunError is why an evaluation gave nothing. It holds no values.
type RunError struct {
	// Line and Col count from 1, 0 where no place is known.
	Line, Col int
	Message   string
	Err       error
}

func (e *RunError) Error() string { return e.Message }

// Unwrap returns the cause: [ErrBudget], the context's, or nil.
func (e *RunError) Unwrap() error { return e.Err }

// unknown leaves an evaluation whose result hangs on a value not known yet.
type unknown struct{ value any }

func (unknown) Error() string { return "not known yet" }

// run is one evaluation.
type run struct {
	ctx      context.Context
	in       Input
	deadline time.Time
	steps    int
	text     int
	ready    map[readyKey]any
}

// Run evaluates the expression. The result is a JSON value. If it hangs on a
// value that is not known yet, the result is that value. Any error but the
// context's is a [*RunError].
func (p *Program) Run(ctx context.Context, in Input) (any, error) {
	r := &run{ctx: ctx, in: in, deadline: time.Now().Add(MaxTime)}
	env := make(map[string]any, len(p.vars)+len(p.functions)+1)
	for _, name := range p.functions {
		fn := functions[name]
		env[name] = func(args ...any) any { return fn(r, args) }
	}
	for _, name := range p.vars {
		env[name] = in.Vars[name]
	}
	if in.Blocks != nil {
		env["blocks"] = in.Blocks
	}
	out, err := (&vm.VM{MemoryBudget: maxItems}).Run(p.program, env)
	if err == nil {
		out, err = r.result(out)
	}
	if err == nil {
		return out, nil
	}
	if u, ok := errors.AsType[unknown](err); ok {
		return u.value, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	e := &RunError{Message: "the expression failed: its values do not fit what it does with them"}
	if fe, ok := errors.AsType[*file.Error](err); ok {
		e.Line, e.Col = max(fe.Line, 1), fe.Column+1
		if safeMessage().MatchString(fe.Message) {
			e.Message = "the expression failed: " + goType(fe.Message)
		}
		if fe.Message == "memory budget exceeded" {
			err = ErrBudget
		}
	}
	if own, ok := errors.AsType[failure](err); ok {
		e.Message = "the expression failed: " + own.message
	}
	if errors.Is(err, ErrBudget) {
		e.Message, e.Err = ErrBudget.Error(), ErrBudget
	}
	return nil, e
}

// safeMessage are the messages of the virtual machine that hold types and
// operators alone; the others may quote a value.
var safeMessage = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(invalid operation: <?[\w\[\]{} .]+>? [-+*/%<>=&|]+ <?[\w\[\]{} .]+>?|interface conversion: interface \{\} is [\w\[\]{} .<>]+, not [\w\[\]{} .]+|runtime error: integer divide by zero|cannot use <nil> as argument.*)$`)
})

// failure is an error of our own functions, without values.
type failure struct{ message string }

func (f failure) Error() string { return f.message }

func fail(format string, args ...any) {
	panic(failure{fmt.Sprintf(format, args...)})
}

// spend takes steps from the budget, and looks at the clock now and then.
func (r *run) spend(steps int) {
	before := r.steps / 64
	r.steps += steps
	if r.steps/64 == before && r.steps > 1 {
		return
	}
	if err := r.ctx.Err(); err != nil {
		panic(err)
	}
	if r.steps > freeSteps && time.Now().After(r.deadline) {
		panic(ErrBudget)
	}
}

// build takes text from the budget and returns it.
func (r *run) build(s string) string {
	r.reserve(len(s))
	return s
}

// reserve takes n bytes of text from the budget before they are built.
func (r *run) reserve(n int) {
	if r.text += n; n > MaxOutput || r.text > maxText || n < 0 {
		panic(ErrBudget)
	}
	r.spend(1 + n/1024)
}

// readyKey knows a list or object by its identity.
type readyKey struct {
	at  uintptr
	len int
	obj bool
}

// use makes a JSON value ready to be worked with: numbers become int or
// float64. A value that is not known yet ends the evaluation.
func (r *run) use(v any) any {
	switch v := v.(type) {
	case nil, bool, string, int, float64:
		return v
	case json.Number:
		return number(v)
	case []any:
		if len(v) == 0 {
			return v
		}
		key := readyKey{reflect.ValueOf(v).Pointer(), len(v), false}
		if done, ok := r.ready[key]; ok {
			return done
		}
		r.spend(len(v))
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = r.use(item)
		}
		return r.keep(key, out)
	case map[string]any:
		if len(v) == 0 {
			return v
		}
		key := readyKey{reflect.ValueOf(v).Pointer(), len(v), true}
		if done, ok := r.ready[key]; ok {
			return done
		}
		r.spend(len(v))
		out := make(map[string]any, len(v))
		for name, item := range v {
			out[name] = r.use(item)
		}
		return r.keep(key, out)
	}
	if r.in.Unknown != nil && r.in.Unknown(v) {
		panic(unknown{v})
	}
	return v
}

func (r *run) keep(key readyKey, v any) any {
	if r.ready == nil {
		r.ready = map[readyKey]any{}
	}
	r.ready[key] = v
	// What is ready is also ready when it is met again inside an expression.
	switch v := v.(type) {
	case []any:
		r.ready[readyKey{reflect.ValueOf(v).Pointer(), len(v), false}] = v
	case map[string]any:
		r.ready[readyKey{reflect.ValueOf(v).Pointer(), len(v), true}] = v
	}
	return v
}

// number gives a JSON number as int where it is a whole number of 64 bits, as
// the nearest float64 otherwise.
func number(n json.Number) any {
	if i, err := strconv.Atoi(string(n)); err == nil {
		return i
	}
	f, err := n.Float64()
	if err != nil {
		fail("a number is out of the range of a float64")
	}
	if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return int(f)
	}
	return f
}

// result turns the value of an expression into a JSON value.
func (r *run) result(v any) (out any, err error) {
	defer func() {
		if p := recover(); p != nil {
			e, ok := p.(error)
			if !ok {
				panic(p)
			}
			err = e
		}
	}()
	left := MaxOutput
	return r.toJSON(v, &left, 0), nil
}
