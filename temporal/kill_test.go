package temporal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"github.com/andmoneyaps/engage-playbooks/dataverse/simulator"
	"github.com/andmoneyaps/engage-playbooks/playbook"
)

// The kill test: runs of the example's playbook, on workers that are processes
// of their own and are killed (SIGKILL) again and again while they work.
const (
	killRuns    = 50
	killWorkers = 2
	killSeed    = 9
	// A worker is killed after so many further requests to the simulator.
	killAfterLeast, killAfterMost = 6, 16
	// No more kills than that: a worker that is killed sooner than it can end
	// what it has begun gets nowhere, and the machine may be slow.
	killMost = 12
)

// workerProcess is one worker.
type workerProcess struct {
	cmd    *exec.Cmd
	output bytes.Buffer
}

// killable starts workers of the example binary against the site.
type killable struct {
	binary, address, environment string
	env                          []string
}

func newKillable(t testing.TB, s *site, address string) *killable {
	t.Helper()
	dir := t.TempDir()
	k := &killable{binary: filepath.Join(dir, "worker"), address: address, environment: filepath.Join(dir, "environment.yaml")}
	if out, err := exec.Command("go", "build", "-o", k.binary, "./cmd/worker").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte(simulator.DefaultClientSecret), 0o600); err != nil {
		t.Fatal(err)
	}
	registration := fmt.Sprintf("{clientId: %s, clientSecret: {file: %s}}", simulator.DefaultClientID, secret)
	document := fmt.Sprintf("kind: Environment\nid: simulator\nurl: %s\ntenantId: %s\nauthority: %s\naudience: [%s]\nonBehalfOf: %s\napplication: %s\n",
		s.Server.URL, s.Server.TenantID, s.Server.Authority, simulator.DefaultAudience, registration, registration)
	if err := os.WriteFile(k.environment, []byte(document), 0o600); err != nil {
		t.Fatal(err)
	}
	k.env = append(os.Environ(), KeysVariable+"=test:"+base64Of("thirty-two bytes for tests only!"))
	return k
}

func (k *killable) start(t testing.TB) *workerProcess {
	t.Helper()
	w := &workerProcess{cmd: exec.Command(k.binary, "--temporal", k.address, "--environment", k.environment, "--tenant", tenant,
		"--heartbeat", "3s", "--sticky", "1s", example)}
	w.cmd.Env, w.cmd.Stderr = k.env, &w.output
	if err := w.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return w
}

// kill ends the process where it stands.
func (w *workerProcess) kill() {
	_ = w.cmd.Process.Kill()
	_ = w.cmd.Wait()
}

func TestKilledWorkersLoseNothingAndDoubleNothing(t *testing.T) {
	address := startServer(t)
	s := portalMeeting(t)
	k := newKillable(t, s, address)
	c := dial(t, address, nil)

	workers := make([]*workerProcess, killWorkers)
	for i := range workers {
		workers[i] = k.start(t)
	}
	defer func() {
		for _, w := range workers {
			w.kill()
		}
	}()
	eventually(t, "a worker", func() bool { return c.Listening(t.Context()) == nil })

	started := time.Now()
	runs := make([]*Run, killRuns)
	for i := range runs {
		ev := s.event(t, simulator.AssertionOptions{})
		ev.ID = fmt.Sprintf("kill-%02d", i)
		run, err := c.Start(t.Context(), tenant, s.playbook, ev, func(o *client.StartWorkflowOptions) {
			o.WorkflowTaskTimeout = 3 * time.Second // how soon Temporal misses the worker
		})
		if err != nil {
			t.Fatal(err)
		}
		runs[i] = run
	}

	results := make([]*playbook.Result, killRuns)
	errs := make([]error, killRuns)
	var waiting sync.WaitGroup
	done := make(chan struct{})
	for i, run := range runs {
		waiting.Go(func() { results[i], errs[i] = run.Result(t.Context()) })
	}
	go func() { waiting.Wait(); close(done) }()

	random := rand.New(rand.NewPCG(killSeed, killSeed))
	next := func() int {
		return len(s.Server.Requests()) + killAfterLeast + random.IntN(killAfterMost-killAfterLeast)
	}
	kills := 0
	at := next()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.After(patience)
	for over := false; !over; {
		select {
		case <-done:
			over = true
		case <-late:
			t.Fatalf("after %s and %d kills not all runs have ended; workers say: %s%s", patience, kills, &workers[0].output, &workers[1].output)
		case <-tick.C:
			if kills == killMost || len(s.Server.Requests()) < at {
				continue
			}
			i := random.IntN(killWorkers)
			workers[i].kill()
			kills++
			workers[i] = k.start(t)
			at = next()
		}
	}
	took := time.Since(started)

	attempts, blocks, written, lost := 0, 0, 0, 0
	ids := map[string]int{}
	for i, run := range runs {
		if errs[i] != nil || results[i].Status != playbook.StatusSucceeded || len(results[i].Writes) != 2 {
			lost++
			t.Errorf("run %d: %v", i, errs[i])
			continue
		}
		for _, w := range results[i].Writes {
			ids[w.ID]++
			written++
		}
		a, b := attemptsOf(t, c, run)
		attempts, blocks = attempts+a, blocks+b
	}
	there, wrong := 0, 0
	for _, set := range []string{"appointments", "annotations"} {
		for _, r := range s.Server.Records(set) {
			there++
			id, _ := r[map[string]string{"appointments": "activityid", "annotations": "annotationid"}[set]].(string)
			if ids[strings.ToLower(id)] != 1 {
				wrong++
				t.Errorf("%s %s is in %d records of runs", set, id, ids[strings.ToLower(id)])
			}
		}
	}
	var table bytes.Buffer
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "runs\tkills\tblocks\tattempts\trecords\tlost\tduplicates\tseconds\t")
	fmt.Fprintf(w, "%d\t%d\t%d\t%d\t%d\t%d\t%d\t%.1f\t\n", killRuns, kills, blocks, attempts, there, 2*killRuns-written, max(there-2*killRuns, 0)+wrong, took.Seconds())
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	t.Logf("workers killed while they worked, seed %d:\n%s", killSeed, &table)
	if there != 2*killRuns || written != 2*killRuns || len(ids) != 2*killRuns || lost != 0 {
		t.Errorf("%d records are there, %d are in records of runs, %d runs failed; want %d, each once", there, written, lost, 2*killRuns)
	}
	if kills < 5 {
		t.Errorf("only %d kills: this proves little", kills)
	}
}

// attemptsOf counts how often activities of a run were started, and how many
// of them there are.
func attemptsOf(t testing.TB, c *Client, r *Run) (attempts, blocks int) {
	t.Helper()
	events := c.Temporal().GetWorkflowHistory(t.Context(), r.ID, r.RunID, false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		e, err := events.Next()
		if err != nil {
			t.Fatal(err)
		}
		if a := e.GetActivityTaskStartedEventAttributes(); a != nil {
			attempts += int(a.GetAttempt())
			blocks++
		}
	}
	return attempts, blocks
}

func base64Of(text string) string {
	data, err := json.Marshal([]byte(text)) // base64, as JSON has bytes
	if err != nil {
		panic(err)
	}
	return strings.Trim(string(data), `"`)
}
