package answers

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
)

// Answer is one recorded answer.
type Answer struct {
	Method string `json:"method"`
	// Path is relative to the service root, without the query.
	Path string `json:"path"`
	// Digest names the request: method, path, query, and the lines of a batch.
	Digest string            `json:"digest"`
	Status int               `json:"status"`
	Header map[string]string `json:"header"`
	// Body is the answer with "{origin}" in the place of the organisation's.
	Body string `json:"body"`
}

// kept are the headers of an answer that clients use.
var kept = []string{"Content-Type", "OData-Version", "Preference-Applied", "Retry-After"}

// serviceRoot stands before the path of every data request.
const serviceRoot = "/api/data/v9.2/"

// question is a request that reads, as recordings know it.
type question struct {
	path, digest string
	// shape says that it asks what tables look like: the answer has no values.
	shape bool
}

// questionOf names a request; ok is false for one that could write.
func questionOf(r *http.Request, body []byte) (q question, ok bool) {
	path, found := strings.CutPrefix(r.URL.Path, serviceRoot)
	if !found {
		return question{}, false
	}
	lines := []string{r.Method + " " + path + "?" + r.URL.RawQuery}
	shape := metadata(path)
	switch {
	case r.Method == http.MethodGet:
	case r.Method == http.MethodPost && path == "$batch":
		inner, ok := batchLines(r.Header.Get("Content-Type"), body)
		if !ok {
			return question{}, false
		}
		lines = append(lines, inner...)
		shape = !slices.ContainsFunc(inner, func(line string) bool { return !metadata(strings.TrimPrefix(line, "GET ")) })
	default:
		return question{}, false
	}
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return question{path, hex.EncodeToString(sum[:]), shape}, true
}

// batchLines gives the request lines of a batch that only reads.
func batchLines(contentType string, body []byte) ([]string, bool) {
	_, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return nil, false
	}
	var lines []string
	parts := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	for {
		part, err := parts.NextRawPart()
		if err == io.EOF {
			return lines, len(lines) > 0
		}
		if err != nil {
			return nil, false
		}
		content, err := io.ReadAll(part)
		if err != nil {
			return nil, false
		}
		line, _, _ := strings.Cut(string(content), "\n")
		line = strings.TrimSpace(line)
		rest, isGet := strings.CutPrefix(line, "GET ")
		if !isGet {
			return nil, false
		}
		if _, after, found := strings.Cut(rest, serviceRoot); found {
			rest = after
		}
		lines = append(lines, "GET "+rest)
	}
}

// shapes are the paths that ask for the shape of tables, or for what the
// service can do with them; their answers hold no values.
var shapes = []string{"EntityDefinitions", "$metadata", "GlobalOptionSetDefinitions", "sdkmessagefilters"}

func metadata(path string) bool {
	return slices.ContainsFunc(shapes, func(s string) bool { return strings.HasPrefix(path, s) })
}

// decode reads a JSON value with all digits.
func decode(data []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var v any
	err := dec.Decode(&v)
	return v, err
}
