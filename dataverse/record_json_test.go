package dataverse

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
)

// FuzzRecord compares rows with what encoding/json makes of them.
func FuzzRecord(f *testing.F) {
	for _, s := range []string{
		`{"value":[{"a":1,"b":"x","c":null,"d":true,"e":false}]}`,
		`{"@odata.context":"c","value":[{"a":1.50e+3 , "b" : {"c":[ ]},"d":[{"e":-0}, {}],"f":[{"g":[]},1,{"h":"i"}]},{ }],"@odata.nextLink":"https://x/\u0041"}`,
		" {\n\"value\" : [ {\t\"a\" : \"\\u00f8 \\\" \\\\\" } ,\r\n{\"a\":\"\xff\"} ] } ",
		`{"value":[{"a":1,"a":2},{"S\u00f8n":"\ud83d\ude00 \ud800"}]}`,
		`{"value":[[{"a":[1,[2,{"b":[{}]}]]}]]}`, `{"value":[1]}`, `{"value":{}}`, `{"value":[null]}`, `{}`, `[]`, `1`, `"x"`, ``,
		`{"value":[]} x`, `{"value":[{}],"value":[{"a":1}]}`, `{"@odata.nextLink":1,"value":[]}`, `{"@odata.count":3,"value":[]}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var got []Record
		p := pageReader{yield: func(r Record) (bool, error) { got = append(got, r); return true, nil }}
		err := p.read(body)
		if want, next, ok := plainRows(body); ok != (err == nil) {
			t.Errorf("%v, by encoding/json it is a page: %v", err, ok)
		} else if ok && (!reflect.DeepEqual(got, want) || p.next != next) {
			t.Errorf("got %#v %q\nwant %#v %q", got, p.next, want, next)
		}
		var single []Record
		p = pageReader{single: true, yield: func(r Record) (bool, error) { single = append(single, r); return true, nil }}
		if want, ok := plain(body); p.read(body) == nil != ok {
			t.Errorf("as one row: %v", ok)
		} else if ok && !reflect.DeepEqual(single, []Record{want}) {
			t.Errorf("got %#v\nwant %#v", single, want)
		}
	})
}

// plain decodes one object with encoding/json.
func plain(body []byte) (Record, bool) {
	var m map[string]any
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if !json.Valid(body) || d.Decode(&m) != nil || m == nil {
		return nil, false
	}
	return typed(m).(Record), true
}

// plainRows decodes a page with encoding/json.
func plainRows(body []byte) (rows []Record, next string, ok bool) {
	d := json.NewDecoder(bytes.NewReader(body))
	if !json.Valid(body) {
		return nil, "", false
	}
	if t, _ := d.Token(); t != json.Delim('{') {
		return nil, "", false
	}
	for d.More() {
		name, _ := d.Token()
		var value json.RawMessage
		_ = d.Decode(&value)
		switch name {
		case "value":
			var list []json.RawMessage
			if value[0] != '[' || json.Unmarshal(value, &list) != nil {
				return nil, "", false
			}
			for _, v := range list {
				row, isRow := plain(v)
				if !isRow {
					return nil, "", false
				}
				rows = append(rows, row)
			}
			ok = true
		case "@odata.nextLink":
			if json.Unmarshal(value, &next) != nil {
				return nil, "", false
			}
		}
	}
	return rows, next, ok
}

// typed gives objects and lists of them their types.
func typed(v any) any {
	switch v := v.(type) {
	case map[string]any:
		r := Record{}
		for k, e := range v {
			r[k] = typed(e)
		}
		return r
	case []any:
		rows := make([]Record, 0, len(v))
		for _, e := range v {
			if row, ok := typed(e).(Record); ok {
				rows = append(rows, row)
			}
		}
		if len(rows) == len(v) {
			return rows
		}
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = typed(e)
		}
		return out
	}
	return v
}
