// Package large makes workspaces as large as those of a large bank, for
// benchmarks.
package large

import (
	"fmt"
	"testing/fstest"
)

// Workspace has as many documents as asked for: definitions of ten fields,
// patterns of three parts, playbooks of six blocks.
func Workspace(definitions, patterns, playbooks int) fstest.MapFS {
	fsys := fstest.MapFS{}
	put := func(name, text string) { fsys[name] = &fstest.MapFile{Data: []byte(text)} }
	for i := range definitions {
		text := fmt.Sprintf("kind: EntityDefinition\nid: d%[1]d\nname: Definition %[1]d\ntype: table%[1]d\nentitySet: table%[1]ds\nprimaryKey: table%[1]did\nfields:\n", i)
		text += fmt.Sprintf("  - {name: Id, mappedName: table%did, type: Guid, readOnly: true}\n", i)
		text += "  - {name: Email, mappedName: emailaddress1, type: String, required: true}\n"
		text += fmt.Sprintf("  - {name: Parent, mappedName: parentid, type: Lookup, targets: [table%d], navigation: {table%d: parentid}}\n", (i+1)%definitions, (i+1)%definitions)
		for f := range 7 {
			text += fmt.Sprintf("  - {name: Field%[1]d, mappedName: column%[1]d, type: String, maxLength: 100, description: A field of the definition}\n", f)
		}
		put(fmt.Sprintf("entities/d%d.yaml", i), text)
	}
	for i := range patterns {
		a, b := i%definitions, (i+1)%definitions
		put(fmt.Sprintf("patterns/p%d.yaml", i), fmt.Sprintf(`kind: EntityPattern
id: p%d
name: Pattern
parts:
  - {ref: one, entity: d%d}
  - {ref: two, entity: d%d, optional: true}
  - {ref: three, entity: d%d, allowsMultiple: true, optional: true}
requirements:
  - {part: one, field: Parent, references: {part: two, field: Id}, optional: true}
  - {part: three, field: Email, references: {part: one, field: Email}}
`, i, a, b, a))
	}
	for i := range playbooks {
		put(fmt.Sprintf("playbooks/b%d.yaml", i), fmt.Sprintf(`kind: Playbook
id: b%[1]d
name: Playbook
description: Finds, writes and reports.
blocks:
  - name: In
    type: Trigger
    trigger: PortalMeetings
    portals: [private-banking]
    condition: Meeting.Title != ''
  - name: Filter
    type: EntityPatternFilter
    filter: {field: Email, operator: Equals}
    inputs: [{from: In, map: [{source: Meeting.MeetingOwner.Email, destination: value, required: true}]}]
  - name: Read
    type: EntityPatternRead
    pattern: p%[2]d
    inputs: [{from: Filter, map: [{source: output, destination: one}]}]
  - name: Read more
    type: EntityPatternRead
    pattern: p%[3]d
    inputs: [{from: In, map: [{source: "Meeting.ExternalAttendees[0].Email", destination: one.Email, required: true}]}]
  - name: Create
    type: EntityPatternCreate
    pattern: p%[2]d
    when: len(blocks["Read"].Results) > 0
    inputs:
      - from: In
        map:
          - {source: "Meeting.ExternalAttendees[0].Email", destination: one.Email, required: true}
          - {source: Meeting.Title, destination: one.Field0}
          - {source: Meeting.Room, destination: one.Field1}
          - source: Meeting.ExternalAttendees[*].Email
            destination: one.Field2
            transformations: [{type: Join, separator: ", "}]
      - from: Read
        map: [{source: "Results[0].two[0].Email", destination: two.Email}]
  - name: Out
    type: Output
    inputs:
      - from: Create
        map: [{source: "Results[0].one[0].Id", destination: one.id}]
      - from: Read more
        map: [{source: "Results[0].one[0].Email", destination: one.email}]
`, i, i%patterns, (i+7)%patterns))
	}
	return fsys
}
