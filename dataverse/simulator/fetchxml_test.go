package simulator

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const fetchSeed = `{
 "accounts": [
  {"accountid": "00000000-0000-4000-8000-0000000000a1", "name": "Adatum", "revenue": 100, "numberofemployees": 10, "address1_city": "Aarhus", "createdon": "2025-12-31T10:00:00Z"},
  {"accountid": "00000000-0000-4000-8000-0000000000a2", "name": "Contoso", "revenue": 300, "numberofemployees": 20, "address1_city": "Aarhus", "createdon": "2026-01-14T10:00:00Z", "parentaccountid@odata.bind": "/accounts(00000000-0000-4000-8000-0000000000a1)"},
  {"accountid": "00000000-0000-4000-8000-0000000000a3", "name": "Fabrikam", "address1_city": "Odense", "createdon": "2026-01-15T09:00:00Z", "parentaccountid@odata.bind": "/accounts(00000000-0000-4000-8000-0000000000a2)"}],
 "contacts": [
  {"contactid": "00000000-0000-4000-8000-0000000000c1", "firstname": "Ada", "lastname": "Lovelace", "parentcustomerid_account@odata.bind": "/accounts(00000000-0000-4000-8000-0000000000a2)", "familystatuscode": 1},
  {"contactid": "00000000-0000-4000-8000-0000000000c2", "firstname": "Bo", "lastname": "Holm", "parentcustomerid_account@odata.bind": "/accounts(00000000-0000-4000-8000-0000000000a2)", "familystatuscode": 2},
  {"contactid": "00000000-0000-4000-8000-0000000000c3", "firstname": "Cai", "lastname": "Lund", "parentcustomerid_account@odata.bind": "/accounts(00000000-0000-4000-8000-0000000000a1)"}],
 "tasks": [
  {"activityid": "00000000-0000-4000-8000-0000000000f1", "subject": "one", "regardingobjectid_account_task@odata.bind": "/accounts(00000000-0000-4000-8000-0000000000a2)"},
  {"activityid": "00000000-0000-4000-8000-0000000000f2", "subject": "two", "regardingobjectid_account_task@odata.bind": "/accounts(00000000-0000-4000-8000-0000000000a2)"}]
}`

func fetchServer(t *testing.T) *Server {
	t.Helper()
	s := quiet(t, &Options{Now: func() time.Time { return time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC) }})
	if err := s.Seed(files(fetchSeed)...); err != nil {
		t.Fatal(err)
	}
	return s
}

func fetch(t *testing.T, s *Server, set, xml string, headers ...string) reply {
	t.Helper()
	return ask(t, s, "GET", set+"?fetchXml="+url.QueryEscape(xml), "", headers...)
}

// TestFetchConditions: an operator, a value, and the accounts that it finds.
func TestFetchConditions(t *testing.T) {
	s := fetchServer(t)
	for _, tc := range []struct{ condition, want string }{
		{`attribute="name" operator="eq" value="CONTOSO"`, "Contoso"},
		{`attribute="name" operator="ne" value="Contoso"`, "Adatum,Fabrikam"},
		{`attribute="name" operator="like" value="%a%"`, "Adatum,Fabrikam"},
		{`attribute="name" operator="not-like" value="A%"`, "Contoso,Fabrikam"},
		{`attribute="name" operator="begins-with" value="fab"`, "Fabrikam"},
		{`attribute="name" operator="ends-with" value="SO"`, "Contoso"},
		{`attribute="name" operator="not-begin-with" value="fab"`, "Adatum,Contoso"},
		{`attribute="revenue" operator="gt" value="100"`, "Contoso"},
		{`attribute="revenue" operator="ge" value="100"`, "Adatum,Contoso"},
		{`attribute="revenue" operator="ne" value="100"`, "Contoso,Fabrikam"},
		{`attribute="revenue" operator="null"`, "Fabrikam"},
		{`attribute="revenue" operator="not-null"`, "Adatum,Contoso"},
		{`attribute="accountid" operator="eq" value="{00000000-0000-4000-8000-0000000000A1}"`, "Adatum"},
		{`attribute="parentaccountid" operator="eq" value="00000000-0000-4000-8000-0000000000a1"`, "Contoso"},
		{`attribute="createdon" operator="today"`, "Fabrikam"},
		{`attribute="createdon" operator="yesterday"`, "Contoso"},
		{`attribute="createdon" operator="last-x-days" value="3"`, "Contoso,Fabrikam"},
		{`attribute="createdon" operator="last-month"`, "Adatum"},
		{`attribute="createdon" operator="last-year"`, "Adatum"},
		{`attribute="createdon" operator="this-month"`, "Contoso,Fabrikam"},
		{`attribute="createdon" operator="olderthan-x-days" value="5"`, "Adatum"},
		{`attribute="createdon" operator="on" value="2026-01-14"`, "Contoso"},
		{`attribute="createdon" operator="on-or-after" value="2026-01-14"`, "Contoso,Fabrikam"},
		{`attribute="createdon" operator="on-or-before" value="2026-01-14"`, "Adatum,Contoso"},
		{`attribute="ownerid" operator="eq-userid"`, "Adatum,Contoso,Fabrikam"},
		{`attribute="ownerid" operator="ne-userid"`, ""},
		{`attribute="owningbusinessunit" operator="eq-businessid"`, "Adatum,Contoso,Fabrikam"},
		{`attribute="accountid" operator="under" value="00000000-0000-4000-8000-0000000000a1"`, "Contoso,Fabrikam"},
		{`attribute="accountid" operator="eq-or-above" value="00000000-0000-4000-8000-0000000000a2"`, "Adatum,Contoso"},
		{`attribute="accountid" operator="not-under" value="00000000-0000-4000-8000-0000000000a2"`, "Adatum"},
	} {
		got := accountNames(fetch(t, s, "accounts", `<fetch><entity name="account"><attribute name="name"/><order attribute="name"/><filter><condition `+tc.condition+`/></filter></entity></fetch>`).is(t, 200).value(t))
		if got != tc.want {
			t.Errorf("%s: %s, wanted %s", tc.condition, got, tc.want)
		}
	}
	for values, want := range map[string]string{
		`operator="in"><value>Adatum</value><value>Fabrikam</value>`:     "Adatum,Fabrikam",
		`operator="not-in"><value>Adatum</value><value>Fabrikam</value>`: "Contoso",
	} {
		got := accountNames(fetch(t, s, "accounts", `<fetch><entity name="account"><attribute name="name"/><order attribute="name"/><filter><condition attribute="name" `+values+`</condition></filter></entity></fetch>`).is(t, 200).value(t))
		if got != want {
			t.Errorf("%s: %s", values, got)
		}
	}
	got := accountNames(fetch(t, s, "accounts", `<fetch><entity name="account"><attribute name="name"/><filter><condition attribute="revenue" operator="between"><value>50</value><value>150</value></condition></filter></entity></fetch>`).value(t))
	if got != "Adatum" {
		t.Errorf("between: %s", got)
	}
}

func accountNames(rows []map[string]any) string {
	var list []string
	for _, r := range rows {
		list = append(list, fmt.Sprint(r["name"]))
	}
	return strings.Join(list, ",")
}

func TestFetchShapes(t *testing.T) {
	s := fetchServer(t)
	r := fetch(t, s, "accounts", `<fetch top="1"><entity name="account"><attribute name="name"/><attribute name="revenue"/><attribute name="parentaccountid"/><filter><condition attribute="name" operator="eq" value="Fabrikam"/></filter>
		<link-entity name="account" from="accountid" to="parentaccountid" alias="parent"><attribute name="name"/><attribute name="numberofemployees" alias="size"/></link-entity></entity></fetch>`, "Prefer", `odata.include-annotations="*"`).is(t, 200)
	row := r.value(t)[0]
	want := map[string]any{
		"@odata.etag": row["@odata.etag"], "name": "Fabrikam", "accountid": "00000000-0000-4000-8000-0000000000a3",
		"_parentaccountid_value": "00000000-0000-4000-8000-0000000000a2", "_parentaccountid_value@" + annFormatted: "Contoso",
		"_parentaccountid_value@" + annTable: "account", "_parentaccountid_value@" + annNav: "parentaccountid",
		"parent.name": "Contoso", "parent.name@OData.Community.Display.V1.AttributeName": "name",
		"size": 20.0, "size@" + annFormatted: "20", "size@OData.Community.Display.V1.AttributeName": "numberofemployees",
	}
	if diff := cmp.Diff(want, row); diff != "" {
		t.Error(diff) // revenue is null, and left out
	}
	if r.json(t)["@odata.context"] != s.URL+"/api/data/v9.2/$metadata#accounts(name,revenue,_parentaccountid_value,accountid,parent.name,size)" {
		t.Error(r.json(t)["@odata.context"])
	}
}

// TestFetchLinksAreCrossed is pitfalls.md, Simulator 4: two links give the
// product of their rows, and filters on both must hold together.
func TestFetchLinksAreCrossed(t *testing.T) {
	s := fetchServer(t)
	link := func(kind, filter string) string {
		return `<link-entity name="contact" from="parentcustomerid" to="accountid" alias="c" link-type="` + kind + `"><attribute name="firstname"/>` + filter + `</link-entity>`
	}
	tasks := `<link-entity name="task" from="regardingobjectid" to="accountid" alias="t" link-type="inner"><attribute name="subject"/></link-entity>`
	count := func(inside string) int {
		return len(fetch(t, s, "accounts", `<fetch><entity name="account"><attribute name="name"/>`+inside+`</entity></fetch>`).is(t, 200).value(t))
	}
	for name, tc := range map[string]struct {
		inside string
		want   int
	}{
		"inner":                   {link("inner", ""), 3},
		"outer":                   {link("outer", ""), 4},
		"crossed":                 {link("inner", "") + tasks, 4},
		"inner with filter":       {link("inner", `<filter><condition attribute="firstname" operator="eq" value="Ada"/></filter>`), 1},
		"outer with filter":       {link("outer", `<filter><condition attribute="firstname" operator="eq" value="Ada"/></filter>`), 3},
		"both must hold":          {link("inner", `<filter><condition attribute="firstname" operator="eq" value="Cai"/></filter>`) + tasks, 0},
		"entityname":              {link("outer", "") + `<filter><condition entityname="c" attribute="contactid" operator="null"/></filter>`, 1},
		"entityname or own":       {link("outer", "") + `<filter type="or"><condition entityname="c" attribute="firstname" operator="eq" value="Cai"/><condition attribute="name" operator="eq" value="Fabrikam"/></filter>`, 2},
		"exists":                  {link("exists", ""), 2},
		"in":                      {link("in", ""), 2},
		"first row":               {link("matchfirstrowusingcrossapply", ""), 2},
		"any in a filter":         {`<filter>` + link("any", "") + `</filter>`, 2},
		"not any in a filter":     {`<filter>` + link("not any", "") + `</filter>`, 1},
		"nested":                  {`<link-entity name="contact" from="parentcustomerid" to="accountid"><link-entity name="systemuser" from="systemuserid" to="ownerid"/></link-entity>`, 3},
		"join columns understood": {`<link-entity name="contact" alias="pc"/>`, 3},
	} {
		t.Run(name, func(t *testing.T) {
			if strings.HasPrefix(name, "join columns") {
				fetch(t, s, "accounts", `<fetch><entity name="account">`+tc.inside+`</entity></fetch>`).is(t, 400, "0x8004111e")
				return
			}
			if got := count(tc.inside); got != tc.want {
				t.Errorf("%d rows, wanted %d", got, tc.want)
			}
		})
	}
	roles := fetch(t, s, "systemusers", `<fetch><entity name="systemuser"><attribute name="fullname"/><link-entity name="systemuserroles" from="systemuserid" to="systemuserid" intersect="true"><link-entity name="role" from="roleid" to="roleid" alias="r"><attribute name="name"/></link-entity></link-entity></entity></fetch>`).is(t, 200).value(t)
	if len(roles) != 1 || roles[0]["r.name"] != "System Administrator" {
		t.Errorf("roles: %v", roles)
	}
}

func TestFetchAggregates(t *testing.T) {
	s := fetchServer(t)
	rows := fetch(t, s, "accounts", `<fetch aggregate="true"><entity name="account">
		<attribute name="address1_city" alias="city" groupby="true"/><attribute name="accountid" alias="n" aggregate="count"/><attribute name="revenue" alias="withrevenue" aggregate="countcolumn"/>
		<attribute name="revenue" alias="sum" aggregate="sum"/><attribute name="revenue" alias="avg" aggregate="avg"/><attribute name="numberofemployees" alias="least" aggregate="min"/><attribute name="numberofemployees" alias="most" aggregate="max"/>
		<order alias="n" descending="true"/></entity></fetch>`).is(t, 200).value(t)
	want := []map[string]any{
		{"city": "Aarhus", "n": 2.0, "withrevenue": 2.0, "sum": 400.0, "avg": 200.0, "least": 10.0, "most": 20.0},
		{"city": "Odense", "n": 1.0, "withrevenue": 0.0},
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Error(diff)
	}
	rows = fetch(t, s, "accounts", `<fetch aggregate="true"><entity name="account"><attribute name="createdon" alias="y" groupby="true" dategrouping="year"/><attribute name="accountid" alias="n" aggregate="count"/><order alias="y"/></entity></fetch>`).is(t, 200).value(t)
	if diff := cmp.Diff([]map[string]any{{"y": 2025.0, "n": 1.0}, {"y": 2026.0, "n": 2.0}}, rows); diff != "" {
		t.Error(diff)
	}
	rows = fetch(t, s, "leads", `<fetch aggregate="true"><entity name="lead"><attribute name="leadid" alias="n" aggregate="count"/></entity></fetch>`).is(t, 200).value(t)
	if diff := cmp.Diff([]map[string]any{{"n": 0.0}}, rows); diff != "" {
		t.Error(diff)
	}
}

func TestFetchPaging(t *testing.T) {
	s := fetchServer(t)
	var all []string
	cookie := ""
	for page := 1; page < 10; page++ {
		xml := fmt.Sprintf(`<fetch count="2" page="%d" paging-cookie="%s"><entity name="account"><attribute name="name"/><order attribute="name" descending="true"/></entity></fetch>`, page, strings.NewReplacer("&", "&amp;", "<", "&lt;", `"`, "&quot;").Replace(cookie))
		r := fetch(t, s, "accounts", xml, "Prefer", `odata.include-annotations="Microsoft.Dynamics.CRM.fetchxmlpagingcookie,Microsoft.Dynamics.CRM.morerecords"`).is(t, 200)
		all = append(all, accountNames(r.value(t)))
		j := r.json(t)
		if j["@Microsoft.Dynamics.CRM.morerecords"] == false {
			break
		}
		annotation := j["@Microsoft.Dynamics.CRM.fetchxmlpagingcookie"].(string)
		if !strings.HasPrefix(annotation, `<cookie pagenumber="2" pagingcookie="%253ccookie%2520page%253d%25221%2522%253e%253caccountid%2520last%253d%2522%257b`) {
			t.Errorf("cookie: %s", annotation)
		}
		_, rest, _ := strings.Cut(annotation, `pagingcookie="`)
		cookie, _, _ = strings.Cut(rest, `"`)
		for range 2 {
			cookie, _ = url.QueryUnescape(cookie)
		}
	}
	if got := strings.Join(all, "|"); got != "Fabrikam,Contoso|Adatum" {
		t.Errorf("pages: %s", got)
	}
	distinct := fetch(t, s, "accounts", `<fetch distinct="true"><entity name="account"><attribute name="address1_city"/><order attribute="address1_city"/></entity></fetch>`).is(t, 200).value(t)
	if diff := cmp.Diff([]map[string]any{{"address1_city": "Aarhus"}, {"address1_city": "Odense"}}, distinct); diff != "" {
		t.Error(diff)
	}
}

// TestFetchRefusals: what is malformed or not modelled fails by name.
func TestFetchRefusals(t *testing.T) {
	s := fetchServer(t)
	entity := func(inside string) string {
		return `<fetch><entity name="account">` + inside + `</entity></fetch>`
	}
	for xml, want := range map[string]string{
		`<fetch><entity name="account">`:          "0x80040303",
		`<!DOCTYPE x [<!ENTITY a "b">]><fetch/>`:  "DTD is prohibited",
		`<fetch/>`:                                "0x80041102",
		`<query/>`:                                "0x80040303",
		`<fetch><entity name="contact"/></fetch>`: "0x80041128",
		`<fetch top="1" page="2"><entity name="account"/></fetch>`:                                          "top attribute can't be specified",
		entity(`<attribute name="Name"/>`):                                                                  "'account' entity doesn't contain attribute with Name = 'Name'",
		entity(`<attribute/>`):                                                                              "0x8004111e",
		entity(`<column name="name"/>`):                                                                     "Invalid Child Node",
		entity(`<attribute name="name" colour="red"/>`):                                                     "Invalid attribute 'colour'",
		entity(`<filter><condition attribute="nme" operator="null"/></filter>`):                             "0x80041103",
		entity(`<filter><condition attribute="name" operator="resembles" value="x"/></filter>`):             "0x80041120",
		entity(`<filter><condition attribute="revenue" operator="eq" value="much"/></filter>`):              "0x80041108",
		entity(`<filter><condition attribute="name" operator="last-x-days" value="3"/></filter>`):           "0x80041120",
		entity(`<filter type="xor"/>`):                                                                      "0x80041122",
		entity(`<link-entity name="nothing" from="a" to="b"/>`):                                             "0x80041102",
		entity(`<link-entity name="contact" from="contactid" to="primarycontactid" link-type="sideways"/>`): "0x80041117",
		entity(strings.Repeat(`<filter>`, 40) + strings.Repeat(`</filter>`, 40)):                            "too deeply nested",
		entity(strings.Repeat(`<link-entity name="contact" from="contactid" to="primarycontactid"/>`, 16)):  "exceed limit 15",
		entity(`<attribute name="name" alias="a"/><attribute name="telephone1" alias="a"/>`):                "0x80041130",
	} {
		fetch(t, s, "accounts", xml).is(t, 400, want)
	}
	fetch(t, s, "accounts", entity(`<filter><condition attribute="createdon" operator="this-fiscal-year"/></filter>`)).is(t, 501, "this-fiscal-year")
}

func FuzzFetch(f *testing.F) {
	s := NewServer(nil, &Options{NoListener: true})
	f.Cleanup(s.Close)
	f.Add(`<fetch top="3"><entity name="account"><all-attributes/><filter type="or"><condition attribute="name" operator="like" value="%a"/></filter><link-entity name="contact" from="contactid" to="primarycontactid" link-type="outer" alias="c"/></entity></fetch>`)
	f.Add(`<fetch aggregate="true"><entity name="account"><attribute name="revenue" alias="s" aggregate="sum"/></entity></fetch>`)
	f.Fuzz(func(t *testing.T, xml string) {
		if len(xml) > 4096 {
			return // long inputs only slow the search down
		}
		r := fetch(t, s, "accounts", xml)
		if r.status == 500 || len(s.panics) > 0 {
			t.Fatalf("%d %s %v", r.status, r.body, s.panics)
		}
	})
}
