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

// What somebody changes of a schema's options and targets is changed in no
// other, and what the caller gave is the caller's.
func TestSchemasShareNoLists(t *testing.T) {
	given := Column{LogicalName: "new_grade", Type: Choice, Options: []Option{{Value: 1, Label: "Low"}}}
	spec := TableSpec{LogicalName: "new_branch", EntitySet: "new_branches", PrimaryID: "new_branchid", Columns: []Column{given}}
	s, other := Baseline(), Baseline()
	for _, s := range []*Schema{s, other} {
		if err := s.AddTable(spec); err != nil {
			t.Fatal(err)
		}
		if err := s.AddColumns("account", given); err != nil {
			t.Fatal(err)
		}
	}
	clone := s.Clone()
	for _, table := range s.Tables() {
		for _, c := range table.Columns {
			for i := range c.Options {
				c.Options[i].Label = "changed"
			}
			for i := range c.Targets {
				c.Targets[i].Collection = "changed"
			}
		}
	}
	if given.Options[0].Label != "Low" || spec.Columns[0].Options[0].Label != "Low" {
		t.Error("the caller's options are changed")
	}
	for name, s := range map[string]*Schema{"another": other, "the clone": clone, "a new one": Baseline()} {
		for _, table := range s.Tables() {
			for _, c := range table.Columns {
				for _, o := range c.Options {
					if o.Label == "changed" || c.option(int64(o.Value)).Label == "changed" {
						t.Errorf("%s has the changed option %s of %s.%s", name, o.Label, table.LogicalName, c.LogicalName)
					}
				}
				for _, target := range c.Targets {
					if target.Collection == "changed" {
						t.Errorf("%s has the changed target %s of %s.%s", name, target.Table, table.LogicalName, c.LogicalName)
					}
				}
			}
		}
	}
	if o := s.Table("incident").Column("statuscode").option(1); o == nil || o.Label != "changed" {
		t.Errorf("the schema itself finds the option %v", o)
	}
}
