package dataverse_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/dataverse/simulator"
)

func person(i int, id dataverse.GUID, name string) dataverse.Write {
	return dataverse.Write{
		Operation: dataverse.Create, Table: "contact", EntitySet: "contacts", PrimaryKey: "contactid", ID: id, Source: fmt.Sprintf("people[%d]", i),
		Body: []dataverse.Property{{Name: "lastname", Value: name}},
	}
}

func numbered(i int) dataverse.GUID {
	return dataverse.GUID(fmt.Sprintf("00000000-0000-0000-0001-%012d", i))
}

func TestBulkUsesTheBulkMessages(t *testing.T) {
	_, c := simulated(t, nil)
	cs := &dataverse.ChangeSet{}
	for i := range 250 {
		cs.Writes = append(cs.Writes, person(i, "", fmt.Sprint("P", i)))
	}
	var reported int
	var mu sync.Mutex
	var seen []dataverse.Exchange
	ctx := dataverse.WithObserver(t.Context(), func(x dataverse.Exchange) {
		mu.Lock()
		seen = append(seen, x)
		mu.Unlock()
	})
	written, err := c.Bulk(ctx, cs, &dataverse.BulkOptions{ChunkSize: 100, Report: func(ws []dataverse.Written) {
		mu.Lock()
		reported += len(ws)
		mu.Unlock()
	}})
	if err != nil {
		t.Fatal(err)
	}
	for i, w := range written {
		if w.Err != nil || w.ID == "" || w.Index != i {
			t.Fatalf("%+v", w)
		}
		if i%100 == 7 { // the ids belong to their rows
			row, err := c.Get(t.Context(), &dataverse.Query{EntitySet: "contacts", ID: w.ID, Select: []string{"lastname"}})
			if err != nil || row.Text("lastname") != fmt.Sprint("P", i) {
				t.Errorf("row %d: %v %v", i, row, err)
			}
		}
	}
	if reported != 250 || len(seen) != 3 || !strings.HasSuffix(seen[0].Path, "CreateMultiple") {
		t.Errorf("%d reported, %d requests", reported, len(seen))
	}
	if seen[0].Operations[0].Records == 0 {
		t.Errorf("%+v", seen[0])
	}
}

func TestBulkRefusedWritesDoNotStopTheOthers(t *testing.T) {
	_, c := simulated(t, nil)
	cs := &dataverse.ChangeSet{}
	for i := range 60 {
		w := person(i, numbered(i), "Fine")
		if i%20 == 3 {
			w.Body[0].Value = strings.Repeat("too long ", 20)
		}
		cs.Writes = append(cs.Writes, w)
	}
	// A task for each person: those of refused people are not sent.
	for i := range 60 {
		cs.Writes = append(cs.Writes, dataverse.Write{
			Operation: dataverse.Create, Table: "task", EntitySet: "tasks", PrimaryKey: "activityid", Source: fmt.Sprintf("tasks[%d]", i),
			Body: []dataverse.Property{
				{Name: "subject", Value: "Call"},
				{Name: "regardingobjectid_contact_task", Value: dataverse.Bind{EntitySet: "contacts", ID: numbered(i)}, Lookup: true},
			},
		})
	}
	written, err := c.Bulk(t.Context(), cs, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, w := range written {
		refused := i%60%20 == 3
		switch {
		case !refused && w.Err != nil:
			t.Errorf("%d: %v", i, w.Err)
		case refused && i < 60:
			var e *dataverse.Error
			if !errors.As(w.Err, &e) || e.Code != dataverse.CodeStringLengthTooLong || e.Source != cs.Writes[i].Source || e.Write != i {
				t.Errorf("%d: %v", i, w.Err)
			}
		case refused:
			if !errors.Is(w.Err, dataverse.ErrNotWritten) {
				t.Errorf("%d: %v", i, w.Err)
			}
		}
	}
	if n := len(collect(t, c, contacts(dataverse.Compare{Column: "lastname", Op: dataverse.Eq, Value: "Fine"}))); n != 57 {
		t.Errorf("%d people", n)
	}
	tasks := collect(t, c, &dataverse.Query{EntitySet: "tasks", Select: []string{"_regardingobjectid_value"}})
	if len(tasks) != 57 {
		t.Errorf("%d tasks", len(tasks))
	}
}

func TestBulkLinksToRowsThatTheServiceNames(t *testing.T) {
	_, c := simulated(t, nil)
	cs := &dataverse.ChangeSet{}
	for i := range 5 {
		cs.Writes = append(cs.Writes, person(i, "", fmt.Sprint("P", i)))
		cs.Writes = append(cs.Writes, dataverse.Write{
			Operation: dataverse.Create, Table: "task", EntitySet: "tasks", PrimaryKey: "activityid",
			Body: []dataverse.Property{{Name: "regardingobjectid_contact_task", Value: dataverse.Bind{Ref: 2*i + 1}, Lookup: true}},
		})
	}
	written, err := c.Bulk(t.Context(), cs, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 1; i < len(written); i += 2 {
		if written[i].Err != nil {
			t.Fatal(written[i].Err)
		}
		row, err := c.Get(t.Context(), &dataverse.Query{EntitySet: "tasks", ID: written[i].ID, Select: []string{"_regardingobjectid_value"}})
		if err != nil || row.Text("_regardingobjectid_value") != string(written[i-1].ID) {
			t.Errorf("%d: %v %v", i, row, err)
		}
	}
	if cs.Writes[1].Body[0].Value != (dataverse.Bind{Ref: 1}) {
		t.Error("Bulk changed its argument")
	}
}

func TestBulkOfAllOperationsInOrderOfTheirRows(t *testing.T) {
	_, c := simulated(t, nil)
	cs := &dataverse.ChangeSet{Writes: []dataverse.Write{
		person(0, idA, "First"),
		{Operation: dataverse.Update, Table: "contact", EntitySet: "contacts", PrimaryKey: "contactid", ID: idA, Body: []dataverse.Property{{Name: "lastname", Value: "Second"}}},
		{Operation: dataverse.Update, Table: "contact", EntitySet: "contacts", PrimaryKey: "contactid", ID: idA, Body: []dataverse.Property{{Name: "lastname", Value: "Third"}}},
		{Operation: dataverse.Upsert, Table: "contact", EntitySet: "contacts", PrimaryKey: "contactid", ID: idB, Body: []dataverse.Property{{Name: "lastname", Value: "New"}}},
		{Operation: dataverse.Upsert, Table: "contact", EntitySet: "contacts", PrimaryKey: "contactid", ID: idC, Body: []dataverse.Property{{Name: "lastname", Value: "Gone"}}},
		{Operation: dataverse.Delete, Table: "contact", EntitySet: "contacts", ID: idC},
		{Operation: dataverse.Update, Table: "contact", EntitySet: "contacts", PrimaryKey: "contactid", ID: numbered(1), Body: []dataverse.Property{{Name: "lastname", Value: "Nobody"}}},
	}}
	written, err := c.Bulk(t.Context(), cs, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, w := range written {
		if (w.Err != nil) != (i == 6) {
			t.Errorf("%d: %v", i, w.Err)
		}
	}
	if !errors.Is(written[6].Err, dataverse.ErrNotFound) {
		t.Errorf("update of nobody: %v", written[6].Err)
	}
	names := map[string]bool{}
	for _, r := range collect(t, c, &dataverse.Query{EntitySet: "contacts", Select: []string{"lastname"}}) {
		names[r.Text("lastname")] = true
	}
	if len(names) != 2 || !names["Third"] || !names["New"] {
		t.Errorf("%v", names)
	}
}

// TestBulkOrdersWritesOfOneKey: rows named by alternate key are kept in order
// as those named by id, however the key is spelled.
func TestBulkOrdersWritesOfOneKey(t *testing.T) {
	m := &metadataServer{}
	var mu sync.Mutex
	var sent []string // the values of each request
	c, err := dataverse.New("https://contoso.crm4.dynamics.com", token("t"), &dataverse.Options{HTTP: handler{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		values := regexp.MustCompile(`"lastname":"([^"]*)"`).FindAllSubmatch(body, -1)
		if len(values) == 0 {
			r.Body = io.NopCloser(bytes.NewReader(body))
			m.ServeHTTP(w, r)
			return
		}
		all := ""
		for _, v := range values {
			all += string(v[1])
		}
		mu.Lock()
		sent = append(sent, all)
		mu.Unlock()
		answer(200, strings.Repeat("--b\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n\r\n", len(values))+"--b--\r\n",
			"Content-Type", "multipart/mixed; boundary=b")(w, r)
	})}})
	if err != nil {
		t.Fatal(err)
	}
	upsert := func(name string, key ...dataverse.Property) dataverse.Write {
		return dataverse.Write{Operation: dataverse.Upsert, Table: "contact", EntitySet: "contacts", PrimaryKey: "contactid", Key: key,
			Body: []dataverse.Property{{Name: "lastname", Value: name}}}
	}
	text := func(v string) dataverse.Property { return dataverse.Property{Name: "new_text", Value: v} }
	number := func(v int) dataverse.Property { return dataverse.Property{Name: "new_number", Value: v} }
	bulk(t, c, &dataverse.ChangeSet{Writes: []dataverse.Write{
		upsert("a", text("Key"), number(1)),
		upsert("b", text("Key"), number(2)),
		upsert("c", number(1), text("KEY")),
		upsert("d", text("Key"), number(1)),
	}})
	if got := strings.Join(sent, " "); got != "ab c d" {
		t.Errorf("sent %s", got)
	}
}

func TestBulkAgainLeavesWhatIsThere(t *testing.T) {
	_, c := simulated(t, nil)
	cs := &dataverse.ChangeSet{}
	for i := range 20 {
		cs.Writes = append(cs.Writes, person(i, numbered(i), "X"))
	}
	half := &dataverse.ChangeSet{Writes: cs.Writes[:10]}
	if _, err := c.Bulk(t.Context(), half, nil); err != nil {
		t.Fatal(err)
	}
	written, err := c.Bulk(t.Context(), cs, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, w := range written {
		if w.Err != nil || w.Unchanged != (i < 10) || w.ID != numbered(i) {
			t.Errorf("%d: %+v", i, w)
		}
	}
}

// TestBulkShrinksWhatIsTooLarge meets a service that takes 8 rows at a time.
func TestBulkShrinksWhatIsTooLarge(t *testing.T) {
	var mu sync.Mutex
	sizes := map[int]int{}
	m := &metadataServer{}
	service := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "CreateMultiple") {
			m.ServeHTTP(w, r)
			return
		}
		body, _ := io.ReadAll(r.Body)
		n := strings.Count(string(body), `"@odata.type":"Microsoft.Dynamics.CRM.contact"`)
		mu.Lock()
		sizes[n]++
		mu.Unlock()
		if n > 8 {
			fault(500, dataverse.CodeSQLTimeout, "SQL timeout expired.")(w, r)
			return
		}
		answer(200, `{"Ids":["`+strings.Repeat(string(idA)+`","`, n-1)+string(idA)+`"]}`)(w, r)
	})
	synctest.Test(t, func(t *testing.T) {
		c, err := dataverse.New("https://contoso.crm4.dynamics.com", token("t"), &dataverse.Options{HTTP: handler{service}, MaxRetries: -1})
		if err != nil {
			t.Fatal(err)
		}
		cs := &dataverse.ChangeSet{}
		for i := range 200 {
			cs.Writes = append(cs.Writes, person(i, numbered(i), "X"))
		}
		written, err := c.Bulk(t.Context(), cs, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range written {
			if w.Err != nil || w.ID != idA {
				t.Fatalf("%+v", w)
			}
		}
		if sizes[100] == 0 {
			t.Errorf("sizes %v", sizes)
		}
	})
}

func TestBulkEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := simulated(t, nil)
		s.Fail(simulator.Fault{Kind: simulator.FaultRequests, RetryAfter: "60", Path: "contacts*", Count: -1})
		s.Fail(simulator.Fault{Kind: simulator.FaultRequests, RetryAfter: "60", Table: "contact", Count: -1})
		cs := &dataverse.ChangeSet{}
		for i := range 20 {
			cs.Writes = append(cs.Writes, person(i, numbered(i), "X"))
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(30*time.Second, cancel)
		start := time.Now()
		written, err := c.Bulk(ctx, cs, nil)
		if !errors.Is(err, context.Canceled) || time.Since(start) > 31*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		for _, w := range written {
			if !errors.Is(w.Err, context.Canceled) {
				t.Errorf("%+v", w)
			}
		}
	})
}

// TestBulkWithoutIDsIsNotSentTwice: what the service may have done, in more
// time or with a longer answer than it was given, is not sent in halves where a
// second row would come of it.
func TestBulkWithoutIDsIsNotSentTwice(t *testing.T) {
	for name, do := range map[string]struct {
		opts    dataverse.Options
		service func(r *http.Request)
		want    error
	}{
		"time limit":  {dataverse.Options{}, func(r *http.Request) { <-r.Context().Done() }, dataverse.ErrUnavailable},
		"long answer": {dataverse.Options{MaxResponseBytes: 64 << 10}, func(*http.Request) {}, dataverse.ErrTooLarge},
	} {
		for _, operation := range []string{"CreateMultiple", "$batch"} {
			t.Run(name+"/"+operation, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					m := &metadataServer{}
					var sent atomic.Int32
					opts := do.opts
					opts.HTTP = ending{handler{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						body, _ := io.ReadAll(r.Body)
						if !strings.Contains(string(body), "lastname") {
							r.Body = io.NopCloser(bytes.NewReader(body))
							m.ServeHTTP(w, r)
							return
						}
						if !strings.HasSuffix(r.URL.Path, operation) {
							t.Errorf("sent to %s", r.URL.Path)
						}
						sent.Add(1)
						do.service(r)
						answer(200, `{"Ids":["`+strings.Repeat(" ", 64<<10)+`"]}`)(w, r)
					})}}
					c, err := dataverse.New("https://contoso.crm4.dynamics.com", token("t"), &opts)
					if err != nil {
						t.Fatal(err)
					}
					cs := &dataverse.ChangeSet{Writes: []dataverse.Write{named("A", ""), named("B", ""), named("C", ""), named("D", "")}}
					if operation == "$batch" {
						for i := range cs.Writes {
							cs.Writes[i].PrimaryKey = "" // goes by no bulk message
						}
					}
					written, err := c.Bulk(t.Context(), cs, nil)
					if err != nil || sent.Load() != 1 {
						t.Errorf("%v; sent %d times", err, sent.Load())
					}
					for _, w := range written {
						if !errors.Is(w.Err, do.want) {
							t.Errorf("%+v", w)
						}
					}
				})
			})
		}
	}
}

// ending is a transport that gives no answer once the request has ended.
type ending struct{ http.RoundTripper }

func (e ending) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := e.RoundTripper.RoundTrip(r)
	if r.Context().Err() != nil {
		return nil, r.Context().Err()
	}
	return resp, err
}

// TestBulkPartThatMayBeDoneIsNotSentTwice: a row whose id the service picks is
// sent again only where it was surely not made.
func TestBulkPartThatMayBeDoneIsNotSentTwice(t *testing.T) {
	for status, again := range map[int]bool{500: false, 504: false, 429: true} {
		for _, own := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				part := "--batchresponse_7f0a\nContent-Type: application/http\n\nHTTP/1.1 %d X\nContent-Type: application/json\n\n{}\n--batchresponse_7f0a--\n"
				b := newBubble(t, dataverse.Options{}, batchAnswer(200, fmt.Sprintf(part, status)), batchAnswer(200, fmt.Sprintf(part, 204)))
				w := dataverse.Write{Operation: dataverse.Create, EntitySet: "contacts", PrimaryKey: "contactid"}
				if own {
					w.ID = idA
				}
				written, err := b.Bulk(t.Context(), &dataverse.ChangeSet{Writes: []dataverse.Write{w}}, nil)
				if err != nil {
					t.Fatal(err)
				}
				e, _ := errors.AsType[*dataverse.Error](written[0].Err)
				if twice := len(b.sent) == 2; twice != (again || own) || (e == nil) != twice || e != nil && !e.MayBeDone {
					t.Errorf("%d, own id %v: %v after %d requests", status, own, written[0].Err, len(b.sent))
				}
			})
		}
	}
}

// TestBulkPartThatWaitsWhenTheRunEnds: what an attempt may have done is not
// forgotten while the next one waits for its time.
func TestBulkPartThatWaitsWhenTheRunEnds(t *testing.T) {
	for status, mayBeDone := range map[int]bool{500: true, 429: false} {
		synctest.Test(t, func(t *testing.T) {
			part := fmt.Sprintf("--batchresponse_7f0a\nContent-Type: application/http\n\nHTTP/1.1 %d X\nContent-Type: application/json\n\n{}\n--batchresponse_7f0a--\n", status)
			b := newBubble(t, dataverse.Options{}, batchAnswer(200, part))
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			time.AfterFunc(time.Millisecond, cancel)
			w := dataverse.Write{Operation: dataverse.Update, EntitySet: "contacts", ID: idA, Body: []dataverse.Property{{Name: "lastname", Value: "A"}}}
			written, err := b.Bulk(ctx, &dataverse.ChangeSet{Writes: []dataverse.Write{w}}, nil)
			if !errors.Is(err, context.Canceled) || !errors.Is(written[0].Err, context.Canceled) || len(b.sent) != 1 {
				t.Fatalf("%d: %v, %v after %d requests", status, err, written[0].Err, len(b.sent))
			}
			if e, ok := errors.AsType[*dataverse.Error](written[0].Err); (ok && e.MayBeDone) != mayBeDone {
				t.Errorf("%d: %v", status, written[0].Err)
			}
		})
	}
}

// TestBulkCreateRefusedForAnotherRow: a duplicate of an id that is not there is
// one of a key, and nothing was written.
func TestBulkCreateRefusedForAnotherRow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		part := "--batchresponse_7f0a\nContent-Type: application/http\n\nHTTP/1.1 412 Precondition Failed\nContent-Type: application/json\n\n" +
			`{"error":{"code":"` + dataverse.CodeDuplicateRecord + `","message":"x"}}` + "\n--batchresponse_7f0a--\n"
		b := newBubble(t, dataverse.Options{}, batchAnswer(200, part), noRows)
		written, err := b.Bulk(t.Context(), &dataverse.ChangeSet{Writes: []dataverse.Write{{Operation: dataverse.Create, EntitySet: "contacts", PrimaryKey: "contactid", ID: idA}}}, nil)
		if err != nil || !errors.Is(written[0].Err, dataverse.ErrDuplicate) || written[0].Unchanged || len(b.sent) != 2 {
			t.Errorf("%v %+v after %d requests", err, written, len(b.sent))
		}
	})
}
