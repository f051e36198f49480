package simulator

import (
	"strconv"
	"strings"
)

// The words that the baseline tables are written in. In the baseline a
// column's logical name is its schema name in lower case.

func column(schema, label string, t ColumnType) Column {
	return Column{LogicalName: strings.ToLower(schema), SchemaName: schema, DisplayName: label, Type: t}
}

func text(schema, label string, maxLength int) Column {
	c := column(schema, label, String)
	c.MaxLength = maxLength
	return c
}

func memo(schema, label string, maxLength int) Column {
	c := column(schema, label, Memo)
	c.MaxLength = maxLength
	return c
}

func integer(schema, label string, lo, hi float64) Column {
	c := column(schema, label, Integer)
	c.Min, c.Max = lo, hi
	return c
}

// number is a Double, Decimal or Money.
func number(schema, label string, t ColumnType, lo, hi float64, precision int) Column {
	c := column(schema, label, t)
	c.Min, c.Max, c.Precision = lo, hi, precision
	return c
}

func boolean(schema, label, no, yes string) Column {
	c := column(schema, label, Boolean)
	c.Options = []Option{{Value: 0, Label: no}, {Value: 1, Label: yes}}
	return c
}

// choice has options as "1 Hot|2 Warm".
func choice(schema, label, list string) Column {
	c := column(schema, label, Choice)
	c.Options = options(list)
	return c
}

// state has options as "0 Active@1", with the state's default status.
func state(schema, label, list string) Column {
	c := column(schema, label, State)
	c.Required = SystemRequired
	c.NoCreate = true
	c.Options = options(list)
	return c
}

// status has options as "1 Active@0", with the status's state.
func status(schema, label, list string) Column {
	c := column(schema, label, Status)
	c.Options = options(list)
	for i := range c.Options {
		c.Options[i].State, c.Options[i].DefaultStatus = c.Options[i].DefaultStatus, 0
	}
	return c
}

func options(list string) []Option {
	var all []Option
	for item := range strings.SplitSeq(list, "|") {
		value, label, _ := strings.Cut(item, " ")
		var o Option
		o.Value, _ = strconv.Atoi(value)
		o.Label = label
		if i := strings.LastIndexByte(label, '@'); i >= 0 {
			o.Label = label[:i]
			o.DefaultStatus, _ = strconv.Atoi(label[i+1:])
		}
		all = append(all, o)
	}
	return all
}

func lookup(schema, label string, targets ...Target) Column {
	c := column(schema, label, Lookup)
	c.Targets = targets
	return c
}

// owner is the owner of a row: a user or a team.
func owner() Column {
	c := column("OwnerId", "Owner", Owner)
	c.Targets = []Target{{Table: "principal", Navigation: "ownerid"}}
	c.Required = SystemRequired
	return c
}

// to is one target of a lookup: its table and the properties on both sides.
func to(table, navigation, collection string) Target {
	return Target{Table: table, Navigation: navigation, Collection: collection}
}

func (t Target) schema(name string) Target { t.SchemaName = name; return t }
func (t Target) cascade() Target           { t.Delete = CascadeAll; return t }
func (t Target) restrict() Target          { t.Delete = Restrict; return t }
func (t Target) keep() Target              { t.Delete = NoCascade; return t }

func (c Column) ro() Column             { c.NoCreate, c.NoUpdate = true, true; return c }
func (c Column) createOnly() Column     { c.NoUpdate = true; return c }
func (c Column) updateOnly() Column     { c.NoCreate = true; return c }
func (c Column) hidden() Column         { c.NoRead = true; return c }
func (c Column) rec() Column            { c.Required = Recommended; return c }
func (c Column) app() Column            { c.Required = ApplicationRequired; return c }
func (c Column) sys() Column            { c.Required = SystemRequired; return c }
func (c Column) format(f string) Column { c.Format = f; return c }
func (c Column) global(n string) Column { c.OptionSet = n; return c }
func (c Column) customer() Column       { c.Type = Customer; return c }
func (c Column) def(v any) Column       { c.Default = v; return c }
