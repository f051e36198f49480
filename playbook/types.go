package playbook

import (
	"maps"
	"slices"

	"github.com/andmoneyaps/engage-playbooks/entity"
	"github.com/andmoneyaps/engage-playbooks/internal/expression"
	"github.com/andmoneyaps/engage-playbooks/pattern"
)

// kind is what a value is, as far as that is known before it is there.
type kind uint8

const (
	kindAny kind = iota
	kindNull
	kindBool
	kindInt
	kindNumber
	kindText
	kindList
	kindObject
	// kindLabel is a choice: a label, or a number where there is no label.
	kindLabel
	// kindFilter is the output of an EntityPatternFilter.
	kindFilter
)

func (k kind) String() string {
	return [...]string{"any value", "null", "true or false", "a whole number", "a number", "text", "a list", "an object", "a label", "a filter"}[k]
}

// Formats of texts, as JSON Schema names them.
const (
	formatDateTime = "date-time"
	formatDate     = "date"
	formatGUID     = "uuid"
)

// shape is what is known of a value before it is there: the static types of
// triggers, patterns, capabilities, templates and expressions. Null is a value
// of every shape. It is immutable.
type shape struct {
	kind kind
	// format of a text, if known.
	format string
	// members of an object in order; an open object may have others.
	members map[string]*shape
	names   []string
	open    bool
	// items of a list; nil: any.
	items *shape
	// filter is the tree that the block gives values to.
	filter *filterOutput
	// absent explains members that one might look for and that are not there.
	absent map[string]string

	// typed is the shape as expressions see it, made when first asked for.
	typed *expression.Type
}

// filterOutput is what is known of the output of an EntityPatternFilter.
type filterOutput struct {
	tree *pattern.Filter
	// given are the shapes of the values that inputs give to leaves.
	given map[*pattern.Filter]*shape
}

var (
	dynamic   = &shape{kind: kindAny}
	nullShape = &shape{kind: kindNull}
	boolShape = &shape{kind: kindBool}
	intShape  = &shape{kind: kindInt}
	numShape  = &shape{kind: kindNumber}
	textShape = &shape{kind: kindText}
	guidShape = &shape{kind: kindText, format: formatGUID}
	dateTime  = &shape{kind: kindText, format: formatDateTime}
	dateShape = &shape{kind: kindText, format: formatDate}
	labelled  = &shape{kind: kindLabel}
	openShape = sealed(&shape{kind: kindObject, open: true})
	anyList   = sealed(&shape{kind: kindList, items: dynamic})
)

func listOf(items *shape) *shape { return &shape{kind: kindList, items: items} }

// object builds the shape of an object; add keeps the order.
func object() *shape { return objectOf(0) }

// objectOf is object with room for n members.
func objectOf(n int) *shape {
	return &shape{kind: kindObject, members: make(map[string]*shape, n), names: make([]string, 0, n)}
}

func (s *shape) add(name string, m *shape) *shape {
	if _, twice := s.members[name]; !twice {
		s.names = append(s.names, name)
	}
	s.members[name] = m
	return s
}

// item is the shape of a list's items.
func (s *shape) item() *shape {
	if s.kind != kindList || s.items == nil {
		return dynamic
	}
	return s.items
}

// expr is the shape as expressions see it. It is kept, so a shape that several
// loads share must be sealed first.
func (s *shape) expr() expression.Type {
	if s.typed != nil {
		return *s.typed
	}
	t := s.exprType()
	if s.kind == kindList || s.kind == kindObject {
		s.typed = &t
	}
	return t
}

// sealed makes a shape ready to be shared.
func sealed(s *shape) *shape {
	s.expr()
	return s
}

func (s *shape) exprType() expression.Type {
	switch s.kind {
	case kindBool:
		return expression.Scalar(expression.Bool)
	case kindInt:
		return expression.Scalar(expression.Int)
	case kindNumber:
		return expression.Scalar(expression.Number)
	case kindText:
		return expression.Scalar(expression.Text)
	case kindList:
		return expression.ListOf(s.item().expr())
	case kindObject:
		members := make(map[string]expression.Type, len(s.members))
		for name, m := range s.members {
			members[name] = m.expr()
		}
		return expression.ObjectOf(members, s.open)
	}
	return expression.Scalar(expression.Any)
}

// ofExpression is the shape of an expression's result.
func ofExpression(k expression.Kind) *shape {
	switch k {
	case expression.Null:
		return nullShape
	case expression.Bool:
		return boolShape
	case expression.Int:
		return intShape
	case expression.Number:
		return numShape
	case expression.Text:
		return textShape
	case expression.List:
		return anyList
	case expression.Object:
		return openShape
	}
	return dynamic
}

// ofValue is the shape of a literal.
func ofValue(v any) *shape {
	switch v := v.(type) {
	case nil:
		return nullShape
	case bool:
		return boolShape
	case string:
		return textShape
	case []any:
		s := listOf(dynamic)
		for i, item := range v {
			switch t := ofValue(item); {
			case i == 0:
				s.items = t
			case t.kind != s.items.kind:
				s.items = dynamic
				return s
			}
		}
		return s
	case map[string]any:
		s := object()
		for _, name := range slices.Sorted(maps.Keys(v)) {
			s.add(name, ofValue(v[name]))
		}
		return s
	}
	return numShape
}

// ofField is the shape of a field's value as a read gives it.
func ofField(f *entity.Field) *shape {
	switch f.Type {
	case entity.TypeString:
		return textShape
	case entity.TypeBoolean:
		return boolShape
	case entity.TypeInt:
		return intShape
	case entity.TypeDouble, entity.TypeDecimal, entity.TypeMoney:
		return numShape
	case entity.TypeDateTime:
		return dateTime
	case entity.TypeDate:
		return dateShape
	case entity.TypeGuid, entity.TypeLookup:
		return guidShape
	case entity.TypeChoice:
		return choiceShape(f)
	case entity.TypeChoices:
		return listOf(choiceShape(f))
	case entity.TypePartyList:
		return listOf(object().add("Id", guidShape).add("Type", textShape).add("Name", textShape).add("Address", textShape))
	}
	return dynamic
}

func choiceShape(f *entity.Field) *shape {
	if len(f.Choices) == 0 {
		return intShape
	}
	return labelled
}

// ofSent is the shape of a field in the result of a write: what was sent, in
// whatever form it was given.
func ofSent(f *entity.Field) *shape {
	switch f.Type {
	case entity.TypeLookup, entity.TypeChoices:
		return dynamic
	}
	return ofField(f)
}

// ofParameter is the shape of a capability's input or output.
func ofParameter(t entity.Type) *shape {
	switch t {
	case TypeObject:
		return openShape
	case TypeArray, entity.TypeChoices, entity.TypePartyList:
		return anyList
	case entity.TypeChoice:
		return dynamic
	case entity.TypeLookup:
		return guidShape
	}
	return ofField(&entity.Field{Type: t})
}
