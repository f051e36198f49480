package dataverse

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
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
	path, err := q.options()
	if err != nil {
		return r, fmt.Errorf("query of %s: %w", q.EntitySet, err)
	}
	r.Resource, r.Template = q.EntitySet, q.EntitySet
	if q.ID != "" {
		r.Resource += "(" + string(q.ID) + ")"
		r.Template += "(id)"
	}
	r.Path = r.Resource + "?" + path
	if prefer := q.prefer(pageSize); prefer != "" {
		r.Header["Prefer"] = []string{prefer}
	}
	return r, nil
}

// options gives the query part of the URL, percent-encoded.
func (q *Query) options() (string, error) {
	if err := checkName("entity set", q.EntitySet); err != nil {
		return "", err
	}
	if q.ID != "" && (!q.ID.valid() || q.Filter != nil || len(q.OrderBy) > 0 || q.Top != 0) {
		return "", fmt.Errorf("an ID goes alone, in the form of a GUID")
	}
	if err := q.checkExpand(); err != nil {
		return "", err
	}
	options, err := clauses{q.Select, q.Filter, q.OrderBy, q.wireTop(), q.Expand}.encode()
	if err != nil {
		return "", err
	}
	for i, option := range options {
		name, value, _ := strings.Cut(option, "=")
		options[i] = name + "=" + escapeQuery(value)
	}
	return strings.Join(options, "&"), nil
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
	var values []string
	if q.Annotations {
		values = append(values, `odata.include-annotations="`+
			AnnotationFormatted[1:]+","+AnnotationLookupType[1:]+`"`)
	}
	if q.ID == "" && q.wireTop() == 0 {
		size := q.PageSize
		if size <= 0 {
			size = pageSize
		}
		size = min(size, maxPage)
		values = append(values, "odata.maxpagesize="+strconv.Itoa(size))
	}
	return strings.Join(values, ",")
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

// encode gives the query options, not yet percent-encoded.
func (c clauses) encode() ([]string, error) {
	if len(c.sel) == 0 {
		return nil, fmt.Errorf("no columns selected")
	}
	for _, column := range c.sel {
		if err := checkName("column", column); err != nil {
			return nil, err
		}
	}
	options := []string{"$select=" + strings.Join(c.sel, ",")}
	filter, err := encodeFilter(c.filter, c.sel[0])
	if err != nil {
		return nil, err
	}
	if filter != "" {
		options = append(options, "$filter="+filter)
	}
	if len(c.expand) > 0 {
		text, err := encodeExpand(c.expand)
		if err != nil {
			return nil, err
		}
		options = append(options, "$expand="+text)
	}
	if len(c.order) > 0 {
		var terms []string
		for _, o := range c.order {
			if err := checkPath(o.Column); err != nil {
				return nil, err
			}
			direction := " asc"
			if o.Descending {
				direction = " desc"
			}
			terms = append(terms, o.Column+direction)
		}
		options = append(options, "$orderby="+strings.Join(terms, ","))
	}
	if c.top > 0 {
		options = append(options, "$top="+strconv.Itoa(c.top))
	}
	return options, nil
}

func encodeExpand(es []Expand) (string, error) {
	terms := make([]string, len(es))
	for i := range es {
		e := &es[i]
		if err := checkName("navigation property", e.Property); err != nil {
			return "", err
		}
		options, err := clauses{e.Select, e.Filter, e.OrderBy, e.Top, e.Expand}.encode()
		if err != nil {
			return "", fmt.Errorf("join %s: %w", e.Property, err)
		}
		terms[i] = e.Property + "(" + strings.Join(options, ";") + ")"
	}
	return strings.Join(terms, ","), nil
}
