package simulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Hook is what a plug-in would do: it runs before or after a message on a
// table, inside the message's transaction. An error refuses the message: one
// made by [Refuse] with its text and 0x80040265 (IsvAborted), any other with
// 0x80040224.
type Hook func(*HookContext) error

// HookContext is what a hook sees and can change.
type HookContext struct {
	// Message is "Create", "Update", "Delete", "Associate" or "Disassociate".
	Message string
	// Table is the logical name, ID the row's id.
	Table, ID string
	// User is the systemuserid that the message acts as.
	User string

	call  *call
	table *Table
	old   *record
	now   *record
	draft *draft
}

// hooks are the hooks of a server.
type hooks struct {
	before, after []registeredHook
}

type registeredHook struct {
	message, table string
	run            Hook
}

// Before adds a hook that runs before a message changes the store. An empty
// message or table means all. Add hooks before the first request.
func (s *Server) Before(message, table string, h Hook) {
	s.hooks.before = append(s.hooks.before, registeredHook{message, table, h})
}

// After adds a hook that runs after a message changed the store, in the same
// transaction.
func (s *Server) After(message, table string, h Hook) {
	s.hooks.after = append(s.hooks.after, registeredHook{message, table, h})
}

// Refuse makes the error by which a hook refuses a message, as
// InvalidPluginExecutionException does: the client reads the message.
func Refuse(message string) error {
	e := failf(http.StatusBadRequest, "0x80040265", "%s", message)
	e.Name = "IsvAborted"
	return e
}

// maxHookDepth bounds hooks that cause each other; the service stops at 8
// ("infinite loop").
const maxHookDepth = 8

// before runs hooks before a message ("Create", "Update", "Delete",
// "Associate", "Disassociate") changes the store; old is nil for Create. The
// hooks may change d, which is nil for Delete.
func (c *call) before(message string, t *Table, id guid, old *record, d *draft) error {
	if err := c.refuseIntersect(message, t); err != nil {
		return err
	}
	if message == "Create" {
		c.strictRequired(d)
	}
	return c.run(c.server.hooks.before, &HookContext{Message: message, call: c, table: t, old: old, now: old, draft: d}, id)
}

// after runs hooks after a message changed the store, in the same transaction.
func (c *call) after(message string, t *Table, id guid, now *record) error {
	c.server.changedSecurity(c.tx, t)
	return c.run(c.server.hooks.after, &HookContext{Message: message, call: c, table: t, now: now}, id)
}

// refuseIntersect refuses direct writes of tables that only actions change.
func (c *call) refuseIntersect(message string, t *Table) error {
	switch t.LogicalName {
	case "privilege", "roleprivileges", "principalobjectaccess", "sdkmessage", "sdkmessagefilter":
		return failf(http.StatusBadRequest, "0x80040800", "The '%s' method does not support entities of type '%s'. MessageProcessorCache returned MessageProcessor.Empty.", message, t.LogicalName)
	}
	return nil
}

func (c *call) run(list []registeredHook, h *HookContext, id guid) error {
	for _, r := range list {
		if r.message != "" && r.message != h.Message || r.table != "" && r.table != h.table.LogicalName {
			continue
		}
		if c.depth >= maxHookDepth {
			return failf(http.StatusBadRequest, "0x80044182", "This workflow job was canceled because the workflow that started it included an infinite loop. Correct the workflow logic and try again.")
		}
		h.Table, h.ID, h.User = h.table.LogicalName, id.String(), c.caller.user.String()
		if err := r.run(h); err != nil {
			return hookError(err)
		}
	}
	return nil
}

func hookError(err error) error {
	if e := asAPIError(err); e.Status != http.StatusInternalServerError {
		return e
	}
	e := failf(http.StatusBadRequest, "0x80040224", "An unexpected error occurred from ISV code. %s", err)
	e.Name = "IsvUnExpected"
	return e
}

// Get gives the value of a column, by logical name, as the message would leave
// it, in the form that JSON has it: string, bool, int64, float64 or nil; a
// lookup as its id. It panics if the table has no such column.
func (h *HookContext) Get(column string) any {
	c := h.column(column)
	switch {
	case h.draft != nil:
		return plainValue(h.draft.get(c))
	case h.now != nil:
		return plainValue(h.now.get(c))
	}
	return nil
}

// Old gives the value of a column before an update or a delete, nil for a
// create.
func (h *HookContext) Old(column string) any {
	c := h.column(column)
	if h.old == nil {
		return nil
	}
	return plainValue(h.old.get(c))
}

// Set changes a column before the message is carried out: a string, bool, int,
// float64, time.Time or nil. Lookups cannot be set. It panics after the
// message, before a delete, and for a value that the column cannot hold.
func (h *HookContext) Set(column string, value any) {
	c := h.column(column)
	if h.draft == nil {
		panic("simulator: a hook can set columns only before a create or an update")
	}
	v, ok := storedValue(c, value)
	if !ok {
		panic(fmt.Sprintf("simulator: column %q of table %q cannot hold a %T", column, h.table.LogicalName, value))
	}
	h.draft.put(c, v)
}

func (h *HookContext) column(name string) *Column {
	c := h.table.Column(name)
	if c == nil {
		panic(fmt.Sprintf("simulator: table %q has no column %q", h.table.LogicalName, name))
	}
	return c
}

// Create adds another row in the same transaction: entitySet is that of its
// table, body as a POST takes it. The new row's hooks run too.
func (h *HookContext) Create(entitySet string, body map[string]any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return h.request(http.MethodPost, entitySet, data)
}

// Update changes another row in the same transaction.
func (h *HookContext) Update(entitySet, id string, body map[string]any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return h.request(http.MethodPatch, entitySet+"("+id+")", data)
}

func (h *HookContext) request(method, path string, body []byte) error {
	up := h.call
	c := &call{
		server: up.server, method: method, base: up.base, path: path, body: body, caller: up.caller, view: up.view, tx: up.tx, now: up.now,
		header: http.Header{"Content-Type": {"application/json"}, "If-Match": {"*"}}, inBatch: true, depth: up.depth + 1, entry: &Request{},
	}
	if method == http.MethodPost {
		c.header.Del("If-Match")
	}
	resp := up.server.serve(c)
	if resp.status < http.StatusBadRequest {
		return nil
	}
	var envelope struct {
		Error struct{ Code, Message string }
	}
	_ = json.Unmarshal(resp.body, &envelope) // what is no envelope has no code
	return failf(resp.status, envelope.Error.Code, "%s", envelope.Error.Message)
}

// plainValue is a value of the store as JSON has it.
func plainValue(v any) any {
	switch v := v.(type) {
	case decimal:
		return v.float()
	case instant:
		return v.String()
	case day:
		return v.String()
	case guid:
		return v.String()
	case ref:
		return v.id.String()
	}
	return v
}

// storedValue is the inverse, as far as the column's type allows.
func storedValue(c *Column, v any) (any, bool) {
	switch v := v.(type) {
	case nil:
		return nil, true
	case string:
		switch {
		case c.Type.IsText() || c.Type == MultiChoice:
			return v, true
		case c.Type == UniqueID:
			id, ok := parseGUID(v)
			return id, ok
		case c.Type == Date:
			t, err := time.Parse(time.DateOnly, v)
			return dayOf(t), err == nil
		case c.Type == DateTime:
			t, err := time.Parse(time.RFC3339, v)
			return instant(t.Unix()), err == nil
		}
	case bool:
		return v, c.Type == Boolean
	case int:
		return storedNumber(c, strconv.Itoa(v))
	case int64:
		return storedNumber(c, strconv.FormatInt(v, 10))
	case float64:
		return storedNumber(c, strconv.FormatFloat(v, 'f', -1, 64))
	case time.Time:
		if c.Type == Date {
			return dayOf(v), true
		}
		return instant(v.Unix()), c.Type == DateTime
	}
	return nil, false
}

func storedNumber(c *Column, s string) (any, bool) {
	switch {
	case c.Type == Integer || c.Type == BigInt || c.Type.IsChoice():
		n, err := strconv.ParseInt(s, 10, 64)
		return n, err == nil
	case c.Type == Double:
		f, err := strconv.ParseFloat(s, 64)
		return f, err == nil
	case c.Type == Decimal || c.Type == Money:
		return parseDecimal(s, c.Precision)
	}
	return nil, false
}
