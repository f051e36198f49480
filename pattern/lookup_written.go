package pattern

import (
	"strings"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/entity"
)

// keyOf is the alternate key by which the i-th record of a part is addressed:
// the first whose fields all have values; nil if there is none. wait says that
// it is not known yet whether an earlier key has.
func (l *Lookup) keyOf(part *Part, i int) (key []string, wait bool) {
	for _, key := range part.Entity.Keys {
		all, open := true, false
		for _, name := range key {
			has, known := l.hasValue(part, name, i)
			all = all && has
			open = open || !known
		}
		if all {
			return key, open
		}
	}
	return nil, false
}

// hasValue reports whether a field of the i-th record gets a value; it may
// still turn out that it does not if known is false.
func (l *Lookup) hasValue(part *Part, name string, i int) (has, known bool) {
	if part.bound(name) != nil {
		known = true
		for _, r := range part.requires {
			if f := l.found[l.pattern.byRef[r.Reference].index]; r.Field == name {
				has = has || !f.settled || !f.absent
				known = known && f.settled
			}
		}
		return has, known
	}
	if v, ok := l.inputs[part.index].get(name); ok {
		f, _ := part.Entity.Field(name)
		return part.at(f, v.Data, i) != nil, true
	}
	_, ok := part.fallback(name)
	return ok, true
}

// findKey settles which records of an upsert are there already. They are
// looked for by filter, so that key values with characters that cannot stand
// in a URL (fact sheet, section 1.3) are no special case, and others can link
// to what is found.
func (l *Lookup) findKey(part *Part, f *finding) error {
	if len(l.inputs[part.index].values) == 0 && part.Optional {
		f.absent, f.settled = true, true
		return nil
	}
	waits := false
	for _, r := range part.requires {
		ref := l.found[l.pattern.byRef[r.Reference].index]
		if ref.settled && ref.absent && !r.Optional {
			f.absent, f.settled = true, true // left out, or refused by the write
			return nil
		}
		waits = waits || !ref.settled
	}
	if !f.asked {
		n, known := l.instances(part)
		if !known {
			return nil
		}
		asked, err := l.askKeys(part, f, n, waits)
		if err != nil || !asked {
			return err
		}
		f.asked = true
		f.absent = n == 0
	}
	f.settled = !waits && !l.pends(part)
	return nil
}

// instances counts the records of a part of an upsert, as the write does.
func (l *Lookup) instances(part *Part) (n int, known bool) {
	if !part.AllowsMultiple {
		return 1, true
	}
	for _, r := range part.requires {
		ref := l.pattern.byRef[r.Reference]
		f, _ := part.Entity.Field(r.Field)
		if !ref.AllowsMultiple || f.Type == entity.TypePartyList {
			continue
		}
		found := l.found[ref.index]
		if !found.settled {
			return 0, false
		}
		if !found.absent {
			return max(len(found.records), len(found.existing)), true
		}
	}
	for _, v := range l.inputs[part.index].values {
		f, _ := part.Entity.Field(v.Field)
		if items, ok := part.spread(f, v.Data); ok {
			return len(items), true
		}
	}
	return 1, true
}

// askKeys queues the questions for the records that are not given by Id, one
// for each key in use, and for the parties of those that are. asked is false
// where values are awaited.
func (l *Lookup) askKeys(part *Part, f *finding, n int, waits bool) (asked bool, err error) {
	byKey := map[string][]tuple{}
	var keys [][]string
	var slab tuple // that tuples are cut from
	for i := range n {
		if _, given := l.givenID(part, i); given {
			continue
		}
		key, wait := l.keyOf(part, i)
		switch {
		case wait || key == nil && waits:
			return false, nil
		case key == nil:
			return false, errAt("upsert-without-key", part.name(i), "", part.Pos, "an Upsert needs its Id, or values for all fields of one of the keys of %s", part.Entity.ID)
		}
		if len(slab)+len(key) > cap(slab) {
			slab = make(tuple, 0, len(key)*min(n-i, 1000))
		}
		t, err := l.tuple(part, key, i, slab[len(slab):len(slab):len(slab)+len(key)])
		if err != nil {
			return false, err
		}
		name := strings.Join(key, "\x00")
		if byKey[name] == nil {
			byKey[name], keys = make([]tuple, n), append(keys, key)
		}
		slab = slab[:len(slab)+len(t)]
		byKey[name][i] = t
	}
	f.existing = make([]dataverse.GUID, n)
	for _, key := range keys {
		l.askKey(part, f, key, byKey[strings.Join(key, "\x00")])
	}
	l.findParties(part, l.ids(part))
	return true, nil
}

func (l *Lookup) askKey(part *Part, f *finding, key []string, tuples []tuple) {
	conditions, columns := part.keyConditions(key, tuples)
	if len(conditions) == 0 {
		return
	}
	// A key finds one record, or the answer is ambiguous: a record more for each
	// shows that. The bound of reads is not one of how much may be upserted.
	q := &question{part: part, max: max(l.options.limit(), 2*len(tuples))}
	for _, c := range conditions {
		query := &dataverse.Query{
			EntitySet: part.Entity.EntitySet, Table: part.Entity.Table, Select: columns, Filter: c,
			OrderBy: []dataverse.Order{{Column: part.Entity.PrimaryKey}}, Source: l.pattern.ID + "." + part.Ref,
		}
		l.addParties(part, query)
		q.queries = append(q.queries, query)
	}
	k := newKeyed(part, f, key, tuples)
	k.parties = len(l.partyFields(part)) > 0
	q.take, q.taken = k.take, func() int { return k.rows }
	q.answer = func(records []dataverse.Record) error {
		for _, r := range records {
			k.take(r)
		}
		return k.err
	}
	l.pending = append(l.pending, q)
}

// tuple is the values of a key for one record; nil if one of them is not known
// in a dry run, or belongs to a record that does not exist yet, so that this
// one cannot either.
type tuple []dataverse.Value

func (l *Lookup) tuple(part *Part, key []string, i int, t tuple) (tuple, error) {
	for _, name := range key {
		field, _ := part.Entity.Field(name)
		data, known := l.keyValue(part, field, i)
		if _, unknown := FindUnknown(data); unknown || !known {
			return nil, nil
		}
		v, err := field.Literal(data)
		if err != nil {
			return nil, errAt(codeOf(err), part.name(i), name, part.Pos, "%s", err)
		}
		if v == nil {
			return nil, errAt("upsert-without-key", part.name(i), name, part.Pos, "is null, but the record is found by it")
		}
		t = append(t, v)
	}
	return t, nil
}

// givenID is the Id input of the i-th record of a written part.
func (l *Lookup) givenID(part *Part, i int) (any, bool) {
	id, ok := l.inputs[part.index].get(entity.IDField)
	if !ok {
		return nil, false
	}
	v := part.at(nil, id.Data, i)
	return v, v != nil
}

// keyValue is the value of a key field for an instance; known is false if it
// belongs to a record that is not there yet.
func (l *Lookup) keyValue(part *Part, f *entity.Field, i int) (data any, known bool) {
	if r := part.bound(f.Name); r != nil {
		ref := l.pattern.byRef[r.Reference]
		found := l.found[ref.index]
		j := 0
		if ref.AllowsMultiple {
			j = i
		}
		switch {
		case j < len(found.records):
			if r.ReferenceField == entity.IDField {
				return idData(found.records[j].id), true
			}
			return found.records[j].values[r.ReferenceField], true
		case r.ReferenceField != entity.IDField:
			if v, ok := l.inputs[ref.index].get(r.ReferenceField); ok {
				rf, _ := ref.Entity.Field(r.ReferenceField)
				return ref.at(rf, v.Data, j), true
			}
			v, ok := ref.fallback(r.ReferenceField)
			return v, ok
		case j < len(found.existing) && found.existing[j] != "":
			return string(found.existing[j]), true
		default:
			if id, ok := l.givenID(ref, j); ok {
				return id, true
			}
		}
		return nil, false
	}
	if v, ok := l.inputs[part.index].get(f.Name); ok {
		return part.at(f, v.Data, i), true
	}
	v, _ := part.fallback(f.Name)
	return v, true
}

// idData is a target's id as input data.
func idData(id any) any {
	if g, ok := id.(dataverse.GUID); ok {
		return string(g)
	}
	return id
}

// keyConditions asks for all tuples in as few queries as their values allow.
func (p *Part) keyConditions(key []string, tuples []tuple) (filters []dataverse.Filter, columns []string) {
	columns = []string{p.Entity.PrimaryKey}
	wire := make([]string, len(key))
	for i, name := range key {
		f, _ := p.Entity.Field(name)
		wire[i] = f.WireColumn()
		columns = appendNew(columns, wire[i])
	}
	if len(key) == 1 {
		var values []dataverse.Value
		seen := distinct{}
		for _, t := range tuples {
			if t != nil && seen.add(t[0]) {
				values = append(values, t[0])
			}
		}
		return ins(wire[0], values), columns
	}
	var or dataverse.Or
	size := 0
	flush := func() {
		switch len(or) {
		case 0:
		case 1:
			filters = append(filters, or[0])
		default:
			filters = append(filters, or)
		}
		or, size = nil, 0
	}
	for _, t := range tuples {
		if t == nil {
			continue
		}
		var and dataverse.And
		for i, v := range t {
			and = append(and, dataverse.Compare{Column: wire[i], Op: dataverse.Eq, Value: v})
			size += valueBytes(v) + len(wire[i])
		}
		or = append(or, and)
		if size > maxInBytes {
			flush()
		}
	}
	flush()
	return filters, columns
}

// ids reads the Id inputs of a written part, as far as they are ids.
func (l *Lookup) ids(part *Part) []dataverse.GUID {
	id, ok := l.inputs[part.index].get(entity.IDField)
	if !ok {
		return nil
	}
	items, list := id.Data.([]any)
	if !list {
		items = []any{id.Data}
	}
	f, _ := part.Entity.Field(entity.IDField)
	var out []dataverse.GUID
	for _, item := range items {
		if v, err := f.Literal(item); err == nil {
			if g, ok := v.(dataverse.GUID); ok {
				out = append(out, g)
			}
		}
	}
	return out
}

// partyFields are the party lists of a part that the write sets.
func (l *Lookup) partyFields(part *Part) []*entity.Field {
	in := l.inputs[part.index]
	var out []*entity.Field
	for _, f := range part.Entity.Fields {
		if _, given := in.get(f.Name); f.Type == entity.TypePartyList && (given || part.bound(f.Name) != nil) {
			out = append(out, f)
		}
	}
	return out
}

func (l *Lookup) addParties(part *Part, q *dataverse.Query) {
	if len(l.partyFields(part)) == 0 {
		return
	}
	if x, ok := part.Entity.PartiesExpand(); ok {
		q.Expand, q.Annotations = append(q.Expand, x), true
	}
}

// findParties asks for the parties of records whose party lists are replaced:
// the service replaces all roles at once (fact sheet, section 3.10), so those
// of the others are sent again.
func (l *Lookup) findParties(part *Part, ids []dataverse.GUID) {
	if len(ids) == 0 || len(l.partyFields(part)) == 0 {
		return
	}
	f := l.found[part.index]
	values := make([]dataverse.Value, len(ids))
	for i, id := range ids {
		values[i] = id
	}
	q := &question{part: part, max: max(l.options.limit(), len(ids))}
	for _, filter := range ins(part.Entity.PrimaryKey, values) {
		query := &dataverse.Query{
			EntitySet: part.Entity.EntitySet, Table: part.Entity.Table, Select: []string{part.Entity.PrimaryKey}, Filter: filter,
			OrderBy: []dataverse.Order{{Column: part.Entity.PrimaryKey}}, Source: l.pattern.ID + "." + part.Ref,
		}
		l.addParties(part, query)
		q.queries = append(q.queries, query)
	}
	q.answer = func(records []dataverse.Record) error {
		for _, r := range records {
			f.keep(dataverse.GUID(part.Entity.IDOf(r)), r)
		}
		return nil
	}
	l.pending = append(l.pending, q)
}
