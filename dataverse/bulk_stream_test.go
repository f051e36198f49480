package dataverse_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/dataverse/simulator"
)

// TestBulkStream writes in memory that is used again and again, by two kinds of
// requests: each write has one outcome, under its own index, and what is
// refused is refused alone.
func TestBulkStream(t *testing.T) {
	_, c := simulated(t, nil)
	const n = 350
	var mu sync.Mutex
	outcomes := map[int]dataverse.Written{}
	most := 0
	fill := func(writes []dataverse.Write, first int) {
		for k := range writes {
			i := first + k
			name := fmt.Sprint("P", i)
			if i == 123 {
				name = strings.Repeat("too long ", 20)
			}
			body := append(writes[k].Body[:0], dataverse.Property{Name: "lastname", Value: name})
			writes[k] = person(i, numbered(i), name)
			writes[k].Body = body
			if i%7 == 3 { // goes by no bulk message
				writes[k].PrimaryKey, writes[k].ID = "", ""
			}
		}
		mu.Lock()
		most = max(most, len(writes))
		mu.Unlock()
	}
	err := c.BulkStream(t.Context(), "contact", n, fill, &dataverse.BulkOptions{ChunkSize: 40, Report: func(ws []dataverse.Written) {
		mu.Lock()
		defer mu.Unlock()
		for _, w := range ws {
			if _, twice := outcomes[w.Index]; twice {
				t.Errorf("write %d is settled twice", w.Index)
			}
			outcomes[w.Index] = w
		}
	}})
	if err != nil || len(outcomes) != n || most != 40 {
		t.Fatalf("%v; %d outcomes, %d at once", err, len(outcomes), most)
	}
	names := map[string]string{}
	for _, r := range collect(t, c, &dataverse.Query{EntitySet: "contacts", Select: []string{"contactid", "lastname"}}) {
		names[r.Text("contactid")] = r.Text("lastname")
	}
	if len(names) != n-1 {
		t.Errorf("%d people", len(names))
	}
	for i, w := range outcomes {
		if i == 123 {
			var e *dataverse.Error
			if !errors.As(w.Err, &e) || e.Write != i || e.Source != "people[123]" {
				t.Errorf("the long name: %+v", w.Err)
			}
			continue
		}
		if w.Err != nil || names[string(w.ID)] != fmt.Sprint("P", i) || i%7 != 3 && w.ID != numbered(i) {
			t.Errorf("%+v is %s", w, names[string(w.ID)])
		}
	}
}

// TestBulkStreamEndsWithItsContext: nothing is filled after the end, and what
// has no outcome was not reported.
func TestBulkStreamEndsWithItsContext(t *testing.T) {
	s, c := simulated(t, nil)
	s.Fail(simulator.Fault{Kind: simulator.FaultRequests, RetryAfter: "60", Table: "contact", Count: -1})
	s.Fail(simulator.Fault{Kind: simulator.FaultRequests, RetryAfter: "60", Path: "contacts*", Count: -1})
	ctx, cancel := context.WithCancel(t.Context())
	filled := 0
	var mu sync.Mutex
	err := c.BulkStream(ctx, "contact", 5000, func(writes []dataverse.Write, first int) {
		mu.Lock()
		filled += len(writes)
		mu.Unlock()
		for k := range writes {
			writes[k] = person(first+k, numbered(first+k), "X")
		}
		cancel()
	}, &dataverse.BulkOptions{Report: func(ws []dataverse.Written) { t.Errorf("reported %d", len(ws)) }})
	if !errors.Is(err, context.Canceled) || filled > 5000/2 {
		t.Errorf("%v; %d filled", err, filled)
	}
}
