package simulator

import (
	"bytes"
	"encoding/xml"
	"net/http"
	"strings"
)

// csdl answers $metadata: the schema as CSDL (fact sheet, section 8.6).
func (c *call) csdl() (*response, error) {
	w := &csdlWriter{schema: c.server.schema, annotated: c.options.Get("annotations") == "true" || len(c.prefer.annotations) > 0}
	w.document()
	return &response{status: http.StatusOK, contentType: xmlType, body: w.b.Bytes()}, nil
}

type csdlWriter struct {
	b         bytes.Buffer
	schema    *Schema
	annotated bool
	open      []string
}

// start opens an element; pairs are names and values of attributes, of which
// those with an empty value are left out.
func (w *csdlWriter) start(name string, pairs ...string) {
	w.tag(name, pairs)
	w.b.WriteString(">\n")
	w.open = append(w.open, name)
}

func (w *csdlWriter) end() {
	name := w.open[len(w.open)-1]
	w.open = w.open[:len(w.open)-1]
	w.indent()
	w.b.WriteString("</" + name + ">\n")
}

// empty writes an element without content.
func (w *csdlWriter) empty(name string, pairs ...string) {
	w.tag(name, pairs)
	w.b.WriteString(" />\n")
}

func (w *csdlWriter) indent() { w.b.WriteString(strings.Repeat("  ", len(w.open))) }

func (w *csdlWriter) tag(name string, pairs []string) {
	w.indent()
	w.b.WriteString("<" + name)
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			continue
		}
		w.b.WriteString(" " + pairs[i] + `="`)
		_ = xml.EscapeText(&w.b, []byte(pairs[i+1])) // a buffer does not fail
		w.b.WriteByte('"')
	}
}

func (w *csdlWriter) document() {
	w.b.WriteString(`<?xml version="1.0" encoding="utf-8"?>` + "\n")
	w.start("edmx:Edmx", "Version", "4.0", "xmlns:edmx", "http://docs.oasis-open.org/odata/ns/edmx")
	for _, ref := range [][3]string{
		{"http://vocabularies.odata.org/OData.Community.Keys.V1.xml", "OData.Community.Keys.V1", "Keys"},
		{"http://vocabularies.odata.org/OData.Community.Display.V1.xml", "OData.Community.Display.V1", "Display"},
	} {
		w.start("edmx:Reference", "Uri", ref[0])
		w.empty("edmx:Include", "Namespace", ref[1], "Alias", ref[2])
		w.empty("edmx:IncludeAnnotations", "TermNamespace", ref[1])
		w.end()
	}
	w.start("edmx:DataServices")
	w.start("Schema", "Namespace", "Microsoft.Dynamics.CRM", "Alias", "mscrm", "xmlns", "http://docs.oasis-open.org/odata/ns/edm")
	w.empty("EntityType", "Name", "crmbaseentity", "Abstract", "true")
	w.start("EntityType", "Name", "principal", "BaseType", "mscrm.crmbaseentity")
	w.start("Key")
	w.empty("PropertyRef", "Name", "ownerid")
	w.end()
	w.empty("Property", "Name", "ownerid", "Type", "Edm.Guid")
	w.end()
	for _, t := range w.schema.tables {
		w.table(t)
	}
	w.responses()
	w.operations()
	w.container()
	for len(w.open) > 0 {
		w.end()
	}
}

func (w *csdlWriter) table(t *Table) {
	base, key, inherited := "mscrm.crmbaseentity", t.PrimaryID, map[string]bool{}
	if t.isPrincipal() {
		base, key = "mscrm.principal", ""
		inherited["ownerid"] = true
	}
	if pointer := w.schema.Table("activitypointer"); t.Activity && pointer != nil {
		base, key = "mscrm.activitypointer", ""
		for _, c := range pointer.Columns {
			inherited[c.LogicalName] = true
		}
	}
	w.start("EntityType", "Name", t.LogicalName, "BaseType", base)
	if key != "" {
		w.start("Key")
		w.empty("PropertyRef", "Name", key)
		w.end()
	}
	for _, c := range t.Columns {
		if c.inOData() && !inherited[c.LogicalName] {
			w.property(c)
		}
	}
	for _, name := range t.navOrder {
		if nav := t.navs[name]; nav != nil && !nav.alias {
			w.navigation(t, nav)
		}
	}
	w.alternateKeys(t)
	w.end()
}

func (w *csdlWriter) property(c *Column) {
	typ := c.edm()
	attrs := []string{"Name", c.Wire(), "Type", typ}
	switch typ {
	case "Edm.Decimal":
		attrs = append(attrs, "Scale", "Variable")
	case "Edm.String":
		if c.Type != EntityName {
			attrs = append(attrs, "Unicode", "false")
		}
	}
	readOnly := c.NoCreate && c.NoUpdate || c.Type.IsLookup()
	if !w.annotated || !readOnly {
		w.empty("Property", attrs...)
		return
	}
	w.start("Property", attrs...)
	if c.Type.IsLookup() {
		w.empty("Annotation", "Term", "Org.OData.Core.V1.Computed", "Bool", "true")
	} else {
		w.start("Annotation", "Term", "Org.OData.Core.V1.Permissions")
		w.indent()
		w.b.WriteString("<EnumMember>Org.OData.Core.V1.PermissionType/Read</EnumMember>\n")
		w.end()
	}
	w.end()
}

func (w *csdlWriter) navigation(t *Table, nav *navigation) {
	target := "mscrm.principal"
	if nav.target != nil {
		target = "mscrm." + nav.target.LogicalName
	}
	switch {
	case nav.many != nil:
		partner := nav.many.Navigation2
		if nav.second {
			partner = nav.many.Navigation1
		}
		w.empty("NavigationProperty", "Name", nav.name, "Type", "Collection("+target+")", "Partner", partner)
	case nav.collection:
		w.empty("NavigationProperty", "Name", nav.name, "Type", "Collection("+target+")", "Partner", nav.rel.Navigation)
	default:
		nullable := ""
		if nav.rel.Column.Required == SystemRequired {
			nullable = "false"
		}
		referenced := "ownerid"
		if nav.target != nil {
			referenced = nav.target.PrimaryID
			if nav.target.isPrincipal() {
				referenced = "ownerid"
			}
		}
		w.start("NavigationProperty", "Name", nav.name, "Type", target, "Nullable", nullable, "Partner", nav.rel.Collection)
		w.empty("ReferentialConstraint", "Property", nav.rel.Column.Wire(), "ReferencedProperty", referenced)
		w.end()
	}
}

func (w *csdlWriter) alternateKeys(t *Table) {
	if len(t.Keys) == 0 {
		return
	}
	w.start("Annotation", "Term", "OData.Community.Keys.V1.AlternateKeys")
	w.start("Collection")
	for _, k := range t.Keys {
		w.start("Record", "Type", "OData.Community.Keys.V1.AlternateKey")
		w.start("PropertyValue", "Property", "Key")
		w.start("Collection")
		for _, c := range k.columns {
			w.start("Record", "Type", "OData.Community.Keys.V1.PropertyRef")
			w.empty("PropertyValue", "Property", "Alias", "String", c.Wire())
			w.empty("PropertyValue", "Property", "Name", "PropertyPath", c.Wire())
			w.end()
		}
		w.end()
		w.end()
		w.end()
	}
	w.end()
	w.end()
}

// responses are the complex types that the functions answer with.
func (w *csdlWriter) responses() {
	for _, t := range []struct {
		name  string
		props []string
	}{
		{"WhoAmIResponse", []string{"BusinessUnitId", "Edm.Guid", "UserId", "Edm.Guid", "OrganizationId", "Edm.Guid"}},
		{"RetrieveVersionResponse", []string{"Version", "Edm.String"}},
		{"RetrievePrincipalAccessResponse", []string{"AccessRights", "Edm.String"}},
		{"CreateMultipleResponse", []string{"Ids", "Collection(Edm.Guid)"}},
		{"GetTimeZoneCodeByLocalizedNameResponse", []string{"TimeZoneCode", "Edm.Int32"}},
	} {
		w.start("ComplexType", "Name", t.name)
		for i := 0; i < len(t.props); i += 2 {
			w.empty("Property", "Name", t.props[i], "Type", t.props[i+1])
		}
		w.end()
	}
}

// operations declares the functions and actions that the simulator has.
func (w *csdlWriter) operations() {
	w.start("Function", "Name", "WhoAmI")
	w.empty("ReturnType", "Type", "mscrm.WhoAmIResponse", "Nullable", "false")
	w.end()
	w.start("Function", "Name", "RetrieveVersion")
	w.empty("ReturnType", "Type", "mscrm.RetrieveVersionResponse", "Nullable", "false")
	w.end()
	w.start("Function", "Name", "GetTimeZoneCodeByLocalizedName")
	w.empty("Parameter", "Name", "LocalizedStandardName", "Type", "Edm.String", "Nullable", "false", "Unicode", "false")
	w.empty("Parameter", "Name", "LocaleId", "Type", "Edm.Int32", "Nullable", "false")
	w.empty("ReturnType", "Type", "mscrm.GetTimeZoneCodeByLocalizedNameResponse", "Nullable", "false")
	w.end()
	for _, principal := range []string{"systemuser", "team"} {
		w.start("Function", "Name", "RetrievePrincipalAccess", "IsBound", "true")
		w.empty("Parameter", "Name", "entity", "Type", "mscrm."+principal, "Nullable", "false")
		w.empty("Parameter", "Name", "Target", "Type", "mscrm.crmbaseentity", "Nullable", "false")
		w.empty("ReturnType", "Type", "mscrm.RetrievePrincipalAccessResponse", "Nullable", "false")
		w.end()
	}
	for _, t := range w.schema.tables {
		for _, name := range []string{"CreateMultiple", "UpdateMultiple", "UpsertMultiple"} {
			if !bulkAvailable(t, name) {
				continue
			}
			w.start("Action", "Name", name, "IsBound", "true")
			w.empty("Parameter", "Name", "entityset", "Type", "Collection(mscrm."+t.LogicalName+")", "Nullable", "false")
			w.empty("Parameter", "Name", "Targets", "Type", "Collection(mscrm.crmbaseentity)", "Nullable", "false")
			if name == "CreateMultiple" {
				w.empty("ReturnType", "Type", "mscrm.CreateMultipleResponse", "Nullable", "false")
			}
			w.end()
		}
	}
}

func (w *csdlWriter) container() {
	w.start("EntityContainer", "Name", "System")
	for _, t := range w.schema.tables {
		w.start("EntitySet", "Name", t.EntitySet, "EntityType", "Microsoft.Dynamics.CRM."+t.LogicalName)
		for _, name := range t.navOrder {
			if nav := t.navs[name]; nav != nil && !nav.alias && nav.target != nil {
				w.empty("NavigationPropertyBinding", "Path", nav.name, "Target", nav.target.EntitySet)
			}
		}
		w.end()
	}
	for _, name := range []string{"WhoAmI", "RetrieveVersion", "GetTimeZoneCodeByLocalizedName"} {
		w.empty("FunctionImport", "Name", name, "Function", "Microsoft.Dynamics.CRM."+name)
	}
	w.end()
}
