package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/andmoneyaps/engage-playbooks/cmd/engage/internal/render"
	"github.com/andmoneyaps/engage-playbooks/playbook"
)

// progress shows on a terminal which blocks are under way, in one line that
// changes; elsewhere it shows nothing.
type progress struct {
	w     io.Writer // nil: silent
	style render.Style

	mu       sync.Mutex
	started  time.Time
	running  []string
	requests int
	retries  int
}

func (c *Command) progress() *progress {
	if !terminal(c.Stderr) || c.Getenv("TERM") == "dumb" { // which cannot go back in a line
		return &progress{}
	}
	return &progress{w: c.Stderr, style: c.style(c.Stderr)}
}

// tell takes a step of a run.
func (p *progress) tell(s playbook.Progress) {
	if p.w == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch s.Kind {
	case playbook.RunStarted:
		p.started, p.running, p.requests, p.retries = s.Time, nil, 0, 0
	case playbook.BlockStarted:
		p.running = append(p.running, s.Block)
	case playbook.RequestSent:
		p.requests++
		p.retries += s.Retries
	case playbook.BlockEnded:
		p.running = slices.DeleteFunc(p.running, func(b string) bool { return b == s.Block })
	}
	line := fmt.Sprintf("%4.1fs  %s", s.Time.Sub(p.started).Seconds(), render.Printable(strings.Join(p.running, ", ")))
	if p.requests > 0 {
		line += fmt.Sprintf("  (requests: %d", p.requests)
		if p.retries > 0 {
			line += fmt.Sprintf(", retries: %d", p.retries)
		}
		line += ")"
	}
	if r := []rune(line); p.style.Width > 1 && len(r) >= p.style.Width {
		line = string(r[:p.style.Width-1])
	}
	fmt.Fprint(p.w, "\r\x1b[K"+line)
}

// clear takes the line away.
func (p *progress) clear() {
	if p.w == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprint(p.w, "\r\x1b[K")
}
