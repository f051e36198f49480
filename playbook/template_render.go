package playbook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/osteele/liquid/expressions"
	"github.com/osteele/liquid/render"

	"github.com/andmoneyaps/engage-playbooks/internal/expression"
	"github.com/andmoneyaps/engage-playbooks/pattern"
)

// Rendering is the text of a template.
type Rendering struct {
	Text string
	// After names the block after which the text is known in full; empty if
	// it is. Where a value is not known yet, Text has "(known after X)".
	After string
}

// errTemplateBudget is the reason of a rendering that took too long or built
// too much.
var errTemplateBudget = errors.New("the budget of the template is spent (100 ms, 1 MiB of output)")

// Render renders the template with the values of its variables, JSON values or
// pattern.Unknown; a variable that is not among them is empty. now is the now
// of date filters, no other clock is read. Output and time are bounded. The
// error is an [*ExpressionError], which holds no values, or the context's.
func (t *Template) Render(ctx context.Context, vars map[string]any, now time.Time) (out Rendering, err error) {
	b := newBudget(ctx, now)
	defer b.free()
	defer func() {
		if r := recover(); r != nil {
			cause, _ := r.(error)
			out, err = Rendering{}, t.failed(ctx, b, 0, cause)
		}
	}()
	bindings := make(map[string]any, len(vars)+1)
	for _, name := range t.Variables {
		if v, ok := vars[name]; ok {
			bindings[name] = b.bind(v, &out.After)
		}
	}
	bindings[budgetName] = b
	w := &boundedWriter{budget: b, buf: &b.out}
	config := *t.config
	config.Config.Config = b.filters
	if rerr := render.Render(t.root, w, bindings, config); rerr != nil {
		return Rendering{}, t.failed(ctx, b, rerr.LineNumber(), rerr)
	}
	out.Text = w.buf.String()
	return out, nil
}

// failed makes the error of a rendering; the library's own text quotes values.
func (t *Template) failed(ctx context.Context, b *templateBudget, line int, cause error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	e := &ExpressionError{Code: "template", Pos: t.at(max(line, 1)), Message: fmt.Sprintf("template %q cannot be rendered: line %d", t.ID, max(line, 1))}
	if line == 0 {
		e.Message = fmt.Sprintf("template %q cannot be rendered", t.ID)
	}
	if b.spent || errors.Is(cause, errTemplateBudget) {
		e.Code, e.Err = "budget", errTemplateBudget
		e.Message = fmt.Sprintf("template %q: %s", t.ID, errTemplateBudget)
		return e
	}
	if f, ok := errors.AsType[expressions.FilterError](cause); ok {
		e.Message += fmt.Sprintf(": the filter %q does not fit its value", f.FilterName)
	}
	return e
}

// budgetName is a binding that no template can name.
const budgetName = "__budget"

// What a rendering may do whatever the clock says: so little is quick, and
// only a machine that does too much at once makes it late.
const (
	freeTicks = 512
	freeText  = 64 << 10
)

// templateBudget bounds one rendering.
type templateBudget struct {
	ctx      context.Context
	now      time.Time
	deadline time.Time
	text     int
	ticks    int
	spent    bool
	// What the next rendering can use again: the filters, which spend from this
	// budget, and room for the text.
	filters expressions.Config
	out     bytes.Buffer
}

// budgets are those of renderings that have ended.
var budgets = sync.Pool{New: func() any {
	b := &templateBudget{}
	b.filters = b.newFilters()
	return b
}}

func newBudget(ctx context.Context, now time.Time) *templateBudget {
	b := budgets.Get().(*templateBudget)
	b.ctx, b.now, b.deadline = ctx, now, time.Now().Add(expression.MaxTime)
	b.text, b.ticks, b.spent = 0, 0, false
	return b
}

// free gives the budget to another rendering.
func (b *templateBudget) free() {
	b.ctx = nil
	if b.out.Reset(); b.out.Cap() > freeText {
		b.out = bytes.Buffer{}
	}
	budgets.Put(b)
}

// tick compiles the tag that loops spend from the budget with.
func tick(string) (func(io.Writer, render.Context) error, error) {
	return func(_ io.Writer, c render.Context) error {
		b, ok := c.Get(budgetName).(*templateBudget)
		if !ok {
			return errTemplateBudget
		}
		return b.spend(0)
	}, nil
}

// spend takes bytes of text from the budget before they are built.
func (b *templateBudget) spend(bytes int) error {
	b.ticks++
	if b.text += bytes; bytes > maxText || b.text > 16*maxText {
		b.spent = true
		return errTemplateBudget
	}
	if bytes < 4096 && b.ticks%16 != 1 {
		return nil
	}
	if err := b.ctx.Err(); err != nil {
		return err
	}
	if (b.ticks > freeTicks || b.text > freeText) && time.Now().After(b.deadline) {
		b.spent = true
		return errTemplateBudget
	}
	return nil
}

// boundedWriter collects the output.
type boundedWriter struct {
	budget *templateBudget
	buf    *bytes.Buffer
}

func (w *boundedWriter) Write(p []byte) (int, error) {
	if w.buf.Len()+len(p) > maxText {
		w.budget.spent = true
		return 0, errTemplateBudget
	}
	if err := w.budget.spend(0); err != nil {
		return 0, err
	}
	return w.buf.Write(p)
}

// WriteString saves a copy.
func (w *boundedWriter) WriteString(s string) (int, error) {
	if w.buf.Len()+len(s) > maxText {
		w.budget.spent = true
		return 0, errTemplateBudget
	}
	if err := w.budget.spend(0); err != nil {
		return 0, err
	}
	return w.buf.WriteString(s)
}

// templateObject is an object as templates see it: loops go by name, and bare
// it prints as JSON.
type templateObject map[string]any

// Len and Index make loops go by name.
func (o templateObject) Len() int { return len(o) }

// Index gives the i-th pair of name and value.
func (o templateObject) Index(i int) any {
	names := slices.Sorted(maps.Keys(o))
	return []any{names[i], o[names[i]]}
}

func (o templateObject) String() string { return templateJSON(o) }

// bind turns a JSON value into what templates see; an unknown value is its
// mark, and after is told.
func (b *templateBudget) bind(v any, after *string) any {
	switch v := v.(type) {
	case pattern.Unknown:
		if *after == "" {
			*after = v.After
		}
		return v.String()
	case json.Number:
		return templateNumber(v)
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = b.bind(item, after)
		}
		return out
	case map[string]any:
		out := make(templateObject, len(v))
		for name, item := range v {
			out[name] = b.bind(item, after)
		}
		return out
	}
	return v
}

// templateJSON is the json filter: what the bindings hold as JSON text.
func templateJSON(v any) string {
	text, err := expression.Marshal(v)
	if err != nil {
		return ""
	}
	return text
}
