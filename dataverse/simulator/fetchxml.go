package simulator

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// fetchXML answers GET set?fetchXml=… (fact sheet, section 4.8).
func (c *call) fetchXML(t *Table, query string) (*response, error) {
	q, err := parseFetch(query)
	if err != nil {
		return nil, err
	}
	p, err := c.planFetch(q, t)
	if err != nil {
		return nil, err
	}
	tuples, err := p.tuples()
	if err != nil {
		return nil, err
	}
	if q.aggregate {
		return p.aggregate(tuples)
	}
	if err := p.sort(tuples); err != nil {
		return nil, err
	}
	if q.distinct {
		tuples = p.distinct(tuples)
	}
	total := len(tuples)
	tuples, more := p.page(tuples)
	return p.write(tuples, total, more), nil
}

// tuples joins the entities: every combination of rows that the joins and
// filters let pass.
func (p *fetchPlan) tuples() ([]fetchTuple, error) {
	root := p.nodes[0]
	// Conditions on linked entities can only be tested after the joins.
	before := !mentionsLinks(root.entity.filters)
	var list []fetchTuple
	for _, r := range p.rootRows(root) {
		if root.visible != nil && !root.visible(r) {
			continue
		}
		t := make(fetchTuple, len(p.nodes))
		t[0] = r
		if before && root.test != nil && !root.test(t) {
			continue
		}
		list = append(list, t)
	}
	list = p.expand(list, root.links)
	if !before && root.test != nil {
		list = slices.DeleteFunc(list, func(t fetchTuple) bool { return !root.test(t) })
	}
	return list, nil
}

// rootRows are the rows of the root's table, or those that an index knows for
// an equality that all rows must satisfy.
func (p *fetchPlan) rootRows(root *fetchTable) []*record {
	for _, f := range root.entity.filters {
		if f.or {
			continue
		}
		for _, c := range f.conditions {
			col := root.table.Column(c.attribute)
			if col == nil || c.operator != "eq" || c.entityName != "" || c.valueOf != "" || len(c.values) != 1 {
				continue
			}
			id, ok := parseGUID(strings.Trim(strings.TrimSpace(c.values[0]), "{}"))
			switch {
			case ok && col == root.table.pk:
				if r := p.call.view.get(root.table, id); r != nil {
					return []*record{r}
				}
				return nil
			case ok && col.indexed:
				return p.call.view.referencing(col, id)
			}
		}
	}
	return p.call.view.rows(root.table)
}

func mentionsLinks(filters []*fetchFilter) bool {
	for _, f := range filters {
		for _, c := range f.conditions {
			if c.entityName != "" {
				return true
			}
		}
		if mentionsLinks(f.filters) {
			return true
		}
	}
	return false
}

// expand joins link-entities to tuples, one after the other: several links
// are crossed.
func (p *fetchPlan) expand(list []fetchTuple, links []*fetchTable) []fetchTuple {
	for _, n := range links {
		var next []fetchTuple
		for _, t := range list {
			next = append(next, p.join(t, n)...)
		}
		list = next
	}
	return list
}

// join gives the tuples that one tuple becomes by a link-entity.
func (p *fetchPlan) join(t fetchTuple, n *fetchTable) []fetchTuple {
	var out []fetchTuple
	if parent := t[n.parent.index]; parent != nil {
		for _, r := range p.call.joinRows(n, parent) {
			with := slices.Clone(t)
			with[n.index] = r
			if n.test != nil && !n.test(with) {
				continue
			}
			out = append(out, p.expand([]fetchTuple{with}, n.links)...)
		}
	}
	switch n.entity.linkType {
	case "outer":
		if len(out) == 0 {
			return p.expand([]fetchTuple{t}, n.links)
		}
	case "exists", "in":
		if len(out) > 0 {
			return []fetchTuple{t} // the columns of the link are not returned
		}
	case "matchfirstrowusingcrossapply":
		if len(out) > 1 {
			return out[:1]
		}
	}
	return out
}

// joinRows gives the rows of a link that go with a row of its parent, of those
// that the caller may read.
func (c *call) joinRows(n *fetchTable, parent *record) []*record {
	key := joinKey(parent.get(n.to))
	if key == nil {
		return nil
	}
	var rows []*record
	id, isID := key.(guid)
	switch {
	case n.rows == nil && isID && n.from == n.table.pk:
		if r := c.view.get(n.table, id); r != nil {
			rows = []*record{r}
		}
	case n.rows == nil && isID && n.from.indexed:
		rows = c.view.referencing(n.from, id)
	default:
		if n.joined == nil {
			n.joined = map[any][]*record{}
			all := n.rows
			if all == nil {
				all = c.view.rows(n.table)
			}
			for _, r := range all {
				if k := joinKey(r.get(n.from)); k != nil {
					n.joined[k] = append(n.joined[k], r)
				}
			}
		}
		rows = n.joined[key]
	}
	if n.visible == nil {
		return rows
	}
	return slices.DeleteFunc(slices.Clone(rows), func(r *record) bool { return !n.visible(r) })
}

// fetchKey is one item of the order.
type fetchKey struct {
	node       *fetchTable
	column     *Column
	descending bool
}

// sort orders by the order elements, in document order. A lookup sorts by the
// name of its row; the primary key of the root decides the rest.
func (p *fetchPlan) sort(tuples []fetchTuple) error {
	var keys []fetchKey
	for _, n := range p.nodes {
		for _, o := range n.entity.orders {
			of := n
			if o.entityName != "" {
				var err error
				if of, err = p.named(o.entityName); err != nil {
					return err
				}
			}
			col := of.table.Column(o.attribute)
			if col == nil {
				return errNoAttribute(of.table, o.attribute)
			}
			if err := p.call.mayQueryColumn(col); err != nil {
				return err
			}
			keys = append(keys, fetchKey{of, col, o.descending})
		}
	}
	if len(keys) == 0 {
		return nil
	}
	value := func(t fetchTuple, k fetchKey) any {
		r := t[k.node.index]
		if r == nil {
			return nil
		}
		v := r.get(k.column)
		if x, ok := v.(ref); ok {
			v = nil
			if target := p.call.view.target(x); target != nil && target.table.name != nil {
				v = target.get(target.table.name)
			}
		}
		return v
	}
	slices.SortStableFunc(tuples, func(a, b fetchTuple) int {
		for _, k := range keys {
			n := compareNullable(value(a, k), value(b, k))
			if k.descending {
				n = -n
			}
			if n != 0 {
				return n
			}
		}
		return strings.Compare(string(a[0].id[:]), string(b[0].id[:]))
	})
	return nil
}

// distinct drops tuples whose returned values are those of one before.
func (p *fetchPlan) distinct(tuples []fetchTuple) []fetchTuple {
	seen := map[string]bool{}
	return slices.DeleteFunc(tuples, func(t fetchTuple) bool {
		var key []byte
		for _, n := range p.nodes {
			for _, f := range n.columns {
				var v any
				if r := t[n.index]; r != nil {
					v = r.get(f.column)
				}
				key = append(appendJSON(key, v, f.column), 0)
			}
		}
		if seen[string(key)] {
			return true
		}
		seen[string(key)] = true
		return false
	})
}

// pageSize is how many rows one answer has.
func (p *fetchPlan) pageSize() int {
	switch {
	case p.query.count > 0:
		return min(p.query.count, maxPage)
	case p.call.prefer.pageSize > 0:
		return p.call.prefer.pageSize
	}
	return maxPage
}

// page cuts the page that is asked for out of all rows.
func (p *fetchPlan) page(tuples []fetchTuple) (page []fetchTuple, more bool) {
	if p.query.top > 0 {
		return tuples[:min(len(tuples), p.query.top, maxPage)], false
	}
	size := p.pageSize()
	skip := (p.query.page - 1) * size
	if last, ok := p.lastOfCookie(); ok && p.query.page > 1 {
		if i := lastIndexOf(tuples, last); i >= 0 {
			skip = i + 1
		}
	}
	if skip < 0 || skip > len(tuples) {
		skip = len(tuples)
	}
	tuples = tuples[skip:]
	if len(tuples) > size {
		return tuples[:size], true
	}
	return tuples, false
}

// lastIndexOf finds the last tuple of a root row.
func lastIndexOf(tuples []fetchTuple, id guid) int {
	for i := len(tuples) - 1; i >= 0; i-- {
		if tuples[i][0].id == id {
			return i
		}
	}
	return -1
}

var cookieLast = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`<(\w+) last="\{([0-9A-Fa-f-]{36})\}"`)
})

// lastOfCookie reads the last id out of a paging cookie, escaped or not.
// Pages of several rows for one root row are counted instead: the cookie does
// not tell them apart.
func (p *fetchPlan) lastOfCookie() (guid, bool) {
	if len(p.nodes) > 1 {
		return guid{}, false
	}
	text := p.query.pagingCookie
	for range 3 {
		if m := cookieLast().FindStringSubmatch(text); m != nil && m[1] == p.nodes[0].table.PrimaryID {
			return parseGUID(m[2])
		}
		next, err := url.QueryUnescape(text)
		if err != nil || next == text {
			break
		}
		text = next
	}
	return guid{}, false
}

// cookie is the annotation for the next page, in the form that OData's
// paging has.
func (p *fetchPlan) cookie(page []fetchTuple) string {
	first, last := page[0][0].id, page[len(page)-1][0].id
	inner := `<cookie page="` + strconv.Itoa(p.query.page) + `"><` + p.nodes[0].table.PrimaryID + ` last="` + last.braced() + `" first="` + first.braced() + `" /></cookie>`
	// Escaped twice, with lower-case hex digits, as the service does.
	once := strings.ReplaceAll(url.QueryEscape(inner), "+", "%20")
	once = percentLower().ReplaceAllStringFunc(once, strings.ToLower)
	return `<cookie pagenumber="` + strconv.Itoa(p.query.page+1) + `" pagingcookie="` + strings.ReplaceAll(once, "%", "%25") + `" istracking="False" />`
}

var percentLower = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`%[0-9A-F]{2}`)
})

// write writes the answer: null columns are left out.
func (p *fetchPlan) write(tuples []fetchTuple, total int, more bool) *response {
	w := newRowWriter(p.call)
	b := append([]byte(nil), `{"@odata.context":`...)
	b = appendString(b, p.context())
	if p.query.returnTotal && p.call.prefer.wants("Microsoft.Dynamics.CRM.totalrecordcount") {
		b = append(b, `,"@Microsoft.Dynamics.CRM.totalrecordcount":`...)
		b = strconv.AppendInt(b, int64(min(total, maxCount)), 10)
		b = append(b, `,"@Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded":`...)
		b = strconv.AppendBool(b, total > maxCount)
	}
	if more && p.call.prefer.wants("Microsoft.Dynamics.CRM.fetchxmlpagingcookie") {
		b = append(b, `,"@Microsoft.Dynamics.CRM.fetchxmlpagingcookie":`...)
		b = appendString(b, p.cookie(tuples))
	}
	if p.call.prefer.wants("Microsoft.Dynamics.CRM.morerecords") {
		b = append(b, `,"@Microsoft.Dynamics.CRM.morerecords":`...)
		b = strconv.AppendBool(b, more)
	}
	b = append(b, `,"value":[`...)
	for i, t := range tuples {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '{')
		if !p.query.distinct {
			b = append(b, `"@odata.etag":`...)
			b = appendString(b, t[0].etag())
		}
		for _, n := range p.nodes {
			for _, f := range n.columns {
				b = p.appendColumn(b, w, t[n.index], f)
			}
		}
		b = append(b, '}')
	}
	resp := jsonResponse(http.StatusOK, append(b, `]}`...))
	resp.applied = p.call.applied(false)
	return resp
}

func (p *fetchPlan) appendColumn(b []byte, w *rowWriter, r *record, f fetchColumn) []byte {
	if r == nil {
		return b
	}
	v := r.get(f.column)
	if v == nil || f.column.Secured && !w.readable(f.column) {
		return b
	}
	member := func(name, value string) {
		b = p.comma(b)
		b = append(appendString(b, f.key+"@"+name), ':')
		b = appendString(b, value)
	}
	if w.formatted {
		if text, ok := w.format(r, f.column, v); ok {
			member(annFormatted, text)
		}
		if f.node.parent != nil || f.attr.alias != "" {
			member("OData.Community.Display.V1.AttributeName", f.column.LogicalName)
		}
	}
	if x, ok := v.(ref); ok && x.table != nil {
		if w.navNames && f.node.parent == nil {
			if nav := navigationTo(f.column, x.table); nav != "" {
				member(annNav, nav)
			}
		}
		if w.tables {
			member(annTable, x.table.LogicalName)
		}
	}
	b = p.comma(b)
	b = append(appendString(b, f.key), ':')
	return appendJSON(b, v, f.column)
}

// comma separates members; the object has just been opened if b ends with "{".
func (p *fetchPlan) comma(b []byte) []byte {
	if b[len(b)-1] == '{' {
		return b
	}
	return append(b, ',')
}
