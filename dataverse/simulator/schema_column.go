package simulator

// ColumnType is the type of a column, as makers know it; the fact sheet,
// section 4.9, says how each looks on the wire.
type ColumnType uint8

// The types of columns.
const (
	String ColumnType = iota + 1
	Memo
	Integer
	BigInt
	Double
	Decimal
	Money
	Boolean
	Choice
	MultiChoice
	State
	Status
	DateTime
	Date
	UniqueID
	Lookup
	Customer
	Owner
	EntityName
	Image
	// PartyList columns are no properties in OData: metadata lists them, and
	// rows of activityparty hold their values.
	PartyList
	// Virtual columns, such as the name behind a lookup, are in metadata only.
	Virtual
)

// IsLookup reports whether the column points at a row.
func (t ColumnType) IsLookup() bool { return t == Lookup || t == Customer || t == Owner }

// IsText reports whether the column holds text.
func (t ColumnType) IsText() bool { return t == String || t == Memo || t == EntityName || t == Image }

// IsChoice reports whether the column holds the number of an option.
func (t ColumnType) IsChoice() bool { return t == Choice || t == State || t == Status }

// RequiredLevel says who insists on a value. Only SystemRequired is enforced
// by the Web API; ApplicationRequired is for forms, and strict mode.
type RequiredLevel uint8

// The required levels.
const (
	Optional RequiredLevel = iota
	Recommended
	ApplicationRequired
	SystemRequired
)

func (r RequiredLevel) String() string {
	return [...]string{"None", "Recommended", "ApplicationRequired", "SystemRequired"}[r]
}

// Ownership says who can own a row of a table.
type Ownership uint8

// The kinds of ownership.
const (
	UserOwned Ownership = iota
	OrganizationOwned
	BusinessOwned
	NotOwned
)

func (o Ownership) String() string {
	return [...]string{"UserOwned", "OrganizationOwned", "BusinessOwned", "None"}[o]
}

// Cascade says what deleting a row does to the rows that point at it.
type Cascade uint8

// The cascades of a delete.
const (
	// RemoveLink clears the lookups that point at the deleted row.
	RemoveLink Cascade = iota
	// CascadeAll deletes the rows that point at it.
	CascadeAll
	// Restrict refuses the delete while a row points at it.
	Restrict
	// NoCascade leaves the lookups as they are.
	NoCascade
)

func (c Cascade) String() string {
	return [...]string{"RemoveLink", "Cascade", "Restrict", "NoCascade"}[c]
}

// Option is one value of a choice column.
type Option struct {
	Value int
	Label string
	// State is the state that a value of a Status column belongs to.
	State int
	// DefaultStatus is the status that goes with a value of a State column.
	DefaultStatus int
}

// Target is one table that a lookup can point at: together with its column it
// is a many-to-one relationship.
type Target struct {
	// Table is the logical name of the table pointed at; "principal" is
	// systemuser or team.
	Table string
	// Navigation is the single-valued navigation property on the table with
	// the lookup, in exact case. Default: the column's logical name; with
	// several targets, that and "_" and the table.
	Navigation string
	// Collection is the collection-valued navigation property on the table
	// pointed at; empty: the relationship cannot be followed from there.
	Collection string
	// SchemaName names the relationship. Default: Collection, else
	// "<table>_<column>_<target>".
	SchemaName string
	// Delete is what deleting the row pointed at does. Default: RemoveLink.
	Delete Cascade
}

// Column describes a column. Only LogicalName and Type are needed.
type Column struct {
	LogicalName string
	// SchemaName is the name as its maker cased it. Default: LogicalName.
	SchemaName string
	// DisplayName is the label for people. Default: SchemaName.
	DisplayName string
	Type        ColumnType
	// MaxLength is for String and Memo, in characters. Default: 100 and 2000.
	MaxLength int
	// Min and Max bound numbers. Default, both zero: the type's own range.
	Min, Max float64
	// Precision is the number of places of Double, Decimal and Money.
	// Default: 2; Double 5.
	Precision int
	// Format is the format name of metadata, such as "Email" or "DateOnly".
	Format string
	// TimeZoneIndependent dates are kept as written.
	TimeZoneIndependent bool
	// Options are the values of Choice, MultiChoice, State and Status, and of
	// Boolean (0 and 1; default labels No and Yes).
	Options []Option
	// OptionSet is the name of the global option set; empty: a local one.
	OptionSet string
	// Targets are the tables that a Lookup, Customer or Owner points at.
	Targets  []Target
	Required RequiredLevel
	// NoCreate, NoUpdate and NoRead: a value sent is silently ignored; the
	// column is not readable.
	NoCreate, NoUpdate, NoRead bool
	// Secured columns are under column security.
	Secured bool
	// Default is the value of a new row: string, int, float64, bool or nil.
	Default any
	// AttributeOf names the column that this one is the shadow of.
	AttributeOf string

	ordinal int
	table   *Table
	rels    []*Relationship
	options map[int64]int // where each stands in Options, if there are more than a few
	system  systemColumn
	indexed bool
}

// Wire is the name of the column's property in JSON and in query options:
// the logical name, or "_x_value" for a lookup.
func (c *Column) Wire() string {
	if c.Type.IsLookup() {
		return "_" + c.LogicalName + "_value"
	}
	return c.LogicalName
}

// inOData reports whether rows show the column.
func (c *Column) inOData() bool {
	return c.Type != PartyList && c.Type != Virtual && !c.NoRead
}

// fewOptions is how many options are searched one by one.
const fewOptions = 8

// option gives the option with that value, or nil.
func (c *Column) option(v int64) *Option {
	if c.options != nil {
		if i, ok := c.options[v]; ok && i < len(c.Options) {
			return &c.Options[i]
		}
		return nil
	}
	for i := len(c.Options) - 1; i >= 0; i-- { // of two with one value the last counts
		if int64(c.Options[i].Value) == v {
			return &c.Options[i]
		}
	}
	return nil
}
