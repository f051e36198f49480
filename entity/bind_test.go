package entity_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
)

// schema is metadata held in memory.
type schema map[string]*dataverse.Table

func (s schema) Table(_ context.Context, name string) (*dataverse.Table, error) {
	if t, ok := s[name]; ok {
		return t, nil
	}
	return nil, dataverse.ErrNotFound
}

func crm() schema {
	rw := func(c dataverse.Column) *dataverse.Column {
		c.Readable, c.Creatable, c.Updatable = true, true, true
		return &c
	}
	return schema{
		"account": dataverse.NewTable(dataverse.Table{LogicalName: "account", EntitySet: "accounts", PrimaryID: "accountid"}),
		"contact": dataverse.NewTable(dataverse.Table{
			LogicalName: "contact", EntitySet: "contacts", PrimaryID: "contactid",
			Columns: []*dataverse.Column{
				rw(dataverse.Column{LogicalName: "contactid", Type: "Uniqueidentifier"}),
				rw(dataverse.Column{LogicalName: "emailaddress1", Type: "String", MaxLength: 100}),
				{LogicalName: "fullname", Type: "String", Readable: true},
				rw(dataverse.Column{LogicalName: "birthdate", Type: "DateTime", DateOnly: true}),
				rw(dataverse.Column{LogicalName: "familystatuscode", Type: "Picklist", Choices: []dataverse.Choice{{Value: 1, Label: "Single"}, {Value: 2, Label: "Married"}}}),
				rw(dataverse.Column{LogicalName: "parentcustomerid", Type: "Customer", Lookups: []dataverse.Lookup{
					{Target: "account", Navigation: "parentcustomerid_account", Collection: "contact_customer_accounts"},
					{Target: "contact", Navigation: "parentcustomerid_contact", Collection: "contact_customer_contacts"},
				}}),
				rw(dataverse.Column{LogicalName: "ownerid", Type: "Owner", Lookups: []dataverse.Lookup{{Target: "owner", Navigation: "ownerid"}}}),
			},
		}),
		"systemuser": dataverse.NewTable(dataverse.Table{LogicalName: "systemuser", EntitySet: "systemusers", PrimaryID: "systemuserid"}),
	}
}

func TestWhatDisagreesWithMetadataIsAProblemAtItsLine(t *testing.T) {
	d := definition(t, `
kind: EntityDefinition
id: contact
type: contact
entitySet: contact
primaryKey: contactids
fields:
  - {name: Email, mappedName: emailadress1, type: String}
  - {name: Mail, mappedName: emailaddress1, type: String, maxLength: 200}
  - {name: Name, mappedName: fullname, type: String}
  - {name: Born, mappedName: birthdate, type: DateTime}
  - {name: Age, mappedName: birthdate, type: Int}
  - {name: Family, mappedName: familystatuscode, type: Choice, choices: {Single: 1, Other: 7}}
  - {name: Parent, mappedName: parentcustomerid, type: Lookup, targets: [acount]}
  - {name: Boss, mappedName: parentcustomerid, type: Lookup, targets: [contact], navigation: {contact: ParentCustomerId_contact}}
`)
	_, err := d.Bind(t.Context(), crm())
	want := `
test.yaml:5:12: error: entitySet of contact is contacts, not contact
test.yaml:6:13: error: primaryKey of contact is contactid, not contactids
test.yaml:8:31: error: field Email: table contact has no column emailadress1 (did you mean "emailaddress1"?)
test.yaml:9:70: error: field Mail: column emailaddress1 holds 100 characters, not 200
test.yaml:10:5: error: field Name: column fullname cannot be written (say readOnly: true)
test.yaml:11:47: error: field Born: column birthdate is a day without time (did you mean "Date"?)
test.yaml:12:46: error: field Age: column birthdate is a DateTime, not one for Int (did you mean "Date"?)
test.yaml:13:92: error: field Family: column familystatuscode has no choice 7 (one of 1 Single, 2 Married)
test.yaml:14:74: error: field Parent: column parentcustomerid does not point to acount (did you mean "account"?)
test.yaml:15:104: error: field Boss: no navigation property ParentCustomerId_contact leads from parentcustomerid to contact (did you mean "parentcustomerid_contact"?)`
	if err == nil || strings.TrimSpace(want) != err.Error() {
		t.Errorf("have:\n%v", err)
	}
	missing := definition(t, "kind: EntityDefinition\nid: x\ntype: nope\nfields: []\n")
	if _, err := missing.Bind(t.Context(), crm()); !errors.Is(err, dataverse.ErrNotFound) {
		t.Error(err)
	}
}

func TestBindCompletesWhatTheDocumentLeavesOut(t *testing.T) {
	d := definition(t, `
kind: EntityDefinition
id: contact
type: contact
fields:
  - {name: Email, mappedName: emailaddress1, type: String}
  - {name: Parent, mappedName: parentcustomerid, type: Lookup}
  - {name: Owner, mappedName: ownerid, type: Lookup, targets: [systemuser]}
`)
	b, err := d.Bind(t.Context(), crm())
	if err != nil {
		t.Fatal(err)
	}
	if b.EntitySet != "contacts" || b.PrimaryKey != "contactid" || d.EntitySet != "" {
		t.Error(b.EntitySet, b.PrimaryKey, d.EntitySet)
	}
	email, _ := b.Field("Email")
	parent, _ := b.Field("Parent")
	owner, _ := b.Field("Owner")
	if email.MaxLength != 100 || parent.EntitySet("account") != "accounts" || parent.Collection("account") != "contact_customer_accounts" ||
		parent.Navigation["contact"] != "parentcustomerid_contact" || owner.Navigation["systemuser"] != "ownerid" {
		t.Error(email.MaxLength, parent.Navigation, owner.Navigation)
	}
}
