package simulator

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// call is one request, or one part of a batch: what handlers get.
type call struct {
	server *Server
	method string
	// base is the service root as this caller wrote it, without a trailing
	// slash: "http://127.0.0.1:1234/api/data/v9.2".
	base string
	// path is what follows the root, still escaped: "contacts(…)/fullname".
	path     string
	rawQuery string
	header   http.Header
	body     []byte
	// caller is who asks; set before any handler runs.
	caller *actor
	// view reads the store; it is set whenever a handler runs, except for
	// $batch, whose parts open their own.
	view *view
	// tx is set as well when the call may write. A part of a change set gets
	// the change set's.
	tx *txn
	// now is the time of the call, in whole seconds.
	now time.Time
	// prefer is what the Prefer header asks for.
	prefer preferences
	// options are the query options, decoded; aliases are those that begin
	// with "@".
	options url.Values
	// contentID maps "$1" to the URL, relative to the root, of what an earlier
	// part of the same change set wrote; nil outside change sets.
	contentID map[string]string
	inBatch   bool
	// batch is the call of the batch that a part belongs to.
	batch *call
	// operations is how many operations a batch has, for the limits.
	operations int
	// written is the row that the call created or updated, for contentID.
	written *record
	// params are the literals of a function's parameters, aliases resolved.
	params map[string]string
	// entry is the call's line in the request log.
	entry *Request
	// restore takes values for columns that only the service fills, as a seed
	// has them.
	restore bool
	// depth counts rows that are created or deleted because of others.
	depth int
}

// writes reports whether the call needs a transaction: anything but GET does.
func (c *call) writes() bool { return c.method != http.MethodGet && c.method != http.MethodHead }

// alias gives the value of a parameter alias such as "@p1"; one without a
// value is null (DV016).
func (c *call) alias(name string) string {
	if v := c.options.Get(name); v != "" {
		return v
	}
	return "null"
}

// url gives the address of a row.
func (c *call) url(t *Table, id guid) string {
	return c.base + "/" + t.EntitySet + "(" + id.String() + ")"
}

// response is the answer to a call.
type response struct {
	status int
	// contentType is the media type of body; it is set where there is one.
	contentType string
	body        []byte
	// entityID is the address for OData-EntityId and Location; may be empty.
	entityID string
	// etag is the row's, for the ETag header; may be empty.
	etag string
	// applied are the preferences that were honoured, one a header line.
	applied []string
	// header are further headers; may be nil.
	header http.Header
}

const (
	jsonType = "application/json; odata.metadata=minimal"
	textType = "text/plain"
	xmlType  = "application/xml"
)

// noContent is success without a body.
func noContent() *response { return &response{status: http.StatusNoContent} }

// jsonResponse is success with a body.
func jsonResponse(status int, body []byte) *response {
	return &response{status: status, contentType: jsonType, body: body}
}

// each calls fn for every header of the response, in the order of Microsoft's
// samples. Responses and parts of batches are both written with it, so that
// none forgets one (DV017).
func (r *response) each(fn func(name, value string)) {
	if r.contentType != "" {
		fn("Content-Type", r.contentType)
	}
	if r.etag != "" {
		fn("ETag", r.etag)
	}
	fn("OData-Version", "4.0")
	for _, p := range r.applied {
		fn("Preference-Applied", p)
	}
	if r.entityID != "" {
		fn("Location", r.entityID)
		fn("OData-EntityId", r.entityID)
	}
	for name, values := range r.header {
		for _, v := range values {
			fn(name, v)
		}
	}
}

// errorResponse words err (DV018). With annotations asked for, the error has
// them too.
func (c *call) errorResponse(err error) *response {
	e := asAPIError(err)
	r := &response{status: e.Status, header: e.Header.Clone()}
	if r.header == nil {
		r.header = http.Header{}
	}
	if e.Body != nil || e.Status == http.StatusUnauthorized {
		if len(e.Body) > 0 {
			r.contentType = "text/html"
			r.body = e.Body
		}
		return r
	}
	b := append([]byte(nil), `{"error":{"code":`...)
	b = appendString(b, e.Code)
	b = append(b, `,"message":`...)
	b = appendString(b, e.Message)
	if c != nil {
		for _, a := range []struct{ name, value string }{
			{"Microsoft.PowerApps.CDS.ErrorDetails.OperationStatus", "0"},
			{"Microsoft.PowerApps.CDS.ErrorDetails.SubErrorCode", "-2146233088"},
			{"Microsoft.PowerApps.CDS.ErrorDetails.ApiExceptionSourceKey", "Plugin/Microsoft.Crm.Common.ObjectModel"},
			{"Microsoft.PowerApps.CDS.ErrorDetails.ApiExceptionCategory", category(e.Status)},
			{"Microsoft.PowerApps.CDS.ErrorDetails.ApiExceptionMessageName", e.Name},
			{"Microsoft.PowerApps.CDS.ErrorDetails.ApiExceptionHttpStatusCode", strconv.Itoa(e.Status)},
			{"Microsoft.PowerApps.CDS.HelpLink", "http://go.microsoft.com/fwlink/?LinkID=398563&error=Microsoft.Crm.CrmException%3a" + strings.TrimPrefix(e.Code, "0x") + "&client=platform"},
			{"Microsoft.PowerApps.CDS.TraceText", ""},
			{"Microsoft.PowerApps.CDS.InnerError.Message", e.Message},
		} {
			if a.value == "" && a.name != "Microsoft.PowerApps.CDS.TraceText" || !c.prefer.wants(a.name) {
				continue
			}
			b = append(b, `,"@`...)
			b = append(b, a.name...)
			b = append(b, `":`...)
			b = appendString(b, a.value)
		}
	}
	r.body = append(b, `}}`...)
	r.contentType = jsonType
	return r
}

func category(status int) string {
	if status >= 500 {
		return "SystemFailure"
	}
	return "ClientError"
}

// preferences are the values of the Prefer header (fact sheet section 2.2).
type preferences struct {
	representation  bool
	annotations     []string // names and patterns; nil: none
	annotationsText string
	pageSize        int
	continueOnError bool
	trackChanges    bool
	respondAsync    bool
}

// parsePrefer reads the Prefer headers; what it does not know it ignores.
func parsePrefer(h http.Header) preferences {
	var p preferences
	for _, line := range h.Values("Prefer") {
		for _, item := range splitOutsideQuotes(line, ',', ';') {
			name, value, _ := strings.Cut(strings.TrimSpace(item), "=")
			name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
			switch name {
			case "return":
				p.representation = value == "representation"
			case "odata.include-annotations":
				p.annotationsText = value
				for _, a := range strings.Split(strings.Trim(value, `"`), ",") {
					p.annotations = append(p.annotations, strings.TrimSpace(a))
				}
			case "odata.maxpagesize", "maxpagesize":
				if n, err := strconv.Atoi(strings.Trim(value, `"`)); err == nil && n > 0 {
					p.pageSize = min(n, 5000)
				}
			case "odata.continue-on-error", "continue-on-error":
				p.continueOnError = value == "" || value == "true"
			case "odata.track-changes":
				p.trackChanges = true
			case "respond-async":
				p.respondAsync = true
			}
		}
	}
	return p
}

// wants reports whether an annotation is asked for: by name, by "*", or by a
// pattern that ends with "*".
func (p *preferences) wants(annotation string) bool {
	for _, a := range p.annotations {
		if a == "*" || a == annotation || strings.HasSuffix(a, "*") && strings.HasPrefix(annotation, strings.TrimSuffix(a, "*")) {
			return true
		}
	}
	return false
}

// splitOutsideQuotes cuts s at the separators that stand outside double
// quotes.
func splitOutsideQuotes(s string, seps ...byte) []string {
	var parts []string
	start, quoted := 0, false
	for i := range len(s) {
		switch {
		case s[i] == '"':
			quoted = !quoted
		case !quoted && strings.IndexByte(string(seps), s[i]) >= 0:
			parts = append(parts, s[start:i])
			start = i + 1
		}
	}
	return append(parts, s[start:])
}
