package simulator

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
)

// fillDefaults gives a new row what its columns have by default.
func (c *call) fillDefaults(d *draft) {
	for _, col := range d.table.Columns {
		if col.Default != nil && !d.set[col.ordinal] {
			d.vals[col.ordinal] = col.defaultValue()
		}
	}
}

// complete fills what the service itself fills and what follows from other
// columns; old is nil for a new row.
func (c *call) complete(d *draft, old *record) error {
	t := d.table
	now := instant(c.now.Unix())
	users := c.server.schema.Table("systemuser")
	who := any(ref{users, c.caller.user})
	var behalf any
	if c.caller.behalf != (guid{}) {
		behalf = ref{users, c.caller.behalf}
	}
	fill := func(name string, v any) {
		if col := t.columns[name]; col != nil && !(c.restore && d.set[col.ordinal]) {
			d.vals[col.ordinal] = v
		}
	}
	fill("modifiedon", now)
	fill("modifiedby", who)
	fill("modifiedonbehalfby", behalf)
	if old == nil {
		fill("createdon", now)
		fill("createdby", who)
		fill("createdonbehalfby", behalf)
		if col := t.columns["overriddencreatedon"]; d.isSet(col) && d.get(col) != nil && !c.restore {
			// DV034: the value sent becomes createdon, the column keeps the real time.
			fill("createdon", d.get(col))
			d.vals[col.ordinal] = now
		}
	}
	if col := t.columns["organizationid"]; col != nil && col.Type == UniqueID && d.get(col) == nil {
		fill("organizationid", c.server.org)
	}
	if err := c.completeState(d, old); err != nil {
		return err
	}
	if err := c.completeOwner(d, who); err != nil {
		return err
	}
	c.completeMoney(d)
	c.completeNames(d)
	switch {
	case t.Activity:
		fill("activitytypecode", t.LogicalName)
		c.completeDuration(d)
	case t.LogicalName == "annotation":
		return c.completeNote(d)
	case t.LogicalName == "incident" && old == nil && d.get(t.columns["ticketnumber"]) == nil:
		fill("ticketnumber", fmt.Sprintf("CAS-%05d-%s", 1000+c.tx.store.seq, strings.ToUpper(c.server.newID().String()[:6])))
	case t.LogicalName == "systemuser" && old == nil:
		c.completeUser(d)
	case t.LogicalName == "team" && old == nil:
		c.completeTeam(d, who)
	}
	return nil
}

// completeState holds state and status together (DV045): a state alone brings
// its default status, and a status must belong to the state.
func (c *call) completeState(d *draft, old *record) error {
	state, status := d.table.columns["statecode"], d.table.columns["statuscode"]
	if state == nil || status == nil {
		return nil
	}
	if d.get(state) == nil {
		d.vals[state.ordinal] = int64(state.Options[0].Value)
	}
	code := d.get(state).(int64)
	changed := old == nil || old.get(state) != d.get(state)
	if !d.isSet(status) && changed || d.get(status) == nil {
		d.vals[status.ordinal] = state.defaultStatus(status, code)
	}
	n, ok := d.get(status).(int64)
	if !ok {
		return nil
	}
	if o := status.option(n); o == nil || int64(o.State) != code {
		return failf(http.StatusBadRequest, codeStatus,
			"State code is invalid or state code is valid but status code is invalid for a specified state code.")
	}
	return nil
}

// defaultStatus gives the status that goes with a state; nil if there is none.
func (c *Column) defaultStatus(status *Column, state int64) any {
	o := c.option(state)
	if o != nil {
		if s := status.option(int64(o.DefaultStatus)); s != nil && int64(s.State) == state {
			return int64(o.DefaultStatus)
		}
	}
	for i := range status.Options {
		if int64(status.Options[i].State) == state {
			return int64(status.Options[i].Value)
		}
	}
	return nil
}

// completeOwner defaults the owner to the caller, and derives who owns.
func (c *call) completeOwner(d *draft, who any) error {
	t := d.table
	owner := t.columns["ownerid"]
	if owner == nil || owner.Type != Owner {
		return nil
	}
	if d.get(owner) == nil {
		d.vals[owner.ordinal] = who
	}
	x := d.get(owner).(ref)
	row := c.view.target(x)
	if row == nil {
		return failf(http.StatusBadRequest, "0x80040229", "The owner ID is invalid or missing.")
	}
	set := func(name string, v any) {
		if col := t.columns[name]; col != nil {
			d.vals[col.ordinal] = v
		}
	}
	var user, team any
	if x.table.LogicalName == "team" {
		team = x
	} else {
		user = d.get(owner)
	}
	set("owninguser", user)
	set("owningteam", team)
	if unit := row.table.columns["businessunitid"]; unit != nil {
		set("owningbusinessunit", row.get(unit))
	}
	return nil
}

// completeMoney fills the currency where there is money, and the amounts in
// the organisation's own (DV035).
func (c *call) completeMoney(d *draft) {
	t := d.table
	currency := t.columns["transactioncurrencyid"]
	if currency == nil || t.LogicalName == "transactioncurrency" {
		return
	}
	var amounts []*Column
	for _, col := range t.Columns {
		if col.Type == Money && !strings.HasSuffix(col.LogicalName, "_base") {
			amounts = append(amounts, col)
			if d.get(col) != nil && d.get(currency) == nil {
				if cur := c.server.schema.Table("transactioncurrency"); cur != nil {
					d.vals[currency.ordinal] = ref{cur, mustGUID(CurrencyID)}
				}
			}
		}
	}
	rate := decimal{1, 0}
	if x, ok := d.get(currency).(ref); ok {
		if row := c.view.target(x); row != nil {
			if v, ok := row.get(row.table.columns["exchangerate"]).(decimal); ok && v.unscaled > 0 {
				rate = v
			}
		}
		if col := t.columns["exchangerate"]; col != nil {
			d.vals[col.ordinal] = rate
		}
	}
	for _, col := range amounts {
		base := t.columns[col.LogicalName+"_base"]
		if base == nil {
			continue
		}
		v, ok := d.get(col).(decimal)
		switch {
		case !ok:
			d.vals[base.ordinal] = nil
		case rate == decimal{1, 0}:
			d.vals[base.ordinal] = v
		default:
			d.vals[base.ordinal], _ = parseDecimal(string(appendFloat(nil, v.float()/rate.float())), 4)
		}
	}
}

// completeNames computes fullname and the composites of addresses (DV036).
func (c *call) completeNames(d *draft) {
	t := d.table
	text := func(name string) string {
		if col := t.columns[name]; col != nil {
			s, _ := d.get(col).(string)
			return s
		}
		return ""
	}
	put := func(col *Column, s string) {
		d.vals[col.ordinal] = nil
		if s != "" {
			d.vals[col.ordinal] = s
		}
	}
	if col := t.columns["fullname"]; col != nil && col.NoCreate && t.columns["lastname"] != nil {
		put(col, strings.TrimSpace(text("firstname")+" "+text("lastname")))
	}
	for _, prefix := range []string{"address1_", "address2_", "address3_"} {
		col := t.columns[prefix+"composite"]
		if col == nil {
			continue
		}
		place := text(prefix + "city")
		if s := strings.TrimSpace(text(prefix+"stateorprovince") + " " + text(prefix+"postalcode")); s != "" {
			if place != "" {
				place += ", "
			}
			place += s
		}
		var lines []string
		for _, s := range []string{text(prefix + "line1"), text(prefix + "line2"), text(prefix + "line3"), place, text(prefix + "country")} {
			if s != "" {
				lines = append(lines, s)
			}
		}
		put(col, strings.Join(lines, "\r\n"))
	}
}

// completeDuration recalculates the minutes between start and end (DV046).
func (c *call) completeDuration(d *draft) {
	t := d.table
	col := t.columns["scheduleddurationminutes"]
	if col == nil {
		return
	}
	from, ok1 := d.get(t.columns["scheduledstart"]).(instant)
	to, ok2 := d.get(t.columns["scheduledend"]).(instant)
	if ok1 && ok2 {
		if to < from {
			c.strict("end-before-start", "a row of %q ends before it starts", t.LogicalName)
		}
		d.vals[col.ordinal] = max(0, int64(to-from)/60)
	}
}

// completeNote derives what a note says about its file and its parent (DV047).
func (c *call) completeNote(d *draft) error {
	t := d.table
	set := func(name string, v any) {
		if col := t.columns[name]; col != nil {
			d.vals[col.ordinal] = v
		}
	}
	if x, ok := d.get(t.columns["objectid"]).(ref); ok {
		set("objecttypecode", x.table.LogicalName)
	}
	file, ok := d.get(t.columns["documentbody"]).(string)
	if isDoc := t.columns["isdocument"]; d.get(isDoc) == nil || ok {
		set("isdocument", ok)
	}
	if !ok {
		return nil
	}
	raw, err := base64.StdEncoding.DecodeString(file)
	if err != nil {
		return errPayload(t, "Cannot convert the literal of 'documentbody' to the expected type 'Edm.Binary': it is not base64.")
	}
	if limit := c.uploadLimit(); int64(len(raw)) > limit {
		return failf(http.StatusBadRequest, "0x80044a02", "Attachment file size is too big. The limit is %d bytes.", limit)
	}
	set("filesize", int64(len(raw)))
	if d.get(t.columns["mimetype"]) == nil {
		set("mimetype", "application/octet-stream")
	}
	return nil
}

// uploadLimit is the organisation's maxuploadfilesize.
func (c *call) uploadLimit() int64 {
	if t := c.server.schema.Table("organization"); t != nil {
		if r := c.view.get(t, c.server.org); r != nil {
			if n, ok := r.get(t.columns["maxuploadfilesize"]).(int64); ok {
				return n
			}
		}
	}
	return 5 << 20
}

// completeUser gives a new user the names that a directory would, and the root
// business unit.
func (c *call) completeUser(d *draft) {
	t := d.table
	name, mail, unit := t.columns["domainname"], t.columns["internalemailaddress"], t.columns["businessunitid"]
	if name == nil || mail == nil || unit == nil {
		return
	}
	if d.get(name) == nil {
		d.vals[name.ordinal] = d.get(mail)
	}
	if d.get(mail) == nil {
		d.vals[mail.ordinal] = d.get(name)
	}
	if units := c.server.schema.Table("businessunit"); d.get(unit) == nil && units != nil {
		d.vals[unit.ordinal] = ref{units, mustGUID(BusinessUnitID)}
	}
}

// completeTeam gives a team without them the caller as its administrator and
// the caller's business unit (DV039).
func (c *call) completeTeam(d *draft, who any) {
	if col := d.table.columns["administratorid"]; col != nil && d.get(col) == nil {
		d.vals[col.ordinal] = who
	}
	units := c.server.schema.Table("businessunit")
	if col := d.table.columns["businessunitid"]; col != nil && units != nil && d.get(col) == nil {
		rights, _ := c.rights()
		d.vals[col.ordinal] = ref{units, rights.unit}
	}
}
