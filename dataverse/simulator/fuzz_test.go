package simulator

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// FuzzFilter: any $filter is answered by 200 or 400, and nothing panics.
func FuzzFilter(f *testing.F) {
	for _, text := range []string{
		"lastname eq 'O''Bryan'", "contains(fullname,'%[a-') and not (annualincome gt 1e5)", "Account_Tasks/any(t:t/statecode eq 0)",
		"Microsoft.Dynamics.CRM.In(PropertyName='lastname',PropertyValues=[\"a\",\"b\"])", "createdon ge 2024-01-31T00:00:00+02:00",
		"parentcustomerid_account/contact_customer_accounts/any()", "lastname eq @p", "((((", "'", "a/b/c/d eq null", "not not donotemail",
		"Microsoft.Dynamics.CRM.LastXFiscalYears(PropertyName='createdon',PropertyValue=99999999999)", "annualincome eq 99999999999999999999999999",
		"contact_customer_contacts/all(c:c/contact_customer_contacts/any(d:d/lastname eq c/lastname))", "lastname eq '[", "lastname eq '[^]'",
	} {
		f.Add(text)
	}
	s := NewServer(nil, &Options{NoListener: true})
	defer s.Close()
	fill(f, s, 20)
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 8000 {
			return
		}
		status := fuzzRequest(t, s, http.MethodGet, "contacts?$select=fullname&$filter="+url.QueryEscape(text), "")
		if status != 200 && status != 400 {
			t.Errorf("%d for %q", status, text)
		}
	})
}

// FuzzOptions: any query string is answered, and nothing panics.
func FuzzOptions(f *testing.F) {
	for _, text := range []string{
		"$select=fullname&$expand=parentcustomerid_account($select=name;$expand=createdby)", "$orderby=fullname desc,createdon", "$top=-1", "%zz=1",
		"$apply=groupby((statuscode),aggregate($count as n))", "$apply=filter(lastname eq 'x')/aggregate(annualincome with sum as s)", "$skiptoken=%3Ccookie",
		"$expand=Contact_Tasks($filter=contains(subject,'x');$top=1),ownerid", "$count=true&$top=0", "fetchXml=<fetch><entity name='contact'/></fetch>",
	} {
		f.Add(text)
	}
	s := NewServer(nil, &Options{NoListener: true})
	defer s.Close()
	fill(f, s, 20)
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 8000 || strings.ContainsAny(text, " #\x7f") || strings.IndexFunc(text, func(r rune) bool { return r < 0x20 }) >= 0 {
			return
		}
		fuzzRequest(t, s, http.MethodGet, "contacts?"+text, "")
	})
}

// FuzzBody: any body of a POST is answered by success or by a client error.
func FuzzBody(f *testing.F) {
	for _, text := range []string{
		`{"lastname":"x","annualincome":1e400}`, `{"parentcustomerid_account@odata.bind":"/accounts(x)"}`, `{"parentcustomerid_account":{"name":"x"}}`,
		`{"Contact_Tasks":[{"subject":"x"},null]}`, `{"birthdate":"2024-02-30"}`, `[[[[`, `{"a":`, `{"contactid":1}`, "\ufeff{}", `{"contact_activity_parties":[{}]}`,
		`{"statuscode":2}`, `{"ownerid@odata.bind":"/teams(00000000-0000-0000-0000-000000000001)"}`, `{"teammembership_association":[]}`,
	} {
		f.Add(text)
	}
	s := NewServer(nil, &Options{NoListener: true})
	defer s.Close()
	f.Fuzz(func(t *testing.T, text string) {
		status := fuzzRequest(t, s, http.MethodPost, "contacts", text)
		if status >= 500 && status != 501 {
			t.Errorf("%d for %q", status, text)
		}
	})
}

// fuzzRequest gives the status of an answer, and fails if a handler panicked.
func fuzzRequest(t *testing.T, s *Server, method, path, body string) int {
	t.Helper()
	r, err := http.NewRequest(method, s.URL+"/api/data/v9.2/"+path, strings.NewReader(body))
	if err != nil {
		return 400
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.panics) > 0 {
		t.Fatalf("%s %s: %s", method, path, s.panics[0])
	}
	s.log = nil
	return resp.StatusCode
}
