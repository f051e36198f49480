package entity

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/andmoneyaps/engage-playbooks"
	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/internal/document"
)

// Schema answers what the service's metadata says of a table; a
// [*dataverse.Client] is one.
type Schema interface {
	Table(ctx context.Context, logicalName string) (*dataverse.Table, error)
}

// Bind completes the definition from metadata and checks it against it. What
// disagrees is an engage.Problems at the lines of the document; any other
// error is the schema's.
//
// The entity sets of the tables that lookups point to come from the others,
// best all definitions of the workspace, or from metadata. Where the
// definition states its entity set, its primary key and the navigation of
// every lookup that can be written, and the others state the entity sets, no
// metadata is asked for.
func (d *Definition) Bind(ctx context.Context, s Schema, others ...*Definition) (*Definition, error) {
	b := d.clone()
	sets := map[string]string{}
	for _, o := range append(others, d) {
		if o.EntitySet != "" && o.CRMSystem == d.CRMSystem {
			sets[o.Table] = o.EntitySet
		}
	}
	var problems engage.Problems
	if !b.statesAll() {
		table, err := s.Table(ctx, d.Table)
		switch {
		case errors.Is(err, dataverse.ErrNotFound):
			problems.Errorf(d.at(d.tablePos), "unknown-table", "the organisation has no table %s", d.Table).Err = err
			return nil, problems.Err()
		case err != nil:
			return nil, fmt.Errorf("metadata of %s: %w", d.Table, err)
		}
		b.complete(table, &problems)
		sets[table.LogicalName] = b.EntitySet
	}
	for _, f := range b.Fields {
		f.sets = sets
		if f.Type == TypePartyList {
			f.sets = maps.Clone(partySets)
			maps.Copy(f.sets, sets)
		}
		if f.ReadOnly || f.Type != TypeLookup && f.Type != TypePartyList {
			continue
		}
		for _, t := range f.Targets {
			if f.sets[t] != "" || f.Type == TypeLookup && f.Navigation[t] == "" {
				continue
			}
			table, err := s.Table(ctx, t)
			switch {
			case errors.Is(err, dataverse.ErrNotFound):
				problems.Errorf(f.targetAt(t), "unknown-table", "field %s: the organisation has no table %s", f.Name, t).Err = err
				sets[t], f.sets[t] = t, t // reported once
			case err != nil:
				return nil, fmt.Errorf("metadata of %s: %w", t, err)
			default:
				sets[t], f.sets[t] = table.EntitySet, table.EntitySet
			}
		}
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	return b, nil
}

// statesAll reports whether nothing of the definition has to come from its
// table's metadata.
func (d *Definition) statesAll() bool {
	if d.EntitySet == "" || d.PrimaryKey == "" {
		return false
	}
	for _, f := range d.Fields {
		if f.Type != TypeLookup || f.ReadOnly {
			continue
		}
		if len(f.Targets) == 0 {
			return false
		}
		for _, t := range f.Targets {
			if f.Navigation[t] == "" {
				return false
			}
		}
	}
	return true
}

func (d *Definition) clone() *Definition {
	c := *d
	c.Fields = make([]*Field, len(d.Fields))
	for i, f := range d.Fields {
		g := *f
		g.Navigation = maps.Clone(f.Navigation)
		g.Targets = slices.Clone(f.Targets)
		c.Fields[i] = &g
	}
	c.index()
	return &c
}

// at falls back to the document for what it does not state.
func (d *Definition) at(p engage.Pos) engage.Pos {
	if p.Line == 0 {
		return d.Pos
	}
	return p
}

func (f *Field) targetAt(key string) engage.Pos {
	if p, ok := f.targetPlaces.find(f.Pos.File, key); ok {
		return p
	}
	return f.Pos
}

// complete fills and checks the definition from its table.
func (d *Definition) complete(t *dataverse.Table, problems *engage.Problems) {
	agree := func(what string, pos engage.Pos, have *string, want string) {
		if *have == "" {
			*have = want
		} else if *have != want {
			problems.Errorf(d.at(pos), "metadata-mismatch", "%s of %s is %s, not %s", what, d.Table, want, *have)
		}
	}
	agree("entitySet", d.setPos, &d.EntitySet, t.EntitySet)
	id, _ := d.Field(IDField)
	primaryPos := d.primaryPos
	if primaryPos.Line == 0 {
		primaryPos = id.at("mappedName")
	}
	agree("primaryKey", primaryPos, &d.PrimaryKey, t.PrimaryID)
	id.Column = d.PrimaryKey
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = c.LogicalName
	}
	for _, f := range d.Fields {
		if f.IsID() {
			continue
		}
		c, ok := t.Column(f.Column)
		if !ok {
			p := problems.Errorf(f.at("mappedName"), "unknown-column", "field %s: table %s has no column %s", f.Name, d.Table, f.Column)
			p.Suggestion = document.Suggest(f.Column, names)
			continue
		}
		f.complete(d, c, problems)
	}
}

// columnTypes lists, for each type of field, the column types that hold it;
// readable those that hold it for reading only (fact sheet, section 4.9).
var columnTypes = map[Type]struct{ writable, readable []dataverse.ColumnType }{
	TypeString:    {[]dataverse.ColumnType{"String", "Memo"}, []dataverse.ColumnType{"EntityName"}},
	TypeBoolean:   {[]dataverse.ColumnType{"Boolean"}, nil},
	TypeInt:       {[]dataverse.ColumnType{"Integer", "Picklist", "State", "Status"}, []dataverse.ColumnType{"BigInt"}},
	TypeDouble:    {[]dataverse.ColumnType{"Double", "Decimal", "Money"}, []dataverse.ColumnType{"Integer", "BigInt"}},
	TypeDecimal:   {[]dataverse.ColumnType{"Double", "Decimal", "Money"}, []dataverse.ColumnType{"Integer", "BigInt"}},
	TypeMoney:     {[]dataverse.ColumnType{"Double", "Decimal", "Money"}, []dataverse.ColumnType{"Integer", "BigInt"}},
	TypeDateTime:  {[]dataverse.ColumnType{"DateTime"}, nil},
	TypeDate:      {[]dataverse.ColumnType{"DateTime"}, nil},
	TypeGuid:      {[]dataverse.ColumnType{"Uniqueidentifier"}, nil},
	TypeLookup:    {[]dataverse.ColumnType{"Lookup", "Customer", "Owner"}, nil},
	TypeChoice:    {[]dataverse.ColumnType{"Picklist", "State", "Status"}, nil},
	TypeChoices:   {[]dataverse.ColumnType{"MultiSelectPicklist"}, nil},
	TypePartyList: {[]dataverse.ColumnType{"PartyList"}, nil},
}

// complete fills and checks the field from its column.
func (f *Field) complete(d *Definition, c *dataverse.Column, problems *engage.Problems) {
	types := columnTypes[f.Type]
	fits := slices.Contains(types.writable, c.Type) || f.ReadOnly && slices.Contains(types.readable, c.Type)
	switch {
	case !fits:
		p := problems.Errorf(f.at("type"), "metadata-mismatch", "field %s: column %s is a %s, not one for %s", f.Name, f.Column, c.Type, f.Type)
		if t := typeOf(c); t != "" {
			p.Suggestion = "did you mean \"" + string(t) + "\"?"
		}
		return
	case f.Type == TypeDate && !c.DateOnly:
		problems.Errorf(f.at("type"), "metadata-mismatch", "field %s: column %s has a time", f.Name, f.Column).Suggestion = `did you mean "DateTime"?`
	case f.Type == TypeDateTime && c.DateOnly:
		problems.Errorf(f.at("type"), "metadata-mismatch", "field %s: column %s is a day without time", f.Name, f.Column).Suggestion = `did you mean "Date"?`
	}
	if f.Type != TypePartyList {
		f.noCreate, f.noUpdate = !c.Creatable, !c.Updatable
		if !f.ReadOnly && !c.Creatable && !c.Updatable {
			problems.Errorf(f.Pos, "not-writable", "field %s: column %s cannot be written", f.Name, f.Column).Suggestion = "say readOnly: true"
		}
	}
	if f.Type == TypeString && c.MaxLength > 0 {
		if f.MaxLength > c.MaxLength {
			problems.Errorf(f.at("maxLength"), "metadata-mismatch", "field %s: column %s holds %d characters, not %d", f.Name, f.Column, c.MaxLength, f.MaxLength)
		}
		if f.MaxLength == 0 {
			f.MaxLength = c.MaxLength
		}
	}
	f.completeChoices(c, problems)
	if f.Type == TypeLookup {
		f.completeLookup(c, problems)
	}
}

// typeOf suggests the type of field for a column.
func typeOf(c *dataverse.Column) Type {
	switch {
	case c.Type == "Integer":
		return TypeInt
	case c.Type == "Picklist" || c.Type == "State" || c.Type == "Status":
		return TypeChoice
	case c.Type == "DateTime" && c.DateOnly:
		return TypeDate
	}
	for _, t := range Types {
		if slices.Contains(columnTypes[t].writable, c.Type) {
			if c.Type == "Money" {
				return TypeMoney
			}
			if c.Type == "Decimal" {
				return TypeDecimal
			}
			return t
		}
	}
	return ""
}

func (f *Field) completeChoices(c *dataverse.Column, problems *engage.Problems) {
	if f.Type != TypeChoice && f.Type != TypeChoices || len(c.Choices) == 0 {
		return
	}
	var names []string
	for _, o := range c.Choices {
		f.options = append(f.options, o.Value)
		names = append(names, fmt.Sprintf("%d %s", o.Value, o.Label))
	}
	for _, choice := range f.Choices {
		if !slices.Contains(f.options, choice.Value) {
			p := problems.Errorf(f.targetAt("="+choice.Label), "unknown-choice", "field %s: column %s has no choice %d", f.Name, f.Column, choice.Value)
			if len(names) <= 12 {
				p.Suggestion = "one of " + strings.Join(names, ", ")
			}
		}
	}
}

// owner is the abstract target that metadata names for an Owner column, and
// ownerTables the tables that stand for it (fact sheet, section 3.2).
const owner = "owner"

var ownerTables = []string{"systemuser", "team"}

func (f *Field) completeLookup(c *dataverse.Column, problems *engage.Problems) {
	navigation, collections := map[string]string{}, map[string]string{}
	var targets []string
	add := func(target string, l dataverse.Lookup) {
		if _, twice := navigation[target]; !twice {
			targets = append(targets, target)
			navigation[target], collections[target] = l.Navigation, l.Collection
		}
	}
	for _, l := range c.Lookups {
		if l.Target == owner {
			for _, t := range ownerTables {
				add(t, l)
			}
			continue
		}
		add(l.Target, l)
	}
	if len(f.Targets) == 0 {
		f.Targets = targets
	}
	f.collections = collections
	if f.Navigation == nil {
		f.Navigation = map[string]string{}
	}
	for _, t := range f.Targets {
		nav, ok := navigation[t]
		if !ok {
			if len(targets) > 0 {
				p := problems.Errorf(f.targetAt(t), "unknown-target", "field %s: column %s does not point to %s", f.Name, f.Column, t)
				if p.Suggestion = document.Suggest(t, targets); p.Suggestion == "" && len(targets) <= 12 {
					p.Suggestion = "targets: " + strings.Join(targets, ", ")
				}
			}
			continue
		}
		stated := f.Navigation[t]
		if c.Type == "Owner" && stated == f.Column {
			continue // the abstract owner is bound under the column's own name, too
		}
		if stated != "" && stated != nav {
			p := problems.Errorf(f.targetAt("."+t), "unknown-navigation", "field %s: no navigation property %s leads from %s to %s", f.Name, stated, f.Column, t)
			p.Suggestion = "did you mean \"" + nav + "\"?"
			continue
		}
		f.Navigation[t] = nav
	}
}
