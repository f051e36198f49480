package pattern

import "github.com/andmoneyaps/engage-playbooks/entity"

// Description tells a caller what a pattern's parts are and what must be given
// for an operation. Its JSON is that of `engage describe`.
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
	// BoundTo is the "part.Field" that a requirement takes the value from.
	BoundTo *string `json:"boundTo"`
	Default any     `json:"default"`
}

// Describe describes the pattern for an operation; "" for all of them.
func (p *Pattern) Describe(op Operation) *Description { return &Description{Pattern: p.ID} }
