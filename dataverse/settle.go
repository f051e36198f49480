package dataverse

import (
	"context"
	"encoding/json"
	"errors"
	"math/big"
	"strings"
	"time"
)

// settle finds out whether a change set that was sent more than once, and was
// refused in the end, had been done by an earlier attempt whose answer was
// lost. It was, if all rows that the set makes are there, all that it deletes
// are gone, and those it changes by ETag are as the set has them: since a
// change set is done as a whole, all other writes were done too. It gives nil
// if that is not so, or cannot be told.
func (c *Client) settle(ctx context.Context, cs *ChangeSet, refused *Error) []Written {
	if !errors.Is(refused, ErrDuplicate) && !errors.Is(refused, ErrConflict) && !errors.Is(refused, ErrNotFound) {
		return nil
	}
	var check ChangeSet
	var index []int
	for i := range cs.Writes {
		if w := &cs.Writes[i]; w.Operation == Create || w.Operation == Delete {
			check.Writes, index = append(check.Writes, *w), append(index, i)
		}
	}
	evidence := false
	if len(index) > 0 {
		there, err := c.Existing(ctx, &check)
		if err != nil {
			return nil
		}
		for k, i := range index {
			if there[k] != (cs.Writes[i].Operation == Create) {
				return nil
			}
		}
		evidence = true
	}
	for i := range cs.Writes {
		w := &cs.Writes[i]
		if w.Operation != Update || w.IfMatch == "" {
			continue
		}
		if !c.hasValues(ctx, w) {
			return nil
		}
		evidence = true
	}
	if !evidence {
		return nil
	}
	out := make([]Written, len(cs.Writes))
	for i := range out {
		out[i] = Written{Index: i, ID: cs.Writes[i].ID, Status: 204, Unchanged: cs.Writes[i].Operation == Create}
	}
	return out
}

// hasValues reads the row back and tells whether it has what w sends.
func (c *Client) hasValues(ctx context.Context, w *Write) bool {
	q := &Query{EntitySet: w.EntitySet, Table: w.Table, ID: w.ID, Source: w.Source}
	for _, p := range w.Body {
		column := p.Name
		if _, ok := p.Value.(Bind); ok || p.Lookup {
			if p.Column == "" {
				return false
			}
			column = "_" + p.Column + "_value"
		}
		q.Select = append(q.Select, column)
	}
	if len(q.Select) == 0 {
		return false
	}
	r, err := c.Get(ctx, q)
	if err != nil {
		return false
	}
	for i, p := range w.Body {
		if !SameValue(p.Value, r[q.Select[i]]) {
			return false
		}
	}
	return true
}

// SameValue compares what was, or would be, sent with what was read of the
// column. What cannot be compared is not the same.
func SameValue(sent Value, read any) bool {
	switch sent := sent.(type) {
	case nil:
		return read == nil
	case bool:
		return read == sent
	case string:
		return read == sent || sent == "" && read == nil // an empty text is no text
	case Date:
		return read == string(sent)
	case GUID:
		return read == string(sent)
	case Bind:
		text, _ := read.(string)
		return sent.Ref == 0 && strings.EqualFold(text, string(sent.ID))
	case time.Time:
		text, _ := read.(string)
		t, err := time.Parse(time.RFC3339Nano, text)
		return err == nil && t.Equal(sent.Truncate(time.Second))
	case int, json.Number:
		n, _ := read.(json.Number)
		text, err := bare(sent)
		return err == nil && sameNumber(text, string(n))
	default:
		return false
	}
}

// sameNumber compares two numbers without losing a digit. Those with an
// exponent, which could stand for any number of digits, are compared as text.
func sameNumber(a, b string) bool {
	if strings.ContainsAny(a+b, "eE") {
		return a == b
	}
	x, ok := new(big.Rat).SetString(a)
	y, also := new(big.Rat).SetString(b)
	return ok && also && x.Cmp(y) == 0
}
