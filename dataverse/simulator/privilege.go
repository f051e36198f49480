package simulator

import "strings"

// Verb is one of the eight things that a role can allow on a table.
type Verb string

// The verbs.
const (
	Create   Verb = "Create"
	Read     Verb = "Read"
	Write    Verb = "Write"
	Delete   Verb = "Delete"
	Append   Verb = "Append"
	AppendTo Verb = "AppendTo"
	Assign   Verb = "Assign"
	Share    Verb = "Share"
)

var verbs = [...]Verb{Create, Read, Write, Delete, Append, AppendTo, Assign, Share}

func (v Verb) index() int {
	for i, w := range verbs {
		if v == w {
			return i
		}
	}
	panic("simulator: unknown verb " + string(v))
}

func (v Verb) String() string { return string(v) }

// accessRight is the flag of a verb in AccessRights (fact sheet, section 7).
func (v Verb) accessRight() int {
	return [...]int{32, 1, 2, 65536, 4, 16, 524288, 262144}[v.index()]
}

// appliesTo says whether a table has a privilege for the verb: only rows with
// an owner can be assigned and shared.
func (v Verb) appliesTo(t *Table) bool {
	return t.Ownership == UserOwned || v != Assign && v != Share
}

// privilege is the name of the privilege on a table: prvReadContact; activities
// share one set, notes are "Note" and users "User" (fact sheet, section 12.1).
func (v Verb) privilege(t *Table) string { return "prv" + string(v) + privilegeNoun(t) }

func privilegeNoun(t *Table) string {
	switch t.LogicalName {
	case "annotation":
		return "Note"
	case "systemuser":
		return "User"
	case "activityparty", "activitypointer":
		return "Activity"
	}
	return t.PrivilegeName
}

// privilegeID is the id of a privilege, derived from its name.
func privilegeID(name string) guid { return nameGUID("privilege " + strings.ToLower(name)) }

// prvActOnBehalf is the privilege to impersonate.
const prvActOnBehalf = "prvActOnBehalfOfAnotherUser"

// otherPrivileges are those that are about no table.
var otherPrivileges = []string{prvActOnBehalf, "prvOverrideCreatedOnCreatedBy", "prvBypassCustomBusinessLogic", "prvBypassCustomPlugins"}

// Depth says how far from its holder a privilege reaches.
type Depth uint8

// The depths, and none at all.
const (
	NoDepth Depth = iota
	Basic         // rows of the user and of the user's teams
	Local         // rows of the user's business unit
	Deep          // and of the units below it
	Global        // all rows
)

func (d Depth) String() string {
	return [...]string{"None", "Basic", "Local", "Deep", "Global"}[d]
}

// mask is privilegedepthmask.
func (d Depth) mask() int64 {
	if d == NoDepth {
		return 0
	}
	return 1 << (d - 1)
}

func depthOfMask(mask int64) Depth {
	for d := Global; d > NoDepth; d-- {
		if mask&d.mask() != 0 {
			return d
		}
	}
	return NoDepth
}

func parseDepth(s string) (Depth, bool) {
	for d := Basic; d <= Global; d++ {
		if d.String() == s {
			return d, true
		}
	}
	return NoDepth, false
}

// SystemAdministratorRoleID is the role that allows everything.
const SystemAdministratorRoleID = "8c1d2e5a-6f70-4b1c-9d22-3c0b6f9ae001"
