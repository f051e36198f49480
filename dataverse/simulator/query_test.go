package simulator

import (
	"strings"
	"testing"
)

func TestRead(t *testing.T) {
	row := "contacts(" + testContact + ")"
	root := "http://localhost:0/api/data/v9.2/"
	runWire(t, []wireCase{
		{method: "GET", path: row + "?$select=fullname,emailaddress1", status: 200, wantHeader: []string{"OData-Version", "4.0", "Content-Type", "application/json; odata.metadata=minimal"},
			want: []string{`"@odata.context":"` + root + `$metadata#contacts(fullname,emailaddress1)/$entity"`, `"@odata.etag":"W/\"`, `"fullname":"Ada Lovelace"`, `"contactid":"` + testContact + `"`}, not: []string{"lastname"}},
		{method: "GET", path: row, status: 200, want: []string{`$metadata#contacts/$entity"`, `"jobtitle":null`, `"_parentcustomerid_value":"` + testAccount, `"birthdate":"1980-02-29"`, `"createdon":"2025-03-12T10:20:30Z"`, `"statecode":0,`, `"statuscode":1`, `"donotemail":false`, `"_ownerid_value":"` + AdministratorID, `"_owningbusinessunit_value":"` + BusinessUnitID}},
		{name: "named primary key", method: "GET", path: "accounts(accountid=" + testAccount + ")?$select=name", status: 200, want: []string{`"name":"Contoso"`}},
		{name: "named primary key of a user", method: "GET", path: "systemusers(systemuserid=" + AdministratorID + ")", status: 400, want: []string{"The key in the request URI is not valid for resource 'Microsoft.Dynamics.CRM.systemuser'."}},
		{name: "user", method: "GET", path: "systemusers(" + AdministratorID + ")?$select=fullname", status: 200, want: []string{`"systemuserid":"` + AdministratorID, `"ownerid":"` + AdministratorID}},
		{name: "alternate key", method: "GET", path: "accounts(accountnumber='a1')?$select=name", status: 200, want: []string{`"name":"Contoso"`}},
		{name: "composite key", method: "GET", path: "contacts(firstname='Ada',emailaddress1='ada@example.com')?$select=fullname", status: 200, want: []string{"Lovelace"}},
		{name: "key on a lookup", method: "GET", path: "new_projects(_new_accountid_value=" + testAccount + ")?$select=new_name", status: 200, want: []string{`"new_name":"P1"`}},
		{name: "key without row", method: "GET", path: "accounts(accountnumber='zz')", status: 404, code: "0x80060891", want: []string{"A record with the specified key values does not exist in account entity"}},
		{name: "undeclared key", method: "GET", path: "accounts(name='Contoso')", status: 400, want: []string{"The key in the request URI is not valid for resource 'Microsoft.Dynamics.CRM.account'. Ensure that the names and number of key properties match the declared or alternate key properties for the resource 'Microsoft.Dynamics.CRM.account'."}},
		{name: "key with a slash", method: "GET", path: "accounts(accountnumber='a%2Fb')", status: 400},
		{name: "no such row", method: "GET", path: "contacts(00000000-0000-0000-0000-000000000009)", status: 404, code: "0x80040217", want: []string{"Does Not Exist"}},
		{name: "wrong set", method: "GET", path: "Account", status: 404, code: "0x8006088a", want: []string{"Resource not found for the segment 'Account'."}},
		{name: "wrong property", method: "GET", path: "accounts?$select=Name", status: 400, code: "0x0", want: []string{"Could not find a property named 'Name' on type 'Microsoft.Dynamics.CRM.account'."}},
		{name: "escaped option", method: "GET", path: row + "?%24select=fullname", status: 200, not: []string{"lastname"}},
		{name: "plus is a space", method: "GET", path: "contacts?$filter=lastname+eq+'Young'&$select=fullname", status: 200, want: []string{"Cy Young"}},
		{name: "property", method: "GET", path: row + "/fullname", status: 200, want: []string{`{"@odata.context":"` + root + `$metadata#contacts(` + testContact + `)/fullname","value":"Ada Lovelace"}`}},
		{name: "raw property", method: "GET", path: row + "/fullname/$value", status: 200, want: []string{"Ada Lovelace"}, not: []string{"{"}},
		{name: "lookup as path", method: "GET", path: "accounts(" + testAccount + ")/primarycontactid?$select=fullname", status: 200, want: []string{`$metadata#contacts(fullname)/$entity"`, "Ada"}},
		{name: "collection as path", method: "GET", path: "accounts(" + testAccount + ")/contact_customer_accounts?$select=fullname&$orderby=fullname desc", status: 200, want: []string{`$metadata#contacts(fullname)"`, `Bob O'Bryan`}},
		{name: "references", method: "GET", path: "accounts(" + testAccount + ")/contact_customer_accounts/$ref", status: 200, want: []string{`$metadata#Collection($ref)"`, `{"@odata.id":"` + root + `contacts(` + testContact + `)"}`}},
		{name: "reference", method: "GET", path: "accounts(" + testAccount + ")/primarycontactid/$ref", status: 200, want: []string{`"@odata.id":"` + root + `contacts(` + testContact + `)"`}},
		{name: "count", method: "GET", path: "contacts/$count", status: 200, want: []string{"\ufeff3"}, wantHeader: []string{"Content-Type", "text/plain"}},
		{name: "count of a collection", method: "GET", path: "accounts(" + testAccount + ")/contact_customer_accounts/$count", status: 200, want: []string{"\ufeff2"}},
		{name: "wrong verb", method: "DELETE", path: "contacts", status: 405},
		{name: "activity behind its base", method: "GET", path: "activitypointers(" + testTask + ")?$select=subject,activitytypecode", status: 200, want: []string{`"activitytypecode":"task"`}},
		{name: "columns of all activities", method: "GET", path: "activitypointers(" + testTask + ")", status: 200, want: []string{`"` + root + `$metadata#activitypointers/$entity"`, `"activitytypecode":"task"`}, not: []string{"percentcomplete"}},
		{name: "cast of a set", method: "GET", path: "activitypointers/Microsoft.Dynamics.CRM.task?$select=subject,percentcomplete", status: 200, want: []string{`$metadata#activitypointers/Microsoft.Dynamics.CRM.task(subject,percentcomplete)"`, `"Call 100%"`}, not: []string{"Meeting"}},
		{name: "cast of a collection", method: "GET", path: "accounts(" + testAccount + ")/Account_ActivityPointers/Microsoft.Dynamics.CRM.task?$select=subject", status: 200, want: []string{`"Call 100%"`}},
		{name: "cast that leaves nothing", method: "GET", path: "accounts(" + testAccount + ")/Account_ActivityPointers/Microsoft.Dynamics.CRM.email?$select=subject", status: 200, want: []string{`"value":[]`}},
		{name: "count of a cast", method: "GET", path: "activitypointers/Microsoft.Dynamics.CRM.task/$count", status: 200, want: []string{"\ufeff1"}},
		{name: "cast of a row", method: "GET", path: "activitypointers(" + testTask + ")/Microsoft.Dynamics.CRM.task?$select=percentcomplete", status: 200, want: []string{`"percentcomplete":`}},
		{name: "cast of a row to another table", method: "GET", path: "activitypointers(" + testTask + ")/Microsoft.Dynamics.CRM.email", status: 404, code: "0x80040217"},
		{name: "cast of a row to its own table", method: "GET", path: "accounts(" + testAccount + ")/Microsoft.Dynamics.CRM.account?$select=name", status: 200, want: []string{`"name":"Contoso"`}},
		{name: "cast that cannot be", method: "GET", path: "accounts/Microsoft.Dynamics.CRM.contact", status: 400, want: []string{"is neither a base type nor a sub-type"}},
		{name: "annotations", method: "GET", path: row + "?$select=_parentcustomerid_value,_ownerid_value,birthdate,statecode,donotemail", header: []string{"Prefer", `odata.include-annotations="*"`}, status: 200,
			wantHeader: []string{"Preference-Applied", `odata.include-annotations="*"`},
			want: []string{`"_parentcustomerid_value@OData.Community.Display.V1.FormattedValue":"Contoso"`, `"_parentcustomerid_value@Microsoft.Dynamics.CRM.associatednavigationproperty":"parentcustomerid_account"`, `"_parentcustomerid_value@Microsoft.Dynamics.CRM.lookuplogicalname":"account"`,
				`"_ownerid_value@Microsoft.Dynamics.CRM.lookuplogicalname":"systemuser"`, `"birthdate@OData.Community.Display.V1.FormattedValue":"2/29/1980"`, `"statecode@OData.Community.Display.V1.FormattedValue":"Active"`, `"donotemail@OData.Community.Display.V1.FormattedValue":"Allow"`}},
		{name: "annotations by pattern", method: "GET", path: row + "?$select=_parentcustomerid_value", header: []string{"Prefer", `odata.include-annotations="Microsoft.Dynamics.CRM.*"`}, status: 200, want: []string{"lookuplogicalname"}, not: []string{"FormattedValue"}},
		{name: "money comes with its currency", method: "GET", path: "accounts(" + testAccount + ")?$select=revenue,numberofemployees,address1_city", header: []string{"Prefer", `odata.include-annotations="*"`}, status: 200,
			want: []string{`"revenue@OData.Community.Display.V1.FormattedValue":"$20,000.00"`, `"revenue":20000.0000`, `"_transactioncurrencyid_value":"` + CurrencyID, `"numberofemployees@OData.Community.Display.V1.FormattedValue":"9,500"`, `"address1_composite":"1 Main St\r\nRedmond, WA 98052"`}},
		{name: "unsupported option", method: "GET", path: "contacts?$skip=5", status: 400, code: "0x80060888", want: []string{"Query parameter $skip is not supported"}},
		{name: "unknown option", method: "GET", path: "contacts?$Select=fullname", status: 400},
		{name: "not modelled", method: "GET", path: "contacts?$deltatoken=1", status: 501, want: []string{"$deltatoken"}},
		{name: "long segment", method: "GET", path: "contacts(emailaddress1='" + strings.Repeat("x", 300) + "')", status: 400, want: []string{"Invalid URL"}},
		{name: "long URL", method: "GET", path: "contacts?$filter=lastname eq '" + strings.Repeat("x", 33000) + "'", status: 400, code: "0x80060888", want: []string{"Invalid URI: The U"}},
		{name: "If-None-Match null", method: "GET", path: row + "?$select=fullname", header: []string{"If-None-Match", "null"}, status: 200},
		{name: "annotated error", method: "GET", path: "contacts(00000000-0000-0000-0000-000000000009)", header: []string{"Prefer", `odata.include-annotations="*"`}, status: 404, code: "0x80040217",
			want: []string{`"@Microsoft.PowerApps.CDS.ErrorDetails.OperationStatus"`, `"@Microsoft.PowerApps.CDS.HelpLink"`}},
	})
}

func TestFilter(t *testing.T) {
	for _, tc := range []struct {
		set, filter string
		want        string // primary names, in order; "!" and a text: an error with it
	}{
		{"contacts", "lastname eq 'lovelace'", "Ada Lovelace"},
		{"contacts", "lastname eq 'O''Bryan'", "Bob O'Bryan"},
		{"contacts", "lastname eq 'O'Bryan'", "!unterminated literal at position 21 in 'lastname eq 'O'Bryan''"},
		{"contacts", "lastname ne 'Young'", "Ada Lovelace,Bob O'Bryan"},
		{"contacts", "jobtitle eq null", "Ada Lovelace,Cy Young"},
		{"contacts", "jobtitle ne null", "Bob O'Bryan"},
		{"contacts", "jobtitle ne 'CTO'", "Ada Lovelace,Cy Young"},
		{"contacts", "not (jobtitle eq 'CTO')", "Ada Lovelace,Cy Young"},
		{"contacts", "not contains(jobtitle,'c')", "Ada Lovelace,Cy Young"},
		{"contacts", "not (jobtitle gt 'A')", ""},
		{"contacts", "Microsoft.Dynamics.CRM.NotIn(PropertyName='jobtitle',PropertyValues=[\"CTO\"])", "Ada Lovelace,Cy Young"},
		{"contacts", "lastname gt 'M'", "Bob O'Bryan,Cy Young"},
		{"contacts", "'M' lt lastname", "Bob O'Bryan,Cy Young"},
		{"contacts", "annualincome ge 1234.5", "Cy Young"},
		{"contacts", "annualincome gt 1234.49 and annualincome lt 1235", "Cy Young"},
		{"contacts", "birthdate eq 1980-02-29", "Ada Lovelace"},
		{"contacts", "createdon ge 2025-03-12T10:20:30Z", "Ada Lovelace,Bob O'Bryan,Cy Young"},
		{"contacts", "createdon lt 2025-03-12T12:20:30+02:00", ""},
		{"contacts", "_parentcustomerid_value eq " + testAccount, "Ada Lovelace,Bob O'Bryan"},
		{"contacts", "_parentcustomerid_value eq '" + testAccount + "'", "Ada Lovelace,Bob O'Bryan"},
		{"contacts", "_parentcustomerid_value eq null", "Cy Young"},
		{"contacts", "parentcustomerid_account/accountid eq " + testAccount, "Ada Lovelace,Bob O'Bryan"},
		{"contacts", "parentcustomerid_account/name eq 'contoso'", "Ada Lovelace,Bob O'Bryan"},
		{"contacts", "parentcustomerid_account/primarycontactid/fullname eq 'Ada Lovelace'", "Ada Lovelace,Bob O'Bryan"},
		{"contacts", "parentcustomerid_account/createdby/fullname eq 'System Administrator'", "Ada Lovelace,Bob O'Bryan"},
		{"contacts", "ownerid/ownerid eq " + AdministratorID, "Ada Lovelace,Bob O'Bryan,Cy Young"},
		{"contacts", "contains(fullname,'B')", "Bob O'Bryan"},
		{"contacts", "startswith(fullname,'ada') or endswith(fullname,'YOUNG')", "Ada Lovelace,Cy Young"},
		{"contacts", "not contains(fullname,'o')", ""},
		{"contacts", "contains(lastname,'l_ve')", "Ada Lovelace"},
		{"contacts", "lastname eq 'L%'", "Ada Lovelace"},
		{"contacts", "startswith(lastname,'[LY]')", "Ada Lovelace,Cy Young"},
		{"contacts", "startswith(lastname,'[^LY]')", "Bob O'Bryan"},
		{"tasks", "contains(subject,'100[%]')", "Call 100%"},
		{"contacts", "firstname eq lastname", ""},
		{"contacts", "donotemail eq false", "Ada Lovelace,Bob O'Bryan,Cy Young"},
		{"contacts", "statecode eq 0 and (lastname eq 'Young' or firstname eq 'Ada')", "Ada Lovelace,Cy Young"},
		{"contacts", "lastname eq @p1&@p1='Young'", "Cy Young"},
		{"contacts", "jobtitle eq @p1", "Ada Lovelace,Cy Young"},
		{"accounts", "Account_Tasks/any()", "Contoso"},
		{"accounts", "Account_Tasks/any(t:t/statecode eq 0)", "Contoso"},
		{"accounts", "contact_customer_accounts/all(c:c/statecode eq 0)", "Contoso,Fabrikam"},
		{"accounts", "contact_customer_accounts/any(c:c/firstname eq 'Ada') and Account_Tasks/any(t:contains(t/subject,'call'))", "Contoso"},
		{"accounts", "contact_customer_accounts/any(c:c/account_primary_contact/any(a:a/name eq 'Contoso'))", "Contoso"},
		{"accounts", "not Account_Tasks/any()", "Fabrikam"},
		{"accounts", "contact_customer_accounts/any(c:c/annualincome gt 1)", ""}, // unknown is not true
		{"contacts", "parentcustomerid_account/Account_Tasks/any()", "!lambda"},
		{"contacts", "Microsoft.Dynamics.CRM.In(PropertyName='lastname',PropertyValues=[\"Young\",\"lovelace\"])", "Ada Lovelace,Cy Young"},
		{"contacts", "Microsoft.Dynamics.CRM.In(PropertyName=@p1,PropertyValues=@p2)&@p1='contactid'&@p2=[\"" + testContact + "\"]", "Ada Lovelace"},
		{"contacts", "Microsoft.Dynamics.CRM.NotIn(PropertyName='lastname',PropertyValues=[\"Young\"])", "Ada Lovelace,Bob O'Bryan"},
		{"contacts", "Microsoft.Dynamics.CRM.In(PropertyName='lastname',PropertyValues=['Young'])", "!Invalid JSON. A comma character"},
		{"contacts", "not Microsoft.Dynamics.CRM.In(PropertyName='lastname',PropertyValues=[\"Young\"])", "!Not operator along with the Custom Named Condition operators is not allowed"},
		{"accounts", "Microsoft.Dynamics.CRM.Between(PropertyName='numberofemployees',PropertyValues=[\"5\",\"10000\"])", "Contoso"},
		{"accounts", "Microsoft.Dynamics.CRM.Under(PropertyName='accountid',PropertyValue='" + testAccount + "')", "Fabrikam"},
		{"accounts", "Microsoft.Dynamics.CRM.UnderOrEqual(PropertyName='accountid',PropertyValue='" + testAccount + "')", "Contoso,Fabrikam"},
		{"accounts", "Microsoft.Dynamics.CRM.Above(PropertyName='accountid',PropertyValue='" + testAccount2 + "')", "Contoso"},
		{"contacts", "Microsoft.Dynamics.CRM.EqualUserId(PropertyName='ownerid')", "Ada Lovelace,Bob O'Bryan,Cy Young"},
		{"contacts", "Microsoft.Dynamics.CRM.NotEqualUserId(PropertyName='ownerid')", ""},
		{"contacts", "Microsoft.Dynamics.CRM.EqualBusinessId(PropertyName='owningbusinessunit')", "Ada Lovelace,Bob O'Bryan,Cy Young"},
		{"contacts", "Microsoft.Dynamics.CRM.Today(PropertyName='createdon')", "Ada Lovelace,Bob O'Bryan,Cy Young"},
		{"contacts", "Microsoft.Dynamics.CRM.LastXHours(PropertyName='createdon',PropertyValue=2) and lastname eq 'Young'", "Cy Young"}, // created this very second
		{"appointments", "Microsoft.Dynamics.CRM.Tomorrow(PropertyName='scheduledstart')", "Meeting"},
		{"appointments", "Microsoft.Dynamics.CRM.NextXDays(PropertyName='scheduledstart',PropertyValue=2)", "Meeting"},
		{"appointments", "Microsoft.Dynamics.CRM.ThisFiscalPeriod(PropertyName='scheduledstart')", "Meeting"},
		{"appointments", "Microsoft.Dynamics.CRM.InFiscalPeriodAndYear(PropertyName='scheduledstart',PropertyValue1=1,PropertyValue2=2025)", "Meeting"},
		{"appointments", "Microsoft.Dynamics.CRM.On(PropertyName='scheduledstart',PropertyValue='2025-03-13')", "Meeting"},
		{"contacts", "Microsoft.Dynamics.CRM.LastXHours(PropertyName='birthdate',PropertyValue=2)", "!time of day"},
		{"new_projects", "Microsoft.Dynamics.CRM.ContainValues(PropertyName='new_tags',PropertyValues=[\"1\"])", "P1"},
		{"new_projects", "Microsoft.Dynamics.CRM.DoesNotContainValues(PropertyName='new_tags',PropertyValues=[\"1\",\"2\"])", ""},
		{"new_projects", "new_tags eq '1'", "!ContainValues"},
		{"new_projects", "new_score eq 1.5", "P1"},
		{"contacts", "unknown eq 1", "!Could not find a property named 'unknown' on type 'Microsoft.Dynamics.CRM.contact'."},
		{"accounts", "primarycontactid eq null", "Fabrikam"},
		{"accounts", "primarycontactid ne null", "Contoso"},
		{"accounts", "not (primarycontactid eq @p)&@p=null", "Contoso"},
		{"contacts", "parentcustomerid_contact ne null", ""},
		{"contacts", "parentcustomerid_account/primarycontactid ne null and lastname eq 'lovelace'", "Ada Lovelace"},
		{"accounts", "contact_customer_accounts/any(c:c/createdby ne null)", "Contoso"},
		{"accounts", "primarycontactid eq 'x'", "!can be compared with null only"},
		{"accounts", "primarycontactid gt null", "!Syntax error"},
		{"contacts", "parentcustomerid eq null", "!Could not find a property named 'parentcustomerid'"},
		{"contacts", "lastname eq 5", "!incompatible types"},
		{"accounts", "numberofemployees eq 'x'", "!incompatible types"},
		{"contacts", "donotemail eq 1", "!incompatible types"},
		{"contacts", "createdon gt 'today'", "!incompatible types"},
		{"contacts", "contactid eq 'x'", "!incompatible types"},
		{"contacts", "tolower(lastname) eq 'x'", "!"},
		{"contacts", "lastname in ('a','b')", "!"},
		{"contacts", "lastname", "!"},
		{"contacts", "lastname eq", "!"},
		{"contacts", "(lastname eq 'x'", "!"},
		{"contacts", "lastname eq 'x' or", "!"},
		{"contacts", strings.Repeat("(", 500) + "lastname eq 'x'" + strings.Repeat(")", 500), "!Recursion depth exceeded"},
		{"contacts", strings.Repeat("not ", 500) + "donotemail", "!Recursion depth exceeded"},
	} {
		t.Run(tc.filter[:min(60, len(tc.filter))], func(t *testing.T) {
			s := newTestServer(t)
			table := s.schema.TableBySet(tc.set)
			path := tc.set + "?$select=" + table.PrimaryName + "&$filter=" + strings.NewReplacer("%", "%25", "+", "%2B").Replace(tc.filter)
			resp, body := request(t, s, "GET", path, "")
			if text, isError := strings.CutPrefix(tc.want, "!"); isError {
				if resp.StatusCode != 400 || !strings.Contains(body, text) {
					t.Fatalf("%d %s, want 400 and %q", resp.StatusCode, body, text)
				}
				return
			}
			if resp.StatusCode != 200 {
				t.Fatalf("%d %s", resp.StatusCode, body)
			}
			if got := names(t, body, table.PrimaryName); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestExpand(t *testing.T) {
	account := "accounts(" + testAccount + ")"
	runWire(t, []wireCase{
		{method: "GET", path: account + "?$select=name&$expand=primarycontactid($select=fullname),Account_Tasks($select=subject;$filter=contains(subject,'call');$orderby=createdon desc;$top=5)", status: 200,
			want: []string{`$metadata#accounts(name,primarycontactid(fullname),Account_Tasks(subject))/$entity"`, `"primarycontactid":{"@odata.etag":`, `"Account_Tasks":[{"@odata.etag":`}},
		{name: "null", method: "GET", path: "accounts(" + testAccount2 + ")?$select=name&$expand=primarycontactid($select=fullname)", status: 200, want: []string{`"primarycontactid":null`}},
		{name: "reference", method: "GET", path: account + "?$select=name&$expand=primarycontactid/$ref", status: 200, want: []string{`"primarycontactid":{"@odata.id":"http://localhost:0/api/data/v9.2/contacts(` + testContact + `)"}`, `"_primarycontactid_value":"`}},
		{name: "reference of a collection", method: "GET", path: "accounts?$expand=Account_Tasks/$ref", status: 400, code: "0x80060888", want: []string{"Expand with $ref is only supported on lookup type navigation property."}},
		{name: "nested", method: "GET", path: "contacts?$select=fullname&$expand=parentcustomerid_account($select=name;$expand=createdby($select=fullname))", status: 200,
			want: []string{`parentcustomerid_account(name,createdby(fullname)))"`, `"createdby":{"@odata.etag":`, `"ownerid":"` + AdministratorID}},
		{name: "nested with order", method: "GET", path: "accounts?$expand=contact_customer_accounts($orderby=fullname;$expand=createdby($select=fullname))", status: 400, code: "0x80060888", want: []string{"Only $select and $filter clause can be provided while doing $expand on many-to-one relationship or nested one-to-many relationship."}},
		{name: "top on a lookup", method: "GET", path: "accounts?$expand=primarycontactid($top=1)", status: 400, code: "0x80060888"},
		{name: "link to further rows", method: "GET", path: "accounts?$select=name&$expand=Account_Tasks($select=subject)", status: 200, want: []string{`"Account_Tasks@odata.nextLink":"http://localhost:0/api/data/v9.2/accounts(` + testAccount + `)/Account_Tasks?$select=subject"`}},
		{name: "too many", method: "GET", path: "contacts?$expand=" + strings.TrimSuffix(strings.Repeat("createdby,", 16), ","), status: 400},
		{name: "unknown", method: "GET", path: "contacts?$expand=parentcustomerid", status: 400, code: "0x0"},
		{name: "skip inside", method: "GET", path: "accounts?$expand=Account_Tasks($skip=1)", status: 400},
		{name: "parties", method: "GET", path: "appointments(" + testMeeting + ")?$select=subject&$expand=appointment_activity_parties($select=participationtypemask,_partyid_value)", header: []string{"Prefer", `odata.include-annotations="*"`}, status: 200,
			want: []string{`"participationtypemask":5`, `"participationtypemask":8`, `"participationtypemask":9`, `"_partyid_value@Microsoft.Dynamics.CRM.associatednavigationproperty":"partyid_contact"`}},
	})
}

func TestOrderAndPages(t *testing.T) {
	s := newTestServer(t)
	resp, body := request(t, s, "GET", "contacts?$select=fullname&$orderby=lastname desc&$count=true", "", "Prefer", "odata.maxpagesize=2")
	if got := names(t, body, "fullname"); got != "Cy Young,Bob O'Bryan" {
		t.Errorf("first page: %s", got)
	}
	if !strings.Contains(body, `"@odata.count":3`) || resp.Header.Get("Preference-Applied") != "odata.maxpagesize=2" {
		t.Errorf("count or header: %s %v", body, resp.Header)
	}
	link := member(t, body, "@odata.nextLink")
	if !strings.Contains(link, "$skiptoken=%3Ccookie%20pagenumber=%222%22%20pagingcookie=%22%253ccookie%2520page%253d%25221%2522%253e%253ccontactid%2520last%253d%2522%257b") {
		t.Errorf("the link is %s", link)
	}
	path := strings.TrimPrefix(link, s.URL+"/api/data/v9.2/")
	twice := strings.Replace(path, "$skiptoken=", "$skiptoken=", 1)
	for _, p := range []string{path, twice} {
		_, body = request(t, s, "GET", p, "", "Prefer", "odata.maxpagesize=2")
		if got := names(t, body, "fullname"); got != "Ada Lovelace" || strings.Contains(body, "nextLink") {
			t.Errorf("second page: %s", body)
		}
	}
	for _, other := range []string{
		strings.Replace(path, "$select=fullname", "$select=lastname", 1),
		path + "&$filter=lastname%20ne%20null",
		path + "&$top=1",
	} {
		if resp, body := request(t, s, "GET", other, "", "Prefer", "odata.maxpagesize=2"); resp.StatusCode != 400 || !strings.Contains(body, "does not belong to this query") {
			t.Errorf("a cookie with other options: %d %s", resp.StatusCode, body)
		}
	}
	before, token, _ := strings.Cut(path, "$skiptoken=")
	encoded := before + "$skiptoken=" + strings.ReplaceAll(token, "%", "%25")
	if _, body = request(t, s, "GET", encoded, "", "Prefer", "odata.maxpagesize=2"); names(t, body, "fullname") != "Ada Lovelace" {
		t.Errorf("a cookie encoded twice: %s", body)
	}
	if resp, _ := request(t, s, "GET", strings.Replace(path, "contacts?", "accounts?", 1), ""); resp.StatusCode != 400 {
		t.Errorf("a cookie of another query: %d", resp.StatusCode)
	}
	if _, body = request(t, s, "GET", "contacts?$select=fullname&$top=1&$orderby=fullname", ""); names(t, body, "fullname") != "Ada Lovelace" || strings.Contains(body, "nextLink") {
		t.Errorf("$top: %s", body)
	}
	if _, body = request(t, s, "GET", "contacts?$select=fullname&$top=1", "", "Prefer", "odata.maxpagesize=2"); names(t, body, "fullname") != "Ada Lovelace,Bob O'Bryan" {
		t.Errorf("$top beside a page size is ignored: %s", body)
	}
	if _, body = request(t, s, "GET", "contacts?$select=fullname&$orderby=_parentcustomerid_value,fullname desc", ""); names(t, body, "fullname") != "Cy Young,Bob O'Bryan,Ada Lovelace" {
		t.Errorf("order by a lookup: %s", body)
	}
}

func TestApply(t *testing.T) {
	runWire(t, []wireCase{
		{method: "GET", path: "contacts?$apply=groupby((statuscode),aggregate($count as count))", header: []string{"Prefer", `odata.include-annotations="*"`}, status: 200,
			want: []string{`"statuscode@OData.Community.Display.V1.FormattedValue":"Active","statuscode":1,"count@OData.Community.Display.V1.FormattedValue":"3","count":3`}},
		{method: "GET", path: "accounts?$apply=aggregate(revenue with sum as total,revenue with average as mean,revenue with max as top)", status: 200, want: []string{`"total":20000.0000,"mean":20000.0000,"top":20000.0000`}},
		{method: "GET", path: "contacts?$apply=filter(lastname ne 'Young')/groupby((parentcustomerid_account/name),aggregate($count as n))", status: 200, want: []string{`"account_name":"Contoso","n":2`}},
		{name: "null groups lack the property", method: "GET", path: "contacts?$apply=groupby((jobtitle))", status: 200, want: []string{`"value":[{},{"jobtitle":"CTO"}]`}},
		{method: "GET", path: "contacts?$apply=groupby((createdon))", status: 400},
		{method: "GET", path: "contacts?$apply=aggregate(lastname with countdistinct as n)", status: 400},
		{method: "GET", path: "contacts?$apply=groupby((statuscode),aggregate($count as n))&$orderby=n", status: 400, want: []string{"The query node SingleValueOpenPropertyAccess is not supported"}},
	})
}
