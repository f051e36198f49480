package simulator

import (
	"math"
	"strings"
	"sync"
)

// The ids of two tables are the same in every organisation; the others are
// derived from their names.
var knownMetadataIDs = map[string]guid{
	"account": mustGUID("70816501-edb9-4740-a16c-6a5efbc05d84"),
	"contact": mustGUID("608861bc-50a4-4c5f-a02c-21fe1943e2cf"),
}

func (t *Table) metadataID() guid {
	if g, ok := knownMetadataIDs[t.LogicalName]; ok {
		return g
	}
	return nameGUID("table " + t.LogicalName)
}

func (c *Column) metadataID() guid {
	return nameGUID("column " + c.table.LogicalName + "." + c.LogicalName)
}

// entityObject is a table as EntityMetadata.
func entityObject(s *Schema, t *Table) *metaObject {
	id := t.metadataID().String()
	plural := strings.TrimSuffix(t.LogicalName, "y") + "s"
	if strings.HasSuffix(t.LogicalName, "y") {
		plural = strings.TrimSuffix(t.LogicalName, "y") + "ies"
	}
	var name any
	if t.name != nil {
		name = t.name.LogicalName
	}
	typeOf := "Standard"
	ownerType := 8
	if t.Ownership == OrganizationOwned {
		ownerType = 0
	}
	o := newMetaObject("EntityMetadata", 128)
	o.add("ActivityTypeMask", oneIf(t.Activity)).
		add("AutoRouteToOwnerQueue", false).add("CanTriggerWorkflow", true).
		add("EntityHelpUrlEnabled", false).add("EntityHelpUrl", nil).
		add("IsDocumentManagementEnabled", false).add("IsOneNoteIntegrationEnabled", false).
		add("IsInteractionCentricEnabled", true).add("IsKnowledgeManagementEnabled", false).
		add("IsSLAEnabled", false).add("IsBPFEntity", false).add("IsDocumentRecommendationsEnabled", false).
		add("IsMSTeamsIntegrationEnabled", false).add("SettingOf", nil).add("DataProviderId", nil).add("DataSourceId", nil).
		add("AutoCreateAccessTeams", false).add("IsActivity", t.Activity || t.LogicalName == "activitypointer").
		add("IsActivityParty", isPartyTable(s, t)).add("IsRetrieveAuditEnabled", false).add("IsRetrieveMultipleAuditEnabled", false).
		add("IsArchivalEnabled", false).add("IsRetentionEnabled", false).add("IsAvailableOffline", true).add("IsChildEntity", t.LogicalName == "activityparty").
		add("IsAIRUpdated", true).add("IconLargeName", nil).add("IconMediumName", nil).add("IconSmallName", nil).add("IconVectorName", nil).
		add("IsCustomEntity", t.custom).add("IsBusinessProcessEnabled", true).add("SyncToExternalSearchIndex", false).
		add("IsOptimisticConcurrencyEnabled", !t.NoOptimisticConcurrency).add("ChangeTrackingEnabled", true).add("IsImportable", true).
		add("IsIntersect", false).add("IsManaged", !t.custom).add("IsEnabledForCharts", true).add("IsEnabledForTrace", false).
		add("IsValidForAdvancedFind", true).add("DaysSinceRecordLastModified", 0).add("MobileOfflineFilters", nil).
		add("IsReadingPaneEnabled", true).add("IsQuickCreateEnabled", true).
		add("LogicalName", t.LogicalName).add("ObjectTypeCode", t.ObjectTypeCode).add("OwnershipType", t.Ownership.String()).
		add("PrimaryNameAttribute", name).add("PrimaryImageAttribute", nil).add("PrimaryIdAttribute", t.PrimaryID).
		add("RecurrenceBaseEntityLogicalName", nil).add("ReportViewName", "Filtered"+t.SchemaName).
		add("SchemaName", t.SchemaName).add("IntroducedVersion", "5.0.0.0").add("IsStateModelAware", !t.NoState).add("EnforceStateTransitions", false).
		add("ExternalName", nil).add("EntityColor", nil).add("LogicalCollectionName", plural).add("ExternalCollectionName", nil).
		add("CollectionSchemaName", strings.ReplaceAll(t.DisplayCollectionName, " ", "")).add("EntitySetName", t.EntitySet).
		add("IsEnabledForExternalChannels", false).add("IsPrivate", false).add("UsesBusinessDataLabelTable", false).add("IsLogicalEntity", false).
		add("HasNotes", t.Notes).add("HasActivities", t.Activities).add("HasFeedback", false).add("IsSolutionAware", false).
		add("CreatedOn", "1900-01-01T00:00:00Z").add("ModifiedOn", "1900-01-01T00:00:00Z").add("HasEmailAddresses", t.Column("emailaddress1") != nil).
		add("OwnerId", nil).add("OwnerIdType", ownerType).add("OwningBusinessUnit", nil).add("TableType", typeOf).
		add("MetadataId", id).add("HasChanged", nil).
		add("Description", label(t.LogicalName+" description", "")).
		add("DisplayCollectionName", label(t.LogicalName+" collection", t.DisplayCollectionName)).
		add("DisplayName", label(t.LogicalName, t.DisplayName))
	o.fields = append(o.fields, managedOfTables()...)
	o.add("Privileges", privilegeObjects(t)).add("Settings", []*metaObject{})
	o.nav = map[string]func() any{
		"Attributes":              sync.OnceValue(func() any { return attributeObjects(t) }),
		"Keys":                    sync.OnceValue(func() any { return keyObjects(t) }),
		"ManyToOneRelationships":  sync.OnceValue(func() any { return manyToOne(t) }),
		"OneToManyRelationships":  sync.OnceValue(func() any { return oneToMany(t) }),
		"ManyToManyRelationships": sync.OnceValue(func() any { return manyToMany(s, t) }),
	}
	return o
}

func oneIf(b bool) int {
	if b {
		return 1
	}
	return 0
}

// isPartyTable reports whether rows of the table can take part in activities.
func isPartyTable(s *Schema, t *Table) bool {
	party := s.Table("activityparty")
	if party == nil {
		return false
	}
	c := party.Column("partyid")
	return c != nil && c.relTo(t) != nil
}

func privilegeObjects(t *Table) []*metaObject {
	var list []*metaObject
	for _, v := range verbs {
		if !v.appliesTo(t) {
			continue
		}
		name := v.privilege(t)
		org := t.Ownership != UserOwned
		list = append(list, newMetaObject("", 9).add("CanBeBasic", !org).add("CanBeDeep", !org).add("CanBeGlobal", true).add("CanBeLocal", !org).
			add("CanBeEntityReference", false).add("CanBeParentEntityReference", false).
			add("Name", name).add("PrivilegeId", privilegeID(name).String()).add("PrivilegeType", v.String()))
	}
	return list
}

// attributeKind says how metadata names the type of a column (fact sheet,
// section 8.3): the derived type, AttributeType and AttributeTypeName.
func attributeKind(c *Column) (derived, code, name string) {
	switch c.Type {
	case String:
		return "StringAttributeMetadata", "String", "StringType"
	case Memo:
		return "MemoAttributeMetadata", "Memo", "MemoType"
	case Integer:
		return "IntegerAttributeMetadata", "Integer", "IntegerType"
	case BigInt:
		return "BigIntAttributeMetadata", "BigInt", "BigIntType"
	case Double:
		return "DoubleAttributeMetadata", "Double", "DoubleType"
	case Decimal:
		return "DecimalAttributeMetadata", "Decimal", "DecimalType"
	case Money:
		return "MoneyAttributeMetadata", "Money", "MoneyType"
	case Boolean:
		return "BooleanAttributeMetadata", "Boolean", "BooleanType"
	case Choice:
		return "PicklistAttributeMetadata", "Picklist", "PicklistType"
	case MultiChoice:
		return "MultiSelectPicklistAttributeMetadata", "Virtual", "MultiSelectPicklistType"
	case State:
		return "StateAttributeMetadata", "State", "StateType"
	case Status:
		return "StatusAttributeMetadata", "Status", "StatusType"
	case DateTime, Date:
		return "DateTimeAttributeMetadata", "DateTime", "DateTimeType"
	case UniqueID:
		return "UniqueIdentifierAttributeMetadata", "Uniqueidentifier", "UniqueidentifierType"
	case Lookup:
		return "LookupAttributeMetadata", "Lookup", "LookupType"
	case Customer:
		return "LookupAttributeMetadata", "Customer", "CustomerType"
	case Owner:
		return "LookupAttributeMetadata", "Owner", "OwnerType"
	case PartyList:
		return "LookupAttributeMetadata", "PartyList", "PartyListType"
	case EntityName:
		return "EntityNameAttributeMetadata", "EntityName", "EntityNameType"
	case Image:
		return "ImageAttributeMetadata", "Virtual", "ImageType"
	default:
		return "AttributeMetadata", "Virtual", "VirtualType"
	}
}

func attributeObjects(t *Table) []*metaObject {
	list := make([]*metaObject, 0, 2*len(t.Columns))
	for _, c := range t.Columns {
		list = append(list, attributeObject(c))
		for _, shadow := range shadows(c) {
			list = append(list, attributeObject(shadow))
		}
	}
	return list
}

// attributeObject is a column as AttributeMetadata, with the properties of its
// derived type after the common ones.
func attributeObject(c *Column) *metaObject {
	derived, code, typeName := attributeKind(c)
	o := newMetaObject(derived, 60)
	if derived == "UniqueIdentifierAttributeMetadata" || derived == "AttributeMetadata" {
		o.typ = "" // the service names no derived type for these
	}
	var attributeOf any
	if c.AttributeOf != "" {
		attributeOf = c.AttributeOf
	}
	key := c.table.LogicalName + "." + c.LogicalName
	readable := !c.NoRead && c.Type != PartyList
	o.add("AttributeOf", attributeOf).add("AttributeType", code).add("AttributeTypeName", valueObject(typeName)).
		add("ColumnNumber", c.ordinal+1).add("Description", label(key+" description", "")).add("DisplayName", label(key, c.DisplayName)).
		add("DeprecatedVersion", nil).add("IntroducedVersion", "5.0.0.0").add("EntityLogicalName", c.table.LogicalName).
		add("IsAuditEnabled", managedAudit).
		add("IsCustomAttribute", c.table.custom || strings.Contains(c.LogicalName, "_") && c.AttributeOf == "" && isPrefixed(c.LogicalName)).
		add("IsPrimaryId", c == c.table.pk).add("IsPrimaryName", c == c.table.name).
		add("IsValidForCreate", !c.NoCreate).add("IsValidForRead", readable).add("IsValidForUpdate", !c.NoUpdate).
		add("CanBeSecuredForRead", c.system == sysNone && c.AttributeOf == "").
		add("CanBeSecuredForCreate", c.system == sysNone && c.AttributeOf == "" && !c.NoCreate).
		add("CanBeSecuredForUpdate", c.system == sysNone && c.AttributeOf == "" && !c.NoUpdate).
		add("IsSecured", c.Secured).add("IsRetrievable", readable).add("IsFilterable", false).add("IsSearchable", false).add("IsManaged", !c.table.custom).
		add("IsGlobalFilterEnabled", managedGlobalFilter).
		add("IsSortableEnabled", managedSortable).
		add("LinkedAttributeId", nil).add("LogicalName", c.LogicalName).
		add("IsCustomizable", managedCustomizable).add("IsRenameable", managedRenameable).
		add("IsValidForAdvancedFind", managedSearch).
		add("IsValidForForm", true).add("IsRequiredForForm", c.Required == ApplicationRequired).add("IsValidForGrid", true).
		add("RequiredLevel", newMetaObject("", 3).add("Value", c.Required.String()).add("CanBeChanged", c.Required != SystemRequired).
			add("ManagedPropertyLogicalName", "canmodifyrequirementlevelsettings")).
		add("CanModifyAdditionalSettings", managedSettings).
		add("SchemaName", c.SchemaName).add("ExternalName", nil).add("IsLogical", c.AttributeOf != "" || c.Type == Virtual || c.Type == PartyList).
		add("IsDataSourceSecret", false).add("IsValidODataAttribute", c.AttributeOf == "" && c.inOData()).
		add("InheritsFrom", nil).add("CreatedOn", "1900-01-01T00:00:00Z").add("ModifiedOn", "1900-01-01T00:00:00Z").
		add("SourceType", 0).add("AutoNumberFormat", "").
		add("MetadataId", c.metadataID().String()).add("HasChanged", nil)
	o.common = len(o.fields)
	addDerived(o, c)
	return o
}

// isPrefixed says that a name begins with a publisher's prefix.
func isPrefixed(name string) bool {
	i := strings.IndexByte(name, '_')
	return i >= 2 && i <= 8 && !strings.ContainsAny(name[:i], "0123456789")
}

func addDerived(o *metaObject, c *Column) {
	switch c.Type {
	case String:
		format := c.Format
		if format == "" {
			format = "Text"
		}
		o.add("Format", format).add("FormatName", valueObject(format)).add("ImeMode", "Auto").add("MaxLength", c.MaxLength).
			add("YomiOf", nil).add("IsLocalizable", false).add("DatabaseLength", 2*c.MaxLength).add("FormulaDefinition", "").add("SourceTypeMask", 0)
	case Memo:
		format := c.Format
		if format == "" {
			format = "TextArea"
		}
		o.add("Format", "TextArea").add("FormatName", valueObject(format)).add("ImeMode", "Auto").add("MaxLength", c.MaxLength).add("IsLocalizable", false)
	case Integer:
		o.add("Format", "None").add("MaxValue", int(c.Max)).add("MinValue", int(c.Min)).add("FormulaDefinition", "").add("SourceTypeMask", 0)
	case BigInt:
		o.add("MaxValue", math.MaxInt64).add("MinValue", math.MinInt64)
	case Double:
		o.add("ImeMode", "Auto").add("MaxValue", c.Max).add("MinValue", c.Min).add("Precision", c.Precision)
	case Decimal:
		o.add("MaxValue", c.Max).add("MinValue", c.Min).add("Precision", c.Precision).add("ImeMode", "Auto").add("FormulaDefinition", "").add("SourceTypeMask", 0)
	case Money:
		o.add("ImeMode", "Auto").add("MaxValue", c.Max).add("MinValue", c.Min).add("Precision", c.Precision).add("PrecisionSource", 2).
			add("CalculationOf", calculationOf(c)).add("FormulaDefinition", "").add("SourceTypeMask", 0).add("IsBaseCurrency", strings.HasSuffix(c.LogicalName, "_base"))
	case Boolean:
		def, _ := c.Default.(bool)
		o.add("DefaultValue", def).add("FormulaDefinition", nil).add("SourceTypeMask", 0)
		o.nav = map[string]func() any{
			"OptionSet":       sync.OnceValue(func() any { return booleanOptionSet(c) }),
			"GlobalOptionSet": func() any { return nil },
		}
	case Choice, MultiChoice, State, Status, EntityName:
		def := -1
		if n, ok := c.Default.(int); ok {
			def = n
		}
		o.add("DefaultFormValue", def)
		if c.Type == Choice || c.Type == MultiChoice {
			o.add("FormulaDefinition", nil).add("SourceTypeMask", 0)
		}
		o.nav = map[string]func() any{
			"OptionSet":       sync.OnceValue(func() any { return optionSetObject(c) }),
			"GlobalOptionSet": func() any { return nil },
		}
		if c.OptionSet != "" {
			o.nav["GlobalOptionSet"] = o.nav["OptionSet"]
		}
	case DateTime, Date:
		format, behavior := "DateAndTime", "UserLocal"
		if c.Format != "" {
			format = c.Format
		}
		switch {
		case c.Type == Date:
			format, behavior = "DateOnly", "DateOnly"
		case c.TimeZoneIndependent:
			behavior = "TimeZoneIndependent"
		}
		o.add("MinSupportedValue", "1753-01-01T00:00:00Z").add("MaxSupportedValue", "9999-12-30T23:59:59Z").
			add("Format", format).add("ImeMode", "Auto").add("SourceTypeMask", 0).add("FormulaDefinition", "").
			add("DateTimeBehavior", valueObject(behavior)).add("CanChangeDateTimeBehavior", managedDateTimeBehavior)
	case Lookup, Customer, Owner, PartyList:
		o.add("Targets", lookupTargets(c)).add("Format", "None")
	case Image:
		o.add("IsPrimaryImage", true).add("MaxHeight", 144).add("MaxWidth", 144)
	}
}

func calculationOf(c *Column) any {
	if base, ok := strings.CutSuffix(c.LogicalName, "_base"); ok {
		return base
	}
	return nil
}

// lookupTargets are the tables of a lookup; an owner is a user or a team.
func lookupTargets(c *Column) []string {
	list := []string{}
	for _, t := range c.Targets {
		if t.Table == "principal" {
			list = append(list, "systemuser", "team")
			continue
		}
		list = append(list, t.Table)
	}
	return list
}

func optionSetObject(c *Column) *metaObject {
	kind, name := "Picklist", c.table.LogicalName+"_"+c.LogicalName
	switch c.Type {
	case State:
		kind = "State"
	case Status:
		kind = "Status"
	}
	if c.OptionSet != "" {
		name = c.OptionSet
	}
	o := optionSetBase("OptionSetMetadata", name, c.DisplayName, kind, c.OptionSet != "", c.table.custom)
	options := []*metaObject{}
	for _, opt := range c.Options {
		options = append(options, optionObject(c, name, opt))
	}
	return o.add("Options", options)
}

func optionSetBase(typ, name, display, kind string, global, custom bool) *metaObject {
	o := newMetaObject(typ, 14)
	return o.add("MetadataId", nameGUID("optionset "+name).String()).add("HasChanged", nil).
		add("IsCustomOptionSet", custom).add("IsGlobal", global).add("IsManaged", !custom).add("Name", name).add("ExternalTypeName", nil).
		add("OptionSetType", kind).add("IntroducedVersion", nil).add("ParentOptionSetName", nil).
		add("Description", label(name+" description", "")).add("DisplayName", label(name, display)).
		add("IsCustomizable", managedCustomizable)
}

func optionObject(c *Column, set string, opt Option) *metaObject {
	text := opt.Label
	o := newMetaObject("", 13).add("Value", opt.Value).add("Label", label(set+" "+text, text)).add("Description", label("", "")).
		add("Color", nil).add("IsManaged", !c.table.custom).add("ExternalValue", nil).add("ParentValues", []*metaObject{}).
		add("Tag", nil).add("IsHidden", false).add("MetadataId", nil).add("HasChanged", nil)
	switch c.Type {
	case State:
		o.typ = "StateOptionMetadata"
		o.add("DefaultStatus", opt.DefaultStatus).add("InvariantName", strings.ReplaceAll(text, " ", ""))
	case Status:
		o.typ = "StatusOptionMetadata"
		o.add("State", opt.State).add("TransitionData", nil)
	}
	return o
}

func booleanOptionSet(c *Column) *metaObject {
	name := c.table.LogicalName + "_" + c.LogicalName
	o := optionSetBase("BooleanOptionSetMetadata", name, c.DisplayName, "Boolean", false, c.table.custom)
	for _, opt := range c.Options {
		if opt.Value == 1 {
			o.add("TrueOption", optionObject(c, name, opt))
		} else {
			o.add("FalseOption", optionObject(c, name, opt))
		}
	}
	return o
}

func keyObjects(t *Table) []*metaObject {
	list := []*metaObject{}
	for _, k := range t.Keys {
		list = append(list, newMetaObject("EntityKeyMetadata", 15).
			add("IsCustomizable", managedCustomizable).add("MetadataId", nameGUID("key "+t.LogicalName+"."+k.SchemaName).String()).
			add("HasChanged", nil).add("LogicalName", strings.ToLower(k.SchemaName)).add("SchemaName", k.SchemaName).add("EntityLogicalName", t.LogicalName).
			add("KeyAttributes", k.Columns).add("IsManaged", false).add("IntroducedVersion", "1.0").add("IsSynchronous", false).add("IsExportKey", false).
			add("IsSecondaryKey", false).add("EntityKeyIndexStatus", "Active").add("DisplayName", label("key "+k.SchemaName, k.SchemaName)).add("AsyncJob", nil))
	}
	return list
}

// manyToOne lists the relationships of a table's own lookups. An owner's
// relationship leads to the abstract table "owner".
func manyToOne(t *Table) []*metaObject {
	list := []*metaObject{}
	for _, c := range t.Columns {
		for _, r := range c.rels {
			list = append(list, relationshipObject(r))
		}
	}
	return list
}

func oneToMany(t *Table) []*metaObject {
	list := []*metaObject{}
	for _, r := range t.inbound {
		list = append(list, relationshipObject(r))
	}
	return list
}

func relationshipObject(r *Relationship) *metaObject {
	referenced, referencedID := "owner", "ownerid"
	if r.Referenced != nil {
		referenced, referencedID = r.Referenced.LogicalName, r.Referenced.PrimaryID
	}
	custom := r.Referencing.custom
	behavior := 1
	if r.Column.NoUpdate {
		behavior = 0
	}
	// Assigning, sharing and moving do not cascade in the simulator.
	cascade := newMetaObject("", 8)
	for _, name := range []string{"Assign", "Delete", "Archive", "Merge", "Reparent", "Share", "Unshare", "RollupView"} {
		v := "NoCascade"
		if name == "Delete" {
			v = r.Delete.String()
		}
		cascade.add(name, v)
	}
	return relationshipBase("OneToManyRelationshipMetadata", r.SchemaName, "OneToManyRelationship", custom).
		add("ReferencedAttribute", referencedID).add("ReferencedEntity", referenced).
		add("ReferencingAttribute", r.Column.LogicalName).add("ReferencingEntity", r.Referencing.LogicalName).
		add("IsHierarchical", false).add("EntityKey", nil).add("IsRelationshipAttributeDenormalized", false).
		add("ReferencedEntityNavigationPropertyName", r.Collection).add("ReferencingEntityNavigationPropertyName", r.Navigation).
		add("RelationshipBehavior", behavior).add("IsDenormalizedLookup", nil).add("DenormalizedAttributeName", nil).
		add("AssociatedMenuConfiguration", menuObject()).add("CascadeConfiguration", cascade).add("RelationshipAttributes", []*metaObject{})
}

func relationshipBase(typ, name, kind string, custom bool) *metaObject {
	security := "Append"
	if kind != "OneToManyRelationship" {
		security = "None"
	}
	return newMetaObject(typ, 26).add("MetadataId", nameGUID("relationship "+name).String()).add("HasChanged", nil).
		add("IsCustomRelationship", custom).add("IsValidForAdvancedFind", true).add("SchemaName", name).add("SecurityTypes", security).
		add("IsManaged", !custom).add("RelationshipType", kind).add("IntroducedVersion", "5.0.0.0").
		add("IsCustomizable", managedCustomizable)
}

func menuObject() *metaObject {
	return newMetaObject("", 10).add("Behavior", "UseCollectionName").add("Group", "Details").add("Order", nil).add("IsCustomizable", true).
		add("Icon", nil).add("ViewId", "00000000-0000-0000-0000-000000000000").add("AvailableOffline", true).add("MenuId", nil).
		add("QueryApi", nil).add("Label", label("", ""))
}

func manyToMany(s *Schema, t *Table) []*metaObject {
	list := []*metaObject{}
	for _, m := range s.many {
		if m.one == t || m.two == t {
			list = append(list, manyToManyObject(m))
		}
	}
	return list
}

func manyToManyObject(m *ManyToMany) *metaObject {
	one, two := m.one.PrimaryID, m.two.PrimaryID
	if m.one == m.two {
		one, two = one+"one", two+"two"
	}
	return relationshipBase("ManyToManyRelationshipMetadata", m.SchemaName, "ManyToManyRelationship", m.one.custom || m.two.custom).
		add("Entity1LogicalName", m.Table1).add("Entity2LogicalName", m.Table2).add("IntersectEntityName", m.Intersect).
		add("Entity1IntersectAttribute", one).add("Entity2IntersectAttribute", two).
		add("Entity1NavigationPropertyName", m.Navigation1).add("Entity2NavigationPropertyName", m.Navigation2).
		add("Entity1AssociatedMenuConfiguration", menuObject()).add("Entity2AssociatedMenuConfiguration", menuObject())
}
