package simulator

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A body that ends before its length is a bad request, not one too large.
func TestBodyThatEndsEarly(t *testing.T) {
	s := NewServer(nil, nil)
	defer s.Close()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, err = conn.Write([]byte("POST /api/data/v9.2/contacts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"))
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 64)
	n, err := conn.Read(answer)
	if err != nil || !strings.HasPrefix(string(answer[:n]), "HTTP/1.1 400 ") {
		t.Errorf("%q %v", answer[:n], err)
	}
}

// What stands beside the Web API is not Entra's either.
func TestOtherVersionsOfTheAPI(t *testing.T) {
	s := NewServer(nil, &Options{NoListener: true})
	defer s.Close()
	for _, path := range []string{"/api/data/v8.2/accounts", "/api/data", "/api/search/v1.0/query", "/api/data/v9.7/accounts"} {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != 404 || !strings.HasPrefix(w.Body.String(), `{"error":{"code":"`) {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}
