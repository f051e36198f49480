package simulator

// baselineTables are the tables of section 11 of the fact sheet, in an order
// in which activities come after activitypointer. Names, types, lengths and
// choices are those of recorded metadata where there is some; see
// recorded_test.go.
func baselineTables() []TableSpec {
	return append([]TableSpec{
		accountTable(), contactTable(), leadTable(), opportunityTable(), incidentTable(),
		systemuserTable(), teamTable(), businessunitTable(), organizationTable(), transactioncurrencyTable(), queueTable(),
		roleTable(), privilegeTable(),
		activitypointerTable(), appointmentTable(), taskTable(), emailTable(), phonecallTable(),
		activitypartyTable(), annotationTable(),
	}, accessTables()...)
}

func baselineManyToMany() []ManyToMany {
	return append([]ManyToMany{
		{SchemaName: "systemuserroles_association", Intersect: "systemuserroles", Table1: "systemuser", Table2: "role"},
		{SchemaName: "teamroles_association", Intersect: "teamroles", Table1: "team", Table2: "role"},
		{SchemaName: "teammembership_association", Intersect: "teammembership", Table1: "team", Table2: "systemuser"},
		{SchemaName: "roleprivileges_association", Intersect: "roleprivileges", Table1: "role", Table2: "privilege"},
		{SchemaName: "queuemembership_association", Intersect: "queuemembership", Table1: "queue", Table2: "systemuser"},
		{SchemaName: "accountleads_association", Intersect: "accountleads", Table1: "account", Table2: "lead"},
		{SchemaName: "contactleads_association", Intersect: "contactleads", Table1: "contact", Table2: "lead"},
	}, accessManyToMany()...)
}
