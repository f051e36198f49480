package dataverse

import (
	"encoding/json"
	"time"
)

// A Query is one read as a value: which columns of which rows of one table.
// It holds no client and no context; [Query.Request] gives the request that it
// stands for, and [Client.Query] sends it and follows all pages.
//
// Names are wire names: entity sets, column logical names ("_x_value" for a
// lookup), navigation properties in exact case. Values never become syntax:
// every literal is encoded when the request is built.
type Query struct {
	// EntitySet is the set to read, such as "contacts".
	EntitySet string
	// Table is its logical name, for errors and records.
	Table string
	// ID reads that one row; Filter, OrderBy and Top do not go with it.
	ID GUID
	// Select lists the columns; it is never empty on the wire.
	Select []string
	// Filter chooses rows; nil chooses all.
	Filter Filter
	// OrderBy sorts the rows. For paging to be stable it should end with the
	// primary key.
	OrderBy []Order
	// Top ends the read after that many rows; 0 reads all.
	Top int
	// PageSize asks for pages of that many rows, 1 to 5000; 0 means 5000. It
	// is not sent together with Top, which the service would then ignore.
	PageSize int
	// Expand joins related rows.
	Expand []Expand
	// Annotations asks for formatted values and lookup types.
	Annotations bool
	// Source says where this read comes from, such as a block and a part;
	// errors carry it.
	Source string
}

// Order is one sort column.
type Order struct {
	Column     string
	Descending bool
}

// Expand joins the rows behind one navigation property.
type Expand struct {
	// Property is the navigation property, in exact case.
	Property string
	// Collection says that the property leads to many rows.
	Collection bool
	// Table is the logical name behind the property.
	Table  string
	Select []string
	Filter Filter
	// OrderBy and Top go only with a collection that nothing is nested in or
	// around (fact sheet, section 4.5).
	OrderBy []Order
	Top     int
	Expand  []Expand
}

// A Filter is a node of a condition: [And], [Or], [Not], [Compare], [In],
// [Match], [Null], [Lambda], or [Column] against column with [CompareColumns].
type Filter interface{ filter() }

// And holds if all of its conditions do; an empty And holds.
type And []Filter

// Or holds if one of its conditions does; an empty Or does not.
type Or []Filter

// Not inverts a condition. Before an [In] or a [Null], where the service refuses
// it, their own opposite is sent.
type Not struct{ Filter Filter }

// Op is a comparison operator as OData spells it.
type Op string

// The comparison operators of the Web API.
const (
	Eq Op = "eq"
	Ne Op = "ne"
	Gt Op = "gt"
	Ge Op = "ge"
	Lt Op = "lt"
	Le Op = "le"
)

// Compare sets a column, or a path of single-valued navigation properties
// ending in one ("primarycontactid/fullname"), against a literal. See [Value]
// for what a literal may be; a nil Value compares with null.
type Compare struct {
	Column string
	Op     Op
	Value  Value
}

// CompareColumns sets two columns of one row against each other.
type CompareColumns struct {
	Left  string
	Op    Op
	Right string
}

// In holds if the column has one of the values; with Not, if it has none of
// them. It is sent as Microsoft.Dynamics.CRM.In or NotIn.
type In struct {
	Column string
	Values []Value
	Not    bool
}

// MatchKind is a text function.
type MatchKind string

// The text functions of the Web API.
const (
	Contains   MatchKind = "contains"
	StartsWith MatchKind = "startswith"
	EndsWith   MatchKind = "endswith"
)

// Match holds if the text in the column matches. The characters % _ [ of Text
// are literal: the client escapes them.
type Match struct {
	Column string
	Kind   MatchKind
	Text   string
}

// Null holds if the column is null; with Not, if it is not.
type Null struct {
	Column string
	Not    bool
}

// Lambda holds if any (or, with All, every) row behind a collection-valued
// navigation property satisfies the condition. A nil Filter with All false
// asks whether there is any row.
type Lambda struct {
	Property string
	All      bool
	Filter   Filter
}

func (And) filter()            {}
func (Or) filter()             {}
func (Not) filter()            {}
func (Compare) filter()        {}
func (CompareColumns) filter() {}
func (In) filter()             {}
func (Match) filter()          {}
func (Null) filter()           {}
func (Lambda) filter()         {}

// A Value is a scalar on its way to the service, in a filter or in a body:
//
//	nil           null
//	bool          a two-option column
//	string        text
//	GUID          a primary key or lookup, in filters without quotes
//	json.Number   any number, digit for digit
//	int           a choice or an Int
//	time.Time     a DateTime; sent in UTC
//	Date          a day without time
//	Bind          a lookup, in bodies only
//	Parties       activity parties, in bodies only
//	Choices       a multi-select choice, in bodies only
//
// Anything else is a mistake of the caller and an error when the request is
// built.
type Value any

// GUID is a lower-case GUID without braces. See [ParseGUID].
type GUID string

// Date is a day, as an Edm.Date: "1990-05-01".
type Date string

// DateOf gives the day of t in t's own location.
func DateOf(t time.Time) Date { return Date(t.Format(time.DateOnly)) }

// A Record is one row as the service answered it: column name to decoded JSON
// value (numbers as [json.Number]), annotations included under their full
// names, expanded rows as Record or []Record.
type Record map[string]any

// Annotation names of the Web API that records carry (fact sheet, 2.2).
const (
	AnnotationFormatted  = "@OData.Community.Display.V1.FormattedValue"
	AnnotationLookupType = "@Microsoft.Dynamics.CRM.lookuplogicalname"
	AnnotationETag       = "@odata.etag"
)

// ETag returns the row's version tag, or "".
func (r Record) ETag() string { s, _ := r[AnnotationETag].(string); return s }

// Text returns the column as text, or "" if it is null or no text.
func (r Record) Text(column string) string { s, _ := r[column].(string); return s }

// Formatted returns the label that the service shows for the column.
func (r Record) Formatted(column string) string {
	s, _ := r[column+AnnotationFormatted].(string)
	return s
}

// LookupType returns the logical name of the table that a lookup column
// ("_x_value") points into.
func (r Record) LookupType(column string) string {
	s, _ := r[column+AnnotationLookupType].(string)
	return s
}

// Number returns the column as a number with all its digits.
func (r Record) Number(column string) (json.Number, bool) {
	n, ok := r[column].(json.Number)
	return n, ok
}
