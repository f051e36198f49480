package answers

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
)

var (
	guid = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	date = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}$`)
	time = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z$`)
)

// redacted replaces the values of a JSON answer by others of their kind.
func redacted(body []byte) ([]byte, bool) {
	v, err := decode(body)
	if err != nil {
		return nil, false
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(replace("", v)) != nil {
		return nil, false
	}
	return b.Bytes(), true
}

func replace(key string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, member := range v {
			out[k] = replace(k, member)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = replace(key, item)
		}
		return out
	case string:
		return replaceText(key, v)
	case json.Number:
		if strings.HasPrefix(key, "@") || key == "statecode" || key == "statuscode" || key == "participationtypemask" {
			return v
		}
		return json.Number("0")
	}
	return v
}

// replaceText keeps what requests are built from and what says no more than
// the schema does.
func replaceText(key, v string) string {
	switch {
	case guid.MatchString(v), strings.HasPrefix(key, "@odata."), strings.HasSuffix(key, "@odata.nextLink"),
		strings.HasSuffix(key, "@Microsoft.Dynamics.CRM.lookuplogicalname"),
		strings.HasSuffix(key, "@Microsoft.Dynamics.CRM.associatednavigationproperty"):
		return v
	case date.MatchString(v):
		return "2000-01-01"
	case time.MatchString(v):
		return "2000-01-01T00:00:00Z"
	case v == "":
		return v
	}
	return "redacted"
}
