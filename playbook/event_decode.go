package playbook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/andmoneyaps/engage-playbooks/internal/document"
)

// Bounds of an event.
const (
	maxEventSize  = 32 << 20
	maxEventDepth = 200
	// maxDigits bounds the text of a number, maxExponent its exponent, so that
	// exact arithmetic on it stays cheap.
	maxDigits   = 400
	maxExponent = 400
)

// EventError says what is wrong with an event: where, and what was expected.
// It holds no values.
type EventError struct {
	// Path leads to what is wrong, such as data.Meeting.StartDate; "" for the
	// event as a whole.
	Path string
	// Line and Col, from 1, are where the text stops to be JSON; 0 for a
	// mistake that Path leads to.
	Line, Col int
	Message   string
}

func (e *EventError) Error() string {
	switch {
	case e.Line > 0:
		return fmt.Sprintf("event: line %d, column %d: %s", e.Line, e.Col, e.Message)
	case e.Path == "":
		return "event: " + e.Message
	}
	return "event: " + e.Path + ": " + e.Message
}

// DecodeEvent reads an event. It is strict about the envelope: unknown and
// repeated keys, wrong types and text that is not valid Unicode are errors.
// Numbers keep their digits. The error is an [*EventError].
func DecodeEvent(data []byte) (*Event, error) {
	v, err := decodeEventJSON(data)
	if err != nil {
		return nil, err
	}
	return eventFrom(v)
}

// eventFrom reads the envelope of a decoded event.
func eventFrom(v any) (*Event, error) {
	m, ok := v.(map[string]any)
	if !ok {
		return nil, &EventError{Message: "want an object with type and data"}
	}
	e := &envelope{m: m}
	e.allow("", "type", "id", "time", "portal", "actor", "data")
	ev := &Event{Type: e.text("type"), ID: e.text("id"), Portal: e.text("portal"), Data: m["data"]}
	if ev.Type == "" {
		e.wrong("type", "is missing")
	}
	if t := e.text("time"); t != "" {
		var err error
		if ev.Time, err = time.Parse(time.RFC3339, t); err != nil {
			e.wrong("time", "want a date and time with its offset, such as 2026-03-12T13:00:00+01:00")
		}
	}
	if a := m["actor"]; a != nil {
		ev.Actor = e.actor(a)
	}
	if e.err != nil {
		return nil, e.err
	}
	return ev, nil
}

// envelope reads the members of an event, and keeps the first error.
type envelope struct {
	m      map[string]any
	prefix string
	err    error
}

func (e *envelope) wrong(name, format string, args ...any) {
	if e.err == nil {
		e.err = &EventError{Path: e.prefix + name, Message: fmt.Sprintf(format, args...)}
	}
}

func (e *envelope) allow(_ string, names ...string) {
	var unknown []string
	for k := range e.m {
		if !slices.Contains(names, k) {
			unknown = append(unknown, k)
		}
	}
	slices.Sort(unknown)
	for _, k := range unknown {
		hint := document.Suggest(k, names)
		if hint == "" {
			hint = "allowed: " + strings.Join(names, ", ")
		}
		if k == "assertion" {
			hint = "the employee's assertion travels beside the event"
		}
		e.wrong(k, "unknown key (%s)", hint)
	}
}

func (e *envelope) text(name string) string {
	switch v := e.m[name].(type) {
	case nil:
		return ""
	case string:
		return v
	}
	e.wrong(name, "want text, have %s", ofValue(e.m[name]).describe())
	return ""
}

func (e *envelope) actor(v any) *Actor {
	m, ok := v.(map[string]any)
	if !ok {
		e.wrong("actor", "want an object, have %s", ofValue(v).describe())
		return nil
	}
	in := &envelope{m: m, prefix: "actor."}
	in.allow("actor.", "kind", "name", "email", "objectId", "tenantId", "clientId", "id")
	a := &Actor{
		Kind: ActorKind(in.text("kind")), Name: in.text("name"), Email: in.text("email"), ObjectID: in.text("objectId"),
		TenantID: in.text("tenantId"), ClientID: in.text("clientId"), ID: in.text("id"),
	}
	if in.err == nil && !slices.Contains(ActorKinds, a.Kind) {
		in.wrong("kind", "want one of %s", joinKinds(ActorKinds))
	}
	if e.err == nil {
		e.err = in.err
	}
	return a
}

func joinKinds(kinds []ActorKind) string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = string(k)
	}
	return strings.Join(names, ", ")
}

// decodeEventJSON reads one JSON value and refuses what encoding/json would change
// in silence: keys given twice, text that is no valid Unicode, and numbers too
// large to work with.
func decodeEventJSON(data []byte) (any, error) {
	if len(data) > maxEventSize {
		return nil, &EventError{Message: fmt.Sprintf("it is larger than %d bytes", maxEventSize)}
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(data) {
		return nil, &EventError{Message: "it is no valid UTF-8"}
	}
	if loneSurrogate(data) {
		return nil, &EventError{Message: `it has half of a surrogate pair (\ud800 to \udfff), which is no character`}
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	r := eventReader{d, data}
	v, err := r.value(nil, 0)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, &EventError{Message: "more follows after the JSON value"}
	}
	return v, nil
}

type eventReader struct {
	d    *json.Decoder
	data []byte
}

func (r *eventReader) value(path []string, depth int) (any, error) {
	if depth > maxEventDepth {
		return nil, &EventError{Message: fmt.Sprintf("values are nested more than %d deep", maxEventDepth)}
	}
	tok, err := r.d.Token()
	if err != nil {
		return nil, r.syntax(err)
	}
	switch t := tok.(type) {
	case json.Delim:
		if t == '[' {
			list := []any{}
			for r.d.More() {
				v, err := r.value(append(path, strconv.Itoa(len(list))), depth+1)
				if err != nil {
					return nil, err
				}
				list = append(list, v)
			}
			_, err := r.d.Token()
			return list, r.syntax(err)
		}
		m := map[string]any{}
		for r.d.More() {
			k, err := r.d.Token()
			if err != nil {
				return nil, r.syntax(err)
			}
			name, _ := k.(string)
			if _, twice := m[name]; twice {
				return nil, &EventError{Path: pathOf(append(path, name)), Message: "the key is given twice"}
			}
			v, err := r.value(append(path, name), depth+1)
			if err != nil {
				return nil, err
			}
			m[name] = v
		}
		_, err := r.d.Token()
		return m, r.syntax(err)
	case json.Number:
		if !workable(t) {
			return nil, &EventError{Path: pathOf(path), Message: "the number is too large or too long"}
		}
	}
	return tok, nil
}

func (r *eventReader) syntax(err error) error {
	if err == nil {
		return nil
	}
	e := &EventError{Message: "this is not valid JSON"}
	from := int(r.d.InputOffset())
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		from, e.Message = len(r.data), "this is not valid JSON: it ends too early"
	}
	for from < len(r.data) && strings.IndexByte(" \t\r\n,:", r.data[from]) >= 0 {
		from++
	}
	e.Line, e.Col = document.LineCol(r.data, from)
	return e
}

// workable bounds numbers.
func workable(n json.Number) bool {
	s := string(n)
	if len(s) > maxDigits {
		return false
	}
	i := strings.IndexAny(s, "eE")
	if i < 0 {
		return true
	}
	exp, err := strconv.Atoi(s[i+1:])
	return err == nil && exp <= maxExponent && exp >= -maxExponent
}

// loneSurrogate reports whether a \u escape names half of a pair.
func loneSurrogate(data []byte) bool {
	for i := 0; i+1 < len(data); i++ {
		if data[i] != '\\' {
			continue
		}
		i++
		if data[i] != 'u' {
			continue
		}
		r := hex4(data, i+1)
		switch {
		case r >= 0xdc00 && r <= 0xdfff:
			return true
		case r >= 0xd800 && r < 0xdc00:
			if i+6 >= len(data) || data[i+5] != '\\' || data[i+6] != 'u' {
				return true
			}
			if low := hex4(data, i+7); low < 0xdc00 || low > 0xdfff {
				return true
			}
			i += 10
		default:
			i += 4
		}
	}
	return false
}

func hex4(data []byte, i int) int {
	if i+4 > len(data) {
		return -1
	}
	n, err := strconv.ParseUint(string(data[i:i+4]), 16, 32)
	if err != nil {
		return -1
	}
	return int(n)
}

// checkData checks data against the schema of its type.
func (t *TriggerType) checkData(data any) error {
	if path, why := unsound(data, 0); why != "" {
		return &EventError{Path: pathOf(append([]string{"data"}, path...)), Message: why}
	}
	if t.plain.fits(data) {
		return nil
	}
	err := t.schema.Validate(data)
	if err == nil {
		return nil
	}
	ve, ok := errors.AsType[*jsonschema.ValidationError](err)
	if !ok {
		return &EventError{Path: "data", Message: "does not fit the schema of " + t.ID}
	}
	leaf := deepest(ve)
	return &EventError{Path: pathOf(append([]string{"data"}, leaf.InstanceLocation...)), Message: violation(leaf)}
}
