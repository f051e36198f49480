package dataverse_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
)

// renewing is a source whose first token is refused.
type renewing struct {
	token           string
	rejected, claim string
	renewals        int
	err             error
}

func (r *renewing) Token(context.Context) (string, error) { return r.token, r.err }

func (r *renewing) Renew(_ context.Context, rejected, claims string) (string, error) {
	r.rejected, r.claim = rejected, claims
	r.renewals++
	r.token = fmt.Sprintf("renewed-%d", r.renewals)
	return r.token, nil
}

func TestRefusedTokenIsRenewedOnce(t *testing.T) {
	claims := `{"access_token":{"acrs":{"essential":true,"value":"cp1"}}}`
	refuse := answer(401, "", "WWW-Authenticate", `Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", error="insufficient_claims", claims="`+
		base64.StdEncoding.EncodeToString([]byte(claims))+`"`)

	w := newWire(t, refuse, answer(204, ""))
	ts := &renewing{token: "old"}
	c, err := dataverse.New(w.URL, ts, nil)
	if err != nil {
		t.Fatal(err)
	}
	// Even a write that may not be repeated: a 401 says that nothing was done.
	if _, err := c.Apply(t.Context(), &dataverse.ChangeSet{Writes: []dataverse.Write{{Operation: dataverse.Create, EntitySet: "contacts"}}}); err != nil {
		t.Fatal(err)
	}
	if ts.rejected != "old" || ts.claim != claims || ts.renewals != 1 {
		t.Errorf("%+v", ts)
	}
	if got := w.requests()[1].header.Get("Authorization"); got != "Bearer renewed-1" {
		t.Errorf("second request with %s", got)
	}

	w = newWire(t, refuse)
	ts = &renewing{token: "old"}
	c, _ = dataverse.New(w.URL, ts, nil)
	_, err = c.WhoAmI(t.Context())
	var e *dataverse.Error
	if !errors.Is(err, dataverse.ErrUnauthorized) || !errors.As(err, &e) || e.Claims != claims || ts.renewals != 1 || len(w.requests()) != 2 {
		t.Errorf("%v after %d renewals", err, ts.renewals)
	}

	w = newWire(t, refuse) // a source that has no other token
	if _, err := w.client(t, nil).WhoAmI(t.Context()); !errors.Is(err, dataverse.ErrUnauthorized) || len(w.requests()) != 1 {
		t.Errorf("%v after %d requests", err, len(w.requests()))
	}
}

func TestErrorOfTheTokenSourceIsReturnedAsItIs(t *testing.T) {
	w := newWire(t, noRows)
	refused := errors.New("no token for you")
	c, _ := dataverse.New(w.URL, &renewing{err: refused}, nil)
	var seen []dataverse.Exchange
	ctx := dataverse.WithObserver(t.Context(), func(x dataverse.Exchange) { seen = append(seen, x) })
	_, err := c.WhoAmI(ctx)
	if err != refused || len(w.requests()) != 0 {
		t.Errorf("%v after %d requests", err, len(w.requests()))
	}
	if len(seen) != 1 || seen[0].Attempts != 0 {
		t.Errorf("%+v", seen)
	}
}

func TestOrganisationURL(t *testing.T) {
	for url, ok := range map[string]bool{
		"https://contoso.crm4.dynamics.com":                true,
		"https://contoso.crm4.dynamics.com/":               true,
		"https://contoso.crm4.dynamics.com/api/data/v9.2/": true,
		"http://127.0.0.1:8080":                            true,
		"http://localhost:8080":                            true,
		"http://[::1]:8080":                                true,
		"http://contoso.crm4.dynamics.com":                 false,
		"http://127.0.0.1.evil.example":                    false,
		"https://user:pass@contoso.crm4.dynamics.com":      false,
		"https://contoso.crm4.dynamics.com/other":          false,
		"contoso.crm4.dynamics.com":                        false,
		"":                                                 false,
	} {
		if _, err := dataverse.New(url, token("t"), nil); (err == nil) != ok {
			t.Errorf("%q: %v", url, err)
		}
	}
}

// tracer keeps what it is told.
type tracer struct {
	mu    sync.Mutex
	steps []dataverse.Step
	open  int
}

func (tr *tracer) Start(ctx context.Context, _ dataverse.Step) context.Context {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.open++
	return ctx
}

func (tr *tracer) End(_ context.Context, s dataverse.Step) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.open--
	tr.steps = append(tr.steps, s)
}

// propagating is a tracer that goes too far.
type propagating struct{ tracer }

func (*propagating) Propagate(_ context.Context, h http.Header) {
	h.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	h["authorization"] = []string{"Bearer another"}
	h.Set("If-None-Match", "*")
}

func TestPropagatorAddsHeadersAndChangesNone(t *testing.T) {
	w := newWire(t, fault(503, "", "x", "Retry-After", "0"), noRows)
	c := w.client(t, &dataverse.Options{Tracer: &propagating{}})
	collect(t, c, contacts(nil))
	for _, s := range w.requests() {
		if s.header.Get("Traceparent") == "" || len(s.header["Authorization"]) != 1 || s.header.Get("Authorization") != "Bearer t0ken" || s.header.Get("If-None-Match") != "null" {
			t.Errorf("sent %v", s.header)
		}
	}
	if n := len(w.requests()); n != 2 {
		t.Errorf("%d requests", n)
	}
}

// TestNothingLeaks puts a marker into every place where a value can be, and
// looks for it wherever people look.
func TestNothingLeaks(t *testing.T) {
	const marker = "MARKER"
	var log bytes.Buffer
	tr := &tracer{}
	w := newWire(t,
		fault(503, "0x80040216", marker, "Retry-After", "0"),
		fault(400, "0x80044331", "The value "+marker+" is too long"),
	)
	c, err := dataverse.New(w.URL, token(marker), &dataverse.Options{
		Tracer: tr, Log: slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		t.Fatal(err)
	}
	var seen []dataverse.Exchange
	ctx := dataverse.WithObserver(t.Context(), func(x dataverse.Exchange) { seen = append(seen, x) })
	var failures []error
	for _, err := range c.Query(ctx, contacts(dataverse.Compare{Column: "emailaddress1", Op: dataverse.Eq, Value: marker})) {
		failures = append(failures, err)
	}
	_, err = c.Apply(ctx, &dataverse.ChangeSet{Writes: []dataverse.Write{{
		Operation: dataverse.Upsert, Table: "contact", EntitySet: "contacts", PrimaryKey: "contactid", Source: "customer",
		Key:  []dataverse.Property{{Name: "emailaddress1", Value: marker}},
		Body: []dataverse.Property{{Name: "lastname", Value: marker}},
	}}})
	failures = append(failures, err)
	w.Close()
	dead, err := dataverse.New(w.URL, token(marker), &dataverse.Options{MaxRetries: -1})
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range dead.Query(ctx, contacts(dataverse.Compare{Column: "emailaddress1", Op: dataverse.Eq, Value: marker})) {
		failures = append(failures, err) // net/http's own text has the URL
	}
	for _, err := range failures {
		if err == nil || strings.Contains(err.Error(), marker) {
			t.Errorf("error %v", err)
		}
	}
	if len(failures) != 3 || tr.open != 0 {
		t.Errorf("%d failures, %d open steps", len(failures), tr.open)
	}
	for what, text := range map[string]string{"log": log.String(), "trace": fmt.Sprintf("%+v", tr.steps), "observer": fmt.Sprintf("%+v", seen)} {
		if strings.Contains(text, marker) {
			t.Errorf("%s: %s", what, text)
		}
	}
	var kinds []string
	for _, s := range tr.steps {
		kinds = append(kinds, string(s.Kind))
	}
	if got := strings.Join(kinds, " "); got != "token request wait token request token request" {
		t.Errorf("steps %s", got)
	}
	if !strings.Contains(log.String(), "dataverse retry") || !strings.Contains(log.String(), `"path":"contacts(emailaddress1)"`) {
		t.Errorf("log %s", log.String())
	}
	if len(seen) < 2 || seen[0].Attempts != 2 || seen[1].Path != "contacts(emailaddress1)" || seen[1].Operations[0].Source != "customer" {
		t.Errorf("observed %+v", seen)
	}
}

func TestReadOnlyTransport(t *testing.T) {
	w := newWire(t, func(rw http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			batchAnswer(200, strings.Repeat("--batchresponse_7f0a\nContent-Type: application/http\n\nHTTP/1.1 200 OK\nContent-Type: application/json\n\n{\"value\":[]}\n", 6)+"--batchresponse_7f0a--\n")(rw, r)
			return
		}
		noRows(rw, r)
	})
	c := w.client(t, &dataverse.Options{HTTP: dataverse.ReadOnly(nil)})
	collect(t, c, contacts(nil))
	qs := make([]*dataverse.Query, 6)
	for i := range qs {
		qs[i] = contacts(nil)
	}
	for _, rows := range c.QueryAll(t.Context(), qs) { // a $batch of reads
		if rows.Err != nil {
			t.Error(rows.Err)
		}
	}
	reads := len(w.requests())
	if reads != 2 {
		t.Errorf("%d requests for 1 and 6 queries", reads)
	}
	for i := range meeting().Writes {
		one := &dataverse.ChangeSet{Writes: meeting().Writes[i : i+1]}
		if i == 1 {
			one = meeting()
		}
		if _, err := c.Apply(t.Context(), one); !errors.Is(err, dataverse.ErrReadOnly) {
			t.Errorf("write %d: %v", i, err)
		}
	}
	transport := dataverse.ReadOnly(nil)
	for name, r := range map[string]*http.Request{
		"method override": {Method: "GET", Header: http.Header{"X-HTTP-Method": {"DELETE"}}},
		"action":          {Method: "POST"},
		"merge":           {Method: "MERGE"},
	} {
		req, _ := http.NewRequest(r.Method, w.URL+"/api/data/v9.2/contacts", strings.NewReader("{}"))
		for k, v := range r.Header {
			req.Header[k] = v
		}
		if _, err := transport.RoundTrip(req); !errors.Is(err, dataverse.ErrReadOnly) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, body := range map[string]string{
		"write":       "--b\r\nContent-Type: application/http\r\n\r\nDELETE /api/data/v9.2/contacts(1) HTTP/1.1\r\n\r\n\r\n--b--\r\n",
		"second part": "--b\r\nContent-Type: application/http\r\n\r\nGET /x HTTP/1.1\r\n\r\n\r\n--b\r\nContent-Type: application/http\r\n\r\nPATCH /x HTTP/1.1\r\n\r\n\r\n--b--\r\n",
		"change set":  "--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c--\r\n--b--\r\n",
		"override":    "--b\r\nContent-Type: application/http\r\n\r\nGET /x HTTP/1.1\r\nX-HTTP-Method-Override: DELETE\r\n\r\n\r\n--b--\r\n",
		"broken":      "--b\r\nContent-Type: application/http\r\n\r\nGET /x HTTP/1.1\r\n",
	} {
		req, _ := http.NewRequest("POST", w.URL+"/api/data/v9.2/$batch", strings.NewReader(body))
		req.Header.Set("Content-Type", "multipart/mixed; boundary=b")
		if _, err := transport.RoundTrip(req); !errors.Is(err, dataverse.ErrReadOnly) {
			t.Errorf("batch with %s: %v", name, err)
		}
	}
	if n := len(w.requests()); n != reads {
		t.Errorf("%d writes came through", n-reads)
	}
}

func TestAnswerIsBounded(t *testing.T) {
	w := newWire(t, answer(200, `{"value":[{"contactid":"`+strings.Repeat("x", 5000)+`"}]}`))
	c := w.client(t, &dataverse.Options{MaxResponseBytes: 1000})
	for _, err := range c.Query(t.Context(), contacts(nil)) {
		if !errors.Is(err, dataverse.ErrTooLarge) {
			t.Errorf("got %v", err)
		}
	}
	if n := len(w.requests()); n != 1 {
		t.Errorf("%d requests", n)
	}
}
