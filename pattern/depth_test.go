package pattern_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/entity"
	"github.com/andmoneyaps/engage-playbooks/pattern"
)

const fiveParts = `
kind: EntityPattern
id: five
parts:
  - {ref: contact, entity: contact}
  - {ref: account, entity: account, optional: true}
  - {ref: meetings, entity: appointment, allowsMultiple: true, optional: true, query: {sort: Size, direction: Descending, limit: 2}}
  - {ref: notes, entity: annotation, allowsMultiple: true, optional: true, query: {sort: Name, limit: 3}}
  - {ref: primary, entity: contact, optional: true}
requirements:
  - {part: contact, field: Parent, references: {part: account, field: Id}}
  - {part: meetings, field: Regarding, references: {part: contact, field: Id}}
  - {part: notes, field: Regarding, references: {part: meetings, field: Id}}
  - {part: account, field: Primary, references: {part: primary, field: Id}}
`

// seedFive makes n contacts in ten accounts, three meetings each and a note on
// each meeting.
func seedFive(n int) *model {
	m := &model{}
	add := func(table string, i int, fields map[string]any) link {
		fields["Name"] = fmt.Sprintf("%s %d", table, i)
		r := &modelRecord{id: fmt.Sprintf("%08x-0000-4000-8000-%012x", len(m.records)*7919%100_003, i), table: table, fields: fields}
		m.records = append(m.records, r)
		return link{r.id, table}
	}
	accounts := make([]link, 10)
	for i := range accounts {
		accounts[i] = add("account", i, map[string]any{})
	}
	for i := range n {
		contact := add("contact", i, map[string]any{"Parent": accounts[i%10]})
		if i < 10 {
			m.records[i].fields["Primary"] = contact
		}
		for j := range 3 {
			meeting := add("appointment", 3*i+j, map[string]any{"Regarding": contact, "Size": json.Number(strconv.Itoa(j * 10 % 7))})
			add("annotation", 3*i+j, map[string]any{"Regarding": meeting})
		}
	}
	return m
}

// TestAThousandResultsOfFivePartsTakeDepthPlusPages reads 1,000 results of a
// pattern of five parts, expanded where metadata tells how and by queries of
// their own, the sorts and limits of parts within each result among them. Both
// ways give the same, in no more requests than the depth of the joins plus the
// pages of what is found.
func TestAThousandResultsOfFivePartsTakeDepthPlusPages(t *testing.T) {
	const results = 1000
	s, c := newServer(t)
	seed := seedFive(results).changeSet(world())
	for chunk := 0; chunk < len(seed.Writes); chunk += 1000 {
		part := seed.Writes[chunk:min(chunk+1000, len(seed.Writes))]
		if _, err := c.Apply(t.Context(), &dataverse.ChangeSet{Writes: part}); err != nil {
			t.Fatal(err)
		}
	}
	_, patterns, problems := decodeAll("five.yaml", worldDefinitions+fiveParts)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	var first []any
	for _, way := range []struct {
		name     string
		of       map[string]*entity.Definition
		requests int // depth plus pages
	}{
		{"expanded", world(), 1 + 1},
		{"by queries of their own", stated(), 3 + 2},
	} {
		p := patterns[0].With(func(d *entity.Definition) *entity.Definition { return way.of[d.ID] })
		plan, err := p.Read(input("contact", map[string]any{"field": "Name", "operator": "StartsWith", "value": "contact"}), pattern.Options{})
		if err != nil {
			t.Fatal(err)
		}
		before := len(s.Requests())
		rounds, queries, err := run(plan, func(q *dataverse.Query) []dataverse.Record {
			rows := c.QueryAll(t.Context(), []*dataverse.Query{q})[0]
			if rows.Err != nil {
				t.Fatal(rows.Err)
			}
			return rows.Records
		})
		if err != nil {
			t.Fatal(way.name, err)
		}
		requests := len(s.Requests()) - before
		t.Logf("%s: %d rounds, %d queries, %d requests", way.name, rounds, queries, requests)
		if requests > way.requests {
			t.Errorf("%s: %d requests, want at most %d: %v", way.name, requests, way.requests, plan.Rounds())
		}
		got := plan.Results()
		if len(got) != results {
			t.Fatalf("%s: %d results", way.name, len(got))
		}
		if first == nil {
			first = got
		} else if d := cmp.Diff(first, got); d != "" {
			t.Errorf("the two ways differ:\n%.2000s", d)
		}
	}
}
