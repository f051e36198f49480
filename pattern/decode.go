package pattern

import (
	"unicode"

	"github.com/andmoneyaps/engage-playbooks"
	"github.com/andmoneyaps/engage-playbooks/internal/document"
)

// Source is a decoded pattern whose references are not followed yet.
type Source struct {
	ID    string
	IDPos engage.Pos

	pattern      Pattern
	parts        []*partSource
	requirements []*requirementSource
	broken       bool
	// unnamed says that a part has no ref, so that an unknown one may be it.
	unnamed bool
}

type partSource struct {
	part   *Part
	entity document.String
	sort   document.String
	// queryPos is where query stands.
	queryPos engage.Pos
	// unsure says that allowsMultiple was meant to be given.
	unsure bool
}

type requirementSource struct {
	requirement                            *Requirement
	part, field, reference, referenceField document.String
}

// Decode reads the document; what is wrong with it alone is reported. It never
// returns nil.
func Decode(d *document.Document, problems *engage.Problems) *Source {
	var own engage.Problems
	s := &Source{ID: d.ID, IDPos: d.IDPos, pattern: Pattern{ID: d.ID, Name: d.Name, Description: d.Description, Pos: d.Pos}}
	m := d.Mapping(&own, "parts", "requirements")
	m.Require("parts")
	seen := map[string]engage.Pos{}
	for _, n := range m.List("parts") {
		p := decodePart(n, &own)
		if p.part.Ref == "" {
			s.unnamed = true
			continue
		}
		if first, twice := seen[p.part.Ref]; twice {
			own.Errorf(p.part.Pos, "duplicate-part", "part %q is declared twice, first in line %d", p.part.Ref, first.Line)
			continue
		}
		seen[p.part.Ref] = p.part.Pos
		s.parts = append(s.parts, p)
	}
	if m.Has("parts") && m.Get("parts").Type() == document.List && len(m.Get("parts").Items()) == 0 {
		own.Errorf(m.Get("parts").Pos(), "no-parts", "parts: a pattern needs at least one part")
	}
	for _, n := range m.List("requirements") {
		if r := decodeRequirement(n, &own); r != nil {
			s.requirements = append(s.requirements, r)
		}
	}
	s.broken = own.HasErrors() || d.ID == ""
	*problems = append(*problems, own...)
	return s
}

func decodePart(n document.Node, problems *engage.Problems) *partSource {
	m := n.Mapping(problems, "part", "ref", "entity", "readOnly", "allowsMultiple", "optional", "defaults", "query", "description")
	p := &partSource{part: &Part{Pos: m.Pos()}}
	if !m.Ok() {
		return p
	}
	m.Require("ref", "entity")
	ref := m.NonEmpty("ref")
	if ref.Value != "" && !isRef(ref.Value) {
		problems.Errorf(ref.Pos, "invalid-name", "ref %q: begin with a letter, go on with letters, digits, _ and -", ref.Value)
	}
	p.part.Ref = ref.Value
	p.part.refPos = ref.Pos
	p.part.Description = m.String("description").Value
	p.entity = m.NonEmpty("entity")
	p.unsure = m.Misspelt("allowsMultiple")
	p.part.ReadOnly, p.part.AllowsMultiple, p.part.Optional = m.Bool("readOnly"), m.Bool("allowsMultiple"), m.Bool("optional")
	if m.Has("defaults") {
		defaults := m.Get("defaults").Mapping(problems, "defaults")
		for _, field := range defaults.Keys() {
			p.part.Defaults = append(p.part.Defaults, Default{
				Field: field,
				Value: defaults.Get(field).Value(problems),
				Pos:   defaults.KeyPos(field),
				at:    defaults.Get(field).Pos(),
			})
		}
	}
	if m.Has("query") {
		q := m.Get("query").Mapping(problems, "query", "sort", "direction", "limit")
		p.queryPos = m.KeyPos("query")
		p.sort = q.NonEmpty("sort")
		p.part.Query = &Query{
			Sort:       p.sort.Value,
			Descending: q.OneOf("direction", "Ascending", "Descending") == "Descending",
			Pos:        q.Pos(),
		}
		if limit, ok := q.Int("limit"); ok && limit < 1 {
			problems.Errorf(q.Get("limit").Pos(), "wrong-type", "limit: want 1 or more, have %d", limit)
		} else if ok {
			p.part.Query.Limit = limit
		}
	}
	return p
}

func decodeRequirement(n document.Node, problems *engage.Problems) *requirementSource {
	m := n.Mapping(problems, "requirement", "part", "field", "references", "operation", "optional")
	if !m.Require("part", "field", "references") {
		return nil
	}
	r := &requirementSource{requirement: &Requirement{Pos: m.Pos(), Optional: m.Bool("optional")}}
	m.OneOf("operation", "Equals")
	r.part, r.field = m.NonEmpty("part"), m.NonEmpty("field")
	to := m.Get("references").Mapping(problems, "references", "part", "field")
	if !to.Require("part", "field") {
		return nil
	}
	r.reference, r.referenceField = to.NonEmpty("part"), to.NonEmpty("field")
	r.requirement.Part, r.requirement.Field = r.part.Value, r.field.Value
	r.requirement.Reference, r.requirement.ReferenceField = r.reference.Value, r.referenceField.Value
	if r.part.Value == "" || r.field.Value == "" || r.reference.Value == "" || r.referenceField.Value == "" {
		return nil
	}
	return r
}

// isRef keeps refs usable in destinations and paths.
func isRef(s string) bool {
	for i, r := range s {
		if !(unicode.IsLetter(r) || i > 0 && (r == '_' || r == '-' || unicode.IsDigit(r))) {
			return false
		}
	}
	return true
}
