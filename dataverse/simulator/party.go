package simulator

import "net/http"

// The participation types that the service sets itself.
const (
	partyRegarding = 8
	partyOwner     = 9
)

// createParty creates one party of an activity (fact sheet section 3.10).
func (c *call) createParty(activity *record, body map[string]any) error {
	t := c.server.schema.Table("activityparty")
	d := newDraft(t)
	if _, err := c.assign(d, body, true); err != nil {
		return err
	}
	mask, ok := d.get(t.columns["participationtypemask"]).(int64)
	if !ok {
		return failf(http.StatusBadRequest, "0x80040B06", "The participation type of an activity party is missing.")
	}
	if !partyAllowed(activity.table.LogicalName, mask) {
		return failf(http.StatusBadRequest, "0x80043506", "The participation type %d is not allowed on an activity of type '%s'.", mask, activity.table.LogicalName)
	}
	if d.get(t.columns["partyid"]) == nil && d.get(t.columns["addressused"]) == nil {
		return failf(http.StatusBadRequest, "0x80043504", "The party of an activity needs a row or an address.")
	}
	id, err := c.idFor(t, body)
	if err != nil {
		return err
	}
	return c.insertParty(activity, id, d)
}

// partyAllowed reports whether a kind of party goes with a kind of activity
// (DV048). What the service sets itself is taken from clients too.
func partyAllowed(activity string, mask int64) bool {
	switch activity {
	case "appointment":
		return mask >= 5 && mask <= 10
	case "email":
		return mask >= 1 && mask <= 4 || mask == partyRegarding || mask == partyOwner
	case "phonecall":
		return mask == 1 || mask == 2 || mask == partyRegarding || mask == partyOwner
	}
	return true
}

func (c *call) insertParty(activity *record, id guid, d *draft) error {
	t := d.table
	d.vals[t.columns["activityid"].ordinal] = ref{activity.table, activity.id}
	for _, name := range []string{"scheduledstart", "scheduledend"} {
		if col, from := t.columns[name], activity.table.columns[name]; col != nil && from != nil {
			d.vals[col.ordinal] = activity.get(from)
		}
	}
	if owner, from := t.columns["ownerid"], activity.table.columns["ownerid"]; owner != nil && from != nil {
		d.vals[owner.ordinal] = activity.get(from)
	}
	c.fillDefaults(d)
	if who, ok := d.get(t.columns["partyid"]).(ref); ok && d.get(t.columns["addressused"]) == nil {
		if row := c.view.target(who); row != nil {
			for _, name := range []string{"emailaddress1", "internalemailaddress"} {
				if col := row.table.columns[name]; col != nil && row.get(col) != nil {
					d.vals[t.columns["addressused"].ordinal] = row.get(col)
					break
				}
			}
		}
	}
	_, err := c.tx.insert(t, id, d)
	return err
}

// serverParties adds the parties that a client does not name: the owner and
// what the activity is about (DV049).
func (c *call) serverParties(r *record) error {
	t := c.server.schema.Table("activityparty")
	if t == nil {
		return nil
	}
	for _, p := range []struct {
		mask int64
		from string
	}{{partyOwner, "ownerid"}, {partyRegarding, "regardingobjectid"}} {
		who, ok := r.ref(r.table.columns[p.from])
		if !ok || c.hasParty(r, p.mask) {
			continue
		}
		d := newDraft(t)
		d.put(t.columns["participationtypemask"], p.mask)
		d.put(t.columns["partyid"], who)
		if err := c.insertParty(r, c.server.newID(), d); err != nil {
			return err
		}
	}
	return nil
}

func (c *call) parties(r *record) []*record {
	t := c.server.schema.Table("activityparty")
	if t == nil {
		return nil
	}
	return append([]*record(nil), c.view.referencing(t.columns["activityid"], r.id)...)
}

func (c *call) hasParty(r *record, mask int64) bool {
	for _, p := range c.parties(r) {
		if p.get(p.table.columns["participationtypemask"]) == mask {
			return true
		}
	}
	return false
}

// dropParties deletes the parties that the test chooses.
func (c *call) dropParties(r *record, test func(mask int64) bool) {
	for _, p := range c.parties(r) {
		if mask, _ := p.get(p.table.columns["participationtypemask"]).(int64); test(mask) {
			c.tx.delete(p)
		}
	}
}

// refreshParties keeps the service's own parties in step with the row.
func (c *call) refreshParties(r *record, d *draft) error {
	if d.isSet(r.table.columns["ownerid"]) {
		c.dropParties(r, func(mask int64) bool { return mask == partyOwner })
	}
	if d.isSet(r.table.columns["regardingobjectid"]) {
		c.dropParties(r, func(mask int64) bool { return mask == partyRegarding })
	}
	return c.serverParties(r)
}

// putParties answers PUT on an activity's collection of parties: they replace
// all but those that the service sets.
func (c *call) putParties(src source) (*response, error) {
	body, err := c.readBody(src.table)
	if err != nil {
		return nil, err
	}
	list, ok := body["value"].([]any)
	if !ok || src.nav.rel.Column.LogicalName != "activityid" {
		return nil, errPayload(src.table, "An array is expected under the name 'value'.")
	}
	d := draftOf(src.from)
	if err := c.change(src.from, d); err != nil {
		return nil, err
	}
	c.dropParties(src.from, func(mask int64) bool { return mask != partyOwner && mask != partyRegarding })
	for _, item := range list {
		party, ok := item.(map[string]any)
		if !ok {
			return nil, errPayload(src.table, "An array of objects is expected under the name 'value'.")
		}
		if err := c.createParty(src.from, party); err != nil {
			return nil, err
		}
	}
	return noContent(), nil
}
