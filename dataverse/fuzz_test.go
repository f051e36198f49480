package dataverse

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzBatchResponse feeds the parser of multipart answers: whatever a service
// or a gateway sends, it ends in parts or an error.
func FuzzBatchResponse(f *testing.F) {
	const set = "--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\nContent-Type: application/http\r\nContent-ID: 2\r\n\r\n" +
		"HTTP/1.1 400 Bad Request\r\nREQ_ID:1\r\nContent-Type: application/json\r\n\r\n{\"error\":{\"code\":\"0x0\",\"message\":\"x\"}}\r\n--c--\r\n--b--\r\n"
	f.Add("multipart/mixed; boundary=b", set)
	f.Add(`multipart/mixed; boundary="b"`, "--b\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n\r\n--b--")
	f.Add("multipart/mixed; boundary=b", "--b\nContent-Type: application/http\n\nHTTP/1.1 200 OK\nOData-EntityId:https://x/api(0)\n\n{}\n--b--\n")
	f.Add("text/html", "<html>")
	f.Fuzz(func(t *testing.T, contentType, body string) {
		parts, err := parseBatch(contentType, []byte(body))
		if err != nil {
			if parts != nil {
				t.Error("parts beside an error")
			}
			return
		}
		for i := range parts {
			p := &parts[i]
			if p.status < 100 || p.status > 999 {
				t.Errorf("status %d", p.status)
			}
			_, message := errorBody(p.body)
			if len(message) > maxMessage {
				t.Errorf("message of %d bytes", len(message))
			}
			_, _ = requestID(p.header), entityID(p.header)
		}
	})
}

// FuzzLiteral proves that a value never becomes syntax: a server that decodes
// the URL and reads the literal gets the value back, and nothing is left over.
func FuzzLiteral(f *testing.F) {
	for _, s := range []string{"", "O'Brien", "'", "''", "a' or 1 eq 1 or 'a", "x&$top=1", "a#b", "a+b%20c", "Søn;\x00", "[%_]", `"]) or x`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for prefix, filter := range map[string]Filter{
			"name gt '":          Compare{Column: "name", Op: Gt, Value: s},
			"contains(name,'":    Match{Column: "name", Kind: Contains, Text: s},
			"tasks/any(x1:x1/a ": Lambda{Property: "tasks", Filter: Compare{Column: "a", Op: Ge, Value: s}},
		} {
			q := Query{EntitySet: "contacts", Select: []string{"name"}, Filter: filter}
			r, err := q.Request()
			if !utf8.ValidString(s) {
				if !errors.Is(err, errNotText) || strings.Contains(err.Error(), s) {
					t.Fatalf("no text: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			u, err := url.Parse("https://x/" + r.Path)
			if err != nil || u.Fragment != "" {
				t.Fatalf("%s: %v", r.Path, err)
			}
			options, err := url.ParseQuery(u.RawQuery)
			if err != nil || len(options) != 2 || len(options["$filter"]) != 1 {
				t.Fatalf("%s: %v", r.Path, err)
			}
			text := options.Get("$filter")
			if !strings.HasPrefix(text, prefix) {
				t.Fatalf("filter %q", text)
			}
			_, text, _ = strings.Cut(text, "'")
			var value strings.Builder
			rest := ""
			for i := 0; i < len(text); i++ {
				if text[i] == '\'' {
					if !strings.HasPrefix(text[i:], "''") {
						rest = text[i+1:]
						break
					}
					i++
				}
				value.WriteByte(text[i])
			}
			want := s
			if _, match := filter.(Match); match {
				want = escapeLike(s)
			}
			if value.String() != want || strings.Trim(rest, ")") != "" {
				t.Errorf("%q came back as %q, and %q is left", s, value.String(), rest)
			}
		}
		in := Query{EntitySet: "contacts", Select: []string{"name"}, Filter: In{Column: "name", Values: []Value{s}}}
		if _, err := in.Request(); err != nil {
			t.Error(err)
		}
	})
}
