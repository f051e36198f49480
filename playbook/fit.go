package playbook

import (
	"fmt"

	"github.com/andmoneyaps/engage-playbooks/entity"
)

// misfit says why a value of the shape can never be one of the field, or ""
// if it can: what the values themselves decide is checked when they are there.
func misfit(s *shape, f *entity.Field) string {
	if s.kind == kindAny || s.kind == kindNull {
		return ""
	}
	want := ""
	switch f.Type {
	case entity.TypeString:
		if s.kind != kindText && s.kind != kindLabel {
			want = "text"
		}
	case entity.TypeBoolean:
		if s.kind != kindBool {
			want = "true or false"
		}
	case entity.TypeInt, entity.TypeDouble, entity.TypeDecimal, entity.TypeMoney:
		if s.kind != kindInt && s.kind != kindNumber {
			want = "a number"
		}
	case entity.TypeDateTime:
		if s.kind != kindText || s.format != "" && s.format != formatDateTime {
			want = "a date and time with its offset"
		}
	case entity.TypeDate:
		if s.kind != kindText || s.format != "" && s.format != formatDate && s.format != formatDateTime {
			want = "a date"
		}
	case entity.TypeGuid:
		if s.kind != kindText || s.format != "" && s.format != formatGUID {
			want = "a GUID"
		}
	case entity.TypeLookup:
		if s.kind == kindObject {
			return ""
		}
		if s.kind != kindText || s.format != "" && s.format != formatGUID {
			want = "an id, or an object of Id and Type"
		}
	case entity.TypeChoice:
		return choiceMisfit(s, f)
	case entity.TypeChoices:
		if s.kind != kindList {
			want = "a list of choices"
			break
		}
		return choiceMisfit(s.item(), f)
	case entity.TypePartyList:
		item := s
		if s.kind == kindList {
			item = s.item()
		}
		switch item.kind {
		case kindAny, kindNull, kindText, kindObject:
		default:
			want = "parties: an object of Id and Type, a list of them, or an e-mail address"
		}
	}
	if want == "" {
		return ""
	}
	return fmt.Sprintf("%s takes %s, not %s", f.Type, want, s.describe())
}

func choiceMisfit(s *shape, f *entity.Field) string {
	switch s.kind {
	case kindAny, kindNull, kindInt, kindNumber:
		return ""
	case kindText, kindLabel:
		if len(f.Choices) > 0 {
			return ""
		}
		return fmt.Sprintf("%s has no choices in its definition and takes a whole number, not %s", f.Type, s.describe())
	}
	return fmt.Sprintf("%s takes a label or a whole number, not %s", f.Type, s.describe())
}

// describe names the shape for people.
func (s *shape) describe() string {
	switch {
	case s.kind == kindText && s.format == formatDateTime:
		return "a date and time"
	case s.kind == kindText && s.format == formatDate:
		return "a date"
	case s.kind == kindText && s.format == formatGUID:
		return "a GUID"
	case s.kind == kindList && s.items != nil && s.items.kind != kindAny:
		switch s.items.kind {
		case kindText, kindLabel:
			return "a list of texts"
		case kindInt, kindNumber:
			return "a list of numbers"
		case kindObject:
			return "a list of objects"
		case kindList:
			return "a list of lists"
		}
	}
	return s.kind.String()
}

// parameterMisfit says why a value of the shape can never be one of the
// parameter's type.
func parameterMisfit(s *shape, t entity.Type) string {
	if s.kind == kindAny || s.kind == kindNull {
		return ""
	}
	switch t {
	case TypeObject:
		if s.kind != kindObject {
			return fmt.Sprintf("Object takes an object, not %s", s.describe())
		}
		return ""
	case TypeArray:
		if s.kind != kindList {
			return fmt.Sprintf("Array takes a list, not %s", s.describe())
		}
		return ""
	case entity.TypeChoice, entity.TypeChoices:
		return ""
	}
	return misfit(s, &entity.Field{Type: t})
}
