package simulator

import (
	"errors"
	"strings"
	"testing"
)

const batchType = `multipart/mixed; boundary="batch_b1"`

func crlf(s string) []byte { return []byte(strings.ReplaceAll(s, "\n", "\r\n")) }

const changeSetBody = `--batch_b1
Content-Type: multipart/mixed; boundary="changeset_c1"

--changeset_c1
Content-Type: application/http
Content-Transfer-Encoding: binary
Content-ID: 1

POST /api/data/v9.2/contacts HTTP/1.1
Content-Type: application/json; type=entry

{"firstname":"Ada","lastname":"Lovelace"}
--changeset_c1
Content-Type: application/http
Content-Transfer-Encoding: binary
Content-ID: 2

POST /api/data/v9.2/annotations HTTP/1.1
Content-Type: application/json; type=entry

{"subject":"n","notetext":"t","objectid_contact@odata.bind":"$1"}
--changeset_c1--

--batch_b1
Content-Type: application/http
Content-Transfer-Encoding: binary

GET /api/data/v9.2/contacts?$select=fullname&$filter=lastname eq 'a b' HTTP/1.1
Accept: application/json


--batch_b1--
`

func TestParseBatch(t *testing.T) {
	items, notes, err := parseBatch(crlf(changeSetBody), batchType)
	if err != nil || len(notes) != 0 {
		t.Fatal(err, notes)
	}
	if len(items) != 2 || !items[0].changeSet || len(items[0].ops) != 2 || items[1].changeSet {
		t.Fatalf("items: %+v", items)
	}
	op := items[0].ops[1]
	if op.contentID != "2" || op.method != "POST" || op.header.Get("Content-Type") != "application/json; type=entry" ||
		string(op.body) != `{"subject":"n","notetext":"t","objectid_contact@odata.bind":"$1"}` {
		t.Errorf("second operation: %+v %s", op, op.body)
	}
	if get := items[1].ops[0]; get.target != "/api/data/v9.2/contacts?$select=fullname&$filter=lastname eq 'a b'" || len(get.body) != 0 {
		t.Errorf("get: %+v", get)
	}
}

func TestParseBatchStrictness(t *testing.T) {
	one := func(request string) string {
		return "--batch_b1\nContent-Type: application/http\nContent-Transfer-Encoding: binary\n\n" + request + "\n--batch_b1--\n"
	}
	inSet := func(parts string) string {
		return "--batch_b1\nContent-Type: multipart/mixed; boundary=c\n\n" + parts + "--c--\n--batch_b1--\n"
	}
	setPart := func(id, request string) string {
		return "--c\nContent-Type: application/http\nContent-Transfer-Encoding: binary\nContent-ID: " + id + "\n\n" + request + "\n\n{}\n"
	}
	get := one("GET /api/data/v9.2/contacts HTTP/1.1\n\n")
	for name, tc := range map[string]struct {
		body string
		ct   string
		ok   bool
		err  error
		text string
	}{
		"blank line first":        {body: string(crlf("\n" + get)), ok: true},
		"one line end after get":  {body: string(crlf(one("GET /api/data/v9.2/contacts HTTP/1.1"))), ok: true},
		"unquoted boundary":       {body: string(crlf(get)), ct: "multipart/mixed;boundary=batch_b1", ok: true},
		"text after the end":      {body: string(crlf(get + "epilogue")), ok: true},
		"LF only":                 {body: get, err: errStreamNotReadable},
		"LF with two line ends":   {body: get + "\n", ok: true},
		"no line end at the end":  {body: strings.TrimSuffix(string(crlf(get)), "\r\n"), err: errStreamNotReadable},
		"LF in the header":        {body: strings.Replace(string(crlf(get)), "binary\r\n", "binary\n", 1), err: errStreamNotReadable},
		"LF after a boundary":     {body: strings.Replace(string(crlf(get)), "batch_b1\r\n", "batch_b1\n", 1), err: errStreamNotReadable},
		"LF inside JSON":          {body: strings.Replace(string(crlf(one("POST /x HTTP/1.1\n\n{@}"))), "@", "\n", 1), ok: true},
		"wrong boundary":          {body: strings.ReplaceAll(string(crlf(get)), "batch_b1", "other"), text: "does not begin with the boundary"},
		"no boundary parameter":   {body: string(crlf(get)), ct: "multipart/mixed", text: "no boundary parameter"},
		"JSON content type":       {body: string(crlf(get)), ct: "application/json", text: "multipart/mixed"},
		"empty body":              {body: "", err: errStreamNotReadable},
		"never closed":            {body: string(crlf(strings.Replace(get, "--batch_b1--\n", "", 1))), err: errStreamNotReadable},
		"nested batch":            {body: string(crlf(one("POST /api/data/v9.2/$batch HTTP/1.1\n"))), err: errNestedBatch},
		"GET in a change set":     {body: string(crlf(inSet(setPart("1", "GET /api/data/v9.2/contacts HTTP/1.1")))), err: errGetInChangeSet},
		"one Content-ID twice":    {body: string(crlf(inSet(setPart("1", "POST /x HTTP/1.1") + setPart("1", "POST /x HTTP/1.1")))), text: "found more than once"},
		"change set in a set":     {body: string(crlf(inSet("--c\nContent-Type: multipart/mixed; boundary=d\n\n--d--\n"))), text: "cannot be nested"},
		"HTTP/1.0":                {body: string(crlf(one("GET /x HTTP/1.0\n"))), text: "HTTP version 'HTTP/1.0'"},
		"no version":              {body: string(crlf(one("GET /x\n"))), text: "request line"},
		"unknown method":          {body: string(crlf(one("LOOK /x HTTP/1.1\n"))), text: "HTTP method 'LOOK'"},
		"header without a colon":  {body: string(crlf(one("GET /x HTTP/1.1\nAccept\n"))), text: "message header 'Accept'"},
		"other transfer encoding": {body: strings.Replace(string(crlf(get)), "binary", "base64", 1), text: "'binary' was expected"},
		"part of another type":    {body: strings.Replace(string(crlf(get)), "application/http", "text/plain", 1), text: "was expected"},
		"length beyond the part":  {body: string(crlf(one("POST /x HTTP/1.1\nContent-Length: 99\n\n{}"))), err: errStreamNotReadable},
		"length within the part":  {body: string(crlf(one("POST /x HTTP/1.1\nContent-Length: 2\n\n{}"))), ok: true},
		"1000 operations":         {body: string(crlf(strings.Repeat(strings.TrimSuffix(get, "--batch_b1--\n"), 1000) + "--batch_b1--\n")), ok: true},
		"1001 operations":         {body: string(crlf(strings.Repeat(strings.TrimSuffix(get, "--batch_b1--\n"), 1001) + "--batch_b1--\n")), err: errTooManyOperations},
	} {
		t.Run(name, func(t *testing.T) {
			ct := tc.ct
			if ct == "" {
				ct = batchType
			}
			_, _, err := parseBatch([]byte(tc.body), ct)
			switch {
			case tc.ok && err != nil, !tc.ok && err == nil,
				tc.err != nil && !errors.Is(err, tc.err),
				tc.text != "" && !strings.Contains(err.Error(), tc.text):
				t.Errorf("error %v, wanted %v %q", err, tc.err, tc.text)
			}
		})
	}
}

func FuzzParseBatch(f *testing.F) {
	f.Add(crlf(changeSetBody), batchType)
	f.Add([]byte(changeSetBody), batchType)
	f.Add([]byte("--b\r\n\r\n--b--\r\n"), "multipart/mixed; boundary=b")
	f.Add([]byte("--b--\n\n"), "multipart/mixed; boundary=b")
	f.Fuzz(func(t *testing.T, body []byte, contentType string) {
		items, _, err := parseBatch(body, contentType)
		if err != nil {
			return
		}
		n := 0
		for _, it := range items {
			n += len(it.ops)
			for _, op := range it.ops {
				if op.method == "" || op.target == "" || it.changeSet && op.method == "GET" {
					t.Fatalf("operation %+v", op)
				}
			}
		}
		if n > maxBatchOperations {
			t.Fatalf("%d operations", n)
		}
	})
}
