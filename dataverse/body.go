package dataverse

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// write puts one member of a JSON body: a column, or a link by navigation
// property (fact sheet, 3.2).
func (p Property) write(b *bytes.Buffer) error {
	if err := checkName("property", p.Name); err != nil {
		return err
	}
	b.WriteByte('"')
	b.WriteString(p.Name)
	if _, ok := p.Value.(Bind); ok || p.Lookup {
		b.WriteString("@odata.bind")
	}
	b.WriteString(`":`)
	if err := writeValue(b, p.Value); err != nil {
		return fmt.Errorf("property %s: %w", p.Name, err)
	}
	return nil
}

func writeValue(b *bytes.Buffer, v Value) error {
	switch v := v.(type) {
	case string:
		return writeText(b, v)
	case Bind:
		if v.Ref != 0 {
			b.WriteString(`"$` + strconv.Itoa(v.Ref) + `"`)
			return nil
		}
		if err := v.check(); err != nil {
			return err
		}
		b.WriteString(`"/`)
		b.WriteString(v.EntitySet)
		b.WriteByte('(')
		b.WriteString(string(v.ID))
		b.WriteString(`)"`)
		return nil
	case Choices:
		values := make([]string, len(v))
		for i, c := range v {
			values[i] = strconv.Itoa(c)
		}
		if len(v) == 0 {
			b.WriteString("null")
			return nil
		}
		writeString(b, strings.Join(values, ","))
		return nil
	case Parties:
		return v.write(b)
	default:
		text, err := bare(v)
		if err != nil {
			return err
		}
		if isText(v) {
			writeString(b, text)
		} else {
			b.WriteString(text)
		}
		return nil
	}
}

// isText tells the scalars that JSON puts between quotes.
func isText(v Value) bool {
	switch v.(type) {
	case GUID, Date, time.Time:
		return true
	default:
		return false
	}
}

// reference gives the row relative to the service root, "accounts(id)", or the
// Content-ID of the write that makes it, "$1".
func (l Bind) reference() (string, error) {
	if l.Ref != 0 {
		return "$" + strconv.Itoa(l.Ref), nil
	}
	if err := l.check(); err != nil {
		return "", err
	}
	return l.EntitySet + "(" + string(l.ID) + ")", nil
}

// check refuses what is no row.
func (l Bind) check() error {
	if err := checkName("entity set", l.EntitySet); err != nil {
		return err
	}
	if !l.ID.valid() {
		return fmt.Errorf("a link has no id in the form of a GUID")
	}
	return nil
}

func (ps Parties) write(b *bytes.Buffer) error {
	b.WriteByte('[')
	for i, p := range ps {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`{"participationtypemask":` + strconv.Itoa(p.Role) + ",")
		member := Property{Name: "addressused", Value: p.Address}
		if p.Link != "" {
			member = Property{Name: p.Link, Value: p.Target, Lookup: true}
		}
		if err := member.write(b); err != nil {
			return fmt.Errorf("party %d: %w", i+1, err)
		}
		b.WriteByte('}')
	}
	b.WriteByte(']')
	return nil
}
