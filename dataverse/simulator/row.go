package simulator

import (
	"net/url"
	"strconv"
)

const (
	annFormatted = "OData.Community.Display.V1.FormattedValue"
	annNav       = "Microsoft.Dynamics.CRM.associatednavigationproperty"
	annTable     = "Microsoft.Dynamics.CRM.lookuplogicalname"
)

// rowWriter writes rows as JSON.
type rowWriter struct {
	call                        *call
	env                         *env
	formatted, navNames, tables bool
	list                        bool // rows of a collection: expansions get links to further rows
	nested                      bool // expansions are nested: their links carry tokens
	hidden                      map[*Column]bool
}

func newRowWriter(c *call) *rowWriter {
	return &rowWriter{
		call: c, env: newEnv(c),
		formatted: c.prefer.wants(annFormatted), navNames: c.prefer.wants(annNav), tables: c.prefer.wants(annTable),
	}
}

// etag is the row's version as headers and bodies have it.
func (r *record) etag() string { return `W/"` + strconv.FormatInt(r.version, 10) + `"` }

// context gives the context URL for rows of a set.
func (c *call) context(set string, p *plan, single bool) string {
	s := c.base + "/$metadata#" + set
	if p.hasContext {
		s += "(" + p.context + ")"
	}
	if single {
		s += "/$entity"
	}
	return s
}

// appendRow writes one row; context, if not empty, comes first.
func (w *rowWriter) appendRow(b []byte, r *record, p *plan, context string) []byte {
	b = append(b, '{')
	if context != "" {
		b = append(b, `"@odata.context":`...)
		b = appendString(b, context)
		b = append(b, ',')
	}
	b = append(b, `"@odata.etag":"W/\"`...)
	b = strconv.AppendInt(b, r.version, 10)
	b = append(b, `\""`...)
	columns, keys := p.columns, p.keys
	if r.table != p.table && len(r.table.Columns) > 0 && !r.table.Activity {
		columns, keys = sameNames(r.table, p) // a team where a user was expected
	}
	for i, col := range columns {
		v := r.get(col)
		if col.Secured && v != nil && !w.readable(col) {
			v = nil // DV080
		}
		if v != nil {
			b = w.appendAnnotations(b, r, col, v)
		}
		b = append(b, ',')
		b = append(b, keys[i]...)
		b = appendJSON(b, v, col)
	}
	for _, e := range p.expands {
		b = w.appendExpansion(b, r, e)
	}
	return append(b, '}')
}

// sameNames gives the columns of t that have the names of a plan's.
func sameNames(t *Table, p *plan) (columns []*Column, keys []string) {
	for i, col := range p.columns {
		if col == p.table.pk {
			columns, keys = append(columns, t.pk), append(keys, `"`+t.pk.LogicalName+`":`)
			continue
		}
		if same := t.columns[col.LogicalName]; same != nil && same.inOData() {
			columns, keys = append(columns, same), append(keys, p.keys[i])
		}
	}
	return columns, keys
}

func (w *rowWriter) readable(col *Column) bool {
	hidden, ok := w.hidden[col]
	if !ok {
		if w.hidden == nil {
			w.hidden = map[*Column]bool{}
		}
		hidden = !w.call.mayReadColumn(col)
		w.hidden[col] = hidden
	}
	return !hidden
}

// appendAnnotations writes what is asked for about a value, before it.
func (w *rowWriter) appendAnnotations(b []byte, r *record, col *Column, v any) []byte {
	if !w.formatted && !w.navNames && !w.tables {
		return b
	}
	name := col.Wire()
	put := func(annotation, value string) {
		b = append(b, ',', '"')
		b = append(b, name...)
		b = append(b, '@')
		b = append(b, annotation...)
		b = append(b, '"', ':')
		b = appendString(b, value)
	}
	if w.formatted {
		if text, ok := w.format(r, col, v); ok {
			put(annFormatted, text)
		}
	}
	if x, ok := v.(ref); ok && x.table != nil {
		if w.navNames {
			if nav := navigationTo(col, x.table); nav != "" {
				put(annNav, nav)
			}
		}
		if w.tables {
			put(annTable, x.table.LogicalName)
		}
	}
	return b
}

// navigationTo gives the navigation property of a lookup that leads to t.
func navigationTo(col *Column, t *Table) string {
	for _, rel := range col.rels {
		if rel.Referenced == t || rel.Referenced == nil && t.isPrincipal() || rel.Referenced != nil && rel.Referenced.LogicalName == "activitypointer" && t.Activity && col.relTo(t) == nil {
			return rel.Navigation
		}
	}
	return ""
}

// appendExpansion writes one expanded property.
func (w *rowWriter) appendExpansion(b []byte, r *record, e *expansion) []byte {
	b = append(b, ',', '"')
	b = append(b, e.nav.name...)
	b = append(b, '"', ':')
	if !e.nav.collection {
		w.env.rows[0] = r
		target := w.env.follow(0, []*navigation{e.nav})
		if target != nil && e.filter != nil {
			w.env.rows[0] = target
			if e.filter(w.env) != yes {
				target = nil
			}
		}
		switch {
		case target == nil:
			return append(b, "null"...)
		case e.refs:
			b = append(b, `{"@odata.id":`...)
			b = appendString(b, w.call.url(target.table, target.id))
			return append(b, '}')
		}
		return w.appendRow(b, target, e.plan, "")
	}
	var rows []*record
	w.env.view.behind(r, e.nav, func(child *record) bool {
		if !w.env.mayRead(child) {
			return true
		}
		w.env.rows[0] = child
		if e.filter == nil || e.filter(w.env) == yes {
			rows = append(rows, child)
		}
		return true
	})
	w.call.sortRows(rows, e.order)
	total := len(rows)
	limit := maxPage
	if w.nested && w.call.prefer.pageSize > 0 {
		limit = w.call.prefer.pageSize
	}
	if e.top >= 0 {
		limit = min(limit, e.top)
	}
	rows = rows[:min(limit, total)]
	b = append(b, '[')
	for i, child := range rows {
		if i > 0 {
			b = append(b, ',')
		}
		b = w.appendRow(b, child, e.plan, "")
	}
	b = append(b, ']')
	if !w.list && !w.nested && total <= maxPage || w.nested && len(rows) == total {
		return b
	}
	// DV076: a link without a token re-reads the same rows; with anything
	// nested it has one and leads to the rest.
	link := w.call.url(r.table, r.id) + "/" + e.nav.name
	sep := "?"
	if e.options != "" {
		link += sep + escapeSpaces(e.options)
		sep = "&"
	}
	if w.nested || total > maxPage {
		w.call.server.cookies.bind(cookieKeyOf(1, rows, e.plan.table), escapeSpaces(e.options))
		link += sep + "$skiptoken=" + skipToken(1, rows, e.plan.table)
	}
	b = append(b, ',', '"')
	b = append(b, e.nav.name...)
	b = append(b, `@odata.nextLink":`...)
	return appendString(b, link)
}

// escapeSpaces makes decoded options fit for a link.
func escapeSpaces(s string) string {
	out := make([]byte, 0, len(s))
	for i := range len(s) {
		switch ch := s[i]; {
		case ch == ' ' || ch == '%' || ch == '#' || ch == '+' || ch == '"' || ch < 0x20 || ch >= 0x7f:
			out = append(out, url.PathEscape(string(ch))...)
			if ch >= 0x80 {
				out = out[:len(out)-len(url.PathEscape(string(ch)))]
				out = append(out, '%', "0123456789ABCDEF"[ch>>4], "0123456789ABCDEF"[ch&15])
			} else if ch == '+' {
				out = append(out[:len(out)-1], "%2B"...)
			}
		default:
			out = append(out, ch)
		}
	}
	return string(out)
}
