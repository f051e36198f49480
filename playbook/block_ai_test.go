package playbook

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestHTTPProvider(t *testing.T) {
	var got map[string]any
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method != http.MethodPost, r.URL.EscapedPath() == "/ai/missing/1.0":
			http.NotFound(w, r)
		case r.URL.EscapedPath() == "/ai/broken/1.0":
			http.Error(w, canary, http.StatusBadGateway)
		case r.URL.EscapedPath() == "/ai/long/1.0":
			_, _ = io.WriteString(w, `{"x":"`+strings.Repeat("a", 100)+`"}`)
		case r.URL.EscapedPath() == "/ai/list/1.0":
			_, _ = io.WriteString(w, `[1]`)
		case r.URL.EscapedPath() == "/ai/sum%2Fup/1.0":
			_ = json.NewDecoder(r.Body).Decode(&got)
			_, _ = io.WriteString(w, `{"summary":"short","n":12345678901234567890}`)
		}
	}))
	defer server.Close()
	p := &HTTPProvider{URL: server.URL + "/ai/", Client: server.Client(), MaxResponseBytes: 64}
	call := func(capability string) (map[string]any, error) {
		return p.Call(t.Context(), CapabilityRequest{Capability: capability, Version: "1.0", Inputs: map[string]any{"transcript": "t"}, Event: "e", Block: "Summarise"})
	}
	out, err := call("sum/up")
	if err != nil || out["summary"] != "short" || out["n"] != json.Number("12345678901234567890") {
		t.Errorf("outputs %v, %v", out, err)
	}
	if got["block"] != "Summarise" || got["event"] != "e" || got["inputs"].(map[string]any)["transcript"] != "t" {
		t.Errorf("request %v", got)
	}
	if _, err := call("missing"); !errors.Is(err, ErrNoCapability) {
		t.Errorf("404: %v", err)
	}
	var refused *CapabilityError
	if _, err := call("broken"); !errors.As(err, &refused) || refused.Status != 502 || strings.Contains(err.Error(), canary) {
		t.Errorf("502: %v", err)
	}
	for _, bad := range []string{"long", "list"} {
		if _, err := call(bad); err == nil {
			t.Errorf("%s: no error", bad)
		}
	}
}

func TestParametersFit(t *testing.T) {
	for _, c := range []struct {
		p  Parameter
		v  any
		ok bool
	}{
		{Parameter{Type: TypeObject}, map[string]any{}, true},
		{Parameter{Type: TypeObject}, []any{}, false},
		{Parameter{Type: TypeArray}, []any{}, true},
		{Parameter{Type: TypeArray}, "x", false},
		{Parameter{Type: TypeArray}, nil, true},
	} {
		if got := c.p.fits(c.v); got != c.ok {
			t.Errorf("%v of %s: %v", c.v, c.p.Type, got)
		}
	}
}
