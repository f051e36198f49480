package dataverse_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
)

// TestInvalidUTF8IsRefused: in JSON it would become another text without a
// word.
func TestInvalidUTF8IsRefused(t *testing.T) {
	const text = "Bj\xf8rn secret"
	for column, f := range map[string]dataverse.Filter{
		"lastname":  dataverse.Compare{Column: "lastname", Op: dataverse.Eq, Value: text},
		"firstname": dataverse.In{Column: "firstname", Values: []dataverse.Value{"A", text}},
		"fullname":  dataverse.Match{Kind: dataverse.Contains, Column: "fullname", Text: text},
		"name":      dataverse.Lambda{Property: "accounts", Filter: dataverse.In{Column: "name", Values: []dataverse.Value{text, "A"}}},
	} {
		_, err := contacts(f).Request()
		if err == nil || !strings.Contains(err.Error(), "contacts") || !strings.Contains(err.Error(), column) ||
			!strings.Contains(err.Error(), "UTF-8") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", column, err)
		}
	}
	for column, w := range map[string]dataverse.Write{
		"lastname":    named(text, idA),
		"new_key":     {Operation: dataverse.Upsert, Table: "contact", EntitySet: "contacts", Key: []dataverse.Property{{Name: "new_key", Value: text}}},
		"addressused": {Operation: dataverse.Create, Table: "contact", EntitySet: "contacts", Body: []dataverse.Property{{Name: "parties", Value: dataverse.Parties{{Role: 5, Address: text}}}}},
	} {
		w.Table = "contact"
		w.Source = "people[3]"
		cs := &dataverse.ChangeSet{Writes: []dataverse.Write{w}}
		_, err := cs.Request()
		_, c := simulated(t, nil)
		written, failed := c.Bulk(t.Context(), &dataverse.ChangeSet{Writes: []dataverse.Write{w, named("A", idB), named("B", idC)}}, nil)
		if failed != nil || written[1].Err != nil || written[2].Err != nil {
			t.Errorf("%s: %v %+v", column, failed, written)
		}
		for _, err := range []error{err, written[0].Err} {
			if err == nil || !strings.Contains(err.Error(), "people[3]") || !strings.Contains(err.Error(), column) ||
				!strings.Contains(err.Error(), "UTF-8") || strings.Contains(err.Error(), "secret") {
				t.Errorf("%s: %v", column, err)
			}
		}
	}
}

// TestNegativeOptionsAreRefused: they would mean no time, no bytes or no rows,
// or be taken for the default.
func TestNegativeOptionsAreRefused(t *testing.T) {
	for name, opts := range map[string]dataverse.Options{
		"Timeout":          {Timeout: -1},
		"MaxRetryWait":     {MaxRetryWait: -1},
		"MaxResponseBytes": {MaxResponseBytes: -1},
		"PageSize":         {PageSize: -1},
		"MetadataLifetime": {MetadataLifetime: -1},
		"Parallel":         {Parallel: -1},
	} {
		if _, err := dataverse.New("https://contoso.crm4.dynamics.com", token("t"), &opts); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := dataverse.New("https://contoso.crm4.dynamics.com", token("t"), &dataverse.Options{MaxRetries: -1}); err != nil {
		t.Error(err) // none, as documented
	}
	top, page := contacts(nil), contacts(nil)
	top.Top, page.PageSize = -1, -1
	join := contacts(nil)
	join.Expand = []dataverse.Expand{{Property: "notes", Collection: true, Select: []string{"subject"}, Top: -1}}
	for name, q := range map[string]*dataverse.Query{"Top": top, "PageSize": page, "join": join} {
		if _, err := q.Request(); err == nil || !strings.Contains(err.Error(), "negative") {
			t.Errorf("%s: %v", name, err)
		}
	}
	s, c := simulated(t, nil)
	negative := &dataverse.BulkOptions{ChunkSize: -1}
	if _, err := c.Bulk(t.Context(), people(3), negative); err == nil || !strings.Contains(err.Error(), "ChunkSize") {
		t.Error(err)
	}
	if err := c.BulkStream(t.Context(), "contact", 3, nil, negative); err == nil || !strings.Contains(err.Error(), "ChunkSize") {
		t.Error(err)
	}
	if err := c.BulkStream(t.Context(), "contact", -3, nil, nil); err == nil {
		t.Error("a negative number of writes")
	}
	if n := len(s.Requests()); n != 0 {
		t.Errorf("%d requests", n)
	}
}

// TestRetriesOfOneRequestAreBounded: those before a 401 count for those after.
func TestRetriesOfOneRequestAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		busy := fault(503, "", "x")
		b := newBubble(t, dataverse.Options{MaxRetries: 3}, busy, busy, answer(401, ""), busy)
		b.Client = b.As(&renewing{token: "old"})
		if err := b.read(t.Context()); !errors.Is(err, dataverse.ErrUnavailable) || len(b.sent) != 5 {
			t.Errorf("%v after %d requests: want the first, three retries and the one after the 401", err, len(b.sent))
		}
	})
}

// TestMalformedAnswersAreNotQuoted: what answers may not be the service, and
// what it says may be anything.
func TestMalformedAnswersAreNotQuoted(t *testing.T) {
	const secret = "SECRET-0815"
	for name, answer := range map[string]string{
		"status line":    secret + "\r\n\r\n",
		"status":         "HTTP/1.1 " + secret + "\r\n\r\n",
		"version":        "HTTP/" + secret + " 200 OK\r\n\r\n",
		"header":         "HTTP/1.1 200 OK\r\n" + secret + "\r\n\r\n",
		"length":         "HTTP/1.1 200 OK\r\nContent-Length: " + secret + "\r\n\r\n",
		"lengths":        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: " + secret + "\r\n\r\n",
		"encoding":       "HTTP/1.1 200 OK\r\nTransfer-Encoding: " + secret + "\r\n\r\n",
		"chunk":          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + secret + "\r\n",
		"trailer":        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + secret + "\r\n\r\n",
		"trailer's name": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: Content-Length, " + secret + "\r\n\r\n0\r\n\r\n",
		"gzip":           "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 11\r\n\r\n" + secret,
	} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			go func() {
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					_, _ = http.ReadRequest(bufio.NewReader(c))
					_, _ = io.WriteString(c, answer)
					c.Close()
				}
			}()
			var log bytes.Buffer
			tr := &tracer{}
			c, err := dataverse.New("http://"+l.Addr().String(), token("t"), &dataverse.Options{
				MaxRetries: -1, Tracer: tr, Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
			})
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.WhoAmI(t.Context())
			if !errors.Is(err, dataverse.ErrUnavailable) {
				t.Errorf("%v", err)
			}
			said := fmt.Sprint(err, log.String())
			for _, step := range tr.steps {
				said += fmt.Sprint(step.Err)
			}
			if strings.Contains(said, secret) || strings.Contains(said, "SECRET") || !strings.Contains(log.String(), "error=") {
				t.Error(said)
			}
		})
	}
}

// TestWhyThereWasNoAnswer: the cause can be asked for, and stays what it was
// for retries.
func TestWhyThereWasNoAnswer(t *testing.T) {
	send := func(url string, transport http.RoundTripper) error {
		t.Helper()
		c, err := dataverse.New(url, token("t"), &dataverse.Options{MaxRetries: 1, HTTP: transport})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.WhoAmI(t.Context())
		return err
	}
	var e *dataverse.Error
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	var op *net.OpError
	if err := send("http://"+l.Addr().String(), nil); !errors.As(err, &op) || op.Op != "dial" || !errors.As(err, &e) || e.Attempts != 2 || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("nobody listens: %v", err)
	}
	s := httptest.NewTLSServer(noRows)
	defer s.Close()
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	if err := send(s.URL, nil); !errors.As(err, &e) || e.Attempts != 1 || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("an unknown certificate, which no retry mends: %v", err)
	}
	own := errors.New("what the transport says")
	if err := send("https://contoso.crm4.dynamics.com", failing{own}); !errors.Is(err, own) || strings.Contains(err.Error(), own.Error()) {
		t.Errorf("a transport's own error: %v", err)
	}
}

type failing struct{ err error }

func (f failing) RoundTrip(*http.Request) (*http.Response, error) { return nil, f.err }

// TestPanicGivesItsTurnBack: a transport or a tracer that panics leaves the
// others of its identity their turns.
func TestPanicGivesItsTurnBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var broken atomic.Pointer[string]
		fall := func(where string) {
			if at := broken.Load(); at != nil && *at == where {
				panic(where)
			}
		}
		h := handler{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fall("transport"); noRows(w, r) })}
		c, err := dataverse.New("https://contoso.crm4.dynamics.com", token("t"), &dataverse.Options{HTTP: h, Tracer: panicking(fall), Parallel: 1})
		if err != nil {
			t.Fatal(err)
		}
		for _, where := range []string{"transport", "start", "end"} {
			broken.Store(&where)
			func() {
				defer func() {
					if recover() != where {
						t.Errorf("%s: the panic did not reach the caller", where)
					}
				}()
				_, _ = c.WhoAmI(t.Context())
			}()
			broken.Store(nil)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			for _, err := range c.Query(ctx, contacts(nil)) {
				t.Errorf("after a panic of the %s: %v", where, err)
			}
		}
	})
}

// panicking is a tracer that calls it with the step of a request.
type panicking func(where string)

func (p panicking) Start(ctx context.Context, s dataverse.Step) context.Context {
	if s.Kind == dataverse.StepRequest {
		p("start")
	}
	return ctx
}

func (p panicking) End(_ context.Context, s dataverse.Step) {
	if s.Kind == dataverse.StepRequest {
		p("end")
	}
}

// mortal is a source that has no token once it has expired.
type mortal struct{ expired atomic.Bool }

var errSignIn = errors.New("sign in again")

func (m *mortal) Token(context.Context) (string, error) {
	if m.expired.Load() {
		return "", errSignIn
	}
	return "t", nil
}

// TestLastAnswerDoesNotHideALostOne: where an earlier attempt may have been
// done, whatever ends the request says so.
func TestLastAnswerDoesNotHideALostOne(t *testing.T) {
	change := &dataverse.ChangeSet{Writes: []dataverse.Write{{
		Operation: dataverse.Update, Table: "contact", EntitySet: "contacts", PrimaryKey: "contactid", ID: idA, Body: []dataverse.Property{{Name: "lastname", Value: "A"}},
	}}}
	expire := func(m *mortal) { m.expired.Store(true) }
	for name, end := range map[string]struct {
		answer http.HandlerFunc
		token  func(*mortal)
		want   error
	}{
		"no token":        {noRows, expire, errSignIn},
		"throttled":       {fault(429, dataverse.CodeThrottleRequests, "x", "Retry-After", "86400"), func(*mortal) {}, dataverse.ErrThrottled},
		"token refused":   {answer(401, ""), func(*mortal) {}, dataverse.ErrUnauthorized},
		"forbidden":       {fault(403, dataverse.CodePrivilegeDenied, "x"), func(*mortal) {}, dataverse.ErrForbidden},
		"service failing": {fault(500, "", "x"), func(*mortal) {}, dataverse.ErrUnavailable},
	} {
		for _, lost := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, lost before: %v", name, lost), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					source := &mortal{}
					first := fault(503, "", "x", "Retry-After", "1") // nothing was done
					if lost {
						first = fault(504, "", "x")
					}
					b := newBubble(t, dataverse.Options{MaxRetries: 2}, func(w http.ResponseWriter, r *http.Request) {
						end.token(source)
						first(w, r)
					}, end.answer)
					b.Client = b.As(source)
					_, err := b.Apply(t.Context(), change)
					e, ok := errors.AsType[*dataverse.Error](err)
					unknown := ok && e.MayBeDone
					if !errors.Is(err, end.want) || unknown != (lost || errors.Is(end.want, dataverse.ErrUnavailable)) {
						t.Errorf("%v; may be done: %v", err, unknown)
					}
					if said := strings.Contains(err.Error(), "may have been acted on"); said != (lost && name != "service failing") {
						t.Error(err)
					}
				})
			})
			t.Run(fmt.Sprintf("%s, lost before: %v, bulk", name, lost), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					source := &mortal{}
					first := fault(503, "", "x", "Retry-After", "1")
					if lost {
						first = fault(504, "", "x")
					}
					var attempts atomic.Int32
					written := bulkOfChunks(t, source, 60, func(w http.ResponseWriter, r *http.Request) {
						if attempts.Add(1) == 1 {
							end.token(source)
							first(w, r)
							return
						}
						end.answer(w, r)
					}, func(w http.ResponseWriter, r *http.Request) {
						time.Sleep(time.Minute)
						noRows(w, r)
					})
					for i, w := range written {
						e, ok := errors.AsType[*dataverse.Error](w.Err)
						unknown := ok && e.MayBeDone
						switch {
						case i < 5:
							if !errors.Is(w.Err, end.want) || unknown != (lost || errors.Is(end.want, dataverse.ErrUnavailable)) {
								t.Errorf("%d: %v; may be done: %v", i, w.Err, unknown)
							}
						case i >= 55 && unknown:
							t.Errorf("%d was not sent: %v", i, w.Err)
						}
					}
				})
			})
		}
	}
}

// bulkOfChunks changes rows in chunks of five, which are answered by these, the
// last one all that are left.
func bulkOfChunks(t *testing.T, source dataverse.TokenSource, rows int, answers ...http.HandlerFunc) []dataverse.Written {
	m := &metadataServer{}
	c, err := dataverse.New("https://contoso.crm4.dynamics.com", source, &dataverse.Options{MaxRetries: 2, Parallel: 2, HTTP: ending{handler{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if !bytes.Contains(body, []byte("lastname")) {
			r.Body = io.NopCloser(bytes.NewReader(body))
			m.ServeHTTP(w, r)
			return
		}
		for i, answer := range answers {
			if bytes.Contains(body, []byte(numbered(5*i))) || i == len(answers)-1 {
				answer(w, r)
				return
			}
		}
	})}}})
	if err != nil {
		t.Fatal(err)
	}
	cs := people(rows)
	for i := range cs.Writes {
		cs.Writes[i].Operation = dataverse.Update
	}
	written, _ := c.Bulk(t.Context(), cs, &dataverse.BulkOptions{ChunkSize: 5})
	return written
}

// TestChunkUnderWayWhenAnotherEndsTheRun: what it may have done is not hidden
// by the error of the other.
func TestChunkUnderWayWhenAnotherEndsTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		written := bulkOfChunks(t, token("t"), 10, fault(504, "", "x"), func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(10 * time.Millisecond) // the other one was answered by then
			answer(401, "")(w, r)
		})
		for i, w := range written {
			e, ok := errors.AsType[*dataverse.Error](w.Err)
			if !ok || !errors.Is(w.Err, dataverse.ErrUnauthorized) || e.MayBeDone != (i < 5) {
				t.Errorf("%d: %v", i, w.Err)
			}
		}
	})
}

// TestCancelDoesNotHideWhatMayBeDone: the error is that of the context, and
// says so.
func TestCancelDoesNotHideWhatMayBeDone(t *testing.T) {
	for status, mayBeDone := range map[int]bool{204: true, 403: false, 504: true} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			b := newBubble(t, dataverse.Options{}, func(w http.ResponseWriter, r *http.Request) {
				cancel()
				answer(status, "")(w, r)
			})
			_, err := b.Apply(ctx, &dataverse.ChangeSet{Writes: []dataverse.Write{named("A", idA)}})
			e, ok := errors.AsType[*dataverse.Error](err)
			if !ok || !errors.Is(err, context.Canceled) || e.MayBeDone != mayBeDone {
				t.Errorf("%d: %v", status, err)
			}
		})
	}
}
