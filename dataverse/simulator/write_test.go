package simulator

import (
	"encoding/json"
	"strings"
	"testing"
)

// names gives a column of the rows of a collection, joined.
func names(t *testing.T, body, column string) string {
	t.Helper()
	var page struct{ Value []map[string]any }
	if err := json.Unmarshal([]byte(body), &page); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	var all []string
	for _, row := range page.Value {
		text, _ := row[column].(string)
		all = append(all, text)
	}
	return strings.Join(all, ",")
}

// member gives one text of a JSON object.
func member(t *testing.T, body, name string) string {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal([]byte(body), &object); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	text, _ := object[name].(string)
	return text
}

func TestCreate(t *testing.T) {
	root := "http://localhost:0/api/data/v9.2/"
	const id = "00000000-0000-0000-0000-00000000ffff"
	runWire(t, []wireCase{
		{method: "POST", path: "contacts", body: `{"contactid":"` + id + `","firstname":"Ada"}`, status: 204, wantHeader: []string{"OData-EntityId", root + "contacts(" + id + ")", "OData-Version", "4.0", "Content-Type", ""}},
		{name: "representation", method: "POST", path: "contacts?$select=fullname", body: `{"contactid":"` + id + `","firstname":"Ada","lastname":"L"}`, header: []string{"Prefer", "return=representation"}, status: 201,
			wantHeader: []string{"Preference-Applied", "return=representation", "OData-EntityId", ""}, want: []string{`"@odata.context":"` + root + `$metadata#contacts(fullname)/$entity"`, `"fullname":"Ada L"`, `"contactid":"` + id + `"`}},
		{name: "deep", method: "POST", path: "accounts?$select=name&$expand=primarycontactid($select=fullname),Account_Tasks($select=subject)", header: []string{"Prefer", "return=representation"},
			body: `{"name":"A","primarycontactid":{"firstname":"X","lastname":"Y"},"Account_Tasks":[{"subject":"one"},{"subject":"two"}]}`, status: 201, want: []string{`"fullname":"X Y"`, `"subject":"one"`, `"subject":"two"`}},
		{name: "duplicate id", method: "POST", path: "contacts", body: `{"contactid":"` + testContact + `"}`, status: 412, code: "0x80040237", want: []string{"Cannot insert duplicate key."}},
		{name: "duplicate key", method: "POST", path: "accounts", body: `{"name":"x","accountnumber":"a1"}`, status: 412, code: "0x80060892", want: []string{"Entity Key AccountNumberKey violated."}},
		{name: "unknown property", method: "POST", path: "accounts", body: `{"Name":"x"}`, status: 400, code: "0x0", want: []string{"An error occurred while validating input parameters: Microsoft.Crm.CrmException: Invalid property 'Name' was found in entity 'Microsoft.Dynamics.CRM.account'."}},
		{name: "read-only is ignored", method: "POST", path: "contacts?$select=fullname", header: []string{"Prefer", "return=representation"}, body: `{"lastname":"L","fullname":"zz","versionnumber":1}`, status: 201, want: []string{`"fullname":"L"`}},
		{name: "undeclared navigation", method: "POST", path: "contacts", body: `{"parentcustomerid@odata.bind":"/accounts(` + testAccount + `)"}`, status: 400, code: "0x80048d19",
			want: []string{"Error identified in Payload provided by the user for Entity :'contacts'", "An undeclared property 'parentcustomerid' which only has property annotations in the payload but no property value was found in the payload."}},
		{name: "bound row missing", method: "POST", path: "contacts", body: `{"parentcustomerid_account@odata.bind":"/accounts(` + id + `)"}`, status: 404, code: "0x80040217", want: []string{"Entity 'Account' With Id = " + id + " Does Not Exist"}},
		{name: "bound row of the wrong table", method: "POST", path: "contacts", body: `{"parentcustomerid_account@odata.bind":"/contacts(` + testContact + `)"}`, status: 404, code: "0x80040217", want: []string{"Entity 'Account' With Id = " + testContact}},
		{name: "bound by alternate key", method: "POST", path: "contacts?$select=_parentcustomerid_value", header: []string{"Prefer", "return=representation"}, body: `{"parentcustomerid_account@odata.bind":"accounts(accountnumber='A1')"}`, status: 201, want: []string{testAccount}},
		{name: "bound by URL", method: "POST", path: "contacts?$select=_parentcustomerid_value", header: []string{"Prefer", "return=representation"}, body: `{"parentcustomerid_account@odata.bind":"` + root + `accounts(` + testAccount + `)"}`, status: 201, want: []string{testAccount}},
		{name: "bound collection", method: "POST", path: "accounts?$select=name&$expand=contact_customer_accounts($select=fullname)", header: []string{"Prefer", "return=representation"}, body: `{"name":"n","contact_customer_accounts@odata.bind":["/contacts(` + testContact3 + `)"]}`, status: 201, want: []string{"Cy Young"}},
		{name: "direct lookup", method: "POST", path: "contacts", body: `{"_parentcustomerid_value":"` + testAccount + `"}`, status: 400, want: []string{"CRM do not support direct update of Entity Reference properties, Use Navigation properties instead."}},
		{name: "bare lookup", method: "POST", path: "accounts", body: `{"primarycontactid":"` + testContact + `"}`, status: 400, want: []string{"CRM do not support direct update"}},
		{name: "too long", method: "POST", path: "contacts", body: `{"firstname":"` + strings.Repeat("x", 51) + `"}`, status: 400, code: "0x80044331", want: []string{"A validation error occurred.  The length of the 'firstname' attribute of the 'contact' entity exceeded the maximum allowed length of '50'."}},
		{name: "type of another table", method: "POST", path: "contacts", body: `{"@odata.type":"Microsoft.Dynamics.CRM.account","lastname":"x"}`, status: 400, code: "0x80048d19", want: []string{"is not assignable to the expected type 'Microsoft.Dynamics.CRM.contact'"}},
		{name: "its own type", method: "POST", path: "contacts", body: `{"@odata.type":"#Microsoft.Dynamics.CRM.contact","lastname":"x"}`, status: 204},
		{name: "reference outside a batch", method: "GET", path: "$1", status: 404, code: "0x8006088a"},
		{name: "deep body", method: "POST", path: "contacts", body: strings.Repeat(`{"a":`, 200) + "1" + strings.Repeat("}", 200), status: 400, code: "0x80048d19", want: []string{"ODataException: the depth of the JSON body exceeds the limit of 100"}},
		{name: "integer range", method: "POST", path: "contacts", body: `{"numberofchildren":-1}`, status: 400, code: "0x8004432F", want: []string{`"A validation error occurred. An integer provided is outside of the allowed values for this attribute."`}},
		{name: "decimal range", method: "POST", path: "contacts", body: `{"annualincome":-5}`, status: 400, code: "0x80044330", want: []string{`"A validation error occurred. A decimal value provided is outside of the allowed values for this attribute."`}},
		{name: "team of the caller", method: "POST", path: "teams?$select=_administratorid_value,_businessunitid_value", body: `{"name":"T"}`, header: []string{"Prefer", "return=representation"}, status: 201, want: []string{`"_administratorid_value":"` + AdministratorID, `"_businessunitid_value":"` + BusinessUnitID}},
		{name: "choice", method: "POST", path: "contacts", body: `{"familystatuscode":9}`, status: 400, code: "0x8004431A", want: []string{"The value 9 of 'familystatuscode' on record of type 'contact' is outside the valid range. Accepted Values: 1,2,3,4"}},
		{name: "integer", method: "POST", path: "contacts", body: `{"numberofchildren":-1}`, status: 400, code: "0x8004432F"},
		{name: "money", method: "POST", path: "contacts", body: `{"annualincome":-1}`, status: 400, code: "0x80044330"},
		{name: "exact money", method: "POST", path: "contacts?$select=annualincome,annualincome_base", header: []string{"Prefer", "return=representation"}, body: `{"annualincome":99999999999999.99}`, status: 201, want: []string{`"annualincome":99999999999999.9900`, `"annualincome_base":99999999999999.9900`}},
		{name: "rounded double", method: "POST", path: "accounts?$select=address1_latitude", header: []string{"Prefer", "return=representation"}, body: `{"address1_latitude":47.639583}`, status: 201, want: []string{`"address1_latitude":47.63958`}},
		{name: "wrong type", method: "POST", path: "accounts", body: `{"address1_latitude":""}`, status: 400, code: "0x80048d19", want: []string{"Cannot convert the literal '' to the expected type 'Edm.Double'."}},
		{name: "offset", method: "POST", path: "tasks?$select=scheduledend", header: []string{"Prefer", "return=representation"}, body: `{"scheduledend":"2021-04-04T12:00:00-08:00"}`, status: 201, want: []string{`"scheduledend":"2021-04-04T20:00:00Z"`}},
		{name: "too early", method: "POST", path: "tasks", body: `{"scheduledend":"1700-01-01T00:00:00Z"}`, status: 400, code: "0x80040239"},
		{name: "state is not for create", method: "POST", path: "appointments?$select=statecode,statuscode", header: []string{"Prefer", "return=representation"}, body: `{"subject":"x","statecode":3}`, status: 201, want: []string{`"statecode":0,"statuscode":1`}},
		{name: "status of another state", method: "POST", path: "appointments", body: `{"subject":"x","statuscode":5}`, status: 400, code: "0x80048408"},
		{name: "multi-select", method: "POST", path: "new_projects?$select=new_tags", header: []string{"Prefer", `return=representation,odata.include-annotations="*"`}, body: `{"new_tags":"3,1"}`, status: 201, want: []string{`"new_tags@OData.Community.Display.V1.FormattedValue":"Red; Blue","new_tags":"1,3"`}},
		{name: "no mask", method: "POST", path: "appointments", body: `{"appointment_activity_parties":[{"partyid_contact@odata.bind":"/contacts(` + testContact + `)"}]}`, status: 400, code: "0x80040B06"},
		{name: "wrong mask", method: "POST", path: "appointments", body: `{"appointment_activity_parties":[{"participationtypemask":1,"partyid_contact@odata.bind":"/contacts(` + testContact + `)"}]}`, status: 400, code: "0x80043506"},
		{name: "party alone", method: "POST", path: "activityparties", body: `{"participationtypemask":5}`, status: 400},
		{name: "note", method: "POST", path: "annotations?$select=isdocument,filesize,mimetype,objecttypecode", header: []string{"Prefer", "return=representation"}, body: `{"subject":"n","objectid_contact@odata.bind":"/contacts(` + testContact + `)","filename":"a.txt","documentbody":"aGVsbG8="}`, status: 201,
			want: []string{`"isdocument":true`, `"filesize":5`, `"mimetype":"application/octet-stream"`, `"objecttypecode":"contact"`}},
		{name: "malformed", method: "POST", path: "contacts", body: `{"firstname":`, status: 400, code: "0x80048d19"},
		{name: "an array", method: "POST", path: "contacts", body: `[]`, status: 400, code: "0x80048d19"},
		{name: "depth bomb", method: "POST", path: "contacts", body: strings.Repeat(`{"a":`, 10000) + "1" + strings.Repeat("}", 10000), status: 400},
		{name: "not JSON", method: "POST", path: "contacts", body: `{}`, header: []string{"Content-Type", "text/plain"}, status: 415},
		{name: "in a collection", method: "POST", path: "accounts(" + testAccount2 + ")/contact_customer_accounts?$select=_parentcustomerid_value", header: []string{"Prefer", "return=representation"}, body: `{"lastname":"N"}`, status: 201, want: []string{testAccount2}},
		{name: "custom regarding", method: "POST", path: "tasks", body: `{"subject":"x","regardingobjectid_new_project_task@odata.bind":"/new_projects(_new_accountid_value=` + testAccount + `)"}`, status: 204},
		{name: "plain owner of an activity", method: "POST", path: "appointments", body: `{"subject":"x","ownerid@odata.bind":"/systemusers(` + AdministratorID + `)"}`, status: 204},
		{name: "suffixed owner of an activity", method: "POST", path: "appointments", body: `{"subject":"x","ownerid_appointment@odata.bind":"/systemusers(` + AdministratorID + `)"}`, status: 204},
		{name: "back-dated", method: "POST", path: "contacts?$select=createdon,overriddencreatedon", header: []string{"Prefer", "return=representation"}, body: `{"overriddencreatedon":"2001-01-01T00:00:00Z"}`, status: 201, want: []string{`"createdon":"2001-01-01T00:00:00Z"`, `"overriddencreatedon":"2025-03-12T10:20:30Z"`}},
	})
}

func TestUpdate(t *testing.T) {
	root := "http://localhost:0/api/data/v9.2/"
	row, absent := "contacts("+testContact+")", "contacts(00000000-0000-0000-0000-00000000ffff)"
	runWire(t, []wireCase{
		{method: "PATCH", path: row, body: `{"jobtitle":"CTO","telephone1":null}`, header: []string{"If-Match", "*"}, status: 204, wantHeader: []string{"OData-EntityId", root + row}},
		{name: "representation", method: "PATCH", path: row + "?$select=jobtitle&$expand=createdby", body: `{"jobtitle":"CTO"}`, header: []string{"Prefer", "return=representation"}, status: 200, want: []string{`"jobtitle":"CTO"`}, not: []string{`"createdby"`}, wantHeader: []string{"Preference-Applied", "return=representation"}},
		{name: "upsert creates", method: "PATCH", path: absent, body: `{"lastname":"N"}`, status: 204, wantHeader: []string{"OData-EntityId", root + absent}},
		{name: "upsert creates with representation", method: "PATCH", path: absent + "?$select=fullname", body: `{"lastname":"N"}`, header: []string{"Prefer", "return=representation"}, status: 201},
		{name: "update only", method: "PATCH", path: absent, body: `{"lastname":"N"}`, header: []string{"If-Match", "*"}, status: 404, code: "0x80040217"},
		{name: "create only", method: "PATCH", path: row, body: `{"lastname":"N"}`, header: []string{"If-None-Match", "*"}, status: 412, code: "0x80040237", want: []string{"A record with matching key values already exists."}},
		{name: "create only creates", method: "PATCH", path: absent, body: `{"lastname":"N"}`, header: []string{"If-None-Match", "*"}, status: 204},
		{name: "If-None-Match null", method: "PATCH", path: row, body: `{"lastname":"N"}`, header: []string{"If-None-Match", "null"}, status: 204},
		{name: "stale", method: "PATCH", path: row, body: `{"lastname":"N"}`, header: []string{"If-Match", `W/"1"`}, status: 412, code: "0x80060882", want: []string{"The version of the existing record doesn't match the RowVersion property provided."}},
		{name: "stale and gone", method: "PATCH", path: absent, body: `{"lastname":"N"}`, header: []string{"If-Match", `W/"1"`}, status: 404},
		{name: "delete stale", method: "DELETE", path: row, header: []string{"If-Match", `W/"1"`}, status: 412, code: "0x80060882"},
		{name: "upsert by key updates", method: "PATCH", path: "accounts(accountnumber='A1')", body: `{"accountnumber":"ignored","name":"new"}`, status: 204, wantHeader: []string{"OData-EntityId", root + "accounts(accountnumber='A1')"}},
		{name: "upsert by key creates", method: "PATCH", path: "accounts(accountnumber='A9')?$select=accountnumber", body: `{"name":"new"}`, header: []string{"Prefer", "return=representation"}, status: 201, want: []string{`"accountnumber":"A9"`}},
		{name: "the body's key wins on create", method: "PATCH", path: "accounts(accountnumber='A9')?$select=accountnumber", body: `{"accountnumber":"B9"}`, header: []string{"Prefer", "return=representation"}, status: 201, want: []string{`"accountnumber":"B9"`}},
		{name: "clear a lookup", method: "PATCH", path: "accounts(" + testAccount + ")?$select=_primarycontactid_value", body: `{"primarycontactid@odata.bind":null}`, header: []string{"Prefer", "return=representation"}, status: 200, want: []string{`"_primarycontactid_value":null`}},
		{name: "clear a lookup by null", method: "PATCH", path: "accounts(" + testAccount + ")?$select=_primarycontactid_value", body: `{"primarycontactid":null}`, header: []string{"Prefer", "return=representation"}, status: 200, want: []string{`"_primarycontactid_value":null`}},
		{name: "one property of several sets the other to null", method: "PATCH", path: row + "?$select=_parentcustomerid_value", body: `{"parentcustomerid_contact@odata.bind":"/contacts(` + testContact2 + `)"}`, header: []string{"Prefer", `return=representation,odata.include-annotations="*"`}, status: 200, want: []string{`"parentcustomerid_contact"`, testContact2}},
		{name: "state brings its status", method: "PATCH", path: row + "?$select=statecode,statuscode", body: `{"statecode":1}`, header: []string{"Prefer", "return=representation"}, status: 200, want: []string{`"statecode":1,"statuscode":2`}},
		{name: "wrong pair", method: "PATCH", path: row, body: `{"statecode":1,"statuscode":1}`, status: 400, code: "0x80048408"},
		{name: "meeting is scheduled", method: "PATCH", path: "appointments(" + testMeeting + ")", body: `{"statecode":3,"statuscode":5}`, status: 204},
		{name: "deep update", method: "PATCH", path: "accounts(" + testAccount + ")", body: `{"primarycontactid":{"lastname":"x"}}`, status: 400},
		{name: "required", method: "PATCH", path: "appointments(" + testMeeting + ")", body: `{"ownerid@odata.bind":null}`, status: 400, code: "0x80040200"},
		{name: "put a property", method: "PUT", path: row + "/jobtitle", body: `{"value":"CTO"}`, status: 204, wantHeader: []string{"OData-EntityId", ""}},
		{name: "delete a property", method: "DELETE", path: row + "/jobtitle", status: 204},
		{name: "put parties", method: "PUT", path: "appointments(" + testMeeting + ")/appointment_activity_parties", body: `{"value":[{"participationtypemask":6,"partyid_account@odata.bind":"/accounts(` + testAccount + `)"}]}`, status: 204},
		{name: "post on a row", method: "POST", path: row, body: `{}`, status: 405},
		{name: "add to a collection", method: "POST", path: "accounts(" + testAccount + ")/contact_customer_accounts/$ref", body: `{"@odata.id":"contacts(` + testContact3 + `)"}`, status: 204},
		{name: "set a lookup", method: "PUT", path: "accounts(" + testAccount + ")/primarycontactid/$ref", body: `{"@odata.id":"` + root + `contacts(` + testContact3 + `)"}`, status: 204},
		{name: "clear by reference", method: "DELETE", path: "accounts(" + testAccount + ")/primarycontactid/$ref", status: 204},
		{name: "remove by $id", method: "DELETE", path: "accounts(" + testAccount + ")/contact_customer_accounts/$ref?$id=" + root + row, status: 204},
		{name: "remove by key", method: "DELETE", path: "accounts(" + testAccount + ")/contact_customer_accounts(" + testContact + ")/$ref", status: 204},
		{name: "delete", method: "DELETE", path: row, status: 204, wantHeader: []string{"OData-EntityId", ""}},
		{name: "delete what is gone", method: "DELETE", path: absent, status: 404, code: "0x80040217"},
		{name: "delete a set", method: "DELETE", path: "contacts", status: 405},
	})
}

// TestNotModified: 304 without a body, but never with annotations or $expand.
func TestNotModified(t *testing.T) {
	s := newTestServer(t)
	path := "contacts(" + testContact + ")?$select=fullname"
	resp, _ := request(t, s, "GET", path, "")
	etag := resp.Header.Get("ETag")
	for _, tc := range []struct {
		path, header string
		status       int
	}{
		{path, "", 304},
		{path, `odata.include-annotations="*"`, 200},
		{path + "&$expand=createdby($select=fullname)", "", 200},
	} {
		resp, body := request(t, s, "GET", tc.path, "", "If-None-Match", etag, "Prefer", tc.header)
		if resp.StatusCode != tc.status || tc.status == 304 && body != "" {
			t.Errorf("%s: %d %q, want %d", tc.path, resp.StatusCode, body, tc.status)
		}
	}
	if resp, _ := request(t, s, "PATCH", "contacts("+testContact+")", `{"jobtitle":"x"}`, "If-Match", etag); resp.StatusCode != 204 {
		t.Errorf("the ETag of a read fits a write: %d", resp.StatusCode)
	}
	if resp, _ := request(t, s, "GET", path, "", "If-None-Match", etag); resp.StatusCode != 200 {
		t.Errorf("after a change: %d", resp.StatusCode)
	}
}

// TestReadingChangesNothing: pitfall 2 of the simulator's list.
func TestReadingChangesNothing(t *testing.T) {
	s := newTestServer(t)
	before := s.store.version
	request(t, s, "GET", "contacts?$expand=parentcustomerid_account", "")
	request(t, s, "GET", "contacts("+testContact+")", "")
	if s.store.version != before {
		t.Errorf("the version went from %d to %d", before, s.store.version)
	}
}

// TestFailedWriteLeavesNothing: pitfall 7: neither rows nor versions.
func TestFailedWriteLeavesNothing(t *testing.T) {
	s := newTestServer(t)
	before, seq := s.store.version, s.store.seq
	accounts, contacts := len(s.Records("accounts")), len(s.Records("contacts"))
	resp, _ := request(t, s, "POST", "accounts", `{"name":"n","primarycontactid":{"lastname":"x"},"Account_Tasks":[{"subject":"ok"},{"unknown":1}]}`)
	if resp.StatusCode != 400 {
		t.Fatalf("status %d", resp.StatusCode)
	}
	if s.store.version != before || s.store.seq != seq || len(s.Records("accounts")) != accounts || len(s.Records("contacts")) != contacts {
		t.Errorf("something is left")
	}
}

// TestLinkedFiltersAreCrossed: pitfall 4: both conditions hold for one row.
func TestLinkedFiltersAreCrossed(t *testing.T) {
	s := newTestServer(t)
	_, body := request(t, s, "GET", "accounts?$select=name&$filter=contact_customer_accounts/any(c:c/firstname eq 'Ada' and c/jobtitle eq 'CTO')", "")
	if got := names(t, body, "name"); got != "" {
		t.Errorf("got %s", got)
	}
}

func TestDeleteCascades(t *testing.T) {
	s := newTestServer(t)
	request(t, s, "DELETE", "accounts("+testAccount+")", "")
	for set, want := range map[string]int{"accounts": 1, "contacts": 1, "tasks": 0, "appointments": 0, "activityparties": 0, "new_projects": 1} {
		if n := len(s.Records(set)); n != want {
			t.Errorf("%s: %d rows, want %d", set, n, want)
		}
	}
	if v := s.Records("accounts")[0]["_parentaccountid_value"]; v != nil {
		t.Errorf("the child account still points at its parent: %v", v)
	}
}

func TestCompletedActivityIsReadOnly(t *testing.T) {
	s := newTestServer(t)
	row := "tasks(" + testTask + ")"
	for _, step := range []struct {
		body   string
		status int
	}{
		{`{"statecode":1,"statuscode":5}`, 204},
		{`{"subject":"x"}`, 400},
		{`{"statecode":0,"statuscode":2,"subject":"x"}`, 204},
		{`{"subject":"y"}`, 204},
	} {
		if resp, body := request(t, s, "PATCH", row, step.body); resp.StatusCode != step.status {
			t.Errorf("%s: %d %s, want %d", step.body, resp.StatusCode, body, step.status)
		}
	}
}

func TestManyToMany(t *testing.T) {
	s := newTestServer(t)
	_, body := request(t, s, "POST", "teams?$select=name", `{"name":"T","administratorid@odata.bind":"/systemusers(`+AdministratorID+`)","businessunitid@odata.bind":"/businessunits(`+BusinessUnitID+`)"}`, "Prefer", "return=representation")
	team := "teams(" + member(t, body, "teamid") + ")"
	user := `{"@odata.id":"systemusers(` + AdministratorID + `)"}`
	if resp, body := request(t, s, "POST", team+"/teammembership_association/$ref", user); resp.StatusCode != 204 {
		t.Fatalf("%d %s", resp.StatusCode, body)
	}
	if resp, _ := request(t, s, "POST", team+"/teammembership_association/$ref", user); resp.StatusCode != 412 {
		t.Errorf("twice: %d", resp.StatusCode)
	}
	_, body = request(t, s, "GET", "systemusers?$select=fullname&$filter=teammembership_association/any(t:t/name eq 'T')&$expand=teammembership_association($select=name)", "")
	if names(t, body, "fullname") != "System Administrator" || !strings.Contains(body, `"name":"T"`) {
		t.Errorf("%s", body)
	}
	if resp, _ := request(t, s, "DELETE", team+"/teammembership_association("+AdministratorID+")/$ref", ""); resp.StatusCode != 204 {
		t.Errorf("remove: %d", resp.StatusCode)
	}
	if _, body = request(t, s, "GET", team+"/teammembership_association/$count", ""); body != "\ufeff0" {
		t.Errorf("left: %s", body)
	}
}
