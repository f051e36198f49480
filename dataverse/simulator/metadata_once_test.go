package simulator

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

// TestMetadataFollowsTheSchema: what is kept of a schema's metadata does not
// outlive a change of the schema.
func TestMetadataFollowsTheSchema(t *testing.T) {
	schema := Baseline()
	contact := "EntityDefinitions(LogicalName='contact')"
	for _, step := range []struct {
		name, path, text string
		change           func() error
	}{
		{"AddTable", "EntityDefinitions?$select=LogicalName", `"new_thing"`, func() error {
			return schema.AddTable(TableSpec{LogicalName: "new_thing", EntitySet: "new_things", PrimaryID: "new_thingid"})
		}},
		{"AddColumns", contact + "/Attributes?$select=LogicalName", `"new_code"`, func() error {
			return schema.AddColumns("contact", Column{LogicalName: "new_code", Type: String}, Column{LogicalName: "new_x", Type: Lookup, Targets: []Target{{Table: "account"}}},
				Column{LogicalName: "new_kind", Type: Choice, OptionSet: "new_kinds"})
		}},
		{"AddColumns, option sets", "GlobalOptionSetDefinitions?$select=Name", `"new_other_kinds"`, func() error {
			return schema.AddColumns("contact", Column{LogicalName: "new_other", Type: Choice, OptionSet: "new_other_kinds"})
		}},
		{"AddKey", contact + "/Keys?$select=KeyAttributes", `["new_code"]`, func() error {
			return schema.AddKey("contact", Key{Columns: []string{"new_code"}})
		}},
		{"AddTarget", contact + "/ManyToOneRelationships?$select=SchemaName", `"contact_new_x_new_thing"`, func() error {
			return schema.AddTarget("contact", "new_x", Target{Table: "new_thing", Navigation: "new_x_new_thing"})
		}},
		{"AddManyToMany", "RelationshipDefinitions?$select=SchemaName", `"new_contact_things"`, func() error {
			return schema.AddManyToMany(ManyToMany{SchemaName: "new_contact_things", Table1: "contact", Table2: "new_thing"})
		}},
	} {
		answer := func() string {
			s := NewServer(schema, &Options{NoListener: true})
			defer s.Close()
			return ask(t, s, "GET", step.path, "").is(t, 200).body
		}
		if strings.Contains(answer(), step.text) {
			t.Fatalf("%s: %s is there before", step.name, step.text)
		}
		if err := step.change(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if body := answer(); !strings.Contains(body, step.text) {
			t.Errorf("%s: %s is not there after: %.300s", step.name, step.text, body)
		}
	}
}

// TestMetadataIsSharedUnchanged asks for the same from many goroutines, and
// through all that looks at the shared objects: the answers stay the first.
func TestMetadataIsSharedUnchanged(t *testing.T) {
	contact := "EntityDefinitions(LogicalName='contact')"
	paths := []string{
		"EntityDefinitions?$select=LogicalName&$filter=IsActivity eq true", contact,
		contact + "?$expand=Attributes,Keys,ManyToOneRelationships,OneToManyRelationships,ManyToManyRelationships",
		contact + "/Attributes?$filter=contains(DisplayName/UserLocalizedLabel/Label,'a')", contact + "/Attributes(LogicalName='jobtitle')",
		contact + "/Attributes/Microsoft.Dynamics.CRM.PicklistAttributeMetadata?$expand=OptionSet,GlobalOptionSet",
		contact + "/Attributes(LogicalName='gendercode')/Microsoft.Dynamics.CRM.PicklistAttributeMetadata?$expand=OptionSet($select=Options)",
		"RelationshipDefinitions/Microsoft.Dynamics.CRM.ManyToManyRelationshipMetadata", "GlobalOptionSetDefinitions",
	}
	s := NewServer(Baseline(), &Options{NoListener: true})
	defer s.Close()
	first := make([]string, len(paths))
	for i, p := range paths {
		one := NewServer(Baseline(), &Options{NoListener: true})
		first[i] = ask(t, one, "GET", p, "").is(t, 200).body
		one.Close()
	}
	var wg sync.WaitGroup
	wrong := make(chan string, 8*len(paths))
	for g := range 8 {
		wg.Go(func() {
			for i := range paths {
				i = (i + g) % len(paths)
				if r, err := try(s, "GET", paths[i], ""); err != nil || r.body != first[i] {
					wrong <- fmt.Sprintf("%s: %v, other than the first answer", paths[i], err)
				}
			}
		})
	}
	wg.Wait()
	s.Fail(Fault{Kind: FaultMetadataLag, Table: "contact", Column: "jobtitle"})
	ask(t, s, "GET", paths[4], "").is(t, 404)
	s.ClearFaults()
	for i, p := range paths {
		if ask(t, s, "GET", p, "").body != first[i] {
			t.Errorf("%s: other than the first answer", p)
		}
	}
	close(wrong)
	for w := range wrong {
		t.Error(w)
	}
}
