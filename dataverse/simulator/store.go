package simulator

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strings"
	"sync"
)

// store holds all rows. Reads share it, a write has it alone; a write that
// fails leaves nothing behind, neither rows nor versions (DV020).
type store struct {
	mu      sync.RWMutex
	tables  []*tableStore // by ordinal of the table
	links   []*linkStore  // by ordinal of the many-to-many relationship
	version int64
	seq     int64
}

// record is a row. Its columns are values by shape: rows with the same set of
// columns share one, so that a row costs what it holds. vals is never changed
// in place, only replaced.
type record struct {
	table   *Table
	id      guid
	seq     int64 // order of creation, over all tables
	version int64
	shape   *shape
	vals    []any
}

// shape is a set of columns, by ordinal.
type shape struct {
	ordinals []uint16
	pos      []int16 // by ordinal; -1 or beyond the end: no value
}

// get gives the value of a column, or nil. The column may belong to
// activitypointer and the record to an activity: ordinals agree.
func (r *record) get(c *Column) any {
	switch c.system {
	case sysPrimary:
		return r.id
	case sysVersion:
		return r.version
	}
	if c.ordinal >= len(r.shape.pos) {
		return nil
	}
	if i := r.shape.pos[c.ordinal]; i >= 0 {
		return r.vals[i]
	}
	return nil
}

// ref gives a lookup's value.
func (r *record) ref(c *Column) (ref, bool) {
	v, ok := r.get(c).(ref)
	return v, ok
}

// tableStore is the rows of one table.
type tableStore struct {
	table   *Table
	rows    []*record // in order of creation
	byID    map[guid]*record
	lookups map[int]map[guid][]*record // by ordinal of an indexed lookup; rows in order of creation
	keys    []map[string]*record       // by number of the alternate key
	shapes  map[string]*shape
	shared  map[string]any // short texts that many rows have
}

// linkStore is the pairs of one many-to-many relationship.
type linkStore struct {
	forward, back map[guid][]guid
}

func newStore(s *Schema) *store {
	st := &store{tables: make([]*tableStore, len(s.tables)), links: make([]*linkStore, len(s.many))}
	for i, t := range s.tables {
		ts := &tableStore{table: t, byID: map[guid]*record{}, lookups: map[int]map[guid][]*record{}, shapes: map[string]*shape{}, shared: map[string]any{}}
		for _, c := range t.Columns {
			if c.indexed {
				ts.lookups[c.ordinal] = nil
			}
		}
		for range t.Keys {
			ts.keys = append(ts.keys, map[string]*record{})
		}
		st.tables[i] = ts
	}
	for i := range s.many {
		st.links[i] = &linkStore{forward: map[guid][]guid{}, back: map[guid][]guid{}}
	}
	return st
}

// read calls fn with a view that does not change meanwhile.
func (s *store) read(fn func(*view) error) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return fn(&view{s})
}

// write calls fn with a transaction, and undoes all that it did if it returns
// an error or panics.
func (s *store) write(fn func(*txn) error) (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	tx := &txn{view: view{s}, version: s.version, seq: s.seq}
	done := false
	defer func() {
		if !done || err != nil {
			tx.rollback()
		}
	}()
	err = fn(tx)
	done = true
	return err
}

// view reads the store.
type view struct{ store *store }

func (v *view) table(t *Table) *tableStore { return v.store.tables[t.ordinal] }

// get gives a row by id, or nil. For activitypointer it is a row of whatever
// activity has the id.
func (v *view) get(t *Table, id guid) *record {
	if t.LogicalName == "activitypointer" {
		for _, ts := range v.store.tables {
			if ts.table.Activity {
				if r := ts.byID[id]; r != nil {
					return r
				}
			}
		}
		return nil
	}
	return v.table(t).byID[id]
}

// target gives the row that a lookup points at, or nil.
func (v *view) target(r ref) *record {
	if r.table == nil {
		return nil
	}
	return v.get(r.table, r.id)
}

// rows gives all rows of a table in order of creation. The slice must not be
// changed or kept.
func (v *view) rows(t *Table) []*record {
	if t.LogicalName != "activitypointer" {
		return v.table(t).rows
	}
	var all []*record
	for _, ts := range v.store.tables {
		if ts.table.Activity {
			all = append(all, ts.rows...)
		}
	}
	slices.SortFunc(all, bySeq)
	return all
}

// referencing gives the rows whose lookup c points at id, in order of
// creation. The slice must not be changed or kept.
func (v *view) referencing(c *Column, id guid) []*record {
	if c.table.LogicalName == "activitypointer" {
		var all []*record
		for _, ts := range v.store.tables {
			if ts.table.Activity {
				all = append(all, v.referencing(ts.table.Columns[c.ordinal], id)...)
			}
		}
		slices.SortFunc(all, bySeq)
		return all
	}
	if c.indexed {
		return v.table(c.table).lookups[c.ordinal][id]
	}
	var all []*record
	for _, r := range v.table(c.table).rows {
		if x, ok := r.ref(c); ok && x.id == id {
			all = append(all, r)
		}
	}
	return all
}

// byKey gives the row with the values of an alternate key, or nil.
func (v *view) byKey(t *Table, key int, values []any) *record {
	text, ok := keyText(values)
	if !ok {
		return nil
	}
	return v.table(t).keys[key][text]
}

// linked gives the ids on the other side of a many-to-many relationship.
func (v *view) linked(m *ManyToMany, second bool, id guid) []guid {
	if second {
		return v.store.links[m.ordinal].back[id]
	}
	return v.store.links[m.ordinal].forward[id]
}

func bySeq(a, b *record) int { return cmp.Compare(a.seq, b.seq) }

// keyText is the text form of the values of a key; texts compare without
// case. A key with a null is not kept (DV055).
func keyText(values []any) (string, bool) {
	var b strings.Builder
	for _, x := range values {
		switch x := x.(type) {
		case nil:
			return "", false
		case string:
			b.WriteString(strings.ToLower(x))
		case ref:
			b.WriteString(x.id.String())
		case guid:
			b.WriteString(x.String())
		default:
			b.Write(appendJSON(nil, x, nil))
		}
		b.WriteByte(0)
	}
	return b.String(), true
}

// shapeOf gives the shape with these ordinals, which must be ascending.
func (ts *tableStore) shapeOf(ordinals []uint16) *shape {
	key := make([]byte, 0, 64)
	for _, o := range ordinals {
		key = binary.BigEndian.AppendUint16(key, o)
	}
	if s := ts.shapes[string(key)]; s != nil {
		return s
	}
	s := &shape{ordinals: slices.Clone(ordinals)}
	if n := len(ordinals); n > 0 {
		s.pos = make([]int16, ordinals[n-1]+1)
	}
	for i := range s.pos {
		s.pos[i] = -1
	}
	for i, o := range ordinals {
		s.pos[o] = int16(i)
	}
	if len(ts.shapes) < maxShapes {
		ts.shapes[string(key)] = s
	}
	return s
}

const (
	// maxShapes and maxShared bound what a table remembers; rows beyond
	// have their own.
	maxShapes = 4096
	maxShared = 16384
)
