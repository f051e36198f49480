package playbook

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/pattern"
)

// claim is an alternate key whose values a write would set.
type claim struct {
	write   int
	columns []string
	values  []dataverse.Value
	stored  []string
}

// text is the same for claims of one key of one table with the same values.
func (k *claim) text(table string) string {
	return strings.ToLower(fmt.Sprintf("%s %q %q", table, k.columns, k.values))
}

// claimsAQuery bounds the keys that one query asks for.
const claimsAQuery = 40

// foreseeKeys finds out which alternate keys are taken already.
func (s *step) foreseeKeys(ctx context.Context, c *dataverse.Client, plan *pattern.WritePlan, tables map[string]*dataverse.Table, state []presence) error {
	writes := plan.ChangeSet.Writes
	var claims []claim
	first := map[string]int{}
	for i := range writes {
		for _, k := range s.claims(plan, i, tables[writes[i].Table], state[i]) {
			text := k.text(writes[i].Table)
			if j, twice := first[text]; twice && (writes[j].ID != writes[i].ID || writes[i].ID == "") {
				return taken(plan, &k, "another record of this block has the same key")
			}
			first[text] = i
			claims = append(claims, k)
		}
	}
	var queries []*dataverse.Query
	var asked [][]claim
	for len(claims) > 0 {
		n := 1
		for n < len(claims) && n < claimsAQuery && writes[claims[n].write].Table == writes[claims[0].write].Table && slices.Equal(claims[n].columns, claims[0].columns) {
			n++
		}
		queries, asked = append(queries, keyQuery(&writes[claims[0].write], claims[:n])), append(asked, claims[:n])
		claims = claims[n:]
	}
	for q, answer := range c.QueryAll(ctx, queries) {
		for i := range asked[q] {
			k := &asked[q][i]
			w := &writes[k.write]
			if answer.Err != nil {
				s.warn(plan.Writes[k.write].Part, "whether the keys of table %s are free could not be asked", w.Table)
				break
			}
			for _, row := range answer.Records {
				id, _ := dataverse.ParseGUID(row.Text(w.PrimaryKey))
				if id == w.ID || !k.held(row) {
					continue
				}
				if by, planned := s.planned.planned(w.Table); planned {
					s.warn(plan.Writes[k.write].Part, "a record of table %s has the same key, unless block %q changes it before", w.Table, by)
					break
				}
				return taken(plan, k, "another record of table "+w.Table+" has the same key")
			}
		}
	}
	return nil
}

// claims are the keys that the write would set. Of a key that a change sets
// in part the rest is not asked for.
func (s *step) claims(plan *pattern.WritePlan, i int, t *dataverse.Table, p presence) []claim {
	w := &plan.ChangeSet.Writes[i]
	if p.verdict == VerdictUnchanged {
		return nil
	}
	by, planned := s.planned.planned(w.Table)
	var list []claim
	for _, key := range t.Keys {
		k := claim{write: i, columns: key}
		given, known := 0, true
		for _, column := range key {
			j := slices.IndexFunc(w.Body, func(p dataverse.Property) bool { return logical(p) == column })
			if j < 0 {
				continue
			}
			given++
			switch v := w.Body[j].Value.(type) {
			case nil:
				known = false
			case pattern.Unknown:
				known = false
				s.warn(plan.Writes[i].Part, "whether a record with the same key is there is known after %s", v.After)
			case string:
				known = known && v != ""
				k.values = append(k.values, v)
			case dataverse.Bind:
				k.values = append(k.values, v.ID)
			default:
				k.values = append(k.values, v)
			}
			col, _ := stored(w.Body[j])
			k.stored = append(k.stored, col)
		}
		switch {
		case given == 0 || !known:
		case given < len(key) && p.verdict != VerdictCreate:
			s.warn(plan.Writes[i].Part, "whether a record with the same key (%s) is there was not asked", strings.Join(key, ", "))
		case given == len(key):
			if planned {
				s.warn(plan.Writes[i].Part, "block %q would have written to this table before: whether its records have the same key is not known", by)
			}
			list = append(list, k)
		}
	}
	return list
}

// held reports whether the row has the key's values.
func (k *claim) held(row dataverse.Record) bool {
	for i, column := range k.stored {
		if text, ok := k.values[i].(string); ok {
			if !strings.EqualFold(text, row.Text(column)) {
				return false
			}
		} else if !dataverse.SameValue(k.values[i], row[column]) {
			return false
		}
	}
	return true
}

func keyQuery(w *dataverse.Write, claims []claim) *dataverse.Query {
	q := &dataverse.Query{EntitySet: w.EntitySet, Table: w.Table, Select: append([]string{w.PrimaryKey}, claims[0].stored...)}
	var any dataverse.Or
	for i := range claims {
		var all dataverse.And
		for j, column := range claims[i].stored {
			all = append(all, dataverse.Compare{Column: column, Op: dataverse.Eq, Value: claims[i].values[j]})
		}
		any = append(any, all)
	}
	q.Filter = any
	return q
}

func taken(plan *pattern.WritePlan, k *claim, why string) error {
	return &ruleError{code: dataverse.CodeDuplicateKey, part: plan.Writes[k.write].Part, message: why + " (" + strings.Join(k.columns, ", ") + ")"}
}
