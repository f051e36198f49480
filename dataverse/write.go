package dataverse

// A ChangeSet is a list of writes as a value. [ChangeSet.Request] gives the
// request that it stands for; [Client.Apply] sends it as one $batch change
// set (or as a single request, if it holds one write): all or nothing.
// [Client.Bulk] sends the same writes in chunks, where refused ones do not
// stop the others.
type ChangeSet struct {
	Writes []Write
}

// Operation is what a write does.
type Operation string

// The operations.
const (
	// Create makes a row; with an ID in the write it carries its own.
	Create Operation = "create"
	// Update changes a row and never makes one (If-Match: *).
	Update Operation = "update"
	// Upsert changes the row, or makes it.
	Upsert Operation = "upsert"
	// Delete removes a row.
	Delete Operation = "delete"
	// Associate and Disassociate set and clear a link; see Write.Link.
	Associate    Operation = "associate"
	Disassociate Operation = "disassociate"
	// ReplaceParties puts a whole list of activity parties in the place of
	// the one that is there.
	ReplaceParties Operation = "replaceParties"
)

// Write is one operation on one row.
type Write struct {
	Operation Operation
	// Table is the logical name, EntitySet the name in the URL.
	Table, EntitySet string
	// PrimaryKey is the primary key column, for a Create with its own ID.
	PrimaryKey string
	// ID is the row. On Create it is optional: the service then picks one and
	// the write is not repeatable. On Upsert, ID or Key.
	ID GUID
	// Key addresses the row by alternate key instead (Upsert only). With both,
	// Key is the address and ID the id of the row if it is made.
	Key []Property
	// IfMatch is an ETag: the write happens only if nobody changed the row.
	IfMatch string
	// Body holds the columns in the order they are sent.
	Body []Property
	// Link is the navigation property of an Associate, a Disassociate or a
	// ReplaceParties, Target the row it links to. The new parties of a
	// ReplaceParties are the value of the one property in Body.
	Link   string
	Target Bind
	// Single says that Link leads to one row: Associate then sets it and
	// Disassociate clears it, without Target. Otherwise Target joins or leaves
	// a collection.
	Single bool
	// Source says where the write comes from, such as "notes[2]"; errors and
	// results carry it.
	Source string
}

// Property is one column, or one navigation property, and its value. A value
// of type [Bind] or a null lookup is sent as "name@odata.bind"; see Lookup.
type Property struct {
	Name  string
	Value Value
	// Lookup marks a navigation property whose Value is a Bind or nil.
	Lookup bool
	// Column is the logical name of the column, for records; "" if it is Name.
	Column string
}

// Bind is a link to a row: entity set and id. With Ref it links to the row
// that an earlier write of the same change set makes (by its index), for rows
// whose id the service picks.
type Bind struct {
	EntitySet string
	ID        GUID
	// Ref is the 1-based index of an earlier Create of the same change set
	// that has no ID of its own; 0: the ID counts.
	Ref int
}

// Choices is the value of a multi-select choice column.
type Choices []int

// Parties is the value of an activity's party collection.
type Parties []Party

// Party is one activity party: a row of a table, or an address without row.
type Party struct {
	// Role is the participationtypemask (fact sheet, 3.10).
	Role int
	// Link is the navigation property of the row, such as "partyid_contact",
	// Target the row; both empty for an unresolved party.
	Link   string
	Target Bind
	// Address is the addressused of an unresolved party.
	Address string
}

// Repeatable reports whether sending the change set twice does what sending it
// once does: every write carries its own id, key or ETag.
func (cs *ChangeSet) Repeatable() bool {
	for i := range cs.Writes {
		if !cs.Writes[i].repeatable() {
			return false
		}
	}
	return true
}

func (w *Write) repeatable() bool {
	switch w.Operation {
	case Create:
		return w.ID != ""
	case Upsert:
		return w.ID != "" || len(w.Key) > 0
	default:
		return true
	}
}

// Written is the outcome of one write.
type Written struct {
	// Index is the position in ChangeSet.Writes.
	Index int
	// ID is the row's id; "" where the answer did not name it: an upsert by
	// alternate key without PrimaryKey, or one that another write refers to.
	ID GUID
	// Status is the HTTP status of the operation.
	Status int
	// Err is why this write was refused; only [Client.Bulk] sets it, Apply
	// returns the error of the whole.
	Err error
	// Unchanged says that a lost answer was settled by reading back: the row
	// was there already, with this id.
	Unchanged bool
}
