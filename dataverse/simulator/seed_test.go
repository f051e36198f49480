package simulator

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	engage "github.com/andmoneyaps/engage-playbooks"
	"github.com/google/go-cmp/cmp"
)

const seedOne = `{
  "contacts": [
    {"contactid": "00000000-0000-4000-8000-00000000000c", "firstname": "Ada", "lastname": "Lovelace",
     "createdon": "2020-01-02T03:04:05Z", "statecode": 1, "statuscode": 2,
     "parentcustomerid_account@odata.bind": "/accounts(00000000-0000-4000-8000-00000000000a)",
     "ownerid@odata.bind": "/systemusers(00000000-0000-4000-8000-00000000000e)",
     "Contact_Annotation": [{"subject": "nested", "notetext": "in a contact"}]}
  ],
  "appointments": [
    {"activityid": "00000000-0000-4000-8000-0000000000f1", "subject": "Meeting",
     "scheduledstart": "2025-03-03T09:00:00Z", "scheduledend": "2025-03-03T10:00:00Z",
     "regardingobjectid_contact_appointment@odata.bind": "/contacts(00000000-0000-4000-8000-00000000000c)",
     "appointment_activity_parties": [
       {"participationtypemask": 7, "partyid_systemuser@odata.bind": "/systemusers(00000000-0000-4000-8000-00000000000e)"},
       {"participationtypemask": 5, "partyid_contact@odata.bind": "/contacts(00000000-0000-4000-8000-00000000000c)"},
       {"participationtypemask": 6, "addressused": "x@y.example"}]}
  ]
}`

const seedTwo = `{
  "accounts": [{"accountid": "00000000-0000-4000-8000-00000000000a", "name": "Contoso", "revenue": 20000.5}],
  "systemusers": [{"systemuserid": "00000000-0000-4000-8000-00000000000e", "firstname": "Mette", "lastname": "Holm",
                   "internalemailaddress": "mette.holm@bank.example", "domainname": "mette.holm@bank.example"}]
}`

func files(texts ...string) []SeedFile {
	var list []SeedFile
	for i, s := range texts {
		list = append(list, SeedFile{Name: string(rune('a'+i)) + ".json", Data: []byte(s)})
	}
	return list
}

func quiet(t *testing.T, opts *Options) *Server {
	t.Helper()
	if opts == nil {
		opts = &Options{}
	}
	opts.NoListener = true
	s := NewServer(nil, opts)
	t.Cleanup(func() {
		for _, p := range s.panics {
			t.Error(p)
		}
		s.Close()
	})
	return s
}

func TestSeedIsOneUnitInAnyOrder(t *testing.T) {
	s := quiet(t, nil)
	if err := s.Seed(files(seedOne, seedTwo)...); err != nil {
		t.Fatal(err)
	}
	c := s.Records("contacts")[0]
	for name, want := range map[string]any{
		"fullname": "Ada Lovelace", "createdon": "2020-01-02T03:04:05Z",
		"_parentcustomerid_value": "00000000-0000-4000-8000-00000000000a", "_parentcustomerid_value@" + annTable: "account",
		"_ownerid_value": "00000000-0000-4000-8000-00000000000e",
	} {
		if c[name] != want {
			t.Errorf("%s = %v, wanted %v", name, c[name], want)
		}
	}
	if n := len(s.Records("annotations")); n != 1 {
		t.Errorf("%d notes", n)
	}
	masks := map[float64]int{}
	for _, p := range s.Records("activityparties") {
		masks[p["participationtypemask"].(float64)]++
	}
	if diff := cmp.Diff(map[float64]int{5: 1, 6: 1, 7: 1, 8: 1, 9: 1}, masks); diff != "" {
		t.Error(diff)
	}
}

func TestDumpLoadsAsSeed(t *testing.T) {
	s := quiet(t, nil)
	if err := s.Seed(files(seedOne, seedTwo)...); err != nil {
		t.Fatal(err)
	}
	if err := s.Setup(Setup{Roles: []Role{{Name: "Advisor", Privileges: map[string][]Verb{"contact": {Read, AppendTo}}}},
		Users: []User{{Email: "mette.holm@bank.example", Roles: []string{"Advisor"}}, {Email: "none@bank.example"}}}); err != nil {
		t.Fatal(err)
	}
	var one, two bytes.Buffer
	if err := s.Dump(&one); err != nil {
		t.Fatal(err)
	}
	other := quiet(t, nil)
	if err := other.Seed(SeedFile{Name: "dump.json", Data: one.Bytes()}); err != nil {
		t.Fatal(err)
	}
	if err := other.Dump(&two); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(unversioned(one.String()), unversioned(two.String())); diff != "" {
		t.Error(diff)
	}
}

// unversioned drops the columns that say when the server itself wrote a row.
func unversioned(dump string) []string {
	var out []string
	for _, line := range strings.Split(dump, "\n") {
		for _, name := range []string{"versionnumber", "modifiedon"} {
			if i := strings.Index(line, `"`+name+`": `); i >= 0 {
				rest := line[i:]
				line = line[:i] + rest[strings.IndexAny(rest, ",}"):]
			}
		}
		out = append(out, line)
	}
	return out
}

func TestSeedProblems(t *testing.T) {
	for name, tc := range map[string]struct {
		seed string
		want []string
	}{
		"unknown set":        {"{\n \"contact\": []}", []string{`a.json:2:2: error: the simulator has no entity set "contact" (did you mean "contacts"?)`}},
		"unknown column":     {"{\"contacts\": [\n  {\"FirstName\": \"x\"}]}", []string{`a.json:2:4: error: table "contact" has no column "FirstName" (did you mean "firstname"?)`}},
		"wrong case of bind": {`{"contacts": [{"parentcustomerid_Account@odata.bind": "/accounts(x)"}]}`, []string{`did you mean "parentcustomerid_account"?`}},
		"dangling link":      {`{"contacts": [{"parentcustomerid_account@odata.bind": "/accounts(00000000-0000-4000-8000-000000000001)"}]}`, []string{`a.json:1:55: error: "parentcustomerid_account@odata.bind": there is no record "/accounts(00000000-0000-4000-8000-000000000001)"`}},
		"dangling lookup":    {`{"accounts": [{"_primarycontactid_value": "00000000-0000-4000-8000-000000000001"}]}`, []string{"there is no record with the id"}},
		"duplicate id":       {`{"accounts": [{"accountid": "00000000-0000-4000-8000-000000000001"}, {"accountid": "00000000-0000-4000-8000-000000000001"}]}`, []string{"two records of \"accounts\" have the id"}},
		"duplicate key":      {`{"accounts": [{"name": "a", "name": "b"}]}`, []string{`the key "name" is there twice`}},
		"wrong target":       {`{"accounts": [{"primarycontactid@odata.bind": "/systemusers(` + AdministratorID + `)"}]}`, []string{"cannot point at a record of \"systemusers\""}},
		"bad values":         {`{"accounts": [{"name": 5, "revenue": "much", "numberofemployees": 1.5, "accountcategorycode": 99}]}`, []string{`column "name"`, `column "revenue"`, `column "numberofemployees"`, `column "accountcategorycode"`}},
		"broken JSON":        {"{\n\"contacts\": [}", []string{"a.json:2:13: error:"}},
		"incomplete":         {"{\"contacts\": [", []string{"not complete"}},
		"no object":          {`[]`, []string{"a seed is an object"}},
		"two owners to tell": {`{"contacts": [{"_parentcustomerid_value": "00000000-0000-4000-8000-000000000001"}]}`, []string{"can point at account, contact"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := quiet(t, nil)
			err := s.Seed(files(tc.seed)...)
			var ps engage.Problems
			if !errors.As(err, &ps) || len(ps) != len(tc.want) {
				t.Fatalf("got %v", err)
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, wanted %s", err, want)
				}
			}
			if n := len(s.Records("contacts")) + len(s.Records("accounts")); n != 0 {
				t.Errorf("%d records were left behind", n)
			}
		})
	}
}
