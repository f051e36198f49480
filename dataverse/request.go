package dataverse

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// servicePath leads from the origin of an organisation to its service root
// (fact sheet, 1.1). A version in the URL is stable.
const servicePath = "/api/data/v9.2/"

// A Request is what a [Query] or a write of a [ChangeSet] stands for on the
// wire. It is a value: building one needs no client and sends nothing.
type Request struct {
	// Method is the HTTP method.
	Method string
	// Path is relative to the service root, percent-encoded, with the query.
	Path string
	// Resource is Path for records and errors: without query and without the
	// values of alternate keys. It may name the row's id.
	Resource string
	// Template is Resource without ids, for logs and traces.
	Template string
	// Header has what this request needs beside the headers that every request
	// has (fact sheet, 2.1).
	Header http.Header
	// Body is JSON, or a multipart document for a $batch; nil for none.
	Body []byte
	// Table is the logical name of the table concerned; "" for a $batch.
	Table string
	// Source says where the request comes from; see [Query] and [Write].
	Source string
}

// String shows the request to people: decoded, one query option, header and
// column a line. It holds the values of filters and bodies, and belongs into
// dry runs and test goldens, never into a log.
func (r Request) String() string {
	var b strings.Builder
	path, query, _ := strings.Cut(r.Path, "?")
	b.WriteString(r.Method + " " + unescape(path) + "\n")
	if query != "" {
		for option := range strings.SplitSeq(query, "&") {
			b.WriteString("  " + unescape(option) + "\n")
		}
	}
	names := make([]string, 0, len(r.Header))
	for name := range r.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, value := range r.Header[name] {
			b.WriteString(name + ": " + value + "\n")
		}
	}
	if len(r.Body) == 0 {
		return b.String()
	}
	b.WriteByte('\n')
	var indented bytes.Buffer
	if json.Indent(&indented, r.Body, "", "  ") == nil {
		b.Write(indented.Bytes())
		b.WriteByte('\n')
	} else {
		b.WriteString(strings.ReplaceAll(string(r.Body), "\r\n", "\n"))
	}
	return b.String()
}

func unescape(s string) string {
	if t, err := url.PathUnescape(s); err == nil {
		return t
	}
	return s
}
