package simulator

func roleTable() TableSpec {
	return TableSpec{
		LogicalName: "role", SchemaName: "Role", DisplayName: "Security Role", DisplayCollectionName: "Security Roles",
		EntitySet: "roles", PrimaryID: "roleid", PrimaryName: "name",
		ObjectTypeCode: 1036, Ownership: BusinessOwned, NoState: true,
		Columns: []Column{
			column("RoleId", "Role", UniqueID).sys().createOnly(),
			text("Name", "Name", 100).sys(),
			lookup("BusinessUnitId", "Business Unit", to("businessunit", "businessunitid", "business_unit_roles")).sys(),
			integer("IsInherited", "Member's privilege inheritance", 0, 1).def(1),
			boolean("IsManaged", "State", "Unmanaged", "Managed").ro().def(false),
			column("OrganizationId", "Organization", UniqueID).ro(),
			lookup("ParentRoleId", "Parent Role", to("role", "parentroleid", "role_parent_role")).ro(),
			lookup("ParentRootRoleId", "Parent Root Role", to("role", "parentrootroleid", "role_parent_root_role")).ro(),
			column("RoleIdUnique", "Unique Id", UniqueID).ro(),
			lookup("RoleTemplateId", "Role Template ID", to("roletemplate", "roletemplateid", "")).ro(),
		},
	}
}

func privilegeTable() TableSpec {
	return TableSpec{
		LogicalName: "privilege", SchemaName: "Privilege", DisplayName: "Privilege", DisplayCollectionName: "Privileges",
		EntitySet: "privileges", PrimaryID: "privilegeid", PrimaryName: "name",
		ObjectTypeCode: 1023, Ownership: NotOwned, NoState: true, NoAudit: true,
		Columns: []Column{
			column("PrivilegeId", "Privilege", UniqueID).sys().createOnly(),
			text("Name", "Name", 100).ro(),
			integer("AccessRight", "Access Right", 0, maxInt32).ro(),
			boolean("CanBeBasic", "Can Be Basic", "No", "Yes").ro(),
			boolean("CanBeDeep", "Can Be Deep", "No", "Yes").ro(),
			boolean("CanBeGlobal", "Can Be Global", "No", "Yes").ro(),
			boolean("CanBeLocal", "Can Be Local", "No", "Yes").ro(),
		},
	}
}

func organizationTable() TableSpec {
	return TableSpec{
		LogicalName: "organization", SchemaName: "Organization", DisplayName: "Organization", DisplayCollectionName: "Organizations",
		EntitySet: "organizations", PrimaryID: "organizationid", PrimaryName: "name",
		ObjectTypeCode: 1019, Ownership: OrganizationOwned, NoState: true,
		Columns: []Column{
			column("OrganizationId", "Organization", UniqueID).sys().createOnly(),
			text("Name", "Organization Name", 160).createOnly(),
			lookup("BaseCurrencyId", "Currency", to("transactioncurrency", "basecurrencyid", "basecurrency_organization")).ro(),
			integer("LanguageCode", "Language", 0, maxInt32).def(1033).ro(),
			integer("LocaleId", "Locale", 0, maxInt32).def(1033),
			integer("MaxUploadFileSize", "Max Upload File Size", 1024, 131072000).def(5242880),
			integer("CurrencyDecimalPrecision", "Currency Decimal Precision", 0, 4).def(2),
			integer("FullNameConventionCode", "Full Name Display Order", 0, 7).def(1),
			boolean("IsAuditEnabled", "Is Auditing Enabled", "No", "Yes").def(false),
			column("FiscalCalendarStart", "Fiscal Calendar Start", DateTime),
			integer("WeekStartDayCode", "Week Start Day Code", 0, 6).def(0),
		},
	}
}
