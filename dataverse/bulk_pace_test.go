package dataverse_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
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

// people are writes that go by CreateMultiple.
func people(n int) *dataverse.ChangeSet {
	cs := &dataverse.ChangeSet{Writes: make([]dataverse.Write, n)}
	for i := range cs.Writes {
		cs.Writes[i] = person(i, numbered(i), "X")
	}
	return cs
}

// bulk sends the writes, all of which are done.
func bulk(t *testing.T, c *dataverse.Client, cs *dataverse.ChangeSet) {
	t.Helper()
	written, err := c.Bulk(t.Context(), cs, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range written {
		if w.Err != nil {
			t.Fatal(w.Err)
		}
	}
}

// TestBulkRemembersWhatATableBears: only the first bulk pays for finding out,
// whoever of the organisation sends the next one, until that was long ago.
func TestBulkRemembersWhatATableBears(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := mill{processors: 4, perRequest: 50 * time.Millisecond, perRow: 500 * time.Microsecond}.fresh()
		var mu sync.Mutex
		var chunks []int
		asked := 0
		c, err := dataverse.New("https://contoso.crm4.dynamics.com", token("t"), &dataverse.Options{
			HTTP: handler{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				r.Body = io.NopCloser(bytes.NewReader(body))
				mu.Lock()
				if n := bytes.Count(body, []byte(`"@odata.type"`)); n > 0 {
					chunks = append(chunks, n)
				} else {
					asked++
				}
				mu.Unlock()
				m.ServeHTTP(w, r)
			})},
			MetadataLifetime: time.Hour,
		})
		if err != nil {
			t.Fatal(err)
		}
		first := func(c *dataverse.Client) (chunk, more int) {
			chunks, asked = nil, 0
			bulk(t, c, people(8000))
			return chunks[0], asked
		}
		if chunk, more := first(c); chunk != 100 || more != 2 {
			t.Errorf("at first %d rows; %d requests for the table and the hint", chunk, more)
		}
		// The service gives no hint, and is not asked again and again for it.
		if chunk, more := first(c); chunk < 500 || more != 0 {
			t.Errorf("then %d rows; %d other requests", chunk, more)
		}
		if chunk, _ := first(c.As(token("other"))); chunk != 1000 {
			t.Errorf("another identity: %d rows", chunk)
		}
		time.Sleep(6 * time.Minute)
		if chunk, _ := first(c); chunk != 100 {
			t.Errorf("after a while %d rows", chunk)
		}
	})
}

// TestBulkDoesNotTryWhatWasTooMuch meets a table that bears 300 rows: it is
// found out once, and tried anew after a while.
func TestBulkDoesNotTryWhatWasTooMuch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := mill{processors: 4, hint: 4, perRequest: 50 * time.Millisecond, perRow: 500 * time.Microsecond}.fresh()
		var refused atomic.Int32
		c, err := dataverse.New("https://contoso.crm4.dynamics.com", token("t"), &dataverse.Options{
			HTTP: handler{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				r.Body = io.NopCloser(bytes.NewReader(body))
				if bytes.Count(body, []byte(`"@odata.type"`)) > 300 {
					refused.Add(1)
					fault(413, "", "too large")(w, r)
					return
				}
				m.ServeHTTP(w, r)
			})},
		})
		if err != nil {
			t.Fatal(err)
		}
		bulk(t, c, people(8000))
		if n := refused.Swap(0); n == 0 || n > 20 {
			t.Errorf("the first: %d refused", n)
		}
		bulk(t, c, people(8000))
		if n := refused.Swap(0); n != 0 {
			t.Errorf("the second: %d refused", n)
		}
		time.Sleep(6 * time.Minute)
		bulk(t, c, people(8000))
		if n := refused.Swap(0); n == 0 {
			t.Error("more was never tried again")
		}
	})
}

// TestBulkHalvesAtTheFirstTimeout: a chunk that takes longer than an attempt
// may is sent in smaller ones, not again as it is.
func TestBulkHalvesAtTheFirstTimeout(t *testing.T) {
	for _, singly := range []bool{false, true} {
		t.Run(map[bool]string{false: "CreateMultiple", true: "$batch"}[singly], func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := &metadataServer{}
				var mu sync.Mutex
				sizes := map[int]int{}
				c, err := dataverse.New("https://contoso.crm4.dynamics.com", token("t"), &dataverse.Options{HTTP: ending{handler{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					body, _ := io.ReadAll(r.Body)
					n := bytes.Count(body, []byte("lastname"))
					if n == 0 {
						r.Body = io.NopCloser(bytes.NewReader(body))
						m.ServeHTTP(w, r)
						return
					}
					mu.Lock()
					sizes[n]++
					mu.Unlock()
					if n > 25 {
						<-r.Context().Done()
						return
					}
					if singly {
						parts := strings.Repeat("--b\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n\r\n", n)
						answer(200, parts+"--b--\r\n", "Content-Type", "multipart/mixed; boundary=b")(w, r)
						return
					}
					answer(200, `{"Ids":["`+strings.Repeat(string(idA)+`","`, n-1)+string(idA)+`"]}`)(w, r)
				})}}})
				if err != nil {
					t.Fatal(err)
				}
				cs := people(100)
				if singly {
					for i := range cs.Writes {
						cs.Writes[i].Operation, cs.Writes[i].PrimaryKey = dataverse.Upsert, "" // goes by no bulk message
					}
				}
				bulk(t, c, cs)
				if sizes[100] != 1 || sizes[50] != 2 || sizes[25] != 4 {
					t.Errorf("%v", sizes)
				}
			})
		})
	}
}
