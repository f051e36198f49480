package pattern

import (
	"strings"
	"sync"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
)

// keyed takes the rows that were found by a key, and notes which instances are
// there already. It holds their ids and no rows.
type keyed struct {
	part    *Part
	found   *finding
	columns []string // of the key, as rows have them
	field   string   // its first, to be blamed
	parties bool     // rows have parties that the write needs

	// first is the first instance with a key, others those that have the same.
	first  map[string]int32
	others map[int32][]int32

	mu   sync.Mutex
	rows int
	// strangers are the rows with a key that no instance has in this form.
	strangers map[string]string
	ids       packed
	err       error
}

func newKeyed(part *Part, f *finding, key []string, tuples []tuple) *keyed {
	k := &keyed{part: part, found: f, field: key[0], ids: packed{piece: 8 << 10}, first: make(map[string]int32, len(tuples))}
	for _, name := range key {
		field, _ := part.Entity.Field(name)
		k.columns = append(k.columns, field.WireColumn())
	}
	parts := make([]string, len(key))
	for i, t := range tuples {
		if t == nil {
			continue
		}
		for j, v := range t {
			parts[j] = wireKey(v)
		}
		text := strings.Join(parts, "\x00")
		first, twice := k.first[text]
		if !twice {
			k.first[text] = int32(i)
			continue
		}
		if k.others == nil {
			k.others = map[int32][]int32{}
		}
		k.others[first] = append(k.others[first], int32(i))
	}
	return k
}

// take notes a row.
func (k *keyed) take(r dataverse.Record) {
	parts := make([]string, len(k.columns))
	for j, column := range k.columns {
		parts[j] = joinKey(r[column])
	}
	text, id := strings.Join(parts, "\x00"), k.part.Entity.IDOf(r)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.rows++
	first, asked := k.first[text]
	known := k.strangers[text]
	if asked {
		known = string(k.found.existing[first])
	}
	switch {
	case known != "" && known != id:
		k.err = errAt("ambiguous", k.part.Ref, k.field, k.part.Pos, "several records of %s have the values of the key", k.part.Entity.Table)
		return
	case known == "" && !asked:
		if k.strangers == nil {
			k.strangers = map[string]string{}
		}
		k.strangers[strings.Clone(text)] = strings.Clone(id)
	}
	if !asked {
		return
	}
	own := dataverse.GUID(k.ids.keep(id))
	k.found.existing[first] = own
	for _, i := range k.others[first] {
		k.found.existing[i] = own
	}
	if k.parties {
		k.found.keep(own, r)
	}
}

// packed keeps copies of short texts, many in one piece of memory.
type packed struct {
	piece int // how much is taken at a time
	b     strings.Builder
}

func (t *packed) keep(s string) string {
	if t.b.Cap()-t.b.Len() < len(s) {
		t.b = strings.Builder{}
		t.b.Grow(max(t.piece, len(s)))
	}
	from := t.b.Len()
	t.b.WriteString(s)
	return t.b.String()[from:]
}

func (f *finding) keep(id dataverse.GUID, r dataverse.Record) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.parties == nil {
		f.parties = map[dataverse.GUID]dataverse.Record{}
	}
	f.parties[id] = r
}
