package simulator

import (
	"net/http"
)

// readRef reads the body of a $ref request: {"@odata.id": address}.
func (c *call) readRef(nav *navigation, t *Table) (*record, error) {
	body, err := c.readBody(t)
	if err != nil {
		return nil, err
	}
	text, ok := body["@odata.id"].(string)
	if !ok {
		return nil, errPayload(t, "The annotation '@odata.id' is missing in the body of the request.")
	}
	return c.boundRow(nav, text)
}

// addRef answers POST …/collection/$ref.
func (c *call) addRef(src source) (*response, error) {
	child, err := c.readRef(src.nav, src.from.table)
	if err != nil {
		return nil, err
	}
	if src.nav.many != nil {
		if err := c.linkMany(src, child); err != nil {
			return nil, err
		}
		return noContent(), nil
	}
	d := draftOf(child)
	if err := c.setLookup(d, &navigation{rel: src.nav.rel, target: src.from.table}, src.from, false); err != nil {
		return nil, err
	}
	if err := c.change(child, d); err != nil {
		return nil, err
	}
	return noContent(), nil
}

// linkMany is the message Associate for a many-to-many relationship. A pair
// that is linked already is a duplicate (DV037).
func (c *call) linkMany(src source, other *record) error {
	if err := c.mayLink(src.from, other); err != nil {
		return err
	}
	if err := c.before("Associate", src.from.table, src.from.id, src.from, nil); err != nil {
		return err
	}
	if !c.linkPair(src.nav, src.from, other) {
		return failf(http.StatusPreconditionFailed, codeDuplicate, "Cannot insert duplicate key.")
	}
	return c.after("Associate", src.from.table, src.from.id, src.from)
}

// mayLink asks for Append on one side and AppendTo on the other.
func (c *call) mayLink(r, other *record) error {
	if err := c.access(r, Append); err != nil {
		return err
	}
	return c.mayAppend(r.table, other)
}

func (c *call) linkPair(nav *navigation, r, other *record) bool {
	if nav.second {
		return c.tx.link(nav.many, other.id, r.id)
	}
	return c.tx.link(nav.many, r.id, other.id)
}

// removeRef answers DELETE …/collection/$ref?$id=address.
func (c *call) removeRef(src source) (*response, error) {
	text := c.options.Get("$id")
	if text == "" {
		return nil, errQuery("The query option '$id' is missing: it names the row to disassociate.")
	}
	child, err := c.boundRow(src.nav, text)
	if err != nil {
		return nil, err
	}
	return c.disassociate(src, child)
}

// disassociate parts a row from a collection; a row that is not in it stays
// as it is.
func (c *call) disassociate(src source, child *record) (*response, error) {
	if src.nav.many != nil {
		if err := c.mayLink(src.from, child); err != nil {
			return nil, err
		}
		if err := c.before("Disassociate", src.from.table, src.from.id, src.from, nil); err != nil {
			return nil, err
		}
		if src.nav.second {
			c.tx.unlink(src.nav.many, child.id, src.from.id)
		} else {
			c.tx.unlink(src.nav.many, src.from.id, child.id)
		}
		if err := c.after("Disassociate", src.from.table, src.from.id, src.from); err != nil {
			return nil, err
		}
		return noContent(), nil
	}
	col := child.table.columns[src.nav.rel.Column.LogicalName]
	x, ok := child.ref(col)
	if !ok || x.id != src.from.id {
		return noContent(), nil
	}
	d := draftOf(child)
	if err := c.setLookup(d, &navigation{rel: src.nav.rel, target: src.from.table}, nil, false); err != nil {
		return nil, err
	}
	if err := c.change(child, d); err != nil {
		return nil, err
	}
	return noContent(), nil
}

// setRef answers PUT …/lookup/$ref.
func (c *call) setRef(r *record, nav *navigation) (*response, error) {
	target, err := c.readRef(nav, r.table)
	if err != nil {
		return nil, err
	}
	return c.writeLookup(r, nav, target)
}

// clearRef answers DELETE …/lookup/$ref.
func (c *call) clearRef(r *record, nav *navigation) (*response, error) {
	return c.writeLookup(r, nav, nil)
}

func (c *call) writeLookup(r *record, nav *navigation, target *record) (*response, error) {
	if nav.rel.Column.NoUpdate {
		return nil, errQuery("The property '%s' cannot be updated.", nav.name)
	}
	d := draftOf(r)
	if err := c.setLookup(d, nav, target, false); err != nil {
		return nil, err
	}
	if err := c.change(r, d); err != nil {
		return nil, err
	}
	return noContent(), nil
}

// routeProperty answers GET, PUT and DELETE on one column of a row, and GET of
// its raw value (fact sheet sections 3.4 and 3.6).
func (c *call) routeProperty(r *record, col *Column, rest []segment) (*response, error) {
	raw := len(rest) == 1 && rest[0].name == "$value"
	if len(rest) > 0 && !raw {
		return nil, errSegment(rest[0].name)
	}
	switch c.method {
	case http.MethodGet:
		if col.NoRead {
			return nil, errSegment(col.Wire())
		}
		return c.getProperty(r, col, raw)
	case http.MethodPut, http.MethodDelete:
		if raw {
			break
		}
		return c.setProperty(r, col)
	}
	return nil, errMethod(c.method)
}

func (c *call) getProperty(r *record, col *Column, raw bool) (*response, error) {
	if err := c.mayRetrieve(r); err != nil {
		return nil, err
	}
	v := r.get(col)
	if col.Secured && !c.mayReadColumn(col) {
		v = nil
	}
	if v == nil {
		return noContent(), nil
	}
	if raw {
		text := appendJSON(nil, v, col)
		if s, ok := v.(string); ok {
			text = []byte(s)
		} else if text[0] == '"' {
			text = text[1 : len(text)-1]
		}
		return &response{status: http.StatusOK, contentType: textType, body: text}, nil
	}
	b := append([]byte(nil), `{"@odata.context":`...)
	b = appendString(b, c.base+"/$metadata#"+r.table.EntitySet+"("+r.id.String()+")/"+col.Wire())
	w := newRowWriter(c)
	if w.formatted {
		if text, ok := w.format(r, col, v); ok {
			b = append(b, `,"value@OData.Community.Display.V1.FormattedValue":`...)
			b = appendString(b, text)
		}
	}
	b = append(b, `,"value":`...)
	resp := jsonResponse(http.StatusOK, append(appendJSON(b, v, col), '}'))
	resp.applied = c.applied(false)
	return resp, nil
}

func (c *call) setProperty(r *record, col *Column) (*response, error) {
	var v any
	if c.method == http.MethodPut {
		body, err := c.readBody(r.table)
		if err != nil {
			return nil, err
		}
		var ok bool
		if v, ok = body["value"]; !ok {
			return nil, errPayload(r.table, "The value of the property is expected under the name 'value'.")
		}
	}
	if err := c.checkConditions(&rowKey{table: r.table, id: r.id, hasID: true}, r); err != nil {
		return nil, err
	}
	if err := c.update(r, map[string]any{col.Wire(): v}); err != nil {
		return nil, err
	}
	c.written = r
	return noContent(), nil
}
