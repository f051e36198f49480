package simulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
)

// readBody reads the body as a JSON object.
func (c *call) readBody(t *Table) (map[string]any, error) {
	if len(bytes.TrimSpace(c.body)) == 0 {
		return nil, errPayload(t, "A non-empty JSON object is expected in the body of the request.")
	}
	v, err := decodeJSON(c.body)
	if err != nil {
		return nil, errPayload(t, "%s", err)
	}
	object, ok := v.(map[string]any)
	if !ok {
		return nil, errPayload(t, "An unexpected node was found when reading from the JSON reader. A 'StartObject' node was expected.")
	}
	if typ, given := object["@odata.type"]; given {
		if name, _ := typ.(string); strings.TrimPrefix(name, "#") != crmPrefix+t.LogicalName {
			return nil, errPayload(t, "A resource with type '%v' was found, but it is not assignable to the expected type '%s%s'. The type specified in the resource must be equal to either the expected type or a derived type.", typ, crmPrefix, t.LogicalName)
		}
	}
	return object, nil
}

// maxJSONDepth bounds the nesting of bodies (DV062).
const maxJSONDepth = 100

// decodeJSON reads one JSON value; numbers stay as written.
func decodeJSON(b []byte) (any, error) {
	b = bytes.TrimPrefix(b, []byte("\ufeff"))
	depth, inText := 0, false
	for i := 0; i < len(b); i++ {
		switch ch := b[i]; {
		case inText && ch == '\\':
			i++
		case ch == '"':
			inText = !inText
		case !inText && (ch == '{' || ch == '['):
			if depth++; depth > maxJSONDepth {
				return nil, fmt.Errorf("the depth of the JSON body exceeds the limit of %d", maxJSONDepth)
			}
		case !inText && (ch == '}' || ch == ']'):
			depth--
		}
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errors.New("there is more than one value in the body")
	}
	return v, nil
}

// nested is what a body holds beside columns: rows to create with it, and rows
// to link to it.
type nested struct {
	nav  *navigation
	body map[string]any // to create
	link *record        // to link
}

// assign puts the values of a body into a draft. What belongs to related rows
// is returned; for an update there is nothing of the kind.
func (c *call) assign(d *draft, body map[string]any, creating bool) ([]nested, error) {
	t := d.table
	var later []nested
	names := make([]string, 0, len(body))
	for name := range body {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		v := body[name]
		if bare, ok := strings.CutSuffix(name, "@odata.bind"); ok {
			more, err := c.bind(d, bare, v, creating)
			if err != nil {
				return nil, err
			}
			later = append(later, more...)
			continue
		}
		if strings.Contains(name, "@") {
			continue // other annotations say nothing about a value
		}
		if nav := t.navs[name]; nav != nil {
			more, err := c.assignNavigation(d, nav, v, creating)
			if err != nil {
				return nil, err
			}
			later = append(later, more...)
			continue
		}
		col := t.columns[name]
		if col == nil {
			col = t.wire[name]
		}
		switch {
		case col == nil || col.Type == PartyList || col.Type == Virtual:
			return nil, errInvalidProperty(name, t)
		case col.Type.IsLookup():
			if c.restore && v == nil {
				continue
			}
			return nil, errDirectLookup(t)
		case col.system == sysPrimary:
			continue // the key is read elsewhere
		case !c.restore && (creating && col.NoCreate || !creating && col.NoUpdate):
			// DV050: silently ignored.
			c.strict("not-writable", "column %q of %q cannot be written; the value was ignored", name, t.LogicalName)
			continue
		}
		if err := c.mayWriteColumn(col, creating); err != nil {
			return nil, err
		}
		value, err := convert(col, v)
		if err != nil {
			return nil, err
		}
		if value == nil && !creating && col.Required == SystemRequired {
			return nil, errRequired(col)
		}
		d.put(col, value)
	}
	return later, nil
}

func (c *call) mayWriteColumn(col *Column, creating bool) error {
	if !col.Secured {
		return nil
	}
	if creating {
		return c.mayCreateColumn(col)
	}
	return c.mayUpdateColumn(col)
}

func errInvalidProperty(name string, t *Table) error { // DV051
	return failf(http.StatusBadRequest, codeNone,
		"An error occurred while validating input parameters: Microsoft.Crm.CrmException: Invalid property '%s' was found in entity 'Microsoft.Dynamics.CRM.%s'. ---> Microsoft.OData.ODataException: Does not support untyped value in non-open type.", name, t.LogicalName)
}

func errDirectLookup(t *Table) error { // DV052
	return failf(http.StatusBadRequest, codePayload,
		"Error identified in Payload provided by the user for Entity :'%s', ---->  InnerException : Microsoft.Crm.CrmException: CRM do not support direct update of Entity Reference properties, Use Navigation properties instead.", t.EntitySet)
}

func errRequired(col *Column) error {
	return failf(http.StatusBadRequest, codeRequired, "Required field missing. Attribute '%s' cannot be set to NULL.", col.LogicalName)
}

// bind sets a lookup, or links rows to a collection, by address.
func (c *call) bind(d *draft, name string, v any, creating bool) ([]nested, error) {
	t := d.table
	nav := t.navs[name]
	if nav == nil {
		return nil, errPayload(t, // DV056
			"An undeclared property '%s' which only has property annotations in the payload but no property value was found in the payload. In OData, only declared navigation properties and declared named streams can be represented as properties without values.", name)
	}
	if nav.collection {
		list, ok := v.([]any)
		if !ok || !creating {
			return nil, errPayload(t, "The annotation '%s@odata.bind' of a collection needs an array, and works in POST only.", name)
		}
		var later []nested
		for _, item := range list {
			text, ok := item.(string)
			if !ok {
				return nil, errPayload(t, "The annotation '%s@odata.bind' needs an array of addresses.", name)
			}
			r, err := c.boundRow(nav, text)
			if err != nil {
				return nil, err
			}
			later = append(later, nested{nav: nav, link: r})
		}
		return later, nil
	}
	if v == nil {
		return nil, c.setLookup(d, nav, nil, creating)
	}
	text, ok := v.(string)
	if !ok {
		return nil, errPayload(t, "The annotation '%s@odata.bind' needs an address.", name)
	}
	r, err := c.boundRow(nav, text)
	if err != nil {
		return nil, err
	}
	return nil, c.setLookup(d, nav, r, creating)
}

// boundRow resolves an address and checks that the property can lead there; a
// row of another table is not found in the property's (DV057).
func (c *call) boundRow(nav *navigation, text string) (*record, error) {
	r, err := c.reference(text)
	if err != nil {
		return nil, err
	}
	if !nav.leadsTo(r.table) {
		t := nav.target
		if t == nil {
			t = c.server.schema.Table("systemuser")
		}
		return nil, errNotFound(t, r.id)
	}
	return r, nil
}

// setLookup points a lookup at a row, or at none.
func (c *call) setLookup(d *draft, nav *navigation, r *record, creating bool) error {
	col := nav.rel.Column
	if !c.restore && (creating && col.NoCreate || !creating && col.NoUpdate) {
		c.strict("not-writable", "lookup %q of %q cannot be written; the value was ignored", col.LogicalName, d.table.LogicalName)
		return nil
	}
	if err := c.mayWriteColumn(col, creating); err != nil {
		return err
	}
	if r == nil {
		if col.Required == SystemRequired {
			return errRequired(col)
		}
		// Clearing one of several properties leaves another's value alone.
		if x, ok := d.get(col).(ref); ok && !nav.leadsTo(x.table) {
			return nil
		}
		d.put(col, nil)
		return nil
	}
	if col.system == sysOwner {
		if err := c.checkOwner(r); err != nil {
			return err
		}
	} else if col.system == sysNone || col.system == sysCurrency {
		if err := c.mayAppend(d.table, r); err != nil {
			return err
		}
	}
	d.put(col, ref{r.table, r.id})
	return nil
}

// mayAppend asks what linking a row of t to another needs: Append on t, and
// AppendTo on the other, whoever owns its table (DV090).
func (c *call) mayAppend(t *Table, to *record) error {
	if err := c.privilege(t, Append); err != nil {
		return err
	}
	if err := c.privilege(to.table, AppendTo); err != nil {
		return err
	}
	return c.access(to, AppendTo)
}

// checkOwner refuses an owner who is disabled.
func (c *call) checkOwner(r *record) error {
	if col := r.table.columns["isdisabled"]; col != nil && r.get(col) == true {
		return failf(http.StatusBadRequest, "0x8004022B", "The specified owner has been disabled.")
	}
	return nil
}

// assignNavigation reads a nested object, a nested array or a null.
func (c *call) assignNavigation(d *draft, nav *navigation, v any, creating bool) ([]nested, error) {
	t := d.table
	if !nav.collection {
		if v == nil {
			return nil, c.setLookup(d, nav, nil, creating)
		}
		body, ok := v.(map[string]any)
		if !ok {
			return nil, errDirectLookup(t)
		}
		if !creating {
			return nil, errPayload(t, "Deep update is not supported: the navigation property '%s' of an existing row cannot be given as an object.", nav.name)
		}
		if nav.target == nil {
			return nil, errPayload(t, "The navigation property '%s' cannot be given as an object.", nav.name)
		}
		r, err := c.create(nav.target, body, nil)
		if err != nil {
			return nil, err
		}
		return nil, c.setLookup(d, nav, r, creating)
	}
	list, ok := v.([]any)
	if !ok {
		return nil, errPayload(t, "The navigation property '%s' needs an array.", nav.name)
	}
	isParties := nav.rel != nil && nav.target.LogicalName == "activityparty" && nav.rel.Column.LogicalName == "activityid"
	if nav.target.LogicalName == "activityparty" && !isParties {
		return nil, errPayload(t, "Parties can only be given with their activity.")
	}
	if !creating && !isParties {
		return nil, errPayload(t, "Deep update is not supported: the collection '%s' of an existing row cannot be given.", nav.name)
	}
	later := make([]nested, 0, len(list))
	for _, item := range list {
		body, ok := item.(map[string]any)
		if !ok {
			return nil, errPayload(t, "The navigation property '%s' needs an array of objects.", nav.name)
		}
		later = append(later, nested{nav: nav, body: body})
	}
	if isParties && !creating {
		later = append(later, nested{nav: nav}) // an empty list replaces, too
	}
	return later, nil
}
