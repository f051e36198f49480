package dataverse_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
)

var update = flag.Bool("update", false, "rewrite the golden requests in testdata/request")

const (
	idA = dataverse.GUID("00000000-0000-0000-0000-00000000000a")
	idB = dataverse.GUID("00000000-0000-0000-0000-00000000000b")
	idC = dataverse.GUID("00000000-0000-0000-0000-00000000000c")
)

// golden compares with testdata/request/NAME.txt.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("..", "testdata", "request", name+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (go test -update writes it)", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func contacts(f dataverse.Filter) *dataverse.Query {
	return &dataverse.Query{EntitySet: "contacts", Table: "contact", Select: []string{"contactid", "fullname"}, Filter: f}
}

func TestQueryRequest(t *testing.T) {
	date := time.Date(2024, 3, 1, 12, 30, 0, 0, time.FixedZone("", 2*3600))
	for name, q := range map[string]*dataverse.Query{
		"query-plain": contacts(nil),
		"query-row":   {EntitySet: "contacts", ID: idA, Select: []string{"fullname"}, Annotations: true},
		"query-top": {
			EntitySet: "contacts", Select: []string{"fullname"}, Top: 3,
			OrderBy: []dataverse.Order{{Column: "createdon", Descending: true}, {Column: "contactid"}},
		},
		"query-compare": contacts(dataverse.And{
			dataverse.Compare{Column: "lastname", Op: dataverse.Eq, Value: "O'Brien & Søn; #1+1=2"},
			dataverse.Compare{Column: "_parentcustomerid_value", Op: dataverse.Ne, Value: idB},
			dataverse.Compare{Column: "creditlimit", Op: dataverse.Gt, Value: json.Number("100000.50")},
			dataverse.Compare{Column: "createdon", Op: dataverse.Ge, Value: date},
			dataverse.Compare{Column: "birthdate", Op: dataverse.Lt, Value: dataverse.DateOf(date)},
			dataverse.Compare{Column: "donotemail", Op: dataverse.Eq, Value: false},
			dataverse.Compare{Column: "statecode", Op: dataverse.Eq, Value: 0},
			dataverse.Compare{Column: "telephone1", Op: dataverse.Ne, Value: nil},
			dataverse.CompareColumns{Left: "firstname", Op: dataverse.Eq, Right: "lastname"},
		}),
		"query-or-not": contacts(dataverse.Or{
			dataverse.Not{Filter: dataverse.And{
				dataverse.Null{Column: "emailaddress1"},
				dataverse.In{Column: "statuscode", Values: []dataverse.Value{1, 2}},
			}},
			dataverse.And{
				dataverse.Match{Column: "fullname", Kind: dataverse.Contains, Text: "100%_[x]"},
				dataverse.Not{Filter: dataverse.Match{Column: "fullname", Kind: dataverse.StartsWith, Text: "A"}},
			},
		}),
		"query-in": contacts(dataverse.In{
			Column: "emailaddress1", Values: []dataverse.Value{`a"b@x.dk`, "o'c@x.dk", "d_e@x.dk"},
		}),
		"query-not-in":      contacts(dataverse.In{Column: "statuscode", Not: true, Values: []dataverse.Value{1, json.Number("2")}}),
		"query-wildcard-eq": contacts(dataverse.Compare{Column: "emailaddress1", Op: dataverse.Eq, Value: "a_b@x.dk"}),
		"query-lambda": contacts(dataverse.Lambda{
			Property: "Contact_Tasks",
			Filter: dataverse.And{
				dataverse.Compare{Column: "subject", Op: dataverse.Eq, Value: "50%"},
				dataverse.In{Column: "statecode", Values: []dataverse.Value{0, 1}},
				dataverse.Lambda{Property: "task_parts", All: true, Filter: dataverse.Compare{Column: "statecode", Op: dataverse.Eq, Value: 1}},
			},
		}),
		"query-lambda-any": contacts(dataverse.Not{Filter: dataverse.Lambda{Property: "Contact_Tasks"}}),
		"query-path":       contacts(dataverse.Compare{Column: "parentcustomerid_account/name", Op: dataverse.Eq, Value: "Contoso_1"}),
		"query-expand": {
			EntitySet: "accounts", Select: []string{"name"}, Annotations: true, PageSize: 50,
			Expand: []dataverse.Expand{
				{Property: "primarycontactid", Select: []string{"fullname"}},
				{
					Property: "Account_Tasks", Collection: true, Select: []string{"subject"}, Top: 5,
					Filter:  dataverse.Match{Column: "subject", Kind: dataverse.Contains, Text: "x"},
					OrderBy: []dataverse.Order{{Column: "createdon", Descending: true}},
				},
			},
		},
		"query-expand-nothing": {
			EntitySet: "accounts", Select: []string{"name"},
			Expand: []dataverse.Expand{{
				Property: "Account_Tasks", Collection: true, Select: []string{"subject"},
				Filter: dataverse.In{Column: "statecode"},
			}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := q.Request()
			if err != nil {
				t.Fatal(err)
			}
			golden(t, name, r.Method+" "+r.Path+"\n\n"+r.String())
		})
	}
}

func TestQueryThatCannotBeSent(t *testing.T) {
	for name, tt := range map[string]struct {
		q    *dataverse.Query
		want string
	}{
		"no columns":       {&dataverse.Query{EntitySet: "contacts"}, "no columns"},
		"name with syntax": {&dataverse.Query{EntitySet: "contacts", Select: []string{"a,b"}}, "no name"},
		"set with syntax":  {&dataverse.Query{EntitySet: "contacts?x", Select: []string{"a"}}, "no name"},
		"float":            {contacts(dataverse.Compare{Column: "a", Op: dataverse.Eq, Value: 1.5}), "float64"},
		"number":           {contacts(dataverse.Compare{Column: "a", Op: dataverse.Eq, Value: json.Number("1 or 1 eq 1")}), "not a number"},
		"GUID":             {contacts(dataverse.Compare{Column: "a", Op: dataverse.Eq, Value: dataverse.GUID("x")}), "not a GUID"},
		"operator":         {contacts(dataverse.Compare{Column: "a", Op: "eq 1 or", Value: 1}), "no comparison"},
		"null in a list":   {contacts(dataverse.In{Column: "a", Values: []dataverse.Value{nil}}), "null"},
		"top within nested": {&dataverse.Query{EntitySet: "accounts", Select: []string{"name"}, Expand: []dataverse.Expand{{
			Property: "Account_Tasks", Collection: true, Select: []string{"subject"}, Top: 1,
			Expand: []dataverse.Expand{{Property: "ownerid", Select: []string{"ownerid"}}},
		}}}, "sort and limit"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := tt.q.Request(); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
}

func meeting() *dataverse.ChangeSet {
	return &dataverse.ChangeSet{Writes: []dataverse.Write{
		{
			Operation: dataverse.Create, Table: "appointment", EntitySet: "appointments", PrimaryKey: "activityid", ID: idA, Source: "meeting",
			Body: []dataverse.Property{
				{Name: "subject", Value: "Rådgivning <1> & \"2\""},
				{Name: "scheduledstart", Value: time.Date(2025, 3, 3, 9, 0, 0, 0, time.UTC)},
				{Name: "regardingobjectid_contact_appointment", Value: dataverse.Bind{EntitySet: "contacts", ID: idC}, Lookup: true},
				{Name: "appointment_activity_parties", Value: dataverse.Parties{
					{Role: 7, Link: "partyid_systemuser", Target: dataverse.Bind{EntitySet: "systemusers", ID: idB}},
					{Role: 5, Address: "x@y.z"},
				}},
			},
		},
		{
			Operation: dataverse.Create, Table: "annotation", EntitySet: "annotations", Source: "notes[0]",
			Body: []dataverse.Property{{Name: "objectid_appointment", Value: dataverse.Bind{Ref: 1}, Lookup: true}},
		},
		{
			Operation: dataverse.Update, Table: "contact", EntitySet: "contacts", ID: idC, Source: "customer",
			Body: []dataverse.Property{
				{Name: "telephone1", Value: nil},
				{Name: "new_CustomLookup", Value: nil, Lookup: true},
				{Name: "new_choices", Value: dataverse.Choices{1, 2, 3}},
				{Name: "creditlimit", Value: json.Number("12345678901234567890.123400")},
				{Name: "birthdate", Value: dataverse.Date("1990-05-01")},
				{Name: "donotemail", Value: true},
			},
		},
	}}
}

func TestChangeSetRequests(t *testing.T) {
	rs, err := meeting().Requests()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, r := range rs {
		b.WriteString(r.String() + "\n")
	}
	golden(t, "changeset-operations", b.String())

	r, err := meeting().Request()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "changeset-batch", r.String())
	if strings.Contains(strings.ReplaceAll(string(r.Body), "\r\n", ""), "\n") {
		t.Error("a line of the batch does not end with CRLF")
	}
	if !strings.HasSuffix(string(r.Body), "--batch_engage--\r\n") {
		t.Error("the batch does not end with CRLF")
	}
}

func TestWriteRequest(t *testing.T) {
	for name, w := range map[string]dataverse.Write{
		"write-update-etag": {Operation: dataverse.Update, EntitySet: "contacts", ID: idA, IfMatch: `W/"123"`, Body: []dataverse.Property{{Name: "jobtitle", Value: "CTO"}}},
		"write-upsert-id":   {Operation: dataverse.Upsert, EntitySet: "contacts", ID: idA, PrimaryKey: "contactid", Body: []dataverse.Property{{Name: "jobtitle", Value: "CTO"}}},
		"write-delete":      {Operation: dataverse.Delete, EntitySet: "contacts", ID: idA},
		"write-associate": {
			Operation: dataverse.Associate, EntitySet: "accounts", ID: idA, Link: "opportunity_customer_accounts",
			Target: dataverse.Bind{EntitySet: "opportunities", ID: idB},
		},
		"write-associate-single": {
			Operation: dataverse.Associate, EntitySet: "opportunities", ID: idA, Link: "customerid_account", Single: true,
			Target: dataverse.Bind{EntitySet: "accounts", ID: idB},
		},
		"write-disassociate": {
			Operation: dataverse.Disassociate, EntitySet: "accounts", ID: idA, Link: "opportunity_customer_accounts",
			Target: dataverse.Bind{EntitySet: "opportunities", ID: idB},
		},
		"write-disassociate-single": {Operation: dataverse.Disassociate, EntitySet: "opportunities", ID: idA, Link: "customerid_account", Single: true},
		"write-parties": {
			Operation: dataverse.ReplaceParties, EntitySet: "appointments", ID: idA, Link: "appointment_activity_parties",
			Body: []dataverse.Property{{Name: "requiredattendees", Value: dataverse.Parties{{Role: 5, Link: "partyid_contact", Target: dataverse.Bind{EntitySet: "contacts", ID: idC}}}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := (&dataverse.ChangeSet{Writes: []dataverse.Write{w}}).Request()
			if err != nil {
				t.Fatal(err)
			}
			golden(t, name, r.String())
		})
	}
}

func TestCreateHasNoKeyForAnAddress(t *testing.T) {
	w := dataverse.Write{
		Operation: dataverse.Create, EntitySet: "contacts", Key: []dataverse.Property{{Name: "emailaddress1", Value: "a@b"}},
		Body: []dataverse.Property{{Name: "emailaddress1", Value: "a@b"}},
	}
	cs := &dataverse.ChangeSet{Writes: []dataverse.Write{w}}
	if _, err := cs.Request(); err == nil || cs.Repeatable() {
		t.Errorf("%v; repeatable: %v", err, cs.Repeatable())
	}
}
