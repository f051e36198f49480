package playbook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/andmoneyaps/engage-playbooks/entity"
	"github.com/andmoneyaps/engage-playbooks/pattern"
)

// Provider answers Ai blocks. Implementations may be called from several
// goroutines at once.
type Provider interface {
	// Call gives the outputs of a capability: an object with what the
	// capability declares. [ErrNoCapability] says that the provider does not
	// have it; its stub is used then, if there is one.
	Call(ctx context.Context, req CapabilityRequest) (map[string]any, error)
}

// ProviderFunc is a Provider made of a func.
type ProviderFunc func(ctx context.Context, req CapabilityRequest) (map[string]any, error)

// Call calls f.
func (f ProviderFunc) Call(ctx context.Context, req CapabilityRequest) (map[string]any, error) {
	return f(ctx, req)
}

// ErrNoCapability says that a [Provider] does not have the capability.
var ErrNoCapability = errors.New("the provider does not have this capability")

// CapabilityRequest is what an Ai block asks for.
type CapabilityRequest struct {
	// Capability and Version name what is asked for.
	Capability, Version string
	// Inputs are JSON values by name; they fit what the capability declares.
	Inputs map[string]any
	// Event, Playbook and Block say for whom. One event asks the same of the
	// same block whenever it is run, so a provider may keep its answer.
	Event, Playbook, Block string
}

// ai asks for a capability. A dry run asks nobody: it takes the stub, and
// without one the outputs are unknown.
func (s *step) ai(ctx context.Context) error {
	if err := s.evaluate(ctx, every); err != nil {
		return err
	}
	c := s.b.Capability
	inputs := make(map[string]any, len(s.b.values))
	for _, e := range s.b.values {
		if e.found {
			inputs[e.m.Destination] = e.value
		}
	}
	for _, p := range c.Inputs {
		v, given := inputs[p.Name]
		if p.Required && (!given || v == nil) {
			return &ruleError{code: "capability-input", field: p.Name, message: "the capability requires this input, and it has no value"}
		}
		if !p.fits(v) {
			return &ruleError{code: "capability-input", field: p.Name, message: fmt.Sprintf("the capability takes a value of type %s here", p.Type)}
		}
	}
	out, err := s.call(ctx, CapabilityRequest{
		Capability: c.ID, Version: s.b.Version, Inputs: inputs,
		Event: s.event.ID, Playbook: s.playbook.ID, Block: s.b.Name,
	})
	if err != nil {
		return err
	}
	outputs := make(map[string]any, len(c.Outputs))
	for _, p := range c.Outputs {
		v, given := out[p.Name]
		if !given {
			return &ruleError{code: "capability-output", field: p.Name, message: fmt.Sprintf("capability %q did not give this output", c.ID)}
		}
		if !p.fits(v) {
			return &ruleError{code: "capability-output", field: p.Name, message: fmt.Sprintf("capability %q did not give a value of type %s here", c.ID, p.Type)}
		}
		outputs[p.Name] = v
	}
	s.put(outputs)
	return nil
}

func (s *step) call(ctx context.Context, req CapabilityRequest) (map[string]any, error) {
	c := s.b.Capability
	if !s.dry && s.engine.Capabilities != nil {
		out, err := s.engine.Capabilities.Call(ctx, req)
		if err == nil {
			return jsonObject(out)
		}
		if !errors.Is(err, ErrNoCapability) {
			var named namer
			if errors.As(err, &named) {
				return nil, err
			}
			return nil, &ruleError{code: "capability", message: fmt.Sprintf("capability %q, version %s, failed; see the error's cause", c.ID, req.Version), err: err}
		}
	}
	switch {
	case c.Stub != nil:
		return c.Stub, nil
	case s.dry:
		out := make(map[string]any, len(c.Outputs))
		for _, p := range c.Outputs {
			out[p.Name] = pattern.Unknown{After: s.b.Name}
		}
		return out, nil
	}
	return nil, &ruleError{code: "no-capability", message: fmt.Sprintf("nobody provides capability %q, version %s, and it has no stub", c.ID, req.Version)}
}

// jsonObject brings what a provider gave into the form of all runtime values:
// nil, bool, string, json.Number, []any and map[string]any.
func jsonObject(out map[string]any) (map[string]any, error) {
	v, err := jsonValue(out)
	if err != nil {
		return nil, &ruleError{code: "capability-output", message: "the provider gave a value that is not JSON", err: err}
	}
	return v.(map[string]any), nil
}

func jsonValue(v any) (any, error) {
	switch v := v.(type) {
	case nil, bool, string, json.Number:
		return v, nil
	case map[string]any:
		m := make(map[string]any, len(v))
		for k, item := range v {
			j, err := jsonValue(item)
			if err != nil {
				return nil, err
			}
			m[k] = j
		}
		return m, nil
	case []any:
		list := make([]any, len(v))
		for i, item := range v {
			j, err := jsonValue(item)
			if err != nil {
				return nil, err
			}
			list[i] = j
		}
		return list, nil
	}
	data, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return decodeJSON(data)
}

// fits reports whether a value is of the parameter's type; null and what is
// unknown fit every type.
func (p *Parameter) fits(v any) bool {
	if _, unknown := v.(pattern.Unknown); unknown || v == nil {
		return true
	}
	switch p.Type {
	case TypeObject:
		_, ok := v.(map[string]any)
		return ok
	case TypeArray:
		_, ok := v.([]any)
		return ok
	case "":
		return true
	}
	return (&entity.Field{Name: p.Name, Type: p.Type}).Check(v) == nil
}
