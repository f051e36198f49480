package simulator

import (
	"encoding/json"
	"encoding/xml"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// recorded reads a file of the recorded data, or skips the test where there
// are none.
func recorded(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "dataverse-data", name))
	if err != nil {
		t.Skipf("no recorded data: %v", err)
	}
	return b
}

// custom matches names that a publisher put in: not every organisation's.
var custom = regexp.MustCompile(`^_?(msdyn|msdyncrm|msdynmkt|msevtmgt|adx|mspp|msfp|ssg|vsd|bcgov|csu|csrs|new|dfe|msft|ccaas|sample|cra05)_`)

type csdlType struct {
	Name       string `xml:"Name,attr"`
	BaseType   string `xml:"BaseType,attr"`
	Properties []struct {
		Name string `xml:"Name,attr"`
		Type string `xml:"Type,attr"`
	} `xml:"Property"`
	Navigations []struct {
		Name string `xml:"Name,attr"`
		Type string `xml:"Type,attr"`
	} `xml:"NavigationProperty"`
}

// TestSchemaAgainstMetadata holds the baseline against the CSDL of a real
// organisation: every standard column with its type, and every navigation
// property between tables of the baseline.
func TestSchemaAgainstMetadata(t *testing.T) {
	var doc struct {
		Types []csdlType `xml:"DataServices>Schema>EntityType"`
	}
	if err := xml.Unmarshal(recorded(t, "metadata.xml"), &doc); err != nil {
		t.Fatal(err)
	}
	s := Baseline()
	checked := 0
	for _, et := range doc.Types {
		table := s.Table(et.Name)
		if table == nil {
			continue
		}
		for _, p := range et.Properties {
			if custom.MatchString(p.Name) || notCovered[et.Name+"."+p.Name] {
				continue
			}
			col := table.wire[p.Name]
			if col == nil {
				t.Errorf("%s has no property %s (%s)", et.Name, p.Name, p.Type)
				continue
			}
			if got := col.edm(); got != p.Type && !sameType(p.Name, got, p.Type) {
				t.Errorf("%s.%s is %s, recorded as %s", et.Name, p.Name, got, p.Type)
			}
			checked++
		}
		for _, n := range et.Navigations {
			kind, many := strings.CutPrefix(strings.TrimSuffix(n.Type, ")"), "Collection(")
			target := s.Table(strings.TrimPrefix(kind, "mscrm."))
			if target == nil || custom.MatchString(n.Name) || notCovered[et.Name+"."+n.Name] {
				continue
			}
			nav := table.navs[n.Name]
			if nav == nil {
				t.Errorf("%s has no navigation property %s to %s", et.Name, n.Name, kind)
				continue
			}
			if nav.collection != many || nav.target != nil && nav.target != target {
				t.Errorf("%s.%s leads elsewhere than recorded: %s", et.Name, n.Name, n.Type)
			}
			checked++
		}
	}
	if checked < 1000 {
		t.Errorf("only %d names were checked", checked)
	}
	t.Logf("%d names", checked)
}

// sameType allows for what differs between versions of the service.
func sameType(name, got, want string) bool {
	return strings.HasSuffix(name, "_value") && got == "Edm.Guid" && want == "Edm.Guid"
}

// notCovered are properties that the baseline leaves out.
var notCovered = map[string]bool{
	// From an activity to its own base row and back.
	"activitypointer.activity_pointer_email": true, "activitypointer.activity_pointer_task": true,
	"activitypointer.activity_pointer_phonecall": true, "activitypointer.activity_pointer_appointment": true,
	"appointment.activityid_activitypointer": true, "email.activityid_activitypointer": true,
	"phonecall.activityid_activitypointer": true, "task.activityid_activitypointer": true,
	// The file of a note as a stream.
	"annotation.documentbody_binary": true,
}

// TestSchemaAgainstAttributes holds columns against recorded EntityDefinitions
// of online organisations: type, length, bounds, options.
func TestSchemaAgainstAttributes(t *testing.T) {
	s := Baseline()
	for _, name := range []string{"account", "contact", "annotation", "team"} {
		var def struct {
			Attributes []struct {
				LogicalName, SchemaName string
				AttributeOf             *string
				AttributeTypeName       struct{ Value string }
				MaxLength               int
				IsValidForCreate        bool
				IsValidForUpdate        bool
				OptionSet               struct{ Options []struct{ Value int } }
			}
			ManyToOneRelationships []struct {
				ReferencingAttribute, ReferencedEntity, ReferencingEntityNavigationPropertyName string
			}
		}
		if err := json.Unmarshal(recorded(t, "entity-definitions/"+name+".projected.json"), &def); err != nil {
			t.Fatal(err)
		}
		table := s.Table(name)
		for _, a := range def.Attributes {
			if a.AttributeOf != nil || custom.MatchString(a.LogicalName) || slices.Contains([]string{"VirtualType", "FileType", "CalendarRulesType"}, a.AttributeTypeName.Value) {
				continue
			}
			col := table.Column(a.LogicalName)
			if col == nil {
				t.Errorf("%s has no column %s", name, a.LogicalName)
				continue
			}
			if col.SchemaName != a.SchemaName {
				t.Errorf("%s.%s is spelled %s, recorded %s", name, a.LogicalName, col.SchemaName, a.SchemaName)
			}
			if col.Type.IsText() && a.MaxLength != 0 && col.MaxLength != a.MaxLength {
				t.Errorf("%s.%s has length %d, recorded %d", name, a.LogicalName, col.MaxLength, a.MaxLength)
			}
			if col.NoCreate == a.IsValidForCreate || col.NoUpdate == a.IsValidForUpdate {
				t.Errorf("%s.%s: can be created %v and updated %v, recorded %v and %v", name, a.LogicalName, !col.NoCreate, !col.NoUpdate, a.IsValidForCreate, a.IsValidForUpdate)
			}
			for _, o := range a.OptionSet.Options {
				if col.Type.IsChoice() && col.option(int64(o.Value)) == nil {
					t.Errorf("%s.%s lacks the option %d", name, a.LogicalName, o.Value)
				}
			}
		}
		for _, r := range def.ManyToOneRelationships {
			target := s.Table(r.ReferencedEntity)
			if target == nil || custom.MatchString(r.ReferencingAttribute) || r.ReferencingAttribute == "organizationid" {
				continue
			}
			nav := table.navs[r.ReferencingEntityNavigationPropertyName]
			if nav == nil || nav.collection || nav.rel.Column.LogicalName != r.ReferencingAttribute {
				t.Errorf("%s: %s does not lead from %s to %s", name, r.ReferencingEntityNavigationPropertyName, r.ReferencingAttribute, r.ReferencedEntity)
			}
		}
	}
}

// TestRecordedRows: every property of a recorded row is one of ours.
func TestRecordedRows(t *testing.T) {
	s := Baseline()
	for file, name := range map[string]string{"account.json": "account", "contact.json": "contact", "systemuser.json": "systemuser", "businessunit.json": "businessunit"} {
		var row map[string]any
		if err := json.Unmarshal(recorded(t, "recorded/records/"+file), &row); err != nil {
			t.Fatal(err)
		}
		table := s.Table(name)
		for key := range row {
			if strings.Contains(key, "@") || custom.MatchString(key) {
				continue
			}
			if table.wire[key] == nil && table.navs[key] == nil {
				t.Errorf("%s: a recorded row has %s", name, key)
			}
		}
	}
}

// TestRecordedContexts sends the requests behind Microsoft's printed answers
// and compares the context URL, which says how the request was understood.
func TestRecordedContexts(t *testing.T) {
	s := newTestServer(t)
	for _, tc := range []struct{ file, path string }{
		{"v90-get-account-select.http", "accounts(" + testAccount + ")?$select=name,revenue"},
		{"v90-get-collection-ref.http", "accounts(" + testAccount + ")/Account_Tasks/$ref"},
		{"v90-get-single-valued-navigation.http", "accounts(" + testAccount + ")/primarycontactid?$select=fullname"},
		{"v91-formatted-values.http", "accounts?$select=name,donotpostalmail,accountratingcode,numberofemployees,revenue"},
		{"v91-count-nextlink.http", "accounts?$select=name"},
		{"v91-post-201-associate-expand.http", "accounts(" + testAccount + ")?$select=name&$expand=primarycontactid($select=fullname),Account_Tasks($select=subject)"},
		{"v92-all-annotations.http", "accounts?$select=name,revenue,address1_city&$expand=primarycontactid($select=fullname)"},
		{"v92-count-and-totals.http", "accounts?$select=name"},
		{"v92-expand-collection-nextlinks.http", "accounts?$select=name&$expand=primarycontactid($select=fullname),Account_Tasks($select=subject)"},
		{"v92-nested-expand-regarding.http", "tasks?$select=subject&$expand=regardingobjectid_contact_task($select=fullname;$expand=parentcustomerid_account($select=name;$expand=createdby($select=fullname)))"},
		{"v92-owner-lookup-annotations.http", "accounts?$select=name,_ownerid_value"},
		{"v92-page-1.http", "contacts?$select=fullname"},
		{"v92-apply-groupby-count.json", "accounts?$apply=groupby((statuscode),aggregate($count as count))"},
	} {
		b := string(recorded(t, "recorded/docs/"+tc.file))
		_, body, ok := strings.Cut(b, "\n\n")
		if !ok || strings.HasSuffix(tc.file, ".json") {
			body = b
		}
		var want struct {
			Context string `json:"@odata.context"`
		}
		if err := json.Unmarshal([]byte(body), &want); err != nil {
			t.Errorf("%s: %v", tc.file, err)
			continue
		}
		resp, got := request(t, s, "GET", tc.path, "")
		_, wantRest, _ := strings.Cut(want.Context, "$metadata")
		_, gotRest, _ := strings.Cut(member(t, got, "@odata.context"), "$metadata")
		if resp.StatusCode != 200 || gotRest != wantRest {
			t.Errorf("%s: %d %s, recorded %s", tc.file, resp.StatusCode, gotRest, wantRest)
		}
	}
}
