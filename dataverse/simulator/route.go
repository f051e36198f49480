package simulator

import (
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
)

// segment is one piece of a path: a name and what stood in parentheses.
type segment struct {
	name string
	// key is the text between the parentheses, decoded; hasKey tells "x()"
	// from "x".
	key    string
	hasKey bool
}

// maxSegment is the longest piece of a path, in characters (DV019).
const maxSegment = 260

// parsePath cuts an escaped path.
func parsePath(path string) ([]segment, error) {
	path = strings.Trim(path, "/")
	if path == "" {
		return nil, nil
	}
	var list []segment
	for piece := range strings.SplitSeq(path, "/") {
		if len(piece) > maxSegment {
			return nil, &apiError{Status: http.StatusBadRequest, Message: "Bad Request - Invalid URL",
				Body: []byte("<!DOCTYPE HTML><HTML><HEAD><TITLE>Bad Request</TITLE></HEAD><BODY><h2>Bad Request - Invalid URL</h2><hr><p>HTTP Error 400. The request URL is invalid.</p></BODY></HTML>")}
		}
		text, err := url.PathUnescape(piece)
		if err != nil {
			return nil, errQuery("The request URI is not valid: '%s'.", piece)
		}
		seg := segment{name: text}
		if i := strings.IndexByte(text, '('); i >= 0 {
			if !strings.HasSuffix(text, ")") {
				return nil, errQuery("Bad Request - Error in query syntax.")
			}
			seg = segment{name: text[:i], key: text[i+1 : len(text)-1], hasKey: true}
		}
		list = append(list, seg)
	}
	return list, nil
}

// serve answers a call: it opens the view or the transaction that the call
// needs, unless tx is set already, and words errors. It never panics.
func (s *Server) serve(c *call) (resp *response) {
	defer func() {
		if p := recover(); p != nil {
			s.reportPanic(p, debug.Stack())
			resp = c.errorResponse(fmt.Errorf("panic: %v", p))
		}
	}()
	resp, err := s.dispatch(c)
	if err != nil {
		return c.errorResponse(err)
	}
	return resp
}

// reportPanic keeps what a defect of the simulator looks like, for its tests.
func (s *Server) reportPanic(p any, stack []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.panics = append(s.panics, fmt.Sprintf("%v\n%s", p, stack))
}

func (s *Server) dispatch(c *call) (resp *response, err error) {
	if c.options, err = parseOptions(c.rawQuery); err != nil {
		return nil, err
	}
	path := c.path
	if c.inBatch && strings.HasPrefix(path, "$") && path != "$metadata" && path != "$batch" {
		name, rest, _ := strings.Cut(path, "/")
		to, ok := c.contentID[name]
		if !ok {
			return nil, errContentID(name)
		}
		path = to
		if rest != "" {
			path += "/" + rest
		}
	}
	segments, err := parsePath(path)
	if err != nil {
		return nil, err
	}
	if len(segments) == 1 && segments[0].name == "$batch" {
		if c.method != http.MethodPost {
			return nil, errMethod(c.method)
		}
		return s.serveBatch(c)
	}
	if err := c.checkContentType(); err != nil {
		return nil, err
	}
	if c.tx != nil {
		c.view = &c.tx.view
		return c.route(segments)
	}
	if c.writes() {
		err = s.store.write(func(tx *txn) error {
			c.tx, c.view = tx, &tx.view
			resp, err = c.route(segments)
			return err
		})
		c.tx = nil
		return resp, err
	}
	err = s.store.read(func(v *view) error {
		c.view = v
		resp, err = c.route(segments)
		return err
	})
	return resp, err
}

// checkContentType refuses a body that is not declared as JSON (DV026).
func (c *call) checkContentType() error {
	if len(c.body) == 0 || !c.writes() {
		return nil
	}
	text := c.header.Get("Content-Type")
	if text == "" && c.inBatch {
		return nil
	}
	kind, _, err := mime.ParseMediaType(text)
	if err != nil || kind != "application/json" {
		return failf(http.StatusUnsupportedMediaType, codeNone, "The content type '%s' is not supported: the body must be application/json.", text)
	}
	return nil
}

// route finds what the path is about.
func (c *call) route(segments []segment) (*response, error) {
	if len(segments) == 0 {
		if c.method != http.MethodGet {
			return nil, errMethod(c.method)
		}
		return c.serviceDocument()
	}
	first := segments[0]
	switch first.name {
	case "$metadata":
		if c.method != http.MethodGet {
			return nil, errMethod(c.method)
		}
		return c.csdl()
	case "EntityDefinitions", "GlobalOptionSetDefinitions", "RelationshipDefinitions", "ManagedPropertyDefinitions", "RetrieveMetadataChanges":
		return c.serveMetadata(segments)
	}
	t := c.server.schema.TableBySet(first.name)
	if t == nil {
		if op := operations[strings.TrimPrefix(first.name, functionPrefix)]; op != nil && op.bound == "" && len(segments) == 1 {
			return c.operate(op, first, nil, nil)
		}
		return nil, errOperation(first.name)
	}
	if err := c.checkOptions(); err != nil {
		return nil, err
	}
	if !first.hasKey {
		return c.routeSet(source{table: t}, segments[1:])
	}
	k, err := c.parseKey(t, first.key)
	if err != nil {
		return nil, err
	}
	return c.routeRow(k, segments[1:])
}

// routeSet goes on after an entity set or a collection of a row.
func (c *call) routeSet(src source, rest []segment) (*response, error) {
	if len(rest) == 0 {
		switch c.method {
		case http.MethodGet:
			if text := c.options.Get("fetchXml"); text != "" {
				return c.fetchXML(src.table, text)
			}
			return c.query(src)
		case http.MethodPost:
			return c.createAt(src)
		case http.MethodPut:
			if src.nav != nil && src.table.LogicalName == "activityparty" {
				return c.putParties(src)
			}
		}
		return nil, errMethod(c.method)
	}
	name := rest[0].name
	if t, err := c.castTo(src.table, rest[0]); err != nil {
		return nil, err
	} else if t != nil {
		if t != src.table {
			src.base, src.table = src.table, t
		}
		return c.routeSet(src, rest[1:])
	}
	if len(rest) == 1 {
		switch name {
		case "$count":
			if c.method != http.MethodGet {
				return nil, errMethod(c.method)
			}
			return c.count(src)
		case "$ref":
			switch {
			case c.method == http.MethodGet:
				return c.refs(src)
			case c.method == http.MethodPost && src.nav != nil:
				return c.addRef(src)
			case c.method == http.MethodDelete && src.nav != nil:
				return c.removeRef(src)
			}
			return nil, errMethod(c.method)
		}
		if short, ok := strings.CutPrefix(name, functionPrefix); ok {
			if op := operations[short]; op != nil && op.bound == "set" && op.isFor(src.table) && src.nav == nil {
				return c.operate(op, rest[0], src.table, nil)
			}
		}
	}
	if strings.HasPrefix(name, functionPrefix) {
		return nil, errOperation(name)
	}
	return nil, errSegment(name)
}

// castTo reads a cast segment, "Microsoft.Dynamics.CRM.task": to the table
// itself, or from activitypointer to an activity (DV008). nil: no cast.
func (c *call) castTo(from *Table, seg segment) (*Table, error) {
	name, ok := strings.CutPrefix(seg.name, functionPrefix)
	if !ok || seg.hasKey {
		return nil, nil
	}
	t := c.server.schema.Table(name)
	if t == nil || t == from || from.LogicalName == "activitypointer" && t.Activity {
		return t, nil
	}
	return nil, errQuery("The type '%s' specified in the URI is neither a base type nor a sub-type of the previously-specified type '%s%s'.", seg.name, crmPrefix, from.LogicalName)
}

// routeRow goes on after a key.
func (c *call) routeRow(k *rowKey, rest []segment) (*response, error) {
	if len(rest) == 0 {
		switch c.method {
		case http.MethodGet:
			r := c.view.find(k)
			if r == nil {
				return nil, k.missing()
			}
			return c.retrieve(r, k.table)
		case http.MethodPatch:
			return c.patch(k)
		case http.MethodDelete:
			return c.deleteRow(k)
		}
		return nil, errMethod(c.method)
	}
	r := c.view.find(k)
	if r == nil {
		return nil, k.missing()
	}
	seg := rest[0]
	if t, err := c.castTo(k.table, seg); err != nil {
		return nil, err
	} else if t != nil {
		if t != r.table {
			return nil, errNotFound(t, r.id)
		}
		return c.routeRow(&rowKey{table: t, id: r.id, hasID: true}, rest[1:])
	}
	if short, ok := strings.CutPrefix(seg.name, functionPrefix); ok && len(rest) == 1 {
		if op := operations[short]; op != nil && op.bound == "row" && op.isFor(r.table) {
			return c.operate(op, seg, r.table, r)
		}
		return nil, errOperation(seg.name)
	}
	if nav := r.table.navs[seg.name]; nav != nil {
		if nav.collection {
			return c.routeCollection(r, nav, seg, rest[1:])
		}
		return c.routeLookup(r, nav, rest[1:])
	}
	if col := r.table.wire[seg.name]; col != nil && !seg.hasKey {
		return c.routeProperty(r, col, rest[1:])
	}
	return nil, errSegment(seg.name)
}

// routeCollection goes on after a collection of a row.
func (c *call) routeCollection(r *record, nav *navigation, seg segment, rest []segment) (*response, error) {
	src := source{table: nav.target, from: r, nav: nav}
	if c.method == http.MethodGet {
		if err := c.mayRetrieve(r); err != nil {
			return nil, err
		}
	}
	if !seg.hasKey {
		return c.routeSet(src, rest)
	}
	k, err := c.parseKey(nav.target, seg.key)
	if err != nil {
		return nil, err
	}
	child := c.view.find(k)
	if child == nil {
		return nil, k.missing()
	}
	if len(rest) == 1 && rest[0].name == "$ref" {
		if c.method != http.MethodDelete {
			return nil, errMethod(c.method)
		}
		return c.disassociate(src, child)
	}
	linked := false
	c.view.behind(r, nav, func(other *record) bool { linked = other == child; return !linked })
	if !linked {
		return nil, k.missing()
	}
	return c.routeRow(&rowKey{table: child.table, id: child.id, hasID: true}, rest)
}

// routeLookup goes on after a single-valued navigation property.
func (c *call) routeLookup(r *record, nav *navigation, rest []segment) (*response, error) {
	if len(rest) == 1 && rest[0].name == "$ref" {
		switch c.method {
		case http.MethodGet:
			return c.lookupRef(r, nav)
		case http.MethodPut:
			return c.setRef(r, nav)
		case http.MethodDelete:
			return c.clearRef(r, nav)
		}
		return nil, errMethod(c.method)
	}
	if c.method == http.MethodGet {
		if err := c.mayRetrieve(r); err != nil {
			return nil, err
		}
	}
	if len(rest) == 0 && c.method != http.MethodGet {
		return nil, errMethod(c.method) // a lookup is cleared by …/$ref
	}
	x, ok := r.ref(nav.rel.Column)
	if !ok || !nav.leadsTo(x.table) || c.view.target(x) == nil {
		if c.method == http.MethodGet && len(rest) == 0 {
			return noContent(), nil
		}
		return nil, errSegment(nav.name)
	}
	return c.routeRow(&rowKey{table: x.table, id: x.id, hasID: true}, rest)
}

// lookupRef answers GET …/lookup/$ref.
func (c *call) lookupRef(r *record, nav *navigation) (*response, error) {
	if err := c.mayRetrieve(r); err != nil {
		return nil, err
	}
	x, ok := r.ref(nav.rel.Column)
	if !ok || !nav.leadsTo(x.table) {
		return noContent(), nil
	}
	b := append([]byte(nil), `{"@odata.context":`...)
	b = appendString(b, c.base+"/$metadata#$ref")
	b = append(b, `,"@odata.id":`...)
	b = appendString(b, c.url(x.table, x.id))
	return jsonResponse(http.StatusOK, append(b, '}')), nil
}

// operate calls a function or an action. A wrong verb is an unknown resource
// (DV011).
func (c *call) operate(op *operation, seg segment, t *Table, r *record) (*response, error) {
	want := http.MethodGet
	if op.action {
		want = http.MethodPost
	}
	if c.method != want {
		return nil, errNoResource(c.base + "/" + c.path)
	}
	c.params = map[string]string{}
	if seg.hasKey && strings.TrimSpace(seg.key) != "" {
		for _, item := range splitTop(seg.key, ',') {
			name, value, ok := strings.Cut(item, "=")
			if !ok {
				return nil, errQuery("The parameters of '%s' are not valid: '%s'.", seg.name, item)
			}
			value = strings.TrimSpace(value)
			if strings.HasPrefix(value, "@") {
				value = c.alias(value)
			}
			c.params[strings.TrimSpace(name)] = value
		}
	}
	return op.run(c, t, r)
}

func (op *operation) isFor(t *Table) bool {
	if op.tables == nil {
		return true
	}
	for _, name := range op.tables {
		if name == t.LogicalName {
			return true
		}
	}
	return false
}
