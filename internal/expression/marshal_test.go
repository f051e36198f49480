package expression

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// marshalled are texts of JSON documents, and parts of them.
var marshalled = []string{
	`null`, `true`, `[]`, `{}`, `[false,null,"",0,-0,0.10,-12.50,1e3,1E-7,01,123456789012345678901234567890.5]`,
	`{"b":1,"a":{"ü":"Zürich \u2028 \u2029 <&> \\ \" \n\r\t\b\f\u0000\u007f","€":["😀","\ud800"]},"":[[],{}]}`,
}

func FuzzMarshal(f *testing.F) {
	for _, text := range marshalled {
		f.Add([]byte(text))
	}
	f.Add([]byte("[\"\xff\"]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		var v any
		if d.Decode(&v) != nil {
			v = []any{string(text), map[string]any{string(text): json.Number(text)}}
		}
		var want bytes.Buffer
		e := json.NewEncoder(&want)
		e.SetEscapeHTML(false)
		wrong := e.Encode(v)
		got, err := Marshal(v)
		if (err != nil) != (wrong != nil) {
			t.Fatalf("error %v, encoding/json has %v", err, wrong)
		}
		if err == nil && got != strings.TrimSuffix(want.String(), "\n") {
			t.Errorf("%s, encoding/json gives %s", got, want.String())
		}
	})
}
