package simulator

import "sync"

// metadata is a schema as metadata. Objects are made when they are first asked
// for, and shared by all requests: nothing may change them.
type metadata struct {
	entities         map[*Table]func() *metaObject
	entityType       func() *metaType
	relationships    func() []*metaObject
	relationshipType func() *metaType
	optionSets       func() []*metaObject
}

func newMetadata(s *Schema) *metadata {
	m := &metadata{entities: make(map[*Table]func() *metaObject, len(s.tables))}
	for _, t := range s.tables {
		m.entities[t] = sync.OnceValue(func() *metaObject { return entityObject(s, t) })
	}
	m.entityType = sync.OnceValue(func() *metaType { return entityType(s) })
	m.relationships = sync.OnceValue(func() []*metaObject { return relationshipObjects(s) })
	m.relationshipType = sync.OnceValue(func() *metaType { return relationshipType(m.relationships()) })
	m.optionSets = sync.OnceValue(func() []*metaObject { return globalOptionSets(s) })
	return m
}

// metadata gives the schema as metadata, as it is now.
func (s *Schema) metadata() *metadata {
	for {
		if m := s.meta.Load(); m != nil {
			return m
		}
		s.meta.CompareAndSwap(nil, newMetadata(s))
	}
}

// changed drops what was made of the schema before. Whatever changes a schema
// calls it first.
func (s *Schema) changed() { s.meta.Store(nil) }

func relationshipObjects(s *Schema) []*metaObject {
	list := []*metaObject{}
	for _, r := range s.Relationships() {
		list = append(list, relationshipObject(r))
	}
	for _, m := range s.many {
		list = append(list, manyToManyObject(m))
	}
	return list
}

func globalOptionSets(s *Schema) []*metaObject {
	list := []*metaObject{}
	seen := map[string]bool{}
	for _, t := range s.tables {
		for _, c := range t.Columns {
			if c.OptionSet != "" && !seen[c.OptionSet] {
				seen[c.OptionSet] = true
				list = append(list, optionSetObject(c))
			}
		}
	}
	return list
}
