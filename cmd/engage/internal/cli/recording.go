package cli

import (
	"fmt"
	"net/http"

	"github.com/andmoneyaps/engage-playbooks/cmd/engage/internal/answers"
)

// recording is run --record; nil without it.
type recording struct{ *answers.Recorder }

func (f *runFlags) recorder() (*recording, error) {
	if f.record == "" {
		return nil, nil
	}
	r, err := answers.NewRecorder(f.record, f.recordValues)
	if err != nil {
		return nil, usagef("--record: %v", err)
	}
	return &recording{r}, nil
}

func (r *recording) wrap() func(http.RoundTripper) http.RoundTripper {
	if r == nil {
		return nil
	}
	return r.Transport
}

func (r *recording) err() error {
	if r == nil || r.Err() == nil {
		return nil
	}
	return fmt.Errorf("the answers could not be recorded: %w", r.Err())
}
