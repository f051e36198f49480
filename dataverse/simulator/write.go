package simulator

import (
	"net/http"
	"strings"
)

// createAt answers POST on an entity set, or on a collection of a row, which
// links the new row to it.
func (c *call) createAt(src source) (*response, error) {
	body, err := c.readBody(src.table)
	if err != nil {
		return nil, err
	}
	var r *record
	switch {
	case src.nav == nil:
		if src.table.LogicalName == "activityparty" && !c.restore {
			return nil, failf(http.StatusBadRequest, "0x80040800", "The 'Create' method does not support entities of type 'activityparty'.") // DV042
		}
		r, err = c.create(src.table, body, nil)
	case src.nav.many != nil:
		if r, err = c.create(src.table, body, nil); err == nil {
			err = c.linkMany(src, r)
		}
	case src.table.LogicalName == "activityparty":
		return nil, errMethod(c.method)
	default:
		r, err = c.create(src.table, body, func(d *draft) error {
			return c.setLookup(d, &navigation{rel: src.nav.rel, target: src.from.table}, src.from, true)
		})
	}
	if err != nil {
		return nil, err
	}
	return c.wrote(http.StatusCreated, r, "")
}

// wrote answers a create or an update: with the row if that was asked for,
// else with its address. key is the alternate key that the row was addressed
// by, which the address repeats (DV027).
func (c *call) wrote(status int, r *record, key string) (*response, error) {
	c.written = r
	if !c.prefer.representation {
		resp := noContent()
		resp.entityID = c.url(r.table, r.id)
		if key != "" {
			resp.entityID = c.base + "/" + r.table.EntitySet + "(" + escapeSpaces(key) + ")"
		}
		return resp, nil
	}
	if err := c.mayRetrieve(r); err != nil {
		return nil, err
	}
	if c.method == http.MethodPatch {
		c.options.Del("$expand") // DV028: ignored on PATCH
	}
	p, err := c.readPlan(r.table)
	if err != nil {
		return nil, err
	}
	resp := c.rowResponse(status, r, p)
	resp.applied = c.applied(true)
	return resp, nil
}

// create is the message Create: one row, what is nested in it, and what the
// service adds. more, if not nil, sets further columns.
func (c *call) create(t *Table, body map[string]any, more func(*draft) error) (*record, error) {
	if t.LogicalName == "activitypointer" {
		return nil, failf(http.StatusBadRequest, "0x80040800", "The 'Create' method does not support entities of type 'activitypointer'.")
	}
	if err := c.privilege(t, Create); err != nil {
		return nil, err
	}
	id, err := c.idFor(t, body)
	if err != nil {
		return nil, err
	}
	if c.depth++; c.depth > maxJSONDepth {
		return nil, errQuery("The depth of the JSON body exceeds the limit of %d.", maxJSONDepth)
	}
	defer func() { c.depth-- }()
	d := newDraft(t)
	later, err := c.assign(d, body, true)
	if err != nil {
		return nil, err
	}
	if more != nil {
		if err := more(d); err != nil {
			return nil, err
		}
	}
	c.fillDefaults(d)
	if err := c.before("Create", t, id, nil, d); err != nil {
		return nil, err
	}
	if err := c.complete(d, nil); err != nil {
		return nil, err
	}
	if err := c.checkRequired(d); err != nil {
		return nil, err
	}
	r, err := c.tx.insert(t, id, d)
	if err != nil {
		return nil, err
	}
	if err := c.createNested(r, later); err != nil {
		return nil, err
	}
	if t.Activity {
		if err := c.serverParties(r); err != nil {
			return nil, err
		}
	}
	return r, c.after("Create", t, id, r)
}

// idFor gives the id of a new row: the body's, else a new one.
func (c *call) idFor(t *Table, body map[string]any) (guid, error) {
	v, ok := body[t.PrimaryID]
	if !ok || v == nil {
		return c.server.newID(), nil
	}
	s, _ := v.(string)
	id, ok := parseGUID(s)
	if !ok {
		return guid{}, errPayload(t, "Cannot convert the literal '%s' to the expected type 'Edm.Guid'.", literalText(v))
	}
	return id, nil
}

// createNested creates or links what a body held beside columns.
func (c *call) createNested(r *record, later []nested) error {
	for _, n := range later {
		switch {
		case n.link != nil && n.nav.many != nil:
			c.linkPair(n.nav, r, n.link)
		case n.link != nil:
			child := draftOf(n.link)
			if err := c.setLookup(child, &navigation{rel: n.nav.rel, target: r.table}, r, true); err != nil {
				return err
			}
			if err := c.change(n.link, child); err != nil {
				return err
			}
		case n.body == nil:
		case n.nav.target.LogicalName == "activityparty":
			if err := c.createParty(r, n.body); err != nil {
				return err
			}
		case n.nav.many != nil:
			child, err := c.create(n.nav.target, n.body, nil)
			if err != nil {
				return err
			}
			c.linkPair(n.nav, r, child)
		default:
			_, err := c.create(n.nav.target, n.body, func(d *draft) error {
				return c.setLookup(d, &navigation{rel: n.nav.rel, target: r.table}, r, true)
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// checkRequired refuses a new row without a SystemRequired value (DV033). That
// an ApplicationRequired one is missing shows in strict mode only.
func (c *call) checkRequired(d *draft) error {
	for _, col := range d.table.Columns {
		if col.Required == ApplicationRequired && d.get(col) == nil && !c.restore {
			c.strict("required-missing", "a new row of %q has no %q, which forms require", d.table.LogicalName, col.LogicalName)
		}
		if col.Required == SystemRequired && col.system != sysPrimary && col.system != sysVersion && d.get(col) == nil {
			return errRequired(col)
		}
	}
	return nil
}

// patch answers PATCH on a key: update, or create where there is no row, as
// the conditions say (fact sheet section 2.3).
func (c *call) patch(k *rowKey) (*response, error) {
	body, err := c.readBody(k.table)
	if err != nil {
		return nil, err
	}
	r := c.view.find(k)
	if err := c.checkConditions(k, r); err != nil {
		return nil, err
	}
	key := ""
	if !k.hasID {
		key = k.text
	}
	if r != nil {
		if !k.hasID {
			for _, col := range k.table.Keys[k.key].columns {
				dropKeyColumn(body, col)
			}
		}
		if err := c.update(r, body); err != nil {
			return nil, err
		}
		return c.wrote(http.StatusOK, r, key)
	}
	if r, err = c.createByKey(k, body); err != nil {
		return nil, err
	}
	return c.wrote(http.StatusCreated, r, key)
}

// createByKey creates the row that a key does not find: with the id of the
// URL, or with the values of the alternate key where the body lacks them
// (DV029).
func (c *call) createByKey(k *rowKey, body map[string]any) (*record, error) {
	if k.hasID {
		body[k.table.PrimaryID] = k.id.String()
		return c.create(k.table, body, nil)
	}
	return c.create(k.table, body, func(d *draft) error {
		for i, col := range k.table.Keys[k.key].columns {
			if d.isSet(col) {
				continue
			}
			v := k.values[i]
			if x, ok := v.(ref); ok && c.view.target(x) == nil {
				return errNotFound(x.table, x.id)
			}
			d.put(col, v)
		}
		return nil
	})
}

func dropKeyColumn(body map[string]any, col *Column) {
	delete(body, col.LogicalName)
	for _, rel := range col.rels {
		delete(body, rel.Navigation)
		delete(body, rel.Navigation+"@odata.bind")
	}
}

// checkConditions holds If-Match and If-None-Match against the row, which may
// be nil (DV021).
func (c *call) checkConditions(k *rowKey, r *record) error {
	match := strings.TrimSpace(c.header.Get("If-Match"))
	none := strings.TrimSpace(c.header.Get("If-None-Match"))
	if r == nil {
		if match != "" {
			return k.missing()
		}
		return nil
	}
	if none == "*" && c.method != http.MethodDelete {
		return failf(http.StatusPreconditionFailed, codeDuplicate, "A record with matching key values already exists.")
	}
	if match == "" || match == "*" {
		return nil
	}
	if r.table.NoOptimisticConcurrency {
		return failf(http.StatusBadRequest, "0x8006088D", "Optimistic concurrency isn't enabled for entity type %s. The IfVersionMatches value of ConcurrencyBehavior can only be used if optimistic concurrency is enabled.", r.table.LogicalName)
	}
	for tag := range strings.SplitSeq(match, ",") {
		if strings.TrimSpace(tag) == r.etag() {
			return nil
		}
	}
	return failf(http.StatusPreconditionFailed, codeVersionMismatch, "The version of the existing record doesn't match the RowVersion property provided.")
}

// update is the message Update.
func (c *call) update(r *record, body map[string]any) error {
	if r.table.LogicalName == "activityparty" && !c.restore {
		return failf(http.StatusBadRequest, "0x80040800", "The 'Update' method does not support entities of type 'activityparty'.")
	}
	d := draftOf(r)
	later, err := c.assign(d, body, false)
	if err != nil {
		return err
	}
	if err := c.change(r, d); err != nil {
		return err
	}
	if len(later) == 0 {
		return nil
	}
	c.dropParties(r, func(mask int64) bool { return mask != partyOwner && mask != partyRegarding })
	return c.createNested(r, later)
}

// change writes a draft of a row: checks, hooks, what follows from the values.
func (c *call) change(r *record, d *draft) error {
	t := r.table
	if err := c.privilege(t, Write); err != nil {
		return err
	}
	if err := c.access(r, Write); err != nil {
		return err
	}
	if owner := t.columns["ownerid"]; d.isSet(owner) && owner.Type == Owner && d.get(owner) != r.get(owner) {
		if err := c.privilege(t, Assign); err != nil {
			return err
		}
		if err := c.access(r, Assign); err != nil {
			return err
		}
	}
	if err := checkActive(r, d); err != nil {
		return err
	}
	if err := c.before("Update", t, r.id, r, d); err != nil {
		return err
	}
	if err := c.complete(d, r); err != nil {
		return err
	}
	if err := c.tx.update(r, d); err != nil {
		return err
	}
	if t.Activity {
		if err := c.refreshParties(r, d); err != nil {
			return err
		}
	}
	return c.after("Update", t, r.id, r)
}

// checkActive refuses changes of an activity that is completed or cancelled,
// unless the change re-opens it (DV043).
func checkActive(r *record, d *draft) error {
	if !r.table.Activity {
		return nil
	}
	col := r.table.columns["statecode"]
	was, _ := r.get(col).(int64)
	now, _ := d.get(col).(int64)
	if (was == 1 || was == 2) && now == was {
		return failf(http.StatusBadRequest, codeInactive, "The object cannot be updated because it is inactive.")
	}
	return nil
}
