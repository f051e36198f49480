package entity

import (
	"slices"

	"github.com/andmoneyaps/engage-playbooks"
)

// Type is the type of a field.
type Type string

// The types of fields: the platform's own String, Boolean, Int, Double and
// DateTime, and what Dataverse needs beside them.
const (
	TypeString    Type = "String"
	TypeBoolean   Type = "Boolean"
	TypeInt       Type = "Int"
	TypeDouble    Type = "Double"
	TypeDateTime  Type = "DateTime"
	TypeGuid      Type = "Guid"
	TypeDecimal   Type = "Decimal"
	TypeMoney     Type = "Money"
	TypeDate      Type = "Date"
	TypeLookup    Type = "Lookup"
	TypeChoice    Type = "Choice"
	TypeChoices   Type = "Choices"
	TypePartyList Type = "PartyList"
)

// Types lists all types of fields.
var Types = []Type{
	TypeString, TypeBoolean, TypeInt, TypeDouble, TypeDateTime, TypeGuid, TypeDecimal,
	TypeMoney, TypeDate, TypeLookup, TypeChoice, TypeChoices, TypePartyList,
}

// Choice is one label of a Choice or Choices field and the number behind it.
type Choice struct {
	Label string
	Value int
}

// Field is one abstract field and the column that stores it.
type Field struct {
	Name, Description string
	// Column is the logical name of the column.
	Column string
	Type   Type
	// Required fields must have a value when a record is created. ReadOnly
	// fields can be read and filtered on, never written.
	Required, ReadOnly bool
	// MaxLength counts the characters of a String; 0: unknown.
	MaxLength int
	// Choices are the labels of a Choice or Choices field, by value; none:
	// the values are numbers.
	Choices []Choice
	// Targets are the tables a Lookup or PartyList may point to; none: not
	// stated, see [Definition.Bind].
	Targets []string
	// Navigation gives the navigation property for each target, in exact case.
	Navigation map[string]string
	Pos        engage.Pos

	keyPlaces places
	// targetPlaces are those of targets, of their navigation (after a dot) and
	// of choices (after an equals sign).
	targetPlaces places
	// What Bind adds: the entity set of each target, the collection that leads
	// back from it, the options of a choice without labels, the party role.
	sets               map[string]string
	collections        map[string]string
	options            []int
	role               int
	partiesLink        string
	noCreate, noUpdate bool
}

// IsID reports whether the field is the record's primary key.
func (f *Field) IsID() bool { return f.Name == IDField }

// List reports whether a value of the field is a list: Choices and PartyList.
func (f *Field) List() bool { return f.Type == TypeChoices || f.Type == TypePartyList }

// HasTarget reports whether the field may point to the table; true if the
// definition does not say.
func (f *Field) HasTarget(table string) bool {
	return len(f.Targets) == 0 || slices.Contains(f.Targets, table)
}

// Creatable and Updatable report whether the column can be given a value when
// a record is made, or later; before [Definition.Bind] they only know ReadOnly.
func (f *Field) Creatable() bool { return !f.ReadOnly && !f.noCreate }

// Updatable: see Creatable.
func (f *Field) Updatable() bool { return !f.ReadOnly && !f.noUpdate }

// places says where the keys of a mapping stand in its file. They are few.
type places []place

type place struct {
	key       string
	line, col int
}

func (p *places) add(key string, at engage.Pos) { *p = append(*p, place{key, at.Line, at.Col}) }

func (p places) find(file, key string) (at engage.Pos, ok bool) {
	for _, k := range p {
		if k.key == key {
			return engage.Pos{File: file, Line: k.line, Col: k.col}, true
		}
	}
	return engage.Pos{}, false
}
