package dataverse_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/dataverse/simulator"
)

// TestFaultTable meets every fault of the simulator with every kind of request,
// and compares outcome, requests and rows with testdata/faults.txt. No fault
// ever leaves two rows where one was written, or a row that was reported as
// refused.
func TestFaultTable(t *testing.T) {
	faults := []struct {
		name string
		simulator.Fault
	}{
		{"429 requests", simulator.Fault{Kind: simulator.FaultRequests}},
		{"429 time", simulator.Fault{Kind: simulator.FaultTime}},
		{"429 concurrency", simulator.Fault{Kind: simulator.FaultConcurrency}},
		{"429 for an hour", simulator.Fault{Kind: simulator.FaultRequests, RetryAfter: "3600"}},
		{"503", simulator.Fault{Kind: simulator.FaultError}},
		{"503 Retry-After", simulator.Fault{Kind: simulator.FaultError, RetryAfter: "2"}},
		{"500 SQL deadlock", simulator.Fault{Kind: simulator.FaultError, Status: 500, Code: dataverse.CodeSQLError}},
		{"502 HTML", simulator.Fault{Kind: simulator.FaultHTML}},
		{"502 HTML for ever", simulator.Fault{Kind: simulator.FaultHTML, Count: -1}},
		{"400", simulator.Fault{Kind: simulator.FaultError, Status: 400, Code: "0x80040203"}},
		{"delay", simulator.Fault{Kind: simulator.FaultDelay, DelayMS: 3000}},
		{"reset", simulator.Fault{Kind: simulator.FaultReset}},
		{"lost", simulator.Fault{Kind: simulator.FaultLost}},
		{"lost twice", simulator.Fault{Kind: simulator.FaultLost, Count: 2}},
		{"truncated", simulator.Fault{Kind: simulator.FaultTruncated}},
		{"token", simulator.Fault{Kind: simulator.FaultToken}},
		{"token for ever", simulator.Fault{Kind: simulator.FaultToken, Count: -1}},
	}
	named := dataverse.Property{Name: "lastname", Value: "New"}
	id := func(i int) dataverse.GUID { return dataverse.GUID(fmt.Sprintf("00000000-0000-0000-0001-%012d", i)) }
	create := func(id dataverse.GUID) dataverse.Write {
		return dataverse.Write{Operation: dataverse.Create, Table: "contact", EntitySet: "contacts", PrimaryKey: "contactid", ID: id, Body: []dataverse.Property{named}}
	}
	bulk := &dataverse.ChangeSet{}
	for i := range 30 {
		bulk.Writes = append(bulk.Writes, create(id(i)))
	}
	apply := func(t *testing.T, c *dataverse.Client, ws ...dataverse.Write) error {
		_, err := c.Apply(t.Context(), &dataverse.ChangeSet{Writes: ws})
		return err
	}
	existing := dataverse.Write{Table: "contact", EntitySet: "contacts", ID: idA, Body: []dataverse.Property{named}}
	change, upsert := existing, existing
	change.Operation, upsert.Operation = dataverse.Update, dataverse.Upsert
	upsert.ID = idC
	etag := dataverse.Write{}
	requests := []struct {
		name string
		rows int // named New, if it succeeds
		send func(*testing.T, *dataverse.Client) error
	}{
		{"read", 0, func(t *testing.T, c *dataverse.Client) error {
			for _, err := range c.Query(t.Context(), contacts(nil)) {
				return err
			}
			return nil
		}},
		{"create", 1, func(t *testing.T, c *dataverse.Client) error { return apply(t, c, create(idB)) }},
		{"create, their id", 1, func(t *testing.T, c *dataverse.Client) error { return apply(t, c, create("")) }},
		{"update", 1, func(t *testing.T, c *dataverse.Client) error { return apply(t, c, change) }},
		{"update, ETag", 1, func(t *testing.T, c *dataverse.Client) error { return apply(t, c, etag) }},
		{"upsert", 1, func(t *testing.T, c *dataverse.Client) error { return apply(t, c, upsert) }},
		{"change set", 3, func(t *testing.T, c *dataverse.Client) error { return apply(t, c, create(idB), change, upsert) }},
		{"bulk", 30, func(t *testing.T, c *dataverse.Client) error {
			written, err := c.Bulk(t.Context(), bulk, nil)
			for _, w := range written {
				err = errors.Join(err, w.Err)
			}
			return err
		}},
	}
	var table strings.Builder
	fmt.Fprintf(&table, "%-18s %-17s %-13s %8s %5s\n", "fault", "request", "outcome", "requests", "rows")
	for _, f := range faults {
		for _, r := range requests {
			synctest.Test(t, func(t *testing.T) {
				s, c := simulated(t, nil)
				if err := apply(t, c, dataverse.Write{
					Operation: dataverse.Create, Table: "contact", EntitySet: "contacts", PrimaryKey: "contactid", ID: idA,
					Body: []dataverse.Property{{Name: "lastname", Value: "Old"}},
				}); err != nil {
					t.Fatal(err)
				}
				if _, err := c.Table(t.Context(), "contact"); err != nil {
					t.Fatal(err)
				}
				row, err := c.Get(t.Context(), &dataverse.Query{EntitySet: "contacts", ID: idA, Select: []string{"contactid"}})
				if err != nil {
					t.Fatal(err)
				}
				etag = change
				etag.IfMatch = row.ETag()
				before := len(s.Requests())
				s.Fail(f.Fault)
				err = r.send(t, c)
				sent := len(s.Requests()) - before
				s.ClearFaults()
				rows := 0
				for _, err := range c.As(token(s.Entra.Bearer("other@bank.example"))).Query(t.Context(), contacts(dataverse.Compare{Column: "lastname", Op: dataverse.Eq, Value: "New"})) {
					if err != nil {
						t.Fatal(err)
					}
					rows++
				}
				fmt.Fprintf(&table, "%-18s %-17s %-13s %8d %5d\n", f.name, r.name, outcome(err), sent, rows)
				if err == nil && rows != r.rows {
					t.Errorf("%s, %s: %d rows, want %d", f.name, r.name, rows, r.rows)
				}
				if rows > r.rows {
					t.Errorf("%s, %s: %d rows: written twice", f.name, r.name, rows)
				}
				if err != nil && rows != 0 && !errors.Is(err, dataverse.ErrUnavailable) {
					t.Errorf("%s, %s: %d rows although refused: %v", f.name, r.name, rows, err)
				}
			})
		}
	}
	path := filepath.Join("..", "testdata", "faults.txt")
	if *update {
		if err := os.WriteFile(path, []byte(table.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), table.String()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// outcome names an error by its kind.
func outcome(err error) string {
	for _, kind := range []error{
		dataverse.ErrNotFound, dataverse.ErrForbidden, dataverse.ErrUnauthorized, dataverse.ErrConflict, dataverse.ErrDuplicate,
		dataverse.ErrThrottled, dataverse.ErrInvalid, dataverse.ErrUnavailable,
	} {
		if errors.Is(err, kind) {
			return kind.Error()
		}
	}
	if err != nil {
		return "error"
	}
	return "done"
}
