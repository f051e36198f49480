package playbook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/andmoneyaps/engage-playbooks/internal/expression"
)

var errTooMuch = fmt.Errorf("the result is larger than %d bytes", maxText)

// join makes one text of a list.
type join struct{ separator string }

func (*join) Name() string    { return "Join" }
func (*join) takesNull() bool { return false }

func (t *join) check(in *shape) (*shape, error) {
	switch in.kind {
	case kindAny, kindNull:
		return textShape, nil
	case kindList:
		item := in.item()
		switch {
		case item.kind == kindObject && !item.open && len(item.names) != 1:
			return nil, fmt.Errorf("a Join takes a list of texts, or of objects with one member, not of objects with %d", len(item.names))
		case item.kind == kindObject && !item.open:
			item = item.members[item.names[0]]
			if item.kind != kindObject && item.kind != kindList {
				return textShape, nil
			}
		case item.kind != kindList:
			return textShape, nil
		}
		return nil, errors.New("a Join takes a list of texts, not of lists or deeper objects; Extract first")
	}
	return nil, fmt.Errorf("a Join takes a list, not %s", in.describe())
}

func (t *join) apply(_ context.Context, _ *scope, v any) (any, bool, error) {
	list, ok := v.([]any)
	if u, unknown := notKnown(v); unknown {
		return u, true, nil
	}
	if !ok {
		return nil, false, wants("a list", v)
	}
	var b strings.Builder
	first := true
	for _, item := range list {
		if m, ok := item.(map[string]any); ok && len(m) <= 1 {
			item = nil // of an item without the field, Project leaves {}
			for _, only := range m {
				item = only
			}
		}
		if item == nil {
			continue
		}
		text, err := scalarText(item)
		if err != nil {
			return nil, false, err
		}
		if b.Len()+len(t.separator)+len(text) > maxText {
			return nil, false, errTooMuch
		}
		if !first {
			b.WriteString(t.separator)
		}
		b.WriteString(text)
		first = false
	}
	return b.String(), true, nil
}

func scalarText(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case json.Number:
		return v.String(), nil
	case bool:
		if v {
			return "true", nil
		}
		return "false", nil
	}
	return "", wants("a list of texts, or of objects with one member", []any{v})
}

// split makes a list of a text; an empty text gives an empty list.
type split struct{ separator string }

func (*split) Name() string    { return "Split" }
func (*split) takesNull() bool { return false }

func (t *split) check(in *shape) (*shape, error) {
	if err := wantsText(t.Name(), in); err != nil {
		return nil, err
	}
	return listOf(textShape), nil
}

func (t *split) apply(_ context.Context, _ *scope, v any) (any, bool, error) {
	if u, unknown := notKnown(v); unknown {
		return u, true, nil
	}
	text, ok := v.(string)
	if !ok {
		return nil, false, wants("text", v)
	}
	if strings.TrimSpace(text) == "" {
		return []any{}, true, nil
	}
	if len(text) > maxText {
		return nil, false, errTooMuch
	}
	parts := strings.Split(text, t.separator)
	out := make([]any, len(parts))
	for i, p := range parts {
		out[i] = strings.TrimSpace(p)
	}
	return out, true, nil
}

// serialize writes any value as JSON text.
type serialize struct{}

func (serialize) Name() string                 { return "Serialize" }
func (serialize) takesNull() bool              { return true }
func (serialize) check(*shape) (*shape, error) { return textShape, nil }

func (serialize) apply(_ context.Context, _ *scope, v any) (any, bool, error) {
	if u, unknown := notKnown(v); unknown {
		return u, true, nil
	}
	text, err := expression.Marshal(v)
	if err != nil {
		return nil, false, err
	}
	if len(text) > maxText {
		return nil, false, errTooMuch
	}
	return text, true, nil
}

// base64Decode decodes text from base64 to text.
type base64Decode struct{}

func (base64Decode) Name() string    { return "Base64Decode" }
func (base64Decode) takesNull() bool { return false }

func (t base64Decode) check(in *shape) (*shape, error) {
	if err := wantsText(t.Name(), in); err != nil {
		return nil, err
	}
	return textShape, nil
}

func (base64Decode) apply(_ context.Context, _ *scope, v any) (any, bool, error) {
	if u, unknown := notKnown(v); unknown {
		return u, true, nil
	}
	text, ok := v.(string)
	if !ok {
		return nil, false, wants("text", v)
	}
	if len(text) > 2*maxText {
		return nil, false, errTooMuch
	}
	out, err := expression.DecodeBase64(text)
	if err == nil && len(out) > maxText {
		err = errTooMuch
	}
	return out, err == nil, err
}

func wantsText(name string, in *shape) error {
	switch in.kind {
	case kindAny, kindNull, kindText, kindLabel:
		return nil
	}
	return fmt.Errorf("%s takes text, not %s", name, in.describe())
}
