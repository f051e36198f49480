package dataverse

// Table is what the service's metadata says of one table, as far as reading
// and writing records needs it (EntityDefinitions; fact sheet, section 8).
type Table struct {
	LogicalName      string
	EntitySet        string
	PrimaryID        string
	PrimaryName      string
	IsActivity       bool
	OptimisticLocks  bool // IsOptimisticConcurrencyEnabled
	BulkMessages     bool // CreateMultiple and friends are available
	Columns          []*Column
	Keys             [][]string // column names of each active alternate key
	columnsByLogical map[string]*Column
}

// ColumnType is AttributeTypeName without its "Type" ending: "String", "Memo",
// "Integer", "BigInt", "Double", "Decimal", "Money", "Boolean", "DateTime",
// "Lookup", "Customer", "Owner", "Picklist", "State", "Status",
// "MultiSelectPicklist", "Uniqueidentifier", "PartyList", "EntityName",
// "Image", "File", "Virtual", "ManagedProperty", "CalendarRules".
type ColumnType string

// Column is one column of a table.
type Column struct {
	LogicalName string
	Type        ColumnType
	// Readable, Creatable and Updatable are IsValidForRead, -Create, -Update.
	Readable, Creatable, Updatable bool
	// Required is RequiredLevel: None, SystemRequired, ApplicationRequired or
	// Recommended.
	Required string
	// MaxLength counts the characters of a String or Memo; 0: unknown.
	MaxLength int
	// Min and Max bound the values of a number; nil: unknown.
	Min, Max *float64
	// DateOnly says that values are Edm.Date (DateTimeBehavior DateOnly).
	DateOnly bool
	// Secured is IsSecured: a null may mean that the caller may not see it.
	Secured bool
	// Choices are the options of a choice, state, status or two-option column;
	// of the last 0 stands for false and 1 for true.
	Choices []Choice
	// Lookups has one entry for each table that a lookup may point into.
	Lookups []Lookup
}

// Choice is one option of a choice column.
type Choice struct {
	Value int
	Label string
	State int // of a status option
}

// Lookup is one target of a lookup column, with the navigation property that
// binds it (ReferencingEntityNavigationPropertyName, exact case) and the one
// that leads back from the target (ReferencedEntityNavigationPropertyName).
type Lookup struct {
	Target     string
	Navigation string
	Collection string
}

// Column finds a column by logical name.
func (t *Table) Column(logicalName string) (*Column, bool) {
	c, ok := t.columnsByLogical[logicalName]
	return c, ok
}

// NewTable returns a table with its columns indexed by name.
func NewTable(t Table) *Table {
	t.columnsByLogical = make(map[string]*Column, len(t.Columns))
	for _, c := range t.Columns {
		t.columnsByLogical[c.LogicalName] = c
	}
	return &t
}
