package simulator

import (
	"net/http"
	"net/url"
	"strings"
)

// rowKey is what stands in the parentheses after an entity set.
type rowKey struct {
	table *Table
	// id is set for a primary key.
	id    guid
	hasID bool
	// key is the number of the alternate key otherwise, with the values of
	// its columns in order; text is the key as it was written.
	key    int
	values []any
	text   string
}

// parseKey reads a key (fact sheet section 1.3).
func (c *call) parseKey(t *Table, text string) (*rowKey, error) {
	k := &rowKey{table: t, text: text}
	if id, ok := parseGUID(strings.TrimSpace(text)); ok {
		k.id, k.hasID = id, true
		return k, nil
	}
	invalid := errQuery("The key in the request URI is not valid for resource 'Microsoft.Dynamics.CRM.%s'. Ensure that the names and number of key properties match the declared or alternate key properties for the resource 'Microsoft.Dynamics.CRM.%s'.", t.LogicalName, t.LogicalName)
	given := map[string]token{}
	for _, part := range splitTop(text, ',') {
		name, value, ok := strings.Cut(part, "=")
		if !ok {
			return nil, invalid
		}
		if v := strings.TrimSpace(value); strings.HasPrefix(v, "@") {
			value = c.alias(v)
		}
		lex := lexer{src: strings.TrimSpace(value)}
		tok, err := lex.next()
		if err != nil {
			return nil, err
		}
		if end, err := lex.next(); err != nil || end.kind != tokEnd {
			return nil, invalid
		}
		given[strings.TrimSpace(name)] = tok
	}
	if tok, ok := given[t.PrimaryID]; ok && len(given) == 1 {
		// DV022: users and teams are keyed by ownerid, so their primary
		// column cannot be named.
		id, good := parseGUID(tok.text)
		if t.isPrincipal() || !good {
			return nil, invalid
		}
		k.id, k.hasID = id, true
		return k, nil
	}
	if tok, ok := given["ownerid"]; ok && len(given) == 1 && t.isPrincipal() {
		if id, good := parseGUID(tok.text); good {
			k.id, k.hasID = id, true
			return k, nil
		}
		return nil, invalid
	}
	for n, key := range t.Keys {
		if len(key.columns) != len(given) {
			continue
		}
		values := make([]any, len(key.columns))
		match := true
		for i, col := range key.columns {
			tok, ok := given[col.Wire()]
			if !ok {
				match = false
				break
			}
			v, good := literal(col, tok)
			if !good {
				return nil, invalid
			}
			if s, ok := v.(string); ok && strings.ContainsAny(s, `/<>*%&:\?+`) {
				// DV023: these characters do not work in a key.
				return nil, failf(http.StatusBadRequest, codeQuery, "The value of the key attribute '%s' has a character that is not supported in a URL: one of / < > * %% & : \\ ? +.", col.LogicalName)
			}
			if id, ok := v.(guid); ok && col.Type.IsLookup() && len(col.rels) > 0 {
				v = ref{col.rels[0].Referenced, id}
			}
			values[i] = v
		}
		if match {
			k.key, k.values = n, values
			return k, nil
		}
	}
	return nil, invalid
}

// find gives the row of a key, or nil.
func (v *view) find(k *rowKey) *record {
	if k.hasID {
		return v.get(k.table, k.id)
	}
	return v.byKey(k.table, k.key, k.values)
}

// missing is the answer to a key that no row has.
func (k *rowKey) missing() error {
	if k.hasID {
		return errNotFound(k.table, k.id)
	}
	return failf(http.StatusNotFound, codeNotFoundByKey, "A record with the specified key values does not exist in %s entity", k.table.LogicalName)
}

// reference resolves the address of a row, as bodies and $id have it: a full
// URL, "/set(key)", "set(key)" or "$1" inside a change set (DV024).
func (c *call) reference(text string) (*record, error) {
	path := text
	if strings.HasPrefix(text, "$") {
		name, rest, _ := strings.Cut(text, "/")
		to, ok := c.contentID[name]
		if !ok {
			return nil, errContentID(name)
		}
		path = to
		if rest != "" {
			path += "/" + rest
		}
	}
	if _, after, ok := strings.Cut(path, "/api/data/v9."); ok {
		_, path, _ = strings.Cut(after, "/")
	} else if strings.Contains(path, "://") {
		return nil, failf(http.StatusBadRequest, codeNone, "The address '%s' is not of this service.", text)
	}
	path, err := url.PathUnescape(strings.TrimPrefix(path, "/"))
	if err != nil {
		return nil, failf(http.StatusBadRequest, codeNone, "The address '%s' is not valid.", text)
	}
	set, rest, ok := strings.Cut(path, "(")
	if !ok || !strings.HasSuffix(rest, ")") {
		return nil, failf(http.StatusBadRequest, codeNone, "The address '%s' does not name a row.", text)
	}
	t := c.server.schema.TableBySet(set)
	if t == nil {
		return nil, errSegment(set)
	}
	k, err := c.parseKey(t, rest[:len(rest)-1])
	if err != nil {
		return nil, err
	}
	if r := c.view.find(k); r != nil {
		return r, nil
	}
	return nil, k.missing()
}
