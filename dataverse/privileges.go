package dataverse

import (
	"context"
	"slices"
	"strings"
)

// Privilege is something that a security role allows on a table, by the
// table's logical name (fact sheet, section 12).
type Privilege struct{ Verb, Table string }

// The verbs of privileges that writes take: Append is for the row that gets a
// link, AppendTo for the one that the link leads to.
const (
	VerbCreate   = "Create"
	VerbWrite    = "Write"
	VerbAppend   = "Append"
	VerbAppendTo = "AppendTo"
	VerbAssign   = "Assign"
)

// Lacking gives those of the privileges that no security role of the caller
// has at any depth, in their order: what takes one of them would be refused.
// Tables that are not there lack nothing. It changes nothing.
func (c *Client) Lacking(ctx context.Context, needs ...Privilege) ([]Privilege, error) {
	if len(needs) == 0 {
		return nil, nil
	}
	granted, err := c.Granted(ctx)
	if err != nil {
		return nil, err
	}
	names, err := c.privilegeNames(ctx, needs)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(needs), func(p Privilege) bool {
		name, known := names[p]
		return !known || granted[name]
	}), nil
}

// Granted gives the names of the privileges ("prvReadContact") that the
// caller's security roles give, at whatever depth. The error is an [*Error].
func (c *Client) Granted(ctx context.Context) (map[string]bool, error) {
	who, err := c.WhoAmI(ctx)
	if err != nil {
		return nil, err
	}
	const function = "/Microsoft.Dynamics.CRM.RetrieveUserPrivileges"
	var doc struct {
		RolePrivileges []struct{ PrivilegeName string }
	}
	err = c.getJSON(ctx, Request{
		Path: "systemusers(" + string(who.UserID) + ")" + function, Resource: "systemusers" + function, Table: "systemuser",
	}, &doc)
	if err != nil {
		return nil, err
	}
	granted := make(map[string]bool, len(doc.RolePrivileges))
	for _, p := range doc.RolePrivileges {
		granted[p.PrivilegeName] = true
	}
	return granted, nil
}

// privilegeNames asks what the privileges are called: several tables share
// those of one, such as all activities.
func (c *Client) privilegeNames(ctx context.Context, needs []Privilege) (map[Privilege]string, error) {
	var tables []string
	for _, need := range needs {
		if err := checkName("table", need.Table); err != nil {
			return nil, err
		}
		tables = append(tables, need.Table)
	}
	slices.Sort(tables)
	wanted := "LogicalName eq '" + strings.Join(slices.Compact(tables), "' or LogicalName eq '") + "'"
	var doc struct {
		Value []struct {
			LogicalName string
			Privileges  []struct{ Name, PrivilegeType string }
		}
	}
	err := c.getJSON(ctx, Request{
		Path: definitions + "?$select=LogicalName,Privileges&$filter=" + escapeQuery(wanted), Resource: definitions,
	}, &doc)
	if err != nil {
		return nil, err
	}
	names := map[Privilege]string{}
	for _, t := range doc.Value {
		for _, p := range t.Privileges {
			names[Privilege{p.PrivilegeType, t.LogicalName}] = p.Name
		}
	}
	return names, nil
}
