package dataverse_test

import (
	"slices"
	"testing"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/dataverse/simulator"
)

// Tables that share their privileges with others are told by metadata, not by
// their names.
func TestLackingPrivileges(t *testing.T) {
	s := simulator.NewServer(nil, nil)
	defer s.Close()
	err := s.Setup(simulator.Setup{
		Roles: []simulator.Role{{Name: "Advisor", Privileges: map[string][]simulator.Verb{
			"contact": {"Read", "AppendTo"}, "appointment": {"Create", "Append"}, "annotation": {"Create"},
		}}},
		Users: []simulator.User{{Email: "mette@bank.example", Roles: []string{"Advisor"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	as := func(email string) *dataverse.Client {
		c, err := dataverse.New(s.URL, token(s.Entra.Bearer(email)), &dataverse.Options{HTTP: s.Client().Transport})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	needs := []dataverse.Privilege{
		{Verb: dataverse.VerbCreate, Table: "task"}, {Verb: dataverse.VerbWrite, Table: "contact"}, {Verb: dataverse.VerbAppendTo, Table: "contact"},
		{Verb: dataverse.VerbAppend, Table: "annotation"}, {Verb: dataverse.VerbCreate, Table: "no_such_table"},
	}
	got, err := as("mette@bank.example").Lacking(t.Context(), needs...)
	if want := []dataverse.Privilege{needs[1], needs[3]}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
	got, err = as(simulator.AdministratorEmail).Lacking(t.Context(), needs...)
	if err != nil || len(got) > 0 {
		t.Errorf("an administrator lacks %v, %v", got, err)
	}
	if _, err := as("mette@bank.example").Lacking(t.Context(), dataverse.Privilege{Verb: "Read", Table: "x' or 1 eq 1"}); err == nil {
		t.Error("a table name with syntax in it was taken")
	}
}
