package simulator

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// wireCase is a request and what the answer must be. Paths are relative to the
// service root; spaces are sent as "%20".
type wireCase struct {
	name         string
	method, path string
	body         string
	header       []string // name, value, …
	status       int
	code         string   // of the error
	want         []string // texts that the body has
	not          []string // texts that it has not
	wantHeader   []string // name, value, …; an empty value: absent
}

const (
	testAccount  = "00000000-0000-0000-0000-00000000a001"
	testAccount2 = "00000000-0000-0000-0000-00000000a002"
	testContact  = "00000000-0000-0000-0000-00000000c001"
	testContact2 = "00000000-0000-0000-0000-00000000c002"
	testContact3 = "00000000-0000-0000-0000-00000000c003"
	testTask     = "00000000-0000-0000-0000-00000000d001"
	testMeeting  = "00000000-0000-0000-0000-00000000e001"
)

// testNow is the clock of test servers.
var testNow = time.Date(2025, 3, 12, 10, 20, 30, 0, time.UTC)

// newTestServer has two accounts, three contacts, a task and a meeting, and
// no socket.
func newTestServer(t *testing.T) *Server {
	t.Helper()
	schema := Baseline()
	if err := schema.AddKey("account", Key{SchemaName: "AccountNumberKey", Columns: []string{"accountnumber"}}); err != nil {
		t.Fatal(err)
	}
	if err := schema.AddKey("contact", Key{SchemaName: "NameMailKey", Columns: []string{"firstname", "emailaddress1"}}); err != nil {
		t.Fatal(err)
	}
	err := schema.AddTable(TableSpec{
		LogicalName: "new_project", SchemaName: "new_Project", EntitySet: "new_projects", PrimaryID: "new_projectid", PrimaryName: "new_name",
		Notes: true, Activities: true,
		Columns: []Column{
			{LogicalName: "new_tags", SchemaName: "new_Tags", Type: MultiChoice, Options: []Option{{Value: 1, Label: "Red"}, {Value: 2, Label: "Green"}, {Value: 3, Label: "Blue"}}},
			{LogicalName: "new_accountid", SchemaName: "new_AccountId", Type: Lookup, Targets: []Target{{Table: "account", Navigation: "new_AccountId", Collection: "new_account_projects"}}},
			{LogicalName: "new_score", SchemaName: "new_Score", Type: Decimal, Precision: 3},
		},
		Keys: []Key{{SchemaName: "new_AccountKey", Columns: []string{"new_accountid"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	s := NewServer(schema, &Options{NoListener: true, Now: func() time.Time { return testNow }})
	t.Cleanup(func() {
		s.Close()
		for _, p := range s.panics {
			t.Errorf("a handler panicked: %s", p)
		}
	})
	for _, row := range []struct{ set, body string }{
		{"accounts", `{"accountid":"` + testAccount + `","name":"Contoso","accountnumber":"A1","revenue":20000,"numberofemployees":9500,"industrycode":1,"address1_line1":"1 Main St","address1_city":"Redmond","address1_stateorprovince":"WA","address1_postalcode":"98052"}`},
		{"accounts", `{"accountid":"` + testAccount2 + `","name":"Fabrikam","parentaccountid@odata.bind":"/accounts(` + testAccount + `)"}`},
		{"contacts", `{"contactid":"` + testContact + `","firstname":"Ada","lastname":"Lovelace","emailaddress1":"ada@example.com","birthdate":"1980-02-29","parentcustomerid_account@odata.bind":"/accounts(` + testAccount + `)"}`},
		{"contacts", `{"contactid":"` + testContact2 + `","firstname":"Bob","lastname":"O'Bryan","jobtitle":"CTO","parentcustomerid_account@odata.bind":"/accounts(` + testAccount + `)"}`},
		{"contacts", `{"contactid":"` + testContact3 + `","firstname":"Cy","lastname":"Young","annualincome":1234.5}`},
		{"tasks", `{"activityid":"` + testTask + `","subject":"Call 100%","regardingobjectid_account_task@odata.bind":"/accounts(` + testAccount + `)","scheduledend":"2025-03-12T00:00:00Z"}`},
		{"appointments", `{"activityid":"` + testMeeting + `","subject":"Meeting","scheduledstart":"2025-03-13T09:00:00Z","scheduledend":"2025-03-13T10:00:00Z","regardingobjectid_contact_appointment@odata.bind":"/contacts(` + testContact + `)","appointment_activity_parties":[{"participationtypemask":5,"partyid_contact@odata.bind":"/contacts(` + testContact + `)"}]}`},
		{"new_projects", `{"new_name":"P1","new_tags":"3,1","new_score":1.5,"new_AccountId@odata.bind":"/accounts(` + testAccount + `)"}`},
	} {
		if resp, body := request(t, s, "POST", row.set, row.body); resp.StatusCode != 204 {
			t.Fatalf("POST %s: %d %s", row.set, resp.StatusCode, body)
		}
	}
	if resp, body := request(t, s, "PATCH", "accounts("+testAccount+")", `{"primarycontactid@odata.bind":"/contacts(`+testContact+`)"}`); resp.StatusCode != 204 {
		t.Fatalf("PATCH: %d %s", resp.StatusCode, body)
	}
	return s
}

func request(t *testing.T, s *Server, method, path, body string, header ...string) (*http.Response, string) {
	t.Helper()
	var content io.Reader
	if body != "" {
		content = strings.NewReader(body)
	}
	r, err := http.NewRequest(method, s.URL+"/api/data/v9.2/"+strings.ReplaceAll(path, " ", "%20"), content)
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(b)
}

// runWire runs each case on a server of its own.
func runWire(t *testing.T, cases []wireCase) {
	t.Helper()
	for _, tc := range cases {
		name := tc.name
		if name == "" {
			name = tc.method + " " + tc.path
		}
		t.Run(name, func(t *testing.T) {
			s := newTestServer(t)
			resp, body := request(t, s, tc.method, tc.path, tc.body, tc.header...)
			if resp.StatusCode != tc.status {
				t.Errorf("status %d, want %d", resp.StatusCode, tc.status)
			}
			if tc.code != "" && !strings.Contains(body, `{"error":{"code":"`+tc.code+`"`) {
				t.Errorf("the code is not %s", tc.code)
			}
			for _, text := range tc.want {
				if !strings.Contains(body, text) {
					t.Errorf("the body lacks %q", text)
				}
			}
			for _, text := range tc.not {
				if strings.Contains(body, text) {
					t.Errorf("the body has %q", text)
				}
			}
			for i := 0; i+1 < len(tc.wantHeader); i += 2 {
				got := ""
				for key, values := range resp.Header {
					if strings.EqualFold(key, tc.wantHeader[i]) {
						got = strings.Join(values, "|")
					}
				}
				if got != tc.wantHeader[i+1] {
					t.Errorf("header %s is %q, want %q", tc.wantHeader[i], got, tc.wantHeader[i+1])
				}
			}
			if t.Failed() {
				t.Logf("body: %s", body)
			}
		})
	}
}
