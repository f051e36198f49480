package playbook_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/andmoneyaps/engage-playbooks/playbook"
	"github.com/andmoneyaps/engage-playbooks/playbook/playbooktest"
)

// overlay is the portal-meeting example with other files in place of its
// playbooks; an empty file takes one away.
func overlay(t testing.TB, files map[string]string) fs.FS {
	t.Helper()
	all := fstest.MapFS{}
	root := os.DirFS("../examples/portal-meeting")
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasPrefix(name, "tests/") || strings.HasPrefix(name, "environments/") {
			return err
		}
		data, err := fs.ReadFile(root, name)
		all[name] = &fstest.MapFile{Data: data}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if text == "" {
			delete(all, name)
			continue
		}
		all[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return all
}

func load(t testing.TB, fsys fs.FS) *playbook.Workspace {
	t.Helper()
	w, err := playbook.Load(fsys)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// bench is one playbook in a world.
type bench struct {
	*playbooktest.World
	engine   *playbook.Engine
	playbook *playbook.Playbook
}

// setUp loads the example with one playbook of the text in place of its own;
// an empty text keeps that.
func setUp(t testing.TB, text string, files map[string]string) *bench {
	t.Helper()
	files = maps.Clone(files)
	if files == nil {
		files = map[string]string{}
	}
	id := "portal-meeting-booked"
	if text != "" {
		files["playbooks/portal-meeting-booked.yaml"] = text
		_, rest, _ := strings.Cut(text, "\nid: ")
		id, _, _ = strings.Cut(rest, "\n")
	}
	return open(t, load(t, overlay(t, files)), id)
}

func open(t testing.TB, w *playbook.Workspace, id string) *bench {
	t.Helper()
	world, err := playbooktest.NewWorld(w, &playbooktest.Options{NoListener: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(world.Close)
	p, ok := w.Playbook(id)
	if !ok {
		t.Fatalf("no playbook %q", id)
	}
	return &bench{World: world, engine: world.Engine(), playbook: p}
}

// event reads an event of the example.
func event(t testing.TB, name string) *playbook.Event {
	t.Helper()
	return eventOf(t, "../examples/portal-meeting/events/"+name)
}

func eventOf(t testing.TB, file string) *playbook.Event {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	ev, err := playbook.DecodeEvent(data)
	if err != nil {
		t.Fatal(err)
	}
	return ev
}

// run runs and checks the status.
func (b *bench) run(t testing.TB, ev *playbook.Event, want playbook.Status) *playbook.Result {
	t.Helper()
	r, err := b.engine.Run(t.Context(), b.playbook, ev)
	if r == nil {
		t.Fatal(err)
	}
	if r.Status != want || (err != nil) != (want == playbook.StatusFailed) {
		t.Fatalf("status %s, error %v; want %s\n%s", r.Status, err, want, show(r))
	}
	return r
}

// statuses are the blocks' statuses, in a line.
func statuses(r *playbook.Result) string {
	var words []string
	for _, b := range r.Blocks {
		words = append(words, string(b.Status))
	}
	return strings.Join(words, " ")
}

// wrote lists the writes as "block/part operation table".
func wrote(r *playbook.Result) []string {
	list := []string{}
	for _, w := range r.Writes {
		list = append(list, w.Part+" "+w.Operation+" "+w.Table)
	}
	return list
}

func show(v any) string {
	data, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return err.Error()
	}
	return string(data)
}

// count is the number of records of a set.
func (b *bench) count(t testing.TB, set string) int { t.Helper(); return len(b.records(t, set)) }

func (b *bench) records(t testing.TB, set string) []map[string]any {
	t.Helper()
	var buf bytes.Buffer
	if err := b.Dump(&buf); err != nil {
		t.Fatal(err)
	}
	var sets map[string][]map[string]any
	if err := json.Unmarshal(buf.Bytes(), &sets); err != nil {
		t.Fatal(err)
	}
	return sets[set]
}

// dataRequests counts what reached the simulator, metadata aside.
func (b *bench) dataRequests() int {
	n := 0
	for _, q := range b.Server.Requests() {
		metadata := strings.Contains(q.Path, "EntityDefinitions")
		for _, part := range q.Parts {
			metadata = metadata || strings.Contains(part.Path, "EntityDefinitions")
		}
		if !metadata {
			n++
		}
	}
	return n
}
