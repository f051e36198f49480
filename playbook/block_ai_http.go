package playbook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// HTTPProvider asks a service over HTTP for capabilities: a POST of
// {"capability", "version", "event", "playbook", "block", "inputs"} to
// URL/capability/version. A 200 answers with the object of outputs; 404 says
// that the service does not have the capability; everything else is a failure.
type HTTPProvider struct {
	// URL is the base, such as "https://ai.bank.example/capabilities".
	URL string
	// Client sends the requests, with whatever authorisation it adds. Default:
	// http.DefaultClient.
	Client *http.Client
	// MaxResponseBytes bounds an answer. Default: 8 MiB.
	MaxResponseBytes int64
}

const defaultCapabilityBytes = 8 << 20

// Call implements [Provider].
func (p *HTTPProvider) Call(ctx context.Context, req CapabilityRequest) (map[string]any, error) {
	body, err := json.Marshal(map[string]any{
		"capability": req.Capability, "version": req.Version, "inputs": req.Inputs,
		"event": req.Event, "playbook": req.Playbook, "block": req.Block,
	})
	if err != nil {
		return nil, fmt.Errorf("encode the inputs of capability %q: %w", req.Capability, err)
	}
	to := strings.TrimSuffix(p.URL, "/") + "/" + url.PathEscape(req.Capability) + "/" + url.PathEscape(req.Version)
	post, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("capability %q: %w", req.Capability, err)
	}
	post.Header.Set("Content-Type", "application/json")
	post.Header.Set("Accept", "application/json")
	client := p.Client
	if client == nil {
		client = http.DefaultClient
	}
	answer, err := client.Do(post)
	if err != nil {
		return nil, fmt.Errorf("capability %q: %w", req.Capability, err)
	}
	defer answer.Body.Close()
	switch answer.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return nil, ErrNoCapability
	default:
		return nil, &CapabilityError{Capability: req.Capability, Version: req.Version, Status: answer.StatusCode}
	}
	most := p.MaxResponseBytes
	if most <= 0 {
		most = defaultCapabilityBytes
	}
	data, err := io.ReadAll(io.LimitReader(answer.Body, most+1))
	if err != nil {
		return nil, fmt.Errorf("capability %q: %w", req.Capability, err)
	}
	if int64(len(data)) > most {
		return nil, fmt.Errorf("capability %q: its answer is longer than %d bytes", req.Capability, most)
	}
	v, err := decodeJSON(data)
	if err != nil {
		return nil, fmt.Errorf("capability %q: its answer is no JSON: %w", req.Capability, err)
	}
	out, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("capability %q: its answer is no JSON object", req.Capability)
	}
	return out, nil
}

// CapabilityError is a capability that a service refused or could not answer.
type CapabilityError struct {
	Capability, Version string
	Status              int
}

func (e *CapabilityError) Error() string {
	return fmt.Sprintf("capability %q, version %s: the service answered %d %s", e.Capability, e.Version, e.Status, http.StatusText(e.Status))
}

// Problem is the name of the failure in a run's record.
func (e *CapabilityError) Problem() string { return "capability" }

// decodeJSON reads one JSON value; numbers keep their digits.
func decodeJSON(data []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one value")
	}
	return v, nil
}
