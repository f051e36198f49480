package answers

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// Recorder writes the answers to reads into a folder as they come.
type Recorder struct {
	dir    string
	values bool

	mu   sync.Mutex
	next int
	err  error
}

// NewRecorder makes the folder, which must be new or empty. With values,
// nothing is redacted.
func NewRecorder(dir string, values bool) (*Recorder, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	if len(entries) > 0 {
		return nil, fmt.Errorf("the folder %s is not empty", dir)
	}
	return &Recorder{dir: dir, values: values}, nil
}

// Err is the first error of writing.
func (r *Recorder) Err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// Transport records what comes through base.
func (r *Recorder) Transport(base http.RoundTripper) http.RoundTripper {
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		body, err := readBody(req)
		if err != nil {
			return nil, err
		}
		res, err := base.RoundTrip(req)
		if err != nil {
			return nil, err
		}
		q, ok := questionOf(req, body)
		if !ok {
			return res, nil
		}
		answer, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil {
			return nil, err
		}
		res.Body = io.NopCloser(bytes.NewReader(answer))
		r.write(req, res, q, answer)
		return res, nil
	})
}

func (r *Recorder) write(req *http.Request, res *http.Response, q question, body []byte) {
	a := Answer{Method: req.Method, Path: q.path, Digest: q.digest, Status: res.StatusCode, Header: map[string]string{}}
	for _, name := range kept {
		if v := res.Header.Get(name); v != "" {
			a.Header[name] = v
		}
	}
	if !r.values && !q.shape {
		body = redactAnswer(res.Header.Get("Content-Type"), body)
	}
	a.Body = strings.ReplaceAll(string(body), req.URL.Scheme+"://"+req.URL.Host, "{origin}")
	var file bytes.Buffer
	enc := json.NewEncoder(&file)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(a)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.next++
	if err == nil {
		err = os.WriteFile(filepath.Join(r.dir, fmt.Sprintf("%04d.json", r.next)), file.Bytes(), 0o600)
	}
	if err != nil && r.err == nil {
		r.err = err
	}
}

// redactAnswer redacts a JSON answer, or each JSON part of a batch's. What is
// neither is left out.
func redactAnswer(contentType string, body []byte) []byte {
	media, _, _ := mime.ParseMediaType(contentType)
	if media != "multipart/mixed" {
		out, ok := redacted(body)
		if !ok {
			return nil
		}
		return out
	}
	lines := strings.Split(string(body), "\n")
	for i, line := range lines {
		trimmed := strings.TrimRight(line, "\r")
		if strings.HasPrefix(trimmed, "{") {
			out, ok := redacted([]byte(trimmed))
			if !ok {
				out = []byte("{}")
			}
			lines[i] = strings.TrimRight(string(out), "\n") + line[len(trimmed):]
		}
	}
	return []byte(strings.Join(lines, "\n"))
}

// readBody reads a request's body and leaves it readable.
func readBody(req *http.Request) ([]byte, error) {
	if req.Body == nil || req.Body == http.NoBody {
		return nil, nil
	}
	body, err := io.ReadAll(req.Body)
	_ = req.Body.Close()
	req.Body = io.NopCloser(bytes.NewReader(body))
	return body, err
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
