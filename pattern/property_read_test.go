package pattern_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/entity"
	"github.com/andmoneyaps/engage-playbooks/pattern"
)

// worldDefinitions are the definitions that random patterns are made of.
const worldDefinitions = `
kind: EntityDefinition
id: account
type: account
keys: [[Name]]
fields:
  - {name: Name, mappedName: name, type: String, required: true}
  - {name: Size, mappedName: numberofemployees, type: Int}
  - {name: Primary, mappedName: primarycontactid, type: Lookup, targets: [contact]}
---
kind: EntityDefinition
id: contact
type: contact
keys: [[Name, Size], [Size]]
fields:
  - {name: Name, mappedName: firstname, type: String}
  - {name: Size, mappedName: numberofchildren, type: Int}
  - {name: Parent, mappedName: parentcustomerid, type: Lookup, targets: [account, contact]}
---
kind: EntityDefinition
id: appointment
type: appointment
fields:
  - {name: Name, mappedName: subject, type: String}
  - {name: Size, mappedName: actualdurationminutes, type: Int}
  - {name: Regarding, mappedName: regardingobjectid, type: Lookup, targets: [contact, account]}
  - {name: Attendees, mappedName: requiredattendees, type: PartyList, targets: [contact, account]}
  - {name: Guests, mappedName: optionalattendees, type: PartyList, targets: [contact, account]}
---
kind: EntityDefinition
id: annotation
type: annotation
keys: [[Regarding, Name]]
fields:
  - {name: Name, mappedName: subject, type: String}
  - {name: Regarding, mappedName: objectid, type: Lookup, targets: [contact, appointment]}
---
`

var worldTables = []string{"account", "contact", "appointment", "annotation"}

type worldLink struct {
	table, field string
	targets      []string
}

// worldLinks are the fields that point to other tables.
var worldLinks = []worldLink{
	{"account", "Primary", []string{"contact"}},
	{"contact", "Parent", []string{"account", "contact"}},
	{"appointment", "Regarding", []string{"contact", "account"}},
	{"appointment", "Attendees", []string{"contact", "account"}},
	{"appointment", "Guests", []string{"contact", "account"}},
	{"annotation", "Regarding", []string{"contact", "appointment"}},
}

// isParties reports whether a field of the world is a PartyList.
func isParties(field string) bool { return field == "Attendees" || field == "Guests" }

var worldNames = []string{"A", "a", "b", "100%", "x_y", ""}

// drawModel draws a pattern, its data and its criteria.
func drawModel(t *rapid.T) *model {
	m := &model{}
	n := rapid.IntRange(1, 5).Draw(t, "parts")
	for i := range n {
		p := modelPart{
			ref:      fmt.Sprintf("p%d", i),
			multiple: rapid.Bool().Draw(t, "multiple"),
			optional: rapid.IntRange(0, 2).Draw(t, "optional") == 0,
		}
		if i == 0 {
			p.table = rapid.SampledFrom(worldTables).Draw(t, "table")
			m.parts = append(m.parts, p)
			continue
		}
		j := rapid.IntRange(0, i-1).Draw(t, "with")
		m.parts = append(m.parts, p)
		m.draw(t, i, j)
	}
	if n > 2 && rapid.IntRange(0, 3).Draw(t, "cycle") == 0 {
		m.drawExtra(t)
	}
	// A part with one record cannot look up a part with many.
	for changed := true; changed; {
		changed = false
		for _, e := range m.joins {
			a, b := &m.parts[m.index(e.part)], &m.parts[m.index(e.reference)]
			if !a.multiple && b.multiple && !isParties(e.field) {
				a.multiple, changed = true, true
			}
		}
	}
	for i := range m.parts {
		p := &m.parts[i]
		if (p.multiple || i == 0) && rapid.IntRange(0, 2).Draw(t, "query") == 0 {
			p.query = true
			p.sort = rapid.SampledFrom([]string{"", "Name", "Size"}).Draw(t, "sort")
			if p.table == "annotation" && p.sort == "Size" {
				p.sort = "Name"
			}
			p.descending = rapid.Bool().Draw(t, "descending")
			p.limit = rapid.IntRange(0, 3).Draw(t, "limit")
		}
	}
	m.drawRecords(t)
	m.drawCriteria(t)
	return m
}

// draw connects part i with part j and picks i's table accordingly.
func (m *model) draw(t *rapid.T, i, j int) {
	type option struct {
		table string
		join  modelJoin
	}
	var options []option
	a, b := &m.parts[i], &m.parts[j]
	for _, l := range worldLinks {
		for _, target := range l.targets {
			if target == b.table {
				options = append(options, option{l.table, modelJoin{part: a.ref, field: l.field, reference: b.ref, referenceField: "Id"}})
			}
			if l.table == b.table {
				options = append(options, option{target, modelJoin{part: b.ref, field: l.field, reference: a.ref, referenceField: "Id"}})
			}
		}
	}
	options = append(options, option{"contact", modelJoin{part: a.ref, field: "Name", reference: b.ref, referenceField: "Name"}})
	o := rapid.SampledFrom(options).Draw(t, "join")
	for _, e := range m.joins {
		if e.part == o.join.part && e.field == o.join.field && !isParties(e.field) {
			// Bound already: join by value the other way round.
			o = option{"account", modelJoin{part: a.ref, field: "Name", reference: b.ref, referenceField: "Name"}}
		}
	}
	a.table = o.table
	m.joins = append(m.joins, o.join)
}

// drawExtra adds a second way between two parts, if one fits.
func (m *model) drawExtra(t *rapid.T) {
	i := rapid.IntRange(1, len(m.parts)-1).Draw(t, "from")
	j := rapid.IntRange(0, i-1).Draw(t, "to")
	a, b := &m.parts[i], &m.parts[j]
	for _, l := range worldLinks {
		bound := false
		for _, e := range m.joins {
			bound = bound || e.part == a.ref && e.field == l.field
		}
		if l.table != a.table || bound {
			continue
		}
		for _, target := range l.targets {
			if target == b.table {
				m.joins = append(m.joins, modelJoin{part: a.ref, field: l.field, reference: b.ref, referenceField: "Id"})
				return
			}
		}
	}
}

func (m *model) drawRecords(t *rapid.T) {
	byTable := map[string][]string{}
	for k, table := range worldTables {
		for i := range rapid.IntRange(0, 5).Draw(t, table) {
			// Ids in another order than they are made in.
			id := fmt.Sprintf("%08x-0000-4000-8000-%012x", (i*7+3)%10+16*k, i)
			byTable[table] = append(byTable[table], id)
			rec := &modelRecord{id: id, table: table, fields: map[string]any{}}
			if name := rapid.SampledFrom(worldNames).Draw(t, "name"); name != "" {
				rec.fields["Name"] = name
			}
			if table != "annotation" {
				if size := rapid.IntRange(-1, 3).Draw(t, "size"); size >= 0 {
					rec.fields["Size"] = json.Number(fmt.Sprint(size))
				}
			}
			m.records = append(m.records, rec)
		}
	}
	for _, rec := range m.records {
		for _, l := range worldLinks {
			if l.table != rec.table {
				continue
			}
			draw := func() (link, bool) {
				target := rapid.SampledFrom(l.targets).Draw(t, "target")
				ids := byTable[target]
				i := rapid.IntRange(-1, len(ids)-1).Draw(t, "row")
				if i < 0 {
					return link{}, false
				}
				return link{ids[i], target}, true
			}
			if !isParties(l.field) {
				if to, ok := draw(); ok {
					rec.fields[l.field] = to
				}
				continue
			}
			var parties []link
			for range rapid.IntRange(0, 3).Draw(t, "attendees") {
				if to, ok := draw(); ok {
					parties = append(parties, to)
				}
			}
			rec.fields[l.field] = parties
		}
	}
}

func (m *model) drawCriteria(t *rapid.T) {
	for i := range m.parts {
		p := &m.parts[i]
		for range rapid.IntRange(0, 1).Draw(t, "criteria") {
			c := modelCriterion{field: "Name", operator: "Equals", value: rapid.SampledFrom([]string{"a", "B", "100%", "100"}).Draw(t, "value")}
			switch rapid.IntRange(0, 6).Draw(t, "operator") {
			case 0:
				c.operator, c.value = "In", []any{"A", "x_y"}
			case 1:
				c.operator, c.value = "IsNull", nil
			case 2:
				c.operator, c.value = "Contains", rapid.SampledFrom([]string{"_", "%", "a", "00"}).Draw(t, "text")
			case 3:
				if p.table != "annotation" {
					c.field, c.operator, c.value = "Size", "GreaterThan", json.Number("1")
				}
			case 4:
				var ids []any
				for _, r := range m.records {
					if r.table == p.table && len(ids) < 2 {
						ids = append(ids, r.id)
					}
				}
				c.field, c.operator, c.value = "Id", "In", ids
			case 5:
				for _, r := range m.records {
					if r.table == p.table {
						c.field, c.value = "Id", r.id
					}
				}
			}
			p.criteria = append(p.criteria, c)
		}
	}
}

// yaml is the pattern as a document.
func (m *model) yaml() string {
	var b strings.Builder
	b.WriteString("kind: EntityPattern\nid: random\nparts:\n")
	for _, p := range m.parts {
		fmt.Fprintf(&b, "  - {ref: %s, entity: %s, allowsMultiple: %t, optional: %t", p.ref, p.table, p.multiple, p.optional)
		if p.readOnly {
			b.WriteString(", readOnly: true")
		}
		if p.name != "" {
			fmt.Fprintf(&b, ", defaults: {Name: %s}", p.name)
		}
		if p.query {
			b.WriteString(", query: {")
			sep := ""
			if p.sort != "" {
				fmt.Fprintf(&b, "sort: %s", p.sort)
				sep = ", "
			}
			if p.descending {
				b.WriteString(sep + "direction: Descending")
				sep = ", "
			}
			if p.limit > 0 {
				fmt.Fprintf(&b, "%slimit: %d", sep, p.limit)
			}
			b.WriteString("}")
		}
		b.WriteString("}\n")
	}
	if len(m.joins) > 0 {
		b.WriteString("requirements:\n")
	}
	for _, e := range m.joins {
		fmt.Fprintf(&b, "  - {part: %s, field: %s, references: {part: %s, field: %s}, optional: %t}\n",
			e.part, e.field, e.reference, e.referenceField, e.optional)
	}
	return b.String()
}

func (m *model) input() pattern.Input {
	var in pattern.Input
	for _, p := range m.parts {
		for i, c := range p.criteria {
			v := pattern.Value{Part: p.ref, Field: c.field, Data: c.value}
			if (c.operator != "Equals" && c.operator != "In") || i%2 == 1 {
				f := map[string]any{"field": c.field, "operator": c.operator}
				if c.value != nil {
					f["value"] = c.value
				}
				v = pattern.Value{Part: p.ref, Data: f}
			}
			in = append(in, v)
		}
	}
	return in
}

// changeSet creates the model's records in the simulator, links last.
func (m *model) changeSet(defs map[string]*entity.Definition) *dataverse.ChangeSet {
	cs := &dataverse.ChangeSet{}
	var links []dataverse.Write
	for _, rec := range m.records {
		d := defs[rec.table]
		w := dataverse.Write{
			Operation: dataverse.Create, Table: d.Table, EntitySet: d.EntitySet, PrimaryKey: d.PrimaryKey, ID: dataverse.GUID(rec.id),
		}
		u := w
		u.Operation = dataverse.Update
		var parties dataverse.Parties
		var property string
		for _, f := range d.Fields {
			v, ok := rec.fields[f.Name]
			if !ok {
				continue
			}
			switch v := v.(type) {
			case link:
				p, _ := f.Property(map[string]any{"Id": v.id, "Type": v.table})
				u.Body = append(u.Body, p)
			case []link:
				for _, l := range v {
					parties = append(parties, f.PartyOf(l.table, dataverse.Bind{EntitySet: defs[l.table].EntitySet, ID: dataverse.GUID(l.id)}))
				}
				property = f.PartiesLink()
			default:
				p, _ := f.Property(v)
				w.Body = append(w.Body, p)
			}
		}
		if len(parties) > 0 {
			w.Body = append(w.Body, dataverse.Property{Name: property, Value: parties})
		}
		cs.Writes = append(cs.Writes, w)
		if len(u.Body) > 0 {
			links = append(links, u)
		}
	}
	cs.Writes = append(cs.Writes, links...)
	return cs
}

// world holds the definitions, bound once, for all cases.
var world = sync.OnceValue(func() map[string]*entity.Definition {
	defs, _, problems := decodeAll("world.yaml", worldDefinitions)
	if len(problems) > 0 {
		panic(problems)
	}
	_, c, stop := startServer()
	defer stop()
	all := map[string]*entity.Definition{}
	for _, d := range defs.order {
		b, err := d.Bind(background, c, defs.order...)
		if err != nil {
			panic(err)
		}
		all[d.ID] = b
	}
	return all
})

func (m *model) pattern(t *rapid.T) *pattern.Pattern {
	_, patterns, problems := decodeAll("random.yaml", worldDefinitions+m.yaml())
	for _, p := range problems {
		if p.Code == "cycle" || p.Code == "duplicate-requirement" {
			t.Skip("requirements in a circle")
		}
		t.Fatalf("%v\n%s", problems, m.yaml())
	}
	return patterns[0].With(bound)
}

func bound(d *entity.Definition) *entity.Definition { return world()[d.ID] }

// stated gives definitions that state all, so that no metadata is asked and
// no collection is known to expand: the same results come by other requests.
var stated = sync.OnceValue(func() map[string]*entity.Definition {
	text := worldDefinitions
	for table, set := range map[string]string{"account": "accounts", "contact": "contacts", "appointment": "appointments", "annotation": "annotations"} {
		key := table + "id"
		if table == "appointment" {
			key = "activityid"
		}
		text = strings.Replace(text, "type: "+table+"\n", "type: "+table+"\nentitySet: "+set+"\nprimaryKey: "+key+"\n", 1)
	}
	for field, navigation := range map[string]string{
		"targets: [contact]":              "{contact: primarycontactid}",
		"targets: [account, contact]":     "{account: parentcustomerid_account, contact: parentcustomerid_contact}",
		"targets: [contact, account]":     "{contact: regardingobjectid_contact_appointment, account: regardingobjectid_account_appointment}",
		"targets: [contact, appointment]": "{contact: objectid_contact, appointment: objectid_appointment}",
	} {
		text = strings.Replace(text, "Lookup, "+field, "Lookup, "+field+", navigation: "+navigation, 1)
	}
	defs, _, problems := decodeAll("stated.yaml", text)
	if len(problems) > 0 {
		panic(problems)
	}
	all := map[string]*entity.Definition{}
	for _, d := range defs.order {
		b, err := d.Bind(background, nil, defs.order...)
		if err != nil {
			panic(err)
		}
		all[d.ID] = b
	}
	return all
})

// ids shows results as the ids of each part.
func (m *model) ids(results []result) [][][]string {
	out := [][][]string{}
	for _, r := range results {
		var parts [][]string
		for _, rows := range r {
			ids := []string{}
			for _, rec := range rows {
				ids = append(ids, rec.id)
			}
			parts = append(parts, ids)
		}
		out = append(out, parts)
	}
	return out
}

func (m *model) idsOf(results []any) [][][]string {
	out := [][][]string{}
	for _, r := range results {
		var parts [][]string
		for _, p := range m.parts {
			ids := []string{}
			for _, rec := range r.(map[string]any)[p.ref].([]any) {
				ids = append(ids, rec.(map[string]any)["Id"].(string))
			}
			parts = append(parts, ids)
		}
		out = append(out, parts)
	}
	return out
}

// TestReadsAreWhatTheModelSays draws patterns, data and criteria, reads them
// through planner, client and simulator, and compares with the model.
func TestReadsAreWhatTheModelSays(t *testing.T) {
	world()
	rapid.Check(t, func(t *rapid.T) {
		m := drawModel(t)
		p := m.pattern(t)
		if rapid.Bool().Draw(t, "stated") {
			p = p.With(func(d *entity.Definition) *entity.Definition { return stated()[d.ID] })
		}
		_, c, stop := startServer()
		defer stop()
		if cs := m.changeSet(world()); len(cs.Writes) > 0 {
			if _, err := c.Apply(background, cs); err != nil {
				t.Fatalf("seed: %v", err)
			}
		}
		limit := 5000
		plan, err := p.Read(m.input(), pattern.Options{Limit: limit})
		if err != nil {
			t.Fatalf("plan: %v\n%s", err, m.yaml())
		}
		var log strings.Builder
		rounds, _, err := run(plan, func(q *dataverse.Query) []dataverse.Record {
			r, err := q.Request()
			if err != nil {
				t.Fatalf("request: %v", err)
			}
			log.WriteString(r.String())
			rows := c.QueryAll(background, []*dataverse.Query{q})[0]
			if rows.Err != nil {
				t.Fatalf("query: %v\n%s", rows.Err, r)
			}
			return rows.Records
		})
		if err != nil {
			t.Fatalf("read: %v\n%s", err, m.yaml())
		}
		if n := len(plan.Rounds()); rounds > n {
			t.Fatalf("%d rounds, but the plan says %d", rounds, n)
		}
		if d := cmp.Diff(m.ids(m.read()), m.idsOf(plan.Results())); d != "" {
			t.Fatalf("model and plan differ (-model +plan):\n%s\n%s%v\n%s", d, m.yaml(), m.input(), log.String())
		}
	})
}
