package dataverse

import (
	"context"
	"encoding/json"
	"errors"
	"time"
)

// Apply sends the writes as one: all happen, or none. One write is one plain
// request, more are one change set in a $batch. The outcomes stand in the
// order of the writes; an error is an [*Error] whose Write and Source name the
// write that the service refused, where it said so.
//
// A repeatable change set (see [ChangeSet.Repeatable]) is sent again after any
// transient failure. If it then meets its own rows, because the lost answer
// was that of a success, Apply reads back and reports success, the rows with
// Written.Unchanged. A first try that meets existing rows is [ErrDuplicate];
// [Client.Existing] tells which they are. Where two writers upsert one key at
// a time, the loser sends its change set once more, which then updates.
func (c *Client) Apply(ctx context.Context, cs *ChangeSet) ([]Written, error) {
	if len(cs.Writes) == 0 {
		return nil, nil
	}
	r, parts, err := cs.compose()
	if err != nil {
		return nil, err
	}
	unsure, raced := false, false
	for {
		call := &call{client: c, request: &r, repeatable: cs.Repeatable()}
		if len(parts) > 1 {
			call.parts, call.atomic, call.together = parts, true, true
		}
		a, err := call.do(ctx)
		unsure = unsure || call.unsure
		var written []Written
		if err == nil {
			written, err = call.written(cs, a)
		}
		a.release() // what comes now may take long
		if err == nil {
			return written, nil
		}
		var e *Error
		if !errors.As(err, &e) || ctx.Err() != nil {
			return nil, err
		}
		if call.parts == nil && e.Status != 0 {
			e.Write = 0
		}
		e.MayBeDone = e.MayBeDone || unsure
		switch {
		case !raced && e.Write >= 0 && cs.Writes[e.Write].Operation == Upsert && errors.Is(e, ErrDuplicate) && e.Code != CodeDuplicateDetected:
			raced = true
			continue
		case unsure && cs.Repeatable():
			if settled := c.settle(ctx, cs, e); settled != nil {
				return settled, nil
			}
		}
		return nil, c.learn(e)
	}
}

// wait waits for d or the end of the context.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// written reads the outcome of each write, or the error of the one that the
// service refused. A change set that fails is answered by exactly one part,
// with the Content-ID of the operation that failed (fact sheet, 5.3).
func (c *call) written(cs *ChangeSet, a *answer) ([]Written, error) {
	out := make([]Written, len(cs.Writes))
	if c.parts == nil {
		out[0] = cs.Writes[0].outcome(0, a.status, httpHeader(a.header), a.body)
		return out, nil
	}
	for k := range a.parts {
		part := &a.parts[k]
		i := part.contentID - 1
		if part.status >= 200 && part.status < 300 {
			out[i] = cs.Writes[i].outcome(i, part.status, &part.header, part.body)
			continue
		}
		if i < 0 || i >= len(out) {
			e := c.failed(nil)
			e.refuse(part.status, part.header, part.body)
			return nil, e
		}
		e := c.refused(i, part)
		e.Write = i
		return nil, e
	}
	return out, nil
}

// outcome reads one write's success: the id from the header, else from the
// representation, else the write's own.
func (w *Write) outcome(index, status int, h headers, body []byte) Written {
	out := Written{Index: index, Status: status, ID: entityID(h)}
	if out.ID == "" && w.PrimaryKey != "" && len(body) > 0 {
		var row map[string]json.RawMessage
		var id string
		if json.Unmarshal(body, &row) == nil && json.Unmarshal(row[w.PrimaryKey], &id) == nil {
			out.ID, _ = ParseGUID(id)
		}
	}
	if out.ID == "" && len(w.Key) == 0 || out.ID == w.ID { // without the text around it
		out.ID = w.ID
	}
	return out
}

// compose gives the request of the change set and those of its operations.
func (cs *ChangeSet) compose() (Request, []Request, error) {
	parts, err := cs.Requests()
	if err != nil {
		return Request{}, nil, err
	}
	r, err := composeChangeSet(parts)
	return r, parts, err
}
