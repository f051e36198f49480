package expression

import (
	"reflect"

	"github.com/expr-lang/expr/checker/nature"
	"github.com/expr-lang/expr/types"
)

// Kind is what a value of an expression is.
type Kind uint8

// The kinds of values.
const (
	Any Kind = iota
	Null
	Bool
	Int
	Number
	Text
	List
	Object
)

// Type is what is known of a value when an expression is compiled. It is
// immutable.
type Type struct {
	t types.Type
	// names are the members of all objects within, for suggestions.
	names []string
}

// Scalar gives the type of a kind: of a List any list, of an Object any
// object.
func Scalar(k Kind) Type {
	switch k {
	case Bool:
		return Type{t: types.Bool}
	case Int:
		return Type{t: types.Int}
	case Number:
		return Type{t: types.Float64}
	case Text:
		return Type{t: types.String}
	case List:
		return Type{t: types.Array(types.Any)}
	case Object:
		return Type{t: types.Map{types.Extra: types.Any}}
	}
	return Type{t: types.Any}
}

// ListOf gives the type of a list.
func ListOf(item Type) Type { return Type{t: types.Array(item.t), names: item.names} }

// ObjectOf gives the type of an object; an open one may have further members
// of any type.
func ObjectOf(members map[string]Type, open bool) Type {
	m := make(types.Map, len(members)+1)
	var names []string
	for name, t := range members {
		m[name] = t.t
		names = append(names, name)
		names = append(names, t.names...)
	}
	if open {
		m[types.Extra] = types.Any
	}
	return Type{t: m, names: names}
}

// result describes what the compiler found out about an expression's value.
// Only scalars and lists are told apart: what an expression builds is not
// walked further.
func result(n *nature.Nature) Kind {
	if n.Type == nil {
		if n.Nil {
			return Null
		}
		return Any
	}
	switch n.Type.Kind() {
	case reflect.Bool:
		return Bool
	case reflect.Int, reflect.Int64:
		return Int
	case reflect.Float64:
		return Number
	case reflect.String:
		return Text
	case reflect.Slice, reflect.Array:
		return List
	case reflect.Map:
		return Object
	}
	return Any
}
