package simulator

import (
	"strings"
)

// filters binds the filters of an entity, joined by and; nil means that there
// are none.
func (p *fetchPlan) filters(n *fetchTable, list []*fetchFilter) (fetchTest, error) {
	var tests []fetchTest
	for _, f := range list {
		t, err := p.filter(n, f)
		if err != nil {
			return nil, err
		}
		tests = append(tests, t)
	}
	return allOf(tests), nil
}

func allOf(tests []fetchTest) fetchTest {
	switch len(tests) {
	case 0:
		return nil
	case 1:
		return tests[0]
	}
	return func(t fetchTuple) bool {
		for _, test := range tests {
			if !test(t) {
				return false
			}
		}
		return true
	}
}

func anyOf(tests []fetchTest) fetchTest {
	return func(t fetchTuple) bool {
		for _, test := range tests {
			if test(t) {
				return true
			}
		}
		return len(tests) == 0
	}
}

func (p *fetchPlan) filter(n *fetchTable, f *fetchFilter) (fetchTest, error) {
	var tests []fetchTest
	for _, c := range f.conditions {
		t, err := p.condition(n, c)
		if err != nil {
			return nil, err
		}
		tests = append(tests, t)
	}
	for _, sub := range f.filters {
		t, err := p.filter(n, sub)
		if err != nil {
			return nil, err
		}
		tests = append(tests, t)
	}
	for _, l := range f.links {
		t, err := p.filterLink(n, l)
		if err != nil {
			return nil, err
		}
		tests = append(tests, t)
	}
	if f.or {
		return anyOf(tests), nil
	}
	if t := allOf(tests); t != nil {
		return t, nil
	}
	return func(fetchTuple) bool { return true }, nil
}

// filterLink binds a link-entity inside a filter: whether any or all related
// rows hold.
func (p *fetchPlan) filterLink(n *fetchTable, e *fetchEntity) (fetchTest, error) {
	sub := &fetchPlan{call: p.call, query: p.query, byName: map[string]*fetchTable{}}
	child, err := sub.link(n, e)
	if err != nil {
		return nil, err
	}
	child.parent = n
	if err := sub.add(child); err != nil {
		return nil, err
	}
	if err := sub.bind(); err != nil {
		return nil, err
	}
	return func(t fetchTuple) bool {
		parent := t[n.index]
		if parent == nil {
			return strings.HasPrefix(e.linkType, "not ")
		}
		rows := p.call.joinRows(child, parent)
		holds := 0
		for _, r := range rows {
			if sub.holdsBelow(child, r) {
				holds++
			}
		}
		// "all" means that there are related rows and none of them holds, "not
		// all" is the same as any (Microsoft's reference, link-entity).
		switch e.linkType {
		case "any", "not all":
			return holds > 0
		case "not any":
			return holds == 0
		default:
			return len(rows) > 0 && holds == 0
		}
	}, nil
}

// holdsBelow says whether a row satisfies an entity of a sub-plan, with what is
// linked below it.
func (p *fetchPlan) holdsBelow(n *fetchTable, r *record) bool {
	t := make(fetchTuple, len(p.nodes))
	t[n.index] = r
	if n.test != nil && !n.test(t) {
		return false
	}
	return len(p.expand([]fetchTuple{t}, n.links)) > 0
}

// condition binds one condition.
func (p *fetchPlan) condition(n *fetchTable, c fetchCondition) (fetchTest, error) {
	if c.entityName != "" {
		other, err := p.named(c.entityName)
		if err != nil {
			return nil, err
		}
		n = other
	}
	col := n.table.Column(c.attribute)
	if col == nil {
		return nil, errNoAttribute(n.table, c.attribute)
	}
	if err := p.call.mayQueryColumn(col); err != nil {
		return nil, err
	}
	test, err := p.operator(n, col, c)
	if err != nil {
		return nil, err
	}
	i := n.index
	return func(t fetchTuple) bool {
		r := t[i]
		if r == nil {
			return c.operator == "null"
		}
		return test(r)
	}, nil
}
