package simulator

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// operation is a function or an action.
type operation struct {
	// action is called by POST with parameters in the body; a function by GET
	// with parameters in the path (call.params).
	action bool
	// bound says what stands before the name: "" nothing, "row" a row, "set"
	// an entity set.
	bound string
	// tables are the logical names that a bound operation is for; nil: all.
	tables []string
	// run answers. t is nil for unbound operations, r is set for "row".
	run func(c *call, t *Table, r *record) (*response, error)
}

// operations are the functions and actions by short name (fact sheet, section
// 7, and the bulk messages of section 6).
var operations map[string]*operation

// The operations route to handlers that consult the table themselves, so that
// it cannot be a literal.
func init() {
	principals := []string{"systemuser", "team"}
	operations = map[string]*operation{
		"WhoAmI":                         {run: whoAmI},
		"RetrieveVersion":                {run: retrieveVersion},
		"RetrieveCurrentOrganization":    {run: retrieveCurrentOrganization},
		"RetrieveTotalRecordCount":       {run: retrieveTotalRecordCount},
		"GetTimeZoneCodeByLocalizedName": {run: getTimeZoneCode},
		"InitializeFrom":                 {run: initializeFrom},
		"RetrievePrincipalAccess":        {bound: "row", tables: append(principals, "organization"), run: retrievePrincipalAccess},
		"RetrieveUserPrivileges":         {bound: "row", tables: []string{"systemuser"}, run: retrieveUserPrivileges},
		"GrantAccess":                    {action: true, run: grantAccess},
		"ModifyAccess":                   {action: true, run: grantAccess},
		"RevokeAccess":                   {action: true, run: revokeAccess},
		"AddPrivilegesRole":              {action: true, bound: "row", tables: []string{"role"}, run: addPrivilegesRole},
		"ReplacePrivilegesRole":          {action: true, bound: "row", tables: []string{"role"}, run: replacePrivilegesRole},
		"RemovePrivilegeRole":            {action: true, bound: "row", tables: []string{"role"}, run: removePrivilegeRole},
		"CreateMultiple":                 {action: true, bound: "set", run: createMultiple},
		"UpdateMultiple":                 {action: true, bound: "set", run: updateMultiple},
		"UpsertMultiple":                 {action: true, bound: "set", run: upsertMultiple},
		"DeleteMultiple":                 {action: true, bound: "set", run: deleteMultiple},
	}
}

// complexResponse answers with a complex type: members is its JSON without
// the braces.
func (c *call) complexResponse(typ string, members []byte) *response {
	b := append([]byte(nil), `{"@odata.context":`...)
	b = appendString(b, c.base+"/$metadata#"+crmPrefix+typ)
	if len(members) > 0 {
		b = append(append(b, ','), members...)
	}
	return jsonResponse(http.StatusOK, append(b, '}'))
}

func appendMember(b []byte, name, value string) []byte {
	if len(b) > 0 {
		b = append(b, ',')
	}
	b = append(appendString(b, name), ':')
	return appendString(b, value)
}

// dopHint is the degree of parallelism that the service recommends.
const dopHint = 4

const headerDOPHint = "X-Ms-Dop-Hint"

// whoAmI says who the caller is, the impersonated user under impersonation.
func whoAmI(c *call, _ *Table, _ *record) (*response, error) {
	who, _ := c.rights()
	b := appendMember(nil, "BusinessUnitId", who.unit.String())
	b = appendMember(b, "UserId", who.user.String())
	b = appendMember(b, "OrganizationId", c.server.org.String())
	resp := c.complexResponse("WhoAmIResponse", b)
	resp.header = http.Header{headerDOPHint: {strconv.Itoa(dopHint)}}
	return resp, nil
}

// simulatorVersion is the version that the organisation says it has.
const simulatorVersion = "9.2.24014.198"

func retrieveVersion(c *call, _ *Table, _ *record) (*response, error) {
	return c.complexResponse("RetrieveVersionResponse", appendMember(nil, "Version", simulatorVersion)), nil
}

func retrieveCurrentOrganization(c *call, _ *Table, _ *record) (*response, error) {
	if v, ok := c.params["AccessType"]; ok && !strings.HasPrefix(v, crmPrefix+"EndpointAccessType'") && v != "null" {
		return nil, errQuery("The value '%s' of the parameter 'AccessType' is not a member of '%sEndpointAccessType'.", v, crmPrefix)
	}
	org := c.server.org.String()
	var d []byte
	for _, m := range [][2]string{
		{"OrganizationId", org}, {"FriendlyName", "Simulator"}, {"OrganizationVersion", simulatorVersion}, {"EnvironmentId", org},
		{"DatacenterId", "00000000-0000-0000-0000-000000000000"}, {"Geo", "EMEA"}, {"TenantId", c.server.TenantID},
		{"UrlName", "simulator"}, {"UniqueName", "simulator"},
	} {
		d = appendMember(d, m[0], m[1])
	}
	root := strings.TrimSuffix(c.base[:strings.Index(c.base, "/api/data/")], "/")
	d = append(d, `,"Endpoints":{"Count":3,"IsReadOnly":false,"Keys":["WebApplication","OrganizationService","OrganizationDataService"],"Values":[`...)
	for i, path := range []string{"/", "/XRMServices/2011/Organization.svc", "/XRMServices/2011/OrganizationData.svc"} {
		if i > 0 {
			d = append(d, ',')
		}
		d = appendString(d, root+path)
	}
	d = append(d, `]},"State":"Enabled"`...)
	return c.complexResponse("RetrieveCurrentOrganizationResponse", append(append([]byte(`"Detail":{`), d...), '}')), nil
}

// retrieveTotalRecordCount counts the rows of tables, without regard to who
// asks: on the service it is a snapshot of the whole.
func retrieveTotalRecordCount(c *call, _ *Table, _ *record) (*response, error) {
	var names []string
	text := strings.ReplaceAll(c.params["EntityNames"], "'", `"`)
	if err := json.Unmarshal([]byte(text), &names); err != nil || names == nil {
		return nil, errQuery("The parameter 'EntityNames' is not a collection of names.")
	}
	var keys, values []byte
	for i, name := range names {
		t := c.server.schema.Table(name)
		if t == nil {
			return nil, failf(http.StatusBadRequest, codeFetchNoEntity, "The entity with a name = '%s' was not found in the MetadataCache.", name)
		}
		if i > 0 {
			keys, values = append(keys, ','), append(values, ',')
		}
		keys = appendString(keys, name)
		values = strconv.AppendInt(values, int64(len(c.view.rows(t))), 10)
	}
	b := []byte(`"EntityRecordCountCollection":{"Count":` + strconv.Itoa(len(names)) + `,"IsReadOnly":false,"Keys":[`)
	b = append(append(b, keys...), `],"Values":[`...)
	b = append(append(b, values...), `]}`...)
	return c.complexResponse("RetrieveTotalRecordCountResponse", b), nil
}

// timeZoneCodes are the codes of the time zones by their standard names.
var timeZoneCodes = map[string]int{
	"Dateline Standard Time": 0, "Samoa Standard Time": 1, "Hawaiian Standard Time": 2, "Alaskan Standard Time": 3, "Pacific Standard Time": 4,
	"Mountain Standard Time": 10, "US Mountain Standard Time": 15, "Central Standard Time": 20, "Eastern Standard Time": 35,
	"Atlantic Standard Time": 50, "GMT Standard Time": 85, "Greenwich Standard Time": 90, "UTC": 92, "Central Europe Standard Time": 95,
	"Central European Standard Time": 100, "Romance Standard Time": 105, "W. Europe Standard Time": 110, "GTB Standard Time": 130,
	"FLE Standard Time": 125, "Russian Standard Time": 145, "India Standard Time": 190, "China Standard Time": 210, "Tokyo Standard Time": 235,
}

func getTimeZoneCode(c *call, _ *Table, _ *record) (*response, error) {
	name := unquoted(c.params["LocalizedStandardName"])
	code, ok := timeZoneCodes[name]
	if !ok {
		return nil, failf(http.StatusNotFound, codeNotFound, "The time zone '%s' was not found.", name)
	}
	return c.complexResponse("GetTimeZoneCodeByLocalizedNameResponse", []byte(`"TimeZoneCode":`+strconv.Itoa(code))), nil
}

// unquoted is the text of a string literal.
func unquoted(literal string) string {
	if len(literal) >= 2 && literal[0] == '\'' && literal[len(literal)-1] == '\'' {
		return strings.ReplaceAll(literal[1:len(literal)-1], "''", "'")
	}
	return literal
}

// rowReference finds the row of a parameter {'@odata.id':'contacts(…)'} or
// {"@odata.type":"Microsoft.Dynamics.CRM.contact","contactid":"…"}.
func (c *call) rowReference(literal string) (*record, error) {
	text := literal
	if strings.Contains(text, "'") && !strings.Contains(text, `"`) {
		text = strings.ReplaceAll(text, "'", `"`)
	}
	var o map[string]any
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return nil, errQuery("The parameter '%s' is no reference to a record.", literal)
	}
	return c.rowOf(o)
}

func (c *call) rowOf(o map[string]any) (*record, error) {
	t, id, ok := c.referenceOf(o)
	if !ok {
		return nil, failf(http.StatusBadRequest, codeArgument, "A reference needs '@odata.id', or '@odata.type' and the primary key.")
	}
	r := c.view.get(t, id)
	if r == nil {
		return nil, errNotFound(t, id)
	}
	return r, nil
}

func (c *call) referenceOf(o map[string]any) (*Table, guid, bool) {
	if at, ok := o["@odata.id"].(string); ok {
		if i := strings.LastIndexByte(at, '/'); i >= 0 {
			at = at[i+1:]
		}
		set, key, _ := strings.Cut(strings.TrimSuffix(at, ")"), "(")
		id, ok := parseGUID(key)
		t := c.server.schema.TableBySet(set)
		return t, id, ok && t != nil
	}
	typ, _ := o["@odata.type"].(string)
	t := c.server.schema.Table(strings.TrimPrefix(strings.TrimPrefix(typ, "#"), crmPrefix))
	if t == nil {
		return nil, guid{}, false
	}
	for _, name := range []string{t.PrimaryID, "ownerid"} {
		if text, ok := o[name].(string); ok {
			id, ok := parseGUID(text)
			return t, id, ok
		}
	}
	return nil, guid{}, false
}

// parameters reads the body of an action.
func (c *call) parameters(into any) error {
	if err := json.Unmarshal(c.body, into); err != nil {
		return failf(http.StatusBadRequest, codePayload, "Error identified in Payload provided by the user for Entity :'', For more information on this error please follow this help link https://go.microsoft.com/fwlink/?linkid=2195293  ---->  InnerException : Microsoft.OData.ODataException: %s", err)
	}
	return nil
}

// initializeFrom gives the values that a new row of a table takes over from
// another: the columns of the same name and type, and the link to it.
func initializeFrom(c *call, _ *Table, _ *record) (*response, error) {
	from, err := c.rowReference(c.params["EntityMoniker"])
	if err != nil {
		return nil, err
	}
	t := c.server.schema.Table(unquoted(c.params["TargetEntityName"]))
	if t == nil {
		return nil, failf(http.StatusBadRequest, codeFetchNoEntity, "The entity with a name = '%s' was not found in the MetadataCache.", unquoted(c.params["TargetEntityName"]))
	}
	if err := c.privilege(from.table, Read); err != nil {
		return nil, err
	}
	if err := c.access(from, Read); err != nil {
		return nil, err
	}
	b := append([]byte(nil), `{"@odata.context":`...)
	b = appendString(b, c.base+"/$metadata#"+t.EntitySet+"/$entity")
	b = append(b, `,"@odata.type":`...)
	b = appendString(b, "#"+crmPrefix+t.LogicalName)
	for _, col := range t.Columns {
		source := from.table.Column(col.LogicalName)
		if source == nil || source.Type != col.Type || col.NoCreate || col.system != sysNone || !col.inOData() || !c.mayReadColumn(source) {
			continue
		}
		v := from.get(source)
		if v == nil {
			continue
		}
		b = append(b, ',')
		x, isRef := v.(ref)
		if !isRef {
			b = append(appendString(b, col.Wire()), ':')
			b = appendJSON(b, v, col)
			continue
		}
		nav := col.LogicalName
		if rel := col.relTo(x.table); rel != nil {
			nav = rel.Navigation
		}
		b = append(appendString(b, nav+"@odata.bind"), ':')
		b = appendString(b, x.table.EntitySet+"("+x.id.String()+")")
	}
	if n := parentLink(t, from.table); n != nil {
		b = append(b, ',')
		b = append(appendString(b, n.name+"@odata.bind"), ':')
		b = appendString(b, from.table.EntitySet+"("+from.id.String()+")")
	}
	return jsonResponse(http.StatusOK, append(b, '}')), nil
}

// parentLink is the property by which a new row of t is put under a row of
// another table: the customer, else the first lookup named as a parent.
func parentLink(t, parent *Table) *navigation {
	var found *navigation
	for _, name := range t.navOrder {
		n := t.navs[name]
		if n.rel == nil || n.collection || n.alias || n.target != parent || n.rel.Column.system != sysNone || t == parent {
			continue
		}
		if n.rel.Column.Type == Customer {
			return n
		}
		if found == nil && (strings.HasPrefix(name, "parent") || strings.HasPrefix(name, "regarding")) {
			found = n
		}
	}
	return found
}
