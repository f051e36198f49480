package simulator

import (
	"net/http"
	"strings"
)

// bulkAvailable says whether a table has a bulk message: the tables of section
// 6 of the fact sheet, and custom ones. Activities and notes do not.
func bulkAvailable(t *Table, message string) bool {
	switch message {
	case "CreateMultiple", "UpdateMultiple", "UpsertMultiple":
	default:
		return false
	}
	if t.custom {
		return !t.Activity
	}
	switch t.LogicalName {
	case "account", "contact", "lead", "opportunity", "incident":
		return true
	}
	return false
}

// bulkTargets reads the targets of a bulk message: all of one table, each with
// its @odata.type.
func (c *call) bulkTargets(message string, t *Table) ([]map[string]any, error) {
	if !bulkAvailable(t, message) {
		return nil, failf(http.StatusBadRequest, "0x80040800", "The '%s' method does not support entities of type '%s'. MessageProcessorCache returned MessageProcessor.Empty.", message, t.LogicalName)
	}
	body, err := c.readBody(t)
	if err != nil {
		return nil, err
	}
	list, ok := body["Targets"].([]any)
	if !ok {
		return nil, errPayload(t, "The parameter 'Targets' of '%s' is missing or no array.", message)
	}
	for name := range body {
		if name != "Targets" {
			return nil, errPayload(t, "The parameter '%s' in the request payload is not a valid parameter for the operation '%s'.", name, message)
		}
	}
	if len(list) == 0 {
		return nil, failf(http.StatusBadRequest, codeArgument, "The 'Targets' of '%s' are empty.", message)
	}
	targets := make([]map[string]any, len(list))
	for i, item := range list {
		o, ok := item.(map[string]any)
		if !ok {
			return nil, errPayload(t, "Every target of '%s' is an object.", message)
		}
		switch typ, _ := o["@odata.type"].(string); strings.TrimPrefix(typ, "#") {
		case crmPrefix + t.LogicalName:
		case "":
			return nil, errPayload(t, "The target %d of '%s' has no '@odata.type'. A type name is needed: 'Microsoft.Dynamics.CRM.%s'.", i, message, t.LogicalName)
		default:
			return nil, errPayload(t, "The target %d of '%s' has the type '%s'. All targets are of the type 'Microsoft.Dynamics.CRM.%s'.", i, message, typ, t.LogicalName)
		}
		targets[i] = o
	}
	return targets, nil
}

// createMultiple answers CreateMultiple: all rows or none, the ids in the
// order of the targets.
func createMultiple(c *call, t *Table, _ *record) (*response, error) {
	targets, err := c.bulkTargets("CreateMultiple", t)
	if err != nil {
		return nil, err
	}
	b := []byte(`"Ids":[`)
	for i, o := range targets {
		r, err := c.create(t, o, nil)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, r.id.String())
	}
	return c.complexResponse("CreateMultipleResponse", append(b, ']')), nil
}

// updateMultiple answers UpdateMultiple. Of targets with one id the first
// counts, as in the service, which says nothing of the others.
func updateMultiple(c *call, t *Table, _ *record) (*response, error) {
	targets, err := c.bulkTargets("UpdateMultiple", t)
	if err != nil {
		return nil, err
	}
	done := map[guid]bool{}
	for _, o := range targets {
		k, err := c.bulkKey(t, o)
		if err != nil {
			return nil, err
		}
		if k == nil {
			return nil, errPayload(t, "A target of 'UpdateMultiple' has no '%s'.", t.PrimaryID)
		}
		r := c.view.find(k)
		if r == nil {
			return nil, k.missingInBulk()
		}
		if done[r.id] {
			c.strict("bulk-duplicate", "UpdateMultiple has two targets with the id %s; the second is ignored", r.id)
			continue
		}
		done[r.id] = true
		if err := c.update(r, o); err != nil {
			return nil, err
		}
	}
	return noContent(), nil
}

// upsertMultiple answers UpsertMultiple: targets are known by primary key, or
// by @odata.id with an alternate key.
func upsertMultiple(c *call, t *Table, _ *record) (*response, error) {
	targets, err := c.bulkTargets("UpsertMultiple", t)
	if err != nil {
		return nil, err
	}
	done := map[guid]bool{}
	for _, o := range targets {
		k, err := c.bulkKey(t, o)
		if err != nil {
			return nil, err
		}
		var r *record
		if k != nil {
			r = c.view.find(k)
		}
		switch {
		case r != nil && done[r.id]:
			return nil, failf(http.StatusPreconditionFailed, codeDuplicate, "Cannot insert duplicate key. Two targets of 'UpsertMultiple' are the record %s.", r.id)
		case r != nil:
			if !k.hasID {
				for _, col := range t.Keys[k.key].columns {
					dropKeyColumn(o, col)
				}
			}
			err = c.update(r, o)
		case k != nil:
			r, err = c.createByKey(k, o)
		default:
			r, err = c.create(t, o, nil)
		}
		if err != nil {
			return nil, err
		}
		done[r.id] = true
	}
	return noContent(), nil
}

// deleteMultiple refuses: only elastic tables have the message, and the
// simulator has none.
func deleteMultiple(c *call, t *Table, _ *record) (*response, error) {
	_, err := c.bulkTargets("DeleteMultiple", t)
	return nil, err
}

// bulkKey finds by what a target is known; nil: by nothing.
func (c *call) bulkKey(t *Table, o map[string]any) (*rowKey, error) {
	if at, ok := o["@odata.id"].(string); ok {
		set, key, found := strings.Cut(at[strings.LastIndexByte(at, '/')+1:], "(")
		if !found || set != t.EntitySet || !strings.HasSuffix(key, ")") {
			return nil, errPayload(t, "The '@odata.id' '%s' is not the address of a row of '%s'.", at, t.EntitySet)
		}
		return c.parseKey(t, strings.TrimSuffix(key, ")"))
	}
	v, ok := o[t.PrimaryID]
	if !ok {
		return nil, nil
	}
	text, _ := v.(string)
	id, ok := parseGUID(text)
	if !ok {
		return nil, errPayload(t, "Cannot convert the literal '%s' to the expected type 'Edm.Guid'.", literalText(v))
	}
	return &rowKey{table: t, id: id, hasID: true}, nil
}

// missingInBulk is how bulk messages word an id that no row has.
func (k *rowKey) missingInBulk() error {
	if !k.hasID {
		return k.missing()
	}
	return failf(http.StatusNotFound, codeNotFound, "%s With IDs = %s Do Not Exist", k.table.SchemaName, k.id)
}
