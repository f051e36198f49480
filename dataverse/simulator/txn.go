package simulator

import (
	"net/http"
	"slices"
	"strings"
)

// txn changes the store. Everything it does is undone in reverse if it fails.
type txn struct {
	view
	undo         []func()
	version, seq int64
}

func (tx *txn) rollback() {
	for _, fn := range slices.Backward(tx.undo) {
		fn()
	}
	tx.store.version, tx.store.seq = tx.version, tx.seq
}

func (tx *txn) nextVersion() int64 {
	tx.store.version++
	return tx.store.version
}

// draft is the values of a row while a message works on it: all columns by
// ordinal, and which of them the message sets.
type draft struct {
	table *Table
	vals  []any
	set   []bool
}

func newDraft(t *Table) *draft {
	return &draft{table: t, vals: make([]any, len(t.Columns)), set: make([]bool, len(t.Columns))}
}

// draftOf starts from a row's values, none of them set.
func draftOf(r *record) *draft {
	d := newDraft(r.table)
	for i, o := range r.shape.ordinals {
		d.vals[o] = r.vals[i]
	}
	return d
}

func (d *draft) get(c *Column) any { return d.vals[c.ordinal] }

func (d *draft) isSet(c *Column) bool { return c != nil && d.set[c.ordinal] }

func (d *draft) put(c *Column, v any) {
	d.vals[c.ordinal] = v
	d.set[c.ordinal] = true
}

// pack gives the draft's values as a record keeps them.
func (d *draft) pack(ts *tableStore) (*shape, []any) {
	var ordinals [512]uint16
	list := ordinals[:0]
	for i, v := range d.vals {
		if v != nil && d.table.Columns[i].system != sysPrimary && d.table.Columns[i].system != sysVersion {
			list = append(list, uint16(i))
		}
	}
	vals := make([]any, len(list))
	for i, o := range list {
		vals[i] = ts.share(d.vals[o])
	}
	return ts.shapeOf(list), vals
}

// share gives an equal short text that the table holds already, if it does.
func (ts *tableStore) share(v any) any {
	s, ok := v.(string)
	if !ok || len(s) > 32 {
		return v
	}
	if old, ok := ts.shared[s]; ok {
		return old
	}
	if len(ts.shared) < maxShared {
		ts.shared[s] = v
	}
	return v
}

// insert adds a row with the values of d.
func (tx *txn) insert(t *Table, id guid, d *draft) (*record, error) {
	ts := tx.table(t)
	if ts.byID[id] != nil {
		return nil, failf(http.StatusPreconditionFailed, codeDuplicate, "Cannot insert duplicate key.") // DV053
	}
	r := &record{table: t, id: id}
	r.shape, r.vals = d.pack(ts)
	if err := ts.checkKeys(r, r.shape, r.vals); err != nil {
		return nil, err
	}
	tx.store.seq++
	r.seq = tx.store.seq
	r.version = tx.nextVersion()
	ts.add(r)
	tx.undo = append(tx.undo, func() { ts.remove(r) })
	return r, nil
}

// update gives a row the values of d and a new version.
func (tx *txn) update(r *record, d *draft) error {
	ts := tx.table(r.table)
	newShape, vals := d.pack(ts)
	if err := ts.checkKeys(r, newShape, vals); err != nil {
		return err
	}
	shape, old, version := r.shape, r.vals, r.version
	ts.replace(r, newShape, vals)
	r.version = tx.nextVersion()
	tx.undo = append(tx.undo, func() {
		ts.replace(r, shape, old)
		r.version = version
	})
	return nil
}

// delete removes a row and its many-to-many links.
func (tx *txn) delete(r *record) {
	ts := tx.table(r.table)
	for _, nav := range r.table.navs {
		if nav.many == nil {
			continue
		}
		for _, other := range slices.Clone(tx.linked(nav.many, nav.second, r.id)) {
			if nav.second {
				tx.unlink(nav.many, other, r.id)
			} else {
				tx.unlink(nav.many, r.id, other)
			}
		}
	}
	ts.remove(r)
	tx.undo = append(tx.undo, func() { ts.add(r) })
}

// link pairs a row of the first table with one of the second; it reports
// false if they were already.
func (tx *txn) link(m *ManyToMany, one, two guid) bool {
	l := tx.store.links[m.ordinal]
	if slices.Contains(l.forward[one], two) {
		return false
	}
	l.add(one, two)
	tx.undo = append(tx.undo, func() { l.remove(one, two) })
	return true
}

// unlink parts a pair; it reports false if there was none.
func (tx *txn) unlink(m *ManyToMany, one, two guid) bool {
	l := tx.store.links[m.ordinal]
	if !slices.Contains(l.forward[one], two) {
		return false
	}
	l.remove(one, two)
	tx.undo = append(tx.undo, func() { l.add(one, two) })
	return true
}

func (l *linkStore) add(one, two guid) {
	l.forward[one] = append(l.forward[one], two)
	l.back[two] = append(l.back[two], one)
}

func (l *linkStore) remove(one, two guid) {
	drop := func(m map[guid][]guid, k, v guid) {
		s := slices.DeleteFunc(slices.Clone(m[k]), func(g guid) bool { return g == v })
		if len(s) == 0 {
			delete(m, k)
		} else {
			m[k] = s
		}
	}
	drop(l.forward, one, two)
	drop(l.back, two, one)
}

func (ts *tableStore) keyOf(n int, shape *shape, vals []any) (string, bool) {
	k := ts.table.Keys[n]
	list := make([]any, len(k.columns))
	probe := record{table: ts.table, shape: shape, vals: vals}
	for i, c := range k.columns {
		list[i] = probe.get(c)
	}
	return keyText(list)
}

// checkKeys refuses values that another row has under an alternate key.
func (ts *tableStore) checkKeys(r *record, shape *shape, vals []any) error {
	for n, k := range ts.table.Keys {
		text, ok := ts.keyOf(n, shape, vals)
		if !ok {
			continue
		}
		if other := ts.keys[n][text]; other != nil && other != r {
			names := make([]string, len(k.columns))
			for i, c := range k.columns {
				names[i] = c.DisplayName
			}
			return failf(http.StatusPreconditionFailed, codeDuplicateKey, // DV054
				"Entity Key %s violated. A record with the same value for %s already exists. A duplicate record cannot be created. Select one or more unique values and try again.",
				k.SchemaName, strings.Join(names, ", "))
		}
	}
	return nil
}

// add puts a row in its place and into all indexes.
func (ts *tableStore) add(r *record) {
	ts.rows = insertBySeq(ts.rows, r)
	ts.byID[r.id] = r
	ts.indexRow(r)
}

func (ts *tableStore) remove(r *record) {
	ts.rows = removeBySeq(ts.rows, r)
	delete(ts.byID, r.id)
	ts.unindexRow(r)
}

// replace gives a row other values. A lookup that stays as it was keeps its
// place in the index, so that a common owner costs an update nothing.
func (ts *tableStore) replace(r *record, shape *shape, vals []any) {
	old := *r
	for n := range ts.keys {
		if text, ok := ts.keyOf(n, r.shape, r.vals); ok && ts.keys[n][text] == r {
			delete(ts.keys[n], text)
		}
	}
	r.shape, r.vals = shape, vals
	for ordinal := range ts.lookups {
		col := ts.table.Columns[ordinal]
		was, had := old.ref(col)
		now, has := r.ref(col)
		if had == has && was.id == now.id {
			continue
		}
		if had {
			ts.dropFromIndex(ordinal, was.id, r)
		}
		if has {
			ts.addToIndex(ordinal, now.id, r)
		}
	}
	for n := range ts.keys {
		if text, ok := ts.keyOf(n, r.shape, r.vals); ok {
			ts.keys[n][text] = r
		}
	}
}

func (ts *tableStore) addToIndex(ordinal int, id guid, r *record) {
	m := ts.lookups[ordinal]
	if m == nil {
		m = map[guid][]*record{}
		ts.lookups[ordinal] = m
	}
	m[id] = insertBySeq(m[id], r)
}

func (ts *tableStore) dropFromIndex(ordinal int, id guid, r *record) {
	m := ts.lookups[ordinal]
	if s := removeBySeq(m[id], r); len(s) > 0 {
		m[id] = s
	} else {
		delete(m, id)
	}
}

func (ts *tableStore) indexRow(r *record) {
	for i, o := range r.shape.ordinals {
		x, ok := r.vals[i].(ref)
		if !ok || !ts.table.Columns[o].indexed {
			continue
		}
		ts.addToIndex(int(o), x.id, r)
	}
	for n := range ts.keys {
		if text, ok := ts.keyOf(n, r.shape, r.vals); ok {
			ts.keys[n][text] = r
		}
	}
}

func (ts *tableStore) unindexRow(r *record) {
	for i, o := range r.shape.ordinals {
		x, ok := r.vals[i].(ref)
		if !ok || !ts.table.Columns[o].indexed {
			continue
		}
		ts.dropFromIndex(int(o), x.id, r)
	}
	for n := range ts.keys {
		if text, ok := ts.keyOf(n, r.shape, r.vals); ok && ts.keys[n][text] == r {
			delete(ts.keys[n], text)
		}
	}
}

func insertBySeq(s []*record, r *record) []*record {
	if n := len(s); n == 0 || s[n-1].seq < r.seq {
		return append(s, r)
	}
	i, _ := slices.BinarySearchFunc(s, r, bySeq)
	return slices.Insert(s, i, r)
}

func removeBySeq(s []*record, r *record) []*record {
	if i, ok := slices.BinarySearchFunc(s, r, bySeq); ok {
		return slices.Delete(s, i, i+1)
	}
	return s
}
