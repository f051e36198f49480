package simulator

import (
	"crypto/sha1"
	"strconv"
	"sync"
)

// metaObject is one metadata row or complex value: its properties in order,
// and the navigation properties that $expand can follow.
type metaObject struct {
	// typ is the derived type, such as "StringAttributeMetadata". It is
	// written only where a collection of the base type is asked for.
	typ    string
	fields []metaField
	nav    map[string]func() any // *metaObject, []*metaObject or nil
	// common is how many of the fields the base type has; the others need a
	// cast segment. Zero means all.
	common int
}

// metaField is a property: nil, bool, int, float64, string, []string, metaLabel,
// *metaObject or []*metaObject.
type metaField struct {
	name  string
	value any
}

// newMetaObject makes an object with room for n properties.
func newMetaObject(typ string, n int) *metaObject {
	return &metaObject{typ: typ, fields: make([]metaField, 0, n)}
}

func (o *metaObject) add(name string, value any) *metaObject {
	o.fields = append(o.fields, metaField{name, value})
	return o
}

func (o *metaObject) get(name string) (any, bool) {
	for _, f := range o.fields {
		if f.name == name {
			if l, ok := f.value.(metaLabel); ok {
				return l.object(), true
			}
			return f.value, true
		}
	}
	return nil, false
}

// metaLabel is a Label with one English text. It becomes an object when
// somebody looks: few requests ask for labels, and every column has two.
type metaLabel struct{ key, text string }

func label(key, text string) metaLabel { return metaLabel{key, text} }

func (m metaLabel) object() *metaObject {
	key, text := m.key, m.text
	if text == "" {
		return (&metaObject{}).add("LocalizedLabels", []*metaObject{}).add("UserLocalizedLabel", nil)
	}
	l := func() *metaObject {
		return (&metaObject{}).add("Label", text).add("LanguageCode", 1033).add("IsManaged", true).
			add("MetadataId", nameGUID("label "+key).String()).add("HasChanged", nil)
	}
	return (&metaObject{}).add("LocalizedLabels", []*metaObject{l()}).add("UserLocalizedLabel", l())
}

// managed is a BooleanManagedProperty.
func managed(value, canChange bool, name string) *metaObject {
	return &metaObject{fields: []metaField{{"Value", value}, {"CanBeChanged", canChange}, {"ManagedPropertyLogicalName", name}}}
}

// Those that every column or relationship has.
var (
	managedAudit            = managed(false, true, "canmodifyauditsettings")
	managedGlobalFilter     = managed(false, true, "canmodifyglobalfiltersettings")
	managedSortable         = managed(false, true, "canmodifyissortablesettings")
	managedSearch           = managed(true, true, "canmodifysearchsettings")
	managedSettings         = managed(true, true, "canmodifyadditionalsettings")
	managedCustomizable     = managed(true, false, "iscustomizable")
	managedRenameable       = managed(true, false, "isrenameable")
	managedDateTimeBehavior = managed(false, false, "canchangedatetimebehavior")
)

// managedOfTables are those that every table has, made when first asked for.
var managedOfTables = sync.OnceValue(func() []metaField {
	return []metaField{
		{"IsAuditEnabled", managedAudit}, {"IsValidForQueue", managed(false, true, "canmodifyqueuesettings")},
		{"IsConnectionsEnabled", managed(true, true, "canmodifyconnectionsettings")}, {"IsCustomizable", managedCustomizable},
		{"IsRenameable", managedRenameable}, {"IsMappable", managed(true, false, "ismappable")},
		{"IsDuplicateDetectionEnabled", managed(true, true, "canmodifyduplicatedetectionsettings")}, {"CanCreateAttributes", managed(true, false, "cancreateattributes")},
		{"CanCreateForms", managed(true, false, "cancreateforms")}, {"CanCreateViews", managed(true, false, "cancreateviews")}, {"CanCreateCharts", managed(true, false, "cancreatecharts")},
		{"CanBeRelatedEntityInRelationship", managed(true, false, "canberelatedentityinrelationship")},
		{"CanBePrimaryEntityInRelationship", managed(true, false, "canbeprimaryentityinrelationship")},
		{"CanBeInManyToMany", managed(true, false, "canbeinmanytomany")}, {"CanBeInCustomEntityAssociation", managed(true, false, "canbeincustomentityassociation")},
		{"CanEnableSyncToExternalSearchIndex", managed(true, true, "canenablesynctoexternalsearchindex")},
		{"CanModifyAdditionalSettings", managedSettings},
		{"CanChangeHierarchicalRelationship", managed(true, true, "canchangehierarchicalrelationship")},
		{"CanChangeTrackingBeEnabled", managed(true, true, "canchangetrackingbeenabled")}, {"IsMailMergeEnabled", managed(true, true, "canmodifymailmergesettings")},
		{"IsVisibleInMobile", managed(true, true, "canmodifymobilevisibility")}, {"IsVisibleInMobileClient", managed(true, true, "canmodifymobileclientvisibility")},
		{"IsReadOnlyInMobileClient", managed(false, true, "canmodifymobileclientreadonly")}, {"IsOfflineInMobileClient", managed(true, true, "canmodifymobileclientoffline")},
	}
})

func valueObject(v any) *metaObject { return &metaObject{fields: []metaField{{"Value", v}}} }

// nameGUID derives a stable id from a name, as version 5 ids are made.
func nameGUID(name string) guid {
	sum := sha1.Sum([]byte("engage simulator " + name))
	var g guid
	copy(g[:], sum[:16])
	g[6] = g[6]&0x0f | 0x50
	g[8] = g[8]&0x3f | 0x80
	return g
}

// appendMeta writes a metadata value as JSON. q says what of an object is
// asked for; nil means all of it, as for complex values.
func appendMeta(b []byte, v any, q *metaQuery) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...)
	case bool:
		return strconv.AppendBool(b, v)
	case int:
		return strconv.AppendInt(b, int64(v), 10)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case float64:
		return strconv.AppendFloat(b, v, 'f', -1, 64)
	case string:
		return appendString(b, v)
	case []string:
		b = append(b, '[')
		for i, s := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendString(b, s)
		}
		return append(b, ']')
	case []*metaObject:
		b = append(b, '[')
		for i, o := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendMeta(b, o, q)
		}
		return append(b, ']')
	case metaLabel:
		return appendMeta(b, v.object(), q)
	case *metaObject:
		if v == nil {
			return append(b, "null"...)
		}
		b = append(b, '{')
		b = v.appendMembers(b, q)
		return append(b, '}')
	}
	panic("simulator: not a metadata value")
}

// appendMembers writes the members of an object without the braces.
func (o *metaObject) appendMembers(b []byte, q *metaQuery) []byte {
	first := len(b)
	member := func(name string) {
		if len(b) > first {
			b = append(b, ',')
		}
		b = append(appendString(b, name), ':')
	}
	if q != nil && q.typed && o.typ != "" {
		member("@odata.type")
		b = appendString(b, "#"+crmPrefix+o.typ)
	}
	for i, f := range o.fields {
		if q != nil && !q.wants(o, i, f.name) {
			continue
		}
		member(f.name)
		b = appendMeta(b, f.value, nil)
	}
	if q == nil {
		return b
	}
	for _, e := range q.expand {
		follow, ok := o.nav[e.nav]
		if !ok {
			continue // of another derived type
		}
		if e.context != "" {
			member(e.nav + "@odata.context")
			b = appendString(b, e.context)
		}
		member(e.nav)
		target := follow()
		if list, ok := target.([]*metaObject); ok {
			target = e.query.filterList(list)
		}
		b = appendMeta(b, target, e.query)
	}
	return b
}

// crmPrefix stands before every type name of the service.
const crmPrefix = "Microsoft.Dynamics.CRM."
