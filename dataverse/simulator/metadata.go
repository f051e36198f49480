package simulator

import (
	"maps"
	"net/http"
	"strings"
)

// serviceDocument lists the entity sets (fact sheet, section 1.1).
func (c *call) serviceDocument() (*response, error) {
	b := append([]byte(nil), `{"@odata.context":`...)
	b = appendString(b, c.base+"/$metadata")
	b = append(b, `,"value":[`...)
	for i, t := range c.server.schema.tables {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"name":`...)
		b = appendString(b, t.EntitySet)
		b = append(b, `,"kind":"EntitySet","url":`...)
		b = appendString(b, t.EntitySet)
		b = append(b, '}')
	}
	return jsonResponse(http.StatusOK, append(b, `]}`...)), nil
}

// metaNode is what a path into metadata has reached: a collection or one
// object.
type metaNode struct {
	list   []*metaObject
	one    *metaObject
	single bool
	typ    *metaType
	typed  bool   // objects may be of derived types
	path   string // as the context says it
}

// serveMetadata answers EntityDefinitions, RelationshipDefinitions and
// GlobalOptionSetDefinitions (fact sheet, section 8).
func (c *call) serveMetadata(segments []segment) (*response, error) {
	if c.method != http.MethodGet && c.method != http.MethodHead {
		return nil, errNotModelled("changing metadata through the API")
	}
	n, err := c.metaRoot(segments[0])
	if err != nil {
		return nil, err
	}
	for i, seg := range segments[1:] {
		if n.single && !seg.hasKey && i == len(segments)-2 {
			if v, ok := n.one.get(seg.name); ok {
				return c.metaProperty(n, seg.name, v), nil
			}
		}
		if n, err = c.metaStep(n, seg); err != nil {
			return nil, err
		}
	}
	return c.metaResponse(n)
}

func (c *call) metaRoot(seg segment) (*metaNode, error) {
	s := c.server.schema
	n := &metaNode{path: seg.name}
	switch seg.name {
	case "EntityDefinitions":
		if seg.hasKey {
			t := c.tableByMetaKey(seg.key)
			if t == nil || c.lags(t.LogicalName, "") {
				return nil, errNoTable(seg.key)
			}
			n.one, n.single = c.laggedEntity(t), true
		} else {
			for _, t := range s.tables {
				if !c.lags(t.LogicalName, "") {
					n.list = append(n.list, c.laggedEntity(t))
				}
			}
		}
		n.typ = s.metadata().entityType()
	case "RelationshipDefinitions":
		n.list = s.metadata().relationships()
		n.typ, n.typed = s.metadata().relationshipType(), true
	case "GlobalOptionSetDefinitions":
		n.list = s.metadata().optionSets()
		n.typ = optionSetType()
	default: // RetrieveMetadataChanges, ManagedPropertyDefinitions
		return nil, errNotModelled(seg.name)
	}
	if seg.hasKey && !n.single {
		return c.metaByKey(n, seg.key)
	}
	if seg.hasKey {
		n.path += "(" + seg.key + ")"
	}
	return n, nil
}

// metaKey reads "LogicalName='contact'", an id, or an id by name.
func metaKey(key string) (name, value string) {
	name, value, named := strings.Cut(key, "=")
	if !named {
		name, value = "MetadataId", key
	}
	return strings.TrimSpace(name), strings.ReplaceAll(strings.Trim(strings.TrimSpace(value), "'"), "''", "'")
}

func (c *call) tableByMetaKey(key string) *Table {
	name, value := metaKey(c.aliased(key))
	if name == "LogicalName" {
		return c.server.schema.Table(value)
	}
	if name != "MetadataId" {
		return nil
	}
	id, _ := parseGUID(value)
	for _, t := range c.server.schema.tables {
		if t.metadataID() == id {
			return t
		}
	}
	return nil
}

// aliased replaces "LogicalName=@p" by the alias' value.
func (c *call) aliased(key string) string {
	if name, value, ok := strings.Cut(key, "="); ok && strings.HasPrefix(value, "@") {
		return name + "=" + c.alias(value)
	}
	return key
}

// errNoTable and errNoMetadata are for names that metadata does not have; the
// service's code for it is not documented (fact sheet, section 8.1).
func errNoTable(key string) error {
	_, value := metaKey(key)
	return failf(http.StatusNotFound, codeQuery, "Could not find a table with logical name '%s'.", value)
}

func (c *call) metaByKey(n *metaNode, key string) (*metaNode, error) {
	name, value := metaKey(c.aliased(key))
	for _, o := range n.list {
		if v, _ := o.get(name); strings.EqualFold(textOf(v), value) {
			n.one, n.single, n.list = o, true, nil
			n.path += "(" + key + ")"
			return n, nil
		}
	}
	return nil, failf(http.StatusNotFound, codeQuery, "Could not find %s with %s '%s'.", n.path, name, value)
}

func textOf(v any) string { s, _ := v.(string); return s }

// metaStep follows one more segment: a navigation property, with or without a
// key, or a cast to a derived type.
func (c *call) metaStep(n *metaNode, seg segment) (*metaNode, error) {
	if typ, ok := strings.CutPrefix(seg.name, crmPrefix); ok {
		return c.metaCast(n, typ, seg)
	}
	if !n.single {
		return nil, errSegment(seg.name)
	}
	follow, ok := n.one.nav[seg.name]
	if !ok {
		return nil, errSegment(seg.name)
	}
	next := &metaNode{path: n.path + "/" + seg.name}
	switch v := follow().(type) {
	case []*metaObject:
		next.list = v
	case *metaObject:
		next.one, next.single = v, true
	default:
		return nil, failf(http.StatusNotFound, codeQuery, "%s is null.", seg.name)
	}
	next.typ = metaTypeOf(seg.name, firstOf(next), false)
	if known := c.server.schema.metadata().entityType().next[seg.name]; known != nil && !next.single {
		next.typ = known // also where the collection is empty
	}
	next.typed = seg.name == "Attributes"
	if seg.hasKey {
		return c.metaByKey(next, seg.key)
	}
	return next, nil
}

func firstOf(n *metaNode) *metaObject {
	if n.single {
		return n.one
	}
	if len(n.list) > 0 {
		return n.list[0]
	}
	return &metaObject{}
}

func (c *call) metaCast(n *metaNode, typ string, seg segment) (*metaNode, error) {
	if !isMetaType(typ) || typ == "EnumAttributeMetadata" {
		return nil, failf(http.StatusBadRequest, codeQuery, "The type '%s%s' specified in the URI is not a valid type to cast to.", crmPrefix, typ)
	}
	// A type of which the table has no column has no example: it takes any name.
	next := &metaNode{path: n.path + "/" + crmPrefix + typ, single: n.single, typ: &metaType{
		name: typ, has: func(string) bool { return true }, navs: []string{"GlobalOptionSet", "OptionSet"},
	}}
	if n.single {
		if n.one.derived() != typ {
			return nil, failf(http.StatusNotFound, codeQuery, "The metadata at '%s' is not of the type '%s%s'.", n.path, crmPrefix, typ)
		}
		next.one = n.one
	} else {
		next.list = []*metaObject{}
		for _, o := range n.list {
			if o.derived() == typ {
				next.list = append(next.list, o)
			}
		}
	}
	if o := firstOf(next); len(o.fields) > 0 {
		next.typ = metaTypeOf(typ, o, false)
	}
	if seg.hasKey {
		return c.metaByKey(next, seg.key)
	}
	return next, nil
}

// derived is the type of an object for casts; ids have one too, though the
// service does not name it in answers.
func (o *metaObject) derived() string {
	if o.typ == "" {
		if v, _ := o.get("AttributeType"); v == "Uniqueidentifier" {
			return "UniqueIdentifierAttributeMetadata"
		}
	}
	return o.typ
}

func isMetaType(name string) bool {
	switch strings.TrimSuffix(name, "AttributeMetadata") {
	case "", "String", "Memo", "Integer", "BigInt", "Double", "Decimal", "Money", "Boolean", "Picklist", "MultiSelectPicklist",
		"State", "Status", "DateTime", "UniqueIdentifier", "Lookup", "EntityName", "Image", "File", "ManagedProperty", "Enum":
		return true
	}
	switch name {
	case "OneToManyRelationshipMetadata", "ManyToManyRelationshipMetadata", "OptionSetMetadata", "BooleanOptionSetMetadata":
		return true
	}
	return false
}

func entityType(s *Schema) *metaType {
	if len(s.tables) == 0 {
		return &metaType{name: "EntityMetadata", has: func(string) bool { return true }}
	}
	t := metaTypeOf("EntityMetadata", entityObject(s, s.tables[0]), false)
	t.next = map[string]*metaType{}
	if len(s.tables[0].Columns) > 0 {
		t.next["Attributes"] = metaTypeOf("AttributeMetadata", attributeObject(s.tables[0].Columns[0]), true)
	}
	t.next["Keys"] = metaTypeOf("EntityKeyMetadata", keyObjects(&Table{Keys: []*Key{{}}})[0], false)
	rels := s.Relationships()
	if len(rels) > 0 {
		rel := metaTypeOf("OneToManyRelationshipMetadata", relationshipObject(rels[0]), false)
		t.next["ManyToOneRelationships"], t.next["OneToManyRelationships"] = rel, rel
	}
	if len(s.many) > 0 {
		t.next["ManyToManyRelationships"] = metaTypeOf("ManyToManyRelationshipMetadata", manyToManyObject(s.many[0]), false)
	}
	return t
}

func relationshipType(list []*metaObject) *metaType {
	return &metaType{name: "RelationshipMetadataBase", has: func(p string) bool {
		for _, o := range list {
			if _, ok := o.get(p); ok {
				return true
			}
		}
		return false
	}}
}

func optionSetType() *metaType {
	example := optionSetBase("OptionSetMetadata", "", "", "", true, false).add("Options", nil)
	return metaTypeOf("OptionSetMetadataBase", example, false)
}

// metaResponse writes what the path has reached, as the options ask for it.
func (c *call) metaResponse(n *metaNode) (*response, error) {
	q, err := c.parseMetaQuery(n.typ)
	if err != nil {
		return nil, err
	}
	q.typed = n.typed
	// One column, asked for as it is, comes with all that its type has (DV089).
	q.whole = n.single && q.selected == nil
	for i := range q.expand {
		e := &q.expand[i]
		if n.single && (e.nav == "OptionSet" || e.nav == "GlobalOptionSet") {
			if n.one.nav[e.nav] != nil && n.one.nav[e.nav]() != nil {
				e.context = c.base + "/$metadata#" + contextPath(n) + "/" + e.nav + e.query.projection + "/$entity"
			}
		}
	}
	b := append([]byte(nil), `{"@odata.context":`...)
	if n.single {
		b = appendString(b, c.base+"/$metadata#"+contextPath(n)+q.projection+"/$entity")
		if members := n.one.appendMembers(nil, q); len(members) > 0 {
			b = append(append(b, ','), members...)
		}
		return jsonResponse(http.StatusOK, append(b, '}')), nil
	}
	b = appendString(b, c.base+"/$metadata#"+contextPath(n)+q.projection)
	list := q.filterList(n.list)
	if q.count {
		b = append(b, `,"@odata.count":`...)
		b = appendMeta(b, len(list), nil)
	}
	b = append(b, `,"value":`...)
	b = appendMeta(b, list, q)
	return jsonResponse(http.StatusOK, append(b, '}')), nil
}

// contextPath is the path as contexts have it: the key of a table as 'name',
// and none at the end.
func contextPath(n *metaNode) string {
	p := n.path
	if n.single && strings.HasSuffix(p, ")") {
		p = p[:strings.LastIndexByte(p, '(')]
	}
	return strings.ReplaceAll(p, "LogicalName=", "")
}

// metaProperty answers one property of an object.
func (c *call) metaProperty(n *metaNode, name string, v any) *response {
	b := append([]byte(nil), `{"@odata.context":`...)
	b = appendString(b, c.base+"/$metadata#"+n.path+"/"+name)
	if o, ok := v.(*metaObject); ok && o != nil {
		b = append(append(b, ','), o.appendMembers(nil, nil)...)
	} else {
		b = append(b, `,"value":`...)
		b = appendMeta(b, v, nil)
	}
	return jsonResponse(http.StatusOK, append(b, '}'))
}

// lags asks the fault script whether metadata is stale for a table or column;
// Consistency: Strong bypasses the caches (fact sheet, section 2.4).
func (c *call) lags(table, column string) bool {
	return !strings.EqualFold(c.header.Get("Consistency"), "Strong") && c.server.faults.lags(table, column)
}

// laggedEntity is a table without the columns that a stale cache lacks.
func (c *call) laggedEntity(t *Table) *metaObject {
	o := c.server.schema.metadata().entities[t]()
	if !c.server.faults.active() {
		return o
	}
	all := o.nav["Attributes"]
	o = &metaObject{typ: o.typ, fields: o.fields, nav: maps.Clone(o.nav), common: o.common}
	o.nav["Attributes"] = func() any {
		var list []*metaObject
		for _, a := range all().([]*metaObject) {
			if name, _ := a.get("LogicalName"); !c.lags(t.LogicalName, textOf(name)) {
				list = append(list, a)
			}
		}
		return list
	}
	return o
}
