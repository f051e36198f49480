package pattern

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/andmoneyaps/engage-playbooks"
	"github.com/andmoneyaps/engage-playbooks/internal/document"
)

// Operator is the comparison of a filter's leaf.
type Operator string

// The operators, by word. Documents may also use the signs = != > >= < <=.
const (
	Equals              Operator = "Equals"
	NotEquals           Operator = "NotEquals"
	GreaterThan         Operator = "GreaterThan"
	GreaterThanOrEquals Operator = "GreaterThanOrEquals"
	LessThan            Operator = "LessThan"
	LessThanOrEquals    Operator = "LessThanOrEquals"
	In                  Operator = "In"
	NotIn               Operator = "NotIn"
	Contains            Operator = "Contains"
	StartsWith          Operator = "StartsWith"
	EndsWith            Operator = "EndsWith"
	IsNull              Operator = "IsNull"
	IsNotNull           Operator = "IsNotNull"
)

// operatorWords are all spellings, words first.
var operatorWords = []string{
	"Equals", "NotEquals", "GreaterThan", "GreaterThanOrEquals", "LessThan", "LessThanOrEquals",
	"In", "NotIn", "Contains", "StartsWith", "EndsWith", "IsNull", "IsNotNull",
	"=", "!=", ">", ">=", "<", "<=",
}

var operatorSigns = map[string]Operator{
	"=": Equals, "!=": NotEquals, ">": GreaterThan, ">=": GreaterThanOrEquals, "<": LessThan, "<=": LessThanOrEquals,
}

func operator(word string) Operator {
	if op, ok := operatorSigns[word]; ok {
		return op
	}
	return Operator(word)
}

// takesValue reports whether the operator compares with a value.
func (op Operator) takesValue() bool { return op != IsNull && op != IsNotNull }

// takesList reports whether the value is a list.
func (op Operator) takesList() bool { return op == In || op == NotIn }

// ValueName is the destination of a filter that has one leaf to fill.
const ValueName = "value"

// Filter is a tree of conditions on one part: All or Any with branches, or a
// leaf. It is immutable.
type Filter struct {
	// Group says that the filter is All or Any of its branches.
	Group    Group
	Branches []*Filter
	// Field, Operator and, for most operators, a value make a leaf. An input
	// reaches the value by the leaf's Name.
	Field    string
	Operator Operator
	Value    any
	HasValue bool
	Name     string
	Pos      engage.Pos

	fieldPos, valuePos engage.Pos
}

// Group says how branches are joined; "" for a leaf.
type Group string

// The groups.
const (
	Leaf Group = ""
	All  Group = "all"
	Any  Group = "any"
)

// getDate is a value that stands for the run's instant plus some days. It is
// syntax of documents and filter inputs alone, and only for dates.
var getDate = regexp.MustCompile(`^GetDate\(\s*([+-]?[0-9]{1,6})\s*\)$`)

// days reads a GetDate value.
func days(v any) (int, bool) {
	s, ok := v.(string)
	if !ok || !strings.HasPrefix(s, "GetDate(") {
		return 0, false
	}
	m := getDate.FindStringSubmatch(s)
	if m == nil {
		return 0, false
	}
	n, err := strconv.Atoi(m[1])
	return n, err == nil
}

// DecodeFilter reads a filter from a document; nil if something is wrong with
// it, which is then reported.
func DecodeFilter(n document.Node, problems *engage.Problems) *Filter {
	var own engage.Problems
	f := decodeFilter(n, &own)
	if f != nil {
		f.checkNames(&own)
	}
	*problems = append(*problems, own...)
	if own.HasErrors() {
		return nil
	}
	return f
}

func decodeFilter(n document.Node, problems *engage.Problems) *Filter {
	m := n.Mapping(problems, "filter", "field", "operator", "value", "name", "all", "any")
	if !m.Ok() {
		return nil
	}
	f := &Filter{Pos: m.Pos()}
	for _, group := range []Group{All, Any} {
		if !m.Has(string(group)) {
			continue
		}
		if len(m.Keys()) > 1 {
			problems.Errorf(m.Pos(), "wrong-filter", "filter: all, any, or a field with its operator; not several of them")
			return nil
		}
		f.Group = group
		for _, branch := range m.List(string(group)) {
			if b := decodeFilter(branch, problems); b != nil {
				f.Branches = append(f.Branches, b)
			}
		}
		if len(m.Get(string(group)).Items()) == 0 && m.Get(string(group)).Type() == document.List {
			problems.Errorf(m.Get(string(group)).Pos(), "wrong-filter", "filter: %s is empty", group)
		}
		return f
	}
	m.Require("field", "operator")
	field := m.NonEmpty("field")
	f.Field, f.fieldPos = field.Value, field.Pos
	f.Operator = operator(m.OneOf("operator", operatorWords...))
	f.Name = m.NonEmpty("name").Value
	if m.Has("value") {
		f.Value, f.HasValue = m.Get("value").Value(problems), true
		f.valuePos = m.Get("value").Pos()
	}
	if f.Operator == "" {
		return f
	}
	if err := f.checkShape(); err != nil {
		problems.Errorf(f.valueAt(), "wrong-filter", "filter on %s: %s", f.Field, err)
	}
	return f
}

func (f *Filter) valueAt() engage.Pos {
	if f.HasValue && f.valuePos.Line > 0 {
		return f.valuePos
	}
	return f.Pos
}

// checkShape says what is wrong with a leaf's value whatever its field is.
func (f *Filter) checkShape() error {
	switch {
	case !f.Operator.takesValue():
		if f.HasValue || f.Name != "" {
			return fmt.Errorf("%s takes no value", f.Operator)
		}
		return nil
	case !f.HasValue:
		return nil
	case f.Value == nil:
		return fmt.Errorf("%s cannot compare with null; use IsNull", f.Operator)
	}
	if _, ok := f.Value.(Unknown); ok {
		return nil
	}
	_, list := f.Value.([]any)
	if list != f.Operator.takesList() {
		if list {
			return fmt.Errorf("%s compares with one value, not with a list; use In", f.Operator)
		}
		return fmt.Errorf("%s wants a list", f.Operator)
	}
	return nil
}

// checkNames reports names that two leaves have.
func (f *Filter) checkNames(problems *engage.Problems) {
	seen := map[string]engage.Pos{}
	for _, leaf := range f.Leaves() {
		if leaf.Name == "" {
			continue
		}
		if first, twice := seen[leaf.Name]; twice {
			problems.Errorf(leaf.Pos, "duplicate-name", "filter: two leaves are called %q, the first in line %d", leaf.Name, first.Line)
		}
		seen[leaf.Name] = leaf.Pos
	}
}

// Leaves lists the leaves in document order.
func (f *Filter) Leaves() []*Filter {
	var leaves []*Filter
	f.each(func(leaf *Filter) { leaves = append(leaves, leaf) })
	return leaves
}

// each visits the leaves in document order.
func (f *Filter) each(visit func(leaf *Filter)) {
	if f.Group == Leaf {
		visit(f)
		return
	}
	for _, b := range f.Branches {
		b.each(visit)
	}
}

// only is the one leaf that the destination "value" means: the only one that
// takes a value, or the only one of those that has neither value nor name.
func (f *Filter) only() *Filter {
	var takes, open *Filter
	var taking, opened int
	f.each(func(leaf *Filter) {
		if !leaf.Operator.takesValue() {
			return
		}
		takes, taking = leaf, taking+1
		if !leaf.HasValue && leaf.Name == "" {
			open, opened = leaf, opened+1
		}
	})
	switch {
	case taking == 1:
		return takes
	case opened == 1:
		return open
	}
	return nil
}

// Destination finds the leaf that an input of the name gives a value: a leaf's
// name, or "value" where one leaf alone can be meant.
func (f *Filter) Destination(name string) (*Filter, *Error) {
	names := []string{}
	for _, leaf := range f.Leaves() {
		if leaf.Name != "" && leaf.Name == name {
			return leaf, nil
		}
		if leaf.Name != "" {
			names = append(names, leaf.Name)
		}
	}
	only := f.only()
	if name == ValueName && only != nil {
		return only, nil
	}
	if only != nil {
		names = append(names, ValueName)
	}
	if name == ValueName {
		return nil, &Error{Code: "unknown-destination", Message: "several leaves of the filter take a value; give each a name"}
	}
	err := &Error{Code: "unknown-destination", Message: fmt.Sprintf("the filter has no leaf %q", name), Suggestion: document.Suggest(name, names)}
	if err.Suggestion == "" && len(names) > 0 {
		err.Suggestion = "it has " + strings.Join(names, ", ")
	}
	return nil, err
}

// With returns a copy with values given to leaves, by the names that
// Destination takes. An input wins over a value that the leaf has. The error
// is an [*Error]: a comparison without a value, or with null.
func (f *Filter) With(values map[string]any) (*Filter, error) {
	return f.with(values, f.only(), false)
}

// WithLiterals is With for values that stand in a document, as those of the
// filter itself do: a GetDate among them is one, and leaves may stay open.
func (f *Filter) WithLiterals(values map[string]any) (*Filter, error) {
	return f.with(values, f.only(), true)
}

func (f *Filter) with(values map[string]any, only *Filter, literals bool) (*Filter, error) {
	g := *f
	if f.Group != Leaf {
		g.Branches = make([]*Filter, len(f.Branches))
		for i, b := range f.Branches {
			w, err := b.with(values, only, literals)
			if err != nil {
				return nil, err
			}
			g.Branches[i] = w
		}
		return &g, nil
	}
	v, given := values[f.Name], false
	if f.Name != "" {
		_, given = values[f.Name]
	}
	if !given && f == only {
		v, given = values[ValueName]
	}
	if given {
		if _, isDate := days(v); isDate && !literals {
			return nil, f.errorf("wrong-filter", "a GetDate can only stand in the document")
		}
		g.Value, g.HasValue = v, true
	}
	if literals {
		return &g, nil
	}
	if err := g.complete(); err != nil {
		return nil, err
	}
	return &g, nil
}

func (f *Filter) errorf(code, format string, args ...any) *Error {
	return &Error{Code: code, Field: f.Field, Message: fmt.Sprintf(format, args...), Pos: f.Pos}
}

// complete reports a leaf whose value is missing or null: an event without an
// e-mail must not find all customers, nor all without one.
func (f *Filter) complete() error {
	if !f.Operator.takesValue() {
		return nil
	}
	if !f.HasValue || f.Value == nil {
		return f.errorf("no-value", "%s has no value to compare with; use IsNull to find records without one", f.Operator)
	}
	if err := f.checkShape(); err != nil {
		return f.errorf("wrong-filter", "%s", err)
	}
	return nil
}

// Data gives the filter as a JSON value that [ParseFilter] reads.
func (f *Filter) Data() any {
	if f.Group != Leaf {
		branches := make([]any, len(f.Branches))
		for i, b := range f.Branches {
			branches[i] = b.Data()
		}
		return map[string]any{string(f.Group): branches}
	}
	m := map[string]any{"field": f.Field, "operator": string(f.Operator)}
	if f.HasValue {
		m["value"] = f.Value
	}
	return m
}

// ParseFilter reads a filter from a JSON value: {field, operator, value, name},
// {all: [...]} or {any: [...]}, the form that [Filter.Data] gives. Every leaf
// must have its value. The error is an [*Error].
func ParseFilter(v any) (*Filter, error) {
	f, err := parseFilter(v)
	if err != nil {
		var e *Error
		if errors.As(err, &e) {
			return nil, e
		}
		return nil, &Error{Code: "wrong-filter", Message: err.Error()}
	}
	return f, nil
}

func parseFilter(v any) (*Filter, error) {
	m, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New("want a filter: {field, operator, value}, {all: [...]} or {any: [...]}")
	}
	for key := range m {
		switch key {
		case "field", "operator", "value", "name", "all", "any":
		default:
			return nil, fmt.Errorf("a filter has no member %q", key)
		}
	}
	for _, group := range []Group{All, Any} {
		branches, ok := m[string(group)]
		if !ok {
			continue
		}
		list, isList := branches.([]any)
		if !isList || len(list) == 0 || len(m) > 1 {
			return nil, fmt.Errorf("%s wants a list of filters, and stands alone", group)
		}
		f := &Filter{Group: group}
		for _, branch := range list {
			b, err := parseFilter(branch)
			if err != nil {
				return nil, err
			}
			f.Branches = append(f.Branches, b)
		}
		return f, nil
	}
	f := &Filter{}
	var word string
	if f.Field, ok = m["field"].(string); !ok || f.Field == "" {
		return nil, errors.New("a filter wants a field")
	}
	if word, ok = m["operator"].(string); !ok {
		return nil, errors.New("a filter wants an operator")
	}
	known := false
	for _, w := range operatorWords {
		known = known || w == word
	}
	if !known {
		return nil, f.errorf("wrong-filter", "unknown operator; one of %s", strings.Join(operatorWords, " "))
	}
	f.Operator = operator(word)
	f.Name, _ = m["name"].(string)
	f.Value, f.HasValue = m["value"]
	if f.HasValue && f.Value == nil && !f.Operator.takesValue() {
		f.HasValue = false
	}
	if err := f.complete(); err != nil {
		return nil, err
	}
	if err := f.checkShape(); err != nil {
		return nil, f.errorf("wrong-filter", "%s", err)
	}
	return f, nil
}
