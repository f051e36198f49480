package simulator

import "testing"

func TestBaselineBuilds(t *testing.T) {
	s := Baseline()
	for _, table := range s.Tables() {
		if table.pk == nil {
			t.Errorf("%s has no primary id", table.LogicalName)
		}
		if table.PrimaryName != "" && table.name == nil {
			t.Errorf("%s has no primary name", table.LogicalName)
		}
	}
	t.Log(s.Unresolved())
	base := s.Table("activitypointer")
	for _, table := range s.Tables() {
		if !table.Activity {
			continue
		}
		for i, c := range base.Columns {
			if table.Columns[i].LogicalName != c.LogicalName {
				t.Fatalf("%s: column %d is %s, want %s", table.LogicalName, i, table.Columns[i].LogicalName, c.LogicalName)
			}
		}
		t.Log(table.LogicalName, table.navOrder)
	}
	t.Log(s.Table("account").navOrder)
}

// A lookup may name a table that is added later, to the schema or to a copy.
func TestLookupsWaitForTheirTable(t *testing.T) {
	s := Baseline()
	add := func(s *Schema, spec TableSpec) {
		t.Helper()
		if err := s.AddTable(spec); err != nil {
			t.Fatal(err)
		}
	}
	branch := TableSpec{LogicalName: "new_branch", EntitySet: "new_branches", PrimaryID: "new_branchid"}
	add(s, TableSpec{LogicalName: "new_visit", EntitySet: "new_visits", PrimaryID: "new_visitid", Columns: []Column{
		{LogicalName: "new_branchid", Type: Lookup, Targets: []Target{{Table: "new_branch", Navigation: "new_BranchId", Collection: "new_branch_visits"}}},
	}})
	clone := s.Clone()
	add(clone, branch)
	if rels := s.Table("new_visit").Column("new_branchid").rels; len(rels) != 0 {
		t.Errorf("the table of a copy gave the schema %d relationships", len(rels))
	}
	add(s, branch)
	for _, s := range []*Schema{s, clone} {
		column := s.Table("new_visit").Column("new_branchid")
		if len(column.rels) != 1 || column.rels[0].Column != column || column.rels[0].Referenced != s.Table("new_branch") {
			t.Errorf("the lookup has the relationships %v", column.rels)
		}
		if s.Table("new_branch").navs["new_branch_visits"] == nil {
			t.Error("the table does not lead back to the lookup that waited for it")
		}
	}
}
