package playbook

import (
	"bytes"
	"fmt"
	"html"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/osteele/liquid/expressions"
	"github.com/osteele/liquid/filters"
	"github.com/osteele/liquid/render"
	"github.com/osteele/tuesday"

	"github.com/andmoneyaps/engage-playbooks/internal/expression"
)

// filterSet collects the standard filters by name.
type filterSet map[string]any

func (f filterSet) AddFilter(name string, filter any) { f[name] = filter }

// liquidFilters are the filters that a template may use.
var liquidFilters = func() filterSet {
	f := filterSet{}
	filters.AddStandardFilters(f)
	delete(f, "type") // prints Go's types
	return f
}()

// newFilters are the filters of the renderings with this budget: the standard
// ones, of which those that read a clock or build more than they are given are
// replaced.
func (b *templateBudget) newFilters() expressions.Config {
	c := expressions.NewConfig()
	filters.AddStandardFilters(&c)
	addNumberFilters(&c)
	bounded := func(s string) (string, error) { return s, b.spend(len(s)) }
	c.AddFilter("date", func(v any, format func(string) string) (any, error) {
		return templateDate(v, format("%a, %b %d, %y"), b.now)
	})
	c.AddFilter("json", func(v any) (string, error) { return bounded(templateJSON(v)) })
	c.AddFilter("inspect", func(v any) (string, error) { return bounded(templateJSON(v)) })
	c.AddFilter("append", func(s, suffix string) (string, error) {
		if err := b.spend(len(s) + len(suffix)); err != nil {
			return "", err
		}
		return s + suffix, nil
	})
	c.AddFilter("prepend", func(s, prefix string) (string, error) {
		if err := b.spend(len(s) + len(prefix)); err != nil {
			return "", err
		}
		return prefix + s, nil
	})
	replace := func(n int) func(s, old, by string) (string, error) {
		return func(s, old, by string) (string, error) {
			hits := strings.Count(s, old)
			if n >= 0 {
				hits = min(hits, n)
			}
			if err := b.spend(len(s) + hits*max(0, len(by)-len(old))); err != nil {
				return "", err
			}
			return strings.Replace(s, old, by, n), nil
		}
	}
	c.AddFilter("replace", replace(-1))
	c.AddFilter("replace_first", replace(1))
	c.AddFilter("join", func(list []any, sep func(string) string) (string, error) {
		s := sep(" ")
		var parts []string
		n := 0
		for _, v := range list {
			if v == nil {
				continue
			}
			text := fmt.Sprint(v)
			if f, ok := v.(float64); ok {
				text = fmt.Sprint(expression.Float(f))
			}
			if n += len(text) + len(s); n > maxText {
				b.spent = true
				return "", errTemplateBudget
			}
			parts = append(parts, text)
		}
		if err := b.spend(n); err != nil {
			return "", err
		}
		return strings.Join(parts, s), nil
	})
	c.AddFilter("concat", func(x, y []any) ([]any, error) {
		if err := b.spend(16 * (len(x) + len(y))); err != nil {
			return nil, err
		}
		return append(append(make([]any, 0, len(x)+len(y)), x...), y...), nil
	})
	for name, f := range map[string]func(string) string{
		"escape": html.EscapeString, "newline_to_br": func(s string) string { return strings.ReplaceAll(s, "\n", "<br />") },
		"url_encode": url.QueryEscape, "upcase": strings.ToUpper, "downcase": strings.ToLower,
	} {
		c.AddFilter(name, func(s string) (string, error) {
			if err := b.spend(len(s)); err != nil {
				return "", err
			}
			return bounded(f(s))
		})
	}
	return c
}

// templateDate is the date filter: the instant in its own offset. What is no
// date stays as it is, as in every Liquid.
func templateDate(v any, format string, now time.Time) (any, error) {
	s, ok := v.(string)
	if !ok {
		return v, nil
	}
	var t time.Time
	switch s {
	case "now", "today":
		t = now
	default:
		parsed := false
		for _, layout := range []string{time.RFC3339, time.DateOnly, "2006-01-02T15:04:05", time.DateTime} {
			if d, err := time.Parse(layout, s); err == nil {
				t, parsed = d, true
				break
			}
		}
		if !parsed {
			return v, nil
		}
	}
	return tuesday.Strftime(format, t)
}

// capture is the capture tag with the budget of the output.
func capture(node render.BlockNode) (func(io.Writer, render.Context) error, error) {
	name := strings.TrimSpace(node.Args)
	if name == "" || strings.ContainsAny(name, " \t") {
		return nil, fmt.Errorf("syntax error: capture takes one name")
	}
	return func(_ io.Writer, c render.Context) error {
		b, ok := c.Get(budgetName).(*templateBudget)
		if !ok {
			return errTemplateBudget
		}
		w := &boundedWriter{budget: b, buf: &bytes.Buffer{}}
		if err := c.RenderChildren(w); err != nil {
			return err
		}
		if err := b.spend(w.buf.Len()); err != nil {
			return err
		}
		c.Set(name, w.buf.String())
		return nil
	}, nil
}
