package playbook

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/entity"
	"github.com/andmoneyaps/engage-playbooks/pattern"
)

// plannedTables are the tables that a dry run has planned to write, by logical
// name, with the block that would: what is read of them afterwards is unknown.
type plannedTables struct {
	mu sync.Mutex
	by map[string]string
	// records are those of them whose ids are known.
	records map[dataverse.Row]string
}

func (t *plannedTables) plan(w *dataverse.Write, block string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.by == nil {
		t.by, t.records = map[string]string{}, map[dataverse.Row]string{}
	}
	t.by[w.Table] = block
	if w.ID != "" {
		t.records[dataverse.Row{Table: w.Table, ID: w.ID}] = block
	}
}

// record tells which block would have written the record before.
func (t *plannedTables) record(table string, id dataverse.GUID) (block string, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	block, ok = t.records[dataverse.Row{Table: table, ID: id}]
	return block, ok
}

func (t *plannedTables) planned(table string) (block string, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	block, ok = t.by[table]
	return block, ok
}

// readable reports whether a dry run can know what the read gives. If not, the
// block's output is unknown; the request is shown all the same.
func (s *step) readable(p *pattern.Pattern, in pattern.Input, plan pattern.Plan) (bool, error) {
	known := true
	for _, v := range in {
		if u, unknown := pattern.FindUnknown(v.Data); unknown {
			known = false
			s.warn(v.Part, "what it reads depends on what is known after %s", u.After)
			break
		}
	}
	for _, part := range p.Parts {
		if by, planned := s.planned.planned(part.Entity.Table); planned {
			known = false
			s.warn(part.Ref, "block %q would have written to this table before: what is read then is not known yet", by)
			break
		}
	}
	if known {
		return true, nil
	}
	fetches, err := plan.Next(nil)
	if err != nil {
		return false, err
	}
	for _, f := range fetches {
		s.b.rec.Requests = append(s.b.rec.Requests, &RequestRecord{Method: "GET", Path: shownPath(f.Query)})
	}
	if len(fetches) > 0 {
		s.b.stats.Requests += len(fetches)
		s.chain++
	}
	s.put(map[string]any{"Results": pattern.Unknown{After: s.b.Name}})
	return false, nil
}

// shown records the request of a query as a whole, values included.
func (s *step) shown(q *dataverse.Query) func(dataverse.Exchange) []*RequestRecord {
	first := true
	return func(e dataverse.Exchange) []*RequestRecord {
		list := reads(e)
		if first {
			list[0].Method, list[0].Path = "GET", shownPath(q)
		}
		first = false
		return list
	}
}

// shownPath is the path of a query with its options; values that are not known
// stand there as such.
func shownPath(q *dataverse.Query) string {
	known := *q
	known.Filter = shownFilter(q.Filter)
	r, err := known.Request()
	if err != nil {
		return q.EntitySet
	}
	return r.Path
}

func shownFilter(f dataverse.Filter) dataverse.Filter {
	switch f := f.(type) {
	case dataverse.And:
		list := make(dataverse.And, len(f))
		for i := range f {
			list[i] = shownFilter(f[i])
		}
		return list
	case dataverse.Or:
		list := make(dataverse.Or, len(f))
		for i := range f {
			list[i] = shownFilter(f[i])
		}
		return list
	case dataverse.Not:
		return dataverse.Not{Filter: shownFilter(f.Filter)}
	case dataverse.Compare:
		f.Value = shownValue(f.Value)
		return f
	case dataverse.In:
		values := make([]dataverse.Value, len(f.Values))
		for i, v := range f.Values {
			values[i] = shownValue(v)
		}
		f.Values = values
		return f
	case dataverse.Lambda:
		f.Filter = shownFilter(f.Filter)
		return f
	}
	return f
}

func shownValue(v dataverse.Value) dataverse.Value {
	if u, unknown := v.(pattern.Unknown); unknown {
		return u.String()
	}
	return v
}

// obscure makes the records of read-only parts unknown that an earlier planned
// write could have made or changed: to look them up now would give a false
// answer.
func (s *step) obscure(p *pattern.Pattern, in pattern.Input) pattern.Input {
	obscured := map[string]string{}
	for _, part := range p.Parts {
		if by, planned := s.planned.planned(part.Entity.Table); planned && part.ReadOnly {
			obscured[part.Ref] = by
		}
	}
	if len(obscured) == 0 {
		return in
	}
	var out pattern.Input
	for _, v := range in {
		by, hidden := obscured[v.Part]
		switch {
		case !hidden:
			out = append(out, v)
		case by == "":
		default:
			if id := slices.IndexFunc(in, func(o pattern.Value) bool { return o.Part == v.Part && o.Field == "Id" }); id >= 0 {
				v = in[id]
			} else {
				v.Field, v.Data = "Id", pattern.Unknown{After: by}
			}
			out = append(out, v)
			obscured[v.Part] = "" // once
		}
	}
	return out
}

// show puts the writes of the plan into the result as requests and values, and
// tells what they would do to the records that are there.
func (s *step) show(ctx context.Context, c *dataverse.Client, plan *pattern.WritePlan) error {
	state, err := s.ask(ctx, c, plan)
	if err != nil {
		return err
	}
	number := 0
	if n := len(plan.ChangeSet.Writes); n > 0 {
		s.chain++
		s.b.stats.Requests++
		if s.b.Atomic {
			number = int(s.changeSets.Add(1))
		}
	}
	for i := range plan.ChangeSet.Writes {
		w, planned := &plan.ChangeSet.Writes[i], &plan.Writes[i]
		s.planned.plan(w, s.b.Name)
		rec := &WriteRecord{
			Block: s.b.Name, Part: planned.Part, Operation: string(planned.Operation), Table: planned.Table, ID: string(planned.ID),
			Verdict: state[i].verdict, ETag: state[i].etag,
		}
		if state[i].verdict == VerdictUnchanged && planned.Operation == pattern.Create {
			rec.Operation = Unchanged
		}
		for _, col := range planned.Columns {
			rec.Columns = append(rec.Columns, col.Column)
			rec.Values = append(rec.Values, WrittenValue{
				Column: col.Column, Field: col.Field, Value: Shown(col.Value), Old: s.labelled(planned.Part, col.Field, state[i].old[col.Column]), Source: col.Source,
			})
		}
		s.b.addWrite(rec)
		q := shownWrite(w)
		q.ChangeSet = number
		if state[i].old != nil {
			q.Old = state[i].old
		}
		s.b.rec.Requests = append(s.b.rec.Requests, q)
		s.tell(Progress{Kind: RequestSent, Block: s.b.Name, Identity: s.b.rec.Identity, Request: q})
	}
	return nil
}

// ask finds out what is there already, and what of the plan the service would
// refuse. Its requests are the dry run's own questions.
func (s *step) ask(ctx context.Context, c *dataverse.Client, plan *pattern.WritePlan) ([]presence, error) {
	var seen observed
	ctx = seen.context(ctx)
	defer func() {
		for _, e := range seen.exchanges {
			s.b.rec.Questions = append(s.b.rec.Questions, reads(e)...)
		}
	}()
	state, err := s.present(ctx, c, plan)
	if err != nil {
		return nil, err
	}
	return state, s.foresee(ctx, c, plan, state)
}

// labelled gives the choices that a record holds by their labels, as the new
// ones are given.
func (s *step) labelled(part, field string, old any) any {
	p, _ := s.b.Pattern.Part(part)
	if p == nil {
		return old
	}
	f, ok := p.Entity.Field(field)
	if !ok || f.Type != entity.TypeChoice && f.Type != entity.TypeChoices {
		return old
	}
	return f.Read(dataverse.Record{f.WireColumn(): old})
}

// Shown gives a JSON value as people see it: what is not known yet as text,
// "(known after Read advisor)".
func Shown(v any) any {
	switch v := v.(type) {
	case pattern.Unknown:
		return v.String()
	case []any:
		list := make([]any, len(v))
		for i, item := range v {
			list[i] = Shown(item)
		}
		return list
	case map[string]any:
		m := make(map[string]any, len(v))
		for k, item := range v {
			m[k] = Shown(item)
		}
		return m
	}
	return v
}

// standIn takes the place of an id that is not known, until the request is
// built.
const standIn dataverse.GUID = "00000000-0000-4000-8000-0000000000ff"

// shownWrite is the request of one write with its body.
func shownWrite(w *dataverse.Write) *RequestRecord {
	known := *w
	after := ""
	if u, unknown := unknownID(string(known.ID)); unknown {
		known.ID, after = standIn, u
	}
	known.Body = slices.Clone(w.Body)
	for i, p := range known.Body {
		if v, unknown := p.Value.(pattern.Unknown); unknown {
			known.Body[i].Value = v.String()
		}
	}
	list := dataverse.ChangeSet{Writes: []dataverse.Write{known}}
	q := &RequestRecord{Method: methodOf(w.Operation), Path: w.EntitySet}
	requests, err := list.Requests()
	if err != nil {
		q.Body = plainBody(w)
		return q
	}
	q.Method, q.Path = requests[0].Method, requests[0].Path
	if after != "" {
		q.Path = strings.ReplaceAll(q.Path, string(standIn), after)
	}
	if body := requests[0].Body; len(body) > 0 {
		q.Body = json.RawMessage(bytes.ReplaceAll(body, []byte(standIn), []byte(after)))
	}
	return q
}

// unknownID recognises an id that a plan could not know.
func unknownID(id string) (after string, unknown bool) {
	return id, strings.HasPrefix(id, "(known after ")
}

func methodOf(op dataverse.Operation) string {
	switch op {
	case dataverse.Create:
		return "POST"
	case dataverse.ReplaceParties:
		return "PUT"
	}
	return "PATCH"
}

// plainBody shows a body that has no wire form yet, because ids in it are not
// known: member by member.
func plainBody(w *dataverse.Write) any {
	m := map[string]any{}
	for _, p := range w.Body {
		name := p.Name
		_, bind := p.Value.(dataverse.Bind)
		if bind || p.Lookup {
			name += "@odata.bind"
		}
		switch v := p.Value.(type) {
		case pattern.Unknown:
			m[name] = v.String()
		case dataverse.Bind:
			m[name] = "/" + v.EntitySet + "(" + string(v.ID) + ")"
		case dataverse.Parties:
			var list []any
			for _, party := range v {
				if party.Link == "" {
					list = append(list, map[string]any{"participationtypemask": party.Role, "addressused": party.Address})
					continue
				}
				list = append(list, map[string]any{"participationtypemask": party.Role,
					party.Link + "@odata.bind": "/" + party.Target.EntitySet + "(" + string(party.Target.ID) + ")"})
			}
			m[name] = list
		default:
			m[name] = v
		}
	}
	return m
}
