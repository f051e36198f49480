package simulator

import (
	"fmt"
	"net/http"
	"strings"
)

// Finding is what strict mode reports.
type Finding struct {
	// Rule is the kind of finding, such as "odata-version-missing".
	Rule string
	// Message says what was wrong with which request.
	Message string
}

// strict reports a finding; it never changes the answer.
func (c *call) strict(rule, format string, args ...any) {
	if c.server.options.Strict == nil {
		return
	}
	path, _, _ := strings.Cut(c.path, "?")
	c.server.options.Strict(Finding{Rule: rule, Message: c.method + " " + path + ": " + fmt.Sprintf(format, args...)})
}

// strictHeaders reports headers that every request should have (fact sheet,
// section 2.1).
func (c *call) strictHeaders() {
	if c.server.options.Strict == nil {
		return
	}
	for _, h := range []struct{ name, rule string }{
		{"OData-Version", "odata-version-missing"},
		{"OData-MaxVersion", "odata-maxversion-missing"},
		{"Accept", "accept-missing"},
	} {
		if c.header.Get(h.name) == "" {
			c.strict(h.rule, "the request has no %s header", h.name)
		}
	}
	if len(c.body) > 0 && c.header.Get("Content-Type") == "" {
		c.strict("content-type-missing", "the request has a body and no Content-Type")
	}
	if c.method == http.MethodPatch && c.header.Get("If-Match") == "" && c.header.Get("If-None-Match") == "" {
		c.strict("upsert-unmarked", "a PATCH without If-Match creates the row where it is missing")
	}
}

// strictRequired reports columns that forms require and that the Web API does
// not (fact sheet, section 3.1).
func (c *call) strictRequired(d *draft) {
	if c.server.options.Strict == nil {
		return
	}
	for _, col := range d.table.Columns {
		if col.Required == ApplicationRequired && d.get(col) == nil && !col.NoCreate {
			c.strict("required-missing", "column %q of %q is required by forms and has no value", col.LogicalName, d.table.LogicalName)
		}
	}
}
