package simulator

import (
	"bufio"
	"bytes"
	"io"
	"slices"
	"strings"
)

// Dump writes all records as a seed: {"contacts": [{…}]}, all columns, lookups
// as _x_value with the annotation that names their table, parties as
// activityparties, many-to-many links as @odata.bind, sets by name and records
// by id (spec, section 8). A dump loads as a seed.
func (s *Server) Dump(out io.Writer) error {
	w := bufio.NewWriter(out)
	err := s.store.read(func(v *view) error {
		tables := slices.Clone(s.schema.tables)
		slices.SortFunc(tables, func(a, b *Table) int { return strings.Compare(a.EntitySet, b.EntitySet) })
		first := true
		_, _ = w.WriteString("{")
		for _, t := range tables {
			if notDumped[t.LogicalName] || len(v.rows(t)) == 0 {
				continue
			}
			if !first {
				_, _ = w.WriteString(",")
			}
			first = false
			_, _ = w.Write(append(appendString([]byte("\n  "), t.EntitySet), ": ["...))
			for i, r := range rowsByID(v, t) {
				if i > 0 {
					_, _ = w.WriteString(",")
				}
				if _, err := w.Write(s.appendDump([]byte("\n    "), v, r)); err != nil {
					return err
				}
			}
			_, _ = w.WriteString("\n  ]")
		}
		_, err := w.WriteString("\n}\n")
		return err
	})
	if err != nil {
		return err
	}
	return w.Flush()
}

// notDumped are tables whose rows follow from the schema, and the view of all
// activities.
var notDumped = map[string]bool{"privilege": true, "sdkmessage": true, "sdkmessagefilter": true, "activitypointer": true}

func rowsByID(v *view, t *Table) []*record {
	rows := slices.Clone(v.rows(t))
	slices.SortFunc(rows, func(a, b *record) int { return bytes.Compare(a.id[:], b.id[:]) })
	return rows
}

// appendDump writes one record.
func (s *Server) appendDump(b []byte, v *view, r *record) []byte {
	b = append(b, '{')
	member := func(name string) {
		if b[len(b)-1] != '{' {
			b = append(b, ", "...)
		}
		b = append(appendString(b, name), ": "...)
	}
	for _, c := range r.table.read {
		value := r.get(c)
		if x, ok := value.(ref); ok {
			member(c.Wire() + "@" + annTable)
			b = appendString(b, x.table.LogicalName)
		}
		member(c.Wire())
		b = appendJSON(b, value, c)
	}
	for _, name := range r.table.navOrder {
		nav := r.table.navs[name]
		if nav == nil || nav.alias || nav.many == nil || nav.second || nav.many.SchemaName == "roleprivileges_association" {
			continue
		}
		ids := slices.Clone(v.linked(nav.many, false, r.id))
		if len(ids) == 0 && nav.many.SchemaName != "systemuserroles_association" {
			continue
		}
		slices.SortFunc(ids, func(a, b guid) int { return bytes.Compare(a[:], b[:]) })
		member(name + "@odata.bind")
		b = append(b, '[')
		for i, id := range ids {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = appendString(b, "/"+nav.target.EntitySet+"("+id.String()+")")
		}
		b = append(b, ']')
	}
	return append(b, '}')
}
