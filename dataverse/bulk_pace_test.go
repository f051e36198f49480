package dataverse_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
)

// A mill is a service that makes rows in the time of a bubble: it has so many
// processors, each request takes a while beside its rows, and more than limit
// requests at once are refused.
type mill struct {
	processors, hint, limit int
	perRequest, perRow      time.Duration

	turns chan struct{} // held by those that use a processor
	*milled
}

type milled struct {
	sync.Mutex
	under, rows, requests, refusals int
}

// fresh is a mill of that kind, in the bubble of the caller.
func (m mill) fresh() *mill {
	m.turns, m.milled = make(chan struct{}, m.processors), &milled{}
	return &m
}

func (m *mill) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if m.hint > 0 {
		w.Header().Set("x-ms-dop-hint", strconv.Itoa(m.hint))
	}
	if !strings.HasSuffix(r.URL.Path, "CreateMultiple") {
		time.Sleep(m.perRequest)
		(&metadataServer{}).ServeHTTP(w, r)
		return
	}
	time.Sleep(m.perRequest / 2)
	defer time.Sleep(m.perRequest / 4)
	body, _ := io.ReadAll(r.Body)
	n := bytes.Count(body, []byte(`"@odata.type"`))
	m.Lock()
	if m.limit > 0 && m.under >= m.limit {
		m.refusals++
		m.Unlock()
		fault(429, dataverse.CodeThrottleConcurrency, "Number of concurrent requests exceeded the limit.", "Retry-After", "1")(w, r)
		return
	}
	m.under++
	m.Unlock()
	time.Sleep(m.perRequest / 4)
	m.turns <- struct{}{}
	time.Sleep(time.Duration(n) * m.perRow)
	<-m.turns
	m.Lock()
	m.under--
	m.rows += n
	m.requests++
	m.Unlock()
	fmt.Fprint(w, `{"Ids":["`, strings.Repeat(string(idA)+`","`, n-1), idA, `"]}`)
}

// loop is how long a CreateMultiple loop by hand takes, with so many requests
// of 1,000 rows at once.
func (m mill) loop(t *testing.T, rows, workers int) (took time.Duration) {
	synctest.Test(t, func(t *testing.T) {
		client := &http.Client{Transport: handler{m.fresh()}}
		body := `{"Targets":[` + strings.Repeat(`{"@odata.type":"x"},`, 999) + `{"@odata.type":"x"}]}`
		work := make(chan int, rows/1000)
		for i := range rows / 1000 {
			work <- i
		}
		close(work)
		start := time.Now()
		var wg sync.WaitGroup
		for range workers {
			wg.Go(func() {
				for range work {
					for {
						resp, err := client.Post("https://contoso.crm4.dynamics.com/api/data/v9.2/contacts/Microsoft.Dynamics.CRM.CreateMultiple", "application/json", strings.NewReader(body))
						if err != nil {
							t.Error(err)
							return
						}
						if resp.StatusCode != http.StatusTooManyRequests {
							break
						}
						time.Sleep(time.Second) // what Retry-After says
					}
				}
			})
		}
		wg.Wait()
		took = time.Since(start)
	})
	return took
}

// TestBulkKeepsUpWithTheBestLoop compares Bulk with the best fixed number of
// requests at once, in the time of a bubble: without what the machine does to
// figures, what is left is the start, the waits and the end.
func TestBulkKeepsUpWithTheBestLoop(t *testing.T) {
	const rows = 50000
	for _, m := range []mill{
		{processors: 4, hint: 4, perRequest: 50 * time.Millisecond, perRow: 500 * time.Microsecond},
		{processors: 4, perRequest: 50 * time.Millisecond, perRow: 500 * time.Microsecond},
		{processors: 16, hint: 16, perRequest: 50 * time.Millisecond, perRow: 500 * time.Microsecond},
		{processors: 4, hint: 4, limit: 3, perRequest: 50 * time.Millisecond, perRow: 500 * time.Microsecond},
		{processors: 4, hint: 16, limit: 3, perRequest: 50 * time.Millisecond, perRow: 500 * time.Microsecond},
		{processors: 16, hint: 52, limit: 10, perRequest: 50 * time.Millisecond, perRow: 5 * time.Millisecond},
	} {
		var best time.Duration
		workers := 0
		for _, n := range []int{2, 3, 4, 6, 8, 10, 16} {
			if took := m.loop(t, rows, n); best == 0 || took < best {
				best, workers = took, n
			}
		}
		synctest.Test(t, func(t *testing.T) {
			m := m.fresh()
			c, err := dataverse.New("https://contoso.crm4.dynamics.com", token("t"), &dataverse.Options{HTTP: handler{m}})
			if err != nil {
				t.Fatal(err)
			}
			cs := &dataverse.ChangeSet{Writes: make([]dataverse.Write, rows)}
			for i := range cs.Writes {
				cs.Writes[i] = person(i, "", "X")
			}
			start := time.Now()
			written, err := c.Bulk(t.Context(), cs, nil)
			took := time.Since(start)
			if err != nil || m.rows != rows || written[rows-1].Err != nil {
				t.Fatalf("%v; %d rows", err, m.rows)
			}
			ratio := best.Seconds() / took.Seconds()
			said := fmt.Sprintf("%d processors, hint %d, limit %d, %v a row: %v, by hand %v with %d at once: %.2fx of its throughput, %d requests, %d refused",
				m.processors, m.hint, m.limit, m.perRow, took, best, workers, ratio, m.requests, m.refusals)
			t.Log(said)
			if ratio < 0.9 {
				t.Error(said)
			}
		})
	}
}
