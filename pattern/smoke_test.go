package pattern_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
	"github.com/andmoneyaps/engage-playbooks/pattern"
)

func TestSmoke(t *testing.T) {
	_, c := newServer(t)
	ps := load(t, crm)
	p := bind(t, c, ps["book-meeting"])
	in := pattern.Input{
		{Part: "customer", Field: "Email", Data: "a@b.c", Source: "x"},
		{Part: "organiser", Field: "Id", Data: "00000000-0000-0000-0000-0000000000aa"},
		{Part: "attendees", Field: "Email", Data: []any{"x@y.z", "q@y.z"}},
		{Part: "meeting", Field: "Subject", Data: "Hello", Source: "T"},
		{Part: "meeting", Field: "Start", Data: "2025-03-03T09:00:00Z"},
		{Part: "meeting", Field: "End", Data: "2025-03-03T10:00:00+01:00"},
		{Part: "notes", Field: "Text", Data: []any{"one", "two"}},
	}
	if err := p.Check(pattern.Create, in); err != nil {
		t.Fatal(err)
	}
	l, err := p.Lookup(pattern.Create, in, pattern.Options{})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	_, _, err = answer(t, l, func(q *dataverse.Query) []dataverse.Record {
		r, err := q.Request()
		fmt.Println(r, err)
		n++
		col := "contactid"
		if q.Table == "systemuser" {
			col = "systemuserid"
		}
		return []dataverse.Record{{col: fmt.Sprintf("00000000-0000-0000-0000-00000000000%d", n), "internalemailaddress": "Q@y.z"}}
	})
	if err != nil {
		t.Fatal(err)
	}
	w, err := p.Write(pattern.Create, in, l, pattern.Options{NewID: func(part string, i int) dataverse.GUID {
		return dataverse.GUID(fmt.Sprintf("00000000-0000-0000-0001-00000000000%d", i+len(part)))
	}})
	if err != nil {
		t.Fatal(err)
	}
	rs, err := w.ChangeSet.Requests()
	fmt.Println(rs, err)
	b, _ := json.MarshalIndent(w.Result(), "", " ")
	fmt.Println(string(b), w.Warnings, w.Linked)
	p = bind(t, c, ps["overview"])
	rp, err := p.Read(pattern.Input{{Part: "account", Field: "Name", Data: "Contoso"}}, pattern.Options{})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println(rp.Rounds())
	_, _, err = answer(t, rp, func(q *dataverse.Query) []dataverse.Record {
		r, err := q.Request()
		fmt.Println(r, err)
		return nil
	})
	fmt.Println(err, rp.Results())
}
