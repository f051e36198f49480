package playbook_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"strings"
	"testing/fstest"

	"github.com/andmoneyaps/engage-playbooks/playbook"
	"github.com/andmoneyaps/engage-playbooks/playbook/playbooktest"
)

// people are the definitions and records that the examples of the blocks share.
const people = `
kind: EntityDefinition
id: customer
type: contact
entitySet: contacts
primaryKey: contactid
keys: [[Email]]
fields:
  - {name: LastName, mappedName: lastname, type: String, required: true, maxLength: 50}
  - {name: Email, mappedName: emailaddress1, type: String}
  - {name: Phone, mappedName: telephone1, type: String}
---
kind: EntityPattern
id: customer
parts: [{ref: customer, entity: customer}]
---
kind: TriggerType
id: CustomerCalled
schema: {type: object, required: [email], properties: {email: {type: string}, phone: {type: string}, text: {type: string}}}
`

const peopleSeed = `{"contacts": [{"contactid": "0f2c1b8a-7d44-4c1e-9c52-3a0000000031", "lastname": "Lindqvist", "emailaddress1": "anna@x.example", "telephone1": "11"}]}`

// play loads the blocks after a Trigger "Call", beside more documents, and
// runs them on a simulated organisation for a customer who called.
func play(blocks string, documents ...string) *playbook.Result {
	text := "kind: Playbook\nid: called\nblocks:\n" + blocks
	if !strings.Contains(blocks, "type: Trigger") {
		text = "kind: Playbook\nid: called\nblocks:\n  - {name: Call, type: Trigger, trigger: CustomerCalled}\n" + blocks
	}
	w, err := playbook.Load(fstest.MapFS{
		"people.yaml":      {Data: []byte(people)},
		"called.yaml":      {Data: []byte(text)},
		"more.yaml":        {Data: []byte(strings.Join(documents, "\n---\n") + "\n")},
		"seed/people.json": {Data: []byte(peopleSeed)},
	})
	if err != nil {
		log.Fatal(err)
	}
	world, err := playbooktest.NewWorld(w, &playbooktest.Options{NoListener: true})
	if err != nil {
		log.Fatal(err)
	}
	defer world.Close()
	p, _ := w.Playbook("called")
	result, err := world.Engine().Run(context.Background(), p, &playbook.Event{
		Type: "CustomerCalled", ID: "call-1", Portal: "private-banking",
		Data: map[string]any{"email": "anna@x.example", "phone": "45 22", "text": "They want a fixed rate."},
	})
	if err != nil {
		log.Fatal(err)
	}
	return result
}

// told prints the run's status, its writes and its output.
func told(r *playbook.Result) {
	fmt.Println(r.Status)
	for _, w := range r.Writes {
		fmt.Println(w.Operation, w.Table, strings.Join(w.Columns, " "))
	}
	if r.Output != nil {
		data, _ := json.Marshal(r.Output)
		fmt.Println(string(data))
	}
}

// A Trigger is the first block: it says which events the playbook is for. The
// event's data is its output.
func Example_trigger() {
	r := play(`
  - name: Call
    type: Trigger
    trigger: CustomerCalled
    portals: [private-banking]
    condition: email != ""
  - name: Result
    type: Output
    inputs: [{from: Call, map: [{source: email, destination: caller}]}]
`)
	told(r)
	// Output:
	// succeeded
	// {"caller":"anna@x.example"}
}

// A filter is given values by its inputs, and is what a Read asks by.
func Example_entityPatternFilter() {
	r := play(`
  - name: By mail
    type: EntityPatternFilter
    filter: {field: Email, operator: Equals}
    inputs: [{from: Call, map: [{source: email, destination: value, required: true}]}]
  - name: Result
    type: Output
    inputs: [{from: By mail, map: [{source: output, destination: filter}]}]
`)
	told(r)
	// Output:
	// succeeded
	// {"filter":{"field":"Email","operator":"Equals","value":"anna@x.example"}}
}

// A Read finds the instances of a pattern.
func Example_entityPatternRead() {
	r := play(`
  - name: Read customer
    type: EntityPatternRead
    pattern: customer
    inputs: [{from: Call, map: [{source: email, destination: customer.Email}]}]
  - name: Result
    type: Output
    inputs: [{from: Read customer, map: [{source: "Results[0].customer[0].LastName", destination: name}]}]
`)
	told(r)
	// Output:
	// succeeded
	// {"name":"Lindqvist"}
}

// A Create writes the records of a pattern, all or nothing.
func Example_entityPatternCreate() {
	r := play(`
  - name: New customer
    type: EntityPatternCreate
    pattern: customer
    inputs:
      - from: Call
        map:
          - {value: Unknown caller, destination: customer.LastName}
          - {source: phone, destination: customer.Phone}
`)
	told(r)
	// Output:
	// succeeded
	// create contact lastname telephone1
}

// An Update changes records that are there; it never creates one.
func Example_entityPatternUpdate() {
	r := play(`
  - name: Read customer
    type: EntityPatternRead
    pattern: customer
    inputs: [{from: Call, map: [{source: email, destination: customer.Email}]}]
  - name: Keep the number
    type: EntityPatternUpdate
    pattern: customer
    when: len(blocks["Read customer"].Results) > 0
    inputs:
      - {from: Read customer, map: [{source: "Results[0].customer[0].Id", destination: customer.Id}]}
      - {from: Call, map: [{source: phone, destination: customer.Phone}]}
`)
	told(r)
	// Output:
	// succeeded
	// update contact telephone1
}

// An Upsert finds its record by Id or by a key, and creates it where there is
// none.
func Example_entityPatternUpsert() {
	r := play(`
  - name: Know the caller
    type: EntityPatternUpsert
    pattern: customer
    inputs:
      - from: Call
        map:
          - {source: email, destination: customer.Email}
          - {source: phone, destination: customer.Phone}
          - {value: Lindqvist, destination: customer.LastName}
`)
	told(r)
	// Output:
	// succeeded
	// upsert contact lastname emailaddress1 telephone1
}

// A Template renders text in Liquid. Values are never read as templates.
func Example_template() {
	r := play(`
  - name: Note
    type: Template
    template: note
    inputs: [{from: Call, map: [{source: email, destination: caller}, {source: text, destination: text}]}]
  - name: Result
    type: Output
    inputs: [{from: Note, map: [{source: output, destination: note}]}]
`, `kind: Template
id: note
content: "{{ caller }} called: {{ text }}"`)
	told(r)
	// Output:
	// succeeded
	// {"note":"anna@x.example called: They want a fixed rate."}
}

// An Ai block asks a capability. Without a provider of the embedder's its stub
// answers; see [ExampleProviderFunc].
func Example_ai() {
	r := play(`
  - name: Summarise
    type: Ai
    capability: summarise
    version: "1.0"
    inputs: [{from: Call, map: [{source: text, destination: transcript}]}]
  - name: Result
    type: Output
    inputs: [{from: Summarise, map: [{source: summary, destination: summary}]}]
`, `kind: Capability
id: summarise
versions: ["1.0", "2.0"]
inputs: [{name: transcript, type: String, required: true}]
outputs: [{name: summary, type: String}]
stub: {summary: Wants a fixed rate.}`)
	told(r)
	// Output:
	// succeeded
	// {"summary":"Wants a fixed rate."}
}

// An Output puts values out, at paths of its own; those of several are merged.
func Example_output() {
	r := play(`
  - name: Caller
    type: Output
    inputs: [{from: Call, map: [{source: email, destination: caller.mail}, {source: phone, destination: caller.phone}]}]
  - name: Verdict
    type: Output
    inputs: [{map: [{value: heard, destination: verdict}]}]
`)
	told(r)
	// Output:
	// succeeded
	// {"caller":{"mail":"anna@x.example","phone":"45 22"},"verdict":"heard"}
}
