package entity_test

import (
	"fmt"

	"github.com/andmoneyaps/engage-playbooks"
	"github.com/andmoneyaps/engage-playbooks/entity"
	"github.com/andmoneyaps/engage-playbooks/internal/document"
)

func ExampleField_Check() {
	var problems engage.Problems
	doc := document.Parse("contact.yaml", []byte(`
kind: EntityDefinition
id: contact
type: contact
fields:
  - {name: Family, mappedName: familystatuscode, type: Choice, choices: {Single: 1, Married: 2}}
`), &problems)[0]
	d := entity.Kind.Decode(doc, &problems).(*entity.Definition)
	f, _ := d.Field("Family")
	fmt.Println(f.Check("Married"))
	fmt.Println(f.Check("Divorced"))
	// Output:
	// <nil>
	// want one of Single or Married, have other text
}
