package pattern

import (
	"slices"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/entity"
)

// maxPathValues bounds a list of values behind a navigation property, where it
// has to be written out.
const maxPathValues = 20

// path says which records of the part are joined to another part, as a
// condition on the part alone: the other part's conditions behind the
// navigation property of the lookup (fact sheet, section 4.3). Both parts are
// then read side by side. Nil: there is no such condition.
func (b *planner) path(p *Part, e *edge) []dataverse.Filter {
	other := e.other(p)
	base := b.parts[other.index].path
	if len(base) == 0 || e.holder != p || !e.byID() || e.field.Type != entity.TypeLookup {
		return nil
	}
	navigation := e.field.Navigation[other.Entity.Table]
	if navigation == "" {
		return nil
	}
	out := make([]dataverse.Filter, 0, len(base))
	for _, f := range base {
		g, ok := behind(f, func(column string) string {
			if column == other.Entity.PrimaryKey {
				return e.field.WireColumn()
			}
			return navigation + "/" + column
		})
		if !ok {
			return nil
		}
		out = append(out, g)
	}
	return out
}

// behind rewrites a condition for the far side of a lookup. Conditions that a
// lookup without a record would satisfy, too, cannot be rewritten.
func behind(f dataverse.Filter, column func(string) string) (dataverse.Filter, bool) {
	all := func(fs []dataverse.Filter) ([]dataverse.Filter, bool) {
		out := make([]dataverse.Filter, len(fs))
		for i := range fs {
			g, ok := behind(fs[i], column)
			if !ok {
				return nil, false
			}
			out[i] = g
		}
		return out, true
	}
	switch f := f.(type) {
	case dataverse.And:
		fs, ok := all(f)
		return dataverse.And(fs), ok
	case dataverse.Or:
		fs, ok := all(f)
		return dataverse.Or(fs), ok
	case dataverse.Compare:
		f.Column = column(f.Column)
		return f, f.Op != dataverse.Ne && f.Value != nil
	case dataverse.Match:
		f.Column = column(f.Column)
		return f, true
	case dataverse.Null:
		f.Column = column(f.Column)
		return f, f.Not
	case dataverse.In:
		f.Column = column(f.Column)
		return f, !f.Not && len(f.Values) <= maxPathValues
	}
	return nil, false
}

// notePath remembers the conditions of a part that was read by conditions
// alone, so that others can stand behind it.
func (b *planner) notePath(p *Part, path []dataverse.Filter) {
	filters := b.read.conditions[p.index].filters
	if len(path) > 0 {
		filters = slices.Concat(filters, path)
	}
	b.parts[p.index].path = filters
}
