package entity

// The names that the Web API itself fixes for activity parties. Every other
// Dataverse name comes from a definition or from metadata. Fact sheet,
// sections 3.10, 11.7 and 11.8.
const (
	partyRole    = "participationtypemask" // what the party is to the activity
	partyRow     = "_partyid_value"        // the row that takes part, if there is one
	partyAddress = "addressused"           // the address of a party without a row
	// maxPartyAddress is the length of addressused.
	maxPartyAddress = 320
)

// partyRoles gives the participationtypemask of each party list column, by its
// logical name.
var partyRoles = map[string]int{
	"from":              1,
	"to":                2,
	"cc":                3,
	"bcc":               4,
	"requiredattendees": 5,
	"optionalattendees": 6,
	"organizer":         7,
	"resources":         10,
	"customers":         11,
}

// Roles that the service keeps itself: the regarding row and the owner.
const (
	roleRegarding = 8
	roleOwner     = 9
)

// partyLink is the navigation property from an activity party to a row of the
// table, and partyCollection the one from a table of activities to its
// parties.
func partyLink(table string) string       { return "partyid_" + table }
func partyCollection(table string) string { return table + "_activity_parties" }

// LookupColumn is the property under which a lookup column is selected and
// filtered on (fact sheet, section 1.2).
func LookupColumn(column string) string { return "_" + column + "_value" }

// minYear is the first year that Dataverse stores (fact sheet, section 4.9).
const minYear = 1753

// partySets are the entity sets of the standard tables whose rows can be
// parties (fact sheet, sections 11.1 and 11.8): an activity may hold parties
// that no definition speaks of, and replacing one of its lists sends them
// again. What definitions and metadata say goes before.
var partySets = map[string]string{
	"account":     "accounts",
	"contact":     "contacts",
	"incident":    "incidents",
	"lead":        "leads",
	"opportunity": "opportunities",
	"queue":       "queues",
	"systemuser":  "systemusers",
}
