package simulator

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

// reply is an answer as a test looks at it.
type reply struct {
	status int
	header http.Header
	body   string
}

// has fails the test unless the body holds all of the texts.
func (r reply) has(t *testing.T, texts ...string) {
	t.Helper()
	for _, s := range texts {
		if !strings.Contains(r.body, s) {
			t.Errorf("the body lacks %s:\n%.3000s", s, r.body)
		}
	}
}

func (r reply) is(t *testing.T, status int, texts ...string) reply {
	t.Helper()
	if r.status != status {
		t.Errorf("status %d, wanted %d: %.2000s", r.status, status, r.body)
	}
	r.has(t, texts...)
	return r
}

// json reads the body.
func (r reply) json(t *testing.T) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(r.body), &v); err != nil {
		t.Fatalf("%v in %.500s", err, r.body)
	}
	return v
}

func (r reply) value(t *testing.T) []map[string]any {
	t.Helper()
	var v struct{ Value []map[string]any }
	if err := json.Unmarshal([]byte(r.body), &v); err != nil {
		t.Fatalf("%v in %.500s", err, r.body)
	}
	return v.Value
}

// ask sends a request; headers are names and values. A path without a slash in
// front is below the service root, spaces in it are escaped.
func ask(t *testing.T, s *Server, method, path, body string, headers ...string) reply {
	t.Helper()
	r, err := try(s, method, path, body, headers...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func try(s *Server, method, path, body string, headers ...string) (reply, error) {
	req, err := http.NewRequest(method, s.URL+"/api/data/v9.2/"+strings.ReplaceAll(path, " ", "%20"), strings.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	} else {
		req.Body = http.NoBody
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := s.Client().Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header, string(data)}, err
}

// as is the header of a person's token.
func as(s *Server, email string) []string {
	return []string{"Authorization", "Bearer " + s.Entra.Bearer(email)}
}
