package pattern_test

import (
	"fmt"

	"github.com/andmoneyaps/engage-playbooks"
	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/entity"
	"github.com/andmoneyaps/engage-playbooks/internal/document"
	"github.com/andmoneyaps/engage-playbooks/pattern"
)

const exampleDocuments = `
kind: EntityDefinition
id: person
type: contact
entitySet: contacts
primaryKey: contactid
fields:
  - {name: LastName, mappedName: lastname, type: String, required: true}
  - {name: Email, mappedName: emailaddress1, type: String}
---
kind: EntityDefinition
id: note
type: annotation
entitySet: annotations
primaryKey: annotationid
fields:
  - {name: Text, mappedName: notetext, type: String, required: true}
  - {name: About, mappedName: objectid, type: Lookup, targets: [contact], navigation: {contact: objectid_contact}}
---
kind: EntityPattern
id: remark
parts:
  - {ref: customer, entity: person, readOnly: true}
  - {ref: note, entity: note}
requirements:
  - {part: note, field: About, references: {part: customer, field: Id}}
`

// examplePattern loads the documents. Embedders load whole workspaces with
// playbook.Load; the definitions here state all, so binding asks nothing.
func examplePattern() *pattern.Pattern {
	var problems engage.Problems
	defs := &definitions{byID: map[string]*entity.Definition{}}
	var p *pattern.Pattern
	for _, doc := range document.Parse("remark.yaml", []byte(exampleDocuments), &problems) {
		if doc.Kind == pattern.Kind {
			p = pattern.Decode(doc, &problems).Link(defs, &problems)
			continue
		}
		d := entity.Kind.Decode(doc, &problems).(*entity.Definition)
		defs.byID[d.ID] = d
		defs.order = append(defs.order, d)
	}
	return p.With(func(d *entity.Definition) *entity.Definition {
		b, err := d.Bind(background, nil, defs.order...)
		if err != nil {
			panic(err)
		}
		return b
	})
}

// A write is planned in two halves: what must be looked up, and one change
// set. The caller sends.
func ExamplePattern_Write() {
	p := examplePattern()
	in := pattern.Input{
		{Part: "customer", Field: "Email", Data: "ida@x.example"},
		{Part: "note", Field: "Text", Data: "Wants a fixed rate"},
	}
	lookup, err := p.Lookup(pattern.Create, in, pattern.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fetches, _ := lookup.Next(nil)
	request, _ := fetches[0].Query.Request()
	fmt.Print(request)
	// The caller sends the queries and hands the answers back.
	answer := []dataverse.Record{{"contactid": "0d4c1f7a-2b63-4e7f-8c55-5f1a9be3d001"}}
	if _, err := lookup.Next([][]dataverse.Record{answer}); err != nil {
		fmt.Println(err)
		return
	}
	plan, err := p.Write(pattern.Create, in, lookup, pattern.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	requests, _ := plan.ChangeSet.Requests()
	fmt.Print(requests[0])
	// Output:
	// GET contacts
	//   $select=contactid,emailaddress1
	//   $filter=emailaddress1 eq 'ida@x.example'
	//   $top=2
	// POST annotations
	// Content-Type: application/json
	//
	// {
	//   "notetext": "Wants a fixed rate",
	//   "objectid_contact@odata.bind": "/contacts(0d4c1f7a-2b63-4e7f-8c55-5f1a9be3d001)"
	// }
}

// A read says in how many rounds it asks, and why.
func ExamplePattern_Read() {
	plan, err := examplePattern().Read(pattern.Input{{Part: "customer", Field: "Email", Data: "ida@x.example"}}, pattern.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, line := range plan.Rounds() {
		fmt.Println(line)
	}
	// Output:
	// round 1: customer by its input; note by the conditions on customer
}

func ExamplePattern_Describe() {
	for _, part := range examplePattern().Describe(pattern.Create).Parts {
		fmt.Printf("%s (%s): %s\n", part.Ref, part.Entity, part.Needs)
	}
	// Output:
	// customer (person): its Id, or a field to find it by
	// note (note): Text
}
