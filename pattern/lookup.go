package pattern

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/entity"
)

// Lookup finds the records of read-only parts that are given by fields, those
// of an upsert by key that are there already, and the parties that the
// replacement of a party list must keep. It implements [Plan] and needs no
// round if there is nothing to ask.
type Lookup struct {
	pattern *Pattern
	op      Operation
	options Options
	inputs  []*partInput
	found   []*finding // by part
	pending []*question
	asked   int // rounds
}

var _ Plan = (*Lookup)(nil)

// finding is what is known of a part before the write.
type finding struct {
	part *Part
	// records are those of a read-only part, in the order of the list they
	// were found by.
	records []*target
	// absent: the part has none.
	absent  bool
	warning string
	// existing is the id of each instance of an upsert by key, "" for a new
	// one; parties the record behind each instance whose party lists are
	// replaced.
	existing []dataverse.GUID
	parties  map[dataverse.GUID]dataverse.Record
	mu       sync.Mutex // of parties: the answers to several keys come side by side
	// asked: the questions for a written part are queued, or answered.
	asked bool
	// settled: all is known.
	settled bool
}

// target is a record that others may reference: one that is there, or one that
// this change set makes.
type target struct {
	// id is a GUID, an Unknown, or nil for a record whose id the service picks.
	id any
	// ref is the 1-based index of the write that makes it, for a nil id.
	ref int
	// values are the abstract values of its fields, as read or as written.
	values map[string]any
	types  map[string]any
}

// made stands for the id that the service will pick for the record of a write,
// by its 1-based index.
type made int

// data is the id as the value of a link to the record.
func (t *target) data() any {
	if t.id == nil && t.ref > 0 {
		return made(t.ref)
	}
	return idData(t.id)
}

// question is a set of queries that settle one thing about a part.
type question struct {
	part    *Part
	queries []*dataverse.Query
	max     int
	answer  func(records []dataverse.Record) error
	// take, if there is one, has had the rows that are not among the records
	// by then; taken counts them.
	take  func(dataverse.Record)
	taken func() int
}

// Lookup plans what must be asked before a write. It needs the inputs for
// which [Pattern.LookupReads] reports true; others may be left out. The
// pattern's definitions are bound. The error is an [*Error].
func (p *Pattern) Lookup(op Operation, in Input, o Options) (*Lookup, error) {
	if err := p.runnable(); err != nil {
		return nil, err
	}
	inputs, err := p.inputs(op, in)
	if err != nil {
		return nil, err
	}
	l := &Lookup{pattern: p, op: op, options: o, inputs: inputs, found: make([]*finding, len(p.Parts))}
	findings := make([]finding, len(p.Parts))
	for i, part := range p.Parts {
		findings[i].part = part
		l.found[i] = &findings[i]
	}
	if err := l.ask(); err != nil {
		return nil, err
	}
	return l, nil
}

// LookupReads reports whether [Pattern.Lookup] needs the input of the
// destination: those of read-only parts, all of an Upsert, and on Update the
// Id and the party lists of a part whose party lists are replaced.
func (p *Pattern) LookupReads(op Operation, ref, field string) bool {
	part, ok := p.byRef[ref]
	if !ok {
		return false
	}
	if part.ReadOnly || op == Upsert {
		return true
	}
	f, ok := part.Entity.Field(field)
	return op == Update && ok && (f.IsID() || f.Type == entity.TypePartyList)
}

// Next implements [Plan].
func (l *Lookup) Next(answers [][]dataverse.Record) ([]Fetch, error) {
	i := 0
	if l.asked > 0 {
		for _, q := range l.pending {
			var records []dataverse.Record
			for range q.queries {
				if i >= len(answers) {
					return nil, &Error{Code: "wrong-answers", Message: "have fewer answers than queries"}
				}
				records = append(records, answers[i]...)
				i++
			}
			n := len(records)
			if q.taken != nil {
				n += q.taken()
			}
			if n > q.max {
				return nil, errAt("too-many-records", q.part.Ref, "", q.part.Pos, "more than %d records were found", q.max)
			}
			if err := q.answer(records); err != nil {
				return nil, err
			}
		}
		l.pending = nil
		if err := l.ask(); err != nil {
			return nil, err
		}
	}
	if len(l.pending) == 0 {
		return nil, nil
	}
	l.asked++
	var fetches []Fetch
	for _, q := range l.pending {
		for _, query := range q.queries {
			fetches = append(fetches, Fetch{Query: query, Max: q.max, Part: q.part.Ref, Take: q.take})
		}
	}
	return fetches, nil
}

// Rounds implements [Plan].
func (l *Lookup) Rounds() []string {
	var refs []string
	for _, q := range l.pending {
		refs = append(refs, q.part.Ref)
	}
	if len(refs) == 0 {
		return nil
	}
	return []string{"round 1: find " + strings.Join(slices.Compact(refs), ", ")}
}

// ask settles what can be settled and queues the questions for what cannot.
func (l *Lookup) ask() error {
	for _, part := range l.pattern.order {
		f := l.found[part.index]
		if f.settled || l.pends(part) {
			continue
		}
		var err error
		switch {
		case part.ReadOnly:
			err = l.find(part, f)
		case l.op == Upsert:
			err = l.findKey(part, f)
		case l.op == Update:
			if !f.asked {
				l.findParties(part, l.ids(part))
			}
			f.asked, f.settled = true, !l.pends(part)
		default:
			f.settled = true
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// pends reports whether a question of the part is not answered yet.
func (l *Lookup) pends(part *Part) bool {
	return slices.ContainsFunc(l.pending, func(q *question) bool { return q.part == part })
}

// referencedFields are the fields of a part, other than Id, whose values
// requirements take.
func (p *Part) referencedFields() []*entity.Field {
	var out []*entity.Field
	for _, r := range p.requiredBy {
		f, _ := p.Entity.Field(r.ReferenceField)
		if !f.IsID() && !slices.Contains(out, f) {
			out = append(out, f)
		}
	}
	return out
}

// find settles a read-only part: by Id, else by the fields given for it.
func (l *Lookup) find(part *Part, f *finding) error {
	in := l.inputs[part.index]
	reads := part.referencedFields()
	if id, ok := in.get(entity.IDField); ok && id.Data != nil {
		ids, unknown, err := part.ids(id)
		if err != nil {
			return err
		}
		if len(ids) == 0 {
			return l.none(part, f, in)
		}
		if len(reads) == 0 || unknown {
			for _, id := range ids {
				f.records = append(f.records, &target{id: id})
			}
			f.settled = true
			return nil
		}
		return l.query(part, f, []*Value{id}, reads)
	}
	var by []*Value
	for _, v := range in.values {
		if v.Data != nil {
			if u, unknown := FindUnknown(v.Data); unknown {
				f.records, f.settled = []*target{{id: u}}, true
				return nil
			}
			if items, list := v.Data.([]any); list && !slices.ContainsFunc(items, func(x any) bool { return x != nil }) {
				return l.none(part, f, in)
			}
			by = append(by, v)
		}
	}
	if len(by) == 0 {
		return l.none(part, f, in)
	}
	return l.query(part, f, by, reads)
}

// none settles a part for which nothing was given.
func (l *Lookup) none(part *Part, f *finding, in *partInput) error {
	f.absent, f.settled = true, true
	if part.Optional || len(in.values) == 0 && l.op != Create {
		return nil
	}
	var pos = part.Pos
	if len(in.values) > 0 {
		pos = in.values[0].Pos
	}
	return errAt("no-value", part.Ref, "", pos, "must be there, but nothing was given to find it by: all its inputs are null or empty")
}

// ids reads the Id input of a read-only part.
func (p *Part) ids(v *Value) (ids []any, unknown bool, err error) {
	items, list := v.Data.([]any)
	if !list {
		items = []any{v.Data}
	}
	f, _ := p.Entity.Field(entity.IDField)
	seen := map[any]bool{}
	for _, item := range items {
		if item == nil {
			continue
		}
		if u, ok := FindUnknown(item); ok {
			ids, unknown = append(ids, u), true
			continue
		}
		g, err := f.Literal(item)
		if err != nil {
			return nil, false, errAt(codeOf(err), p.Ref, entity.IDField, v.Pos, "%s", err)
		}
		if !seen[g] {
			seen[g] = true
			ids = append(ids, g)
		}
	}
	return ids, unknown, nil
}

// query asks for the records of a read-only part by the given fields.
func (l *Lookup) query(part *Part, f *finding, by []*Value, reads []*entity.Field) error {
	c := &condition{}
	columns := []string{part.Entity.PrimaryKey}
	var list *Value // the input whose list the records follow
	for _, v := range by {
		criterion, err := part.criterion(*v)
		if err != nil {
			return err
		}
		filter, err := part.condition(criterion, l.options.Now)
		if err != nil {
			err.Pos = v.Pos
			return err
		}
		c.filters = append(c.filters, filter)
		field, _ := part.Entity.Field(v.Field)
		if _, isList := v.Data.([]any); isList && list == nil {
			list = v
		}
		columns = appendNew(columns, field.WireColumn())
	}
	for _, field := range reads {
		columns = appendNew(columns, field.WireColumn())
	}
	q := &question{part: part, max: l.options.limit()}
	if list != nil { // as many as are given, and some that are there twice
		q.max = max(q.max, 2*len(list.Data.([]any)))
	}
	for _, filter := range split(c.filters) {
		query := &dataverse.Query{
			EntitySet: part.Entity.EntitySet, Table: part.Entity.Table, Select: columns, Filter: filter,
			Annotations: len(reads) > 0, Source: l.pattern.ID + "." + part.Ref,
		}
		if part.AllowsMultiple {
			query.OrderBy = []dataverse.Order{{Column: part.Entity.PrimaryKey}}
		} else {
			query.Top = 2 // one too many is enough to know
		}
		q.queries = append(q.queries, query)
	}
	q.answer = func(records []dataverse.Record) error {
		f.settled = true
		return l.take(part, f, by[0], list, records)
	}
	l.pending = append(l.pending, q)
	return nil
}

func appendNew(list []string, s string) []string {
	if s == "" || slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// take puts the found records into the order of the list they were found by.
func (l *Lookup) take(part *Part, f *finding, first, list *Value, records []dataverse.Record) error {
	p := &pool{}
	for _, r := range records {
		p.add(part.Entity.IDOf(r), r)
	}
	if len(p.rows) == 0 {
		f.absent = true
		if part.Optional {
			return nil
		}
		return errAt("not-found", part.Ref, first.Field, first.Pos, "no record of %s was found", part.Entity.Table)
	}
	if len(p.rows) > 1 && !part.AllowsMultiple {
		return errAt("ambiguous", part.Ref, first.Field, first.Pos, "several records of %s were found, and the part does not allow multiple", part.Entity.Table)
	}
	slices.SortFunc(p.rows, func(a, b *row) int { return strings.Compare(a.id, b.id) })
	rows := p.rows
	if list != nil {
		field, _ := part.Entity.Field(list.Field)
		rows = f.inOrder(field, list.Data.([]any), rows)
	}
	values := part.hasValueReferences()
	for _, r := range rows {
		t := &target{id: dataverse.GUID(r.id)}
		if values {
			t.values = part.Entity.Read(r.rec)
			t.types, _ = t.values[entity.LookupTypes].(map[string]any)
		}
		f.records = append(f.records, t)
	}
	return nil
}

// inOrder follows the list, and notes how many of its items found nothing.
func (f *finding) inOrder(field *entity.Field, items []any, rows []*row) []*row {
	byKey := map[string][]*row{}
	for _, r := range rows {
		key := joinKey(r.rec[field.WireColumn()])
		byKey[key] = append(byKey[key], r)
	}
	var out []*row
	seen, taken := map[string]bool{}, map[*row]bool{}
	missing, asked := 0, 0
	for _, item := range items {
		if item == nil {
			continue
		}
		key := literalKey(field, item)
		if seen[key] {
			continue
		}
		seen[key] = true
		asked++
		if len(byKey[key]) == 0 {
			missing++
		}
		for _, r := range byKey[key] {
			if !taken[r] {
				taken[r] = true
				out = append(out, r)
			}
		}
	}
	if missing > 0 {
		f.warning = fmt.Sprintf("%d of %d were not found", missing, asked)
	}
	// What the service matched in its own way (blanks at the end) still counts.
	for _, r := range rows {
		if !taken[r] {
			out = append(out, r)
		}
	}
	return out
}

// literalKey is the join key of an input value, as joinKey makes it of a
// column.
func literalKey(f *entity.Field, v any) string {
	w, err := f.Literal(v)
	if err != nil {
		return ""
	}
	return wireKey(w)
}

func (o Options) limit() int {
	if o.Limit > 0 {
		return o.Limit
	}
	return DefaultLimit
}
