package pattern

import (
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

// Filter is a tree of conditions on one part: All or Any with branches, or a
// leaf. It is immutable.
type Filter struct {
	All, Any []*Filter
	// Leaf: Field, Operator and, for most operators, a value. Name lets an
	// input give the value; the only leaf without a name is also called
	// "value".
	Field    string
	Operator Operator
	Value    any
	HasValue bool
	Name     string
	Pos      engage.Pos

	group bool
}

// ParseFilter reads a filter from a JSON value: {field, operator, value, name},
// {all: [...]} or {any: [...]}, the form that [Filter.Data] gives.
func ParseFilter(v any) (*Filter, error) { return nil, nil }

// DecodeFilter reads a filter from a document. It returns nil if it is of no
// use.
func DecodeFilter(n document.Node, problems *engage.Problems) *Filter { return nil }

// Leaves lists the leaves in document order.
func (f *Filter) Leaves() []*Filter { return nil }

// Destination finds the leaf that an input of the name gives a value: "value"
// for the only leaf that takes one, or a leaf's name.
func (f *Filter) Destination(name string) (*Filter, *Error) { return nil, nil }

// With returns a copy with values given to leaves, by the leaf's name or
// "value". An input wins over a value that the leaf has. The error is an
// [*Error]: a comparison without value, or with null.
func (f *Filter) With(values map[string]any) (*Filter, error) { return f, nil }

// Data gives the filter as a JSON value that [ParseFilter] reads.
func (f *Filter) Data() any { return nil }

// CheckFilter reports what of the filter does not fit the part: unknown
// fields, operators that the field's type has not, values that do not fit.
func (p *Part) CheckFilter(f *Filter) []*Error { return nil }
