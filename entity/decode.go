package entity

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/andmoneyaps/engage-playbooks"
	"github.com/andmoneyaps/engage-playbooks/internal/document"
)

// Kind decodes documents of kind EntityDefinition into [*Definition]; nil if
// something is wrong with the document.
var Kind = document.Kind{Name: "EntityDefinition", Decode: decode}

func decode(doc *document.Document, problems *engage.Problems) any {
	var own engage.Problems
	d := decodeDefinition(doc, &own)
	*problems = append(*problems, own...)
	if own.HasErrors() || doc.ID == "" {
		return nil
	}
	return d
}

func decodeDefinition(doc *document.Document, problems *engage.Problems) *Definition {
	m := doc.Mapping(problems, "crmSystem", "type", "entitySet", "primaryKey", "keys", "fields")
	d := &Definition{
		ID: doc.ID, Name: doc.Name, Description: doc.Description, Pos: doc.Pos,
		CRMSystem: Dataverse,
	}
	m.Require("type", "fields")
	if s := m.NonEmpty("crmSystem"); s.Value != "" {
		d.CRMSystem = s.Value
	}
	dec := &decoder{problems: problems, dataverse: d.CRMSystem == Dataverse}
	d.Table = dec.table("type", m.NonEmpty("type"))
	d.EntitySet = dec.name("entitySet", m.NonEmpty("entitySet"))
	d.PrimaryKey = dec.name("primaryKey", m.NonEmpty("primaryKey"))
	d.tablePos, d.setPos, d.primaryPos = m.Get("type").Pos(), m.Get("entitySet").Pos(), m.Get("primaryKey").Pos()

	seen := map[string]engage.Pos{}
	for _, n := range m.List("fields") {
		f := dec.field(n)
		if f.Name == "" {
			dec.unnamed = true
			continue
		}
		if first, twice := seen[f.Name]; twice {
			problems.Errorf(f.Pos, "duplicate-field", "field %q is declared twice, first in line %d", f.Name, first.Line)
			continue
		}
		seen[f.Name] = f.Pos
		d.Fields = append(d.Fields, f)
	}
	d.id(problems)
	d.index()
	d.keys(m, problems, dec.unnamed)
	for _, f := range d.Fields {
		if f.Type == TypePartyList {
			f.partiesLink = partyCollection(d.Table)
		}
	}
	return d
}

// id checks the declared Id against the primary key, or adds one.
func (d *Definition) id(problems *engage.Problems) {
	i := slices.IndexFunc(d.Fields, (*Field).IsID)
	if i < 0 {
		id := &Field{Name: IDField, Column: d.PrimaryKey, Type: TypeGuid, ReadOnly: true, Pos: d.Pos}
		d.Fields = slices.Insert(d.Fields, 0, id)
		return
	}
	id := d.Fields[i]
	if id.Type != "" && id.Type != TypeGuid {
		problems.Errorf(id.at("type"), "wrong-id", "field Id: is the primary key, so its type is Guid, not %s", id.Type)
	}
	if d.PrimaryKey != "" && id.Column != "" && id.Column != d.PrimaryKey {
		problems.Errorf(id.at("mappedName"), "wrong-id", "field Id: maps %s, but primaryKey is %s", id.Column, d.PrimaryKey)
	}
	id.ReadOnly = true
	if d.PrimaryKey == "" {
		d.PrimaryKey = id.Column
	}
}

// keyTypes are the types that an alternate key may have (fact sheet, 1.3).
var keyTypes = []Type{TypeString, TypeInt, TypeDecimal, TypeDateTime, TypeDate, TypeLookup, TypeChoice}

// keys reads the alternate keys. unnamed says that a field has no name, so that
// an unknown one may be it.
func (d *Definition) keys(m document.Mapping, problems *engage.Problems, unnamed bool) {
	for _, n := range m.List("keys") {
		if n.Type() != document.List {
			problems.Errorf(n.Pos(), "wrong-type", "keys: want a list of lists of fields, have %s", n.Type())
			continue
		}
		var key []string
		for _, item := range n.Items() {
			s, ok := item.Text(problems, "key")
			if !ok {
				continue
			}
			f, known := d.Field(s.Value)
			switch {
			case !known && unnamed:
			case !known:
				p := problems.Errorf(s.Pos, "unknown-field", "key: unknown field %q", s.Value)
				p.Suggestion = document.Suggest(s.Value, d.FieldNames())
			case f.Type != "" && !slices.Contains(keyTypes, f.Type):
				problems.Errorf(s.Pos, "wrong-key", "key: field %s is a %s, and no alternate key can hold one", f.Name, f.Type)
			case slices.Contains(key, f.Name):
				problems.Errorf(s.Pos, "wrong-key", "key: field %s is named twice", f.Name)
			default:
				key = append(key, f.Name)
			}
		}
		if len(n.Items()) == 0 {
			problems.Errorf(n.Pos(), "wrong-key", "key: names no field")
		}
		if len(key) > 0 {
			d.Keys = append(d.Keys, key)
		}
	}
}

type decoder struct {
	problems  *engage.Problems
	dataverse bool // names follow Dataverse's rules
	unnamed   bool // there is a field without a name
}

// typeWords are the words of Types.
var typeWords = func() []string {
	words := make([]string, len(Types))
	for i, t := range Types {
		words[i] = string(t)
	}
	return words
}()

func (dec *decoder) field(n document.Node) *Field {
	problems := dec.problems
	m := n.Mapping(problems, "field", "name", "mappedName", "type", "required", "readOnly", "maxLength", "choices", "targets", "navigation", "description")
	f := &Field{Pos: m.Pos()}
	if !m.Ok() {
		return f
	}
	m.Require("name", "mappedName", "type")
	keys := m.Keys()
	f.keyPlaces = make(places, 0, len(keys))
	for _, key := range keys {
		f.keyPlaces.add(key, m.Get(key).Pos())
	}
	name := m.NonEmpty("name")
	f.Name = name.Value
	if f.Name != "" && !isFieldName(f.Name) {
		problems.Errorf(name.Pos, "invalid-name", "field name %q: begin with a letter, go on with letters, digits, _ and -", f.Name)
	}
	f.Description = m.String("description").Value
	f.Column = dec.name("mappedName", m.NonEmpty("mappedName"))
	f.Type = Type(m.OneOf("type", typeWords...))
	f.Required, f.ReadOnly = m.Bool("required"), m.Bool("readOnly")
	if f.Required && f.ReadOnly && !f.IsID() {
		problems.Errorf(f.at("required"), "required-read-only", "field %s: is never written, so it cannot be required", f.Name)
	}
	if f.Type == "" {
		return f // what depends on the type is not blamed
	}
	dec.maxLength(m, f)
	dec.choices(m, f)
	dec.targets(m, f)
	if f.Type == TypePartyList && dec.dataverse && f.Column != "" {
		role, ok := partyRoles[f.Column]
		if !ok {
			p := problems.Errorf(f.at("mappedName"), "unknown-party-column", "field %s: %s is no activity-party column", f.Name, f.Column)
			columns := slices.Sorted(maps.Keys(partyRoles))
			if p.Suggestion = document.Suggest(f.Column, columns); p.Suggestion == "" {
				p.Suggestion = "one of " + strings.Join(columns, ", ")
			}
		}
		f.role = role
	}
	return f
}

func (dec *decoder) misplaced(f *Field, key string) {
	dec.problems.Errorf(f.at(key), "misplaced-key", "field %s: type %s has no %s", f.Name, f.Type, key)
}

func (dec *decoder) maxLength(m document.Mapping, f *Field) {
	if !m.Has("maxLength") {
		return
	}
	if f.Type != TypeString {
		dec.misplaced(f, "maxLength")
		return
	}
	n, ok := m.Int("maxLength")
	if ok && n < 1 {
		dec.problems.Errorf(f.at("maxLength"), "wrong-type", "maxLength: want 1 or more, have %d", n)
		return
	}
	f.MaxLength = n
}

func (dec *decoder) choices(m document.Mapping, f *Field) {
	if !m.Has("choices") {
		return
	}
	if f.Type != TypeChoice && f.Type != TypeChoices {
		dec.misplaced(f, "choices")
		return
	}
	c := m.Get("choices").Mapping(dec.problems, "choices")
	labels := map[int]string{}
	for _, label := range c.Keys() {
		value, ok := c.Int(label)
		switch {
		case !ok:
			continue
		case value < math.MinInt32 || value > math.MaxInt32:
			dec.problems.Errorf(c.Get(label).Pos(), "wrong-type", "choices: %d does not fit into 32 bits", value)
			continue
		}
		if other, twice := labels[value]; twice {
			dec.problems.Errorf(c.Get(label).Pos(), "duplicate-choice", "choices: %q and %q have the same value %d", other, label, value)
			continue
		}
		labels[value] = label
		f.Choices = append(f.Choices, Choice{Label: label, Value: value})
		f.targetPlaces.add("="+label, c.Get(label).Pos())
	}
	if c.Ok() && len(c.Keys()) == 0 {
		dec.problems.Errorf(f.at("choices"), "wrong-type", "choices: is empty; leave it out to use numbers")
	}
}

func (dec *decoder) targets(m document.Mapping, f *Field) {
	hasTargets := f.Type == TypeLookup || f.Type == TypePartyList
	if m.Has("targets") {
		if !hasTargets {
			dec.misplaced(f, "targets")
		}
		for _, s := range m.Strings("targets") {
			t := dec.table("targets", s)
			if t == "" || !hasTargets {
				continue
			}
			if slices.Contains(f.Targets, t) {
				dec.problems.Errorf(s.Pos, "duplicate-target", "targets: %s is named twice", t)
				continue
			}
			f.Targets = append(f.Targets, t)
			f.targetPlaces.add(t, s.Pos)
		}
	}
	if !m.Has("navigation") {
		return
	}
	if f.Type != TypeLookup {
		dec.misplaced(f, "navigation")
		return
	}
	stated := len(f.Targets) > 0
	nav := m.Get("navigation").Mapping(dec.problems, "navigation")
	f.Navigation = make(map[string]string)
	for _, target := range nav.Keys() {
		property := dec.name("navigation", nav.NonEmpty(target))
		if !stated {
			if t := dec.table("navigation", document.String{Value: target, Pos: nav.KeyPos(target)}); t != "" {
				f.Targets = append(f.Targets, t)
				f.targetPlaces.add(t, nav.KeyPos(target))
			}
		} else if !slices.Contains(f.Targets, target) {
			p := dec.problems.Errorf(nav.KeyPos(target), "unknown-target", "navigation: %q is not among the targets", target)
			if p.Suggestion = document.Suggest(target, f.Targets); p.Suggestion == "" {
				p.Suggestion = "targets: " + strings.Join(f.Targets, ", ")
			}
			continue
		}
		f.Navigation[target] = property
		f.targetPlaces.add("."+target, nav.Get(target).Pos())
	}
}

// name checks a Dataverse name: it becomes part of a URL, so letters, digits
// and underscores only.
func (dec *decoder) name(what string, s document.String) string {
	if s.Value == "" || !dec.dataverse {
		return s.Value
	}
	if !isWireName(s.Value) {
		dec.problems.Errorf(s.Pos, "invalid-name", "%s: %s is no Dataverse name: letters, digits and _ only", what, strconv.Quote(s.Value))
		return ""
	}
	return s.Value
}

// table checks a table's logical name, which is always lower case.
func (dec *decoder) table(what string, s document.String) string {
	t := dec.name(what, s)
	if dec.dataverse && t != strings.ToLower(t) {
		p := dec.problems.Errorf(s.Pos, "invalid-name", "%s: %s is no logical name of a table: it is lower case", what, strconv.Quote(t))
		p.Suggestion = "did you mean " + strconv.Quote(strings.ToLower(t)) + "?"
		return ""
	}
	return t
}

func isWireName(s string) bool {
	for i, r := range s {
		if r >= unicode.MaxASCII || !(r == '_' || unicode.IsLetter(r) || i > 0 && unicode.IsDigit(r)) {
			return false
		}
	}
	return true
}

// isFieldName keeps field names apart from _etag, _labels and _types, and
// usable in paths.
func isFieldName(s string) bool {
	for i, r := range s {
		if !(unicode.IsLetter(r) || i > 0 && (r == '_' || r == '-' || unicode.IsDigit(r))) {
			return false
		}
	}
	return true
}

// at is where a key of the field stands, or the field.
func (f *Field) at(key string) engage.Pos {
	if p, ok := f.keyPlaces.find(f.Pos.File, key); ok {
		return p
	}
	return f.Pos
}
