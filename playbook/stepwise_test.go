package playbook_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/andmoneyaps/engage-playbooks/playbook"
	"github.com/andmoneyaps/engage-playbooks/playbook/playbooktest"
)

// through sends a value as JSON, as it would between processes.
func through[T any](t testing.TB, v *T) *T {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	got := new(T)
	if err := json.Unmarshal(data, got); err != nil {
		t.Fatalf("%v\n%s", err, data)
	}
	if again, _ := json.Marshal(got); string(again) != string(data) {
		t.Fatalf("does not come back as it was sent:\n%s\n%s", data, again)
	}
	return got
}

// advance runs the playbook block by block. All that one call gives the next
// goes through JSON; of what is ready the last is taken first.
func advance(t testing.TB, ctx context.Context, e *playbook.Engine, p *playbook.Playbook, ev *playbook.Event) (*playbook.Result, error) {
	t.Helper()
	flow := through(t, p.Flow())
	state, err := e.Begin(ctx, p, ev)
	if err != nil {
		t.Fatal(err)
	}
	state = through(t, state)
	for ready := flow.Ready(state); len(ready) > 0; ready = flow.Ready(state) {
		i := ready[len(ready)-1]
		o, err := e.Step(ctx, p, ev, through(t, flow.Part(state, i)), i)
		if o == nil {
			t.Fatal(err)
		}
		state.Outcomes[i] = through(t, o)
	}
	return e.End(ctx, flow, ev, state)
}

// timeless is the JSON of a result without what differs between two runs. Block
// by block a look-up waits for the blocks before it, so that a run may need more
// round trips.
func timeless(t testing.TB, r *playbook.Result) any {
	t.Helper()
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	var strip func(v any)
	strip = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for _, k := range []string{"startedAt", "ms", "requestId", "roundTrips", "_etag"} {
				delete(v, k)
			}
			for _, item := range v {
				strip(item)
			}
			if list, ok := v["requests"].([]any); ok { // some are sent side by side
				slices.SortFunc(list, func(a, b any) int { return strings.Compare(show(a), show(b)) })
			}
		case []any:
			for _, item := range v {
				strip(item)
			}
		}
	}
	strip(v)
	return v
}

// Of every example, each event gives the same result whether the run is whole
// or advanced block by block through JSON; a second time too, when the records
// are there.
func TestRunsBlockByBlockAreWholeRuns(t *testing.T) {
	files, err := filepath.Glob("../examples/*/events/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal(err, files)
	}
	ran := 0
	for _, file := range files {
		dir := filepath.Dir(filepath.Dir(file))
		w, err := playbook.Load(os.DirFS(dir))
		if err != nil {
			continue // examples of one folder with several workspaces
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		ev, err := playbook.DecodeEvent(data)
		if err != nil || ev.ID == "" {
			continue
		}
		for _, p := range w.Playbooks() {
			if p.Trigger.Type.ID != ev.Type {
				continue
			}
			ran++
			var want, got [2]*playbook.Result
			now := time.Now()
			for _, stepwise := range []bool{false, true} {
				world, err := playbooktest.NewWorld(w, &playbooktest.Options{NoListener: true, Now: func() time.Time { return now }})
				if err != nil {
					t.Fatal(err)
				}
				e := world.Engine()
				for i := range 2 {
					if stepwise {
						got[i], _ = advance(t, t.Context(), e, p, ev)
					} else {
						want[i], _ = e.Run(t.Context(), p, ev)
					}
				}
				world.Close()
			}
			for i := range 2 {
				if d := cmp.Diff(timeless(t, want[i]), timeless(t, got[i])); d != "" {
					t.Errorf("%s, %s, time %d (-whole +block by block):\n%s", file, p.ID, i+1, d)
				}
			}
		}
	}
	if ran < 10 {
		t.Errorf("only %d runs of examples", ran)
	}
}

const twoReads = `kind: Playbook
id: two-reads
blocks:
  - {name: Portal meeting, type: Trigger, trigger: PortalMeetings}
  - name: First
    type: EntityPatternRead
    pattern: find-advisor
    onError: ON_ERROR
    inputs: [{from: Portal meeting, map: [{source: Meeting.MeetingOwner.Email, destination: advisor.Email}]}]
  - name: Second
    type: EntityPatternRead
    pattern: find-advisor
    inputs: [{from: Portal meeting, map: [{source: Meeting.MeetingOwner.Email, destination: advisor.Email}]}]
  - name: Out
    type: Output
    inputs: [{from: Second, map: [{source: "Results[0].advisor[0].Id", destination: advisor}]}]
`

// What fails, is refused or does not fit ends as a whole run does.
func TestStepsThatFail(t *testing.T) {
	for name, c := range map[string]struct {
		onError string
		actor   playbook.ActorKind
		denied  bool
		portal  string
		want    string
	}{
		"refused":               {"stop", playbook.ActorCitizen, false, "", "failed: notRun failed notRun notRun"},
		"refused, but go on":    {"continue", playbook.ActorCitizen, false, "", "failed: notRun failed notRun notRun"},
		"no identity":           {"stop", playbook.ActorEmployee, true, "", "failed: succeeded failed notRun notRun"},
		"no identity, go on":    {"continue", playbook.ActorEmployee, true, "", "failed: succeeded failed failed notRun"},
		"for another portal":    {"stop", playbook.ActorEmployee, false, "other", "skipped: skipped notRun notRun notRun"},
		"nothing is the matter": {"stop", playbook.ActorEmployee, false, "", "succeeded: succeeded succeeded succeeded succeeded"},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(twoReads, "ON_ERROR", c.onError, 1)
			if c.portal != "" {
				text = strings.Replace(text, "trigger: PortalMeetings", "trigger: PortalMeetings, portals: ["+c.portal+"]", 1)
			}
			b := setUp(t, text, nil)
			if c.denied {
				b.engine.Employee = nil
			}
			ev := event(t, "booked.json")
			ev.Actor.Kind = c.actor
			want, wantErr := b.engine.Run(t.Context(), b.playbook, ev)
			got, gotErr := advance(t, t.Context(), b.engine, b.playbook, ev)
			if line := string(got.Status) + ": " + statuses(got); line != c.want {
				t.Errorf("%s\nwant %s", line, c.want)
			}
			if d := cmp.Diff(timeless(t, want), timeless(t, got)); d != "" {
				t.Errorf("(-whole +block by block):\n%s", d)
			}
			if (wantErr == nil) != (gotErr == nil) || wantErr != nil && wantErr.Error() != gotErr.Error() {
				t.Errorf("error %v\nwant  %v", gotErr, wantErr)
			}
		})
	}
}

// A step that was made before its outcome was lost writes nothing twice.
func TestStepsMadeTwice(t *testing.T) {
	b := setUp(t, "", nil)
	ev := event(t, "booked.json")
	state, err := b.engine.Begin(t.Context(), b.playbook, ev)
	if err != nil {
		t.Fatal(err)
	}
	flow := b.playbook.Flow()
	for ready := flow.Ready(state); len(ready) > 0; ready = flow.Ready(state) {
		for range 2 {
			if state.Outcomes[ready[0]], err = b.engine.Step(t.Context(), b.playbook, ev, state, ready[0]); err != nil {
				t.Fatal(err)
			}
			if ready[0] == len(flow.Blocks)-1 {
				break
			}
		}
	}
	last := len(flow.Blocks) - 1
	if _, err := b.engine.Step(t.Context(), b.playbook, ev, state, last); err != nil {
		t.Fatal(err)
	}
	if n := b.count(t, "appointments"); n != 1 {
		t.Errorf("%d appointments", n)
	}
}

func TestStepsThatCannotBeMade(t *testing.T) {
	b := setUp(t, strings.Replace(twoReads, "ON_ERROR", "stop", 1), nil)
	ev := event(t, "booked.json")
	state, err := b.engine.Begin(t.Context(), b.playbook, ev)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range map[int]string{0: "no block 0", 9: "no block 9", 3: `block "Second" has not ended`} {
		if o, err := b.engine.Step(t.Context(), b.playbook, ev, state, i); o != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("step %d: %v, %v; want %q", i, o, err, want)
		}
	}
	other := *ev
	other.Type = "MeetingEnded"
	if _, err := b.engine.Begin(t.Context(), b.playbook, &other); !errors.Is(err, playbook.ErrOtherTrigger) {
		t.Errorf("an event of another type: %v", err)
	}
	b.engine.Version = func(table, id string) string { return "" }
	if _, err := b.engine.Begin(t.Context(), b.playbook, ev); err == nil {
		t.Error("an engine with versions begins a run")
	}
}

// A run that is cancelled between steps says so of what was not run.
func TestStepsOfACancelledRun(t *testing.T) {
	b := setUp(t, "", nil)
	ev := event(t, "booked.json")
	state, err := b.engine.Begin(t.Context(), b.playbook, ev)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(playbook.ErrTimeLimit)
	r, err := b.engine.End(ctx, b.playbook.Flow(), ev, state)
	if !errors.Is(err, playbook.ErrTimeLimit) || r.Status != playbook.StatusFailed || r.Error.Code != "time-limit" {
		t.Errorf("%v, %s, %+v", err, r.Status, r.Error)
	}
	for i, block := range b.playbook.Blocks {
		switch block.Type {
		case playbook.BlockFilter:
			state.Outcomes[i], _ = b.engine.Step(t.Context(), b.playbook, ev, state, i)
		case playbook.BlockRead:
			o, err := b.engine.Step(ctx, b.playbook, ev, state, i)
			if err == nil || o.Error == nil || o.Error.Code != "time-limit" {
				t.Errorf("a step after the end: %+v, %v", o, err)
			}
		}
	}
}

// The JSON of a plan gives the plan back, with the questions that it asked.
func TestAPlanComesBackFromItsJSON(t *testing.T) {
	b := setUp(t, "", nil)
	plan, err := b.engine.DryRun(t.Context(), b.playbook, event(t, "booked.json"))
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(plan)
	if err != nil {
		t.Fatal(err)
	}
	var got playbook.Result
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(timeless(t, plan), timeless(t, &got)); d != "" {
		t.Errorf("(-sent +read):\n%s", d)
	}
	if !strings.Contains(string(data), `"questions":[{`) {
		t.Error("no questions")
	}
}

func TestHashOfAWorkspace(t *testing.T) {
	hash := func(change func(fstest.MapFS)) string {
		fsys := overlay(t, nil).(fstest.MapFS)
		change(fsys)
		return load(t, fsys).Hash()
	}
	same := hash(func(fstest.MapFS) {})
	if len(same) != 64 {
		t.Fatalf("hash %q", same)
	}
	for name, c := range map[string]struct {
		change  func(fstest.MapFS)
		differs bool
	}{
		"an event": {func(m fstest.MapFS) { m["events/more.json"] = &fstest.MapFile{Data: []byte(`{}`)} }, false},
		"a seed":   {func(m fstest.MapFS) { m["seed/more.json"] = &fstest.MapFile{Data: []byte(`{}`)} }, false},
		"a readme": {func(m fstest.MapFS) { m["README.txt"] = &fstest.MapFile{Data: []byte(`more`)} }, false},
		"another document": {func(m fstest.MapFS) {
			m["more.yaml"] = &fstest.MapFile{Data: []byte("kind: Template\nid: more\ncontent: x\n")}
		}, true},
		"another comment": {func(m fstest.MapFS) {
			m["playbooks/portal-meeting-booked.yaml"].Data = append(slices.Clone(m["playbooks/portal-meeting-booked.yaml"].Data), "# more\n"...)
		}, true},
	} {
		if got := hash(c.change); (got != same) != c.differs {
			t.Errorf("%s: hash %s, before %s; want them to differ: %v", name, got, same, c.differs)
		}
	}
}
