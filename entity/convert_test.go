package entity_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/andmoneyaps/engage-playbooks"
	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/entity"
	"github.com/andmoneyaps/engage-playbooks/internal/document"
)

const contact = `
kind: EntityDefinition
id: contact
type: appointment
entitySet: contacts
primaryKey: contactid
fields:
  - {name: Text, mappedName: firstname, type: String, maxLength: 5}
  - {name: Yes, mappedName: donotemail, type: Boolean}
  - {name: Count, mappedName: numberofchildren, type: Int}
  - {name: Income, mappedName: annualincome, type: Money}
  - {name: When, mappedName: lastused, type: DateTime}
  - {name: Born, mappedName: birthdate, type: Date}
  - {name: Ref, mappedName: ref, type: Guid}
  - {name: Owner, mappedName: ownerid, type: Lookup, targets: [systemuser], navigation: {systemuser: ownerid}}
  - {name: Parent, mappedName: parentcustomerid, type: Lookup, targets: [account, contact], navigation: {account: parentcustomerid_account, contact: parentcustomerid_contact}}
  - {name: Family, mappedName: familystatuscode, type: Choice, choices: {Single: 1, Married: 2}}
  - {name: Code, mappedName: gendercode, type: Choice}
  - {name: Tags, mappedName: tags, type: Choices, choices: {A: 1, B: 2}}
  - {name: Guests, mappedName: requiredattendees, type: PartyList, targets: [contact, systemuser]}
`

func definition(t *testing.T, text string) *entity.Definition {
	t.Helper()
	var problems engage.Problems
	docs := document.Parse("test.yaml", []byte(text), &problems)
	d, _ := entity.Kind.Decode(docs[0], &problems).(*entity.Definition)
	if d == nil {
		t.Fatal(problems)
	}
	return d
}

const guid = "0D4C1F7A-2B63-4E7F-8C55-5F1A9BE3D001"

func TestConversionsAreThoseOfTheSpecificationAndNoOthers(t *testing.T) {
	d := definition(t, contact)
	lower := strings.ToLower(guid)
	reference := map[string]any{"Id": guid, "Type": "contact"}
	party := map[string]any{"Id": lower, "Type": "contact"}
	unresolved := map[string]any{"Id": nil, "Type": nil, "Name": nil, "Address": "a@b.example"}
	for _, c := range []struct {
		field string
		value any
		want  any    // the normal form
		err   string // or what the error says
	}{
		{"Text", "grün", "grün", ""},
		{"Text", "longer", nil, "at most 5 characters, have 6"},
		{"Text", "🙂🙂🙂", nil, "at most 5 characters, have 6"},
		{"Text", json.Number("5"), nil, "want text, have a number"},
		{"Yes", true, true, ""},
		{"Yes", "true", nil, "want true or false, have text"},
		{"Count", json.Number("5.0"), json.Number("5"), ""},
		{"Count", json.Number("1e3"), json.Number("1000"), ""},
		{"Count", json.Number("5.5"), nil, "with a fraction"},
		{"Count", json.Number("2147483648"), nil, "32 bits"},
		{"Count", json.Number("1e999999999"), nil, "32 bits"},
		{"Count", "5", nil, "want a whole number, have text"},
		{"Income", json.Number("12345678901234567.8900"), json.Number("12345678901234567.8900"), ""},
		{"Income", "5", nil, "want a number, have text"},
		{"When", "2026-03-03T10:00:00+01:00", "2026-03-03T09:00:00Z", ""},
		{"When", "2026-03-03T10:00:00", nil, "with its zone"},
		{"When", "1066-10-14T00:00:00Z", nil, "from the year 1753"},
		{"When", "2026-03-03", nil, "have other text"},
		{"Born", "1990-05-01", "1990-05-01", ""},
		{"Born", "1990-05-01T00:00:00Z", "1990-05-01", ""},
		{"Born", "1990-05-01T02:00:00+02:00", "1990-05-01", ""},
		{"Born", "1990-05-01T02:00:00Z", nil, "not 00:00 UTC"},
		{"Ref", guid, lower, ""},
		{"Ref", "{" + guid + "}", lower, ""},
		{"Ref", "x", nil, "want an id"},
		{"Owner", guid, lower, ""},
		{"Owner", reference, nil, "want a record of systemuser"},
		{"Parent", guid, nil, "ambiguous: account or contact"},
		{"Parent", reference, lower, ""},
		{"Parent", map[string]any{"Id": guid}, nil, "Type is missing"},
		{"Parent", map[string]any{"Id": guid, "Type": "lead"}, nil, "want a record of account or contact"},
		{"Parent", map[string]any{"Id": guid, "Type": "contact", "x": 1}, nil, "other members"},
		{"Family", "Married", "Married", ""},
		{"Family", json.Number("2"), "Married", ""},
		{"Family", "married", nil, "want one of Single or Married"},
		{"Family", json.Number("3"), nil, "want one of Single or Married"},
		{"Code", json.Number("3"), json.Number("3"), ""},
		{"Code", "Male", nil, "the definition has no choices"},
		{"Tags", []any{"A", json.Number("2")}, []any{"A", "B"}, ""},
		{"Tags", "A", nil, "want a list of choices"},
		{"Guests", reference, []any{party}, ""},
		{"Guests", []any{reference, "a@b.example"}, []any{party, unresolved}, ""},
		{"Guests", "a@b.example", []any{unresolved}, ""},
		{"Guests", unresolved, []any{unresolved}, ""},
		{"Guests", []any{}, []any{}, ""},
		{"Guests", guid, nil, "an e-mail address, have other text"},
		{"Guests", map[string]any{"Id": guid, "Type": "lead"}, nil, "want a record of contact or systemuser"},
	} {
		f, _ := d.Field(c.field)
		err := f.Check(c.value)
		if c.err == "" {
			if err != nil {
				t.Errorf("%s takes %v: %v", c.field, c.value, err)
			} else if diff := cmp.Diff(c.want, f.Normal(c.value)); diff != "" {
				t.Errorf("%s of %v: %s", c.field, c.value, diff)
			}
			continue
		}
		var ve *entity.ValueError
		if !errors.As(err, &ve) || !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s refuses %v: have %v, want %q", c.field, c.value, err, c.err)
		}
	}
}

func TestErrorsHoldNoValues(t *testing.T) {
	d := definition(t, contact)
	const marker = "marker7315"
	for _, f := range d.Fields {
		for _, v := range []any{marker, marker + "@x", json.Number("7315.7315"), []any{marker}, map[string]any{"Id": marker, "Type": marker}, map[string]any{"Address": marker}} {
			if err := f.Check(v); err != nil && strings.Contains(err.Error(), "7315") {
				t.Errorf("%s: %v", f.Name, err)
			}
		}
	}
}

func TestARecordIsReadAsPlaybooksSeeIt(t *testing.T) {
	d := definition(t, contact)
	const formatted, table = dataverse.AnnotationFormatted, dataverse.AnnotationLookupType
	got := d.Read(dataverse.Record{
		"contactid": guid, dataverse.AnnotationETag: `W/"1"`, "firstname": "Ada", "donotemail": false,
		"numberofchildren": json.Number("2"), "annualincome": json.Number("1.2300"), "lastused": "2026-03-03T09:00:00Z",
		"birthdate": "1990-05-01", "_parentcustomerid_value": strings.ToLower(guid),
		"_parentcustomerid_value" + formatted: "Contoso", "_parentcustomerid_value" + table: "account",
		"familystatuscode": json.Number("9"), "familystatuscode" + formatted: "Other", "gendercode": json.Number("1"), "tags": "1,2,7",
		"appointment_activity_parties": []dataverse.Record{
			{"participationtypemask": json.Number("5"), "_partyid_value": guid, "_partyid_value" + formatted: "Bo", "_partyid_value" + table: "contact"},
			{"participationtypemask": json.Number("5"), "addressused": "x@y.example"},
			{"participationtypemask": json.Number("9"), "_partyid_value": guid},
		},
	})
	want := map[string]any{
		"Id": strings.ToLower(guid), "_etag": `W/"1"`, "Text": "Ada", "Yes": false, "Count": json.Number("2"), "Income": json.Number("1.2300"),
		"When": "2026-03-03T09:00:00Z", "Born": "1990-05-01", "Ref": nil, "Owner": nil, "Parent": strings.ToLower(guid),
		"Family": json.Number("9"), "Code": json.Number("1"), "Tags": []any{"A", "B", json.Number("7")},
		"Guests": []any{
			map[string]any{"Id": strings.ToLower(guid), "Type": "contact", "Name": "Bo", "Address": nil},
			map[string]any{"Id": nil, "Type": nil, "Name": nil, "Address": "x@y.example"},
		},
		"_labels": map[string]any{"Parent": "Contoso", "Family": "Other"},
		"_types":  map[string]any{"Parent": "account"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestPropertiesUseTheNavigationInExactCase(t *testing.T) {
	d := definition(t, strings.Replace(contact, "parentcustomerid_contact", "ParentCustomerID_Contact", 1))
	others := []*entity.Definition{d}
	_, err := d.Bind(t.Context(), schema{}, others...)
	if err == nil {
		t.Fatal("account and systemuser are stated nowhere")
	}
	for table, set := range map[string]string{"account": "accounts", "systemuser": "systemusers", "contact": "contacts"} {
		others = append(others, &entity.Definition{Table: table, EntitySet: set, CRMSystem: entity.Dataverse})
	}
	b, err := d.Bind(t.Context(), schema{}, others...)
	if err != nil {
		t.Fatal("a definition that states all asked for metadata:", err)
	}
	f, _ := b.Field("Parent")
	p, err := f.Property(map[string]any{"Id": guid, "Type": "contact"})
	want := dataverse.Property{Name: "ParentCustomerID_Contact", Column: "parentcustomerid", Lookup: true,
		Value: dataverse.Bind{EntitySet: "contacts", ID: dataverse.GUID(strings.ToLower(guid))}}
	if diff := cmp.Diff(want, p); diff != "" || err != nil {
		t.Error(err, diff)
	}
	p, err = f.Property(nil)
	if err != nil || p.Value != nil || !p.Lookup {
		t.Error("clearing:", p, err)
	}
	f, _ = b.Field("When")
	if p, _ = f.Property("2026-03-03T10:00:00+01:00"); p.Value != time.Date(2026, 3, 3, 9, 0, 0, 0, time.UTC) {
		t.Error(p)
	}
}
