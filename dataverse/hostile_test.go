package dataverse_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
)

// What stands between client and service breaks answers in ways of its own.
// None of them is taken for a success, and none leads the token elsewhere.

// html is the page of a gateway or of a login.
func html(status int, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		io.WriteString(w, "<html><body>Sign in</body></html>")
	}
}

// compressed answers in gzip, less the last bytes.
func compressed(body string, less int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		io.WriteString(z, body)
		z.Close()
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(b.Bytes()[:b.Len()-less])
	}
}

// broken promises more than it sends.
func broken(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", "1000")
	io.WriteString(w, `{"value":[{"contactid":"1"}`)
}

func TestBrokenAnswerIsReadAgain(t *testing.T) {
	const page = `{"value":[{"contactid":"1"}]}`
	for name, first := range map[string]http.HandlerFunc{
		"body that ends early": broken,
		"gzip that ends early": compressed(page, 12),
		"gzip with a bad sum":  compressed(page, 4),
		"503 in HTML, a date":  html(503, "Retry-After", time.Now().UTC().Format(http.TimeFormat)),
		"504 in HTML":          html(504),
	} {
		w := newWire(t, first, compressed(page, 0))
		if rows := collect(t, w.client(t, nil), contacts(nil)); len(rows) != 1 || len(w.requests()) != 2 {
			t.Errorf("%s: %d rows after %d requests", name, len(rows), len(w.requests()))
		}
	}
}

// TestRetryAfterDateIsByTheClockOfTheService: ours is an hour ahead.
func TestRetryAfterDateIsByTheClockOfTheService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		service := time.Now().Add(-time.Hour).UTC()
		b := newBubble(t, dataverse.Options{}, fault(429, dataverse.CodeThrottleRequests, "x",
			"Date", service.Format(http.TimeFormat), "Retry-After", service.Add(40*time.Second).Format(http.TimeFormat)), noRows)
		start := time.Now()
		if err := b.read(t.Context()); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(start); d < 40*time.Second || d > 41*time.Second {
			t.Errorf("came back after %v, asked to wait 40s", d)
		}
	})
}

// TestThrottleCodeUnderAnotherStatus: a front end may change the status.
func TestThrottleCodeUnderAnotherStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, dataverse.Options{}, fault(400, dataverse.CodeThrottleTime, "x", "Retry-After", "5"), answer(204, ""))
		start := time.Now()
		_, err := b.Apply(t.Context(), &dataverse.ChangeSet{Writes: []dataverse.Write{{Operation: dataverse.Create, Table: "contact", EntitySet: "contacts"}}})
		if d := time.Since(start); err != nil || d < 5*time.Second || len(b.sent) != 2 {
			t.Errorf("%v after %v", err, d)
		}
	})
}

// TestPageOfAGatewayIsNoSuccess: 200 with HTML is what a login page or a
// captive portal says to any request.
func TestPageOfAGatewayIsNoSuccess(t *testing.T) {
	create := func(id dataverse.GUID) *dataverse.ChangeSet {
		return &dataverse.ChangeSet{Writes: []dataverse.Write{{Operation: dataverse.Create, Table: "contact", EntitySet: "contacts", PrimaryKey: "contactid", ID: id}}}
	}
	for name, answers := range map[string]http.HandlerFunc{"200": html(200), "201": html(201), "202": answer(202, "{}"), "empty": answer(200, "")} {
		synctest.Test(t, func(t *testing.T) { // the service picks the id: nobody knows whether there is a row
			b := newBubble(t, dataverse.Options{}, answers, answer(204, ""))
			if got, err := b.Apply(t.Context(), create("")); !errors.Is(err, dataverse.ErrUnreadable) || !errors.Is(err, dataverse.ErrUnavailable) || len(b.sent) != 1 {
				t.Errorf("%s: %+v %v after %d requests", name, got, err, len(b.sent))
			}
		})
		synctest.Test(t, func(t *testing.T) {
			b := newBubble(t, dataverse.Options{}, answers, answer(204, ""))
			if _, err := b.Apply(t.Context(), create(idA)); err != nil || len(b.sent) != 2 {
				t.Errorf("%s, our id: %v after %d requests", name, err, len(b.sent))
			}
		})
		synctest.Test(t, func(t *testing.T) {
			b := newBubble(t, dataverse.Options{MaxRetries: 2}, answers)
			if _, err := b.Apply(t.Context(), meeting()); !errors.Is(err, dataverse.ErrUnreadable) || len(b.sent) != 1 {
				t.Errorf("%s, change set: %v after %d requests", name, err, len(b.sent))
			}
		})
	}
}

// TestBatchAnswerThatIsNotWhole: a change set is a success only if each of its
// operations is, by Content-ID; operations alone are told apart by their order,
// which holds only where all are answered.
func TestBatchAnswerThatIsNotWhole(t *testing.T) {
	made := func(id int) string { return changeSetPart(id, "204 No Content", "", "") }
	whole := made(1) + made(2)
	cs := &dataverse.ChangeSet{}
	for i := range 2 {
		cs.Writes = append(cs.Writes, named("A", numbered(i)))
	}
	for name, first := range map[string]http.HandlerFunc{
		"part missing":      changeSetAnswer(200, made(1)),
		"no part":           changeSetAnswer(200),
		"id twice":          changeSetAnswer(200, made(1), made(1)),
		"id of nothing":     changeSetAnswer(200, made(1), made(7)),
		"no id":             changeSetAnswer(200, made(1), made(0)),
		"one too many":      changeSetAnswer(200, made(1), made(2), made(2)),
		"end missing":       batchAnswer(200, "--batchresponse_7f0a\nContent-Type: multipart/mixed; boundary=changesetresponse_d6b1\n\n"+made(1)),
		"status is no word": changeSetAnswer(200, strings.Replace(whole, "204 No Content", "many", 1)),
		"invalid UTF-8":     changeSetAnswer(200, made(1), "--changesetresponse_d6b1\n\xff\xfe\n\n\xff 204\n"),
		"JSON":              answer(200, "{}"),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBubble(t, dataverse.Options{}, first, changeSetAnswer(200, made(2), made(1)))
				if written, err := b.Apply(t.Context(), cs); err != nil || len(b.sent) != 2 || written[1].ID != numbered(1) {
					t.Errorf("repeatable: %+v %v after %d requests", written, err, len(b.sent))
				}
			})
			synctest.Test(t, func(t *testing.T) {
				b := newBubble(t, dataverse.Options{}, first)
				one := &dataverse.ChangeSet{Writes: []dataverse.Write{named("A", ""), named("B", "")}}
				if _, err := b.Apply(t.Context(), one); !errors.Is(err, dataverse.ErrUnreadable) || len(b.sent) != 1 {
					t.Errorf("not repeatable: %v after %d requests", err, len(b.sent))
				}
			})
		})
	}
	// The answer to the second of five queries is missing: without it the third
	// would pass for the second.
	rows := func(n int) string {
		return fmt.Sprintf("--batchresponse_7f0a\nContent-Type: application/http\n\nHTTP/1.1 200 OK\nContent-Type: application/json\n\n{\"value\":[{\"contactid\":\"%d\"}]}\n", n)
	}
	synctest.Test(t, func(t *testing.T) {
		end := "--batchresponse_7f0a--\n"
		b := newBubble(t, dataverse.Options{}, batchAnswer(200, rows(1)+rows(3)+rows(4)+rows(5)+end), batchAnswer(200, rows(1)+rows(2)+rows(3)+rows(4)+rows(5)+end))
		for i, r := range b.QueryAll(t.Context(), []*dataverse.Query{contacts(nil), contacts(nil), contacts(nil), contacts(nil), contacts(nil)}) {
			if r.Err != nil || r.Records[0].Text("contactid") != fmt.Sprint(i+1) {
				t.Errorf("query %d: %v %v", i+1, r.Records, r.Err)
			}
		}
	})
}

// TestBulkAnswerWithoutItsIDs: as many rows as ids were made, or nobody knows.
func TestBulkAnswerWithoutItsIDs(t *testing.T) {
	for name, ids := range map[string]http.HandlerFunc{"one missing": answer(200, `{"Ids":["`+string(idA)+`"]}`), "none": answer(200, "{}"), "204": answer(204, "")} {
		synctest.Test(t, func(t *testing.T) {
			m := &metadataServer{}
			sent := 0
			c, err := dataverse.New("https://contoso.crm4.dynamics.com", token("t"), &dataverse.Options{HTTP: handler{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if !strings.HasSuffix(r.URL.Path, "CreateMultiple") {
					m.ServeHTTP(w, r)
					return
				}
				sent++
				ids(w, r)
			})}})
			if err != nil {
				t.Fatal(err)
			}
			written, err := c.Bulk(t.Context(), &dataverse.ChangeSet{Writes: []dataverse.Write{named("A", ""), named("B", "")}}, nil)
			if err != nil || !errors.Is(written[0].Err, dataverse.ErrUnreadable) || !errors.Is(written[1].Err, dataverse.ErrUnreadable) || sent != 1 {
				t.Errorf("%s: %+v %v after %d requests", name, written, err, sent)
			}
		})
	}
}

func TestLinksThatLeadAstray(t *testing.T) {
	const org = "https://Contoso.crm4.dynamics.com:443"
	page := func(link string) http.HandlerFunc {
		return answer(200, `{"value":[{"contactid":"1"}],"@odata.nextLink":"`+link+`"}`)
	}
	for _, link := range []string{
		"http://contoso.crm4.dynamics.com/api/data/v9.2/contacts", "https://contoso.crm4.dynamics.com:8443/api/data/v9.2/contacts",
		"https://contoso.crm4.dynamics.com.evil.example/x", "https://contoso.crm4.dynamics.com@evil.example/x", "https://user@contoso.crm4.dynamics.com/x",
		`https://contoso.crm4.dynamics.com\\@evil.example/x`, "https:contoso", "javascript:x",
	} {
		c, err := dataverse.New(org, token("t"), &dataverse.Options{HTTP: handler{page(link)}})
		if err != nil {
			t.Fatal(err)
		}
		var last error
		n := 0
		for _, err := range c.Query(t.Context(), contacts(nil)) {
			last = err
			n++
		}
		if last == nil || n != 2 {
			t.Errorf("%s: %v after %d rows", link, last, n)
		}
	}
	// The service writes its name as it likes.
	b := newBubble(t, dataverse.Options{}, page("https://contoso.crm4.dynamics.com/api/data/v9.2/contacts?$skiptoken=1"), noRows)
	c, err := dataverse.New(org, token("t"), &b.opts)
	if err != nil {
		t.Fatal(err)
	}
	if rows := collect(t, c, contacts(nil)); len(rows) != 1 || len(b.sent) != 2 {
		t.Errorf("%d rows after %d requests", len(rows), len(b.sent))
	}
	// Its name may be escaped.
	var w *wire
	w = newWire(t, func(rw http.ResponseWriter, r *http.Request) {
		answer(200, `{"value":[],"\u0040odata.nextLink":"`+w.URL+`\/api/data/v9.2/contacts?$skiptoken=1"}`)(rw, r)
	}, noRows)
	collect(t, w.client(t, nil), contacts(nil))
	if n := len(w.requests()); n != 2 {
		t.Errorf("%d requests", n)
	}
	// A circle of three ends.
	var links []http.HandlerFunc
	for i := range 50 {
		links = append(links, page(fmt.Sprintf("https://contoso.crm4.dynamics.com/api/data/v9.2/contacts?$skiptoken=%d", i%3)))
	}
	b = newBubble(t, dataverse.Options{}, links...)
	var last error
	for _, err := range b.Query(t.Context(), contacts(nil)) {
		last = err
	}
	if last == nil || len(b.sent) > 12 {
		t.Errorf("%v after %d pages", last, len(b.sent))
	}
	// No redirect is followed, with whatever method and body.
	for _, status := range []int{301, 302, 303, 307, 308} {
		w := newWire(t, func(rw http.ResponseWriter, r *http.Request) {
			http.Redirect(rw, r, "https://evil.example/", status)
		})
		if _, err := w.client(t, nil).Apply(t.Context(), meeting()); !errors.Is(err, dataverse.ErrForeign) || len(w.requests()) != 1 {
			t.Errorf("%d: %v after %d requests", status, err, len(w.requests()))
		}
	}
}

// TestCancelEndsASlowBody: the answer has begun, and never ends.
func TestCancelEndsASlowBody(t *testing.T) {
	begun, leave := make(chan struct{}), make(chan struct{})
	w := newWire(t, func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		io.WriteString(rw, `{"value":[`)
		rw.(http.Flusher).Flush()
		close(begun)
		<-leave
	})
	defer close(leave)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-begun
		cancel()
	}()
	for _, err := range w.client(t, nil).Query(ctx, contacts(nil)) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	}
	if n := len(w.requests()); n != 1 {
		t.Errorf("%d requests", n)
	}
}

// TestCompressedAnswerIsBoundedByWhatItHolds: sixteen megabytes of nothing take
// sixteen thousand bytes.
func TestCompressedAnswerIsBoundedByWhatItHolds(t *testing.T) {
	w := newWire(t, compressed(`{"value":[{"contactid":"`+strings.Repeat(" ", 16<<20)+`"}]}`, 0))
	for _, err := range w.client(t, &dataverse.Options{MaxResponseBytes: 8 << 20}).Query(t.Context(), contacts(nil)) {
		if !errors.Is(err, dataverse.ErrTooLarge) {
			t.Errorf("got %v", err)
		}
	}
	if n := len(w.requests()); n != 1 {
		t.Errorf("%d requests", n)
	}
}
