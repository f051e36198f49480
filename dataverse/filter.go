package dataverse

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// writeFilter writes f as the text of $filter, not yet percent-encoded, or
// nothing if all rows fit. The column never is at hand for a condition that no
// row satisfies, which OData has no word for.
func writeFilter(b *bytes.Buffer, f Filter, never string) (all bool, err error) {
	n := normalize(f, false, true)
	if c, ok := n.(constant); ok && bool(c) {
		return true, nil
	}
	e := filterEncoder{b: b, never: never}
	return false, e.encode(n, "")
}

type filterEncoder struct {
	b       *bytes.Buffer
	never   string
	lambdas int
}

// encode writes a normalized condition. Prefix is the variable of the lambda
// around it with a slash, or "".
func (e *filterEncoder) encode(f Filter, prefix string) error {
	switch f := f.(type) {
	case constant:
		fmt.Fprintf(e.b, "%s eq null and %[1]s ne null", e.never)
		return checkName("column", e.never)
	case And:
		return e.list(f, " and ", prefix)
	case Or:
		return e.list(f, " or ", prefix)
	case Not:
		e.b.WriteString("not ")
		return e.inParentheses(f.Filter, prefix)
	case Compare:
		if err := e.column(f.Column, prefix); err != nil {
			return err
		}
		return e.operand(f.Op, f.Column, f.Value)
	case CompareColumns:
		if err := e.column(f.Left, prefix); err != nil {
			return err
		}
		if err := checkOp(f.Op); err != nil {
			return err
		}
		e.write(" ", string(f.Op), " ")
		return e.column(f.Right, prefix)
	case Null:
		if err := e.column(f.Column, prefix); err != nil {
			return err
		}
		if f.Not {
			e.b.WriteString(" ne null")
		} else {
			e.b.WriteString(" eq null")
		}
		return nil
	case Match:
		switch f.Kind {
		case Contains, StartsWith, EndsWith:
		default:
			return fmt.Errorf("%q is no text function", f.Kind)
		}
		e.write(string(f.Kind), "(")
		if err := e.column(f.Column, prefix); err != nil {
			return err
		}
		e.b.WriteByte(',')
		if err := writeLiteral(e.b, escapeLike(f.Text)); err != nil {
			return fmt.Errorf("filter on %s: %w", f.Column, err)
		}
		e.b.WriteByte(')')
		return nil
	case In:
		return e.in(f, prefix)
	case Lambda:
		return e.lambda(f, prefix)
	default:
		return fmt.Errorf("a %T is no condition", f)
	}
}

func (e *filterEncoder) list(fs []Filter, word, prefix string) error {
	for i, f := range fs {
		if i > 0 {
			e.b.WriteString(word)
		}
		if err := e.nested(f, prefix); err != nil {
			return err
		}
	}
	return nil
}

// nested writes an operand of and, or; what holds such a word itself stands
// in parentheses.
func (e *filterEncoder) nested(f Filter, prefix string) error {
	switch f.(type) {
	case And, Or, constant:
		return e.inParentheses(f, prefix)
	default:
		return e.encode(f, prefix)
	}
}

func (e *filterEncoder) inParentheses(f Filter, prefix string) error {
	e.b.WriteByte('(')
	err := e.encode(f, prefix)
	e.b.WriteByte(')')
	return err
}

func (e *filterEncoder) column(path, prefix string) error {
	e.write(prefix, path)
	return checkPath(path)
}

func (e *filterEncoder) write(texts ...string) {
	for _, t := range texts {
		e.b.WriteString(t)
	}
}

func (e *filterEncoder) operand(op Op, column string, v Value) error {
	if err := checkOp(op); err != nil {
		return err
	}
	e.write(" ", string(op), " ")
	if err := writeLiteral(e.b, v); err != nil {
		return fmt.Errorf("filter on %s: %w", column, err)
	}
	return nil
}

func checkOp(op Op) error {
	switch op {
	case Eq, Ne, Gt, Ge, Lt, Le:
		return nil
	default:
		return fmt.Errorf("%q is no comparison", op)
	}
}

// in writes the query function In or NotIn (fact sheet, 4.3). It takes a
// column of the row itself; elsewhere the comparisons are written out.
func (e *filterEncoder) in(f In, prefix string) error {
	if err := checkPath(f.Column); err != nil {
		return err
	}
	if prefix != "" || strings.Contains(f.Column, "/") {
		return e.inWrittenOut(f, prefix)
	}
	name := "In"
	if f.Not {
		name = "NotIn"
	}
	e.write("Microsoft.Dynamics.CRM.", name, "(PropertyName='", f.Column, "',PropertyValues=[")
	for i, v := range f.Values {
		if i > 0 {
			e.b.WriteByte(',')
		}
		if err := writeQuoted(e.b, v); err != nil {
			return fmt.Errorf("filter on %s: %w", f.Column, err)
		}
	}
	e.b.WriteString("])")
	return nil
}

func (e *filterEncoder) inWrittenOut(f In, prefix string) error {
	op, word := Eq, " or "
	if f.Not {
		op, word = Ne, " and "
	}
	e.b.WriteByte('(')
	for i, v := range f.Values {
		if i > 0 {
			e.b.WriteString(word)
		}
		if s, ok := v.(string); ok {
			v = escapeLike(s)
		}
		e.write(prefix, f.Column)
		if err := e.operand(op, f.Column, v); err != nil {
			return err
		}
	}
	e.b.WriteByte(')')
	return nil
}

func (e *filterEncoder) lambda(f Lambda, prefix string) error {
	if err := e.column(f.Property, prefix); err != nil {
		return err
	}
	word := "any"
	if f.All {
		word = "all"
	}
	e.write("/", word, "(")
	if f.Filter != nil {
		e.lambdas++
		variable := "x" + strconv.Itoa(e.lambdas)
		e.write(variable, ":")
		if err := e.encode(f.Filter, variable+"/"); err != nil {
			return err
		}
	}
	e.b.WriteByte(')')
	return nil
}
