package dataverse_test

import (
	"errors"
	"testing"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/dataverse/simulator"
)

// TestChangeSetInTheSimulator writes a small graph in one change set and reads
// it back with a join.
func TestChangeSetInTheSimulator(t *testing.T) {
	s, c := simulated(t, nil)
	cs := &dataverse.ChangeSet{Writes: []dataverse.Write{
		{
			Operation: dataverse.Create, Table: "account", EntitySet: "accounts", PrimaryKey: "accountid", ID: idA,
			Body: []dataverse.Property{{Name: "name", Value: "50% of Søn & Co [1]"}},
		},
		{
			Operation: dataverse.Create, Table: "contact", EntitySet: "contacts",
			Body: []dataverse.Property{
				{Name: "lastname", Value: "O'Brien"},
				{Name: "birthdate", Value: dataverse.Date("1990-05-01")},
				{Name: "parentcustomerid_account", Value: dataverse.Bind{EntitySet: "accounts", ID: idA}, Lookup: true},
			},
		},
		{
			Operation: dataverse.Create, Table: "annotation", EntitySet: "annotations",
			Body: []dataverse.Property{
				{Name: "notetext", Value: "line 1\r\n--batch_engage--\r\nline 2"},
				{Name: "objectid_contact", Value: dataverse.Bind{Ref: 2}, Lookup: true},
			},
		},
	}}
	written, err := c.Apply(t.Context(), cs)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Requests()) == 0 || written[0].ID != idA || written[1].ID == "" || written[2].ID == "" {
		t.Fatalf("%+v", written)
	}
	rows := collect(t, c, &dataverse.Query{
		EntitySet: "accounts", Table: "account", Select: []string{"name"}, Annotations: true,
		Filter: dataverse.And{
			dataverse.Match{Column: "name", Kind: dataverse.StartsWith, Text: "50% of"},
			dataverse.Compare{Column: "name", Op: dataverse.Eq, Value: "50% of Søn & Co [1]"},
			dataverse.Lambda{Property: "contact_customer_accounts", Filter: dataverse.Compare{Column: "lastname", Op: dataverse.Eq, Value: "O'Brien"}},
		},
		Expand: []dataverse.Expand{{
			Property: "contact_customer_accounts", Collection: true, Table: "contact",
			Select: []string{"lastname", "birthdate", "_parentcustomerid_value"},
		}},
	})
	if len(rows) != 1 {
		t.Fatalf("%d rows", len(rows))
	}
	people := rows[0]["contact_customer_accounts"].([]dataverse.Record)
	if len(people) != 1 || people[0].Text("birthdate") != "1990-05-01" || people[0].LookupType("_parentcustomerid_value") != "account" || rows[0].ETag() == "" {
		t.Errorf("%v", people)
	}
	// A write by ETag happens once.
	etag := rows[0].ETag()
	update := &dataverse.ChangeSet{Writes: []dataverse.Write{{
		Operation: dataverse.Update, Table: "account", EntitySet: "accounts", ID: idA, IfMatch: etag,
		Body: []dataverse.Property{{Name: "name", Value: "New"}},
	}}}
	if _, err := c.Apply(t.Context(), update); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Apply(t.Context(), update); !errors.Is(err, dataverse.ErrConflict) {
		t.Errorf("stale ETag: %v", err)
	}
	// What is refused undoes the rest, and names its write.
	bad := &dataverse.ChangeSet{Writes: []dataverse.Write{
		{
			Operation: dataverse.Create, Table: "contact", EntitySet: "contacts", PrimaryKey: "contactid", ID: idB, Source: "first",
			Body: []dataverse.Property{{Name: "lastname", Value: "X"}},
		},
		{Operation: dataverse.Update, Table: "contact", EntitySet: "contacts", ID: idC, Source: "second", Body: []dataverse.Property{{Name: "lastname", Value: "X"}}},
	}}
	_, err = c.Apply(t.Context(), bad)
	var e *dataverse.Error
	if !errors.Is(err, dataverse.ErrNotFound) || !errors.As(err, &e) || e.Source != "second" || e.Write != 1 {
		t.Errorf("%v", err)
	}
	if there, err := c.Existing(t.Context(), bad); err != nil || there[0] {
		t.Errorf("the first write stayed: %v %v", there, err)
	}
}

func TestCanReadAsksAsThatUser(t *testing.T) {
	s, admin := simulated(t, nil)
	if err := s.Setup(simulator.Setup{
		Roles: []simulator.Role{{Name: "Advisor", Privileges: map[string][]simulator.Verb{"contact": {simulator.Read}}}},
		Users: []simulator.User{{Email: "mette@bank.example", Roles: []string{"Advisor"}}},
	}); err != nil {
		t.Fatal(err)
	}
	_, err := admin.Apply(t.Context(), &dataverse.ChangeSet{Writes: []dataverse.Write{
		{Operation: dataverse.Create, Table: "contact", EntitySet: "contacts", PrimaryKey: "contactid", ID: idA},
		{Operation: dataverse.Create, Table: "account", EntitySet: "accounts", PrimaryKey: "accountid", ID: idB},
	}})
	if err != nil {
		t.Fatal(err)
	}
	before := len(s.Requests())
	got, err := admin.As(token(s.Entra.Bearer("mette@bank.example"))).CanRead(t.Context(),
		dataverse.Row{Table: "contact", EntitySet: "contacts", PrimaryKey: "contactid", ID: idA},
		dataverse.Row{Table: "account", EntitySet: "accounts", PrimaryKey: "accountid", ID: idB},
		dataverse.Row{Table: "contact", EntitySet: "contacts", PrimaryKey: "contactid", ID: idC},
	)
	if err != nil {
		t.Fatal(err)
	}
	if !got[0] || got[1] || got[2] {
		t.Errorf("%v", got)
	}
	if n := len(s.Requests()) - before; n != 2 {
		t.Errorf("%d requests for two tables", n)
	}
}
