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
