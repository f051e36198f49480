package simulator

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// serveBatch answers POST $batch (fact sheet, section 5). It runs without a
// view or a transaction: each operation opens its own, and a change set has
// one for all its operations.
func (s *Server) serveBatch(c *call) (*response, error) {
	if c.method != http.MethodPost {
		return nil, errMethod(c.method)
	}
	items, notes, err := parseBatch(c.body, c.header.Get("Content-Type"))
	for _, n := range notes {
		c.strict("batch-format", "%s", n)
	}
	if err != nil {
		return nil, batchError(err)
	}
	for _, it := range items {
		c.operations += len(it.ops)
	}
	w := newPartWriter("batchresponse_")
	status := http.StatusOK
	for _, it := range items {
		failed := 0
		if it.changeSet {
			failed = s.serveChangeSet(c, it.ops, w)
		} else {
			resp := s.servePart(c.part(it.ops[0]), it.ops[0])
			w.operation("", resp)
			if resp.status >= http.StatusBadRequest {
				failed = resp.status
			}
		}
		if failed != 0 && !c.prefer.continueOnError {
			status = failed
			break
		}
	}
	resp := &response{status: status, contentType: "multipart/mixed; boundary=" + w.boundary, body: w.close()}
	if c.prefer.continueOnError {
		resp.applied = append(resp.applied, "odata.continue-on-error")
	}
	return resp, nil
}

// batchError words what is wrong with a batch as a whole.
func batchError(err error) error {
	var syntax *batchSyntaxError
	switch {
	case errors.Is(err, errTooManyOperations):
		return failf(http.StatusBadRequest, codeNone, "Batch size exceeded. The maximum number of requests allowed in a batch is %d.", maxBatchOperations)
	case errors.Is(err, errGetInChangeSet):
		return batchPayload("Microsoft.OData.ODataException: An invalid HTTP method 'GET' was detected for a request in a change set. Requests in change sets only support the HTTP methods 'POST', 'PUT', 'DELETE', and 'PATCH'.")
	case errors.Is(err, errNestedBatch):
		return batchPayload("Microsoft.OData.ODataException: A batch request cannot contain another batch request.")
	case errors.As(err, &syntax):
		return batchPayload(syntax.msg)
	}
	return err
}

func batchPayload(text string) error {
	return failf(http.StatusBadRequest, codePayload,
		"Error identified in Payload provided by the user for Entity :'$batch', For more information on this error please follow this help link https://go.microsoft.com/fwlink/?linkid=2195293  ---->  InnerException : %s", text)
}

// serveChangeSet runs the operations of a change set in one transaction. If
// one fails all are undone, and the set is answered by exactly one part: the
// failure, with its Content-ID. It returns the status of the failure, or 0.
func (s *Server) serveChangeSet(c *call, ops []*batchOp, w *partWriter) int {
	var done []*response
	var failure *response
	contentID := ""
	ids := map[string]string{}
	_ = s.store.write(func(tx *txn) error {
		for _, op := range ops {
			part := c.part(op)
			part.tx, part.view, part.contentID = tx, &tx.view, ids
			resp := s.servePart(part, op)
			if resp.status >= http.StatusBadRequest {
				failure, contentID = resp, op.contentID
				return errors.New("the change set failed")
			}
			if op.contentID != "" {
				ids["$"+op.contentID] = writtenPath(part, resp)
			}
			done = append(done, resp)
		}
		return nil
	})
	set := newPartWriter("changesetresponse_")
	if failure != nil {
		set.operation(contentID, failure)
		w.changeSet(set)
		return failure.status
	}
	for i, resp := range done {
		set.operation(ops[i].contentID, resp)
	}
	w.changeSet(set)
	return 0
}

// writtenPath is what "$1" stands for: the address, below the root, of what an
// operation wrote.
func writtenPath(part *call, resp *response) string {
	if part.written != nil {
		return part.written.table.EntitySet + "(" + part.written.id.String() + ")"
	}
	if rest, ok := strings.CutPrefix(resp.entityID, part.base+"/"); ok {
		return rest
	}
	return part.path
}

// errContentID is the answer to a reference ("$1") to an operation that is not
// there or comes later (DV025).
func errContentID(name string) error {
	return failf(http.StatusBadRequest, codeNone, "Content-ID Reference: '%s' does not exist in the batch context.", name)
}

// part makes the call of one operation. Headers are the operation's own, but
// for what says who calls: the token, and impersonation where the part has
// none (FACTS.md, batch).
func (c *call) part(op *batchOp) *call {
	h := op.header.Clone()
	h.Del("Content-Id")
	p := &call{
		server: c.server, method: op.method, base: c.base, header: h, body: op.body, caller: c.caller,
		now: c.now, prefer: parsePrefer(h), inBatch: true, batch: c,
	}
	h.Set("Authorization", c.header.Get("Authorization"))
	for _, name := range []string{"Callerobjectid", "Mscrmcallerid"} {
		if h.Get("CallerObjectId") == "" && h.Get("MSCRMCallerID") == "" && c.header.Get(name) != "" {
			h.Set(name, c.header.Get(name))
		}
	}
	return p
}

// servePart locates the target of an operation and runs it. A target that
// begins with "$1" stays as it is: routing resolves it.
func (s *Server) servePart(part *call, op *batchOp) *response {
	err := part.locate(op.target)
	s.recordPart(part.batch, part, op.target)
	if err == nil {
		err = s.partCaller(part)
	}
	if err == nil {
		err = s.partFault(part)
	}
	var resp *response
	if err != nil {
		resp = part.errorResponse(err)
	} else {
		part.strictHeaders()
		resp = s.serve(part)
	}
	part.entry.finish(s, resp.status)
	return traced(resp)
}

// partCaller asks who calls again where a part names somebody of its own.
func (s *Server) partCaller(part *call) error {
	if part.header.Get("CallerObjectId") == part.batch.header.Get("CallerObjectId") &&
		part.header.Get("MSCRMCallerID") == part.batch.header.Get("MSCRMCallerID") {
		return nil
	}
	if part.tx == nil {
		var err error
		part.caller, err = s.authenticate(part)
		return err
	}
	user := part.batch.caller.user
	if part.batch.caller.behalf != (guid{}) {
		user = part.batch.caller.behalf
	}
	who, err := s.impersonate(part.view, part.header, user)
	part.caller = who
	return err
}

// traced adds the id by which support finds an error.
func traced(resp *response) *response {
	if resp.status >= http.StatusBadRequest {
		if resp.header == nil {
			resp.header = http.Header{}
		}
		resp.header["REQ_ID"] = []string{newGUID().String()}
	}
	return resp
}

// locate takes the path and query out of an absolute, path-absolute or bare
// relative URL.
func (c *call) locate(target string) error {
	u := target
	if i := strings.Index(u, "://"); i >= 0 {
		slash := strings.IndexByte(u[i+3:], '/')
		if slash < 0 {
			return errSegment(target)
		}
		u = u[i+3+slash:]
	}
	u, query, _ := strings.Cut(u, "?")
	if len(target) > 65536 {
		return errQuery("Invalid URI: The Uri string is too long.")
	}
	if strings.HasPrefix(u, "/") {
		rest, ok := strings.CutPrefix(u, "/api/data/v9.")
		_, path, found := strings.Cut(rest, "/")
		if !ok || !found && path == "" && rest == "" {
			return errSegment(strings.Trim(u, "/"))
		}
		u = path
	}
	c.path, c.rawQuery = strings.ReplaceAll(u, " ", "%20"), strings.ReplaceAll(query, " ", "%20")
	if _, err := url.PathUnescape(c.path); err != nil {
		return errQuery("Invalid URI: %s", target)
	}
	return nil
}

// partWriter writes a multipart response.
type partWriter struct {
	boundary string
	b        bytes.Buffer
}

func newPartWriter(prefix string) *partWriter {
	return &partWriter{boundary: prefix + newGUID().String()}
}

func (w *partWriter) operation(contentID string, r *response) {
	fmt.Fprintf(&w.b, "--%s\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n", w.boundary)
	if contentID != "" {
		fmt.Fprintf(&w.b, "Content-ID: %s\r\n", contentID)
	}
	fmt.Fprintf(&w.b, "\r\nHTTP/1.1 %d %s\r\n", r.status, http.StatusText(r.status))
	streamed := r.status == http.StatusOK && r.contentType == jsonType
	r.each(func(name, value string) {
		if streamed && name == "Content-Type" {
			value += "; odata.streaming=true"
		}
		fmt.Fprintf(&w.b, "%s: %s\r\n", name, value)
	})
	w.b.WriteString("\r\n")
	w.b.Write(r.body)
	w.b.WriteString("\r\n")
}

func (w *partWriter) changeSet(set *partWriter) {
	fmt.Fprintf(&w.b, "--%s\r\nContent-Type: multipart/mixed; boundary=%s\r\n\r\n", w.boundary, set.boundary)
	w.b.Write(set.close())
}

func (w *partWriter) close() []byte {
	fmt.Fprintf(&w.b, "--%s--\r\n", w.boundary)
	return w.b.Bytes()
}
