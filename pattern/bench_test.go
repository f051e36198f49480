package pattern_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/andmoneyaps/engage-playbooks"
	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/entity"
	"github.com/andmoneyaps/engage-playbooks/internal/document"
	"github.com/andmoneyaps/engage-playbooks/pattern"
)

// tenParts is a chain of ten contacts, each the parent of the next.
func tenParts() (*pattern.Pattern, pattern.Input) {
	var b strings.Builder
	b.WriteString(worldDefinitions + "kind: EntityPattern\nid: ten\nparts:\n")
	var in pattern.Input
	for i := range 10 {
		fmt.Fprintf(&b, "  - {ref: p%d, entity: contact}\n", i)
		in = append(in, pattern.Value{Part: fmt.Sprintf("p%d", i), Field: "Name", Data: "Ada Lovelace", Source: "test"},
			pattern.Value{Part: fmt.Sprintf("p%d", i), Field: "Size", Data: json.Number("3"), Source: "test"})
	}
	b.WriteString("requirements:\n")
	for i := 1; i < 10; i++ {
		fmt.Fprintf(&b, "  - {part: p%d, field: Parent, references: {part: p%d, field: Id}}\n", i, i-1)
	}
	_, patterns, problems := decodeAll("ten.yaml", b.String())
	if len(problems) > 0 {
		panic(problems)
	}
	return patterns[0].With(bound), in
}

// BenchmarkPlanTenPartCreate against BenchmarkMarshalTenBodies: planning costs
// at most three times the JSON of the bodies.
func BenchmarkPlanTenPartCreate(b *testing.B) {
	p, in := tenParts()
	l, err := p.Lookup(pattern.Create, in, pattern.Options{})
	if err != nil {
		b.Fatal(err)
	}
	o := pattern.Options{NewID: func(part string, i int) dataverse.GUID { return dataverse.GUID(newID(part, i)) }}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Write(pattern.Create, in, l, o); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMarshalTenBodies(b *testing.B) {
	bodies := make([]map[string]any, 10)
	for i := range bodies {
		bodies[i] = map[string]any{
			"contactid": newID("p0", i), "firstname": "Ada Lovelace", "numberofchildren": json.Number("3"),
			"parentcustomerid_contact@odata.bind": "/contacts(" + newID("p0", i) + ")",
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, body := range bodies {
			if _, err := json.Marshal(body); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkLink shows that compiling is linear in parts and requirements.
func BenchmarkLink(b *testing.B) {
	for _, n := range []int{10, 100, 1000} {
		var t strings.Builder
		t.WriteString(worldDefinitions + "kind: EntityPattern\nid: big\nparts:\n")
		for i := range n {
			fmt.Fprintf(&t, "  - {ref: p%d, entity: contact}\n", i)
		}
		t.WriteString("requirements:\n")
		for i := 1; i < n; i++ {
			fmt.Fprintf(&t, "  - {part: p%d, field: Parent, references: {part: p%d, field: Id}}\n", i, i/2)
		}
		var problems engage.Problems
		docs := document.Parse("big.yaml", []byte(t.String()), &problems)
		defs := &definitions{byID: map[string]*entity.Definition{}}
		for _, d := range docs[:len(docs)-1] {
			defs.byID[d.ID] = entity.Kind.Decode(d, &problems).(*entity.Definition)
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				if pattern.Decode(docs[len(docs)-1], &problems).Link(defs, &problems) == nil {
					b.Fatal(problems)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/part")
		})
	}
}

// BenchmarkJoin joins contacts of accounts, ten of each, in memory: linear.
func BenchmarkJoin(b *testing.B) {
	for _, n := range []int{1000, 10000, 100000} {
		_, patterns, problems := decodeAll("join.yaml", worldDefinitions+`
kind: EntityPattern
id: join
parts:
  - {ref: account, entity: account}
  - {ref: contacts, entity: contact, allowsMultiple: true}
requirements:
  - {part: contacts, field: Parent, references: {part: account, field: Id}}
`)
		if len(problems) > 0 {
			b.Fatal(problems)
		}
		p := patterns[0].With(bound)
		accounts := make([]dataverse.Record, n/10)
		for i := range accounts {
			accounts[i] = dataverse.Record{"accountid": id(i), "name": "x"}
			var contacts []dataverse.Record
			for j := range 10 {
				contacts = append(contacts, dataverse.Record{"contactid": id(n + i*10 + j), "_parentcustomerid_value": id(i)})
			}
			accounts[i]["contact_customer_accounts"] = contacts
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				plan, err := p.Read(input("account.Name", "x"), pattern.Options{Limit: 200000})
				if err != nil {
					b.Fatal(err)
				}
				if _, _, err := run(plan, func(q *dataverse.Query) []dataverse.Record {
					if q.Table == "account" {
						return accounts
					}
					var all []dataverse.Record
					for _, a := range accounts {
						all = append(all, a["contact_customer_accounts"].([]dataverse.Record)...)
					}
					return all
				}); err != nil {
					b.Fatal(err)
				}
				if len(plan.Results()) != n/10 {
					b.Fatal("results")
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/record")
		})
	}
}
