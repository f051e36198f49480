package render

import (
	"encoding/json"
	"io"
	"strconv"
)

func itoa(n int) string { return strconv.Itoa(n) }

// JSON writes one indented JSON document. Characters of HTML stay as they are.
func JSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
