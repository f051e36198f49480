package dataverse

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"
)

// message is the bulk message that write i can go by, or "".
func (b *bulkRun) message(i int) string {
	w := &b.writes[i]
	if !b.hasMulti(i) || len(w.Key) > 0 || w.IfMatch != "" || w.PrimaryKey == "" {
		return ""
	}
	for _, p := range w.Body {
		if _, ok := p.Value.(Parties); ok { // deep insert by bulk is not assured (fact sheet, 13.3)
			return ""
		}
	}
	switch w.Operation {
	case Create:
		return "CreateMultiple"
	case Update:
		return "UpdateMultiple"
	case Upsert:
		return "UpsertMultiple"
	default:
		return ""
	}
}

// send sends one chunk and settles its writes, with further requests where
// the first did not tell.
func (b *bulkRun) send(ctx context.Context, j job) {
	if j.multi && len(j.writes) > 1 && b.hasMulti(j.writes[0]) {
		b.sendMulti(ctx, j)
	} else {
		b.sendSingly(ctx, j)
	}
}

// sendMulti sends a chunk by its bulk message. On standard tables it is done
// or refused as a whole (fact sheet, section 6).
func (b *bulkRun) sendMulti(ctx context.Context, j job) {
	r, err := b.multiRequest(j.writes)
	if err != nil { // of one write: singly it shows which
		b.sendSingly(ctx, j)
		return
	}
	call := &call{client: b.client, request: &r, records: len(j.writes), divisible: true, repeatable: b.repeatable(j.writes)}
	a, err := call.do(ctx)
	var outcomes []Written
	complete := false
	if err == nil {
		outcomes, complete = b.multiOutcomes(j.writes, a)
	}
	a.release() // what comes now may take long
	var e *Error
	switch {
	case err == nil:
		j.pace.took(len(j.writes), call.took)
		if !complete { // of rows that nobody knows the ids of
			call.unsure = true
			b.failed(ctx, j, call.failed(errPageForm))
			return
		}
		b.settle(outcomes...)
	case ctx.Err() != nil || !errors.As(err, &e) || errors.Is(e, ErrUnauthorized):
		b.end(ctx, j, call, err)
	case call.partly != nil:
		j.unsure = j.unsure || call.unsure
		b.partly(ctx, j, call.partly)
	case tooMuch(e) && (call.repeatable || e.Status != 0):
		b.halve(ctx, j, call)
	case e.Status == 0 || errors.Is(e, ErrUnavailable) || errors.Is(e, ErrThrottled):
		b.failed(ctx, j, e)
	default:
		if e.Status == http.StatusNotImplemented || e.Status == http.StatusMethodNotAllowed || e.Code == CodeResourceNotFound {
			b.forgetMulti(j.writes[0]) // the table's definition promised too much
		}
		j.unsure = j.unsure || call.unsure
		b.sendSingly(ctx, j)
	}
}

func (b *bulkRun) hasMulti(i int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.multi[b.writes[i].Table]
}

func (b *bulkRun) forgetMulti(i int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.multi[b.writes[i].Table] = false
}

// multiRequest builds the request of a bulk message.
func (b *bulkRun) multiRequest(writes []int) (Request, error) {
	first := &b.writes[writes[0]]
	r := Request{Method: http.MethodPost, Header: http.Header{}, Table: first.Table}
	if err := checkName("entity set", first.EntitySet); err != nil {
		return r, err
	}
	if err := checkName("table", first.Table); err != nil {
		return r, err
	}
	r.Path = first.EntitySet + "/Microsoft.Dynamics.CRM." + b.message(writes[0])
	r.Resource, r.Template = r.Path, r.Path
	var body bytes.Buffer
	body.WriteString(`{"Targets":[`)
	for n, i := range writes {
		if n > 0 {
			body.WriteByte(',')
		}
		if err := b.writes[i].target(&body); err != nil {
			return r, err
		}
		if n == 0 { // rows of one table are about as long
			body.Grow(min(maxAhead, (len(writes)-1)*(body.Len()+body.Len()/4)))
		}
	}
	body.WriteString("]}")
	setBody(&r, body.Bytes())
	r.Header["Prefer"] = []string{`odata.include-annotations="Microsoft.PowerApps.CDS.ErrorDetails.*"`}
	return r, nil
}

// target writes the row as a target of a bulk message, which names its type
// and, always, its primary key.
func (w *Write) target(b *bytes.Buffer) error {
	b.WriteString(`{"@odata.type":"Microsoft.Dynamics.CRM.` + w.Table + `"`)
	if w.ID == "" && w.Operation != Create {
		return errors.New("the id is no GUID")
	}
	if w.ID != "" || len(w.Body) > 0 {
		b.WriteByte(',')
	}
	if err := w.members(b, true); err != nil {
		return err
	}
	b.WriteByte('}')
	return nil
}

func (b *bulkRun) repeatable(writes []int) bool {
	for _, i := range writes {
		if !b.writes[i].repeatable() {
			return false
		}
	}
	return true
}

// multiOutcomes reads the answer: CreateMultiple gives the ids in the order of
// its targets, the others nothing. It is false where there are not as many ids.
func (b *bulkRun) multiOutcomes(writes []int, a *answer) ([]Written, bool) {
	var doc struct{ Ids []GUID }
	_ = json.Unmarshal(a.body, &doc)
	if b.writes[writes[0]].Operation == Create && len(doc.Ids) != len(writes) {
		return nil, false
	}
	out := make([]Written, len(writes))
	for n, i := range writes {
		out[n] = Written{Index: i, Status: a.status, ID: b.writes[i].ID}
		if len(doc.Ids) == len(writes) {
			out[n].ID = doc.Ids[n]
		}
	}
	return out, true
}

// tooMuch reports whether a smaller chunk may pass where this did not. One that
// the service may have done all the same is sent again only if it is repeatable.
func tooMuch(e *Error) bool {
	return errors.Is(e, ErrTooLarge) || e.Code == CodeSQLTimeout || errors.Is(e, errTimeout)
}

// halve sends a chunk in two, after a call of all of it.
func (b *bulkRun) halve(ctx context.Context, j job, whole *call) {
	j.pace.tooMuch(len(j.writes))
	j.unsure = j.unsure || whole.unsure
	half := (len(j.writes) + 1) / 2
	b.send(ctx, j.with(j.writes[:half]))
	if half < len(j.writes) {
		b.send(ctx, j.with(j.writes[half:]))
	}
}

// sendSingly sends the writes as operations of a $batch, each a transaction of
// its own, and goes on after a refusal.
func (b *bulkRun) sendSingly(ctx context.Context, j job) {
	var all singles
	var writes []int
	for n, i := range j.writes {
		if err := all.add(&b.writes[i], len(j.writes)-n-1); err != nil {
			b.settle(Written{Index: i, Err: &Error{
				Method: string(b.writes[i].Operation), Path: b.writes[i].EntitySet, Table: b.writes[i].Table,
				Source: b.writes[i].Source, Write: i, Err: err,
			}})
			continue
		}
		writes = append(writes, i)
	}
	if len(writes) == 0 {
		return
	}
	batch := all.request()
	call := &call{client: b.client, request: &batch, parts: all.parts, divisible: len(writes) > 1, repeatable: b.repeatable(writes)}
	a, err := call.do(ctx)
	var outcomes partOutcomes
	if err == nil {
		outcomes = b.partOutcomes(ctx, call, a, writes, j)
	}
	a.release() // what comes now may take long
	var e *Error
	switch {
	case err == nil:
		b.singly.took(len(writes), call.took)
		b.settleParts(ctx, outcomes)
	case ctx.Err() != nil || !errors.As(err, &e) || errors.Is(e, ErrUnauthorized):
		b.end(ctx, j.with(writes), call, err)
	case tooMuch(e) && len(writes) > 1 && (call.repeatable || !call.unsure):
		b.halve(ctx, job{pace: b.singly, writes: writes, tries: j.tries, unsure: j.unsure}, call)
	default:
		b.failed(ctx, j.with(writes), e)
	}
}

// partOutcomes are the writes of a $batch, by what their parts say of them.
type partOutcomes struct {
	settled  []Written
	doubtful []int // refused, but may be done
	refusals map[int]*Error
	again    job // to be sent again after the pause
	pause    time.Duration
}

func (b *bulkRun) partOutcomes(ctx context.Context, call *call, a *answer, writes []int, j job) partOutcomes {
	unsure := j.unsure || call.unsure
	out := partOutcomes{
		settled:  make([]Written, 0, len(writes)),
		refusals: map[int]*Error{},
		again:    job{pace: b.singly, tries: j.tries + 1, unsure: unsure},
	}
	for k, i := range writes {
		w := &b.writes[i]
		part := &a.parts[k]
		if part.status >= 200 && part.status < 300 {
			out.settled = append(out.settled, w.outcome(i, part.status, &part.header, part.body))
			continue
		}
		e := call.refused(k, part)
		e.Write = i
		raced := w.Operation == Upsert && errors.Is(e, ErrDuplicate) && e.Code != CodeDuplicateDetected
		transient, acted := e.advised().judge()
		e.MayBeDone = unsure || transient && acted
		d, patient := b.client.waitFor(ctx, j.tries, e.advised())
		switch {
		case (raced || transient && (!acted || w.repeatable())) && patient && j.tries < b.client.opts.MaxRetries:
			out.again.writes = append(out.again.writes, i)
			out.pause = max(out.pause, d)
			out.again.unsure = out.again.unsure || transient && acted
		case b.mayBeDone(w, e, unsure):
			out.refusals[i] = e
			out.doubtful = append(out.doubtful, i)
		default:
			out.settled = append(out.settled, Written{Index: i, Status: part.status, Err: e})
		}
	}
	return out
}

// settleParts settles the writes of a $batch, with further requests where the
// first did not tell.
func (b *bulkRun) settleParts(ctx context.Context, o partOutcomes) {
	b.settle(append(o.settled, b.reconcile(ctx, o.doubtful, o.refusals)...)...)
	if len(o.again.writes) == 0 {
		return
	}
	if err := wait(ctx, o.pause); err == nil {
		b.sendSingly(ctx, o.again)
	} else if o.again.unsure { // what was never acted on has the run's own error
		b.failed(ctx, o.again, &Error{Method: http.MethodPost, Path: "$batch", Attempts: o.again.tries, Write: -1, Err: context.Cause(ctx)})
	}
}

// mayBeDone reports whether a refusal may mean that the write was done before:
// a create that meets its own id, or what an attempt with a lost answer did.
func (b *bulkRun) mayBeDone(w *Write, e *Error, unsure bool) bool {
	switch w.Operation {
	case Create:
		return w.ID != "" && e.Code == CodeDuplicateRecord
	case Delete:
		return unsure && errors.Is(e, ErrNotFound)
	case Update:
		return unsure && w.IfMatch != "" && errors.Is(e, ErrConflict)
	default:
		return false
	}
}

// reconcile reads back which of the refused writes are done all the same.
func (b *bulkRun) reconcile(ctx context.Context, writes []int, refusals map[int]*Error) []Written {
	if len(writes) == 0 {
		return nil
	}
	var cs ChangeSet
	for _, i := range writes {
		cs.Writes = append(cs.Writes, b.writes[i])
	}
	there, err := b.client.Existing(ctx, &cs)
	out := make([]Written, len(writes))
	for n, i := range writes {
		w := &b.writes[i]
		done := false
		switch {
		case err != nil:
		case w.Operation == Create:
			done = there[n]
		case w.Operation == Delete:
			done = !there[n]
		case w.Operation == Update:
			done = there[n] && b.client.hasValues(ctx, w)
		}
		if done {
			out[n] = Written{Index: i, ID: w.ID, Status: http.StatusNoContent, Unchanged: w.Operation == Create}
		} else {
			refusals[i].MayBeDone = refusals[i].MayBeDone && (err != nil || w.Operation == Update)
			out[n] = Written{Index: i, Status: refusals[i].Status, Err: refusals[i]}
		}
	}
	return out
}

// end ends the run with an error that all other requests would meet, too.
func (b *bulkRun) end(ctx context.Context, j job, call *call, err error) {
	e, ok := errors.AsType[*Error](err)
	if !ok { // the token source's
		e = call.failed(err)
	}
	if e.MayBeDone || j.unsure {
		b.failed(ctx, j, e)
	}
	if ok {
		others := *e
		others.MayBeDone = false // they were not sent
		err = &others
	}
	b.stop(err)
}

// failed settles the writes of a request that failed as a whole: what an
// attempt may have done is read back.
func (b *bulkRun) failed(ctx context.Context, j job, e *Error) {
	e.MayBeDone = e.MayBeDone || j.unsure
	if !e.MayBeDone {
		b.settle(b.all(j.writes, e)...)
		return
	}
	var failed, doubtful []int
	refusals := map[int]*Error{}
	for _, i := range j.writes {
		if w := &b.writes[i]; w.Operation == Create && w.ID != "" {
			refusals[i] = b.refusal(i, e)
			doubtful = append(doubtful, i)
		} else {
			failed = append(failed, i)
		}
	}
	b.settle(append(b.all(failed, e), b.reconcile(ctx, doubtful, refusals)...)...)
}

// all gives every write the error of their request.
func (b *bulkRun) all(writes []int, e *Error) []Written {
	out := make([]Written, len(writes))
	for n, i := range writes {
		out[n] = Written{Index: i, Status: e.Status, Err: b.refusal(i, e)}
	}
	return out
}

// refusal is the error of a request as that of one of its writes.
func (b *bulkRun) refusal(i int, e *Error) *Error {
	own := *e
	own.Write, own.Source, own.Table = i, b.writes[i].Source, b.writes[i].Table
	return &own
}
