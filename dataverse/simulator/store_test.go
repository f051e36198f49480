package simulator

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// checkIndexes holds every index of the store against its rows.
func checkIndexes(t *testing.T, s *Server) {
	t.Helper()
	_ = s.store.read(func(v *view) error {
		for _, ts := range s.store.tables {
			if len(ts.byID) != len(ts.rows) || !slices.IsSortedFunc(ts.rows, bySeq) {
				t.Errorf("%s: %d rows, %d ids", ts.table.LogicalName, len(ts.rows), len(ts.byID))
			}
			for ordinal, index := range ts.lookups {
				n := 0
				for id, rows := range index {
					n += len(rows)
					for _, r := range rows {
						if x, ok := r.ref(ts.table.Columns[ordinal]); !ok || x.id != id || ts.byID[r.id] != r {
							t.Errorf("%s: a row is indexed where it is not", ts.table.LogicalName)
						}
					}
				}
				for _, r := range ts.rows {
					if _, ok := r.ref(ts.table.Columns[ordinal]); ok {
						n--
					}
				}
				if n != 0 {
					t.Errorf("%s.%s: %d rows too many in the index", ts.table.LogicalName, ts.table.Columns[ordinal].LogicalName, n)
				}
			}
			for n := range ts.keys {
				for text, r := range ts.keys[n] {
					if have, ok := ts.keyOf(n, r.shape, r.vals); !ok || have != text {
						t.Errorf("%s: a stale alternate key", ts.table.LogicalName)
					}
				}
			}
		}
		return nil
	})
}

// everything is all rows of all tables.
func everything(s *Server) map[string][]map[string]any {
	all := map[string][]map[string]any{}
	for _, t := range s.schema.tables {
		all[t.EntitySet] = s.Records(t.EntitySet)
	}
	return all
}

// TestRollback: whatever a transaction did is undone, indexes included.
func TestRollback(t *testing.T) {
	s := newTestServer(t)
	before, version := everything(s), s.store.version
	stop := errors.New("stop")
	err := s.store.write(func(tx *txn) error {
		c := &call{server: s, caller: &actor{user: mustGUID(AdministratorID)}, now: s.now(), tx: tx, view: &tx.view}
		for _, step := range []struct{ method, path, body string }{
			{"POST", "accounts", `{"name":"new","accountnumber":"N1","primarycontactid":{"lastname":"x"},"Account_Tasks":[{"subject":"y"}]}`},
			{"PATCH", "contacts(" + testContact + ")", `{"lastname":"changed","parentcustomerid_account@odata.bind":"/accounts(accountnumber='N1')"}`},
			{"PATCH", "accounts(" + testAccount + ")", `{"accountnumber":"N2"}`},
			{"PUT", "appointments(" + testMeeting + ")/appointment_activity_parties", `{"value":[]}`},
			{"DELETE", "accounts(" + testAccount + ")", ""},
		} {
			c.method, c.path, c.body, c.inBatch = step.method, step.path, []byte(step.body), true
			if resp := s.serve(c); resp.status >= 300 {
				t.Fatalf("%s %s: %d %s", step.method, step.path, resp.status, resp.body)
			}
		}
		return stop
	})
	if err != stop {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, everything(s)); diff != "" {
		t.Errorf("after the rollback:\n%s", diff)
	}
	if s.store.version != version {
		t.Errorf("the version went from %d to %d", version, s.store.version)
	}
	checkIndexes(t, s)
}

// TestManyRows: 5,001 rows come in two pages, and a count stops at 5,000.
func TestManyRows(t *testing.T) {
	s := NewServer(nil, &Options{NoListener: true})
	defer s.Close()
	fill(t, s, 5001)
	_, body := request(t, s, "GET", "contacts?$select=lastname&$count=true", "")
	if n := strings.Count(body, `"lastname":`); n != 5000 {
		t.Errorf("the first page has %d rows", n)
	}
	if !strings.Contains(body, `"@odata.count":5000`) {
		t.Error("the count is not capped")
	}
	link := strings.TrimPrefix(member(t, body, "@odata.nextLink"), s.URL+"/api/data/v9.2/")
	_, body = request(t, s, "GET", link, "")
	if n := strings.Count(body, `"lastname":`); n != 1 || strings.Contains(body, "nextLink") {
		t.Errorf("the second page has %d rows", n)
	}
	checkIndexes(t, s)
}

// TestConcurrent: readers and writers at the same time.
func TestConcurrent(t *testing.T) {
	s := newTestServer(t)
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 25 {
				request(t, s, "POST", "contacts", fmt.Sprintf(`{"lastname":"%d-%d","parentcustomerid_account@odata.bind":"/accounts(%s)"}`, g, i, testAccount))
				request(t, s, "PATCH", "contacts("+testContact+")", fmt.Sprintf(`{"jobtitle":"%d"}`, i))
				request(t, s, "GET", "accounts?$select=name&$expand=contact_customer_accounts($select=fullname)", "")
			}
		})
	}
	wg.Wait()
	if n := len(s.Records("contacts")); n != 103 {
		t.Errorf("%d contacts", n)
	}
	checkIndexes(t, s)
}
