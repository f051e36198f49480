package playbook

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/andmoneyaps/engage-playbooks/internal/document"
)

// writeKeys are what a test may say of a write.
var writeKeys = []string{"block", "part", "operation", "table", "id", "columns"}

// decodeTest reads a PlaybookTest document; nil if it is of no use.
func (l *loader) decodeTest(d *document.Document) *Test {
	m := d.Mapping(l.problems, "playbook", "cases")
	t := &Test{ID: d.ID, Name: d.Name, Description: d.Description, Pos: d.Pos}
	if m.Require("playbook", "cases") {
		if s, ok := m.Get("playbook").Text(l.problems, "playbook"); ok {
			t.Playbook = find(l, s, "Playbook", l.playbooks)
		}
	}
	names := map[string]int{}
	for _, n := range m.List("cases") {
		c := l.decodeCase(t, n)
		if c == nil {
			continue
		}
		if line, twice := names[c.Name]; twice {
			l.problems.Errorf(c.Pos, "duplicate-name", "case %q: the name is already used in line %d", c.Name, line)
		}
		names[c.Name] = c.Pos.Line
		t.Cases = append(t.Cases, c)
	}
	if t.Playbook == nil {
		return nil
	}
	return t
}

func (l *loader) decodeCase(t *Test, n document.Node) *TestCase {
	m := n.Mapping(l.problems, "case", "name", "description", "event", "seed", "mocks", "expect")
	if !m.Require("name", "event", "expect") {
		return nil
	}
	c := &TestCase{Name: m.NonEmpty("name").Value, Pos: m.Pos()}
	c.Event = l.testEvent(m.Get("event"))
	if m.Has("seed") {
		c.Seeds = l.testSeeds(m.Get("seed"))
	}
	if m.Has("mocks") {
		c.Mocks = l.testMocks(t.Playbook, m.Get("mocks"))
	}
	c.Expect = l.expectation(t.Playbook, m.Get("expect"))
	return c
}

// testEvent reads an event: a file of the workspace, or inline.
func (l *loader) testEvent(n document.Node) *Event {
	var ev *Event
	var err error
	if n.Type() == document.Text {
		s, _ := n.Text(l.problems, "event")
		data, ok := l.workspaceFile(s)
		if !ok {
			return nil
		}
		ev, err = DecodeEvent(data)
		if err != nil {
			where := s.Value
			if e, ok := errors.AsType[*EventError](err); ok && e.Line > 0 {
				where, err = fmt.Sprintf("%s:%d:%d", s.Value, e.Line, e.Col), &EventError{Path: e.Path, Message: e.Message}
			}
			l.problems.Errorf(n.Pos(), "event", "%s: %s", where, err)
			return nil
		}
		return ev
	}
	ev, err = eventFrom(n.Value(l.problems))
	if err != nil {
		l.problems.Errorf(n.Pos(), "event", "%s", err)
		return nil
	}
	return ev
}

// workspaceFile reads a data file that a test names relative to the workspace.
func (l *loader) workspaceFile(s document.String) ([]byte, bool) {
	name := strings.TrimPrefix(s.Value, "./")
	if !fs.ValidPath(name) {
		l.problems.Errorf(s.Pos, "outside-workspace", "the file %q is not in the workspace", s.Value).Suggestion = "paths of a test are relative to the workspace, with slashes"
		return nil, false
	}
	data, err := readAll(l.fsys, name, maxSeedSize)
	if err != nil {
		l.problems.Errorf(s.Pos, "missing-file", "the file %q cannot be read: %s", s.Value, fileReason(err)).Err = err
		return nil, false
	}
	return data, true
}

// testSeeds reads one seed or a list of them, each a file or inline.
func (l *loader) testSeeds(n document.Node) []Seed {
	items := []document.Node{n}
	if n.Type() == document.List {
		items = n.Items()
	}
	var seeds []Seed
	for _, item := range items {
		switch item.Type() {
		case document.Text:
			s, _ := item.Text(l.problems, "seed")
			if data, ok := l.workspaceFile(s); ok {
				seeds = append(seeds, Seed{File: s.Value, Data: data, Pos: item.Pos()})
			}
		case document.Map:
			seeds = append(seeds, Seed{Data: json.RawMessage(item.JSON(l.problems)), Pos: item.Pos()})
		default:
			l.problems.Errorf(item.Pos(), "wrong-type", "seed: want the path of a file, or records by entity set")
		}
	}
	return seeds
}

// testMocks reads the outputs of Ai blocks.
func (l *loader) testMocks(p *Playbook, n document.Node) map[string]map[string]any {
	m := n.Mapping(l.problems, "mocks")
	mocks := map[string]map[string]any{}
	for _, name := range m.Keys() {
		if p == nil {
			continue
		}
		b, ok := p.Block(name)
		if !ok || b.Type != BlockAi {
			var names []string
			for _, b := range p.Blocks {
				if b.Type == BlockAi {
					names = append(names, b.Name)
				}
			}
			problem := l.problems.Errorf(m.KeyPos(name), "unknown-block", "playbook %q has no Ai block %q", p.ID, name)
			problem.Suggestion = document.Suggest(name, names)
			continue
		}
		om := m.Get(name).Mapping(l.problems, "mock")
		mocks[name] = l.outputs(b.Capability, om, "mock")
	}
	return mocks
}

func (l *loader) expectation(p *Playbook, n document.Node) Expectation {
	e := Expectation{Pos: n.Pos()}
	m := n.Mapping(l.problems, "expect", "status", "writes", "output", "records")
	if !m.Ok() {
		return e
	}
	if s := m.OneOf("status", string(StatusSucceeded), string(StatusFailed), string(StatusSkipped)); s != "" {
		status := Status(s)
		e.Status = &status
	}
	if m.Has("writes") {
		e.HasWrites = true
		for _, n := range m.List("writes") {
			wm := n.Mapping(l.problems, "write", writeKeys...)
			wm.OneOf("operation", "create", "update", "upsert", "unchanged")
			l.checkWrite(p, wm)
			if w, ok := n.Value(l.problems).(map[string]any); ok {
				e.Writes = append(e.Writes, w)
			}
		}
	}
	if m.Has("output") {
		e.HasOutput, e.Output = true, m.Get("output").Value(l.problems)
	}
	if m.Has("records") {
		e.Records = map[string][]map[string]any{}
		rm := m.Get("records").Mapping(l.problems, "records")
		for _, set := range rm.Keys() {
			list := []map[string]any{}
			for _, n := range rm.List(set) {
				r, ok := n.Value(l.problems).(map[string]any)
				if !ok {
					l.problems.Errorf(n.Pos(), "wrong-type", "records: want a mapping of columns")
					continue
				}
				list = append(list, r)
			}
			e.Records[set] = list
		}
	}
	return e
}

// checkWrite checks the names that an expected write gives.
func (l *loader) checkWrite(p *Playbook, m document.Mapping) {
	if p == nil {
		return
	}
	if m.Has("block") {
		name := m.String("block")
		if b, ok := p.Block(name.Value); name.Value != "" && (!ok || !b.Type.Writes()) {
			var names []string
			for _, b := range p.Blocks {
				if b.Type.Writes() {
					names = append(names, b.Name)
				}
			}
			l.problems.Errorf(name.Pos, "unknown-block", "playbook %q has no writing block %q", p.ID, name.Value).Suggestion = document.Suggest(name.Value, names)
		}
	}
	if !m.Has("part") {
		return
	}
	part := m.String("part")
	ref, _, _ := strings.Cut(part.Value, "[")
	var refs []string
	for _, b := range p.Blocks {
		if !b.Type.Writes() {
			continue
		}
		if b.Pattern == nil {
			return // broken, and not blamed
		}
		for _, pt := range b.Pattern.Parts {
			refs = append(refs, pt.Ref)
		}
	}
	if ref != "" && !slices.Contains(refs, ref) {
		l.problems.Errorf(part.Pos, "unknown-part", "playbook %q writes no part %q", p.ID, ref).Suggestion = document.Suggest(ref, refs)
	}
}
