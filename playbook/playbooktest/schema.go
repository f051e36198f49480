package playbooktest

import (
	"cmp"
	"slices"

	"github.com/andmoneyaps/engage-playbooks"
	"github.com/andmoneyaps/engage-playbooks/dataverse/simulator"
	"github.com/andmoneyaps/engage-playbooks/entity"
	"github.com/andmoneyaps/engage-playbooks/internal/document"
	"github.com/andmoneyaps/engage-playbooks/playbook"
)

// columnTypes are the simulator's types of the fields of a definition.
var columnTypes = map[entity.Type]simulator.ColumnType{
	entity.TypeString: simulator.String, entity.TypeBoolean: simulator.Boolean, entity.TypeInt: simulator.Integer,
	entity.TypeDouble: simulator.Double, entity.TypeDateTime: simulator.DateTime, entity.TypeGuid: simulator.UniqueID,
	entity.TypeDecimal: simulator.Decimal, entity.TypeMoney: simulator.Money, entity.TypeDate: simulator.Date,
	entity.TypeLookup: simulator.Lookup, entity.TypeChoice: simulator.Choice, entity.TypeChoices: simulator.MultiChoice,
	entity.TypePartyList: simulator.PartyList,
}

// longestString is the length above which a text is a Memo (fact sheet, 8.3).
const longestString = 4000

// Schema gives the tables of the simulator for a workspace: the baseline, and
// what the definitions add to it. The problems say what the simulator must
// know of that and the definitions do not state; `engage validate` shows them
// as warnings.
func Schema(w *playbook.Workspace) (*simulator.Schema, engage.Problems) {
	if w == nil {
		return SchemaOf(nil)
	}
	return SchemaOf(w.Definitions())
}

// SchemaOf is Schema for definitions that are not, or not yet, of a workspace.
func SchemaOf(all []*entity.Definition) (*simulator.Schema, engage.Problems) {
	b := builder{schema: simulator.Baseline(), added: map[string]bool{}}
	var definitions []*entity.Definition
	for _, d := range all {
		if d.CRMSystem == "" || d.CRMSystem == entity.Dataverse {
			definitions = append(definitions, d)
		}
	}
	for _, d := range definitions {
		b.table(d)
	}
	for _, d := range definitions {
		b.columns(d)
		b.keys(d)
	}
	b.problems.Sort()
	return b.schema, b.problems
}

// Misspelt warns of columns that the definitions would add to a table of the
// baseline and that are but a letter or two away from one of its own: the
// simulator takes them, an organisation would not.
func Misspelt(all []*entity.Definition) engage.Problems {
	var problems engage.Problems
	for _, d := range all {
		t := simulator.BaselineTable(d.Table)
		if t == nil || d.CRMSystem != "" && d.CRMSystem != entity.Dataverse {
			continue
		}
		for _, f := range d.Fields {
			if f.IsID() || t.Column(f.Column) != nil {
				continue
			}
			names := make([]string, len(t.Columns))
			for i, c := range t.Columns {
				names[i] = c.LogicalName
			}
			if near := document.SuggestSpelling(f.Column, names); near != "" {
				p := problems.Warnf(f.Pos, "unfamiliar-column", "field %s: table %s has no column %s of its own; the simulator takes it for one that the bank added", f.Name, d.Table, f.Column)
				p.Suggestion = near
			}
		}
	}
	return problems
}

type builder struct {
	schema *simulator.Schema
	// added are the tables that the baseline does not have.
	added    map[string]bool
	problems engage.Problems
}

// table adds the definition's table if the schema does not have it.
func (b *builder) table(d *entity.Definition) {
	if b.schema.Table(d.Table) != nil {
		return
	}
	if d.EntitySet == "" || d.PrimaryKey == "" {
		for _, key := range []struct{ name, value string }{{"entitySet", d.EntitySet}, {"primaryKey", d.PrimaryKey}} {
			if key.value == "" {
				b.problems.Errorf(d.Pos, "simulator-needs", "the simulator does not know table %s: it needs %s", d.Table, key.name)
			}
		}
		for _, f := range d.Fields {
			if f.Type == entity.TypeLookup {
				b.lookup(d, f, &simulator.Column{}) // what it lacks is said too
			}
		}
		return
	}
	spec := simulator.TableSpec{LogicalName: d.Table, EntitySet: d.EntitySet, PrimaryID: d.PrimaryKey, Activities: true, Notes: true}
	for _, f := range d.Fields {
		if f.Type == entity.TypePartyList {
			spec.Activity = true
		}
		if f.Type == entity.TypeString && spec.PrimaryName == "" && f.MaxLength <= longestString {
			spec.PrimaryName = f.Column
			spec.Columns = append(spec.Columns, column(f))
		}
	}
	if spec.Activity {
		spec.PrimaryName, spec.Columns = "", nil
	}
	if err := b.schema.AddTable(spec); err != nil {
		b.problems.Errorf(d.Pos, "simulator-refuses", "the simulator cannot have table %s: %v", d.Table, err)
		return
	}
	b.added[d.Table] = true
}

// columns adds what the table lacks.
func (b *builder) columns(d *entity.Definition) {
	t := b.schema.Table(d.Table)
	if t == nil {
		return
	}
	for _, f := range d.Fields {
		if have := t.Column(f.Column); have != nil {
			b.targets(d, f, have)
			continue
		}
		if f.IsID() {
			continue // a wrong primaryKey: binding says so
		}
		c := column(f)
		if f.Type == entity.TypeLookup && !b.lookup(d, f, &c) {
			continue
		}
		if err := b.schema.AddColumns(d.Table, c); err != nil {
			b.problems.Errorf(f.Pos, "simulator-refuses", "the simulator cannot have column %s: %v", f.Column, err)
		}
	}
}

func column(f *entity.Field) simulator.Column {
	c := simulator.Column{LogicalName: f.Column, Type: columnTypes[f.Type], MaxLength: f.MaxLength}
	if f.Type == entity.TypeString && f.MaxLength > longestString {
		c.Type = simulator.Memo
	}
	if f.Type == entity.TypeString && f.MaxLength == 0 {
		c.MaxLength = longestString
	}
	if f.Type == entity.TypeDecimal || f.Type == entity.TypeMoney || f.Type == entity.TypeDouble {
		c.Precision = 4
	}
	for _, o := range f.Choices {
		c.Options = append(c.Options, simulator.Option{Value: o.Value, Label: o.Label})
	}
	return c
}

// lookup gives the column its targets; each needs its navigation property.
func (b *builder) lookup(d *entity.Definition, f *entity.Field, c *simulator.Column) bool {
	ok := true
	for _, target := range f.Targets {
		if f.Navigation[target] == "" {
			b.problems.Errorf(f.Pos, "simulator-needs", "the simulator does not know column %s of table %s: it needs the navigation of target %s", f.Column, d.Table, target)
			ok = false
			continue
		}
		c.Targets = append(c.Targets, simulator.Target{
			Table: target, Navigation: f.Navigation[target], Collection: d.Table + "_" + f.Column + "_" + target,
		})
	}
	if len(f.Targets) == 0 {
		b.problems.Errorf(f.Pos, "simulator-needs", "the simulator does not know column %s of table %s: it needs its targets", f.Column, d.Table)
		ok = false
	}
	return ok
}

// targets adds tables that a lookup of the schema does not point at yet.
func (b *builder) targets(d *entity.Definition, f *entity.Field, have *simulator.Column) {
	if !have.Type.IsLookup() {
		return
	}
	for _, target := range f.Targets {
		known := slices.ContainsFunc(have.Targets, func(t simulator.Target) bool {
			return t.Table == target || t.Table == "principal" && (target == "systemuser" || target == "team")
		})
		if known {
			continue
		}
		navigation := f.Navigation[target]
		if navigation == "" {
			b.problems.Errorf(f.Pos, "simulator-needs", "in the simulator %s of table %s does not point at %s: to make it do so it needs the navigation", f.Column, d.Table, target)
			continue
		}
		if err := b.schema.AddTarget(d.Table, f.Column, simulator.Target{Table: target, Navigation: navigation, Collection: d.Table + "_" + f.Column + "_" + target}); err != nil {
			b.problems.Errorf(f.Pos, "simulator-refuses", "the simulator cannot have target %s of %s: %v", target, f.Column, err)
		}
	}
}

// keys adds the alternate keys that the table lacks.
func (b *builder) keys(d *entity.Definition) {
	t := b.schema.Table(d.Table)
	if t == nil {
		return
	}
	for _, key := range d.Keys {
		var columns []string
		for _, name := range key {
			if f, ok := d.Field(name); ok && t.Column(f.Column) != nil {
				columns = append(columns, f.Column)
			}
		}
		if len(columns) != len(key) || slices.ContainsFunc(t.Keys, func(k *simulator.Key) bool { return sameSet(k.Columns, columns) }) {
			continue
		}
		name := d.Table
		for _, c := range columns {
			name += "_" + c
		}
		if err := b.schema.AddKey(d.Table, simulator.Key{SchemaName: name + "_key", Columns: columns}); err != nil {
			b.problems.Errorf(d.Pos, "simulator-refuses", "the simulator cannot have a key of %s: %v", cmp.Or(d.Name, d.ID), err)
		}
	}
}

func sameSet(a, b []string) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(a, b)
}
