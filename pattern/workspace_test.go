package pattern_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"

	"github.com/andmoneyaps/engage-playbooks"
	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/dataverse/simulator"
	"github.com/andmoneyaps/engage-playbooks/entity"
	"github.com/andmoneyaps/engage-playbooks/internal/document"
	"github.com/andmoneyaps/engage-playbooks/pattern"
)

// definitions satisfies pattern.Definitions.
type definitions struct {
	byID  map[string]*entity.Definition
	order []*entity.Definition
}

func (d *definitions) Definition(id string) (*entity.Definition, bool) {
	def, known := d.byID[id]
	return def, known
}

func (d *definitions) DefinitionIDs() []string {
	ids := make([]string, 0, len(d.byID))
	for id := range d.byID {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// decodeAll decodes the definitions and patterns of a YAML text.
func decodeAll(file, text string) (*definitions, []*pattern.Pattern, engage.Problems) {
	var problems engage.Problems
	defs := &definitions{byID: map[string]*entity.Definition{}}
	var sources []*pattern.Source
	for _, doc := range document.Parse(file, []byte(text), &problems) {
		switch doc.Kind {
		case entity.Kind.Name:
			d, _ := entity.Kind.Decode(doc, &problems).(*entity.Definition)
			defs.byID[doc.ID] = d
			if d != nil {
				defs.order = append(defs.order, d)
			}
		case pattern.Kind:
			sources = append(sources, pattern.Decode(doc, &problems))
		}
	}
	var patterns []*pattern.Pattern
	for _, s := range sources {
		patterns = append(patterns, s.Link(defs, &problems))
	}
	problems.Sort()
	return defs, patterns, problems
}

// load gives the patterns of a text without mistakes, not bound.
func load(t testing.TB, text string) map[string]*pattern.Pattern {
	t.Helper()
	_, patterns, problems := decodeAll("test.yaml", text)
	if len(problems) > 0 {
		t.Fatalf("problems:\n%v", problems)
	}
	out := map[string]*pattern.Pattern{}
	for _, p := range patterns {
		out[p.ID] = p
	}
	return out
}

type adminToken struct{}

func (adminToken) Token(context.Context) (string, error) { return "admin", nil }

// admin sends without a token, which the simulator takes for its
// administrator.
type admin struct{ base http.RoundTripper }

func (a admin) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Del("Authorization")
	return a.base.RoundTrip(r)
}

var background = context.Background()

// startServer starts a simulator without a socket and a client of it.
func startServer() (*simulator.Server, *dataverse.Client, func()) {
	s := simulator.NewServer(nil, &simulator.Options{NoListener: true})
	c, err := dataverse.New(s.URL, adminToken{}, &dataverse.Options{HTTP: admin{s.Client().Transport}})
	if err != nil {
		panic(err)
	}
	return s, c, s.Close
}

func newServer(t testing.TB) (*simulator.Server, *dataverse.Client) {
	t.Helper()
	s, c, stop := startServer()
	t.Cleanup(stop)
	return s, c
}

// bind completes the definitions of a pattern from the metadata.
func bind(t testing.TB, s entity.Schema, p *pattern.Pattern) *pattern.Pattern {
	t.Helper()
	var defs []*entity.Definition
	for _, part := range p.Parts {
		defs = append(defs, part.Entity)
	}
	return p.With(func(d *entity.Definition) *entity.Definition {
		b, err := d.Bind(t.Context(), s, defs...)
		if err != nil {
			t.Fatalf("bind %s: %v", d.ID, err)
		}
		return b
	})
}

// run executes a plan and counts its rounds and queries.
func run(plan pattern.Plan, ask func(q *dataverse.Query) []dataverse.Record) (rounds, queries int, err error) {
	var answers [][]dataverse.Record
	for {
		fetches, err := plan.Next(answers)
		if err != nil || len(fetches) == 0 {
			return rounds, queries, err
		}
		rounds++
		answers = nil
		for _, f := range fetches {
			queries++
			rows := ask(f.Query)
			if f.Max > 0 && len(rows) > f.Max+1 {
				rows = rows[:f.Max+1]
			}
			answers = append(answers, rows)
		}
		if rounds > 50 {
			panic("the plan does not end")
		}
	}
}

// code is the rule behind an error of the package.
func code(err error) string {
	var e *pattern.Error
	if errors.As(err, &e) {
		return e.Code
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

const crm = `
kind: EntityDefinition
id: account
type: account
fields:
  - {name: Name, mappedName: name, type: String, required: true}
  - {name: Revenue, mappedName: revenue, type: Money}
  - {name: Primary, mappedName: primarycontactid, type: Lookup, targets: [contact]}
---
kind: EntityDefinition
id: contact
type: contact
keys: [[Email]]
fields:
  - {name: Id, mappedName: contactid, type: Guid, readOnly: true}
  - {name: FirstName, mappedName: firstname, type: String}
  - {name: LastName, mappedName: lastname, type: String, required: true}
  - {name: Email, mappedName: emailaddress1, type: String}
  - {name: Birthday, mappedName: birthdate, type: Date}
  - {name: Children, mappedName: numberofchildren, type: Int}
  - {name: Family, mappedName: familystatuscode, type: Choice, choices: {Single: 1, Married: 2}}
  - {name: ParentAccount, mappedName: parentcustomerid, type: Lookup, targets: [account, contact]}
---
kind: EntityDefinition
id: employee
type: systemuser
fields:
  - {name: Id, mappedName: systemuserid, type: Guid, readOnly: true}
  - {name: Name, mappedName: fullname, type: String, readOnly: true}
  - {name: Email, mappedName: internalemailaddress, type: String, readOnly: true}
---
kind: EntityDefinition
id: meeting
type: appointment
fields:
  - {name: Subject, mappedName: subject, type: String, required: true}
  - {name: Description, mappedName: description, type: String}
  - {name: Start, mappedName: scheduledstart, type: DateTime, required: true}
  - {name: End, mappedName: scheduledend, type: DateTime, required: true}
  - {name: Organiser, mappedName: organizer, type: PartyList}
  - {name: RequiredAttendees, mappedName: requiredattendees, type: PartyList}
  - {name: Regarding, mappedName: regardingobjectid, type: Lookup, targets: [contact, account]}
---
kind: EntityDefinition
id: note
type: annotation
fields:
  - {name: Title, mappedName: subject, type: String}
  - {name: Text, mappedName: notetext, type: String}
  - {name: CreatedOn, mappedName: createdon, type: DateTime, readOnly: true}
  - {name: ObjectReference, mappedName: objectid, type: Lookup, targets: [appointment, contact]}
---
kind: EntityPattern
id: book-meeting
parts:
  - {ref: customer, entity: contact, readOnly: true}
  - {ref: organiser, entity: employee, readOnly: true}
  - {ref: attendees, entity: employee, readOnly: true, allowsMultiple: true, optional: true}
  - {ref: meeting, entity: meeting, defaults: {Description: Booked by Engage}}
  - ref: notes
    entity: note
    allowsMultiple: true
    optional: true
    query: {sort: CreatedOn, direction: Descending, limit: 20}
requirements:
  - {part: meeting, field: Regarding, references: {part: customer, field: Id}}
  - {part: meeting, field: Organiser, references: {part: organiser, field: Id}}
  - {part: meeting, field: RequiredAttendees, references: {part: attendees, field: Id}, optional: true}
  - {part: notes, field: ObjectReference, references: {part: meeting, field: Id}}
---
kind: EntityPattern
id: overview
parts:
  - {ref: account, entity: account}
  - {ref: contacts, entity: contact, allowsMultiple: true}
  - {ref: appointments, entity: meeting, allowsMultiple: true, optional: true}
requirements:
  - {part: contacts, field: ParentAccount, references: {part: account, field: Id}}
  - {part: appointments, field: Regarding, references: {part: contacts, field: Id}}
`
