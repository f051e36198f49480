package simulator

// accessTables are the tables behind access control besides users, teams,
// business units and roles, and those that say which messages a table has.
// Their rows are what is enforced.
func accessTables() []TableSpec {
	yesNo := []Option{{Value: 0, Label: "Not Allowed"}, {Value: 4, Label: "Allowed"}}
	return []TableSpec{
		{LogicalName: "roleprivileges", SchemaName: "RolePrivileges", DisplayName: "Role Privileges", EntitySet: "roleprivilegescollection", PrimaryID: "roleprivilegeid",
			ObjectTypeCode: 12, Ownership: OrganizationOwned, NoState: true, NoAudit: true,
			Columns: []Column{
				{LogicalName: "roleid", SchemaName: "RoleId", Type: UniqueID, NoCreate: true, NoUpdate: true},
				{LogicalName: "privilegeid", SchemaName: "PrivilegeId", Type: UniqueID, NoCreate: true, NoUpdate: true},
				{LogicalName: "privilegedepthmask", SchemaName: "PrivilegeDepthMask", Type: Integer, NoCreate: true, NoUpdate: true},
			}},
		{LogicalName: "principalobjectaccess", SchemaName: "PrincipalObjectAccess", DisplayName: "Principal Object Access", EntitySet: "principalobjectaccessset",
			PrimaryID: "principalobjectaccessid", ObjectTypeCode: 11, Ownership: OrganizationOwned, NoState: true, NoAudit: true,
			Columns: []Column{
				{LogicalName: "principalid", SchemaName: "PrincipalId", Type: UniqueID, NoCreate: true, NoUpdate: true},
				{LogicalName: "principaltypecode", SchemaName: "PrincipalTypeCode", Type: EntityName, NoCreate: true, NoUpdate: true},
				{LogicalName: "objectid", SchemaName: "ObjectId", Type: UniqueID, NoCreate: true, NoUpdate: true},
				{LogicalName: "objecttypecode", SchemaName: "ObjectTypeCode", Type: EntityName, NoCreate: true, NoUpdate: true},
				{LogicalName: "accessrightsmask", SchemaName: "AccessRightsMask", Type: Integer, NoCreate: true, NoUpdate: true},
			}},
		{LogicalName: "fieldsecurityprofile", SchemaName: "FieldSecurityProfile", DisplayName: "Column Security Profile", EntitySet: "fieldsecurityprofiles",
			PrimaryID: "fieldsecurityprofileid", PrimaryName: "name", ObjectTypeCode: 1200, Ownership: OrganizationOwned, NoState: true,
			Columns: []Column{
				{LogicalName: "name", SchemaName: "Name", Type: String, MaxLength: 100, Required: ApplicationRequired},
				{LogicalName: "description", SchemaName: "Description", Type: Memo, MaxLength: 2000},
			}},
		{LogicalName: "fieldpermission", SchemaName: "FieldPermission", DisplayName: "Field Permission", EntitySet: "fieldpermissions",
			PrimaryID: "fieldpermissionid", ObjectTypeCode: 1201, Ownership: OrganizationOwned, NoState: true, NoAudit: true,
			Columns: []Column{
				{LogicalName: "fieldsecurityprofileid", SchemaName: "FieldSecurityProfileId", Type: Lookup,
					Targets: []Target{{Table: "fieldsecurityprofile", Collection: "lk_fieldpermission_fieldsecurityprofileid", Delete: CascadeAll}}},
				{LogicalName: "entityname", SchemaName: "EntityName", Type: EntityName},
				{LogicalName: "attributelogicalname", SchemaName: "AttributeLogicalName", Type: String, MaxLength: 50},
				{LogicalName: "canread", SchemaName: "CanRead", Type: Choice, Options: yesNo},
				{LogicalName: "cancreate", SchemaName: "CanCreate", Type: Choice, Options: yesNo},
				{LogicalName: "canupdate", SchemaName: "CanUpdate", Type: Choice, Options: yesNo},
			}},
		{LogicalName: "sdkmessage", SchemaName: "SdkMessage", DisplayName: "Sdk Message", EntitySet: "sdkmessages", PrimaryID: "sdkmessageid", PrimaryName: "name",
			ObjectTypeCode: 4606, Ownership: OrganizationOwned, NoState: true, NoAudit: true},
		{LogicalName: "sdkmessagefilter", SchemaName: "SdkMessageFilter", DisplayName: "Sdk Message Filter", EntitySet: "sdkmessagefilters", PrimaryID: "sdkmessagefilterid", PrimaryName: "name",
			ObjectTypeCode: 4607, Ownership: OrganizationOwned, NoState: true, NoAudit: true,
			Columns: []Column{
				{LogicalName: "sdkmessageid", SchemaName: "SdkMessageId", Type: Lookup, Targets: []Target{{Table: "sdkmessage", Collection: "sdkmessageid_sdkmessagefilter"}}},
				{LogicalName: "primaryobjecttypecode", SchemaName: "PrimaryObjectTypeCode", Type: EntityName},
			}},
	}
}

// accessManyToMany are the many-to-many relationships of those tables.
func accessManyToMany() []ManyToMany {
	return []ManyToMany{
		{SchemaName: "systemuserprofiles_association", Intersect: "systemuserprofiles", Table1: "systemuser", Table2: "fieldsecurityprofile"},
		{SchemaName: "teamprofiles_association", Intersect: "teamprofiles", Table1: "team", Table2: "fieldsecurityprofile"},
	}
}
