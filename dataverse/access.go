package dataverse

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
)

// Identity is who the service says that the caller is.
type Identity struct {
	UserID, BusinessUnitID, OrganizationID GUID
}

// WhoAmI asks the service who the caller is. It is the cheapest request that
// proves address, token and user, and its answer has the parallelism hint.
func (c *Client) WhoAmI(ctx context.Context) (Identity, error) {
	var doc struct{ UserId, BusinessUnitId, OrganizationId GUID }
	if err := c.getJSON(ctx, Request{Path: "WhoAmI", Resource: "WhoAmI"}, &doc); err != nil {
		return Identity{}, err
	}
	return Identity{doc.UserId, doc.BusinessUnitId, doc.OrganizationId}, nil
}

// getJSON sends a GET for one JSON object.
func (c *Client) getJSON(ctx context.Context, r Request, into any) error {
	r.Method, r.Template = http.MethodGet, r.Resource
	call := &call{client: c, request: &r, repeatable: true}
	a, err := call.do(ctx)
	defer a.release()
	if err != nil {
		return err
	}
	if json.Unmarshal(a.body, into) != nil {
		return call.failed(errPageForm)
	}
	return nil
}

// Row names one row of one table.
type Row struct {
	Table, EntitySet string
	// PrimaryKey is the primary key column; "": from metadata.
	PrimaryKey string
	ID         GUID
}

// CanRead tells for each row whether the caller may read it: with one query a
// table for the ids alone, to which the service answers with the rows that
// the caller may see (fact sheet, 12.1). It needs no privilege but that of
// reading, where RetrievePrincipalAccess would first have to ask who the
// caller is. A row that does not exist cannot be read, and neither can any of
// a table that the caller has no privilege on.
func (c *Client) CanRead(ctx context.Context, rows ...Row) ([]bool, error) {
	return c.found(ctx, rows, true)
}

// Existing tells for each write that names a row by id whether that row is
// there. It is how a duplicate is settled: after an event that was run before,
// or an answer that was lost, the rows with our ids are our own.
func (c *Client) Existing(ctx context.Context, cs *ChangeSet) ([]bool, error) {
	var rows []Row
	var index []int
	for i := range cs.Writes {
		if w := &cs.Writes[i]; w.ID != "" {
			rows, index = append(rows, Row{w.Table, w.EntitySet, w.PrimaryKey, w.ID}), append(index, i)
		}
	}
	found, err := c.found(ctx, rows, false)
	if err != nil {
		return nil, err
	}
	out := make([]bool, len(cs.Writes))
	for k, i := range index {
		out[i] = found[k]
	}
	return out, nil
}

// found asks which rows the service shows to the caller, with one query a
// table. A table that is forbidden as a whole shows none, or is the error.
func (c *Client) found(ctx context.Context, rows []Row, forbiddenIsNone bool) ([]bool, error) {
	out := make([]bool, len(rows))
	groups := rowsByTable(rows)
	qs := make([]*Query, len(groups))
	for g, indexes := range groups {
		row := &rows[indexes[0]]
		key := row.PrimaryKey
		if key == "" {
			t, err := c.Table(ctx, row.Table)
			if err != nil {
				return nil, fmt.Errorf("primary key of %s: %w", row.Table, err)
			}
			key = t.PrimaryID
		}
		in := In{Column: key}
		for _, i := range indexes {
			in.Values = append(in.Values, rows[i].ID)
		}
		slices.SortFunc(in.Values, func(a, b Value) int { return compareGUID(a.(GUID), b.(GUID)) })
		in.Values = slices.Compact(in.Values)
		qs[g] = &Query{EntitySet: row.EntitySet, Table: row.Table, Select: []string{key}, Filter: in}
	}
	for g, answer := range c.QueryAll(ctx, qs) {
		if answer.Err != nil {
			if forbiddenIsNone && errors.Is(answer.Err, ErrForbidden) {
				continue
			}
			return nil, answer.Err
		}
		seen := make(map[GUID]bool, len(answer.Records))
		for _, r := range answer.Records {
			id, _ := ParseGUID(r.Text(qs[g].Select[0]))
			seen[id] = true
		}
		for _, i := range groups[g] {
			out[i] = seen[rows[i].ID]
		}
	}
	return out, nil
}

func compareGUID(a, b GUID) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	default:
		return 0
	}
}
