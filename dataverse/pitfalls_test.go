package dataverse_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/dataverse/simulator"
)

// What shipped broken in other clients, one test each, in the order of the
// project's list.

// bubble is a client in a bubble of synctest, whose answers come in turn.
type bubble struct {
	*dataverse.Client
	opts dataverse.Options
	mu   sync.Mutex
	sent []sent
}

func newBubble(t *testing.T, opts dataverse.Options, answers ...http.HandlerFunc) *bubble {
	b := &bubble{}
	opts.HTTP = handler{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		b.mu.Lock()
		next := answers[min(len(b.sent), len(answers)-1)]
		b.sent = append(b.sent, sent{r.Method, r.RequestURI, string(body), r.Header})
		b.mu.Unlock()
		next(w, r)
	})}
	c, err := dataverse.New("https://contoso.crm4.dynamics.com", token("t"), &opts)
	if err != nil {
		t.Fatal(err)
	}
	b.Client, b.opts = c, opts
	return b
}

func (b *bubble) read(ctx context.Context) error {
	for _, err := range b.Query(ctx, contacts(nil)) {
		return err
	}
	return nil
}

var noRows = answer(200, `{"value":[]}`)

func TestPitfall01RetryAfter(t *testing.T) {
	in := func(format string) func() string {
		return func() string { return time.Now().Add(90 * time.Second).UTC().Format(format) }
	}
	fixed := func(s string) func() string { return func() string { return s } }
	for name, tt := range map[string]struct {
		header   func() string
		min, max time.Duration
	}{
		"seconds":  {fixed("7"), 7 * time.Second, 8 * time.Second},
		"float":    {fixed("1.5"), 1500 * time.Millisecond, 2 * time.Second},
		"RFC 1123": {in(http.TimeFormat), 89 * time.Second, 91 * time.Second},
		"RFC 850":  {in("Monday, 02-Jan-06 15:04:05 GMT"), 89 * time.Second, 91 * time.Second},
		"asctime":  {in(time.ANSIC), 89 * time.Second, 91 * time.Second},
		"negative": {fixed("-5"), 0, time.Second},
		"nonsense": {fixed("soon"), 0, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBubble(t, dataverse.Options{}, fault(429, "0x80072322", "x", "Retry-After", tt.header()), noRows)
				start := time.Now()
				if err := b.read(t.Context()); err != nil {
					t.Fatal(err)
				}
				if d := time.Since(start); d < tt.min || d > tt.max {
					t.Errorf("waited %v, want %v to %v", d, tt.min, tt.max)
				}
			})
		})
	}
	// An advice of days is refused, not taken for leave to ask at once; the
	// service is asked again after a day.
	for _, header := range []string{"86400", "172800", "9223372036", "99999999999", "1e30", strings.Repeat("9", 400), "Fri, 31 Dec 2999 23:59:59 GMT"} {
		t.Run("days", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBubble(t, dataverse.Options{}, fault(429, "0x80072322", "x", "Retry-After", header), noRows)
				for range 3 {
					err := b.read(t.Context())
					var e *dataverse.Error
					if !errors.Is(err, dataverse.ErrThrottled) || !errors.As(err, &e) || e.RetryAfter < 24*time.Hour {
						t.Errorf("%.20s: %v", header, err)
					}
				}
				if len(b.sent) != 1 {
					t.Errorf("%.20s: %d requests", header, len(b.sent))
				}
				time.Sleep(24 * time.Hour) // the bubble's
				if err := b.read(t.Context()); err != nil {
					t.Errorf("%.20s: a day later: %v", header, err)
				}
			})
		})
	}
	for _, header := range []string{"Inf", "NaN", "-1e999", "1 hour"} {
		synctest.Test(t, func(t *testing.T) {
			b := newBubble(t, dataverse.Options{}, fault(429, "0x80072322", "x", "Retry-After", header), noRows)
			if err := b.read(t.Context()); err != nil || len(b.sent) != 2 {
				t.Errorf("%s: %v after %d requests", header, err, len(b.sent))
			}
		})
	}
	t.Run("beyond the cap", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := newBubble(t, dataverse.Options{MaxRetryWait: time.Minute}, fault(429, dataverse.CodeThrottleTime, "x", "Retry-After", "3600"), noRows)
			start := time.Now()
			err := b.read(t.Context())
			var e *dataverse.Error
			if !errors.Is(err, dataverse.ErrThrottled) || !errors.As(err, &e) || e.RetryAfter != time.Hour {
				t.Errorf("got %v", err)
			}
			if time.Since(start) > time.Second || len(b.sent) != 1 {
				t.Errorf("%d requests in %v", len(b.sent), time.Since(start))
			}
			// The next request of this identity is not sent early either.
			if err := b.read(t.Context()); !errors.Is(err, dataverse.ErrThrottled) || len(b.sent) != 1 {
				t.Errorf("got %v after %d requests", err, len(b.sent))
			}
		})
	})
	t.Run("beyond the deadline", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := newBubble(t, dataverse.Options{}, fault(429, dataverse.CodeThrottleTime, "x", "Retry-After", "60"), noRows)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			start := time.Now()
			if err := b.read(ctx); !errors.Is(err, dataverse.ErrThrottled) || time.Since(start) > time.Second {
				t.Errorf("got %v after %v", err, time.Since(start))
			}
		})
	})
}

func TestPitfall02HTMLFromAGateway(t *testing.T) {
	page := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(status)
			io.WriteString(w, "<html><body>Bad gateway</body></html>")
		}
	}
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, dataverse.Options{}, page(502), page(503), noRows)
		if err := b.read(t.Context()); err != nil || len(b.sent) != 3 {
			t.Errorf("%v after %d requests", err, len(b.sent))
		}
	})
	synctest.Test(t, func(t *testing.T) { // the service picks the id: not safe to repeat
		b := newBubble(t, dataverse.Options{}, page(502))
		_, err := b.Apply(t.Context(), &dataverse.ChangeSet{Writes: []dataverse.Write{{Operation: dataverse.Create, Table: "contact", EntitySet: "contacts"}}})
		var e *dataverse.Error
		if !errors.As(err, &e) || !errors.Is(err, dataverse.ErrUnavailable) || e.Message != "<html><body>Bad gateway</body></html>" || len(b.sent) != 1 {
			t.Errorf("%v after %d requests", err, len(b.sent))
		}
		if strings.Contains(err.Error(), "html") {
			t.Errorf("the page is in the text: %v", err)
		}
	})
	// Nor after a 503 that does not say when to come back: a gateway gives it,
	// too, whose service may have acted.
	for _, retryAfter := range []string{"", "1"} {
		synctest.Test(t, func(t *testing.T) {
			b := newBubble(t, dataverse.Options{}, html(503, "Retry-After", retryAfter), answer(204, ""))
			_, err := b.Apply(t.Context(), &dataverse.ChangeSet{Writes: []dataverse.Write{{Operation: dataverse.Create, Table: "contact", EntitySet: "contacts"}}})
			if sentOnce := errors.Is(err, dataverse.ErrUnavailable) && len(b.sent) == 1; sentOnce != (retryAfter == "") {
				t.Errorf("503, Retry-After %q: %v after %d requests", retryAfter, err, len(b.sent))
			}
		})
	}
}

func TestPitfall03ThrottleCodes(t *testing.T) {
	// As the service writes them, not as our constants do.
	for _, code := range []string{"0x80072321", "0x80072322", "0x80072326"} {
		synctest.Test(t, func(t *testing.T) {
			b := newBubble(t, dataverse.Options{MaxRetries: -1}, fault(429, code, "x"))
			err := b.read(t.Context())
			var e *dataverse.Error
			if !errors.Is(err, dataverse.ErrThrottled) || !errors.As(err, &e) || e.Code != code || e.Reason() == "" {
				t.Errorf("%s: got %v", code, err)
			}
		})
	}
	// The limit of concurrent requests asks for fewer at a time; it does not
	// stop those that are not refused.
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, dataverse.Options{MaxRetries: -1}, fault(429, "0x80072326", "x", "Retry-After", "120"), noRows)
		_ = b.read(t.Context())
		start := time.Now()
		if err := b.read(t.Context()); err != nil || time.Since(start) > 0 {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
	synctest.Test(t, func(t *testing.T) { // the others do
		b := newBubble(t, dataverse.Options{MaxRetries: -1}, fault(429, "0x80072322", "x", "Retry-After", "120"), noRows)
		_ = b.read(t.Context())
		start := time.Now()
		b.Client = b.As(token("t")) // another client of the same identity
		if err := b.read(t.Context()); err != nil || time.Since(start) < 119*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

// A store is a service with one row at most; it loses its first answer.
type store struct {
	rows     map[string]int
	lose     int
	requests int
}

func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.requests++
	body, _ := io.ReadAll(r.Body)
	switch {
	case r.Method == http.MethodGet:
		for id := range s.rows {
			fmt.Fprintf(w, `{"value":[{"contactid":%q}]}`, id)
			return
		}
		io.WriteString(w, `{"value":[]}`)
		return
	case strings.Contains(string(body), string(idA)) && s.rows[string(idA)] > 0:
		fault(412, dataverse.CodeDuplicateRecord, "Cannot insert duplicate key.")(w, r)
		return
	case strings.Contains(string(body), string(idA)):
		s.rows[string(idA)]++
	default:
		s.rows[fmt.Sprintf("server-%d", len(s.rows))]++
	}
	if s.lose--; s.lose >= 0 {
		panic(http.ErrAbortHandler)
	}
	answer(204, "", "OData-EntityId", "https://contoso.crm4.dynamics.com/api/data/v9.2/contacts("+string(idA)+")")(w, r)
}

// lossy turns the panic of an aborted handler into what a client sees.
type lossy struct{ http.Handler }

func (l lossy) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	defer func() {
		if recover() != nil {
			err = io.ErrUnexpectedEOF
		}
	}()
	return handler(l).RoundTrip(r)
}

func TestPitfall04LostAnswerOfACreate(t *testing.T) {
	create := func(id dataverse.GUID) *dataverse.ChangeSet {
		return &dataverse.ChangeSet{Writes: []dataverse.Write{{
			Operation: dataverse.Create, Table: "contact", EntitySet: "contacts", PrimaryKey: "contactid", ID: id,
			Body: []dataverse.Property{{Name: "lastname", Value: "A"}},
		}}}
	}
	t.Run("with our id", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &store{rows: map[string]int{}, lose: 1}
			c, _ := dataverse.New("https://contoso.crm4.dynamics.com", token("t"), &dataverse.Options{HTTP: lossy{s}})
			got, err := c.Apply(t.Context(), create(idA))
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != 1 || !got[0].Unchanged || got[0].ID != idA {
				t.Errorf("%+v", got)
			}
			if len(s.rows) != 1 || s.rows[string(idA)] != 1 || s.requests != 3 {
				t.Errorf("rows %v after %d requests", s.rows, s.requests)
			}
		})
	})
	t.Run("with the service's id", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &store{rows: map[string]int{}, lose: 1}
			c, _ := dataverse.New("https://contoso.crm4.dynamics.com", token("t"), &dataverse.Options{HTTP: lossy{s}})
			_, err := c.Apply(t.Context(), create(""))
			if !errors.Is(err, dataverse.ErrUnavailable) || len(s.rows) != 1 {
				t.Errorf("%v; rows %v", err, s.rows)
			}
		})
	})
	t.Run("met on the first try", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &store{rows: map[string]int{string(idA): 1}}
			c, _ := dataverse.New("https://contoso.crm4.dynamics.com", token("t"), &dataverse.Options{HTTP: lossy{s}})
			if _, err := c.Apply(t.Context(), create(idA)); !errors.Is(err, dataverse.ErrDuplicate) {
				t.Errorf("got %v", err)
			}
			there, err := c.Existing(t.Context(), create(idA))
			if err != nil || len(there) != 1 || !there[0] {
				t.Errorf("existing: %v %v", there, err)
			}
		})
	})
}

// TestPitfall04LostAnswerOfWhatWasNotDone: what refuses the second attempt may
// have been there before the first, which then did nothing.
func TestPitfall04LostAnswerOfWhatWasNotDone(t *testing.T) {
	gone := dataverse.Write{Operation: dataverse.Delete, Table: "contact", EntitySet: "contacts", PrimaryKey: "contactid", ID: idC}
	for name, cs := range map[string]*dataverse.ChangeSet{
		"one of two creates is there": {Writes: []dataverse.Write{named("B", idB), named("A", idA)}},
		"what is deleted is gone":     {Writes: []dataverse.Write{named("B", idB), gone}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, c := simulated(t, nil)
				if _, err := c.Apply(t.Context(), &dataverse.ChangeSet{Writes: []dataverse.Write{named("before", idA)}}); err != nil {
					t.Fatal(err)
				}
				s.Fail(simulator.Fault{Kind: simulator.FaultReset, Path: "$batch"})
				_, err := c.Apply(t.Context(), cs)
				if !errors.Is(err, dataverse.ErrDuplicate) && !errors.Is(err, dataverse.ErrNotFound) {
					t.Errorf("%v", err)
				}
				there, err := c.Existing(t.Context(), &dataverse.ChangeSet{Writes: []dataverse.Write{named("B", idB)}})
				if err != nil || there[0] {
					t.Errorf("%v %v", there, err)
				}
			})
		})
	}
}

func TestPitfall05ConcurrentUpserts(t *testing.T) {
	for _, code := range []string{dataverse.CodeDuplicateRecord, dataverse.CodeDuplicateKey} {
		synctest.Test(t, func(t *testing.T) {
			b := newBubble(t, dataverse.Options{}, fault(412, code, "x"), answer(200, `{"contactid":"`+string(idB)+`"}`))
			got, err := b.Apply(t.Context(), &dataverse.ChangeSet{Writes: []dataverse.Write{{
				Operation: dataverse.Upsert, Table: "contact", EntitySet: "contacts", PrimaryKey: "contactid",
				Key: []dataverse.Property{{Name: "new_number", Value: "A1"}},
			}}})
			if err != nil || got[0].ID != idB || len(b.sent) != 2 {
				t.Errorf("%+v %v after %d requests", got, err, len(b.sent))
			}
		})
	}
	// A rule against duplicates refuses it each time: that is no race.
	for name, send := range map[string]func(context.Context, *bubble, *dataverse.ChangeSet) error{
		"change set": func(ctx context.Context, b *bubble, cs *dataverse.ChangeSet) error {
			_, err := b.Apply(ctx, cs)
			return err
		},
		"bulk": func(ctx context.Context, b *bubble, cs *dataverse.ChangeSet) error {
			written, err := b.Bulk(ctx, cs, nil)
			return errors.Join(err, written[0].Err)
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			refused := fault(412, dataverse.CodeDuplicateDetected, "x")
			if name == "bulk" {
				refused = batchAnswer(200, "--batchresponse_7f0a\nContent-Type: application/http\n\nHTTP/1.1 412 Precondition Failed\nContent-Type: application/json\n\n"+
					`{"error":{"code":"`+dataverse.CodeDuplicateDetected+`","message":"x"}}`+"\n--batchresponse_7f0a--\n")
			}
			b := newBubble(t, dataverse.Options{}, refused)
			err := send(t.Context(), b, &dataverse.ChangeSet{Writes: []dataverse.Write{{
				Operation: dataverse.Upsert, EntitySet: "contacts", PrimaryKey: "contactid", Key: []dataverse.Property{{Name: "new_number", Value: "A1"}},
			}}})
			if !errors.Is(err, dataverse.ErrDuplicate) || len(b.sent) != 1 {
				t.Errorf("%s: %v after %d requests", name, err, len(b.sent))
			}
		})
	}
}

func TestPitfall06FiveThousandAndOneRows(t *testing.T) {
	rows := strings.TrimSuffix(strings.Repeat(`{"contactid":"x"},`, 5000), ",")
	var w *wire
	w = newWire(t,
		func(rw http.ResponseWriter, r *http.Request) {
			answer(200, `{"@odata.count":5000,"value":[`+rows+`],"@odata.nextLink":"`+w.URL+`/api/data/v9.2/contacts?$skiptoken=2"}`)(rw, r)
		},
		answer(200, `{"value":[{"contactid":"y"}]}`),
	)
	if got := collect(t, w.client(t, nil), contacts(nil)); len(got) != 5001 {
		t.Errorf("%d rows", len(got))
	}
	// The rows of an expanded collection are cut by the service, too, at 5,000.
	// Its link is there even where nothing was cut (fact sheet, section 4.5).
	tasks := strings.TrimSuffix(strings.Repeat(`{"activityid":"1"},`, 5000), ",")
	w = newWire(t,
		func(rw http.ResponseWriter, r *http.Request) {
			link := `"Account_Tasks@odata.nextLink":"` + w.URL + `/api/data/v9.2/accounts(a)/Account_Tasks?$select=activityid"`
			answer(200, `{"value":[{"accountid":"a","Account_Tasks":[`+tasks+`],`+link+`},{"accountid":"b","Account_Tasks":[{"activityid":"3"}],`+link+`}]}`)(rw, r)
		},
		answer(200, `{"value":[`+tasks+`,{"activityid":"2"}]}`),
	)
	got := collect(t, w.client(t, nil), &dataverse.Query{
		EntitySet: "accounts", Select: []string{"accountid"},
		Expand: []dataverse.Expand{{Property: "Account_Tasks", Collection: true, Select: []string{"activityid"}}},
	})
	for i, want := range []int{5001, 1} {
		if have := len(got[i]["Account_Tasks"].([]dataverse.Record)); have != want {
			t.Errorf("%d expanded rows, want %d", have, want)
		}
	}
}

func TestPitfall07BindUsesTheNavigationPropertyExactly(t *testing.T) {
	r, err := (&dataverse.ChangeSet{Writes: []dataverse.Write{{
		Operation: dataverse.Update, Table: "contact", EntitySet: "contacts", ID: idA,
		Body: []dataverse.Property{
			{Name: "new_CustomLookup", Column: "new_customlookup", Value: nil, Lookup: true},
			{Name: "account", Column: "account", Value: dataverse.Bind{EntitySet: "accounts", ID: idB}, Lookup: true}, // named like its table
		},
	}}}).Request()
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"new_CustomLookup@odata.bind":null,"account@odata.bind":"/accounts(` + string(idB) + `)"}`; string(r.Body) != want {
		t.Errorf("got %s, want %s", r.Body, want)
	}
}

func TestPitfall08KeyColumnsAreNotRepeated(t *testing.T) {
	r, err := (&dataverse.ChangeSet{Writes: []dataverse.Write{{
		Operation: dataverse.Upsert, Table: "contact", EntitySet: "contacts", PrimaryKey: "contactid",
		Key: []dataverse.Property{{Name: "new_number", Value: "O'Brien 1"}, {Name: "_parentcustomerid_value", Value: idB}},
		Body: []dataverse.Property{
			{Name: "new_number", Value: "O'Brien 1"},
			{Name: "parentcustomerid_account", Column: "parentcustomerid", Value: dataverse.Bind{EntitySet: "accounts", ID: idB}, Lookup: true},
			{Name: "lastname", Value: "B"},
		},
	}}}).Request()
	if err != nil {
		t.Fatal(err)
	}
	if string(r.Body) != `{"lastname":"B"}` {
		t.Errorf("body %s", r.Body)
	}
	if want := "contacts(new_number='O''Brien%201',_parentcustomerid_value=" + string(idB) + ")?$select=contactid"; r.Path != want {
		t.Errorf("path %s, want %s", r.Path, want)
	}
	if r.Resource != "contacts(new_number,_parentcustomerid_value)" {
		t.Errorf("resource %s tells values", r.Resource)
	}
	for _, trap := range []string{`a/b`, `a<b`, `a>b`, `a*b`, `a%b`, `a&b`, `a:b`, `a\b`, `a?b`, `a+b`, strings.Repeat("x", 300)} {
		cs := dataverse.ChangeSet{Writes: []dataverse.Write{{Operation: dataverse.Upsert, EntitySet: "contacts", Key: []dataverse.Property{{Name: "new_number", Value: trap}}}}}
		if _, err := cs.Request(); !errors.Is(err, dataverse.ErrKeyNotInURL) || strings.Contains(err.Error(), trap) {
			t.Errorf("key %q: %v", trap, err)
		}
	}
}

func TestPitfall09ReferencedOperationsAskForNoRepresentation(t *testing.T) {
	cs := &dataverse.ChangeSet{Writes: []dataverse.Write{
		{Operation: dataverse.Upsert, EntitySet: "accounts", PrimaryKey: "accountid", Key: []dataverse.Property{{Name: "accountnumber", Value: "1"}}},
		{Operation: dataverse.Create, EntitySet: "contacts", Body: []dataverse.Property{{Name: "parentcustomerid_account", Value: dataverse.Bind{Ref: 1}}}},
	}}
	rs, err := cs.Requests()
	if err != nil {
		t.Fatal(err)
	}
	if rs[0].Header.Get("Prefer") != "" || strings.Contains(rs[0].Path, "$select") {
		t.Errorf("%s", rs[0])
	}
	cs.Writes[1].Body[0].Value = dataverse.Bind{Ref: 2}
	if _, err := cs.Requests(); err == nil {
		t.Error("a write may refer to itself")
	}
}

func TestPitfall10HeadersAndIdentityOfParts(t *testing.T) {
	r, err := meeting().Request()
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(string(r.Body), "HTTP/1.1\r\n")[1:]
	for _, part := range parts {
		if !strings.Contains(part, "Accept: application/json\r\n") || !strings.Contains(part, "Content-Type: application/json\r\n") {
			t.Errorf("part without its headers:\n%s", part)
		}
	}
	if !strings.Contains(parts[2], "If-Match: *\r\n") {
		t.Errorf("condition is not on its part:\n%s", parts[2])
	}
	// A batch has one token: two identities are two clients and two batches.
	w := newWire(t, changeSetAnswer(200))
	c := w.client(t, nil)
	_, _ = c.Apply(t.Context(), meeting())
	_, _ = c.As(token("other")).Apply(t.Context(), meeting())
	sent := w.requests()
	if len(sent) != 2 || sent[0].header.Get("Authorization") != "Bearer t0ken" || sent[1].header.Get("Authorization") != "Bearer other" {
		t.Errorf("%d requests", len(sent))
	}
}

func TestPitfall11NextLinkStaysOnItsHost(t *testing.T) {
	// An answer from elsewhere would be taken: only asking is refused.
	other := newWire(t, answer(200, `{"value":[]}`))
	for _, link := range []string{
		"https://evil.example/api/data/v9.2/contacts?$skiptoken=1", "http://127.0.0.1:1/x", other.URL + "/api/data/v9.2/contacts?$skiptoken=1", "//evil.example/x", "/api/data/v9.2/contacts?x", "contacts?x",
	} {
		w := newWire(t, answer(200, `{"value":[],"@odata.nextLink":"`+link+`"}`))
		var last error
		for _, err := range w.client(t, nil).Query(t.Context(), contacts(nil)) {
			last = err
		}
		if last == nil || len(w.requests()) != 1 || len(other.requests()) != 0 {
			t.Errorf("%s: %v after %d requests", link, last, len(w.requests()))
		}
	}
	// The token leaves by no other scheme, port or name of the same host either.
	for _, origin := range []string{
		"http://contoso.crm4.dynamics.com", "https://contoso.crm4.dynamics.com:444", "https://contoso.crm4.dynamics.com:80", "https://user:pass@contoso.crm4.dynamics.com",
		"https://contoso.crm4.dynamics.com.evil.example", "https://crm4.dynamics.com", `https://evil.example\\@contoso.crm4.dynamics.com`, "ftp://contoso.crm4.dynamics.com",
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newBubble(t, dataverse.Options{}, answer(200, `{"value":[],"@odata.nextLink":"`+origin+`/api/data/v9.2/contacts?$skiptoken=1"}`), noRows)
			if err := b.read(t.Context()); err == nil || len(b.sent) != 1 {
				t.Errorf("%s: %v after %d requests", origin, err, len(b.sent))
			}
		})
	}
	w := newWire(t, func(rw http.ResponseWriter, r *http.Request) {
		http.Redirect(rw, r, "https://evil.example/", http.StatusTemporaryRedirect)
	})
	for _, err := range w.client(t, nil).Query(t.Context(), contacts(nil)) {
		if !errors.Is(err, dataverse.ErrForeign) {
			t.Errorf("redirect: %v", err)
		}
	}
}

func TestPitfall12LongQueryInABatchKeepsItsHeaders(t *testing.T) {
	w := newWire(t, batchAnswer(200, "--batchresponse_7f0a\nContent-Type: application/http\n\nHTTP/1.1 200 OK\nContent-Type: application/json\n\n{\"value\":[{\"contactid\":\"1\"}]}\n--batchresponse_7f0a--\n"))
	in := dataverse.In{Column: "contactid"}
	for i := range 900 {
		in.Values = append(in.Values, dataverse.GUID(fmt.Sprintf("00000000-0000-0000-0000-%012d", i)))
	}
	q := contacts(in)
	q.Annotations = true
	if got := collect(t, w.client(t, nil), q); len(got) != 1 {
		t.Errorf("%d rows", len(got))
	}
	sent := w.requests()
	if len(sent) != 1 || sent[0].method != "POST" || sent[0].uri != "/api/data/v9.2/$batch" || sent[0].header.Get("Authorization") != "Bearer t0ken" {
		t.Fatalf("%d requests, %s %s", len(sent), sent[0].method, sent[0].uri)
	}
	for _, want := range []string{"GET /api/data/v9.2/contacts?$select=contactid,fullname&$filter=Microsoft", "Prefer: odata.include-annotations=", "odata.maxpagesize=5000\r\n", "Accept: application/json\r\n"} {
		if !strings.Contains(sent[0].body, want) {
			t.Errorf("the part lacks %q", want)
		}
	}
	// What is too long for a batch too is sent in parts.
	for i := range 3000 {
		in.Values = append(in.Values, dataverse.GUID(fmt.Sprintf("00000000-0000-0000-0001-%012d", i)))
	}
	if got := collect(t, w.client(t, nil), contacts(in)); len(got) != 4 || len(w.requests()) != 5 {
		t.Errorf("%d rows of %d requests", len(got), len(w.requests())-1)
	}
}

func TestPitfall13DatesDoNotDependOnTheZone(t *testing.T) {
	local := time.Local
	defer func() { time.Local = local }()
	instant := time.Date(2024, 3, 31, 1, 30, 0, 0, time.UTC)
	var first string
	for _, zone := range []*time.Location{time.UTC, time.FixedZone("", -11*3600), time.FixedZone("", 13*3600)} {
		time.Local = zone
		r, err := contacts(dataverse.Compare{Column: "createdon", Op: dataverse.Ge, Value: instant.In(zone)}).Request()
		if err != nil {
			t.Fatal(err)
		}
		if first == "" {
			first = r.Path
		}
		if r.Path != first || !strings.Contains(r.Path, "2024-03-31T01:30:00Z") {
			t.Errorf("in %v: %s", zone, r.Path)
		}
	}
}

func TestPitfall14NoParallelismHint(t *testing.T) {
	w := newWire(t, noRows) // no answer has the header
	c := w.client(t, &dataverse.Options{Parallel: 2})
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			for _, err := range c.Query(t.Context(), contacts(nil)) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := len(w.requests()); n != 20 {
		t.Errorf("%d requests", n)
	}
}

func TestPitfall15PartsHaveAbsolutePaths(t *testing.T) {
	r, err := meeting().Request()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(string(r.Body), "\r\n") {
		if method, rest, ok := strings.Cut(line, " "); ok && strings.HasSuffix(rest, " HTTP/1.1") && !strings.HasPrefix(rest, "/api/data/v9.2/") {
			t.Errorf("%s %s", method, rest)
		}
	}
}

func TestPitfall16CancelDuringAWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, dataverse.Options{}, fault(503, "", "x", "Retry-After", "120"))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(3*time.Second, cancel)
		start := time.Now()
		err := b.read(ctx)
		if !errors.Is(err, context.Canceled) || time.Since(start) != 3*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
	// Another request of the identity waits as long, before it is sent.
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, dataverse.Options{MaxRetries: -1}, fault(429, dataverse.CodeThrottleTime, "x", "Retry-After", "120"), noRows)
		_ = b.read(t.Context())
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(3*time.Second, cancel)
		start := time.Now()
		if err := b.read(ctx); !errors.Is(err, context.Canceled) || time.Since(start) != 3*time.Second || len(b.sent) != 1 {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

func TestPitfall17TheThreeMeaningsOf412(t *testing.T) {
	for code, want := range map[string]error{
		dataverse.CodeVersionMismatch: dataverse.ErrConflict, dataverse.CodeDuplicateRecord: dataverse.ErrDuplicate,
		dataverse.CodeDuplicateKey: dataverse.ErrDuplicate, dataverse.CodeDuplicateDetected: dataverse.ErrDuplicate,
	} {
		w := newWire(t, fault(412, code, "x"))
		_, err := w.client(t, nil).Apply(t.Context(), &dataverse.ChangeSet{Writes: []dataverse.Write{{
			Operation: dataverse.Update, EntitySet: "contacts", ID: idA, IfMatch: `W/"1"`, Body: []dataverse.Property{{Name: "lastname", Value: "B"}},
		}}})
		for _, kind := range []error{dataverse.ErrConflict, dataverse.ErrDuplicate, dataverse.ErrInvalid} {
			if errors.Is(err, kind) != (kind == want) {
				t.Errorf("%s: %v is %v", code, err, kind)
			}
		}
	}
}

func TestPitfall18TheCountIsNotTheTotal(t *testing.T) {
	r, err := contacts(nil).Request()
	if err != nil || strings.Contains(r.Path, "$count") {
		t.Errorf("the client asks for a count: %s %v", r.Path, err)
	}
	var w *wire
	w = newWire(t,
		func(rw http.ResponseWriter, r *http.Request) {
			answer(200, `{"@odata.count":1,"@odata.nextLink":"`+w.URL+`/api/data/v9.2/contacts?$skiptoken=2","value":[{"contactid":"1"}]}`)(rw, r)
		},
		answer(200, `{"@odata.count":1,"value":[{"contactid":"2"}]}`),
	)
	if got := collect(t, w.client(t, nil), contacts(nil)); len(got) != 2 {
		t.Errorf("%d rows", len(got))
	}
}
