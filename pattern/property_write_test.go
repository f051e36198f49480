package pattern_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/pattern"
)

// writeModel is the reference model of a Create: what section 3 of the
// specification says of each part, one after the other.
type writeModel struct {
	*model
	readOnly []bool
	optional map[modelJoin]bool
	inputs   []map[string]any // by part: field to value
	// What comes out.
	made   [][]*modelRecord
	failed string
}

// drawWrite draws a pattern, data and an input. Parts only reference parts
// before them.
func drawWrite(t *rapid.T) *writeModel {
	m := &writeModel{model: &model{}, optional: map[modelJoin]bool{}}
	n := rapid.IntRange(1, 4).Draw(t, "parts")
	for i := range n {
		p := modelPart{
			ref: fmt.Sprintf("p%d", i), table: rapid.SampledFrom(worldTables).Draw(t, "table"),
			multiple: rapid.Bool().Draw(t, "multiple"), optional: rapid.IntRange(0, 2).Draw(t, "optional") == 0,
		}
		m.parts = append(m.parts, p)
		m.readOnly = append(m.readOnly, rapid.IntRange(0, 2).Draw(t, "readOnly") == 0)
		for j := range i {
			if m.readOnly[i] || rapid.IntRange(0, 2).Draw(t, "join") == 0 {
				continue
			}
			for _, l := range worldLinks {
				e := modelJoin{p.ref, l.field, m.parts[j].ref, "Id"}
				bound := slices.ContainsFunc(m.joins, func(o modelJoin) bool { return o.part == p.ref && o.field == l.field })
				if l.table == p.table && slices.Contains(l.targets, m.parts[j].table) && (!bound || l.field == "Attendees") {
					m.joins = append(m.joins, e)
					m.optional[e] = rapid.Bool().Draw(t, "optional")
					if m.parts[j].multiple && l.field != "Attendees" {
						m.parts[i].multiple = true
					}
					break
				}
			}
		}
	}
	m.drawRecords(t)
	for i := range m.parts {
		m.inputs = append(m.inputs, m.drawInput(t, i))
	}
	return m
}

func (m *writeModel) drawInput(t *rapid.T, i int) map[string]any {
	p := m.parts[i]
	in := map[string]any{}
	name := func() any { return rapid.SampledFrom([]any{"A", "b", "100%", "c", nil}).Draw(t, "value") }
	list := func(item func() any) any {
		out := []any{}
		for range rapid.IntRange(0, 3).Draw(t, "items") {
			out = append(out, item())
		}
		return out
	}
	if m.readOnly[i] {
		switch rapid.IntRange(0, 4).Draw(t, "given") {
		case 0: // nothing
		case 1, 2:
			in["Name"] = name()
			if p.multiple && rapid.Bool().Draw(t, "list") {
				in["Name"] = list(name)
			}
		default:
			ids := func() any {
				var of []any
				for _, r := range m.records {
					if r.table == p.table {
						of = append(of, r.id)
					}
				}
				if len(of) == 0 {
					return nil
				}
				return rapid.SampledFrom(of).Draw(t, "id")
			}
			in["Id"] = ids()
			if p.multiple && rapid.Bool().Draw(t, "list") {
				in["Id"] = list(ids)
			}
		}
		return in
	}
	size := func() any {
		return rapid.SampledFrom([]any{json.Number("1"), json.Number("2.0"), nil, json.Number("7")}).Draw(t, "size")
	}
	for _, field := range []string{"Name", "Size"} {
		item := name
		if field == "Size" {
			item = size
		}
		if field == "Size" && p.table == "annotation" {
			continue
		}
		switch rapid.IntRange(0, 3).Draw(t, field) {
		case 0:
		case 1:
			if p.multiple {
				in[field] = list(item)
				break
			}
			fallthrough
		default:
			in[field] = item()
		}
	}
	return in
}

func (m *writeModel) run() {
	m.made = make([][]*modelRecord, len(m.parts))
	for i := range m.parts {
		if m.readOnly[i] {
			m.find(i)
		} else {
			m.create(i)
		}
		if m.failed != "" {
			return
		}
	}
}

func (m *writeModel) find(i int) {
	p := m.parts[i]
	var given any
	field := "Name"
	if id, ok := m.inputs[i]["Id"]; ok && id != nil {
		field, given = "Id", id
	} else {
		given = m.inputs[i]["Name"]
	}
	items, list := given.([]any)
	if !list {
		items = []any{given}
	}
	for _, item := range items {
		if item == nil {
			continue
		}
		var found []*modelRecord
		for _, r := range m.records {
			have := r.fields["Name"]
			if field == "Id" {
				have = r.id
			}
			if r.table == p.table && have != nil && strings.EqualFold(have.(string), item.(string)) {
				found = append(found, r)
			}
		}
		slices.SortFunc(found, func(a, b *modelRecord) int { return strings.Compare(a.id, b.id) })
		for _, r := range found {
			if !slices.Contains(m.made[i], r) {
				m.made[i] = append(m.made[i], r)
			}
		}
	}
	switch {
	case len(m.made[i]) == 0 && !p.optional:
		m.failed = "nothing found"
	case len(m.made[i]) > 1 && !p.multiple:
		m.failed = "several found"
	}
}

func (m *writeModel) create(i int) {
	p := m.parts[i]
	hasInput := false
	length := -1
	for _, v := range m.inputs[i] {
		hasInput = hasInput || v != nil
		if items, ok := v.([]any); ok {
			if length >= 0 && length != len(items) {
				m.failed = "lists of different length"
				return
			}
			length = len(items)
		}
	}
	if p.optional && !hasInput {
		return
	}
	references := -1
	var set []modelJoin
	for _, e := range m.joins {
		if e.part != p.ref {
			continue
		}
		j := m.index(e.reference)
		if len(m.made[j]) == 0 {
			switch {
			case m.optional[e]:
				continue
			case p.optional:
				return
			}
			m.failed = "a part is absent"
			return
		}
		set = append(set, e)
		if m.parts[j].multiple && e.field != "Attendees" {
			if references >= 0 && references != len(m.made[j]) {
				m.failed = "different numbers of references"
				return
			}
			references = len(m.made[j])
		}
	}
	n := 1
	if length >= 0 {
		n = length
	}
	if references >= 0 {
		if length >= 0 && length != references {
			m.failed = "a list is not as long as the references"
			return
		}
		n = references
	}
	for k := range n {
		rec := &modelRecord{id: newID(p.ref, k), table: p.table, fields: map[string]any{}}
		for field, v := range m.inputs[i] {
			if items, ok := v.([]any); ok {
				v = items[k]
			}
			if v == json.Number("2.0") {
				v = json.Number("2")
			}
			if v != nil {
				rec.fields[field] = v
			}
		}
		for _, e := range set {
			j := m.index(e.reference)
			to := m.made[j]
			if e.field == "Attendees" {
				parties, _ := rec.fields[e.field].([]link)
				for _, r := range to {
					parties = append(parties, link{r.id, r.table})
				}
				rec.fields[e.field] = parties
				continue
			}
			r := to[0]
			if m.parts[j].multiple {
				r = to[k]
			}
			rec.fields[e.field] = link{r.id, r.table}
		}
		m.made[i] = append(m.made[i], rec)
	}
}

func newID(part string, i int) string {
	return fmt.Sprintf("ffffffff-0000-4000-8000-%08x%04x", part[1], i)
}

func (m *writeModel) yaml() string {
	text := m.model.yaml()
	for i, p := range m.parts {
		if m.readOnly[i] {
			text = strings.Replace(text, "{ref: "+p.ref+",", "{ref: "+p.ref+", readOnly: true,", 1)
		}
	}
	lines := strings.Split(text, "\n")
	for _, e := range m.joins {
		for i, line := range lines {
			if m.optional[e] && line == fmt.Sprintf("  - {part: %s, field: %s, references: {part: %s, field: Id}}", e.part, e.field, e.reference) {
				lines[i] = strings.TrimSuffix(line, "}") + ", optional: true}"
			}
		}
	}
	return strings.Join(lines, "\n")
}

func (m *writeModel) input() pattern.Input {
	var in pattern.Input
	for i, p := range m.parts {
		for _, field := range []string{"Id", "Name", "Size"} {
			if v, ok := m.inputs[i][field]; ok {
				in = append(in, pattern.Value{Part: p.ref, Field: field, Data: v})
			}
		}
	}
	return in
}

// show gives a record's fields in one form for model and service.
func show(fields map[string]any) map[string]any {
	out := map[string]any{}
	for name, v := range fields {
		switch v := v.(type) {
		case link:
			out[name] = v.id
		case []link:
			ids := []string{}
			for _, l := range v {
				ids = append(ids, l.id)
			}
			slices.Sort(ids)
			out[name] = ids
		case []any:
			ids := []string{}
			for _, item := range v {
				ids = append(ids, item.(map[string]any)["Id"].(string))
			}
			slices.Sort(ids)
			out[name] = ids
		default:
			if v != nil && !strings.HasPrefix(name, "_") && name != "Id" {
				out[name] = v
			}
		}
		if ids, ok := out[name].([]string); ok && len(ids) == 0 {
			delete(out, name)
		}
	}
	return out
}

// TestCreatesAreWhatTheModelSays draws patterns, data and inputs, creates
// through planner, client and simulator, reads back what is there and compares
// with the model.
func TestCreatesAreWhatTheModelSays(t *testing.T) {
	world()
	rapid.Check(t, func(t *rapid.T) {
		m := drawWrite(t)
		_, patterns, problems := decodeAll("random.yaml", worldDefinitions+m.yaml())
		if len(problems) > 0 {
			t.Fatalf("%v\n%s", problems, m.yaml())
		}
		p := patterns[0].With(bound)
		_, c, stop := startServer()
		defer stop()
		if cs := m.changeSet(world()); len(cs.Writes) > 0 {
			if _, err := c.Apply(background, cs); err != nil {
				t.Fatalf("seed: %v", err)
			}
		}
		m.run()
		plan, err := create(p, c, m.input())
		var refused *pattern.Error
		if (err != nil) != (m.failed != "") || err != nil && !errors.As(err, &refused) {
			t.Fatalf("model: %q, plan: %v\n%s\n%v", m.failed, err, m.yaml(), m.input())
		}
		if err != nil {
			return
		}
		result := plan.Result()
		for i, part := range m.parts {
			records := result[part.ref].([]any)
			if len(records) != len(m.made[i]) {
				t.Fatalf("%s: %d records, the model has %d\n%s\n%v", part.ref, len(records), len(m.made[i]), m.yaml(), m.input())
			}
			for k, want := range m.made[i] {
				rec := records[k].(map[string]any)
				if rec["Id"] != want.id {
					t.Fatalf("%s[%d] is %v, not %v\n%s\n%v", part.ref, k, rec["Id"], want.id, m.yaml(), m.input())
				}
				if m.readOnly[i] {
					continue
				}
				for what, have := range map[string]map[string]any{"result": rec, "stored": readBack(t, c, part.table, want.id)} {
					if d := cmp.Diff(show(want.fields), show(have)); d != "" {
						t.Fatalf("%s[%d], %s (-model):\n%s\n%s\n%v", part.ref, k, what, d, m.yaml(), m.input())
					}
				}
			}
		}
	})
}

func create(p *pattern.Pattern, c *dataverse.Client, in pattern.Input) (*pattern.WritePlan, error) {
	o := pattern.Options{NewID: func(part string, i int) dataverse.GUID { return dataverse.GUID(newID(part, i)) }}
	if err := p.Check(pattern.Create, in, o); err != nil {
		return nil, err
	}
	l, err := p.Lookup(pattern.Create, in, o)
	if err != nil {
		return nil, err
	}
	var failed error
	if _, _, err := run(l, func(q *dataverse.Query) []dataverse.Record {
		rows := c.QueryAll(background, []*dataverse.Query{q})[0]
		failed = errors.Join(failed, rows.Err)
		return rows.Records
	}); err != nil || failed != nil {
		return nil, errors.Join(err, failed)
	}
	plan, err := p.Write(pattern.Create, in, l, o)
	if err != nil || len(plan.ChangeSet.Writes) == 0 {
		return plan, err
	}
	_, err = c.Apply(background, plan.ChangeSet)
	return plan, err
}

// readBack reads a record as playbooks see it.
func readBack(t *rapid.T, c *dataverse.Client, table, id string) map[string]any {
	d := world()[table]
	q := &dataverse.Query{
		EntitySet: d.EntitySet, Table: d.Table, Select: d.Columns(), Annotations: true,
		Filter: dataverse.Compare{Column: d.PrimaryKey, Op: dataverse.Eq, Value: dataverse.GUID(id)},
	}
	if x, ok := d.PartiesExpand(); ok {
		q.Expand = []dataverse.Expand{x}
	}
	rows := c.QueryAll(background, []*dataverse.Query{q})[0]
	if rows.Err != nil || len(rows.Records) != 1 {
		t.Fatalf("read back %s: %d rows, %v", table, len(rows.Records), rows.Err)
	}
	return d.Read(rows.Records[0])
}
