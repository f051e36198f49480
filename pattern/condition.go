package pattern

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/entity"
	"github.com/andmoneyaps/engage-playbooks/internal/document"
)

// condition is what a part's records must satisfy, as the service is asked.
type condition struct {
	// filters are joined by and.
	filters []dataverse.Filter
	// never says that nothing can satisfy them, so that nothing is asked.
	never bool
	// given says that an input or a filter is behind them.
	given bool
	// ids are the only ids that can satisfy them, if they say so.
	ids []dataverse.GUID
}

func (c *condition) filter(more ...dataverse.Filter) dataverse.Filter {
	all := c.filters
	if len(more) > 0 {
		all = slices.Concat(all, more)
	}
	switch len(all) {
	case 0:
		return nil
	case 1:
		return all[0]
	}
	return dataverse.And(all)
}

// The two constants of conditions.
var (
	always = dataverse.And{}
	never  = dataverse.Or{}
)

func isAlways(f dataverse.Filter) bool { a, ok := f.(dataverse.And); return ok && len(a) == 0 }
func isNever(f dataverse.Filter) bool  { o, ok := f.(dataverse.Or); return ok && len(o) == 0 }

// operators of a type of field.
var (
	equality   = []Operator{Equals, NotEquals, In, NotIn, IsNull, IsNotNull}
	comparison = append([]Operator{GreaterThan, GreaterThanOrEquals, LessThan, LessThanOrEquals}, equality...)
	texts      = append([]Operator{Contains, StartsWith, EndsWith}, comparison...)
)

func operators(t entity.Type) []Operator {
	switch t {
	case entity.TypeString:
		return texts
	case entity.TypeInt, entity.TypeDouble, entity.TypeDecimal, entity.TypeMoney, entity.TypeDate, entity.TypeDateTime:
		return comparison
	case entity.TypePartyList:
		return nil
	case entity.TypeChoices:
		return []Operator{IsNull, IsNotNull}
	}
	return equality
}

// CheckFilter reports what of the filter does not fit the part: unknown
// fields, operators that the field's type has not, values that do not fit. A
// leaf without value is no error here; see [Filter.With].
func (p *Part) CheckFilter(f *Filter) []*Error {
	var errs []*Error
	for _, leaf := range f.Leaves() {
		if _, err := p.leaf(leaf, time.Time{}); err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

// condition translates the filter for the part's table.
func (p *Part) condition(f *Filter, now time.Time) (dataverse.Filter, *Error) {
	switch f.Group {
	case All:
		var and dataverse.And
		for _, b := range f.Branches {
			c, err := p.condition(b, now)
			switch {
			case err != nil:
				return nil, err
			case isNever(c):
				return never, nil
			case !isAlways(c):
				and = append(and, c)
			}
		}
		if len(and) == 1 {
			return and[0], nil
		}
		return and, nil
	case Any:
		var or dataverse.Or
		for _, b := range f.Branches {
			c, err := p.condition(b, now)
			switch {
			case err != nil:
				return nil, err
			case isAlways(c):
				return always, nil
			case !isNever(c):
				or = append(or, c)
			}
		}
		if len(or) == 1 {
			return or[0], nil
		}
		return or, nil
	}
	return p.leaf(f, now)
}

var compareOps = map[Operator]dataverse.Op{
	Equals: dataverse.Eq, NotEquals: dataverse.Ne, GreaterThan: dataverse.Gt,
	GreaterThanOrEquals: dataverse.Ge, LessThan: dataverse.Lt, LessThanOrEquals: dataverse.Le,
}

var matchKinds = map[Operator]dataverse.MatchKind{
	Contains: dataverse.Contains, StartsWith: dataverse.StartsWith, EndsWith: dataverse.EndsWith,
}

func (p *Part) leaf(f *Filter, now time.Time) (dataverse.Filter, *Error) {
	fail := func(code, format string, args ...any) (dataverse.Filter, *Error) {
		return nil, &Error{Code: code, Part: p.Ref, Field: f.Field, Message: fmt.Sprintf(format, args...), Pos: f.Pos}
	}
	field, ok := p.Entity.Field(f.Field)
	if !ok {
		_, err := fail("unknown-field", "%s has no such field", p.Entity.ID)
		err.Suggestion = document.Suggest(f.Field, p.Entity.FieldNames())
		return nil, err
	}
	allowed := operators(field.Type)
	if !slices.Contains(allowed, f.Operator) {
		if len(allowed) == 0 {
			return fail("wrong-operator", "a %s cannot be filtered on", field.Type)
		}
		return fail("wrong-operator", "a %s cannot be compared by %s", field.Type, f.Operator)
	}
	column := field.WireColumn()
	switch f.Operator {
	case IsNull, IsNotNull:
		return dataverse.Null{Column: column, Not: f.Operator == IsNotNull}, nil
	}
	if !f.HasValue {
		return always, nil
	}
	if u, unknown := FindUnknown(f.Value); unknown {
		return dataverse.Compare{Column: column, Op: dataverse.Eq, Value: u}, nil
	}
	switch f.Operator {
	case In, NotIn:
		items, _ := f.Value.([]any)
		in := dataverse.In{Column: column, Not: f.Operator == NotIn}
		seen := distinct{}
		for _, item := range items {
			if item == nil {
				continue
			}
			v, err := literal(field, item, now)
			if err != nil {
				return fail(codeOf(err), "%s", err)
			}
			if seen.add(v) {
				in.Values = append(in.Values, v)
			}
		}
		switch {
		case len(in.Values) == 0 && in.Not:
			return always, nil
		case len(in.Values) == 0:
			return never, nil
		}
		return in, nil
	}
	v, err := literal(field, f.Value, now)
	if err != nil {
		return fail(codeOf(err), "%s", err)
	}
	if kind, ok := matchKinds[f.Operator]; ok {
		text, _ := v.(string)
		return dataverse.Match{Column: column, Kind: kind, Text: text}, nil
	}
	return dataverse.Compare{Column: column, Op: compareOps[f.Operator], Value: v}, nil
}

// literal converts a filter's value; GetDate means the run's instant plus some
// days, for dates alone.
func literal(f *entity.Field, v any, now time.Time) (dataverse.Value, error) {
	if n, ok := days(v); ok {
		switch f.Type {
		case entity.TypeDateTime:
			return now.UTC().AddDate(0, 0, n), nil
		case entity.TypeDate:
			return dataverse.DateOf(now.UTC().AddDate(0, 0, n)), nil
		}
	}
	return f.Literal(v)
}

// codeOf is the rule behind a value that does not fit.
func codeOf(err error) string {
	var ve *entity.ValueError
	if errors.As(err, &ve) {
		return ve.Code
	}
	return "wrong-type"
}

// criteria collects what the input asks of each part, by its index.
func (p *Pattern) criteria(in Input, now time.Time) ([]condition, error) {
	conditions := make([]condition, len(p.Parts))
	for _, v := range in {
		part, ok := p.byRef[v.Part]
		if !ok {
			return nil, &Error{Code: "unknown-part", Part: v.Part, Message: "the pattern " + p.ID + " has no such part", Pos: v.Pos}
		}
		c := &conditions[part.index]
		c.given = true
		f, err := part.criterion(v)
		if err != nil {
			return nil, err
		}
		filter, err := part.condition(f, now)
		if err != nil {
			if err.Pos = v.Pos; v.Pos.Line == 0 {
				err.Pos = f.Pos
			}
			return nil, err
		}
		switch {
		case isNever(filter):
			c.never = true
		case !isAlways(filter):
			c.filters = append(c.filters, filter)
			c.narrow(filter, part.Entity.PrimaryKey)
		}
	}
	return conditions, nil
}

// criterion is the filter that one input value stands for.
func (p *Part) criterion(v Value) (*Filter, *Error) {
	if v.Field == "" {
		if u, ok := v.Data.(Unknown); ok {
			return &Filter{Field: entity.IDField, Operator: Equals, Value: u, HasValue: true}, nil
		}
		f, err := ParseFilter(v.Data)
		if err != nil {
			var e *Error
			errors.As(err, &e)
			return nil, &Error{Code: e.Code, Part: p.Ref, Field: e.Field, Message: e.Message, Pos: v.Pos}
		}
		return f, nil
	}
	f := &Filter{Field: v.Field, Operator: Equals, Value: v.Data, HasValue: true, Pos: v.Pos}
	if _, list := v.Data.([]any); list {
		f.Operator = In
	}
	if v.Data == nil {
		return nil, &Error{Code: "no-value", Part: p.Ref, Field: v.Field, Pos: v.Pos,
			Message: "has no value to find records by; use a filter with IsNull to find records without one"}
	}
	if _, isDate := days(v.Data); isDate {
		if field, ok := p.Entity.Field(v.Field); ok && (field.Type == entity.TypeDate || field.Type == entity.TypeDateTime) {
			return nil, &Error{Code: "wrong-type", Part: p.Ref, Field: v.Field, Pos: v.Pos, Message: "a GetDate can only stand in a filter"}
		}
	}
	return f, nil
}

// narrow notes the ids that the filter alone leaves.
func (c *condition) narrow(f dataverse.Filter, primaryKey string) {
	switch f := f.(type) {
	case dataverse.Compare:
		if id, ok := f.Value.(dataverse.GUID); ok && f.Column == primaryKey && f.Op == dataverse.Eq {
			c.ids = []dataverse.GUID{id}
		}
	case dataverse.In:
		if f.Column == primaryKey && !f.Not && c.ids == nil {
			for _, v := range f.Values {
				if id, ok := v.(dataverse.GUID); ok {
					c.ids = append(c.ids, id)
				}
			}
		}
	}
}

// distinct are the values that were met.
type distinct map[any]bool

// add reports whether the value is a new one.
func (d distinct) add(v dataverse.Value) bool {
	key := v
	if c, ok := v.(dataverse.Choices); ok { // a list cannot be a key
		key = fmt.Sprint(c)
	}
	if d[key] {
		return false
	}
	d[key] = true
	return true
}
