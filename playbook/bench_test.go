package playbook_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/playbook"
	"github.com/andmoneyaps/engage-playbooks/playbook/playbooktest"
)

// captured is a request as the engine sent it, and in which wave: how many
// rounds had to be answered before.
type captured struct {
	method, path string
	header       http.Header
	body         []byte
	wave         int
}

// wire is a transport with a latency, that can capture what goes over it.
type wire struct {
	base    http.RoundTripper
	latency time.Duration
	capture bool
	// hold, if not nil, is called before each write is sent.
	hold func()

	mu      sync.Mutex
	started time.Time
	sent    []captured
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	if w.capture {
		var body []byte
		if r.Body != nil {
			body, _ = io.ReadAll(r.Body)
			r.Body = io.NopCloser(bytes.NewReader(body))
		}
		w.mu.Lock()
		if w.started.IsZero() {
			w.started = time.Now()
		}
		wave := 0
		if w.latency > 0 {
			wave = int((time.Since(w.started) + w.latency/4) / w.latency)
		}
		w.sent = append(w.sent, captured{r.Method, r.URL.RequestURI(), r.Header.Clone(), body, wave})
		w.mu.Unlock()
	}
	if w.hold != nil && r.Method != http.MethodGet {
		w.hold()
	}
	if w.latency > 0 {
		select {
		case <-time.After(w.latency):
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	return w.base.RoundTrip(r)
}

// waves are the captured requests by wave.
func waves(sent []captured) [][]captured {
	var all [][]captured
	for _, c := range sent {
		for len(all) <= c.wave {
			all = append(all, nil)
		}
		all[c.wave] = append(all[c.wave], c)
	}
	return all
}

// byHand is what a Go programmer would write: the requests of a wave at once,
// their answers decoded, then the next wave.
func byHand(b testing.TB, r *rig, waves [][]captured) {
	client := &http.Client{Transport: r.wire}
	for _, wave := range waves {
		var wg sync.WaitGroup
		for i := range wave {
			c := &wave[i]
			one := func() {
				req, err := http.NewRequest(c.method, r.Server.URL+c.path, bytes.NewReader(c.body))
				if err != nil {
					b.Error(err)
					return
				}
				req.Header = c.header.Clone()
				resp, err := client.Do(req)
				if err != nil {
					b.Error(err)
					return
				}
				defer resp.Body.Close()
				if strings.Contains(resp.Header.Get("Content-Type"), "json") {
					var v map[string]any
					if err := json.NewDecoder(resp.Body).Decode(&v); err != nil && err != io.EOF {
						b.Error(err)
					}
					return
				}
				_, _ = io.ReadAll(resp.Body)
			}
			if len(wave) == 1 {
				one()
			} else {
				wg.Go(one)
			}
		}
		wg.Wait()
	}
}

// rig is an example in a world behind a wire.
type rig struct {
	*bench
	wire *wire
}

func newRig(b testing.TB, example, id string, latency time.Duration, capture bool, o ...*playbooktest.Options) *rig {
	b.Helper()
	w, err := playbook.Load(os.DirFS("../examples/" + example))
	if err != nil {
		b.Fatal(err)
	}
	o = append(o, nil)
	world, err := playbooktest.NewWorld(w, o[0])
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(world.Close)
	p, ok := w.Playbook(id)
	if !ok {
		b.Fatal(id)
	}
	r := &rig{wire: &wire{base: world.Transport(), latency: latency, capture: capture}}
	r.bench = &bench{World: world, engine: world.EngineOver(r.wire), playbook: p}
	return r
}

// warm sends what the first run of a process sends alone, and lets the service
// hint at how many requests it takes at once.
func (r *rig) warm(b testing.TB, ev *playbook.Event) {
	b.Helper()
	e := *ev
	e.ID += "-warm"
	if _, err := r.engine.Run(context.Background(), r.playbook, &e); err != nil {
		b.Fatal(err)
	}
	r.wire.mu.Lock()
	r.wire.sent, r.wire.started = nil, time.Time{}
	r.wire.mu.Unlock()
}

func numbered(ev *playbook.Event, i int) *playbook.Event {
	e := *ev
	e.ID = fmt.Sprintf("%s-%d", ev.ID, i)
	return &e
}

// BenchmarkCustomerOverview compares the 21 blocks of the customer overview
// with the same requests written by hand, wave by wave. ratio is the engine's
// time over that of the hand-written version in the same run.
func BenchmarkCustomerOverview(b *testing.B) {
	ev := eventOf(b, "../examples/customer-overview/events/overview.json")
	for _, latency := range []time.Duration{0, 40 * time.Millisecond} {
		b.Run(latency.String(), func(b *testing.B) {
			record := newRig(b, "customer-overview", "customer-overview", 40*time.Millisecond, true)
			record.warm(b, ev)
			rounds := 0
			var scripts [][][]captured
			n := min(b.N, 50)
			for i := range n {
				r, err := record.engine.Run(context.Background(), record.playbook, numbered(ev, i))
				if err != nil {
					b.Fatal(err)
				}
				rounds = r.Stats.RoundTrips
				scripts = append(scripts, waves(record.wire.sent))
				record.wire.sent, record.wire.started = nil, time.Time{}
			}
			ours := newRig(b, "customer-overview", "customer-overview", latency, false)
			ours.warm(b, ev)
			hand := newRig(b, "customer-overview", "customer-overview", latency, false)
			var engine, byhand time.Duration
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				start := time.Now()
				if _, err := ours.engine.Run(context.Background(), ours.playbook, numbered(ev, i)); err != nil {
					b.Fatal(err)
				}
				engine += time.Since(start)
				b.StopTimer()
				start = time.Now()
				byHand(b, hand, scripts[i%n])
				byhand += time.Since(start)
				b.StartTimer()
			}
			b.ReportMetric(float64(engine)/float64(byhand), "ratio")
			b.ReportMetric(float64(rounds), "rounds")
		})
	}
}

// BenchmarkPortalMeetings runs 1,000 portal meetings at once, and compares the
// throughput with the hand-written version's.
func BenchmarkPortalMeetings(b *testing.B) {
	const n = 1000
	ev := event(b, "booked.json")
	record := newRig(b, "portal-meeting", "portal-meeting-booked", 20*time.Millisecond, true)
	record.warm(b, ev)
	if _, err := record.engine.Run(context.Background(), record.playbook, numbered(ev, 0)); err != nil {
		b.Fatal(err)
	}
	script := waves(record.wire.sent)
	old, err := derived(record, ev)
	if err != nil {
		b.Fatal(err)
	}
	scripts := make([][][]captured, n)
	for i := range scripts {
		scripts[i] = renamed(script, old, i)
	}
	var engine, byhand time.Duration
	for b.Loop() {
		ours := newRig(b, "portal-meeting", "portal-meeting-booked", 0, false)
		ours.warm(b, ev)
		engine += atOnce(n, func(i int) {
			if _, err := ours.engine.Run(context.Background(), ours.playbook, numbered(ev, i)); err != nil {
				b.Error(err)
			}
		})
		hand := newRig(b, "portal-meeting", "portal-meeting-booked", 0, false)
		byhand += atOnce(n, func(i int) { byHand(b, hand, scripts[i]) })
		if x, y := ours.count(b, "appointments"), hand.count(b, "appointments"); x != n+1 || y != n {
			b.Fatalf("%d and %d appointments", x, y)
		}
	}
	b.ReportMetric(float64(byhand)/float64(engine), "throughput-ratio")
	b.ReportMetric(float64(b.N*n)/engine.Seconds(), "runs/s")
}

// derived gives the ids that the captured run wrote.
func derived(r *rig, ev *playbook.Event) ([]string, error) {
	result, err := r.engine.Run(context.Background(), r.playbook, numbered(ev, 0))
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, w := range result.Writes {
		ids = append(ids, w.ID)
	}
	return ids, nil
}

// renamed is the script with other ids for what it writes.
func renamed(script [][]captured, ids []string, i int) [][]captured {
	all := make([][]captured, len(script))
	for w := range script {
		all[w] = append([]captured{}, script[w]...)
		for k := range all[w] {
			for _, id := range ids {
				other := fmt.Sprintf("%s%012x", id[:24], i+1)
				all[w][k].body = bytes.ReplaceAll(all[w][k].body, []byte(id), []byte(other))
			}
		}
	}
	return all
}

func atOnce(n int, run func(i int)) time.Duration {
	var wg sync.WaitGroup
	start := time.Now()
	for i := range n {
		wg.Go(func() { run(i) })
	}
	wg.Wait()
	return time.Since(start)
}

// A run that waits for the service holds little memory beyond its data.
func TestMemoryOfARunThatWaits(t *testing.T) {
	if testing.Short() || underRace {
		t.Skip("measures memory")
	}
	const n = 300
	r := newRig(t, "portal-meeting", "portal-meeting-booked", 0, false, &playbooktest.Options{NoListener: true})
	ev := event(t, "booked.json")
	// The simulated Entra would issue each request a token of its own; one is
	// kept here, as auth does. Its text, in the request that waits, is data.
	token := 0
	for _, source := range []*func(context.Context, *playbook.Event) (dataverse.TokenSource, error){&r.engine.Employee, &r.engine.Application} {
		once, err := (*source)(t.Context(), ev)
		if err != nil {
			t.Fatal(err)
		}
		kept, err := once.Token(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		token = max(token, len(kept))
		*source = func(context.Context, *playbook.Event) (dataverse.TokenSource, error) {
			employee := bearer(kept)
			return &employee, nil // one of many, for the limits of the service
		}
	}
	r.warm(t, ev)
	least := uint64(1 << 30) // of several rounds: what else goes on in the process only adds
	for round := range 3 {
		least = min(least, heldByWaiting(t, r, ev, n, round*n)-uint64(token))
	}
	t.Logf("%d KiB a run", least>>10)
	if least > 64<<10 {
		t.Errorf("%d KiB a run, at most 64", least>>10)
	}
}

// heldByWaiting is what each of n runs holds while the service is at their
// writes; their events are numbered from first on.
func heldByWaiting(t *testing.T, r *rig, ev *playbook.Event, n, first int) uint64 {
	var waiting atomic.Int32
	all, release := make(chan struct{}), make(chan struct{})
	r.wire.hold = func() {
		if int(waiting.Add(1)) == n {
			close(all)
		}
		<-release
	}
	before := heap()
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			if _, err := r.engine.Run(context.Background(), r.playbook, numbered(ev, first+i)); err != nil {
				t.Error(err)
			}
		})
	}
	select {
	case <-all:
	case <-time.After(30 * time.Second):
		t.Errorf("%d runs wait", waiting.Load())
	}
	each := (heap() - before) / uint64(n)
	close(release)
	wg.Wait()
	return each
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}
