package dataverse

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

const definitions = "EntityDefinitions"

// tablesABatch bounds the tables of one metadata request.
const tablesABatch = 30

// casts are what a column has beside the properties that all columns have: one
// request a kind, since EntityDefinitions answers them under a cast alone
// (fact sheet, 8.2).
var casts = []struct{ kind, query string }{
	{"String", "$select=LogicalName,MaxLength"},
	{"Memo", "$select=LogicalName,MaxLength"},
	{"Integer", "$select=LogicalName,MinValue,MaxValue"},
	{"Decimal", "$select=LogicalName,MinValue,MaxValue"},
	{"Double", "$select=LogicalName,MinValue,MaxValue"},
	{"Money", "$select=LogicalName,MinValue,MaxValue"},
	{"Lookup", "$select=LogicalName,Targets"},
	{"DateTime", "$select=LogicalName,DateTimeBehavior"},
	{"Picklist", "$select=LogicalName&$expand=OptionSet($select=Options),GlobalOptionSet($select=Options)"},
	{"MultiSelectPicklist", "$select=LogicalName&$expand=OptionSet($select=Options),GlobalOptionSet($select=Options)"},
	{"State", "$select=LogicalName&$expand=OptionSet($select=Options)"},
	{"Status", "$select=LogicalName&$expand=OptionSet($select=Options)"},
	{"Boolean", "$select=LogicalName&$expand=OptionSet"},
}

// fetchTables gets the definitions of the tables that exist.
func (c *Client) fetchTables(ctx context.Context, names []string) (map[string]*Table, error) {
	slices.Sort(names)
	out := map[string]*Table{}
	for chunk := range slices.Chunk(names, tablesABatch) {
		if err := c.fetchChunk(ctx, chunk, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (c *Client) fetchChunk(ctx context.Context, names []string, out map[string]*Table) error {
	parts := metadataRequests(names)
	batch := composeBatch(parts, false, true)
	call := &call{client: c, request: &batch, parts: parts, together: true, repeatable: true}
	a, err := call.do(ctx)
	defer a.release()
	if err != nil {
		return err
	}
	bulk := map[string]bool{}
	tables := map[string]*Table{}
	for i := range parts {
		part := &a.parts[i]
		switch {
		case part.status == http.StatusOK:
		case i == 0: // the tables themselves
			return call.refused(i, part)
		case i == 1: // the user may not know who has bulk messages: then none has
			continue
		case part.status == http.StatusNotFound && tables[parts[i].Table] == nil:
			continue // a table that is not there
		default:
			return call.refused(i, part)
		}
		var err error
		switch i {
		case 0:
			err = decodeTables(part.body, tables)
		case 1:
			err = decodeBulk(part.body, bulk)
		default:
			if t := tables[parts[i].Table]; t != nil {
				err = decodeCast(part.body, t)
			}
		}
		if err != nil {
			return call.failed(errPageForm)
		}
	}
	for name, t := range tables {
		t.BulkMessages = bulk[name]
		out[name] = NewTable(*t)
	}
	return nil
}

// metadataRequests are the tables with what all columns have, which of them
// have bulk messages, and the casts of each.
func metadataRequests(names []string) []Request {
	// Names were checked: they hold nothing that would be syntax.
	wanted := "LogicalName eq '" + strings.Join(names, "' or LogicalName eq '") + "'"
	objects := "primaryobjecttypecode eq '" + strings.Join(names, "' or primaryobjecttypecode eq '") + "'"
	get := func(path, query, table string) Request {
		var options []string
		for option := range strings.SplitSeq(query, "&") {
			key, value, _ := strings.Cut(option, "=")
			options = append(options, key+"="+escapeQuery(value))
		}
		return Request{
			Method: http.MethodGet, Path: path + "?" + strings.Join(options, "&"),
			Resource: path, Template: path, Table: table,
		}
	}
	parts := []Request{
		get(definitions, "$select=LogicalName,EntitySetName,PrimaryIdAttribute,PrimaryNameAttribute,IsActivity,IsOptimisticConcurrencyEnabled"+
			"&$filter="+wanted+
			"&$expand=Attributes($select=LogicalName,AttributeType,AttributeTypeName,RequiredLevel,IsValidForCreate,IsValidForUpdate,IsValidForRead,IsSecured,AttributeOf),"+
			"ManyToOneRelationships($select=ReferencingAttribute,ReferencedEntity,ReferencingEntityNavigationPropertyName,ReferencedEntityNavigationPropertyName),"+
			"Keys($select=KeyAttributes,EntityKeyIndexStatus)", ""),
		get("sdkmessagefilters", "$select=primaryobjecttypecode&$filter=sdkmessageid/name eq 'CreateMultiple' and ("+objects+")", ""),
	}
	for _, name := range names {
		for _, cast := range casts {
			parts = append(parts, get(definitions+"(LogicalName='"+name+"')/Attributes/Microsoft.Dynamics.CRM."+cast.kind+"AttributeMetadata", cast.query, name))
		}
	}
	return parts
}

// optionSet is that of a choice, or of a two-option column, which has no list.
type optionSet struct {
	Options                 []option
	FalseOption, TrueOption *option
}

type option struct {
	Value *int
	Label struct {
		UserLocalizedLabel *struct{ Label string }
		LocalizedLabels    []struct{ Label string }
	}
	State int
}

type attributeDoc struct {
	LogicalName       string
	AttributeType     string
	AttributeTypeName *struct{ Value string }
	RequiredLevel     struct{ Value string }
	IsValidForCreate  bool
	IsValidForUpdate  bool
	IsValidForRead    bool
	IsSecured         bool
	AttributeOf       *string
	MaxLength         *int
	MinValue          *float64
	MaxValue          *float64
	Targets           []string
	DateTimeBehavior  *struct{ Value string }
	OptionSet         *optionSet
	GlobalOptionSet   *optionSet
}

type relationshipDoc struct {
	ReferencingAttribute                    string
	ReferencedEntity                        string
	ReferencingEntityNavigationPropertyName string
	ReferencedEntityNavigationPropertyName  string
}

func decodeTables(body []byte, out map[string]*Table) error {
	var doc struct {
		Value []struct {
			LogicalName                    string
			EntitySetName                  string
			PrimaryIDAttribute             string `json:"PrimaryIdAttribute"`
			PrimaryNameAttribute           string
			IsActivity                     bool
			IsOptimisticConcurrencyEnabled bool
			Attributes                     []attributeDoc
			ManyToOneRelationships         []relationshipDoc
			Keys                           []struct {
				KeyAttributes        []string
				EntityKeyIndexStatus string
			}
		} `json:"value"`
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		return err
	}
	for _, d := range doc.Value {
		t := &Table{
			LogicalName: d.LogicalName, EntitySet: d.EntitySetName,
			PrimaryID: d.PrimaryIDAttribute, PrimaryName: d.PrimaryNameAttribute,
			IsActivity: d.IsActivity, OptimisticLocks: d.IsOptimisticConcurrencyEnabled,
		}
		for i := range d.Attributes {
			if a := &d.Attributes[i]; a.AttributeOf == nil || *a.AttributeOf == "" {
				t.Columns = append(t.Columns, a.column())
			}
		}
		slices.SortFunc(t.Columns, func(a, b *Column) int { return cmp.Compare(a.LogicalName, b.LogicalName) })
		for _, k := range d.Keys {
			if k.EntityKeyIndexStatus == "" || k.EntityKeyIndexStatus == "Active" {
				t.Keys = append(t.Keys, k.KeyAttributes)
			}
		}
		*t = *NewTable(*t)
		for _, r := range d.ManyToOneRelationships {
			if c, ok := t.Column(r.ReferencingAttribute); ok {
				c.Lookups = append(c.Lookups, Lookup{
					Target:     r.ReferencedEntity,
					Navigation: r.ReferencingEntityNavigationPropertyName,
					Collection: r.ReferencedEntityNavigationPropertyName,
				})
			}
		}
		out[d.LogicalName] = t
	}
	return nil
}

func (a *attributeDoc) column() *Column {
	c := &Column{
		LogicalName: a.LogicalName, Type: ColumnType(a.AttributeType),
		Readable: a.IsValidForRead, Creatable: a.IsValidForCreate, Updatable: a.IsValidForUpdate,
		Required: a.RequiredLevel.Value, Secured: a.IsSecured,
	}
	// AttributeType says Virtual for images, files and multi-select choices
	// (fact sheet, 8.3).
	if a.AttributeTypeName != nil && a.AttributeTypeName.Value != "" {
		c.Type = ColumnType(strings.TrimSuffix(a.AttributeTypeName.Value, "Type"))
	}
	return c
}

// decodeCast adds what one kind of column has.
func decodeCast(body []byte, t *Table) error {
	var doc struct {
		Value []attributeDoc `json:"value"`
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		return err
	}
	for i := range doc.Value {
		a := &doc.Value[i]
		c, ok := t.Column(a.LogicalName)
		if !ok {
			continue
		}
		if a.MaxLength != nil {
			c.MaxLength = *a.MaxLength
		}
		c.Min, c.Max = cmp.Or(a.MinValue, c.Min), cmp.Or(a.MaxValue, c.Max)
		if a.DateTimeBehavior != nil {
			c.DateOnly = a.DateTimeBehavior.Value == "DateOnly"
		}
		if a.Targets != nil {
			c.lookupsFor(a.Targets)
		}
		for _, set := range []*optionSet{a.OptionSet, a.GlobalOptionSet} {
			if set != nil && len(c.Choices) == 0 {
				c.Choices = set.choices()
			}
		}
	}
	return nil
}

// lookupsFor puts the targets in place of what the relationships lead to: an
// owner column's relationship leads to the table owner, behind which are users
// and teams. A target without a relationship of its own is bound by that one's
// navigation property, or by the column's name.
func (c *Column) lookupsFor(targets []string) {
	lookups := make([]Lookup, 0, len(targets))
	for _, target := range targets {
		l := Lookup{Target: target, Navigation: c.LogicalName}
		for _, known := range c.Lookups {
			if known.Target == target {
				l = known
				break
			}
			if known.Target == "owner" {
				l.Navigation = known.Navigation
			}
		}
		lookups = append(lookups, l)
	}
	c.Lookups = lookups
}

func (s *optionSet) choices() []Choice {
	var out []Choice
	options := s.Options
	for _, o := range []*option{s.FalseOption, s.TrueOption} {
		if o != nil {
			options = append(options, *o)
		}
	}
	for _, o := range options {
		if o.Value == nil {
			continue
		}
		choice := Choice{Value: *o.Value, State: o.State}
		if l := o.Label.UserLocalizedLabel; l != nil {
			choice.Label = l.Label
		} else if ls := o.Label.LocalizedLabels; len(ls) > 0 {
			choice.Label = ls[0].Label
		}
		out = append(out, choice)
	}
	return out
}

func decodeBulk(body []byte, out map[string]bool) error {
	var doc struct {
		Value []struct {
			Table any `json:"primaryobjecttypecode"`
		} `json:"value"`
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		return err
	}
	for _, d := range doc.Value {
		if name, ok := d.Table.(string); ok {
			out[name] = true
		}
	}
	return nil
}
