The documents that every case of this folder is laid over.
-- entities/all.yaml --
kind: EntityDefinition
id: contact
type: contact
entitySet: contacts
primaryKey: contactid
keys: [[Email]]
fields:
  - {name: Id, mappedName: contactid, type: Guid, readOnly: true}
  - {name: FirstName, mappedName: firstname, type: String, maxLength: 10}
  - {name: Email, mappedName: emailaddress1, type: String, required: true}
  - {name: Birthday, mappedName: birthdate, type: Date}
  - {name: Family, mappedName: familystatuscode, type: Choice, choices: {Single: 1, Married: 2}}
  - {name: Children, mappedName: numberofchildren, type: Int}
---
kind: EntityDefinition
id: employee
type: systemuser
entitySet: systemusers
primaryKey: systemuserid
fields:
  - {name: Email, mappedName: internalemailaddress, type: String}
---
kind: EntityDefinition
id: meeting
type: appointment
entitySet: appointments
primaryKey: activityid
fields:
  - {name: Subject, mappedName: subject, type: String, required: true, maxLength: 200}
  - {name: Description, mappedName: description, type: String}
  - {name: Start, mappedName: scheduledstart, type: DateTime}
  - {name: Regarding, mappedName: regardingobjectid, type: Lookup, targets: [contact], navigation: {contact: regardingobjectid_contact_appointment}}
  - {name: Attendees, mappedName: requiredattendees, type: PartyList, targets: [contact, systemuser]}
---
kind: EntityDefinition
id: note
type: annotation
entitySet: annotations
primaryKey: annotationid
fields:
  - {name: Text, mappedName: notetext, type: String}
  - {name: Object, mappedName: objectid, type: Lookup, targets: [appointment], navigation: {appointment: objectid_appointment}}
-- patterns/all.yaml --
kind: EntityPattern
id: customers
parts:
  - {ref: customer, entity: contact}
---
kind: EntityPattern
id: book
parts:
  - {ref: customer, entity: contact, readOnly: true, optional: true}
  - {ref: meeting, entity: meeting}
  - {ref: notes, entity: note, allowsMultiple: true, optional: true}
requirements:
  - {part: meeting, field: Regarding, references: {part: customer, field: Id}, optional: true}
  - {part: notes, field: Object, references: {part: meeting, field: Id}}
-- templates/report.yaml --
kind: Template
id: report
content: "Dear {{ customer.Name }}, {% for x in lines %}{{ x }}{% endfor %}"
-- capabilities/summarise.yaml --
kind: Capability
id: summarise
versions: ["1.0", "2.0"]
inputs:
  - {name: transcript, type: String, required: true}
  - {name: limit, type: Int}
outputs: [{name: summary, type: String}, {name: actions, type: Array}]
stub: {summary: All well., actions: [Call]}
-- triggers/loan.yaml --
kind: TriggerType
id: LoanApplied
schema:
  type: object
  required: [Amount]
  properties:
    Amount: {type: number}
    Rooms: {type: [integer, "null"]}
    Purpose: {enum: [House, Car]}
    When: {type: string, format: date-time}
    Applicants: {type: array, items: {$ref: "#/$defs/person"}}
    Free: {type: object}
  $defs:
    person: {type: object, properties: {Name: {type: string}, Parent: {$ref: "#/$defs/person"}}}
