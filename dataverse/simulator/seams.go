package simulator

import (
	"net/http"
)

// This file holds what security, metadata, batch, faults, hooks, strict mode
// and Entra fill in; each piece moves to the file of its subject.

// seams is further state of a Server.
type seams struct{}

func (s *Server) initSeams() {}

// actor is who a request acts as.
type actor struct {
	// user is the systemuser whose rights and name count, after
	// impersonation.
	user guid
	// behalf is the real caller when impersonating, else zero.
	behalf guid
}

// Verb is one of the eight things that a role can allow.
type Verb string

// The verbs.
const (
	Create   Verb = "Create"
	Read     Verb = "Read"
	Write    Verb = "Write"
	Delete   Verb = "Delete"
	Append   Verb = "Append"
	AppendTo Verb = "AppendTo"
	Assign   Verb = "Assign"
	Share    Verb = "Share"
)

// authenticate gives the caller of a request, or a 401 or 403. It opens its
// own view of the store.
func (s *Server) authenticate(c *call) (*actor, error) {
	return &actor{user: mustGUID(AdministratorID)}, nil
}

// adminToken gives a token of the administrator.
func (s *Server) adminToken() string { return s.Entra.Bearer(AdministratorEmail) }

// privilege refuses (403 0x80040220) what no role of the caller allows on any
// row of the table.
func (c *call) privilege(t *Table, verb Verb) error { return nil }

// access refuses (403 0x80048306) what the caller's roles, ownership and
// shares do not allow on this row.
func (c *call) access(r *record, verb Verb) error { return nil }

// visible gives a test for the rows of a table that the caller may read; nil
// if that is all of them.
func (c *call) visible(t *Table) func(*record) bool { return nil }

// mayReadColumn reports whether the caller sees a column; if not, it is null.
func (c *call) mayReadColumn(col *Column) bool { return true }

// mayQueryColumn refuses a condition on a column that the caller may not read.
func (c *call) mayQueryColumn(col *Column) error { return nil }

// mayCreateColumn and mayUpdateColumn refuse (403) a value for a secured
// column.
func (c *call) mayCreateColumn(col *Column) error { return nil }

func (c *call) mayUpdateColumn(col *Column) error { return nil }

// before runs hooks before a message ("Create", "Update", "Delete",
// "Associate", "Disassociate") changes the store; old is nil for Create. The
// hooks may change d, which is nil for Delete.
func (c *call) before(message string, t *Table, id guid, old *record, d *draft) error { return nil }

// after runs hooks after a message changed the store, in the same transaction.
func (c *call) after(message string, t *Table, id guid, now *record) error { return nil }

// Finding is what strict mode reports.
type Finding struct {
	// Rule is the kind of finding, such as "odata-version-missing".
	Rule string
	// Message says what was wrong with which request.
	Message string
}

// strict reports a finding; it never changes the answer.
func (c *call) strict(rule, format string, args ...any) {}

// beforeFaults asks the fault script. stop: the answer has been given (or the
// connection ended). after, if not nil, is called with the response and may
// answer in its stead, then it reports true.
func (s *Server) beforeFaults(w http.ResponseWriter, r *http.Request, c *call) (after func(*response) bool, stop bool) {
	return nil, false
}

// serveEntra answers everything that is not under /api/data/.
func (s *Server) serveEntra(w http.ResponseWriter, r *http.Request) { s.Entra.ServeHTTP(w, r) }

// entraUser finds a person of the directory among the systemusers.
func (s *Server) entraUser(tenantID, emailOrObjectID string) (EntraUser, bool) {
	return EntraUser{}, false
}

// serveBatch answers POST $batch. It runs without a view or a transaction; for
// each part it makes a call with newPart and gives it to s.serve, and for a
// change set it opens s.store.write and sets tx on the parts.
func (s *Server) serveBatch(c *call) (*response, error) { return nil, errNotModelled("$batch") }

// serveMetadata answers EntityDefinitions and its like; segments is the split
// path.
func (c *call) serveMetadata(segments []segment) (*response, error) {
	return nil, errNotModelled(segments[0].name)
}

// serviceDocument answers the service root, csdl answers $metadata.
func (c *call) serviceDocument() (*response, error) {
	return nil, errNotModelled("the service document")
}
func (c *call) csdl() (*response, error) { return nil, errNotModelled("$metadata") }

// fetchXML answers GET set?fetchXml=….
func (c *call) fetchXML(t *Table, query string) (*response, error) {
	return nil, errNotModelled("fetchXml")
}

// operation is a function or an action.
type operation struct {
	// action is called by POST with parameters in the body; a function by GET
	// with parameters in the path (call.params).
	action bool
	// bound says what stands before the name: "" nothing, "row" a row, "set"
	// an entity set.
	bound string
	// tables are the logical names that a bound operation is for; nil: all.
	tables []string
	// run answers. t is nil for unbound operations, r is set for "row".
	run func(c *call, t *Table, r *record) (*response, error)
}

// operations are the functions and actions by short name.
var operations = map[string]*operation{}
