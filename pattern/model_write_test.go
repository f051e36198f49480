package pattern_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/andmoneyaps/engage-playbooks/pattern"
)

// This file is the reference model of create, update and upsert: what section
// 3 of the specification says of each part, one after the other, done to a
// list of records.

// writeModel is a pattern, its data and the inputs of one write. run changes
// the records, or says why the write must fail.
type writeModel struct {
	*model
	op pattern.Operation
	// inputs holds, by part, a value for each field: as in modelRecord, nil,
	// or a fan. A value of _etag is fresh or stale.
	inputs []map[string]any
	// made is what others may reference, by part; sent the fields that were
	// sent for each.
	made   [][]*modelRecord
	sent   [][]map[string]any
	failed string
	// leftOut: a part is not written because what it requires is absent. The
	// engine, which checks before it looks anything up, may refuse its inputs.
	leftOut bool
	before  []*modelRecord
	// written are the records whose version is another by now.
	written map[string]bool
}

// fan is one value for each instance of a part.
type fan []any

const fresh, stale = "fresh", "stale"

// worldFields and worldKeys are what the definitions of the world say.
var (
	worldFields = map[string][]string{
		"account":     {"Name", "Size", "Primary"},
		"contact":     {"Name", "Size", "Parent"},
		"appointment": {"Name", "Size", "Regarding", "Attendees", "Guests"},
		"annotation":  {"Name", "Regarding"},
	}
	worldKeys = map[string][][]string{
		"account":    {{"Name"}},
		"contact":    {{"Name", "Size"}, {"Size"}},
		"annotation": {{"Regarding", "Name"}},
	}
)

func (m *writeModel) required(i int, field string) bool {
	return m.parts[i].table == "account" && field == "Name"
}

func (m *writeModel) run() {
	m.made, m.sent = make([][]*modelRecord, len(m.parts)), make([][]map[string]any, len(m.parts))
	m.written = map[string]bool{}
	before := m.records // what is looked up is looked up before anything is written
	m.before, m.records = before, slices.Clone(before)
	for i := range m.parts {
		if m.parts[i].readOnly {
			m.find(i)
		} else {
			m.write(i)
		}
		if m.failed != "" {
			m.records = before
			return
		}
	}
}

// find gives a read-only part its records.
func (m *writeModel) find(i int) {
	p := m.parts[i]
	if len(m.inputs[i]) == 0 && m.op != pattern.Create {
		return // nobody needs it, or who does finds that it is absent
	}
	field, given := "Name", m.inputs[i]["Name"]
	if id := m.inputs[i]["Id"]; id != nil {
		field, given = "Id", id
	}
	items, list := given.(fan)
	if !list {
		items = fan{given}
	}
	for _, item := range items {
		if item == nil {
			continue
		}
		var found []*modelRecord
		for _, r := range m.before {
			have := r.fields["Name"]
			if field == "Id" {
				have = r.id
			}
			if r.table == p.table && same(have, item) {
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

// same compares as the service does: texts without case, no value with none.
func same(a, b any) bool {
	x, okX := a.(string)
	y, okY := b.(string)
	return a != nil && (a == b || okX && okY && strings.EqualFold(x, y))
}

// write plans and does the instances of a part that is written.
func (m *writeModel) write(i int) {
	p, in := m.parts[i], m.inputs[i]
	has, idOnly := false, m.op == pattern.Update
	for field, v := range in {
		has = has || v != nil || m.op != pattern.Create
		idOnly = idOnly && (field == "Id" || field == "_etag")
	}
	if !has && (p.optional || m.op == pattern.Update) {
		return
	}
	n := 1
	var lists []int
	for _, v := range in {
		if items, ok := v.(fan); ok {
			lists = append(lists, len(items))
		}
	}
	given := len(lists)
	var set []modelJoin
	skipped := map[string]bool{}
	for _, e := range m.joins {
		if e.part != p.ref || idOnly {
			continue
		}
		made := m.made[m.index(e.reference)]
		switch {
		case len(made) == 0 && e.optional:
			skipped[e.field] = true
		case len(made) == 0 && p.optional:
			if !allSame(lists[:given]) {
				m.failed = "lists of different length"
			}
			m.leftOut = true
			return
		case len(made) == 0:
			m.failed = "a part is absent"
			return
		default:
			set = append(set, e)
			if m.parts[m.index(e.reference)].multiple && !isParties(e.field) {
				lists = append(lists, len(made))
			}
		}
	}
	if !allSame(lists) {
		m.failed = "lists of different length"
		return
	}
	if len(lists) > 0 {
		n = lists[0]
	}
	for k := range n {
		m.instance(i, k, idOnly, set, skipped)
		if m.failed != "" {
			return
		}
	}
}

func allSame(ns []int) bool {
	for _, n := range ns {
		if n != ns[0] {
			return false
		}
	}
	return true
}

// at is the input of a field for the k-th instance.
func (m *writeModel) at(i, k int, field string) (any, bool) {
	v, ok := m.inputs[i][field]
	if items, list := v.(fan); list {
		if k >= len(items) {
			return nil, ok
		}
		v = items[k]
	}
	if v == json.Number("2.0") {
		v = json.Number("2")
	}
	return v, ok
}

// instance writes the k-th record of a part.
func (m *writeModel) instance(i, k int, idOnly bool, set []modelJoin, skipped map[string]bool) {
	fields := map[string]any{}
	if !idOnly {
		for _, field := range worldFields[m.parts[i].table] {
			v, ok := m.value(i, k, field, set, skipped)
			if ok {
				fields[field] = v
			}
			if v == nil && m.required(i, field) && (m.op != pattern.Update) {
				m.failed = "a required field has no value"
				return
			}
		}
	}
	id, _ := m.at(i, k, "Id")
	switch m.op {
	case pattern.Create:
		id = newID(m.parts[i].ref, k)
	case pattern.Update:
		if id == nil {
			m.failed = "no Id"
			return
		}
	case pattern.Upsert:
		if id == nil {
			if id = m.byKey(i, k, fields); m.failed != "" {
				return
			}
		}
	}
	at := slices.IndexFunc(m.records, func(r *modelRecord) bool { return r.id == id && r.table == m.parts[i].table })
	rec := &modelRecord{id: id.(string), table: m.parts[i].table, fields: map[string]any{}}
	if at >= 0 {
		for f, v := range m.records[at].fields {
			rec.fields[f] = v
		}
	}
	m.made[i] = append(m.made[i], rec)
	m.sent[i] = append(m.sent[i], fields)
	if m.op == pattern.Update && len(fields) == 0 {
		return
	}
	tag, _ := m.at(i, k, "_etag")
	switch {
	case m.op == pattern.Update && at < 0:
		m.failed = "an update creates nothing"
	case tag == stale || tag == fresh && m.written[rec.id]:
		m.failed = "somebody changed the record since"
	}
	for field, v := range fields {
		rec.fields[field] = v
		for _, to := range append(asLinks(v), link{}) {
			known := func(r *modelRecord) bool { return r.id == to.id && r.table == to.table }
			if to.table != "" && !slices.ContainsFunc(m.records, known) {
				m.failed = "a link to a record that is not there"
			}
		}
	}
	m.written[rec.id] = true
	if at < 0 {
		m.records = append(m.records, rec)
	} else {
		m.records[at] = rec
	}
}

func asLinks(v any) []link {
	switch v := v.(type) {
	case link:
		return []link{v}
	case []link:
		return slices.Clone(v)
	}
	return nil
}

// value is requirement, else input, else default.
func (m *writeModel) value(i, k int, field string, set []modelJoin, skipped map[string]bool) (any, bool) {
	var parties []link
	bound := false
	for _, e := range set {
		if e.field != field {
			continue
		}
		j := m.index(e.reference)
		to := m.made[j]
		if !isParties(field) {
			r := to[0]
			if m.parts[j].multiple {
				r = to[k]
			}
			return link{r.id, r.table}, true
		}
		bound = true
		for _, r := range to {
			parties = append(parties, link{r.id, r.table})
		}
	}
	if bound {
		return parties, true
	}
	if skipped[field] {
		return nil, false
	}
	v, given := m.at(i, k, field)
	if given && (v != nil || m.op != pattern.Create) {
		return v, true
	}
	if name := m.parts[i].name; field == "Name" && name != "" && m.op != pattern.Update {
		return name, true
	}
	return nil, false
}

// byKey is the id of the record that has the values of the first key whose
// fields all have one, else a new id.
func (m *writeModel) byKey(i, k int, fields map[string]any) any {
	for _, key := range worldKeys[m.parts[i].table] {
		if slices.ContainsFunc(key, func(field string) bool { return fields[field] == nil }) {
			continue
		}
		var found []*modelRecord
		for _, r := range m.before {
			if r.table == m.parts[i].table && !slices.ContainsFunc(key, func(f string) bool { return !same(r.fields[f], fields[f]) }) {
				found = append(found, r)
			}
		}
		switch len(found) {
		case 0:
			return newID(m.parts[i].ref, k)
		case 1:
			return found[0].id
		}
		m.failed = "several have the values of the key"
		return nil
	}
	m.failed = "neither Id nor key"
	return nil
}

func newID(part string, i int) string {
	return fmt.Sprintf("ffffffff-0000-4000-8000-%08x%04x", part[1], i)
}
