package entity

import (
	"strings"
	"unicode/utf16"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
)

// partyKeys are the members of a party as it is read.
var partyKeys = []string{"Id", "Type", "Name", "Address"}

// parties converts {"Id", "Type"}, an e-mail text, or a list of these. What
// was read as a party can be written again.
func (f *Field) parties(v any) (dataverse.Value, error) {
	items, ok := v.([]any)
	if !ok {
		items = []any{v}
	}
	parties := make(dataverse.Parties, 0, len(items))
	for _, item := range items {
		p, err := f.party(item)
		if err != nil {
			return nil, err
		}
		parties = append(parties, p)
	}
	return parties, nil
}

func (f *Field) party(v any) (dataverse.Party, error) {
	address, isText := v.(string)
	if m, ok := v.(map[string]any); ok && m["Id"] == nil {
		if a, ok := m["Address"].(string); ok {
			address, isText = a, true
		}
	}
	if isText {
		if local, domain, ok := strings.Cut(address, "@"); !ok || local == "" || domain == "" {
			return dataverse.Party{}, bad("wrong-type", `want {"Id", "Type"} or an e-mail address, have other text`)
		}
		if n := len(utf16.Encode([]rune(address))); n > maxPartyAddress {
			return dataverse.Party{}, bad("too-long", "want an e-mail address of at most %d characters, have %d", maxPartyAddress, n)
		}
		return dataverse.Party{Role: f.role, Address: address}, nil
	}
	if _, ok := v.(map[string]any); !ok {
		return dataverse.Party{}, bad("wrong-type", `want {"Id", "Type"} or an e-mail address, have %s`, kind(v))
	}
	table, id, err := f.reference(v)
	if err != nil {
		return dataverse.Party{}, err
	}
	return f.PartyOf(table, dataverse.Bind{EntitySet: f.sets[table], ID: id}), nil
}

// PartyOf is the party that a row of a table is in this field's role.
func (f *Field) PartyOf(table string, row dataverse.Bind) dataverse.Party {
	return dataverse.Party{Role: f.role, Link: partyLink(table), Target: row}
}

// PartyRole is the participationtypemask of the field's parties.
func (f *Field) PartyRole() int { return f.role }

// normalParties gives parties as they are read: a list, in which an address is
// a party without a record. What is no party stays as it is.
func (f *Field) normalParties(v any) any {
	items, many := v.([]any)
	if !many {
		if v == nil {
			return nil
		}
		items = []any{v}
	}
	out := make([]any, len(items))
	for i, item := range items {
		out[i] = item
		if table, id, ok := f.Reference(item); ok {
			out[i] = map[string]any{"Id": string(id), "Type": table}
			continue
		}
		address, ok := item.(string)
		if m, isMap := item.(map[string]any); isMap {
			address, ok = m["Address"].(string)
		}
		if ok {
			out[i] = map[string]any{"Id": nil, "Type": nil, "Name": nil, "Address": address}
		}
	}
	return out
}

// PartyLink is the navigation property from the parties to rows of the table.
func (f *Field) PartyLink(table string) string { return partyLink(table) }

// PartyMatch is the condition that one of the activity's parties has the
// field's role and is one of the rows.
func (f *Field) PartyMatch(ids []dataverse.Value) dataverse.Filter {
	rows := make(dataverse.Or, len(ids))
	for i, id := range ids {
		rows[i] = dataverse.Compare{Column: partyRow, Op: dataverse.Eq, Value: id}
	}
	return dataverse.Lambda{
		Property: f.partiesLink,
		Filter:   dataverse.And{dataverse.Compare{Column: partyRole, Op: dataverse.Eq, Value: f.role}, rows},
	}
}

// PartiesExpand joins the parties of a record; one serves all of its party
// lists. It is the zero Expand for a definition without party lists.
func (d *Definition) PartiesExpand() (dataverse.Expand, bool) {
	for _, f := range d.Fields {
		if f.Type == TypePartyList {
			return dataverse.Expand{
				Property: f.partiesLink, Collection: true, Table: "activityparty",
				Select: []string{partyRole, partyRow, partyAddress},
			}, true
		}
	}
	return dataverse.Expand{}, false
}

// readParties gives the record's parties in the field's role.
func (f *Field) readParties(r dataverse.Record) []any {
	parties := []any{}
	for _, row := range f.partyRows(r) {
		if n, ok := row.Number(partyRole); !ok || n.String() != roleText(f.role) {
			continue
		}
		parties = append(parties, map[string]any{
			"Id":      textOrNil(strings.ToLower(row.Text(partyRow))),
			"Type":    textOrNil(row.LookupType(partyRow)),
			"Name":    textOrNil(row.Formatted(partyRow)),
			"Address": textOrNil(row.Text(partyAddress)),
		})
	}
	return parties
}

// PartyIDs lists the rows that are the record's parties in the field's role.
func (f *Field) PartyIDs(r dataverse.Record) []string {
	var ids []string
	for _, row := range f.partyRows(r) {
		if n, ok := row.Number(partyRole); ok && n.String() == roleText(f.role) && row.Text(partyRow) != "" {
			ids = append(ids, strings.ToLower(row.Text(partyRow)))
		}
	}
	return ids
}

// OtherParties gives the record's parties in other roles than those of the
// fields, as they would be written: what a replacement of the fields keeps.
// The service keeps regarding and owner itself. Tables whose entity set is not
// known are in missing.
func (d *Definition) OtherParties(r dataverse.Record, replaced []*Field) (parties dataverse.Parties, missing []string) {
	roles := map[string]bool{roleText(roleRegarding): true, roleText(roleOwner): true}
	for _, f := range replaced {
		roles[roleText(f.role)] = true
	}
	f := replaced[0]
	for _, row := range f.partyRows(r) {
		n, ok := row.Number(partyRole)
		if !ok || roles[n.String()] {
			continue
		}
		role, err := integer(n)
		if err != nil {
			continue
		}
		p := dataverse.Party{Role: role, Address: row.Text(partyAddress)}
		if id := row.Text(partyRow); id != "" {
			table := row.LookupType(partyRow)
			set := f.sets[table]
			if set == "" {
				missing = append(missing, table)
				continue
			}
			p = dataverse.Party{Role: role, Link: partyLink(table), Target: dataverse.Bind{EntitySet: set, ID: dataverse.GUID(id)}}
		}
		parties = append(parties, p)
	}
	return parties, missing
}

// PartiesLink is the collection property of the table's parties.
func (f *Field) PartiesLink() string { return f.partiesLink }

func (f *Field) partyRows(r dataverse.Record) []dataverse.Record {
	rows, _ := r[f.partiesLink].([]dataverse.Record)
	return rows
}
