package dataverse_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
)

// token is a source that always gives itself.
type token string

func (t token) Token(context.Context) (string, error) { return string(t), nil }

// A wire is a server that answers as the fact sheet says, request by request,
// and keeps what it was sent.
type wire struct {
	*httptest.Server
	mu   sync.Mutex
	sent []sent
}

type sent struct {
	method, uri, body string
	header            http.Header
}

// newWire serves the answers in turn; the last one stays.
func newWire(t testing.TB, answers ...http.HandlerFunc) *wire {
	w := &wire{}
	w.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.mu.Lock()
		answer := answers[min(len(w.sent), len(answers)-1)]
		w.sent = append(w.sent, sent{r.Method, r.RequestURI, string(body), r.Header})
		w.mu.Unlock()
		rw.Header().Set("OData-Version", "4.0")
		answer(rw, r)
	}))
	t.Cleanup(w.Close)
	return w
}

func (w *wire) client(t testing.TB, opts *dataverse.Options) *dataverse.Client {
	c, err := dataverse.New(w.URL, token("t0ken"), opts)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (w *wire) requests() []sent {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]sent(nil), w.sent...)
}

func answer(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json; odata.metadata=minimal")
		w.Header().Set("REQ_ID", "11111111-1111-1111-1111-111111111111")
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

func fault(status int, code, message string, header ...string) http.HandlerFunc {
	return answer(status, fmt.Sprintf(`{"error":{"code":%q,"message":%q}}`, code, message), header...)
}

// batchAnswer answers a $batch; lines are given with LF.
func batchAnswer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "multipart/mixed; boundary=batchresponse_7f0a")
		w.WriteHeader(status)
		io.WriteString(w, strings.ReplaceAll(body, "\n", "\r\n"))
	}
}

// changeSetPart is one member of an answered change set.
func changeSetPart(id int, status, headers, body string) string {
	return fmt.Sprintf("--changesetresponse_d6b1\nContent-Type: application/http\nContent-Transfer-Encoding: binary\nContent-ID: %d\n\nHTTP/1.1 %s\nOData-Version: 4.0\n%s\n%s\n", id, status, headers, body)
}

func changeSetAnswer(status int, parts ...string) http.HandlerFunc {
	return batchAnswer(status, "--batchresponse_7f0a\nContent-Type: multipart/mixed; boundary=changesetresponse_d6b1\n\n"+
		strings.Join(parts, "")+"--changesetresponse_d6b1--\n--batchresponse_7f0a--\n")
}

func collect(t *testing.T, c *dataverse.Client, q *dataverse.Query) []dataverse.Record {
	t.Helper()
	var out []dataverse.Record
	for r, err := range c.Query(t.Context(), q) {
		if err != nil {
			var e *dataverse.Error
			if errors.As(err, &e) {
				t.Log(e.Message)
			}
			t.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}

func TestQueryFollowsPages(t *testing.T) {
	var w *wire
	w = newWire(t,
		func(rw http.ResponseWriter, r *http.Request) {
			answer(200, `{"@odata.context":"x","value":[{"contactid":"1","creditlimit":12345678901234567890.12},{"contactid":"2","Contact_Tasks":[{"subject":"a"}],"owner":{"name":"b"}}],"@odata.nextLink":"`+
				w.URL+`/api/data/v9.2/contacts?$select=contactid&$skiptoken=%3Ccookie%20pagenumber=%222%22%20x=%22%253c%22%20/%3E"}`)(rw, r)
		},
		answer(200, `{"value":[{"contactid":"3"}]}`),
	)
	rows := collect(t, w.client(t, nil), &dataverse.Query{EntitySet: "contacts", Select: []string{"contactid"}, PageSize: 2})
	if len(rows) != 3 {
		t.Fatalf("got %d rows", len(rows))
	}
	if n, _ := rows[0].Number("creditlimit"); n != "12345678901234567890.12" {
		t.Errorf("decimal read as %s", n)
	}
	if tasks, ok := rows[1]["Contact_Tasks"].([]dataverse.Record); !ok || tasks[0].Text("subject") != "a" {
		t.Errorf("expanded rows are %T", rows[1]["Contact_Tasks"])
	}
	if _, ok := rows[1]["owner"].(dataverse.Record); !ok {
		t.Errorf("expanded row is %T", rows[1]["owner"])
	}
	sent := w.requests()
	if want := `/api/data/v9.2/contacts?$select=contactid&$skiptoken=%3Ccookie%20pagenumber=%222%22%20x=%22%253c%22%20/%3E`; sent[1].uri != want {
		t.Errorf("second page asked as\n%s, want\n%s", sent[1].uri, want)
	}
	for _, s := range sent {
		if s.header.Get("Prefer") != "odata.maxpagesize=2" || s.header.Get("Authorization") != "Bearer t0ken" {
			t.Errorf("headers %v", s.header)
		}
	}
}

func TestApplyChangeSet(t *testing.T) {
	created := func(id int, uri string) string {
		return changeSetPart(id, "204 No Content", "OData-EntityId:https://x/api/data/v9.2/"+uri+"\n", "")
	}
	w := newWire(t, changeSetAnswer(200,
		created(1, "appointments("+string(idA)+")"),
		created(2, "annotations("+string(idB)+")"),
		created(3, "contacts("+string(idC)+")"),
	))
	got, err := w.client(t, nil).Apply(t.Context(), meeting())
	if err != nil {
		t.Fatal(err)
	}
	for i, id := range []dataverse.GUID{idA, idB, idC} {
		if got[i].ID != id || got[i].Index != i || got[i].Status != 204 {
			t.Errorf("write %d: %+v", i, got[i])
		}
	}
}

func TestFailedChangeSetNamesItsWrite(t *testing.T) {
	refused := changeSetPart(2, "400 Bad Request", "REQ_ID: cbd53703-aee5-4563-a416-a65dcc268e7b\nContent-Type: application/json\n",
		`{"error":{"code":"0x80044331","message":"The length of the 'subject' attribute, value MARKER"}}`)
	for _, outer := range []int{400, 200} {
		w := newWire(t, changeSetAnswer(outer, refused))
		var seen []dataverse.Exchange
		ctx := dataverse.WithObserver(t.Context(), func(x dataverse.Exchange) { seen = append(seen, x) })
		_, err := w.client(t, nil).Apply(ctx, meeting())
		var e *dataverse.Error
		if !errors.As(err, &e) {
			t.Fatalf("got %v", err)
		}
		if e.Write != 1 || e.Source != "notes[0]" || e.Status != 400 || e.Code != dataverse.CodeStringLengthTooLong ||
			e.Table != "annotation" || e.Method != "POST" || e.Path != "annotations" || e.RequestID != "cbd53703-aee5-4563-a416-a65dcc268e7b" {
			t.Errorf("%+v", e)
		}
		if !errors.Is(err, dataverse.ErrInvalid) || strings.Contains(err.Error(), "MARKER") {
			t.Errorf("error %v", err)
		}
		if len(seen) != 1 || len(seen[0].Operations) != 3 || seen[0].Operations[1].Status != 400 || seen[0].Operations[0].Status != 0 || seen[0].Operations[0].ChangeSet != 1 {
			t.Errorf("observed %+v", seen)
		}
	}
}

// TestRowsStream reads many pages and looks at the memory between them: what is
// kept does not grow with the number of rows.
func TestRowsStream(t *testing.T) {
	const pages = 40
	rows := strings.TrimSuffix(strings.Repeat(`{"contactid":"00000000-0000-0000-0000-00000000000a","fullname":"Ada Lovelace"},`, 5000), ",")
	page := 0
	var w *wire
	w = newWire(t, func(rw http.ResponseWriter, r *http.Request) {
		link := ""
		if page++; page < pages {
			link = fmt.Sprintf(`,"@odata.nextLink":"%s/api/data/v9.2/contacts?$skiptoken=%d"`, w.URL, page)
		}
		answer(200, `{"value":[`+rows+`]`+link+`}`)(rw, r)
	})
	n, most := 0, uint64(0)
	for _, err := range w.client(t, nil).Query(t.Context(), contacts(nil)) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n%50000 == 0 {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapAlloc)
		}
	}
	if n != pages*5000 || most > 32<<20 {
		t.Errorf("%d rows with %d MiB in use", n, most>>20)
	}
}
