package entity

import (
	"fmt"

	"github.com/andmoneyaps/engage-playbooks"
)

// Dataverse is the crmSystem that this engine runs against.
const Dataverse = "Dataverse"

// IDField is the name of the field that every definition has: the primary key.
const IDField = "Id"

// Definition names one Dataverse table and the columns behind its fields. It
// is immutable after loading.
type Definition struct {
	ID, Name, Description string
	// CRMSystem is "Dataverse" unless the document says otherwise; other
	// systems load and are refused when run.
	CRMSystem string
	// Table is the logical name. EntitySet and PrimaryKey may be "" until
	// [Definition.Bind] has filled them from metadata.
	Table, EntitySet, PrimaryKey string
	// Keys are the alternate keys, as names of fields.
	Keys [][]string
	// Fields stand in declaration order, Id first if it was not declared.
	Fields []*Field
	Pos    engage.Pos

	byName map[string]*Field
	// Where type, entitySet and primaryKey stand.
	tablePos, setPos, primaryPos engage.Pos
}

// Field finds a field by its abstract name, in exact case.
func (d *Definition) Field(name string) (*Field, bool) {
	f, ok := d.byName[name]
	return f, ok
}

// FieldNames lists the fields in declaration order.
func (d *Definition) FieldNames() []string {
	names := make([]string, len(d.Fields))
	for i, f := range d.Fields {
		names[i] = f.Name
	}
	return names
}

// index builds the map behind Field.
func (d *Definition) index() {
	d.byName = make(map[string]*Field, len(d.Fields))
	for _, f := range d.Fields {
		d.byName[f.Name] = f
	}
}

// Runnable reports a definition of a system that this engine does not reach.
func (d *Definition) Runnable() error {
	if d.CRMSystem != Dataverse {
		return fmt.Errorf("definition %s is of %s; only %s is run here", d.ID, d.CRMSystem, Dataverse)
	}
	return nil
}
