package cli

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/term"

	"github.com/andmoneyaps/engage-playbooks/cmd/engage/internal/render"
	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/playbook"
)

// beat is how often the line of a progress is drawn when nothing happens.
const beat = 200 * time.Millisecond

// progress shows on a terminal which blocks are under way, for how long, and
// what they wait for, in one line that changes; elsewhere it shows nothing. It
// is told of steps by the engine, and of waits by the client.
type progress struct {
	w     io.Writer  // nil: silent
	width func() int // of the terminal as it is now

	mu       sync.Mutex
	stop     chan struct{} // ends the beat; nil: no run is under way
	started  time.Time
	running  []string
	waits    map[string]wait // by request
	requests int
	retries  int
}

// wait is one before another attempt.
type wait struct {
	until     time.Time
	throttled bool
}

func (c *Command) progress() *progress {
	if !terminal(c.Stderr) || c.Getenv("TERM") == "dumb" { // which cannot go back in a line
		return &progress{}
	}
	f := c.Stderr.(*os.File)
	return &progress{w: f, width: func() int {
		width, _, _ := term.GetSize(int(f.Fd()))
		return width
	}}
}

// tracer is what tells the progress of waits; nil if it shows nothing.
func (p *progress) tracer() dataverse.Tracer {
	if p.w == nil {
		return nil
	}
	return p
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
		p.begin()
	case playbook.BlockStarted:
		p.running = append(p.running, s.Block)
	case playbook.RequestSent:
		p.requests++
		p.retries += s.Retries
	case playbook.BlockEnded:
		p.running = slices.DeleteFunc(p.running, func(b string) bool { return b == s.Block })
	}
	p.draw()
}

// begin starts the beat of a run.
func (p *progress) begin() {
	p.started, p.running, p.requests, p.retries, p.waits = time.Now(), nil, 0, 0, map[string]wait{}
	if p.stop != nil {
		return
	}
	stop := make(chan struct{})
	p.stop = stop
	go func() {
		ticks := time.NewTicker(beat)
		defer ticks.Stop()
		for {
			select {
			case <-stop:
				return
			case <-ticks.C:
			}
			p.mu.Lock()
			if p.stop == stop {
				p.draw()
			}
			p.mu.Unlock()
		}
	}()
}

// Start takes a wait of the client.
func (p *progress) Start(ctx context.Context, s dataverse.Step) context.Context {
	if s.Kind == dataverse.StepWait {
		p.waiting(s, wait{time.Now().Add(s.Wait), s.Status == http.StatusTooManyRequests})
	}
	return ctx
}

// End takes the end of a wait.
func (p *progress) End(_ context.Context, s dataverse.Step) {
	if s.Kind == dataverse.StepWait {
		p.waiting(s, wait{})
	}
}

func (p *progress) waiting(s dataverse.Step, w wait) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stop == nil {
		return
	}
	if p.waits[s.ClientRequestID] = w; w.until.IsZero() {
		delete(p.waits, s.ClientRequestID)
	}
	p.draw()
}

// line is what stands there: how long, which blocks, and what they cost and
// wait for; of the blocks as many as the width has room for.
func (p *progress) line(now time.Time, width int) string {
	lead := fmt.Sprintf("%4.1fs  ", now.Sub(p.started).Seconds())
	var notes []string
	if p.requests > 0 {
		notes = append(notes, fmt.Sprintf("requests: %d", p.requests))
	}
	if p.retries > 0 {
		notes = append(notes, fmt.Sprintf("retries: %d", p.retries))
	}
	if note := p.waitNote(now); note != "" {
		notes = append([]string{note}, notes...)
	}
	tail := ""
	if len(notes) > 0 {
		tail = "  (" + strings.Join(notes, ", ") + ")"
	}
	blocks := render.Printable(strings.Join(p.running, ", "))
	if width <= 1 {
		return lead + blocks + tail
	}
	room := width - 1 - utf8.RuneCountInString(lead) - utf8.RuneCountInString(tail)
	return cut(lead+cut(blocks, max(room, 12))+tail, width-1)
}

// waitNote says what the wait that ends last is for.
func (p *progress) waitNote(now time.Time) string {
	var last wait
	for _, w := range p.waits {
		if w.until.After(last.until) {
			last = w
		}
	}
	if last.until.IsZero() {
		return ""
	}
	left := max(0, last.until.Sub(now).Seconds())
	if last.throttled {
		return fmt.Sprintf("throttled, goes on in %.1fs", left)
	}
	return fmt.Sprintf("tries again in %.1fs", left)
}

// cut shortens a text to so many columns.
func cut(text string, width int) string {
	r := []rune(text)
	if len(r) <= width {
		return text
	}
	return string(r[:max(width-1, 0)]) + "…"
}

// draw puts the line in the place of the one before.
func (p *progress) draw() {
	fmt.Fprint(p.w, wipe+p.line(time.Now(), p.width()))
}

// wipe takes away the line that the cursor stands in, and nothing else: where a
// terminal that became narrower has broken the line into several, those above
// may as well be somebody else's.
const wipe = "\r\x1b[K"

// say prints a line of its own. The progress goes on below it.
func (p *progress) say(w io.Writer, line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stop != nil {
		fmt.Fprint(p.w, wipe)
	}
	fmt.Fprintln(w, line)
}

// clear takes the line away and ends the beat.
func (p *progress) clear() {
	if p.w == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stop != nil {
		close(p.stop)
		p.stop = nil
	}
	fmt.Fprint(p.w, wipe)
}
