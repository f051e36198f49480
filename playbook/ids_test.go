package playbook

import (
	"regexp"
	"testing"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
)

func TestDerivedIDs(t *testing.T) {
	// Ids of records that exist were derived like this: they must never change.
	if got, want := derivedID("e", "p", "b", "meeting", 0), dataverse.GUID("487f20ad-78a1-5483-b7fa-81df3698d657"); got != want {
		t.Errorf("derivedID = %s, want %s", got, want)
	}
	form := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	seen := map[dataverse.GUID]bool{}
	for _, names := range [][4]string{
		{"e", "p", "b", "n"}, {"ep", "", "b", "n"}, {"e", "pb", "", "n"}, {"e", "p", "bn", ""}, {"1:e", "p", "b", "n"}, {"e", "p", "b", "n0"},
	} {
		for i := range 20 {
			id := derivedID(names[0], names[1], names[2], names[3], i)
			if seen[id] || !form.MatchString(string(id)) {
				t.Errorf("%v %d: %s is no UUIDv5 of its own", names, i, id)
			}
			seen[id] = true
		}
	}
	if derivedID("", "p", "b", "n", 0) != "" {
		t.Error("an event without id must leave ids to the service")
	}
}
