package simulator

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// maxPage is the most rows that one answer has; maxCount is the most that
// $count counts (DV077).
const (
	maxPage  = 5000
	maxCount = 5000
)

// source is where the rows of a query come from: a table, or a collection of
// one row.
type source struct {
	table *Table
	from  *record
	nav   *navigation
	// base is the table that table was cast from, or nil: of its rows only
	// those of table count.
	base *Table
}

// entitySet is what the context URL calls the source.
func (s *source) entitySet() string {
	if s.base != nil {
		return s.base.EntitySet + "/" + crmPrefix + s.table.LogicalName
	}
	return s.table.EntitySet
}

// query answers GET on a collection.
func (c *call) query(src source) (*response, error) {
	t := src.table
	if err := c.privilege(t, Read); err != nil {
		return nil, err
	}
	if c.options.Get("$apply") != "" {
		return c.apply(src)
	}
	p, err := c.readPlan(t)
	if err != nil {
		return nil, err
	}
	cond, candidates, err := c.readFilter(t)
	if err != nil {
		return nil, err
	}
	var order []sortKey
	if text, ok := c.options["$orderby"]; ok {
		if order, err = c.parseOrder(t, text[0]); err != nil {
			return nil, err
		}
	}
	page, top, err := c.readLimits()
	if err != nil {
		return nil, err
	}
	token, err := c.readSkipToken(t)
	if err != nil {
		return nil, err
	}
	wantCount := false
	switch text, ok := c.options["$count"]; {
	case !ok:
	case text[0] == "true":
		wantCount = true
	case text[0] != "false":
		return nil, errQuery("Invalid value '%s' for $count query option found. The $count query option requires 'true' or 'false'.", text[0])
	}

	limit := page
	if top >= 0 {
		limit = min(limit, top)
	}
	stop := -1 // all rows are needed for a count, and to sort
	if !wantCount && len(order) == 0 && token.page <= 1 {
		stop = limit + 1
	}
	rows := c.matching(src, cond, candidates, stop)
	total := len(rows)
	c.sortRows(rows, order)
	rows = token.rest(rows, page)
	more := len(rows) > limit && (top < 0 || limit < top)
	rows = rows[:min(len(rows), limit)]

	w := newRowWriter(c)
	w.list, w.nested = true, p.nested()
	b := make([]byte, 0, 256+len(rows)*(64+32*len(p.columns)))
	b = append(b, `{"@odata.context":`...)
	b = appendString(b, c.context(src.entitySet(), p, false))
	if wantCount {
		b = append(b, `,"@odata.count":`...)
		b = strconv.AppendInt(b, int64(min(total, maxCount)), 10)
	}
	b = c.appendTotals(b, wantCount, total)
	b = append(b, `,"value":[`...)
	for i, r := range rows {
		if i > 0 {
			b = append(b, ',')
		}
		b = w.appendRow(b, r, p, "")
	}
	b = append(b, ']')
	if more {
		b = append(b, `,"@odata.nextLink":`...)
		b = appendString(b, c.nextLink(max(token.page, 1), rows, t))
	}
	resp := jsonResponse(http.StatusOK, append(b, '}'))
	resp.applied = c.applied(false)
	return resp, nil
}

// appendTotals writes the annotations of a collection (fact sheet 4.2).
func (c *call) appendTotals(b []byte, counted bool, total int) []byte {
	if c.prefer.wants("Microsoft.Dynamics.CRM.totalrecordcount") {
		n := -1
		if counted {
			n = min(total, maxCount)
		}
		b = append(b, `,"@Microsoft.Dynamics.CRM.totalrecordcount":`...)
		b = strconv.AppendInt(b, int64(n), 10)
	}
	if c.prefer.wants("Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded") {
		b = append(b, `,"@Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded":`...)
		b = strconv.AppendBool(b, counted && total > maxCount)
	}
	if c.prefer.wants("Microsoft.Dynamics.CRM.globalmetadataversion") {
		b = append(b, `,"@Microsoft.Dynamics.CRM.globalmetadataversion":"`...)
		b = strconv.AppendInt(b, metadataVersion, 10)
		b = append(b, '"')
	}
	return b
}

// metadataVersion is what globalmetadataversion says.
const metadataVersion = 2341840

// applied lists the preferences that a read honoured.
func (c *call) applied(representation bool) []string {
	var list []string
	if representation {
		list = append(list, "return=representation")
	} else if c.prefer.pageSize > 0 {
		list = append(list, "odata.maxpagesize="+strconv.Itoa(c.prefer.pageSize))
	}
	if c.prefer.annotations != nil {
		list = append(list, "odata.include-annotations="+c.prefer.annotationsText)
	}
	return list
}

func (c *call) readFilter(t *Table) (condition, []candidate, error) {
	text, ok := c.options["$filter"]
	if !ok {
		return nil, nil, nil
	}
	return parseFilter(c, t, text[0])
}

// readLimits reads $top and the page size. With a page size, $top is ignored
// (DV078); top is -1 if there is none.
func (c *call) readLimits() (page, top int, err error) {
	page, top = maxPage, -1
	if text, ok := c.options["$top"]; ok {
		top, err = strconv.Atoi(strings.TrimSpace(text[0]))
		if err != nil || top < 0 {
			return 0, 0, errQuery("Invalid value '%s' for $top query option found. The $top query option requires a non-negative integer value.", text[0])
		}
	}
	if c.prefer.pageSize > 0 {
		return c.prefer.pageSize, -1, nil
	}
	return page, top, nil
}

// matching gives the rows of the source that the caller may read and that the
// condition holds for, in order of creation; with stop >= 0 not more than
// that.
func (c *call) matching(src source, cond condition, candidates []candidate, stop int) []*record {
	var rows []*record
	e := newEnv(c)
	visible := c.visible(src.table)
	test := func(r *record) bool {
		if src.base != nil && r.table != src.table {
			return true
		}
		if visible != nil && !visible(r) {
			return true
		}
		if cond != nil {
			e.rows[0] = r
			if cond(e) != yes {
				return true
			}
		}
		rows = append(rows, r)
		return stop < 0 || len(rows) < stop
	}
	if src.nav != nil {
		c.view.behind(src.from, src.nav, test)
		return rows
	}
	for _, r := range c.candidateRows(src.table, candidates) {
		if !test(r) {
			break
		}
	}
	return rows
}

// candidateRows gives the smallest set of rows that an index knows to contain
// the result, else all.
func (c *call) candidateRows(t *Table, candidates []candidate) []*record {
	var best []*record
	found := false
	for _, k := range candidates {
		var rows []*record
		switch {
		case k.column == nil:
			if r := c.view.byKey(t, k.key, k.values); r != nil {
				rows = []*record{r}
			}
		case k.column.system == sysPrimary:
			for _, id := range k.ids {
				if r := c.view.get(t, id); r != nil {
					rows = append(rows, r)
				}
			}
		case len(k.ids) == 1:
			rows = c.view.referencing(k.column, k.ids[0])
		default:
			for _, id := range k.ids {
				rows = append(rows, c.view.referencing(k.column, id)...)
			}
		}
		if len(k.ids) > 1 {
			slices.SortFunc(rows, bySeq)
			rows = slices.Compact(rows)
		}
		if !found || len(rows) < len(best) {
			best, found = rows, true
		}
	}
	if found {
		return best
	}
	return c.view.rows(t)
}

// sortRows sorts by $orderby, nulls first; rows that are equal stay in order
// of creation. A lookup sorts by the name of its row (DV079).
func (c *call) sortRows(rows []*record, keys []sortKey) {
	if len(keys) == 0 || len(rows) < 2 {
		return
	}
	type sortRow struct {
		r    *record
		vals []any
	}
	e := newEnv(c)
	list := make([]sortRow, len(rows))
	for i, r := range rows {
		e.rows[0] = r
		vals := make([]any, len(keys))
		for k, key := range keys {
			v := key.path.value(e)
			if x, ok := v.(ref); ok {
				v = nil
				if target := c.view.target(x); target != nil && target.table.name != nil {
					v = target.get(target.table.name)
				}
			}
			vals[k] = v
		}
		list[i] = sortRow{r, vals}
	}
	slices.SortStableFunc(list, func(a, b sortRow) int {
		for k, key := range keys {
			n := compareNullable(a.vals[k], b.vals[k])
			if key.desc {
				n = -n
			}
			if n != 0 {
				return n
			}
		}
		return 0
	})
	for i := range list {
		rows[i] = list[i].r
	}
}

func compareNullable(a, b any) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return -1
	case b == nil:
		return 1
	}
	return compareValues(a, b)
}

// count answers GET …/$count: text with a byte order mark, capped (DV077).
func (c *call) count(src source) (*response, error) {
	if err := c.privilege(src.table, Read); err != nil {
		return nil, err
	}
	cond, candidates, err := c.readFilter(src.table)
	if err != nil {
		return nil, err
	}
	n := len(c.matching(src, cond, candidates, maxCount))
	return &response{status: http.StatusOK, contentType: textType, body: strconv.AppendInt([]byte("\ufeff"), int64(n), 10)}, nil
}

// refs answers GET …/collection/$ref.
func (c *call) refs(src source) (*response, error) {
	if err := c.privilege(src.table, Read); err != nil {
		return nil, err
	}
	cond, candidates, err := c.readFilter(src.table)
	if err != nil {
		return nil, err
	}
	b := append([]byte(nil), `{"@odata.context":`...)
	b = appendString(b, c.base+"/$metadata#Collection($ref)")
	b = append(b, `,"value":[`...)
	for i, r := range c.matching(src, cond, candidates, maxPage) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"@odata.id":`...)
		b = appendString(b, c.url(r.table, r.id))
		b = append(b, '}')
	}
	return jsonResponse(http.StatusOK, append(b, `]}`...)), nil
}

// retrieve answers GET on one row.
// t is the row's table, or activitypointer for the columns that activities share.
func (c *call) retrieve(r *record, t *Table) (*response, error) {
	if err := c.mayRetrieve(r); err != nil {
		return nil, err
	}
	for _, name := range []string{"$filter", "$orderby", "$top", "$count", "$apply"} {
		if _, ok := c.options[name]; ok {
			return nil, errQuery("The query parameter '%s' cannot be used with a single row.", name)
		}
	}
	p, err := c.readPlan(t)
	if err != nil {
		return nil, err
	}
	// DV021: never 304 with $expand or annotations.
	if match := c.header.Get("If-None-Match"); match == r.etag() && len(p.expands) == 0 && c.prefer.annotations == nil {
		return &response{status: http.StatusNotModified, etag: r.etag()}, nil
	}
	resp := c.rowResponse(http.StatusOK, r, p)
	resp.applied = c.applied(false)
	return resp, nil
}

func (c *call) mayRetrieve(r *record) error {
	if err := c.privilege(r.table, Read); err != nil {
		return err
	}
	return c.access(r, Read)
}

// rowResponse writes one row with its context and ETag.
func (c *call) rowResponse(status int, r *record, p *plan) *response {
	w := newRowWriter(c)
	w.nested = p.nested()
	b := w.appendRow(make([]byte, 0, 128+40*len(p.columns)), r, p, c.context(p.table.EntitySet, p, true))
	resp := jsonResponse(status, b)
	resp.etag = r.etag()
	return resp
}
