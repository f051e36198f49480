package simulator

import "sync"

const maxInt32 = 1<<31 - 1

// serviceSet says which columns the service adds to a table.
type serviceSet struct{ audit, owner, state, money bool }

// serviceSets has the columns of each serviceSet that was asked for: they are
// the same for all tables.
var serviceSets sync.Map

// serviceColumns are those of section 11.2 of the fact sheet. Nobody changes
// them: a table has copies.
func serviceColumns(set serviceSet) []*Column {
	if known, ok := serviceSets.Load(set); ok {
		return known.([]*Column)
	}
	made := set.columns()
	columns := make([]*Column, len(made))
	for i := range made {
		columns[i] = &made[i]
	}
	serviceSets.Store(set, columns)
	return columns
}

func (set serviceSet) columns() []Column {
	user := []Target{{Table: "systemuser"}}
	ro := func(c Column) Column { c.NoCreate, c.NoUpdate = true, true; return c }
	cs := make([]Column, 0, 20)
	if set.audit {
		cs = append(cs,
			ro(Column{LogicalName: "createdon", SchemaName: "CreatedOn", DisplayName: "Created On", Type: DateTime}),
			ro(Column{LogicalName: "createdby", SchemaName: "CreatedBy", DisplayName: "Created By", Type: Lookup, Targets: user}),
			ro(Column{LogicalName: "createdonbehalfby", SchemaName: "CreatedOnBehalfBy", DisplayName: "Created By (Delegate)", Type: Lookup, Targets: user}),
			ro(Column{LogicalName: "modifiedon", SchemaName: "ModifiedOn", DisplayName: "Modified On", Type: DateTime}),
			ro(Column{LogicalName: "modifiedby", SchemaName: "ModifiedBy", DisplayName: "Modified By", Type: Lookup, Targets: user}),
			ro(Column{LogicalName: "modifiedonbehalfby", SchemaName: "ModifiedOnBehalfBy", DisplayName: "Modified By (Delegate)", Type: Lookup, Targets: user}),
			Column{LogicalName: "overriddencreatedon", SchemaName: "OverriddenCreatedOn", DisplayName: "Record Created On", Type: DateTime, NoUpdate: true, Format: "DateOnly"},
			Column{LogicalName: "importsequencenumber", SchemaName: "ImportSequenceNumber", DisplayName: "Import Sequence Number", Type: Integer, NoUpdate: true},
			Column{LogicalName: "timezoneruleversionnumber", SchemaName: "TimeZoneRuleVersionNumber", DisplayName: "Time Zone Rule Version Number", Type: Integer, Min: -1, Max: maxInt32},
			Column{LogicalName: "utcconversiontimezonecode", SchemaName: "UTCConversionTimeZoneCode", DisplayName: "UTC Conversion Time Zone Code", Type: Integer, Min: -1, Max: maxInt32},
		)
	}
	if set.owner {
		cs = append(cs,
			Column{LogicalName: "ownerid", SchemaName: "OwnerId", DisplayName: "Owner", Type: Owner, Required: SystemRequired, Targets: []Target{{Table: "principal", Navigation: "ownerid"}}},
			ro(Column{LogicalName: "owninguser", SchemaName: "OwningUser", DisplayName: "Owning User", Type: Lookup, Targets: user}),
			ro(Column{LogicalName: "owningteam", SchemaName: "OwningTeam", DisplayName: "Owning Team", Type: Lookup, Targets: []Target{{Table: "team"}}}),
			ro(Column{LogicalName: "owningbusinessunit", SchemaName: "OwningBusinessUnit", DisplayName: "Owning Business Unit", Type: Lookup, Targets: []Target{{Table: "businessunit"}}}),
		)
	}
	if set.state {
		cs = append(cs,
			Column{LogicalName: "statecode", SchemaName: "statecode", DisplayName: "Status", Type: State, Required: SystemRequired, NoCreate: true,
				Options: []Option{{Value: 0, Label: "Active", DefaultStatus: 1}, {Value: 1, Label: "Inactive", DefaultStatus: 2}}},
			Column{LogicalName: "statuscode", SchemaName: "statuscode", DisplayName: "Status Reason", Type: Status,
				Options: []Option{{Value: 1, Label: "Active", State: 0}, {Value: 2, Label: "Inactive", State: 1}}},
		)
	}
	if set.money {
		cs = append(cs,
			Column{LogicalName: "transactioncurrencyid", SchemaName: "TransactionCurrencyId", DisplayName: "Currency", Type: Lookup, Targets: []Target{{Table: "transactioncurrency"}}},
			ro(Column{LogicalName: "exchangerate", SchemaName: "ExchangeRate", DisplayName: "Exchange Rate", Type: Decimal, Precision: 10}),
		)
	}
	return append(cs, ro(Column{LogicalName: "versionnumber", SchemaName: "VersionNumber", DisplayName: "Version Number", Type: BigInt}))
}
