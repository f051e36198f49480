package simulator

import (
	"fmt"
	"strings"
	"testing"
)

const (
	anna  = "anna@bank.example"
	bo    = "bo@bank.example"
	theC  = "00000000-0000-4000-8000-00000000000c"
	theA  = "00000000-0000-4000-8000-00000000000a"
	annaO = "00000000-0000-4000-8000-0000000000e1"
	boO   = "00000000-0000-4000-8000-0000000000e2"
)

// people makes Anna, with a role of these privileges at this depth, and Bo, an
// administrator; and a contact and an account of Bo's.
func people(t *testing.T, s *Server, d Depth, privileges map[string][]Verb) {
	t.Helper()
	if err := s.Setup(Setup{
		Roles: []Role{{Name: "Advisor", Depth: d, Privileges: privileges}},
		Users: []User{{Email: anna, ObjectID: annaO, Roles: []string{"Advisor"}}, {Email: bo, ObjectID: boO, Roles: []string{"System Administrator"}}},
	}); err != nil {
		t.Fatal(err)
	}
	ask(t, s, "POST", "accounts", `{"accountid":"`+theA+`","name":"Contoso"}`, as(s, bo)...).is(t, 204)
	ask(t, s, "POST", "contacts", `{"contactid":"`+theC+`","lastname":"Lovelace"}`, as(s, bo)...).is(t, 204)
}

// TestSecurityMatrix: what a request needs, and what it gets without.
func TestSecurityMatrix(t *testing.T) {
	all := map[string][]Verb{
		"contact": {Create, Read, Write, Delete, Append, AppendTo, Assign, Share}, "account": {Read, AppendTo}, "annotation": {Create, Append, Read},
		"appointment": {Create, Append, Read}, "systemuser": {Read},
	}
	without := func(table string, verb Verb) map[string][]Verb {
		m := map[string][]Verb{}
		for name, list := range all {
			for _, v := range list {
				if name != table || v != verb {
					m[name] = append(m[name], v)
				}
			}
		}
		return m
	}
	type test struct {
		method, path, body string
		needs              map[string]Verb
		ok                 int
	}
	for name, tc := range map[string]test{
		"create":     {"POST", "contacts", `{"lastname":"x"}`, map[string]Verb{"contact": Create}, 204},
		"read":       {"GET", "contacts(" + theC + ")", "", map[string]Verb{"contact": Read}, 200},
		"query":      {"GET", "contacts", "", map[string]Verb{"contact": Read}, 200},
		"count":      {"GET", "contacts/$count", "", map[string]Verb{"contact": Read}, 200},
		"fetch":      {"GET", "contacts?fetchXml=<fetch><entity name='contact'/></fetch>", "", map[string]Verb{"contact": Read}, 200},
		"update":     {"PATCH", "contacts(" + theC + ")", `{"jobtitle":"x"}`, map[string]Verb{"contact": Write}, 204},
		"property":   {"PUT", "contacts(" + theC + ")/jobtitle", `{"value":"x"}`, map[string]Verb{"contact": Write}, 204},
		"delete":     {"DELETE", "contacts(" + theC + ")", "", map[string]Verb{"contact": Delete}, 204},
		"bind":       {"PATCH", "contacts(" + theC + ")", `{"parentcustomerid_account@odata.bind":"/accounts(` + theA + `)"}`, map[string]Verb{"contact": Append, "account": AppendTo}, 204},
		"ref":        {"PUT", "contacts(" + theC + ")/parentcustomerid_account/$ref", `{"@odata.id":"accounts(` + theA + `)"}`, map[string]Verb{"contact": Append, "account": AppendTo}, 204},
		"assign":     {"PATCH", "contacts(" + theC + ")", `{"ownerid@odata.bind":"/systemusers(` + AdministratorID + `)"}`, map[string]Verb{"contact": Assign}, 204},
		"note":       {"POST", "annotations", `{"objectid_contact@odata.bind":"/contacts(` + theC + `)"}`, map[string]Verb{"annotation": Create, "contact": AppendTo}, 204},
		"activity":   {"POST", "appointments", `{"subject":"x","regardingobjectid_contact_appointment@odata.bind":"/contacts(` + theC + `)"}`, map[string]Verb{"appointment": Create, "contact": AppendTo}, 204},
		"grant":      {"POST", "GrantAccess", `{"Target":{"@odata.type":"Microsoft.Dynamics.CRM.contact","contactid":"` + theC + `"},"PrincipalAccess":{"AccessMask":"ReadAccess","Principal":{"@odata.type":"Microsoft.Dynamics.CRM.systemuser","systemuserid":"` + AdministratorID + `"}}}`, map[string]Verb{"contact": Share}, 204},
		"bulk":       {"POST", "contacts/Microsoft.Dynamics.CRM.CreateMultiple", `{"Targets":[{"@odata.type":"Microsoft.Dynamics.CRM.contact","lastname":"x"}]}`, map[string]Verb{"contact": Create}, 200},
		"navigation": {"GET", "contacts(" + theC + ")/Contact_Annotation", "", map[string]Verb{"annotation": Read}, 200},
	} {
		t.Run(name, func(t *testing.T) {
			s := quiet(t, nil)
			people(t, s, Global, all)
			ask(t, s, tc.method, tc.path, tc.body, as(s, anna)...).is(t, tc.ok)
			for table, verb := range tc.needs {
				s := quiet(t, nil)
				people(t, s, Global, without(table, verb))
				r := ask(t, s, tc.method, tc.path, tc.body, as(s, anna)...)
				r.is(t, 403, `"code":"0x80040220"`, "is missing "+verb.privilege(s.schema.Table(table))+" privilege", fmt.Sprintf("on OTC=%d for entity '%s'", s.schema.Table(table).ObjectTypeCode, table))
			}
		})
	}
}

// TestDepths: how far a privilege reaches, and that queries filter silently
// while a single read says 403.
func TestDepths(t *testing.T) {
	for depth, want := range map[Depth]string{Basic: "own", Local: "own,same unit", Deep: "own,same unit,unit below", Global: "own,same unit,unit below,elsewhere"} {
		t.Run(depth.String(), func(t *testing.T) {
			s := quiet(t, nil)
			const middle, below = "00000000-0000-4000-8000-0000000000b1", "00000000-0000-4000-8000-0000000000b2"
			people(t, s, depth, map[string][]Verb{"contact": {Read}})
			ask(t, s, "POST", "businessunits", `{"businessunitid":"`+middle+`","name":"middle","parentbusinessunitid@odata.bind":"/businessunits(`+BusinessUnitID+`)"}`).is(t, 204)
			ask(t, s, "POST", "businessunits", `{"businessunitid":"`+below+`","name":"below","parentbusinessunitid@odata.bind":"/businessunits(`+middle+`)"}`).is(t, 204)
			user := func(name, unit string) string {
				id := nameGUID(name).String()
				ask(t, s, "POST", "systemusers", `{"systemuserid":"`+id+`","lastname":"`+name+`","internalemailaddress":"`+name+`@x.example","domainname":"`+name+`@x.example","businessunitid@odata.bind":"/businessunits(`+unit+`)"}`).is(t, 204)
				return id
			}
			annaID := ask(t, s, "GET", "systemusers?$filter=azureactivedirectoryobjectid eq "+annaO, "").value(t)[0]["systemuserid"].(string)
			ask(t, s, "PATCH", "systemusers("+annaID+")", `{"businessunitid@odata.bind":"/businessunits(`+middle+`)"}`).is(t, 204)
			for name, owner := range map[string]string{"own": annaID, "same unit": user("same", middle), "unit below": user("below", below), "elsewhere": user("root", BusinessUnitID)} {
				ask(t, s, "POST", "contacts", `{"contactid":"`+nameGUID(name).String()+`","lastname":"`+name+`","ownerid@odata.bind":"/systemusers(`+owner+`)"}`).is(t, 204)
			}
			ask(t, s, "DELETE", "contacts("+theC+")", "").is(t, 204)
			seen := map[string]bool{}
			for _, row := range ask(t, s, "GET", "contacts?$select=lastname", "", as(s, anna)...).value(t) {
				seen[row["lastname"].(string)] = true
			}
			for _, name := range []string{"own", "same unit", "unit below", "elsewhere"} {
				expected := strings.Contains(","+want+",", ","+name+",")
				if seen[name] != expected {
					t.Errorf("%s: seen %v", name, seen[name])
				}
				r := ask(t, s, "GET", "contacts("+nameGUID(name).String()+")?$select=lastname", "", as(s, anna)...)
				if expected {
					r.is(t, 200)
				} else {
					r.is(t, 403, `"code":"0x80048306"`, "does not have ReadAccess right(s) for record with id")
				}
			}
			ask(t, s, "GET", "contacts(00000000-0000-4000-8000-0000000000ff)", "", as(s, anna)...).is(t, 404, "0x80040217")
		})
	}
}

func TestSharing(t *testing.T) {
	s := quiet(t, nil)
	people(t, s, Basic, map[string][]Verb{"contact": {Read, Write}})
	annaID := ask(t, s, "GET", "WhoAmI", "", as(s, anna)...).json(t)["UserId"].(string)
	path, body := "contacts("+theC+")", `{"jobtitle":"x"}`
	target := `{"@odata.type":"Microsoft.Dynamics.CRM.contact","contactid":"` + theC + `"}`
	principal := `{"@odata.type":"Microsoft.Dynamics.CRM.systemuser","systemuserid":"` + annaID + `"}`
	rights := func() string {
		return ask(t, s, "GET", "systemusers("+annaID+")/Microsoft.Dynamics.CRM.RetrievePrincipalAccess(Target=@p1)?@p1={'@odata.id':'contacts("+theC+")'}", "").is(t, 200).json(t)["AccessRights"].(string)
	}
	ask(t, s, "GET", path, "", as(s, anna)...).is(t, 403)
	if rights() != "None" {
		t.Error(rights())
	}
	ask(t, s, "POST", "GrantAccess", `{"Target":`+target+`,"PrincipalAccess":{"AccessMask":"ReadAccess","Principal":`+principal+`}}`).is(t, 204)
	ask(t, s, "GET", path, "", as(s, anna)...).is(t, 200)
	ask(t, s, "PATCH", path, body, as(s, anna)...).is(t, 403, "0x80048306")
	ask(t, s, "POST", "ModifyAccess", `{"Target":`+target+`,"PrincipalAccess":{"AccessMask":"ReadAccess,WriteAccess","Principal":`+principal+`}}`).is(t, 204)
	ask(t, s, "PATCH", path, body, as(s, anna)...).is(t, 204)
	if rights() != "ReadAccess, WriteAccess" {
		t.Error(rights())
	}
	if n := len(ask(t, s, "GET", "principalobjectaccessset?$filter=objectid eq "+theC, "").value(t)); n != 1 {
		t.Errorf("%d shares", n)
	}
	ask(t, s, "POST", "RevokeAccess", `{"Target":`+target+`,"Revokee":`+principal+`}`).is(t, 204)
	ask(t, s, "GET", path, "", as(s, anna)...).is(t, 403)
}

// TestRoleChangesThroughTheAPITakeEffectAtOnce is pitfalls.md, Simulator 3.
func TestRoleChangesThroughTheAPITakeEffectAtOnce(t *testing.T) {
	s := quiet(t, nil)
	people(t, s, Global, map[string][]Verb{"account": {Read}})
	annaID := ask(t, s, "GET", "WhoAmI", "", as(s, anna)...).json(t)["UserId"].(string)
	ask(t, s, "GET", "contacts", "", as(s, anna)...).is(t, 403)
	const role = "00000000-0000-4000-8000-0000000000d1"
	ask(t, s, "POST", "roles", `{"roleid":"`+role+`","name":"Reader","businessunitid@odata.bind":"/businessunits(`+BusinessUnitID+`)"}`).is(t, 204)
	privilege := ask(t, s, "GET", "privileges?$select=name&$filter=name eq 'prvReadContact'", "").value(t)[0]["privilegeid"].(string)
	ask(t, s, "POST", "roles("+role+")/Microsoft.Dynamics.CRM.AddPrivilegesRole", `{"Privileges":[{"Depth":"Global","PrivilegeId":"`+privilege+`","BusinessUnitId":"`+BusinessUnitID+`"}]}`).is(t, 204)
	ask(t, s, "POST", "systemusers("+annaID+")/systemuserroles_association/$ref", `{"@odata.id":"`+s.URL+`/api/data/v9.2/roles(`+role+`)"}`).is(t, 204)
	ask(t, s, "GET", "contacts", "", as(s, anna)...).is(t, 200)
	ask(t, s, "GET", "systemusers("+annaID+")/Microsoft.Dynamics.CRM.RetrieveUserPrivileges", "").is(t, 200, `"Depth":"Global"`, `"PrivilegeName":"prvReadContact"`, privilege)
	if n := len(ask(t, s, "GET", "roles("+role+")/roleprivileges_association?$select=name", "").value(t)); n != 1 {
		t.Errorf("the role has %d privileges", n)
	}
	if n := len(ask(t, s, "GET", "roleprivilegescollection?$filter=roleid eq "+role+" and privilegedepthmask eq 8", "").value(t)); n != 1 {
		t.Errorf("%d rows of roleprivileges", n)
	}
	ask(t, s, "DELETE", "systemusers("+annaID+")/systemuserroles_association/$ref?$id="+s.URL+"/api/data/v9.2/roles("+role+")", "").is(t, 204)
	ask(t, s, "GET", "contacts", "", as(s, anna)...).is(t, 403)
	ask(t, s, "PATCH", "systemusers("+annaID+")", `{"isdisabled":true}`).is(t, 204)
	ask(t, s, "GET", "accounts", "", as(s, anna)...).is(t, 403, `"code":"0x80040225"`)
	ask(t, s, "POST", "roleprivilegescollection", `{}`).is(t, 400, "0x80040800")
}

// TestAppendToIsCheckedForTablesOfTheOrganisation is pitfalls.md, Simulator 5.
func TestAppendToIsCheckedForTablesOfTheOrganisation(t *testing.T) {
	for _, allowed := range []bool{false, true} {
		s := quiet(t, nil)
		p := map[string][]Verb{"contact": {Create, Append}}
		if allowed {
			p["transactioncurrency"] = []Verb{AppendTo}
		}
		people(t, s, Global, p)
		if s.schema.Table("transactioncurrency").Ownership != OrganizationOwned {
			t.Fatal("the currency is not of the organisation")
		}
		r := ask(t, s, "POST", "contacts", `{"lastname":"x","transactioncurrencyid@odata.bind":"/transactioncurrencies(`+CurrencyID+`)"}`, as(s, anna)...)
		if allowed {
			r.is(t, 204)
		} else {
			r.is(t, 403, "prvAppendTo")
		}
	}
}

func TestImpersonation(t *testing.T) {
	s := quiet(t, nil)
	people(t, s, Global, map[string][]Verb{"contact": {Create, Read}})
	annaID := ask(t, s, "GET", "WhoAmI", "", as(s, anna)...).json(t)["UserId"].(string)
	boID := ask(t, s, "GET", "WhoAmI", "", as(s, bo)...).json(t)["UserId"].(string)
	const made = "00000000-0000-4000-8000-0000000000c5"
	for _, h := range [][]string{{"CallerObjectId", annaO}, {"MSCRMCallerID", annaID}} {
		who := ask(t, s, "GET", "WhoAmI", "", append(as(s, bo), h...)...).is(t, 200).json(t)
		if who["UserId"] != annaID {
			t.Errorf("WhoAmI under %s: %v", h[0], who)
		}
		ask(t, s, "GET", "accounts", "", append(as(s, bo), h...)...).is(t, 403, "prvReadAccount")
	}
	ask(t, s, "POST", "contacts", `{"contactid":"`+made+`","lastname":"x"}`, append(as(s, bo), "CallerObjectId", annaO)...).is(t, 204)
	row := ask(t, s, "GET", "contacts("+made+")?$select=_createdby_value,_createdonbehalfby_value,_modifiedby_value,_modifiedonbehalfby_value,_ownerid_value", "").json(t)
	for name, want := range map[string]string{"_createdby_value": annaID, "_modifiedby_value": annaID, "_ownerid_value": annaID, "_createdonbehalfby_value": boID, "_modifiedonbehalfby_value": boID} {
		if row[name] != want {
			t.Errorf("%s = %v, wanted %s", name, row[name], want)
		}
	}
	ask(t, s, "GET", "WhoAmI", "", append(as(s, anna), "CallerObjectId", boO)...).is(t, 403, `"code":"0x8004A110"`, "User does not have the privilege to act on behalf another user.")
	ask(t, s, "GET", "WhoAmI", "", append(as(s, bo), "CallerObjectId", "00000000-0000-4000-8000-0000000000ef")...).is(t, 403, "0x80072560")
}

func TestColumnSecurity(t *testing.T) {
	schema := Baseline()
	if err := schema.AddTable(TableSpec{LogicalName: "new_card", SchemaName: "new_Card", EntitySet: "new_cards", PrimaryID: "new_cardid", PrimaryName: "new_name",
		Columns: []Column{{LogicalName: "new_number", DisplayName: "Number", Type: String, Secured: true}}}); err != nil {
		t.Fatal(err)
	}
	s := NewServer(schema, &Options{NoListener: true})
	defer s.Close()
	people(t, s, Global, map[string][]Verb{"new_card": {Create, Read, Write}})
	const card, profile = "00000000-0000-4000-8000-0000000000ca", "00000000-0000-4000-8000-0000000000cb"
	ask(t, s, "POST", "new_cards", `{"new_cardid":"`+card+`","new_name":"n","new_number":"4711"}`, as(s, bo)...).is(t, 204)
	read := func() any {
		return ask(t, s, "GET", "new_cards("+card+")?$select=new_number", "", as(s, anna)...).is(t, 200).json(t)["new_number"]
	}
	if read() != nil {
		t.Error("a secured column was shown")
	}
	ask(t, s, "GET", "new_cards?$filter=new_number eq '4711'", "", as(s, anna)...).is(t, 403, "0x8004F506")
	ask(t, s, "PATCH", "new_cards("+card+")", `{"new_number":"1"}`, as(s, anna)...).is(t, 403, "0x8004F507", "does not have update permissions to a Number secured field on entity new_Card")
	ask(t, s, "POST", "new_cards", `{"new_number":"1"}`, as(s, anna)...).is(t, 403, "0x8004F502")
	annaID := ask(t, s, "GET", "WhoAmI", "", as(s, anna)...).json(t)["UserId"].(string)
	ask(t, s, "POST", "fieldsecurityprofiles", `{"fieldsecurityprofileid":"`+profile+`","name":"p","systemuserprofiles_association@odata.bind":["/systemusers(`+annaID+`)"]}`).is(t, 204)
	ask(t, s, "POST", "fieldpermissions", `{"entityname":"new_card","attributelogicalname":"new_number","canread":4,"canupdate":4,"cancreate":0,"fieldsecurityprofileid@odata.bind":"/fieldsecurityprofiles(`+profile+`)"}`).is(t, 204)
	if read() != "4711" {
		t.Error("the profile had no effect")
	}
	ask(t, s, "PATCH", "new_cards("+card+")", `{"new_number":"1"}`, as(s, anna)...).is(t, 204)
	ask(t, s, "POST", "new_cards", `{"new_number":"1"}`, as(s, anna)...).is(t, 403, "0x8004F502")
}

func TestWhoMayEnter(t *testing.T) {
	s := quiet(t, nil)
	r := ask(t, s, "GET", "WhoAmI", "", "Authorization", "Bearer nonsense").is(t, 401)
	if want := "Bearer authorization_uri=" + s.Authority + "/" + s.TenantID + "/oauth2/authorize, resource_id=" + s.URL + "/"; r.header.Get("WWW-Authenticate") != want {
		t.Errorf("%q, wanted %q", r.header.Get("WWW-Authenticate"), want)
	}
	// Nobody asked about this employee: a new user, who is an administrator.
	ask(t, s, "POST", "contacts", `{"lastname":"x"}`, as(s, "new.employee@bank.example")...).is(t, 204)
	u := ask(t, s, "GET", "systemusers?$select=internalemailaddress,azureactivedirectoryobjectid&$filter=internalemailaddress eq 'new.employee@bank.example'", "").value(t)
	if len(u) != 1 || u[0]["azureactivedirectoryobjectid"] != s.Entra.ObjectID("new.employee@bank.example") {
		t.Errorf("user: %v", u)
	}
	app := []string{"Authorization", "Bearer " + s.Entra.AppBearer(DefaultClientID)}
	ask(t, s, "GET", "WhoAmI", "", app...).is(t, 200)
	if n := len(ask(t, s, "GET", "systemusers?$filter=applicationid eq "+DefaultClientID+" and accessmode eq 4", "").value(t)); n != 1 {
		t.Errorf("%d application users", n)
	}
	if err := s.Setup(Setup{Closed: true, Users: []User{{Email: "no.role@bank.example"}}}); err != nil {
		t.Fatal(err)
	}
	ask(t, s, "GET", "WhoAmI", "", as(s, "unknown@bank.example")...).is(t, 403, `"code":"0x80072560"`, "The user is not a member of the organization.")
	ask(t, s, "GET", "WhoAmI", "", as(s, "no.role@bank.example")...).is(t, 403, `"code":"0x80042F09"`)
}

// TestEveryoneMayReadTheirOwnUser is spec section 8.
func TestEveryoneMayReadTheirOwnUser(t *testing.T) {
	s := quiet(t, nil)
	people(t, s, Global, map[string][]Verb{"contact": {Read}})
	rows := ask(t, s, "GET", "systemusers?$select=internalemailaddress", "", as(s, anna)...).is(t, 200).value(t)
	if len(rows) != 1 || rows[0]["internalemailaddress"] != anna {
		t.Errorf("rows: %v", rows)
	}
	ask(t, s, "GET", "systemusers("+AdministratorID+")", "", as(s, anna)...).is(t, 403)
}

// TestASeededApplicationUserIsTheApplication is spec section 8.
func TestASeededApplicationUserIsTheApplication(t *testing.T) {
	s := quiet(t, nil)
	err := s.Seed(files(`{"systemusers":[{"systemuserid":"` + annaO + `","lastname":"Engage","internalemailaddress":"app@x.example","domainname":"app","applicationid":"` + boO + `"}]}`)...)
	if err != nil {
		t.Fatal(err)
	}
	who := ask(t, s, "GET", "WhoAmI", "", "Authorization", "Bearer "+s.Entra.AppBearer(DefaultClientID)).json(t)
	if who["UserId"] != annaO {
		t.Errorf("%v", who)
	}
}
