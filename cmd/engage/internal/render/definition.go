package render

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/entity"
)

// fieldTypes are the types of fields that store a column's type. Columns of
// other types hold nothing that a playbook could use.
var fieldTypes = map[dataverse.ColumnType]entity.Type{
	"String": entity.TypeString, "Memo": entity.TypeString, "EntityName": entity.TypeString,
	"Integer": entity.TypeInt, "BigInt": entity.TypeDecimal, "Double": entity.TypeDouble,
	"Decimal": entity.TypeDecimal, "Money": entity.TypeMoney, "Boolean": entity.TypeBoolean,
	"DateTime": entity.TypeDateTime, "Uniqueidentifier": entity.TypeGuid,
	"Lookup": entity.TypeLookup, "Customer": entity.TypeLookup, "Owner": entity.TypeLookup,
	"Picklist": entity.TypeChoice, "State": entity.TypeChoice, "Status": entity.TypeChoice,
	"MultiSelectPicklist": entity.TypeChoices, "PartyList": entity.TypePartyList,
}

// Definition writes a starter entity definition of a table.
func Definition(w io.Writer, t *dataverse.Table) {
	fmt.Fprintf(w, "kind: EntityDefinition\nid: %s\nname: %s\ntype: %s\nentitySet: %s\nprimaryKey: %s\n",
		scalar(t.LogicalName), scalar(pascal(t.LogicalName)), scalar(t.LogicalName), scalar(t.EntitySet), scalar(t.PrimaryID))
	names := fieldNames(t)
	if len(t.Keys) > 0 {
		var keys []string
		for _, key := range t.Keys {
			var fields []string
			for _, column := range key {
				fields = append(fields, names[column])
			}
			keys = append(keys, "["+strings.Join(fields, ", ")+"]")
		}
		fmt.Fprintf(w, "keys: [%s]\n", strings.Join(keys, ", "))
	}
	fmt.Fprintln(w, "fields:")
	columns := slices.Clone(t.Columns)
	slices.SortStableFunc(columns, func(a, b *dataverse.Column) int {
		switch {
		case a.LogicalName == t.PrimaryID:
			return -1
		case b.LogicalName == t.PrimaryID:
			return 1
		}
		return strings.Compare(a.LogicalName, b.LogicalName)
	})
	for _, c := range columns {
		if name := names[c.LogicalName]; name != "" {
			fmt.Fprintf(w, "  - {%s}\n", strings.Join(fieldMembers(t, c, name), ", "))
		}
	}
}

// fieldNames gives abstract names to the columns that a field can store.
func fieldNames(t *dataverse.Table) map[string]string {
	names := map[string]string{t.PrimaryID: entity.IDField}
	taken := map[string]bool{entity.IDField: true}
	for _, c := range t.Columns {
		if _, usable := fieldTypes[c.Type]; !usable || !c.Readable && c.Type != "PartyList" || c.LogicalName == t.PrimaryID {
			continue
		}
		name := pascal(c.LogicalName)
		for taken[name] {
			name += "Column"
		}
		taken[name] = true
		names[c.LogicalName] = name
	}
	return names
}

func fieldMembers(t *dataverse.Table, c *dataverse.Column, name string) []string {
	kind := fieldTypes[c.Type]
	if c.DateOnly {
		kind = entity.TypeDate
	}
	members := []string{"name: " + scalar(name), "mappedName: " + scalar(c.LogicalName), "type: " + string(kind)}
	if c.LogicalName == t.PrimaryID || !c.Creatable && !c.Updatable {
		members = append(members, "readOnly: true")
	} else if c.Required == "SystemRequired" && c.Creatable && c.Type != "Owner" {
		members = append(members, "required: true")
	}
	if c.MaxLength > 0 && kind == entity.TypeString {
		members = append(members, "maxLength: "+strconv.Itoa(c.MaxLength))
	}
	if kind == entity.TypeChoice || kind == entity.TypeChoices {
		if choices := choiceMembers(c.Choices); choices != nil {
			members = append(members, "choices: {"+strings.Join(choices, ", ")+"}")
		}
	}
	if kind == entity.TypeLookup {
		var targets, navigation []string
		for _, l := range c.Lookups {
			targets = append(targets, scalar(l.Target))
			navigation = append(navigation, scalar(l.Target)+": "+scalar(l.Navigation))
		}
		if targets != nil {
			members = append(members, "targets: ["+strings.Join(targets, ", ")+"]", "navigation: {"+strings.Join(navigation, ", ")+"}")
		}
	}
	return members
}

// choiceMembers gives label and number; nil if two options share a label.
func choiceMembers(choices []dataverse.Choice) []string {
	var out []string
	seen := map[string]bool{}
	for _, o := range choices {
		if o.Label == "" || seen[o.Label] {
			return nil
		}
		seen[o.Label] = true
		out = append(out, scalar(o.Label)+": "+strconv.Itoa(o.Value))
	}
	return out
}

// pascal makes an abstract name of a logical one: new_loan_amount becomes
// LoanAmount. Words that run together stay together.
func pascal(logical string) string {
	words := strings.Split(logical, "_")
	if len(words) > 1 && len(words[0]) <= 8 && !strings.ContainsAny(words[0], "0123456789") {
		words = words[1:] // the publisher's prefix
	}
	var b strings.Builder
	for _, word := range words {
		for i, r := range word {
			if i == 0 {
				r = unicode.ToUpper(r)
			}
			b.WriteRune(r)
		}
	}
	return b.String()
}

// scalar quotes what YAML would not read as plain text.
func scalar(s string) string {
	for _, r := range s {
		if r != '_' && (r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r)) {
			return quoted(s)
		}
	}
	if s == "" || unicode.IsDigit(rune(s[0])) || slices.Contains([]string{"true", "false", "null", "yes", "no", "on", "off", "y", "n"}, strings.ToLower(s)) {
		return quoted(s)
	}
	return s
}

func quoted(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		return `""`
	}
	return string(text)
}
