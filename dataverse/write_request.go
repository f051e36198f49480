package dataverse

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// ErrKeyNotInURL says that an alternate key has a value that the service
// cannot find by URL, even percent-encoded: one with / < > * % & : \ ? or +,
// or too long for a path segment (fact sheet, 1.3 and 1.4). Look the row up by
// filter, then write it by id.
var ErrKeyNotInURL = errors.New("the key's value cannot stand in a URL: look the row up by filter first")

var errOnlyUpsertByKey = errors.New("only an upsert goes by alternate key")

// maxSegment bounds one segment of a path (fact sheet, 1.4).
const maxSegment = 260

// Requests builds one request for each write, in order, as the dry run prints
// them. A link to another write of the set reads "$1", counted from 1.
func (cs *ChangeSet) Requests() ([]Request, error) {
	referenced := cs.referenced()
	out := make([]Request, len(cs.Writes))
	for i := range cs.Writes {
		w := &cs.Writes[i]
		r, err := w.request(referenced[i+1])
		if err == nil {
			err = w.checkRefs(i)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %s of %s: %w", w.Source, w.Operation, w.Table, err)
		}
		out[i] = r
	}
	return out, nil
}

// referenced are the 1-based indexes that links of the set refer to.
func (cs *ChangeSet) referenced() map[int]bool {
	var refs map[int]bool
	for i := range cs.Writes {
		cs.Writes[i].eachBind(func(b Bind) {
			if b.Ref != 0 {
				if refs == nil {
					refs = map[int]bool{}
				}
				refs[b.Ref] = true
			}
		})
	}
	return refs
}

// eachBind visits every link that the write makes.
func (w *Write) eachBind(visit func(Bind)) {
	if w.Target != (Bind{}) {
		visit(w.Target)
	}
	for _, p := range w.Body {
		switch v := p.Value.(type) {
		case Bind:
			visit(v)
		case Parties:
			for _, party := range v {
				if party.Target != (Bind{}) {
					visit(party.Target)
				}
			}
		}
	}
}

// checkRefs refuses a link to a write that does not come before.
func (w *Write) checkRefs(index int) (err error) {
	w.eachBind(func(b Bind) {
		if b.Ref < 0 || b.Ref > index {
			err = fmt.Errorf("links to write %d, which does not come before it", b.Ref)
		}
	})
	return err
}

// request builds the request of one write. A write that others refer to does
// not ask for its representation, which would break the reference.
func (w *Write) request(referenced bool) (Request, error) {
	r, err := w.head(referenced)
	if err != nil {
		return r, err
	}
	if r.Header == nil {
		r.Header = http.Header{}
	}
	switch w.Operation {
	case Delete:
		return r, nil
	case Associate, Disassociate:
		return r, w.link(&r)
	case ReplaceParties:
		return r, w.parties(&r)
	}
	return r, w.body(&r)
}

// head is the request without the body.
func (w *Write) head(referenced bool) (Request, error) {
	r := Request{Table: w.Table, Source: w.Source}
	if err := checkName("entity set", w.EntitySet); err != nil {
		return r, err
	}
	r.Path, r.Resource, r.Template = w.EntitySet, w.EntitySet, w.EntitySet
	if w.Operation != Create {
		if err := w.address(&r); err != nil {
			return r, err
		}
	} else if len(w.Key) > 0 {
		return r, errOnlyUpsertByKey
	}
	if w.IfMatch != "" && w.Operation != Update && w.Operation != Delete {
		return r, fmt.Errorf("an ETag goes only with update and delete")
	}
	if strings.ContainsAny(w.IfMatch, "\r\n") {
		return r, fmt.Errorf("not an ETag")
	}
	switch w.Operation {
	case Create:
		r.Method = http.MethodPost
	case Update:
		r.Method = http.MethodPatch
		r.setHeader("If-Match", "*")
	case Upsert:
		r.Method = http.MethodPatch
		// The answer to a PATCH by key repeats the key, not the id (fact
		// sheet, 13.1): ask for the id.
		if len(w.Key) > 0 && w.PrimaryKey != "" && !referenced {
			if err := checkName("column", w.PrimaryKey); err != nil {
				return r, err
			}
			r.Path += "?$select=" + w.PrimaryKey
			r.setHeader("Prefer", "return=representation")
		}
	case Delete:
		r.Method = http.MethodDelete
	case Associate, Disassociate, ReplaceParties:
	default:
		return r, fmt.Errorf("%q is no operation", w.Operation)
	}
	if w.IfMatch != "" {
		r.setHeader("If-Match", w.IfMatch)
	}
	return r, nil
}

// address puts the row's id or alternate key into the path.
func (w *Write) address(r *Request) error {
	if len(w.Key) == 0 {
		if !w.ID.valid() {
			return fmt.Errorf("the id is no GUID")
		}
		r.Path += "(" + string(w.ID) + ")"
		r.Resource, r.Template = r.Path, r.Template+"(id)"
		return nil
	}
	if w.Operation != Upsert {
		return errOnlyUpsertByKey
	}
	key, err := encodeKey(w.Key)
	if err != nil {
		return err
	}
	r.Path += key
	names := make([]string, len(w.Key))
	for i, p := range w.Key {
		names[i] = p.Name
	}
	r.Resource += "(" + strings.Join(names, ",") + ")"
	r.Template = r.Resource
	return nil
}

// encodeKey writes an alternate key as it stands in a URL, or gives
// [ErrKeyNotInURL].
func encodeKey(key []Property) (string, error) {
	var b, value bytes.Buffer
	for i, p := range key {
		if err := checkName("key column", p.Name); err != nil {
			return "", err
		}
		if p.Value == nil {
			return "", fmt.Errorf("key column %s is null", p.Name)
		}
		value.Reset()
		if err := writeLiteral(&value, p.Value); err != nil {
			return "", fmt.Errorf("key column %s: %w", p.Name, err)
		}
		text := value.String()
		if strings.ContainsAny(text, `/<>*%&:\?+`) {
			return "", fmt.Errorf("key column %s: %w", p.Name, ErrKeyNotInURL)
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(p.Name + "=")
		writeSegment(&b, text)
	}
	if b.Len()+len("()")+64 > maxSegment { // 64: the longest entity set name
		return "", ErrKeyNotInURL
	}
	return "(" + b.String() + ")", nil
}

// body writes the columns as JSON, in order.
func (w *Write) body(r *Request) error {
	var b bytes.Buffer
	b.Grow(256)
	if err := w.content(&b); err != nil {
		return err
	}
	setBody(r, b.Bytes())
	return nil
}

func (w *Write) content(b *bytes.Buffer) error {
	b.WriteByte('{')
	if err := w.members(b, w.Operation == Create || len(w.Key) > 0); err != nil {
		return err
	}
	b.WriteByte('}')
	return nil
}

// members writes the columns of the body. The primary key goes into it where
// it is not the address (withID); the key columns of an upsert by key do not: the
// service would let them win over the URL (fact sheet, 3.7).
func (w *Write) members(b *bytes.Buffer, withID bool) error {
	first := true
	if w.ID != "" && withID {
		if !w.ID.valid() {
			return fmt.Errorf("the id is no GUID")
		}
		if err := checkName("primary key column", w.PrimaryKey); err != nil {
			return err
		}
		writeString(b, w.PrimaryKey)
		b.WriteByte(':')
		writeString(b, string(w.ID))
		first = false
	}
	for _, p := range w.Body {
		if w.isKey(p) {
			continue
		}
		if !first {
			b.WriteByte(',')
		}
		first = false
		if err := p.write(b); err != nil {
			return err
		}
	}
	return nil
}

func (w *Write) isKey(p Property) bool {
	for _, k := range w.Key {
		if k.Name == p.Name || p.Lookup && p.Column != "" && k.Name == "_"+p.Column+"_value" {
			return true
		}
	}
	return false
}

// link makes the request of an Associate or a Disassociate (fact sheet, 3.9).
func (w *Write) link(r *Request) error {
	if err := checkName("navigation property", w.Link); err != nil {
		return err
	}
	r.Path += "/" + w.Link
	target := ""
	if !w.Single || w.Operation == Associate {
		var err error
		if target, err = w.Target.reference(); err != nil {
			return err
		}
	}
	switch {
	case w.Operation == Associate:
		r.Method = http.MethodPost
		if w.Single {
			r.Method = http.MethodPut
		}
		var b bytes.Buffer
		b.WriteString(`{"@odata.id":`)
		writeString(&b, target)
		b.WriteByte('}')
		setBody(r, b.Bytes())
	case w.Single:
		r.Method = http.MethodDelete
	case w.Target.Ref != 0:
		return fmt.Errorf("a link to a row that is only being made cannot be taken away")
	default:
		r.Method = http.MethodDelete
		r.Path += "(" + string(w.Target.ID) + ")"
	}
	r.Path += "/$ref"
	r.Resource, r.Template = r.Path, w.EntitySet+"(id)/"+w.Link+"/$ref"
	return nil
}

// parties makes the request that replaces a party list (fact sheet, 3.10).
func (w *Write) parties(r *Request) error {
	if err := checkName("navigation property", w.Link); err != nil {
		return err
	}
	if len(w.Body) != 1 {
		return fmt.Errorf("replacing parties takes one property, the parties")
	}
	ps, ok := w.Body[0].Value.(Parties)
	if !ok {
		return fmt.Errorf("replacing parties takes Parties, not a %T", w.Body[0].Value)
	}
	r.Method = http.MethodPut
	r.Path += "/" + w.Link
	r.Resource, r.Template = r.Path, w.EntitySet+"(id)/"+w.Link
	var b bytes.Buffer
	b.WriteString(`{"value":`)
	if err := ps.write(&b); err != nil {
		return err
	}
	b.WriteByte('}')
	setBody(r, b.Bytes())
	return nil
}

func setBody(r *Request, body []byte) {
	r.Body = body
	r.setHeader("Content-Type", "application/json")
}

func (r *Request) setHeader(name, value string) {
	if r.Header == nil {
		r.Header = http.Header{}
	}
	r.Header[name] = []string{value}
}
