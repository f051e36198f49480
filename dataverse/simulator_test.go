package dataverse_test

import (
	"testing"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/dataverse/simulator"
)

// TestTablesOfTheSimulator reads real shapes of the baseline's definitions.
func TestTablesOfTheSimulator(t *testing.T) {
	s := simulator.NewServer(nil, nil)
	defer s.Close()
	c, err := dataverse.New(s.URL, token(s.Entra.Bearer(simulator.AdministratorEmail)), nil)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := c.Tables(t.Context(), "contact", "account", "appointment", "annotation", "systemuser")
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		t.Logf("%s %s %s %v bulk=%v %d columns", table.LogicalName, table.EntitySet, table.PrimaryID, table.IsActivity, table.BulkMessages, len(table.Columns))
		for _, c := range table.Columns {
			t.Logf("   %+v", *c)
		}
	}
}
