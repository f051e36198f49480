package simulator

import "strings"

// Behind a lookup, a choice and a boolean the service lists shadow columns: the
// name of the row or of the option, and the table of a row that may be of
// several. They are metadata only, no OData properties, and say by AttributeOf
// whose they are (DV093).

// shadowNames are the shadows that are not called after their column.
var shadowNames = map[string]string{
	"donotsendmm": "DoNotSendMarketingMaterialName",
	"slaid":       "SLAName",
}

// withoutShadow are lookups that have none.
var withoutShadow = map[string]bool{"owninguser": true, "owningteam": true}

// yomi are the tables whose names have a reading.
var yomi = map[string]bool{"account": true, "contact": true, "systemuser": true, "principal": true, "lead": true}

// shadows are the shadow columns of c.
func shadows(c *Column) []*Column {
	if c.AttributeOf != "" || withoutShadow[c.LogicalName] {
		return nil
	}
	var list []*Column
	add := func(schemaName string, shadow Column) {
		name := strings.ToLower(schemaName)
		if c.table.columns[name] != nil {
			return
		}
		shadow.LogicalName, shadow.SchemaName, shadow.AttributeOf = name, schemaName, c.LogicalName
		shadow.table, shadow.ordinal = c.table, c.ordinal
		list = append(list, &shadow)
	}
	base := c.SchemaName
	switch {
	case c.LogicalName == "masterid":
		base = "Master" + c.table.SchemaName + "Id"
	case shadowNames[c.LogicalName] != "":
		base = strings.TrimSuffix(shadowNames[c.LogicalName], "Name")
	}
	readOnly := Column{NoCreate: true, NoUpdate: true}
	switch c.Type {
	case Boolean, Choice, MultiChoice, State, Status:
		readOnly.Type = Virtual
		add(base+"Name", readOnly)
	case Lookup, Customer, Owner:
		readOnly.Type, readOnly.MaxLength = String, 100
		add(base+"Name", readOnly)
		for _, t := range c.Targets {
			if yomi[t.Table] && c.LogicalName != "owningbusinessunit" {
				add(base+"YomiName", readOnly)
				break
			}
		}
		if c.Type != Lookup {
			add(base+"Type", Column{Type: EntityName})
		}
	}
	return list
}
