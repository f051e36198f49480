package answers_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/andmoneyaps/engage-playbooks/cmd/engage/internal/answers"
)

const secret = "Lindqvist"

func server(t *testing.T) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json; odata.metadata=minimal")
		_, _ = io.WriteString(w, `{"@odata.context":"http://`+r.Host+`/api/data/v9.2/$metadata#contacts","value":[{"contactid":"0f2c1b8a-7d44-4c1e-9c52-3a0000000031","lastname":"`+secret+`","_x_value@Microsoft.Dynamics.CRM.lookuplogicalname":"account","revenue":125000.50,"birthdate":"1980-02-29","createdon":"2026-03-02T10:15:00Z","donotemail":true,"nickname":null}]}`)
	}))
	t.Cleanup(s.Close)
	return s
}

func get(t *testing.T, rt http.RoundTripper, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := rt.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func TestRecordingsHoldNoValues(t *testing.T) {
	s := server(t)
	dir := filepath.Join(t.TempDir(), "answers")
	recorder, err := answers.NewRecorder(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	url := s.URL + "/api/data/v9.2/contacts?$filter=lastname%20eq%20'" + secret + "'"
	if _, body := get(t, recorder.Transport(http.DefaultTransport), url); !strings.Contains(body, secret) {
		t.Fatal("the recorder changed the answer")
	}
	if recorder.Err() != nil {
		t.Fatal(recorder.Err())
	}
	file, err := os.ReadFile(filepath.Join(dir, "0001.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range []string{secret, "125000", "1980", "2026-03-02"} {
		if strings.Contains(string(file), value) {
			t.Errorf("the recording holds %s:\n%s", value, file)
		}
	}

	replay, err := answers.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	other := "http://127.0.0.1:1" + strings.TrimPrefix(url, s.URL)
	status, body := get(t, replay.Transport(nil), other)
	for _, kept := range []string{"0f2c1b8a-7d44-4c1e-9c52-3a0000000031", `"account"`, `"lastname":"redacted"`, "http://127.0.0.1:1/api/data/v9.2/$metadata#contacts"} {
		if status != 200 || !strings.Contains(body, kept) {
			t.Errorf("the answer lacks %s: %d %s", kept, status, body)
		}
	}
	if status, body := get(t, replay.Transport(nil), other+"x"); status != 400 || !strings.Contains(body, "not-recorded") {
		t.Errorf("a request that was not recorded got %d %s", status, body)
	}
}

func TestWritesAreNotRecorded(t *testing.T) {
	s := server(t)
	dir := filepath.Join(t.TempDir(), "answers")
	recorder, err := answers.NewRecorder(dir, true)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/api/data/v9.2/contacts", strings.NewReader(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	res, err := recorder.Transport(http.DefaultTransport).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("a write was recorded: %v %v", entries, err)
	}
}
