package pattern

import (
	"iter"
	"strconv"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/entity"
)

// Pieces is a write in bulk of which only what is being sent is planned at a
// time. All of it is checked when it is made.
type Pieces struct {
	// Parts are those with records to write, each after those it requires.
	Parts []*Piece
	// Warnings and Linked are those of a [WritePlan].
	Warnings []Warning
	Linked   []Linked

	writer *writer
	lists  [][]any // of the result, by part
}

// Piece is the records of one part, with one write each. No two are of one row,
// and none links to another.
type Piece struct {
	Table     string
	Operation Operation
	// Len is how many there are.
	Len int

	pieces  *Pieces
	part    *Part
	sources []source
	// columns are those of all records, if all have the same.
	columns []string
}

// Pieces plans a write in bulk in pieces, with the errors of [Pattern.Write];
// linked says that Linked is wanted. It is nil where that cannot be done: where
// writes of one part are of one row, or link to each other's, a record takes
// several, or Options.NewID does not give the ids of those that are created,
// always the same one for a record.
func (p *Pattern) Pieces(op Operation, in Input, found *Lookup, o Options, linked bool) (*Pieces, error) {
	if err := p.runnable(); err != nil {
		return nil, err
	}
	w, err := p.writer(op, in, found, o)
	if err != nil {
		return nil, err
	}
	w.pieces, w.unlinked = &Pieces{writer: w, lists: make([][]any, len(p.Parts))}, !linked
	if err := w.parts(); err != nil || w.whole {
		return nil, err
	}
	w.pieces.Warnings, w.pieces.Linked = w.plan.Warnings, w.plan.Linked
	w.unlinked, w.raw, w.linked, w.spare = true, false, nil, draft{}
	return w.pieces, nil
}

// outline checks the records of a part, and keeps nothing of them but what
// others take.
func (w *writer) outline(part *Part, n int, sources []source) error {
	if !w.divisible(part, sources) {
		w.whole = true
		return nil
	}
	kept := part.hasValueReferences()
	w.raw = !kept
	rows := map[dataverse.GUID]bool{}
	for i := range n {
		id, given, err := w.givenID(part, i)
		if err != nil {
			return err
		}
		d := w.scratch()
		if kept {
			if !given {
				id.guid = w.newID(part, i)
			}
			d.values = w.referenced(part, id.data()).values
		}
		if err := w.draft(part, i, id.text(), sources, d); err != nil {
			return err
		}
		if given { // new ids differ from all others
			w.whole = w.whole || rows[id.guid]
			rows[id.guid] = true
		}
		if w.whole = w.whole || linksTo(&d.write, part.Entity.EntitySet); w.whole {
			return nil
		}
		if w.op == Update {
			w.link(part, id.data(), true)
		}
	}
	w.counts[part.index] = n
	w.pieces.lists[part.index] = make([]any, n)
	piece := &Piece{Table: part.Entity.Table, Operation: w.op, Len: n, pieces: w.pieces, part: part, sources: sources}
	piece.columns = piece.always()
	w.pieces.Parts = append(w.pieces.Parts, piece)
	return nil
}

// divisible reports whether each record of a part takes one write, with an id
// that is known.
func (w *writer) divisible(part *Part, sources []source) bool {
	if w.op != Update && w.newID(part, 0) == "" {
		return false
	}
	for i := range sources {
		if w.op != Create && sources[i].field.Type == entity.TypePartyList {
			return false
		}
	}
	return true
}

// linksTo reports whether the write links to a row of the set, or to what
// another write makes.
func linksTo(w *dataverse.Write, set string) bool {
	for i := range w.Body {
		switch v := w.Body[i].Value.(type) {
		case dataverse.Bind:
			if v.EntitySet == set || v.Ref != 0 {
				return true
			}
		case dataverse.Parties:
			for k := range v {
				if v[k].Target.EntitySet == set || v[k].Target.Ref != 0 {
					return true
				}
			}
		}
	}
	return false
}

// Fill makes the writes of the records from first on, one for each element of
// writes, whose bodies' memory is used again, and their records in the result.
// It may be called for other records at the same time.
func (p *Piece) Fill(writes []dataverse.Write, first int) {
	w := p.pieces.writer
	names := p.names(first, len(writes))
	list := p.pieces.lists[p.part.index]
	ids := packed{piece: len(writes) * len("00000000-0000-0000-0000-000000000000")} // of new records, which the result keeps
	var slab []dataverse.Property                                                   // for those that have no memory yet
	for k := range writes {
		i, n := first+k, len(p.sources)
		if cap(writes[k].Body) < n {
			if len(slab) < n {
				slab = make([]dataverse.Property, (len(writes)-k)*n)
			}
			writes[k].Body, slab = slab[:0:n], slab[n:]
		}
		d := draft{
			fields: make(map[string]any, len(p.sources)+1),
			write:  dataverse.Write{Source: names.at(k), Body: writes[k].Body[:0]},
		}
		id, given, err := w.givenID(p.part, i)
		if !given {
			id.guid = dataverse.GUID(ids.keep(string(w.newID(p.part, i))))
		}
		if err == nil {
			err = w.draft(p.part, i, id.text(), p.sources, &d)
		}
		if err != nil { // it was none when all was checked: nothing is sent
			d.write = dataverse.Write{Table: p.Table, Source: names.at(k)}
		}
		d.fields[entity.IDField] = string(id.guid)
		writes[k], list[i] = d.write, d.fields
	}
}

// ID is the id of the i-th record, once its write was made.
func (p *Piece) ID(i int) string {
	fields, _ := p.pieces.lists[p.part.index][i].(map[string]any)
	id, _ := fields[entity.IDField].(string)
	return id
}

// Names are the names of the records, such as "notes[2]", in their order.
func (p *Piece) Names() iter.Seq2[int, string] {
	const window = 1000 // that share one text
	return func(yield func(int, string) bool) {
		for first := 0; first < p.Len; first += window {
			names := p.names(first, min(window, p.Len-first))
			for k := range names.ends {
				if !yield(first+k, names.at(k)) {
					return
				}
			}
		}
	}
}

// names are those of records that follow each other, in one text.
type names struct {
	text string
	ends []int
}

func (p *Piece) names(first, n int) names {
	if !p.part.AllowsMultiple {
		return names{p.part.Ref, []int{len(p.part.Ref)}}
	}
	text := make([]byte, 0, n*(len(p.part.Ref)+len("[]")+len(strconv.Itoa(first+n))))
	ends := make([]int, n)
	for k := range n {
		text = append(append(text, p.part.Ref...), '[')
		text = append(strconv.AppendInt(text, int64(first+k), 10), ']')
		ends[k] = len(text)
	}
	return names{string(text), ends}
}

func (n names) at(k int) string {
	from := 0
	if k > 0 {
		from = n.ends[k-1]
	}
	return n.text[from:n.ends[k]]
}

// always gives the columns if all records have the same.
func (p *Piece) always() []string {
	columns := make([]string, 0, len(p.sources))
	for k := range p.sources {
		s := &p.sources[k]
		if p.Operation == Create && !s.ready {
			return nil
		}
		if p.Operation != Create || s.value != nil {
			columns = append(columns, s.field.Column)
		}
	}
	return columns
}

// alike reports whether all records have the same columns, and keeps these.
func (p *Piece) alike() bool {
	first := p.Columns(0, nil)
	for i := 1; p.columns == nil && i < p.Len; i++ {
		if last := p.Columns(i, first); len(last) != len(first) || len(last) > 0 && &last[0] != &first[0] {
			return false
		}
	}
	p.columns = first
	return true
}

// Columns are the columns of the i-th record, in the order sent; last is
// another record's list, which is given again if it is the same.
func (p *Piece) Columns(i int, last []string) []string {
	if p.columns != nil {
		return p.columns
	}
	n, same := 0, true
	sent := func(visit func(column string)) {
		for k := range p.sources {
			s := &p.sources[k]
			v := s.value
			switch {
			case s.ready:
			case len(s.bound) == 0:
				v = s.given(p.Operation, p.part, i)
			default:
				v, _, _ = p.pieces.writer.value(p.part, i, s)
			}
			if v != nil || p.Operation != Create {
				visit(s.field.Column)
			}
		}
	}
	sent(func(column string) {
		same = same && n < len(last) && last[n] == column
		n++
	})
	if same && n == len(last) && last != nil {
		return last
	}
	columns := make([]string, 0, n)
	sent(func(column string) { columns = append(columns, column) })
	return columns
}

// Release lets go of what nothing but Fill needs, which cannot be called any
// more. What Columns needs stays, if records differ in them.
func (p *Pieces) Release() {
	for _, piece := range p.Parts {
		if !piece.alike() {
			return
		}
	}
	p.writer.lookup, p.writer.targets = nil, nil
	p.writer.inputs = nil
	for _, piece := range p.Parts {
		piece.sources = nil
	}
}

// Result is that of the whole write, once all writes were made; see
// [WritePlan.Result].
func (p *Pieces) Result() map[string]any {
	out := p.writer.plan.Result()
	for i, list := range p.lists {
		if list != nil {
			out[p.writer.pattern.Parts[i].Ref] = list
		}
	}
	return out
}
