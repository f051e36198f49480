package simulator

import (
	"encoding/xml"
	"io"
	"strings"
	"testing"
)

func TestMetadataRequestsOfTheFactSheet(t *testing.T) {
	s := quiet(t, nil)
	entity := "EntityDefinitions(LogicalName='contact')"
	for _, tc := range []struct {
		path   string
		status int
		texts  []string
	}{
		{"", 200, []string{`/api/data/v9.2/$metadata","value":[{"name":"accounts","kind":"EntitySet","url":"accounts"}`}},
		{entity + "?$select=LogicalName,EntitySetName,PrimaryIdAttribute,PrimaryNameAttribute,ObjectTypeCode,OwnershipType,IsActivity,IsOptimisticConcurrencyEnabled", 200,
			[]string{`$metadata#EntityDefinitions(LogicalName,EntitySetName,PrimaryIdAttribute,PrimaryNameAttribute,ObjectTypeCode,OwnershipType,IsActivity,IsOptimisticConcurrencyEnabled)/$entity"`,
				`"EntitySetName":"contacts"`, `"PrimaryIdAttribute":"contactid"`, `"PrimaryNameAttribute":"fullname"`, `"ObjectTypeCode":2`, `"OwnershipType":"UserOwned"`, `"IsOptimisticConcurrencyEnabled":true`,
				`"MetadataId":"608861bc-50a4-4c5f-a02c-21fe1943e2cf"`}},
		{"EntityDefinitions(608861bc-50a4-4c5f-a02c-21fe1943e2cf)?$select=LogicalName", 200, []string{`"LogicalName":"contact"`}},
		{"EntityDefinitions?$select=SchemaName&$expand=Keys($select=KeyAttributes)", 200, []string{`"SchemaName":"Team"`, `"Keys":[{"MetadataId":`, `"KeyAttributes":["azureactivedirectoryobjectid","membershiptype"]`}},
		{"EntityDefinitions?$select=LogicalName&$filter=IsActivity eq true and LogicalName ne 'activitypointer'", 200, []string{`"appointment"`, `"task"`}},
		{"EntityDefinitions?$select=LogicalName&$filter=IsAuditEnabled/Value eq true", 200, []string{`"value":[]`}},
		{entity + "/Attributes?$select=LogicalName,SchemaName,AttributeType,AttributeTypeName,RequiredLevel,IsValidForCreate", 200,
			[]string{`{"@odata.type":"#Microsoft.Dynamics.CRM.StringAttributeMetadata"`, `"AttributeTypeName":{"Value":"StringType"}`, `"Value":"ApplicationRequired"`}},
		{entity + "/Attributes?$select=LogicalName&$filter=AttributeType eq Microsoft.Dynamics.CRM.AttributeTypeCode'Customer'", 200, []string{`"LogicalName":"parentcustomerid"`}},
		{entity + "/Attributes(LogicalName='lastname')?$select=LogicalName", 200, []string{`"LogicalName":"lastname"`}},
		{entity + "/Attributes(LogicalName='nothing')", 404, nil},
		{entity + "/Attributes?$select=MaxLength", 400, []string{"Could not find a property named 'MaxLength' on type 'Microsoft.Dynamics.CRM.AttributeMetadata'."}},
		{entity + "/Attributes/Microsoft.Dynamics.CRM.StringAttributeMetadata?$select=LogicalName,MaxLength,FormatName", 200, []string{`"MaxLength":50`, `"FormatName":{"Value":"Email"}`}},
		{entity + "/Attributes/Microsoft.Dynamics.CRM.LookupAttributeMetadata?$select=LogicalName,Targets", 200, []string{`"Targets":["account","contact"]`, `"Targets":["systemuser","team"]`}},
		{entity + "/Attributes/Microsoft.Dynamics.CRM.PicklistAttributeMetadata?$select=LogicalName&$expand=OptionSet($select=Options),GlobalOptionSet($select=Options)", 200,
			[]string{`"OptionSet":{"MetadataId":`, `"Options":[{"Value":1,"Label":{"LocalizedLabels":[{"Label":"`, `"GlobalOptionSet":null`}},
		{entity + "/Attributes(LogicalName='familystatuscode')/Microsoft.Dynamics.CRM.PicklistAttributeMetadata?$select=LogicalName&$expand=OptionSet($select=Options)", 200,
			[]string{`"OptionSet@odata.context":`, `"Label":"Married"`}},
		{entity + "/Attributes/Microsoft.Dynamics.CRM.StateAttributeMetadata?$select=LogicalName&$expand=OptionSet($select=Options)", 200, []string{`"DefaultStatus":1,"InvariantName":"Active"`}},
		{entity + "/Attributes/Microsoft.Dynamics.CRM.StatusAttributeMetadata?$expand=OptionSet", 200, []string{`"State":0`}},
		{entity + "/Attributes/Microsoft.Dynamics.CRM.BooleanAttributeMetadata?$select=LogicalName&$expand=OptionSet", 200, []string{`"TrueOption":{"Value":1`}},
		{entity + "/Attributes/Microsoft.Dynamics.CRM.DateTimeAttributeMetadata?$select=LogicalName,DateTimeBehavior,Format", 200, []string{`"DateTimeBehavior":{"Value":"DateOnly"}`, `"DateTimeBehavior":{"Value":"UserLocal"}`}},
		{entity + "/Attributes/Microsoft.Dynamics.CRM.MoneyAttributeMetadata?$select=LogicalName,Precision,PrecisionSource", 200, []string{`"PrecisionSource":2`}},
		{entity + "/Attributes/Microsoft.Dynamics.CRM.EnumAttributeMetadata", 400, nil},
		{entity + "/ManyToOneRelationships?$select=SchemaName,ReferencingAttribute,ReferencedEntity,ReferencedAttribute,ReferencingEntityNavigationPropertyName", 200,
			[]string{`"ReferencedAttribute":"accountid"`, `"ReferencedEntity":"account"`, `"ReferencingAttribute":"parentcustomerid"`, `"ReferencingEntityNavigationPropertyName":"parentcustomerid_account"`}},
		{entity + "/OneToManyRelationships?$select=ReferencedEntityNavigationPropertyName", 200, []string{`"Contact_Annotation"`}},
		{"EntityDefinitions(LogicalName='systemuser')/ManyToManyRelationships?$select=SchemaName,IntersectEntityName", 200, []string{`"SchemaName":"systemuserroles_association"`, `"IntersectEntityName":"systemuserroles"`}},
		{"EntityDefinitions(LogicalName='team')/Keys?$select=SchemaName,KeyAttributes,EntityKeyIndexStatus", 200, []string{`"EntityKeyIndexStatus":"Active"`}},
		{"EntityDefinitions(LogicalName='account')?$expand=ManyToOneRelationships($select=SchemaName)", 200, []string{`"ManyToOneRelationships":[{`}},
		{"RelationshipDefinitions(SchemaName='contact_customer_accounts')", 200, []string{`"ReferencingEntity":"contact"`}},
		{"RelationshipDefinitions/Microsoft.Dynamics.CRM.ManyToManyRelationshipMetadata?$select=SchemaName", 200, []string{`"teammembership_association"`}},
		{"GlobalOptionSetDefinitions", 200, []string{`"value":[`}},
		{"EntityDefinitions(LogicalName='nothing')", 404, nil},
		{"EntityDefinitions?$select=Nothing", 400, []string{"Could not find a property named 'Nothing' on type 'Microsoft.Dynamics.CRM.EntityMetadata'."}},
		{"EntityDefinitions?$top=1", 400, []string{"$top"}},
		{"EntityDefinitions?$filter=LogicalName eq", 400, nil},
		{"EntityDefinitions?$filter=" + strings.Repeat("(", 500) + "IsActivity" + strings.Repeat(")", 500), 400, nil},
		{"RetrieveMetadataChanges(Query=@q)?@q={}", 501, nil},
		{entity + "/Attributes(LogicalName='parentcustomeridname')?$select=AttributeOf,AttributeType,IsValidForCreate,IsValidODataAttribute", 200, []string{`"AttributeOf":"parentcustomerid"`, `"AttributeType":"String"`, `"IsValidForCreate":false`, `"IsValidODataAttribute":false`}},
		{entity + "/Attributes(LogicalName='parentcustomeridtype')?$select=AttributeOf,AttributeType", 200, []string{`"AttributeOf":"parentcustomerid"`, `"AttributeType":"EntityName"`}},
		{entity + "/Attributes(LogicalName='donotsendmarketingmaterialname')?$select=AttributeOf", 200, []string{`"AttributeOf":"donotsendmm"`}},
		{entity + "/Attributes(LogicalName='statecodename')?$select=AttributeTypeName", 200, []string{`"Value":"VirtualType"`}},
		// A collection without members has the type of its members too.
		{entity + "/Keys?$select=SchemaName,KeyAttributes,EntityKeyIndexStatus", 200, []string{`"value":[]`}},
		{entity + "/Keys?$select=Nothing", 400, []string{"on type 'Microsoft.Dynamics.CRM.EntityKeyMetadata'"}},
		{entity + "/Attributes(LogicalName='lastname')", 200, []string{`"@odata.type":"#Microsoft.Dynamics.CRM.StringAttributeMetadata"`, `"MaxLength":50`}},
		{entity + "/Attributes(LogicalName='lastname')?$select=MaxLength", 400, nil},
	} {
		r := ask(t, s, "GET", tc.path, "")
		if r.status != tc.status {
			t.Errorf("%s: %d %.300s", tc.path, r.status, r.body)
			continue
		}
		for _, text := range tc.texts {
			if !strings.Contains(r.body, text) {
				t.Errorf("%s lacks %s: %.600s", tc.path, text, r.body)
			}
		}
	}
}

// TestCSDLIsWellFormedAndNamesTheColumns holds $metadata against the schema.
func TestCSDLIsWellFormedAndNamesTheColumns(t *testing.T) {
	s := quiet(t, nil)
	r := ask(t, s, "GET", "$metadata", "").is(t, 200,
		`<EntityType Name="contact" BaseType="mscrm.crmbaseentity">`, `<EntityType Name="appointment" BaseType="mscrm.activitypointer">`,
		`<Property Name="_parentcustomerid_value" Type="Edm.Guid" />`, `<ReferentialConstraint Property="_parentcustomerid_value" ReferencedProperty="accountid" />`,
		`<EntitySet Name="contacts" EntityType="Microsoft.Dynamics.CRM.contact">`)
	if r.header.Get("Content-Type") != "application/xml" {
		t.Error(r.header.Get("Content-Type"))
	}
	d := xml.NewDecoder(strings.NewReader(r.body))
	for {
		if _, err := d.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	ask(t, s, "GET", "$metadata?annotations=true", "").is(t, 200, "Org.OData.Core.V1.Permissions", "Org.OData.Core.V1.Computed")
}

func TestFunctionsAndActions(t *testing.T) {
	s := quiet(t, nil)
	if err := s.Seed(files(seedOne, seedTwo)...); err != nil {
		t.Fatal(err)
	}
	who := ask(t, s, "GET", "WhoAmI", "").is(t, 200, `"@odata.context":"`+s.URL+`/api/data/v9.2/$metadata#Microsoft.Dynamics.CRM.WhoAmIResponse"`, `"UserId":"`+AdministratorID, `"OrganizationId":"`+DefaultOrganizationID, `"BusinessUnitId":"`+BusinessUnitID)
	if left := who.header.Get("x-ms-ratelimit-burst-remaining-xrm-requests"); left != "5999" {
		t.Errorf("%q requests are left", left)
	}
	if left := who.header.Get("x-ms-ratelimit-time-remaining-xrm-requests"); left != "1,200.00" {
		t.Errorf("%q seconds are left", left)
	}
	if who.header.Get("x-ms-dop-hint") == "" {
		t.Error("no x-ms-dop-hint")
	}
	for _, tc := range []struct {
		method, path, body string
		status             int
		texts              []string
	}{
		{"GET", "WhoAmI()", "", 200, nil},
		{"POST", "WhoAmI", "{}", 404, []string{`"code":""`, "No HTTP resource was found that matches the request URI"}},
		{"GET", "RetrieveVersion()", "", 200, []string{`"Version":"9.2.`}},
		// What the platform has and the simulator has not is named, never unknown.
		{"POST", "WinOpportunity", "{}", 501, []string{"WinOpportunity"}},
		{"GET", "RetrieveSharedPrincipalsAndAccess(Target=@t)?@t={'@odata.id':'contacts(" + theC + ")'}", "", 501, []string{"RetrieveSharedPrincipalsAndAccess"}},
		{"GET", "contacts(" + theC + ")/Microsoft.Dynamics.CRM.RetrieveDuplicates", "", 501, []string{"RetrieveDuplicates"}},
		{"POST", "contacts/Microsoft.Dynamics.CRM.BulkDelete", "{}", 501, []string{"BulkDelete"}},
		{"POST", "NoSuchAction", "{}", 404, []string{`"code":"0x8006088a"`, "Resource not found for the segment 'NoSuchAction'."}},
		{"GET", "RetrieveCurrentOrganization(AccessType=@p1)?@p1=Microsoft.Dynamics.CRM.EndpointAccessType'Default'", "", 200, []string{`"Detail":{"OrganizationId"`, `"Count":3`, `"State":"Enabled"`}},
		{"GET", "RetrieveTotalRecordCount(EntityNames=@n)?@n=['contact','account']", "", 200, []string{`"Keys":["contact","account"],"Values":[1,1]`}},
		{"GET", "RetrieveTotalRecordCount(EntityNames=['contact'])", "", 200, []string{`"Values":[1]`}},
		{"GET", "GetTimeZoneCodeByLocalizedName(LocalizedStandardName=@p1,LocaleId=@p2)?@p1='Pacific Standard Time'&@p2=1033", "", 200, []string{`"TimeZoneCode":4`}},
		{"GET", "systemusers(" + AdministratorID + ")/Microsoft.Dynamics.CRM.RetrievePrincipalAccess(Target=@p1)?@p1={'@odata.id':'contacts(" + theC + ")'}", "", 200,
			[]string{`"AccessRights":"ReadAccess, WriteAccess, AppendAccess, AppendToAccess, CreateAccess, DeleteAccess, ShareAccess, AssignAccess"`}},
		{"GET", "systemusers(" + AdministratorID + ")/Microsoft.Dynamics.CRM.RetrieveUserPrivileges", "", 200, []string{`"RolePrivileges":[{"Depth":"Global"`, `"PrivilegeName":"prvReadContact"`, "prvActOnBehalfOfAnotherUser"}},
		{"GET", "InitializeFrom(EntityMoniker=@p1,TargetEntityName=@p2,TargetFieldType=@p3)?@p1={'@odata.id':'accounts(" + theA + ")'}&@p2='contact'&@p3=Microsoft.Dynamics.CRM.TargetFieldType'ValidForCreate'", "", 200,
			[]string{`"@odata.type":"#Microsoft.Dynamics.CRM.contact"`, `"parentcustomerid_account@odata.bind":"accounts(` + theA + `)"`}},
		{"GET", "sdkmessagefilters?$select=sdkmessagefilterid&$filter=sdkmessageid/name eq @m and primaryobjecttypecode eq @t&@m='CreateMultiple'&@t='contact'", "", 200, []string{`"value":[{`}},
		{"GET", "sdkmessagefilters?$select=sdkmessagefilterid&$filter=sdkmessageid/name eq @m and primaryobjecttypecode eq @t&@m='CreateMultiple'&@t='appointment'", "", 200, []string{`"value":[]`}},
	} {
		ask(t, s, tc.method, tc.path, tc.body).is(t, tc.status, tc.texts...)
	}
}

func TestBulkMessages(t *testing.T) {
	schema := Baseline()
	if err := schema.AddTable(TableSpec{LogicalName: "new_thing", EntitySet: "new_things", PrimaryID: "new_thingid", PrimaryName: "new_name",
		Columns: []Column{{LogicalName: "new_code", Type: String}}, Keys: []Key{{SchemaName: "new_Key", Columns: []string{"new_code"}}}}); err != nil {
		t.Fatal(err)
	}
	s := NewServer(schema, &Options{NoListener: true})
	defer s.Close()
	thing := func(members string) string {
		return `{"@odata.type":"Microsoft.Dynamics.CRM.new_thing",` + members + `}`
	}
	bulk := func(message string, targets ...string) reply {
		return ask(t, s, "POST", "new_things/Microsoft.Dynamics.CRM."+message, `{"Targets":[`+strings.Join(targets, ",")+`]}`)
	}
	one, two := "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"
	bulk("CreateMultiple", thing(`"new_thingid":"`+one+`","new_name":"a","new_code":"A"`), thing(`"new_thingid":"`+two+`","new_name":"b"`)).
		is(t, 200, `$metadata#Microsoft.Dynamics.CRM.CreateMultipleResponse","Ids":["`+one+`","`+two+`"]}`)
	bulk("CreateMultiple", thing(`"new_name":"c"`), thing(`"new_thingid":"`+one+`"`)).is(t, 412, `"code":"0x80040237"`, "Cannot insert duplicate key.")
	bulk("CreateMultiple", `{"new_name":"c"}`).is(t, 400, "@odata.type")
	bulk("CreateMultiple", `{"@odata.type":"Microsoft.Dynamics.CRM.contact"}`).is(t, 400)
	if n := len(s.Records("new_things")); n != 2 {
		t.Errorf("%d things: a failed bulk message left some behind", n)
	}
	bulk("UpdateMultiple", thing(`"new_thingid":"`+one+`","new_name":"first"`), thing(`"new_thingid":"`+one+`","new_name":"second"`)).is(t, 204)
	ask(t, s, "GET", "new_things("+one+")", "").is(t, 200, `"new_name":"first"`)
	bulk("UpdateMultiple", thing(`"new_thingid":"`+one+`","new_name":"x"`), thing(`"new_thingid":"`+theA+`"`)).is(t, 404, "With IDs = "+theA+" Do Not Exist")
	ask(t, s, "GET", "new_things("+one+")", "").is(t, 200, `"new_name":"first"`)
	bulk("UpsertMultiple", thing(`"@odata.id":"new_things(new_code='A')","new_name":"by key"`), thing(`"@odata.id":"new_things(new_code='B')","new_name":"new"`), thing(`"new_thingid":"`+two+`","new_name":"by id"`)).is(t, 204)
	ask(t, s, "GET", "new_things("+one+")", "").is(t, 200, `"new_name":"by key"`)
	ask(t, s, "GET", "new_things(new_code='B')", "").is(t, 200, `"new_name":"new"`)
	bulk("UpsertMultiple", thing(`"new_thingid":"`+two+`"`), thing(`"new_thingid":"`+two+`"`)).is(t, 412)
	bulk("DeleteMultiple", thing(`"new_thingid":"`+two+`"`)).is(t, 400, "0x80040800")
	ask(t, s, "POST", "appointments/Microsoft.Dynamics.CRM.CreateMultiple", `{"Targets":[]}`).is(t, 400, "0x80040800")
}
