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
	// Line and Col, from 1, are where it stands in the text of the event; 0 for
	// data that does not fit its schema, to which Path leads.
	Line, Col int
	Message   string
}

func (e *EventError) Error() string {
	switch {
	case e.Line > 0 && e.Path == "":
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
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")) // which editors of Windows write
	v, err := decodeEventJSON(data)
	if err != nil {
		return nil, err
	}
	ev, err := eventFrom(v)
	if e, ok := errors.AsType[*EventError](err); ok {
		e.Line, e.Col = document.LineCol(data, placeOf(data, e.Path))
	}
	return ev, err
}

// placeOf gives the offset of the key of a member of an event or of its actor,
// or where the object begins that lacks it.
func placeOf(data []byte, path string) int {
	object := document.TokenAt(data, 0)
	if name, ok := strings.CutPrefix(path, "actor."); ok {
		if _, value := memberAt(data, object, "actor"); value > 0 {
			object, path = value, name
		}
	}
	if key, value := memberAt(data, object, path); value > 0 {
		return key
	}
	return object
}

// memberAt gives the offsets of a member of the object at an offset; 0 without
// it.
func memberAt(data []byte, object int, name string) (key, value int) {
	d := json.NewDecoder(bytes.NewReader(data[object:]))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return 0, 0
	}
	for d.More() {
		key = document.TokenAt(data, object+int(d.InputOffset()))
		k, err := d.Token()
		if err != nil {
			return 0, 0
		}
		if k == name {
			return key, document.TokenAt(data, object+int(d.InputOffset()))
		}
		var passed json.RawMessage
		if d.Decode(&passed) != nil {
			return 0, 0
		}
	}
	return 0, 0
}

// eventFrom reads the envelope of a decoded event.
func eventFrom(v any) (*Event, error) {
	m, ok := v.(map[string]any)
	if !ok {
		return nil, &EventError{Message: "want an object with type and data, have " + ofValue(v).describe()}
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
	r := eventReader{json.NewDecoder(bytes.NewReader(data)), data}
	r.d.UseNumber()
	if !utf8.Valid(data) || bytes.IndexByte(data, 0) >= 0 {
		at := document.InvalidText(data)
		message, help := document.NoText(data, at)
		return nil, r.wrong(at, nil, "%s; %s", message, help)
	}
	if at := loneSurrogate(data); at >= 0 {
		return nil, r.wrong(at, nil, `half of a surrogate pair (\ud800 to \udfff) is no character`)
	}
	v, err := r.value(nil, 0)
	if err != nil {
		return nil, err
	}
	end := int(r.d.InputOffset())
	if _, err := r.d.Token(); !errors.Is(err, io.EOF) {
		at := len(data) - len(bytes.TrimLeft(data[end:], " \t\r\n"))
		return nil, r.wrong(at, nil, "more follows after the event")
	}
	return v, nil
}

type eventReader struct {
	d    *json.Decoder
	data []byte
}

// at is where the next token begins.
func (r *eventReader) at() int { return document.TokenAt(r.data, int(r.d.InputOffset())) }

func (r *eventReader) wrong(at int, path []string, format string, args ...any) error {
	e := &EventError{Path: pathOf(path), Message: fmt.Sprintf(format, args...)}
	e.Line, e.Col = document.LineCol(r.data, at)
	return e
}

func (r *eventReader) value(path []string, depth int) (any, error) {
	at := r.at()
	if depth > maxEventDepth {
		return nil, r.wrong(at, nil, "values are nested more than %d deep", maxEventDepth)
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
			at := r.at()
			k, err := r.d.Token()
			if err != nil {
				return nil, r.syntax(err)
			}
			name, _ := k.(string)
			if _, twice := m[name]; twice {
				return nil, r.wrong(at, append(path, name), "the key is given twice: remove one")
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
			return nil, r.wrong(at, path, "the number is too large or too long; what is no number to count with is written as text")
		}
	}
	return tok, nil
}

func (r *eventReader) syntax(err error) error {
	if err == nil {
		return nil
	}
	at, message := r.at(), "this is not valid JSON"
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		at, message = len(r.data), "this is not valid JSON: it ends too early"
	}
	if help := document.JSONHelp(r.data, at); help != "" {
		message += " (" + help + ")"
	}
	return r.wrong(at, nil, "%s", message)
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

// loneSurrogate gives the offset of a \u escape that names half of a pair, or -1.
func loneSurrogate(data []byte) int {
	for i := 0; i+1 < len(data); i++ {
		if data[i] != '\\' {
			continue
		}
		at := i
		i++
		if data[i] != 'u' {
			continue
		}
		r := hex4(data, i+1)
		switch {
		case r >= 0xdc00 && r <= 0xdfff:
			return at
		case r >= 0xd800 && r < 0xdc00:
			if i+6 >= len(data) || data[i+5] != '\\' || data[i+6] != 'u' {
				return at
			}
			if low := hex4(data, i+7); low < 0xdc00 || low > 0xdfff {
				return at
			}
			i += 10
		default:
			i += 4
		}
	}
	return -1
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
