package playbook

import (
	"context"
	"fmt"

	"github.com/andmoneyaps/engage-playbooks/internal/document"
	"github.com/andmoneyaps/engage-playbooks/pattern"
)

// extract follows a path from an object, or from each object of a list.
type extract struct{ path *Path }

func (*extract) Name() string    { return "Extract" }
func (*extract) takesNull() bool { return false }

func (t *extract) check(in *shape) (*shape, error) {
	return overObjects(t.Name(), in, func(s *shape) (*shape, error) {
		out, err := t.path.check(s)
		if err != nil {
			return nil, err
		}
		return out, nil
	})
}

func (t *extract) apply(_ context.Context, _ *scope, v any) (any, bool, error) {
	switch v := v.(type) {
	case pattern.Unknown:
		return v, true, nil
	case map[string]any:
		out, found := t.path.get(v)
		return out, found, nil
	case []any:
		if err := onlyObjects(v); err != nil {
			return nil, false, err
		}
		return collect(make([]any, 0, len(v)), v, t.path.steps), true, nil
	}
	return nil, false, wants("an object or a list of objects", v)
}

// project keeps the named members of an object, or of each object of a list.
type project struct{ paths []*Path }

func (*project) Name() string    { return "Project" }
func (*project) takesNull() bool { return false }

func (c *compiler) decodeProject(m document.Mapping) Transformation {
	t, ok := &project{}, true
	for _, s := range m.Strings("paths") {
		p := c.path(s)
		if p == nil {
			ok = false
			continue
		}
		if _, names := p.names(); !names {
			c.problems.Errorf(s.Pos, "path-syntax", "path %q: Project takes names, without indexes and [*]", s.Value).Suggestion = "Extract the list first"
			ok = false
			continue
		}
		t.paths = append(t.paths, p)
	}
	if !ok || len(t.paths) != len(m.Get("paths").Items()) {
		return nil
	}
	if len(t.paths) == 0 {
		c.problems.Errorf(m.Get("paths").Pos(), "wrong-type", "paths: must not be empty")
		return nil
	}
	return t
}

func (t *project) check(in *shape) (*shape, error) {
	return overObjects(t.Name(), in, func(s *shape) (*shape, error) {
		out := object()
		for _, p := range t.paths {
			found, err := p.check(s)
			if err != nil {
				return nil, err
			}
			names, _ := p.names()
			at := out
			for _, name := range names[:len(names)-1] {
				next := at.members[name]
				if next == nil || next.kind != kindObject {
					next = object()
					at.add(name, next)
				}
				at = next
			}
			at.add(names[len(names)-1], found)
		}
		return out, nil
	})
}

func (t *project) apply(_ context.Context, _ *scope, v any) (any, bool, error) {
	switch v := v.(type) {
	case pattern.Unknown:
		return v, true, nil
	case map[string]any:
		return t.one(v), true, nil
	case []any:
		if err := onlyObjects(v); err != nil {
			return nil, false, err
		}
		out := make([]any, len(v))
		for i, item := range v {
			switch item := item.(type) {
			case map[string]any:
				out[i] = t.one(item)
			default: // null, or not known yet
				out[i] = item
			}
		}
		return out, true, nil
	}
	return nil, false, wants("an object or a list of objects", v)
}

// one keeps the members; those that are not there are left out.
func (t *project) one(v map[string]any) map[string]any {
	out := map[string]any{}
	for _, p := range t.paths {
		found, ok := p.get(v)
		if !ok {
			continue
		}
		at := out
		for _, s := range p.steps[:len(p.steps)-1] {
			next, ok := at[s.name].(map[string]any)
			if !ok {
				next = map[string]any{}
				at[s.name] = next
			}
			at = next
		}
		at[p.steps[len(p.steps)-1].name] = found
	}
	return out
}

// overObjects applies a check to an object, or to the items of a list.
func overObjects(name string, in *shape, check func(*shape) (*shape, error)) (*shape, error) {
	switch in.kind {
	case kindAny, kindNull, kindFilter:
		return dynamic, nil
	case kindObject:
		return check(in)
	case kindList:
		switch item := in.item(); item.kind {
		case kindAny, kindNull:
			return anyList, nil
		case kindObject:
			out, err := check(item)
			if err != nil {
				return nil, err
			}
			return listOf(out), nil
		}
	}
	return nil, fmt.Errorf("%s takes an object or a list of objects, not %s", name, in.describe())
}

func onlyObjects(list []any) error {
	for _, item := range list {
		switch item.(type) {
		case nil, map[string]any, pattern.Unknown:
		default:
			return wants("a list of objects", item)
		}
	}
	return nil
}

// wants is the error of a value of the wrong kind, without the value.
func wants(want string, v any) error {
	return fmt.Errorf("it takes %s, not %s", want, ofValue(v).describe())
}
