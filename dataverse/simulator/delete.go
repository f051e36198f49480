package simulator

import "net/http"

// deleteRow answers DELETE on a key.
func (c *call) deleteRow(k *rowKey) (*response, error) {
	r := c.view.find(k)
	if r == nil {
		return nil, k.missing()
	}
	if err := c.checkConditions(k, r); err != nil {
		return nil, err
	}
	if r.table.LogicalName == "activityparty" {
		return nil, failf(http.StatusBadRequest, "0x80040800", "The 'Delete' method does not support entities of type 'activityparty'.")
	}
	if err := c.delete(r); err != nil {
		return nil, err
	}
	return noContent(), nil
}

// delete is the message Delete, with its cascades.
func (c *call) delete(r *record) error {
	if c.depth++; c.depth > 1000 {
		return failf(http.StatusBadRequest, codeArgument, "The cascade of the delete is too deep.")
	}
	defer func() { c.depth-- }()
	t := r.table
	if err := c.privilege(t, Delete); err != nil {
		return err
	}
	if err := c.access(r, Delete); err != nil {
		return err
	}
	if t.LogicalName == "systemuser" {
		return failf(http.StatusMethodNotAllowed, "0x80040800", "The 'Delete' method does not support entities of type 'systemuser'. Disable the user instead.")
	}
	if err := c.before("Delete", t, r.id, r, nil); err != nil {
		return err
	}
	if err := c.cascadeDelete(r); err != nil {
		return err
	}
	c.tx.delete(r)
	return c.after("Delete", t, r.id, nil)
}

// cascadeDelete does to the rows that point at r what their relationships say
// (DV044).
func (c *call) cascadeDelete(r *record) error {
	for _, rel := range r.table.inbound {
		if rel.Referencing.LogicalName == "activitypointer" || !rel.Column.indexed {
			continue
		}
		children := append([]*record(nil), c.view.referencing(rel.Column, r.id)...)
		if len(children) == 0 {
			continue
		}
		switch rel.Delete {
		case Restrict:
			return failf(http.StatusMethodNotAllowed, codeAssociated, "The object you tried to delete is associated with another object and cannot be deleted.")
		case CascadeAll:
			for _, child := range children {
				if c.view.get(child.table, child.id) != child {
					continue // gone by another way
				}
				if child.table.LogicalName == "activityparty" {
					c.tx.delete(child)
					continue
				}
				if err := c.delete(child); err != nil {
					return err
				}
			}
		case RemoveLink:
			for _, child := range children {
				d := draftOf(child)
				d.put(rel.Column, nil)
				if err := c.tx.update(child, d); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
