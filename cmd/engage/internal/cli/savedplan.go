package cli

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path"
	"reflect"
	"strings"
	"time"

	"github.com/andmoneyaps/engage-playbooks/cmd/engage/internal/render"
	"github.com/andmoneyaps/engage-playbooks/playbook"
)

// planVersion changes when saved plans of before cannot be read.
const planVersion = 2

// savedPlan is what plan --out writes and run --plan applies.
type savedPlan struct {
	Version int `json:"version"`
	// Documents is a digest of the workspace's files.
	Documents string `json:"documents"`
	// Organisation is its origin; "simulator" for the one in this program.
	Organisation string `json:"organisation"`
	Playbook     string `json:"playbook"`
	// Event is the whole event, its time set.
	Event json.RawMessage `json:"event"`
	// Writes are what the plan would write, with the values there before.
	Writes []plannedWrite `json:"writes"`
}

type plannedWrite struct {
	Block     string                  `json:"block"`
	Part      string                  `json:"part"`
	Operation string                  `json:"operation"`
	Verdict   playbook.Verdict        `json:"verdict"`
	Table     string                  `json:"table"`
	ID        string                  `json:"id"`
	Values    []playbook.WrittenValue `json:"values"`
	// ETag is the version of the record that an update is for.
	ETag string `json:"etag"`
}

func newSavedPlan(t *target, w *playbook.Workspace, ev *playbook.Event, r *playbook.Result) (*savedPlan, error) {
	digest, err := documentsDigest(w.FS())
	if err != nil {
		return nil, err
	}
	event, err := json.Marshal(ev)
	if err != nil {
		return nil, err
	}
	s := &savedPlan{Version: planVersion, Documents: digest, Organisation: t.organisation(), Playbook: r.Playbook, Event: event, Writes: []plannedWrite{}}
	for _, x := range r.Writes {
		s.Writes = append(s.Writes, plannedWrite{x.Block, x.Part, x.Operation, x.Verdict, x.Table, x.ID, x.Values, x.ETag})
	}
	return s, nil
}

// savePlan writes the plan; it holds the event and values, so only its owner
// may read it.
func savePlan(file string, t *target, w *playbook.Workspace, ev *playbook.Event, r *playbook.Result) error {
	s, err := newSavedPlan(t, w, ev, r)
	if err != nil {
		return err
	}
	return writeFile(file, 0o600, func(o *output) error { return render.JSON(o, s) })
}

// unheld are the changes of a plan whose requests can carry no version: the
// replacement of a party list where nothing else of the record is changed
// before it. They are compared when the plan is applied, and only then.
func unheld(r *playbook.Result) []string {
	var out []string
	for _, b := range r.Blocks {
		held := map[string]bool{} // records, by the beginning of their paths
		for _, q := range b.Requests {
			record, _, ok := strings.Cut(q.Path, ")")
			if !ok || q.Method == http.MethodGet || q.Old == nil || held[record] {
				continue
			}
			held[record] = true
			if q.Method == http.MethodPut {
				out = append(out, fmt.Sprintf("block %q, %s %s)", b.Name, q.Method, record))
			}
		}
	}
	return out
}

func readPlan(file string) (*savedPlan, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, usagef("--plan: the file %s cannot be read: %v", file, cause(err))
	}
	var s savedPlan
	if err := json.Unmarshal(data, &s); err != nil || s.Version != planVersion || s.Playbook == "" {
		return nil, usagef("--plan: %s is no plan that this version of engage wrote", file)
	}
	return &s, nil
}

// version is the ETag with which the plan saw a record that it updates.
func (s *savedPlan) version(table, id string) string {
	for i := range s.Writes {
		if w := &s.Writes[i]; w.Table == table && w.ID == id && w.ETag != "" {
			return w.ETag
		}
	}
	return ""
}

// runPlanned applies a saved plan: it plans again, refuses if anything would
// now happen otherwise, and runs with the versions of the plan, so that a
// change in between is refused by the service.
func (c *Command) runPlanned(ctx context.Context, dir string, f *runFlags) error {
	if f.event != "" || f.playbook != "" {
		return usagef("--plan has its playbook and event; leave --playbook and --event out")
	}
	saved, err := readPlan(f.planFile)
	if err != nil {
		return err
	}
	w, err := load(dir)
	if err != nil {
		return err
	}
	p, err := findPlaybook(w, saved.Playbook)
	if err != nil {
		return err
	}
	ev, err := playbook.DecodeEvent(saved.Event)
	if err != nil {
		return usagef("--plan: the event in %s is broken: %v", f.planFile, err)
	}
	t, err := c.open(w, &f.targetFlags, nil)
	if err != nil {
		return err
	}
	defer t.Close()
	if err := c.assert(t, &f.targetFlags, ev); err != nil {
		return err
	}
	again, err := t.engine.DryRun(ctx, p, ev)
	t.progress.clear()
	if err != nil {
		if errors.Is(err, playbook.ErrOtherTrigger) {
			return usagef("%v", err)
		}
		c.explain(p, again, err)
		return exitCode(ExitFailed)
	}
	now, err := newSavedPlan(t, w, ev, again)
	if err != nil {
		return err
	}
	if changes := saved.differences(now); len(changes) > 0 {
		fmt.Fprintf(c.Stderr, "engage: the plan is out of date, nothing was written:\n")
		for _, change := range changes {
			fmt.Fprintf(c.Stderr, "  %s\n", render.Printable(change))
		}
		fmt.Fprintf(c.Stderr, "  next: plan again\n")
		return exitCode(ExitFailed)
	}
	t.engine.Version = saved.version
	return c.runBooks(ctx, []*playbook.Playbook{p}, ev, t, f)
}

// differences say in what the plan of now differs from the saved one, naming
// columns and no values.
func (s *savedPlan) differences(now *savedPlan) []string {
	var out []string
	if s.Organisation != now.Organisation {
		out = append(out, fmt.Sprintf("it was made for %s, not for %s", s.Organisation, now.Organisation))
	}
	if s.Documents != now.Documents {
		out = append(out, "the workspace's documents have changed")
	}
	for i := range max(len(s.Writes), len(now.Writes)) {
		switch {
		case i >= len(now.Writes):
			out = append(out, fmt.Sprintf("block %q would no longer write %s", s.Writes[i].Block, s.Writes[i].Part))
		case i >= len(s.Writes):
			out = append(out, fmt.Sprintf("block %q would now also write %s", now.Writes[i].Block, now.Writes[i].Part))
		default:
			out = append(out, s.Writes[i].differences(&now.Writes[i])...)
		}
	}
	return out
}

func (x *plannedWrite) differences(now *plannedWrite) []string {
	at := fmt.Sprintf("block %q, %s: ", now.Block, now.Part)
	if x.Block != now.Block || x.Part != now.Part || x.Table != now.Table || x.ID != now.ID {
		return []string{at + "it would now write another record"}
	}
	var out []string
	if x.Verdict != now.Verdict || x.Operation != now.Operation {
		out = append(out, fmt.Sprintf("%swas to be: %s; would now be: %s", at, x.Verdict, now.Verdict))
	}
	before := map[string]playbook.WrittenValue{}
	for _, v := range x.Values {
		before[v.Column] = v
	}
	for _, v := range now.Values {
		old, found := before[v.Column]
		delete(before, v.Column)
		switch {
		case !found:
			out = append(out, at+"column "+v.Column+" would now be written too")
		case !sameJSON(old.Value, v.Value):
			out = append(out, at+"column "+v.Column+" would get another value")
		case !sameJSON(old.Old, v.Old):
			out = append(out, at+"column "+v.Column+" has been changed by somebody since")
		}
	}
	for _, v := range x.Values {
		if _, left := before[v.Column]; left {
			out = append(out, at+"column "+v.Column+" would no longer be written")
		}
	}
	if len(out) == 0 && x.ETag != now.ETag {
		out = append(out, at+"the record has been changed by somebody since, in columns that the plan does not write or in a list of parties")
	}
	return out
}

// sameJSON compares values as JSON, since one side has been through a file.
func sameJSON(a, b any) bool {
	x, errA := json.Marshal(a)
	y, errB := json.Marshal(b)
	if errA != nil || errB != nil {
		return false
	}
	var u, v any
	return json.Unmarshal(x, &u) == nil && json.Unmarshal(y, &v) == nil && (bytes.Equal(x, y) || reflect.DeepEqual(u, v))
}

// documentsDigest covers every file that loading may read.
func documentsDigest(fsys fs.FS) (string, error) {
	sum := sha256.New()
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := path.Base(name)
		if d.IsDir() {
			if name != "." && (strings.HasPrefix(base, ".") || base == "node_modules" || name == "events" || name == "seed") {
				return fs.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() {
			return nil
		}
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		fmt.Fprintf(sum, "%q %d\n", name, len(data))
		_, _ = sum.Write(data)
		return nil
	})
	return hex.EncodeToString(sum.Sum(nil)), err
}

// settle gives the event the time that a plan and its application share.
func settle(ev *playbook.Event) {
	if ev.Time.IsZero() {
		ev.Time = time.Now().UTC().Truncate(time.Second)
	}
}
