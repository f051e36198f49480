package simulator

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

func do(s *Server, method, path, body string, headers ...string) (int, http.Header, string) {
	var rd io.Reader
	if body != "" {
		rd = strings.NewReader(body)
	}
	path = strings.ReplaceAll(path, " ", "%20")
	req, err := http.NewRequest(method, s.URL+"/api/data/v9.2/"+path, rd)
	if err != nil {
		panic(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	resp, err := s.Client().Do(req)
	if err != nil {
		panic(err)
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, resp.Header, string(b)
}

func TestSmoke(t *testing.T) {
	s := NewServer(nil, nil)
	defer s.Close()
	show := func(method, path, body string, headers ...string) {
		code, h, b := do(s, method, path, body, headers...)
		fmt.Println(method, path, "->", code, h, b)
	}
	A := "accounts(00000000-0000-0000-0000-000000000001)"
	show("POST", "accounts", `{"accountid":"00000000-0000-0000-0000-000000000001","name":"Contoso","revenue":20000,"address1_city":"Redmond"}`)
	show("POST", "contacts?$select=fullname,annualincome&$expand=parentcustomerid_account($select=name)", `{"firstname":"Ada","lastname":"Lovelace","annualincome":10.5,"parentcustomerid_account@odata.bind":"/`+A+`"}`, "Prefer", `return=representation,odata.include-annotations="*"`)
	show("GET", A+"?$select=name,revenue,address1_city&$expand=contact_customer_accounts($select=fullname)", "")
	show("GET", "contacts?$select=fullname,_parentcustomerid_value&$filter=contains(lastname,'love') and parentcustomerid_account/name eq 'contoso'&$count=true", "", "Prefer", `odata.include-annotations="*"`)
	show("GET", "accounts?$select=name&$filter=contact_customer_accounts/any(c:c/firstname eq 'Ada')", "")
	show("PATCH", A, `{"name":"X","primarycontactid":null}`)
	show("GET", A+"/name", "")
	show("GET", "accounts/$count", "")
	show("GET", "account", "")
	show("GET", "accounts?$select=Name", "")
	show("GET", "accounts?$filter=name eq 5", "")
	show("GET", "accounts?$filter=lastname eq 'O'Bryan'", "")
	show("POST", "appointments?$expand=appointment_activity_parties($select=participationtypemask,_partyid_value)&$select=subject,statecode,scheduleddurationminutes", `{"subject":"m","scheduledstart":"2025-03-03T09:00:00Z","scheduledend":"2025-03-03T10:00:00Z","regardingobjectid_account_appointment@odata.bind":"/`+A+`","appointment_activity_parties":[{"participationtypemask":5,"partyid_systemuser@odata.bind":"/systemusers(`+AdministratorID+`)"}]}`, "Prefer", "return=representation")
	show("GET", A+"/Account_ActivityPointers?$select=subject,activitytypecode", "")
	show("DELETE", A, "")
	show("GET", "contacts", "")
	show("GET", "systemusers?$select=fullname,domainname", "")
	for _, p := range s.panics {
		t.Error(p)
	}
}
