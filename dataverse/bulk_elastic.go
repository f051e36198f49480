package dataverse

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
)

// elasticOutcome is what became of one row of a bulk message that an elastic
// table did in part: there the message is no transaction (fact sheet, section
// 6).
type elasticOutcome struct {
	RequestIndex int
	ID           GUID `json:"Id"`
	StatusCode   int
}

// elasticOutcomes reads the list of them out of the annotations of a refusal.
// Its name on the Web API is not documented: SDKs find it under
// Plugin.BulkApiErrorDetails, as text. Where the list is not to be had the
// refusal is taken for one of all rows.
func elasticOutcomes(body []byte) []elasticOutcome {
	var doc struct{ Error map[string]json.RawMessage }
	if json.Unmarshal(body, &doc) != nil {
		return nil
	}
	for name, value := range doc.Error {
		if !strings.HasSuffix(name, "BulkApiErrorDetails") {
			continue
		}
		list := []byte(value)
		if text := ""; json.Unmarshal(value, &text) == nil {
			list = []byte(text)
		}
		var outcomes []elasticOutcome
		if json.Unmarshal(list, &outcomes) == nil {
			return outcomes
		}
	}
	return nil
}

// partly settles the rows that were done, and sends the others singly, so that
// each has its own answer.
func (b *bulkRun) partly(ctx context.Context, j job, outcomes []elasticOutcome) {
	var done []Written
	rest := slices.Clone(j.writes)
	for _, o := range outcomes {
		if o.RequestIndex < 0 || o.RequestIndex >= len(j.writes) || o.StatusCode < 200 || o.StatusCode > 299 {
			continue
		}
		i := j.writes[o.RequestIndex]
		w := Written{Index: i, ID: b.writes[i].ID, Status: o.StatusCode}
		if id, err := ParseGUID(string(o.ID)); err == nil {
			w.ID = id
		}
		done = append(done, w)
		rest = slices.DeleteFunc(rest, func(k int) bool { return k == i })
	}
	b.settle(done...)
	b.sendSingly(ctx, j.with(rest))
}
