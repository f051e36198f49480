package dataverse

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
)

// maxPage is the service's page size where none is asked for, and the most
// that one may ask for (fact sheet, 4.4).
const maxPage = 5000

// maxExpand bounds the $expand options of one query (fact sheet, 4.5).
const maxExpand = 15

// Request builds the GET that q stands for. It is pure: the dry run prints it
// and the client sends it. It fails if a name is no name, a value has a type
// that no literal has, or the service is known to refuse the combination.
//
// A query longer than a URL may be is still one GET here; the client moves it
// into a $batch.
func (q *Query) Request() (Request, error) { return q.request(maxPage) }

// request builds the GET with pages of that size where q does not say.
func (q *Query) request(pageSize int) (Request, error) {
	r := Request{Method: http.MethodGet, Header: http.Header{}, Table: q.Table, Source: q.Source}
	r.Resource, r.Template = q.EntitySet, q.EntitySet
	if q.ID != "" {
		r.Resource += "(" + string(q.ID) + ")"
		r.Template += "(id)"
	}
	var path bytes.Buffer
	path.Grow(512)
	path.WriteString(r.Resource + "?")
	if err := q.options(&path); err != nil {
		return r, fmt.Errorf("query of %s: %w", q.EntitySet, err)
	}
	r.Path = path.String()
	if prefer := q.prefer(pageSize); prefer != "" {
		r.Header["Prefer"] = []string{prefer}
	}
	return r, nil
}

// options writes the query part of the URL, percent-encoded.
func (q *Query) options(b *bytes.Buffer) error {
	if err := checkName("entity set", q.EntitySet); err != nil {
		return err
	}
	if q.ID != "" && (!q.ID.valid() || q.Filter != nil || len(q.OrderBy) > 0 || q.Top != 0) {
		return fmt.Errorf("an ID goes alone, in the form of a GUID")
	}
	if err := notNegative("PageSize", int64(q.PageSize)); err != nil {
		return err
	}
	if err := q.checkExpand(); err != nil {
		return err
	}
	return clauses{q.Select, q.Filter, q.OrderBy, q.wireTop(), q.Expand}.write(b, false)
}

// wireTop is $top where it can be sent: beyond a page the rows are counted by
// the client, since the service ignores one of $top and the page size (fact
// sheet, 4.4).
func (q *Query) wireTop() int {
	if q.Top > maxPage {
		return 0
	}
	return q.Top
}

func (q *Query) prefer(pageSize int) string {
	prefer := ""
	if q.Annotations {
		prefer = `odata.include-annotations="` + AnnotationFormatted[1:] + "," + AnnotationLookupType[1:] + `"`
	}
	if q.ID == "" && q.wireTop() == 0 {
		size := q.PageSize
		if size <= 0 {
			size = pageSize
		}
		if prefer != "" {
			prefer += ","
		}
		prefer += "odata.maxpagesize=" + strconv.Itoa(min(size, maxPage))
	}
	return prefer
}

// checkExpand holds the rules of section 4.5 of the fact sheet.
func (q *Query) checkExpand() error {
	count, nested := 0, false
	var walk func(es []Expand, depth int)
	walk = func(es []Expand, depth int) {
		for i := range es {
			count++
			nested = nested || depth > 0
			walk(es[i].Expand, depth+1)
		}
	}
	walk(q.Expand, 0)
	if count > maxExpand {
		return fmt.Errorf("%d joins: the service takes %d", count, maxExpand)
	}
	for i := range q.Expand {
		e := &q.Expand[i]
		if (len(e.OrderBy) > 0 || e.Top > 0) && (nested || !e.Collection) {
			return fmt.Errorf("join %s: sort and limit go only with a collection in a query without nested joins", e.Property)
		}
	}
	return nil
}

// clauses are what a query and an expand have in common.
type clauses struct {
	sel    []string
	filter Filter
	order  []Order
	top    int
	expand []Expand
}

// write writes the query options: those of a query percent-encoded, those of a
// join as they are, since they stand within the $expand of the query.
func (c clauses) write(b *bytes.Buffer, join bool) error {
	if len(c.sel) == 0 {
		return fmt.Errorf("no columns selected")
	}
	b.WriteString("$select=")
	for i, column := range c.sel {
		if err := checkName("column", column); err != nil {
			return err
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(column) // a name needs no encoding
	}
	option := func(name string) (value int) {
		if join {
			b.WriteByte(';')
		} else {
			b.WriteByte('&')
		}
		b.WriteString(name)
		return b.Len()
	}
	encode := func(value int) {
		if !join {
			escapeQueryFrom(b, value)
		}
	}
	before := b.Len()
	value := option("$filter=")
	if all, err := writeFilter(b, c.filter, c.sel[0]); err != nil {
		return err
	} else if all {
		b.Truncate(before)
	} else {
		encode(value)
	}
	if len(c.expand) > 0 {
		value := option("$expand=")
		if err := writeExpand(b, c.expand); err != nil {
			return err
		}
		encode(value)
	}
	if len(c.order) > 0 {
		value := option("$orderby=")
		for i, o := range c.order {
			if err := checkPath(o.Column); err != nil {
				return err
			}
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(o.Column)
			if o.Descending {
				b.WriteString(" desc")
			} else {
				b.WriteString(" asc")
			}
		}
		encode(value)
	}
	if err := notNegative("Top", int64(c.top)); err != nil {
		return err
	}
	if c.top > 0 {
		option("$top=")
		b.WriteString(strconv.Itoa(c.top))
	}
	return nil
}

func writeExpand(b *bytes.Buffer, es []Expand) error {
	for i := range es {
		e := &es[i]
		if err := checkName("navigation property", e.Property); err != nil {
			return err
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(e.Property)
		b.WriteByte('(')
		if err := (clauses{e.Select, e.Filter, e.OrderBy, e.Top, e.Expand}).write(b, true); err != nil {
			return fmt.Errorf("join %s: %w", e.Property, err)
		}
		b.WriteByte(')')
	}
	return nil
}
