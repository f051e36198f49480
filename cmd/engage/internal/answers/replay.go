package answers

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// Replay answers reads from a folder that a [Recorder] wrote.
type Replay struct {
	mu      sync.Mutex
	answers map[string][]*Answer // by digest, in the order they came
}

// Open reads the folder.
func Open(dir string) (*Replay, error) {
	names, err := filepath.Glob(filepath.Join(escapeGlob(dir), "*.json"))
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("the folder %s holds no recorded answers", dir)
	}
	slices.Sort(names)
	r := &Replay{answers: map[string][]*Answer{}}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		var a Answer
		if err := json.Unmarshal(data, &a); err != nil || a.Digest == "" || a.Status == 0 {
			return nil, fmt.Errorf("%s is no recorded answer", name)
		}
		r.answers[a.Digest] = append(r.answers[a.Digest], &a)
	}
	return r, nil
}

func escapeGlob(dir string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir)
}

// Transport answers from the folder and sends nothing.
func (r *Replay) Transport(http.RoundTripper) http.RoundTripper {
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		body, err := readBody(req)
		if err != nil {
			return nil, err
		}
		q, ok := questionOf(req, body)
		if a := r.take(q.digest); ok && a != nil {
			return a.response(req), nil
		}
		// A client does not repeat what was answered by 400.
		missing := &Answer{
			Status: http.StatusBadRequest,
			Header: map[string]string{"Content-Type": "application/json; odata.metadata=minimal"},
			Body:   `{"error":{"code":"not-recorded","message":"no answer to this request was recorded: record the run again, with --record-values if it asks by a value that it has read"}}`,
		}
		return missing.response(req), nil
	})
}

// take gives the next answer to a request; the last one is given again.
func (r *Replay) take(digest string) *Answer {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := r.answers[digest]
	if len(list) == 0 {
		return nil
	}
	if len(list) > 1 {
		r.answers[digest] = list[1:]
	}
	return list[0]
}

func (a *Answer) response(req *http.Request) *http.Response {
	body := strings.ReplaceAll(a.Body, "{origin}", req.URL.Scheme+"://"+req.URL.Host)
	header := http.Header{}
	for k, v := range a.Header {
		header.Set(k, v)
	}
	return &http.Response{
		Status: http.StatusText(a.Status), StatusCode: a.Status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: req,
	}
}
