package pattern

import (
	"slices"

	"github.com/andmoneyaps/engage-playbooks/entity"
)

// Description tells a caller what a pattern's parts are and what can be given
// and read. Its JSON is that of `engage describe`.
type Description struct {
	Pattern string            `json:"pattern"`
	Parts   []PartDescription `json:"parts"`
}

// PartDescription describes one part.
type PartDescription struct {
	Ref            string             `json:"ref"`
	Entity         string             `json:"entity"`
	ReadOnly       bool               `json:"readOnly"`
	Optional       bool               `json:"optional"`
	AllowsMultiple bool               `json:"allowsMultiple"`
	Fields         []FieldDescription `json:"fields"`
	// Needs says what a caller must give for the operation, or nothing.
	Needs string `json:"-"`
}

// FieldDescription describes one field of a part.
type FieldDescription struct {
	Name     string      `json:"name"`
	Type     entity.Type `json:"type"`
	Required bool        `json:"required"`
	ReadOnly bool        `json:"readOnly"`
	// Choices is the definition's map from label to number, null without.
	Choices map[string]int `json:"choices"`
	Targets []string       `json:"targets"`
	// BoundTo is the "part.Field" that a requirement takes the value from; of
	// several on a PartyList the first.
	BoundTo *string `json:"boundTo"`
	// Bound are all of them, in the order of the document.
	Bound   []string `json:"bound"`
	Default any      `json:"default"`
}

// Describe describes the pattern; Needs is filled in for an operation, and
// empty for "". Parts and fields stand in the order of the documents.
func (p *Pattern) Describe(op Operation) *Description {
	d := &Description{Pattern: p.ID, Parts: make([]PartDescription, 0, len(p.Parts))}
	for _, part := range p.Parts {
		pd := PartDescription{
			Ref: part.Ref, Entity: part.Entity.ID, ReadOnly: part.ReadOnly, Optional: part.Optional,
			AllowsMultiple: part.AllowsMultiple, Fields: make([]FieldDescription, 0, len(part.Entity.Fields)),
			Needs: p.needs(op, part),
		}
		for _, f := range part.Entity.Fields {
			pd.Fields = append(pd.Fields, part.describe(f))
		}
		d.Parts = append(d.Parts, pd)
	}
	return d
}

func (p *Part) describe(f *entity.Field) FieldDescription {
	fd := FieldDescription{
		Name: f.Name, Type: f.Type, Required: f.Required, ReadOnly: f.ReadOnly, Targets: slices.Clone(f.Targets),
	}
	if len(f.Choices) > 0 {
		fd.Choices = make(map[string]int, len(f.Choices))
		for _, c := range f.Choices {
			fd.Choices[c.Label] = c.Value
		}
	}
	for _, r := range p.requires {
		if r.Field == f.Name {
			fd.Bound = append(fd.Bound, r.Reference+"."+r.ReferenceField)
		}
	}
	if len(fd.Bound) > 0 {
		fd.BoundTo = &fd.Bound[0]
	}
	fd.Default, _ = p.fallback(f.Name)
	return fd
}

// needs says in words what a caller must give a part.
func (p *Pattern) needs(op Operation, part *Part) string {
	switch {
	case op == "":
		return ""
	case op == Read:
		if part.Optional {
			return ""
		}
		return "a value or a filter for one part at least"
	case part.ReadOnly && part.Optional:
		return ""
	case part.ReadOnly:
		return "its Id, or a field to find it by"
	case op == Update:
		return "its Id, if it has other input"
	}
	text := ""
	for _, f := range part.Entity.Fields {
		_, fallback := part.fallback(f.Name)
		if !f.Required || f.IsID() || f.ReadOnly || fallback || part.bound(f.Name) != nil {
			continue
		}
		if text != "" {
			text += ", "
		}
		text += f.Name
	}
	if op == Upsert {
		if text != "" {
			text += ", and "
		}
		text += "its Id or all fields of a key"
	}
	if text != "" && part.Optional {
		text += ", if it has any input"
	}
	return text
}
