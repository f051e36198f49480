package cli

import (
	"bytes"
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/playbook"
)

// The line of a run goes on while nothing happens, says what is waited for,
// follows the width of the terminal, and leaves nothing behind.
func TestProgressLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		var width atomic.Int64
		width.Store(80)
		p := &progress{w: &out, width: func() int { return int(width.Load()) }}
		expect := func(want string) {
			t.Helper()
			synctest.Wait()
			p.mu.Lock()
			defer p.mu.Unlock()
			if got := out.String(); !strings.HasSuffix(got, want) {
				t.Errorf("got %q, want it to end in %q", got[max(0, len(got)-120):], want)
			}
		}
		p.tell(playbook.Progress{Kind: playbook.RunStarted})
		p.tell(playbook.Progress{Kind: playbook.BlockStarted, Block: "Read customer"})
		p.tell(playbook.Progress{Kind: playbook.BlockStarted, Block: "Read \x1b[31madvisor"})
		expect("\r\x1b[K 0.0s  Read customer, Read \ufffd[31madvisor")
		p.tell(playbook.Progress{Kind: playbook.BlockEnded, Block: "Read \x1b[31madvisor"})
		p.tell(playbook.Progress{Kind: playbook.RequestSent, Retries: 1})

		throttled := dataverse.Step{Kind: dataverse.StepWait, ClientRequestID: "1", Wait: 3 * time.Second, Status: 429}
		p.Start(context.Background(), throttled)
		time.Sleep(time.Second)
		expect(" 1.0s  Read customer  (throttled, goes on in 2.0s, requests: 1, retries: 1)")
		p.End(context.Background(), throttled)
		expect(" 1.0s  Read customer  (requests: 1, retries: 1)")
		p.Start(context.Background(), dataverse.Step{Kind: dataverse.StepWait, ClientRequestID: "2", Wait: time.Second})
		expect(" 1.0s  Read customer  (tries again in 1.0s, requests: 1, retries: 1)")

		// Narrower: whatever became of the line, those above are left alone.
		width.Store(40)
		time.Sleep(beat)
		expect("\r\x1b[K 1.2s  Read custom…  (tries again in 0…")
		time.Sleep(beat)
		expect("\r\x1b[K 1.4s  Read custom…  (tries again in 0…")

		// Another line stands below what it wiped, and the progress below it.
		p.say(&out, "sign in")
		expect("…\r\x1b[Ksign in\n")
		time.Sleep(beat)
		expect("sign in\n\r\x1b[K 1.6s  Read custom…  (tries again in 0…")

		p.clear()
		expect("\r\x1b[K")
		n := out.Len()
		time.Sleep(time.Minute)
		p.Start(context.Background(), throttled)
		if out.Len() != n {
			t.Errorf("drawn after the end: %q", out.String()[n:])
		}
	})
}
